"""Newton's method for the values at the end of an implicit step, or for steady ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from eqfree.ensemble import Key
from eqfree.hmm.closure import Answer, Closure
from eqfree.hmm.diffusion.discretisation import Discretisation
from eqfree.results import Cost

__all__ = ["Solved", "factorised", "solve"]

Array: TypeAlias = NDArray[np.float64]

_MOST = 50  # iterations
_HALVINGS = 12  # of a correction that makes the residual larger
_EPSILON = 1e-15  # of the sum of what cancels
_ROUND_OFF = 1e-9  # of what flows: a residual that no longer falls below this is round-off


@dataclass(frozen=True, eq=False)
class Solved:
    """What Newton's method ended with.

    Attributes
    ----------
    values : (dof,)
        The solution, or the last attempt.
    converged
        Whether it is the solution.
    residual
        Sum of what is left at the degrees of freedom that are free, over the sum of what flows there.
    iterations
        Corrections made.
    inflows
        What enters through each boundary, per time.
    stored
        What is taken up inside, per time.
    made
        What the source makes, per time.
    answer
        The closure's last one.
    cost
        Of all its answers.
    """

    values: Array
    converged: bool
    residual: float
    iterations: int
    inflows: Mapping[str, float]
    stored: float
    made: float
    answer: Answer
    cost: Cost


@dataclass(frozen=True, eq=False)
class _Here:
    values: Array
    forces: Array  # (dof,): zero at the solution
    scale: float  # of what flows
    floor: float  # below which forces are round-off
    matrix: sparse.csr_array
    stored: float
    answer: Answer


def solve(
    discretisation: Discretisation,
    closure: Closure,
    start: Array,
    *,
    rtol: float,
    base: Array | None = None,
    rate: float = 0.0,
    key: Key = (),
) -> Solved:
    """Find the values at which rate · capacity (u - base) + div q = source.

    Parameters
    ----------
    discretisation, closure
        What is solved.
    start : (dof,)
        Where to begin; what is fixed is put in its place.
    rtol
        Residual wanted, over what flows.
    base, rate
        Values (dof,) at the beginning of an implicit step, and one over its length; by default it is steady.
    key
        Which noise the closure has.

    Raises
    ------
    ValueError
        As `Discretisation.linearise`, and if the equations have no single solution.
    """
    free, cost = discretisation.free, Cost()

    def at(values: Array) -> _Here:
        nonlocal cost
        here = _forces(discretisation, closure, values, base, rate, key)
        cost += here.answer.cost
        return here

    here, iterations, before = at(discretisation.fix(start)), 0, np.inf
    while (left := _left(here, free)) > rtol and iterations < _MOST:
        if _size(here, free) <= here.floor or (before <= _ROUND_OFF and left > before / 2):
            break
        before = left
        change = -factorised(here.matrix[free][:, free])(here.forces[free])
        nearer = _nearer(here, free, change, at)
        if nearer is None:
            break
        here, iterations = nearer, iterations + 1
    left = _left(here, free)
    flows = {
        name: float(np.sum(load if matrix is None else load - matrix @ here.values))
        for name, (matrix, load) in discretisation.exchanged.items()
    }
    return Solved(
        values=here.values,
        converged=left <= max(rtol, _ROUND_OFF) or _size(here, free) <= here.floor,
        residual=left,
        iterations=iterations,
        inflows=flows | {name: float(here.forces[dofs].sum()) for name, dofs in discretisation.fixed.items()},
        stored=here.stored,
        made=float(discretisation.made.sum()),
        answer=here.answer,
        cost=cost,
    )


def factorised(matrix: sparse.csr_array) -> Callable[[Array], Array]:
    """The solution of a sparse system as a function of its right-hand side.

    Raises
    ------
    ValueError
        If the matrix is singular.
    """
    try:
        return splu(sparse.csc_array(matrix), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve
    except RuntimeError as error:
        raise ValueError(
            "The equations have no single solution: nothing is `Fixed` nor exchanged, or nothing conducts. "
            "Fix the value somewhere, or answer a flux that falls with the gradient."
        ) from error


def _forces(
    discretisation: Discretisation, closure: Closure, values: Array, base: Array | None, rate: float, key: Key
) -> _Here:
    told = discretisation.linearise(closure, values, key)
    forces, matrix = told.divergence - discretisation.made, told.matrix
    scale, stored = np.abs(told.divergence).sum() + np.abs(discretisation.made).sum(), 0.0
    for exchange, load in discretisation.exchanged.values():
        entering = load
        if exchange is not None:
            entering, matrix = load - exchange @ values, matrix + exchange
        forces, scale = forces - entering, scale + np.abs(entering).sum()
    if base is not None:
        kept = rate * (discretisation.mass @ (values - base))
        forces, matrix = forces + kept, matrix + rate * discretisation.mass
        scale, stored = scale + np.abs(kept).sum(), float(kept.sum())
    floor = _EPSILON * float((abs(matrix) @ np.abs(values)).sum())
    return _Here(values, forces, float(scale), floor, sparse.csr_array(matrix), stored, told.answer)


def _nearer(here: _Here, free: NDArray[np.intp], change: Array, at: Callable[[Array], _Here]) -> _Here | None:
    """After a correction, or its largest half, quarter and so on that makes less of the residual, if one does."""
    for halvings in range(_HALVINGS):
        values = here.values.copy()
        values[free] += change / 2**halvings
        there = at(values)
        if _size(there, free) < _size(here, free):
            return there
        if _left(here, free) <= _ROUND_OFF:
            break
    return None


def _size(here: _Here, free: NDArray[np.intp]) -> float:
    return float(np.abs(here.forces[free]).sum())


def _left(here: _Here, free: NDArray[np.intp]) -> float:
    return _size(here, free) / here.scale if here.scale > 0 else 0.0
