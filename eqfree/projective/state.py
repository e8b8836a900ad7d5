"""What the driver carries from step to step, and what a scheme has to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, nan
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.fields import check_bounds
from eqfree.projective.bursts import Bursts
from eqfree.projective.estimators import Estimate
from eqfree.projective.feasible import Region
from eqfree.projective.groups import divide, mean, stderr
from eqfree.results import Cost
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Method", "ProjectiveState", "Step", "check_times"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ProjectiveState:
    """All that the driver carries from step to step.

    Attributes
    ----------
    number
        Steps made: the part of the key that is the driver's own.
    time
        Where it is.
    groups : (group, ...)
        The macro states of the groups of replicas.
    sizes : (group,)
        How many replicas they have.
    totals : (group, total)
        What they conserve.
    truncation : (...)
        The estimate of the truncation error, added up, where the method makes one.
    span : (2,)
        Beginning and end of the run, over which a method that chooses its steps divides the error that it may make; an
        end that is NaN is the one that the run is asked for. A run that goes on beyond its end has the later one.
    step
        That a method which chooses its steps tries next; 0 before the first.
    exact
        Whether the model is deterministic.
    restored, moved, simulated
        As in `Trajectory`.
    cost
        Spent so far.
    """

    number: int
    time: float
    groups: Array
    sizes: NDArray[np.int64]
    totals: Array
    truncation: Array
    span: Array
    step: float = 0.0
    exact: bool = False
    restored: int = 0
    moved: float = 0.0
    simulated: int = 0
    cost: Cost = field(default_factory=Cost)

    @classmethod
    def begin(
        cls, stepper: CoarseTimeStepper, time: float, macro: ArrayLike, groups: int | None = None, end: float = nan
    ) -> ProjectiveState:
        """The state before the first step, all groups in one macro state.

        Raises
        ------
        ValueError
            For a macro state that cannot be lifted, or more groups than replicas.

        Examples
        --------
        >>> import eqfree as ef
        >>> noise = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u + rng.normal(), lambda u: u)
        >>> ProjectiveState.begin(ef.CoarseTimeStepper(noise), 0.0, [1.0, 2.0]).groups.shape
        (8, 2)
        """
        array = np.array(macro, dtype=np.float64)
        check_bounds(stepper.fields, array)
        sizes = divide(stepper, groups)
        rows = np.repeat(array[None], len(sizes), axis=0)
        totals = Region.of(stepper, array.shape).totals(rows)
        span = np.array([time, end], dtype=np.float64)
        return cls(0, float(time), rows, sizes, totals, np.zeros_like(array), span, exact=stepper.deterministic)

    @property
    def macro(self) -> Array:
        """The mean over replicas."""
        return mean(self.groups, self.sizes)

    @property
    def stderr(self) -> Array:
        """Of the mean: from the spread of the groups, with all that scheme and flow have made of their noise.

        Before the first step there is none.
        """
        return np.zeros(self.groups.shape[1:]) if self.exact or not self.number else stderr(self.groups, self.sizes)

    @property
    def degrees(self) -> float:
        """Of freedom behind the standard error."""
        return inf if self.exact else len(self.sizes) - 1

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays, from which `from_arrays` makes the same state again."""
        return {name: np.asarray(value) for name, value in (vars(self) | vars(self.cost)).items() if name != "cost"}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ProjectiveState:
        """The state that `to_arrays` was asked of."""
        values: dict[str, Any] = {
            name: array.item() if np.ndim(array) == 0 and name != "truncation" else np.array(array)
            for name, array in arrays.items()
        }
        cost = Cost(**{name: values.pop(name) for name in vars(Cost())})
        return cls(**values, cost=cost)


@dataclass(frozen=True, eq=False)
class Step:
    """What a scheme answers.

    Attributes
    ----------
    duration
        How far it went; negative back in time.
    groups : (group, ...)
        The macro states there.
    first
        What the first burst said, if it was made for a slope.
    simulated
        Whether the step was simulated plainly.
    error : (group, ...) or None
        By how much the embedded scheme ends elsewhere.
    ends, errors : (group, replica, ...) or None
        Where the noise of single replicas would have ended the step, and its embedded error, where noise is paired.
    truncation : (...) or None
        Estimate of the step's truncation error, signless.
    sizes, proposed
        Replicas and length of the next step, of a method that chooses them.
    spent
        Whether a budget ended the run before the step, which then is none.
    """

    duration: float
    groups: Array
    first: Estimate | None = None
    simulated: bool = False
    error: Array | None = None
    ends: Array | None = None
    errors: Array | None = None
    truncation: Array | None = None
    sizes: NDArray[np.int64] | None = None
    proposed: float | None = None
    spent: bool = False


class Method(Protocol):
    """A projective scheme: a frozen set of options and one step."""

    @property
    def order(self) -> int:
        """The declared order of accuracy in the step."""
        ...

    @property
    def step(self) -> float:
        """The length of its steps, or of the first one."""
        ...

    def look(self, bursts: Bursts, state: ProjectiveState) -> Estimate:
        """The slope at a state."""
        ...

    def advance(self, bursts: Bursts, state: ProjectiveState, duration: float) -> Step:
        """One step from ``state``, no longer than ``duration``, which is negative back in time."""
        ...


def check_times(step: float, burst: float) -> None:
    """Refuse a step that its first burst would cover: what every scheme asks of its options.

    Raises
    ------
    ValueError
        Unless ``step > burst > 0``, finite.

    Examples
    --------
    >>> check_times(step=1.0, burst=0.1)
    """
    if not (np.isfinite(step) and burst > 0):
        raise ValueError(f"`step` and `burst` must be positive times: got step={step}, burst={burst}.")
    if not step > burst:
        raise ValueError(
            f"`step` must exceed the burst that it begins with: got step={step:g} with burst={burst:g}. "
            "Lengthen `step`, shorten `burst`, or simulate plainly with `stepper.simulate`."
        )
