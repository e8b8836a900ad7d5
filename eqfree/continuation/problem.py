"""What is followed, and how: the problem of a branch, its steps, and what is read of a point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf, isfinite, sqrt
from numbers import Integral, Real
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import Symmetry, TimeShift
from eqfree.ensemble import Key
from eqfree.fields import OutOfBoundsError, short
from eqfree.fixed_points import Newton, NewtonKrylov
from eqfree.fixed_points.equations import StepperOf
from eqfree.micro import Carried
from eqfree.results import BranchPoint
from eqfree.stepper import CoarseTimeStepper

__all__ = ["BranchProblem", "Domain", "Measure", "PseudoArclength", "Steps", "carrying"]

Array: TypeAlias = NDArray[np.float64]
Measure: TypeAlias = Callable[[Array], ArrayLike]
Domain: TypeAlias = Callable[[Array, float], float]

_ROUND_OFF = 1e-9  # of the unit of the parameter


@dataclass(frozen=True)
class Steps:
    """How a branch is stepped along, in arclength.

    A step's length is the root of the mean squared change of the macro state, in units of its scales, and of the change
    of the parameter, in units of `unit`. A noisy branch first tries a step of at least five standard errors: two points
    nearer than that do not say where it goes.

    Parameters
    ----------
    first, smallest, largest
        Length of the first step, and between which steps are chosen: longer where Newton's method converges at once,
        shorter where the branch turns by more than ``turn`` or the method fails. The largest may be a function of the
        point that is stepped from.
    unit
        Change of the parameter that counts as one.
    turn
        Largest angle between two tangents (radians).
    points
        Most points, the first included.
    budget
        Most simulated time, in the model's unit, summed over replicas: no point is begun beyond.

    Raises
    ------
    ValueError
        If they are not positive, or in another order.

    Examples
    --------
    >>> Steps(first=0.1, smallest=0.2)
    Traceback (most recent call last):
    ValueError: Steps must have 0 < smallest <= first <= largest: got smallest=0.2, first=0.1, largest=0.1.
    """

    first: float = 0.05
    smallest: float | None = None
    largest: float | Callable[[BranchPoint], float] | None = None
    unit: float = 1.0
    turn: float = 0.5
    points: int = 100
    budget: float = inf

    def __post_init__(self) -> None:
        longest = self.first if self.largest is None or callable(self.largest) else self.largest
        if not 0 < self.shortest <= self.first <= longest < inf:
            raise ValueError(
                f"Steps must have 0 < smallest <= first <= largest: got smallest={self.shortest:g}, "
                f"first={self.first:g}, largest={longest:g}."
            )
        if not (isfinite(self.unit) and self.unit > 0):
            raise ValueError(f"`unit` of the parameter must be positive: got {self.unit}.")
        if not 0 < self.turn < 1.5:
            raise ValueError(f"`turn` must lie between 0 and 1.5 radians: got {self.turn}.")
        if not isinstance(self.points, Integral) or self.points < 1:
            raise ValueError(f"A branch has at least one of its `points`, a whole number: got {self.points}.")
        if not self.budget > 0:
            raise ValueError(f"`budget` must be positive: got {self.budget}.")

    @property
    def shortest(self) -> float:
        """The smallest step: by default a thousandth of the first."""
        return self.first / 1000 if self.smallest is None else self.smallest

    def longest(self, point: BranchPoint) -> float:
        """The largest step from a point: by default the first."""
        if callable(self.largest):
            return max(float(self.largest(point)), self.shortest)
        return self.first if self.largest is None else self.largest


@dataclass(frozen=True, eq=False)
class PseudoArclength:
    """Pseudo-arclength continuation: predict along the tangent, correct across it by Newton's method.

    The corrector solves F(z) = 0 with t·(z - z_predicted) = 0 for state and parameter together, so that a fold is a
    point like any other. The tangent t is the null vector of the derivative; where noise turns that by more than 0.05
    radians, the direction of a parabola through the last points.

    *How to choose.* ``duration``: as for `find_fixed_point`. ``steps``: such that the branch turns little in one; noise
    forbids steps shorter than five standard errors of a point, which asks for more replicas where it is curved.

    Parameters
    ----------
    duration
        Between the two readings; with a symmetry, a guess at the period.
    span
        Smallest and largest parameter.
    steps
        How the branch is stepped along.
    measure
        What is read of a steady state besides, such as the number that a picture shows; by default all numbers.
    domain
        ``domain(macro, parameter)`` is negative where the branch ends, besides the bounds of the model's fields.
    carry
        At every n-th point the population that the model's ``relift`` starts from is that of the point before, healed;
        None where lift makes all. What is carried is off by what it changes within so many steps.
    multipliers
        How many are computed at every point; 0 for none.
    solver
        How points are solved for; with `NewtonKrylov` no dense derivative is ever made. By default there are never more
        replicas than the stepper's: where a step fails, a shorter one costs less.
    symmetry, difference
        As in `find_fixed_point`.
    cycles
        Whether the steppers are return maps of cycles, as those of a `Section` are: a pair of multipliers that leaves
        the unit circle is then that of a torus.

    Raises
    ------
    ValueError
        If the span is empty, or a number is negative.

    References
    ----------
    H. B. Keller, in P. H. Rabinowitz (ed.), Applications of Bifurcation Theory, Academic Press 1977, 359.

    Examples
    --------
    >>> PseudoArclength(duration=1.0, span=(1.0, 0.0))
    Traceback (most recent call last):
    ValueError: `span` of the parameter must be (smallest, largest): got (1.0, 0.0).
    """

    duration: float
    span: tuple[float, float] = (-inf, inf)
    steps: Steps = field(default_factory=Steps)
    measure: Measure = np.ravel
    domain: Domain | None = None
    carry: int | None = None
    multipliers: int = 4
    solver: Newton | NewtonKrylov = field(default_factory=lambda: Newton(iterations=12, most_replicas=1))
    symmetry: Symmetry | None = None
    difference: float | None = None
    cycles: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.solver, (Newton, NewtonKrylov)):
            raise ValueError(f"`solver` must be a Newton() or NewtonKrylov(): got {short(self.solver)}.")
        if not isinstance(self.steps, Steps):
            raise ValueError(f"`steps` must be Steps(...): got {short(self.steps)}.")
        if not (isinstance(self.duration, Real) and 0 < self.duration < inf):
            raise ValueError(f"`duration`, between the two readings, must be positive: got {self.duration!r}.")
        low, high = self.span
        if not low < high:
            raise ValueError(f"`span` of the parameter must be (smallest, largest): got {self.span}.")
        if self.carry is not None and self.carry < 1:
            raise ValueError(f"A population is carried for at least one point: got carry={self.carry}.")
        if self.multipliers < 0:
            raise ValueError(f"`multipliers` cannot be negative: got {self.multipliers}.")

    def inside(self, macro: Array, parameter: float) -> bool:
        """Whether the branch may go there."""
        return self.domain is None or bool(self.domain(macro, parameter) >= 0)

    def read(self, macro: Array, samples: Array, parameters: Array) -> tuple[Array, Array, Array]:
        """The measure of a macro state, its standard error, and its covariance with the parameter, (measure,) each.

        ``samples`` (replica, number) and ``parameters`` (replica,) say what single replicas would have; the measure is
        taken to be linear within their standard error.
        """
        value = np.ravel(self.measure(macro)).astype(np.float64)
        if not np.isfinite(value).all():
            raise ValueError(f"`measure` must return finite numbers: got {short(value)}.")
        count = len(samples)
        if count < 2:
            return value, np.zeros_like(value), np.zeros_like(value)
        shift = (samples - samples.mean(axis=0)) / sqrt(count)
        moved = np.array([np.ravel(self.measure(macro + one.reshape(macro.shape))) for one in shift]) - value
        moved -= moved.mean(axis=0)
        along = (parameters - parameters.mean()) / sqrt(count)
        variance = (moved**2).sum(axis=0) / (count - 1)
        return value, np.sqrt(variance), np.asarray(along @ moved / (count - 1))


@dataclass(frozen=True, eq=False)
class BranchProblem:
    """A branch of steady states of coarse time-steppers.

    Attributes
    ----------
    stepper_of
        The coarse time-stepper at a parameter; it stays in this process.
    method
        How it is followed.
    key
        Which noise: ``(*key, 0, 0)`` for all points, so that the branch is smooth; event ``e`` and set ``i`` of random
        numbers use ``(*key, e, i)``, e > 0.
    """

    stepper_of: StepperOf
    method: PseudoArclength
    key: Key = ()

    def __post_init__(self) -> None:
        if not isinstance(self.method, PseudoArclength):
            raise ValueError(f"`method` must be a PseudoArclength(...): got {short(self.method)}.")
        if not callable(self.stepper_of) or isinstance(self.stepper_of, CoarseTimeStepper):
            raise ValueError(
                f"`stepper_of` must be a function of the parameter that makes a stepper: got {short(self.stepper_of)}."
            )

    def stepper(self, parameter: float) -> CoarseTimeStepper:
        """The stepper at a parameter of the span: nobody is asked for one beyond.

        Raises
        ------
        OutOfBoundsError
            Beyond, but for round-off.
        """
        low, high = self.method.span
        slack = _ROUND_OFF * self.method.steps.unit
        if not low - slack <= parameter <= high + slack:
            raise OutOfBoundsError(f"The parameter must lie in its span [{low:g}, {high:g}]: got {parameter:.10g}.")
        stepper = self.stepper_of(parameter)
        if not isinstance(stepper, CoarseTimeStepper):
            raise ValueError(
                f"`stepper_of` must make a coarse time-stepper of a parameter, `CoarseTimeStepper(model, ...)`: got "
                f"{short(stepper)}."
            )
        return stepper

    @property
    def of_cycles(self) -> bool:
        """Whether what is followed are cycles: states that come back after a period, or to a section."""
        return isinstance(self.method.symmetry, TimeShift) or self.method.cycles

    @property
    def of_points(self) -> Key:
        """The key of all points."""
        return (*self.key, 0, 0)


def carrying(stepper_of: StepperOf, previous: Mapping[str, NDArray[Any]]) -> StepperOf:
    """Steppers whose populations are lifted near a packed one.

    Examples
    --------
    >>> import eqfree as ef
    >>> model = ef.micro_model(
    ...     lambda u, rng: np.append(u, 0.0), lambda x, t, rng: x, lambda x: x[:1],
    ...     relift=lambda u, previous, rng: np.append(u, previous[1]),
    ...     pack=lambda x: {"x": x}, unpack=lambda packed: packed["x"],
    ... )
    >>> near = carrying(lambda p: ef.CoarseTimeStepper(model), {"x": np.array([1.0, 7.0])})
    >>> near(0.0).lift([2.0])[0]["x"]
    array([2., 7.])
    """

    def near(parameter: float) -> CoarseTimeStepper:
        stepper = stepper_of(parameter)
        return replace(stepper, model=Carried(stepper.model, previous))

    return near
