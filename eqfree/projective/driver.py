"""The driver of projective integration: the loop over steps that a scheme supplies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import Key, NotFiniteError
from eqfree.fields import OutOfBoundsError, check_bounds
from eqfree.results import Cost, Status, Trajectory
from eqfree.stepper import CoarseTimeStepper

__all__ = [
    "Method",
    "ProjectiveState",
    "Step",
    "check_healing",
    "check_times",
    "iter_projective",
    "solve_projective",
]


@dataclass(frozen=True)
class Step:
    """What a scheme answers: how far it went, the state there, the noise that the step added, and its cost."""

    duration: float
    macro: NDArray[np.float64]
    stderr: NDArray[np.float64]
    cost: Cost


class Method(Protocol):
    """A projective scheme: a frozen set of options and one step."""

    @property
    def order(self) -> int:
        """The declared order of accuracy in the step."""
        ...

    def advance(self, stepper: CoarseTimeStepper, macro: NDArray[np.float64], remaining: float, key: Key) -> Step:
        """One step from ``macro``, no longer than ``remaining``, with noise ``key``."""
        ...


def check_times(step: float, burst: float, bursts: int) -> None:
    """Refuse a step that its bursts would cover: what every scheme asks of its options.

    Raises
    ------
    ValueError
        Unless ``step > bursts * burst > 0``, finite.

    Examples
    --------
    >>> check_times(step=1.0, burst=0.1, bursts=2)
    """
    if not (np.isfinite(step) and burst > 0):
        raise ValueError(f"`step` and `burst` must be positive times: got step={step}, burst={burst}.")
    if not step > bursts * burst:
        what = "burst that it begins with" if bursts == 1 else f"{bursts} bursts that it makes"
        raise ValueError(
            f"`step` must exceed the {what}: got step={step:g} with burst={burst:g}. "
            "Lengthen `step`, shorten `burst`, or simulate plainly with `stepper.simulate`."
        )


def check_healing(burst: float, healing: float) -> None:
    """Refuse a burst of which healing leaves nothing to read.

    Raises
    ------
    ValueError
        Unless ``burst > healing``.

    Examples
    --------
    >>> check_healing(burst=1.0, healing=0.5)
    """
    if not burst > healing:
        raise ValueError(
            f"`burst` must exceed the stepper's healing: got burst={burst:g} with healing={healing:g}. "
            "Lengthen `burst`."
        )


@dataclass(frozen=True)
class ProjectiveState:
    """All that the driver carries from step to step.

    Attributes
    ----------
    number
        Steps made: the part of the key that is the driver's own.
    time, macro
        Where it is.
    variance
        Of ``macro``: the squared standard errors of the steps, added up.
    cost
        Spent so far.
    """

    number: int
    time: float
    macro: NDArray[np.float64]
    variance: NDArray[np.float64]
    cost: Cost = field(default_factory=Cost)

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays, from which `from_arrays` makes the same state again."""
        return {name: np.asarray(value) for name, value in (vars(self) | vars(self.cost)).items() if name != "cost"}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ProjectiveState:
        """The state that `to_arrays` was asked of."""
        cost = Cost(
            bursts=int(arrays["bursts"]),
            micro_time=float(arrays["micro_time"]),
            agent_updates=float(arrays["agent_updates"]),
            wall=float(arrays["wall"]),
        )
        return cls(int(arrays["number"]), float(arrays["time"]), arrays["macro"], arrays["variance"], cost)


def _next(stepper: CoarseTimeStepper, method: Method, end: float, state: ProjectiveState, key: Key) -> ProjectiveState:
    remaining = end - state.time
    step = method.advance(stepper, state.macro, remaining, (*key, state.number))
    check_bounds(stepper.fields, step.macro)
    at_end = remaining - step.duration <= 1e-6 * step.duration  # what is left is the round-off of many steps
    return ProjectiveState(
        number=state.number + 1,
        time=end if at_end else state.time + step.duration,
        macro=step.macro,
        variance=state.variance + step.stderr**2,
        cost=state.cost + step.cost,
    )


def iter_projective(
    stepper: CoarseTimeStepper, end: float, state: ProjectiveState, method: Method, key: Key = ()
) -> Iterator[ProjectiveState]:
    """The states after each step from ``state`` on until time ``end``.

    A pure function from state to state: a loop that stops anywhere and goes on from the state's arrays gives
    the same bits.

    >>> import eqfree as ef
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> start = ProjectiveState(0, 0.0, np.array([1.0]), np.zeros(1))
    >>> states = iter_projective(ef.CoarseTimeStepper(decay), 1.0, start, ef.projective.Euler(0.5, 0.1))
    >>> [state.time for state in states]
    [0.5, 1.0]
    """
    while state.time < end:
        state = _next(stepper, method, end, state, key)
        yield state


def solve_projective(
    stepper: CoarseTimeStepper,
    t_span: tuple[float, float],
    macro0: ArrayLike,
    method: Method,
    key: Key = (),
) -> Trajectory:
    """Integrate the unknown macroscopic equation by short bursts and long leaps.

    Parameters
    ----------
    stepper
        The coarse time-stepper.
    t_span
        Beginning and end, increasing, in the model's time unit.
    macro0
        The macro state at the beginning, an array of any shape.
    method
        A scheme with its options, such as `eqfree.projective.Euler`.
    key
        Which noise; step ``n`` uses ``(*key, n)``.

    Returns
    -------
    Trajectory
        The macro states at the ends of the steps. Its standard error adds up the noise of the steps; how the
        flow between them shrinks or stretches earlier noise is not in it. If the micro-model returns what is
        not finite, or a step leaves the bounds of the fields, `status` says so and everything before is there.

    Raises
    ------
    ValueError
        For a time span that does not increase, or a first macro state that cannot be lifted.

    References
    ----------
    C. W. Gear and I. G. Kevrekidis, SIAM J. Sci. Comput. 24 (2003) 1091, doi:10.1137/S1064827501388157.

    Examples
    --------
    >>> import eqfree as ef
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> result = ef.solve_projective(ef.CoarseTimeStepper(decay), (0.0, 1.0), [1.0], ef.projective.Euler(0.1, 0.01))
    >>> result.success, result.cost.bursts
    (True, 10)
    """
    begin, end = map(float, t_span)
    if not (np.isfinite([begin, end]).all() and begin < end):
        raise ValueError(f"`t_span` must be (beginning, end), finite and increasing: got {tuple(t_span)}.")
    macro = np.array(macro0, dtype=np.float64)
    check_bounds(stepper.fields, macro)
    states = [ProjectiveState(0, begin, macro, np.zeros_like(macro))]
    status, detail = Status.SUCCESS, ""
    try:
        for state in iter_projective(stepper, end, states[0], method, key):
            states.append(state)
    except NotFiniteError as error:
        status, detail = Status.NOT_FINITE, " ".join([str(error), *getattr(error, "__notes__", [])])
    except OutOfBoundsError as error:
        status, detail = Status.INFEASIBLE, str(error)
    return Trajectory(
        times=np.array([state.time for state in states]),
        macro=np.array([state.macro for state in states]),
        stderr=np.sqrt([state.variance for state in states]),
        cost=states[-1].cost,
        status=status,
        detail=detail,
        fields=stepper.fields,
    )
