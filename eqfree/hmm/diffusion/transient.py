"""Diffusion in time: the loop over steps that a scheme supplies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import Key
from eqfree.hmm.diffusion.boundaries import Amount
from eqfree.hmm.diffusion.law import DiffusionLaw
from eqfree.hmm.diffusion.newton import Solved, solve
from eqfree.hmm.diffusion.schemes import ImplicitScheme, Sdirk2
from eqfree.hmm.diffusion.solution import imbalance, interpolated
from eqfree.journal import clock
from eqfree.results import Cost, Status

__all__ = ["DiffusionRun", "DiffusionState", "iter_diffusion", "solve_diffusion"]

Array: TypeAlias = NDArray[np.float64]

_ROUND_OFF = 1e-9  # of a step


@dataclass(frozen=True, eq=False)
class DiffusionState:
    """All that the driver carries from step to step.

    Attributes
    ----------
    number
        Steps made.
    time
        Where it is.
    values : (dof,)
        Of u.
    entered : (boundary,)
        What has entered through each boundary since the beginning, in the order in which the law names them.
    made, stored
        What the source has made, and what has been taken up inside, since the beginning.
    converged
        Whether Newton's method has so far.
    """

    number: int
    time: float
    values: Array
    entered: Array
    made: float = 0.0
    stored: float = 0.0
    converged: bool = True

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays, from which `from_arrays` makes the same state again."""
        return {name: np.asarray(value) for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DiffusionState:
        """The state that `to_arrays` was asked of."""
        return cls(
            number=int(arrays["number"]),
            time=float(arrays["time"]),
            values=arrays["values"],
            entered=arrays["entered"],
            made=float(arrays["made"]),
            stored=float(arrays["stored"]),
            converged=bool(arrays["converged"]),
        )


@dataclass(frozen=True, eq=False, repr=False)
class DiffusionRun:
    """A diffusion law integrated in time.

    Attributes
    ----------
    law
        What was integrated.
    states
        One for each time, the first included.
    cost
        Of the closure's answers, and the wall seconds of all.
    """

    law: DiffusionLaw
    states: tuple[DiffusionState, ...]
    cost: Cost

    @property
    def times(self) -> Array:
        """Of the states, (time,)."""
        return np.array([state.time for state in self.states])

    @property
    def values(self) -> Array:
        """Of u, (time, dof)."""
        return np.array([state.values for state in self.states])

    @property
    def entered(self) -> dict[str, Array]:
        """What has entered through each boundary since the beginning, (time,) each."""
        rows = np.array([state.entered for state in self.states])
        return dict(zip(self.law.boundaries, rows.T, strict=True))

    @property
    def stored(self) -> Array:
        """What has been taken up inside since the beginning, (time,)."""
        return np.array([state.stored for state in self.states])

    @property
    def imbalance(self) -> float:
        """The largest, over the times, of in + made - stored over all that has passed: round-off."""
        names = tuple(self.law.boundaries)
        return max(
            abs(imbalance(dict(zip(names, state.entered, strict=True)), state.made, state.stored))
            for state in self.states
        )

    @property
    def status(self) -> Status:
        """How it ended."""
        return Status.SUCCESS if self.states[-1].converged else Status.NO_BALANCE

    @property
    def success(self) -> bool:
        """Whether the end was reached."""
        return self.status.success

    @property
    def message(self) -> str:
        """How it ended, as a sentence."""
        return self.status.value

    def at(self, points: ArrayLike) -> Array:
        """Values of u at points (point, 2) -> (time, point).

        Raises
        ------
        ValueError
            For points outside the mesh.
        """
        return np.array([interpolated(self.law, state.values, points) for state in self.states])

    def __repr__(self) -> str:
        steps = f"{self.states[-1].number} steps to time {self.times[-1]:g}"
        return f"{self.message} {self.law.unknowns} unknowns, {steps}; in less out and stored {self.imbalance:.1e}"


def iter_diffusion(
    law: DiffusionLaw,
    end: float,
    state: DiffusionState,
    method: ImplicitScheme,
    *,
    rtol: float = 1e-12,
    told: Callable[[Solved], None] | None = None,
) -> Iterator[DiffusionState]:
    """The states after each step from ``state`` on until time ``end``, in equal steps no longer than the method's.

    A pure function from state to state: a loop that stops anywhere and goes on from the state's arrays gives the
    same bits, if it is told the same end and the steps left divide it alike. The key of a step's answers is its
    number and stage. It ends early where Newton's method fails, with that state.

    Raises
    ------
    ValueError
        For an end before the state, or values that do not fit the law.
    """
    if not (isfinite(end) and end >= state.time):
        raise ValueError(f"`end` must be finite, and no earlier than the state's time, {state.time:g}: got {end:g}.")
    if state.values.shape != (law.unknowns,):
        raise ValueError(f"A state must have {law.unknowns} values, as the law has: got shape {state.values.shape}.")
    left = ceil((end - state.time) / method.step - _ROUND_OFF)
    while left > 0 and state.converged:
        step = (end - state.time) / left
        state = _step(law, method, state, step, rtol, told)
        left -= 1
        if left == 0:
            state = replace(state, time=end)
        yield state


def solve_diffusion(
    law: DiffusionLaw,
    t_span: tuple[float, float],
    initial: Amount,
    *,
    method: ImplicitScheme | None = None,
    rtol: float = 1e-12,
) -> DiffusionRun:
    """Integrate a diffusion law in time, implicitly.

    *How to choose* ``method``: `Sdirk2`; `ImplicitEuler` after a jump, such as a start that does not fit what is
    fixed, which quadratic elements overshoot by a ninth and more: a table needs bounds that much wider. Its step: a
    tenth of the time scale that matters.

    Parameters
    ----------
    law
        What is integrated.
    t_span
        Beginning and end, increasing (s).
    initial
        u at the beginning: a number, or a function of positions (point, 2) -> (point,). What is `Fixed` jumps to its
        value in the first step.
    method
        `Sdirk2` or `ImplicitEuler` with their step; by default `Sdirk2` in a hundred steps.
    rtol
        Of Newton's method, as in `solve_steady`.

    Returns
    -------
    DiffusionRun
        A state after each step. What entered, was made and stored balances to round-off.

    Raises
    ------
    ValueError
        For times that do not increase, and as `solve_steady`.

    Examples
    --------
    >>> from eqfree.hmm import DiffusionLaw, Inflow, ResolvedFlux, rectangle
    >>> law = DiffusionLaw(
    ...     mesh=rectangle(1.0, 1.0, (2, 2)),
    ...     flux=ResolvedFlux(lambda position, u: (2.0 + 0 * u, None)),
    ...     boundaries={"left": Inflow(6.0)},
    ...     capacity=3.0,
    ... )
    >>> run = solve_diffusion(law, (0.0, 5.0), 0.0)
    >>> run.stored[-1].round(9), run.entered["left"][-1].round(9), bool(abs(run.imbalance) < 1e-12)
    (np.float64(30.0), np.float64(30.0), True)
    """
    if len(t_span) != 2 or not (np.isfinite(t_span).all() and t_span[0] < t_span[1]):
        raise ValueError(f"`t_span` must be (beginning, end), finite and increasing: got {tuple(t_span)}.")
    if not rtol > 0:
        raise ValueError(f"`rtol` must be positive: got {rtol!r}.")
    if method is not None and (isinstance(method, type) or not hasattr(method, "tableau")):
        raise ValueError(f"`method` must be a scheme with its step, such as Sdirk2(step=1.0): got {method!r}.")
    began, cost = clock(), Cost()

    def add(solved: Solved) -> None:
        nonlocal cost
        cost += replace(solved.cost, wall=0.0)

    begin, end = map(float, t_span)
    states = [DiffusionState(0, begin, law.nodal(initial), np.zeros(len(law.boundaries)))]
    states += iter_diffusion(law, end, states[0], method or Sdirk2((end - begin) / 100), rtol=rtol, told=add)
    return DiffusionRun(law, tuple(states), replace(cost, wall=clock() - began))


def _step(
    law: DiffusionLaw,
    method: ImplicitScheme,
    state: DiffusionState,
    step: float,
    rtol: float,
    told: Callable[[Solved], None] | None,
) -> DiffusionState:
    slopes, values = list[Array](), state.values
    entered, made, stored, converged = state.entered, state.made, state.stored, True
    rows = method.tableau
    stages = list[Solved]()
    for stage, row in enumerate(rows):
        base = state.values + step * sum((share * slope for share, slope in zip(row, slopes, strict=False)), 0.0)
        key: Key = (state.number, stage)
        rate = 1 / (row[-1] * step)
        solved = solve(law.discretisation, law.flux, values, rtol=rtol, base=base, rate=rate, key=key)
        if told is not None:
            told(solved)
        values = solved.values
        slopes.append((values - base) * rate)
        stages.append(solved)
        converged = converged and solved.converged
    for weight, solved in zip(rows[-1], stages, strict=True):
        entered = entered + weight * step * np.array([solved.inflows[name] for name in law.boundaries])
        made, stored = made + weight * step * solved.made, stored + weight * step * solved.stored
    return DiffusionState(state.number + 1, state.time + step, values, entered, made, stored, converged)
