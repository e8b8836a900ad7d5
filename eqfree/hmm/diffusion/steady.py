"""Steady states of diffusion."""

from __future__ import annotations

from dataclasses import replace

from eqfree.ensemble import Key
from eqfree.hmm.diffusion.boundaries import Amount
from eqfree.hmm.diffusion.law import DiffusionLaw
from eqfree.hmm.diffusion.newton import solve
from eqfree.hmm.diffusion.solution import DiffusionSolution
from eqfree.journal import clock

__all__ = ["solve_steady"]


def solve_steady(
    law: DiffusionLaw, initial: Amount | None = None, *, rtol: float = 1e-12, key: Key = ()
) -> DiffusionSolution:
    """Where as much of everything enters as leaves, by Newton's method with the closure's derivative.

    One iteration where the flux is linear, and quadratic convergence otherwise; a correction that makes the residual
    larger is halved. All points are asked at once, in each iteration.

    *How to choose* ``initial``: not at all, at first. A number of your own must be one for which the closure answers;
    where it does not fit what is fixed, quadratic elements overshoot it by a ninth of the jump.

    Parameters
    ----------
    law
        What is solved.
    initial
        Where to begin: a number, or a function of positions (point, 2) -> (point,); by default what a uniform medium
        would do, which stays between what is fixed and what is outside.
    rtol
        What may be missing at the degrees of freedom in sum, over the sum of what flows there. Round-off stops
        earlier where conductivities are far apart; a residual above 1e-9 counts as failure.
    key
        Which noise, where the closure has any.

    Raises
    ------
    ValueError
        If no steady state is determined, since nothing is fixed nor exchanged; for a tolerance that is not positive;
        and as the closure does.

    Examples
    --------
    >>> from eqfree.hmm import DiffusionLaw, Exchange, Inflow, ResolvedFlux, rectangle
    >>> law = DiffusionLaw(
    ...     mesh=rectangle(1.0, 1.0, (2, 2)),
    ...     flux=ResolvedFlux(lambda position, u: (2.0 + 0 * u, None)),
    ...     boundaries={"left": Inflow(6.0), "right": Exchange(3.0, 10.0)},
    ... )
    >>> solve_steady(law).at([[0.0, 0.5], [1.0, 0.5]]).round(12)
    array([15., 12.])
    """
    if not law.steady:
        raise ValueError("No steady state is determined: no boundary is `Fixed` or an `Exchange`. Make one of them so.")
    if not rtol > 0:
        raise ValueError(f"`rtol` must be positive: got {rtol!r}.")
    began = clock()
    start = law.undisturbed() if initial is None else law.nodal(initial)
    solved = solve(law.discretisation, law.flux, start, rtol=rtol, key=key)
    return DiffusionSolution(law, solved, replace(solved.cost, wall=clock() - began))
