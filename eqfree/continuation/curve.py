"""Curves of events in the plane of two parameters: an event is located across the curve, again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import acos, hypot, inf, isfinite
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.coarse_map import Chart
from eqfree.continuation.events import EventOptions, locate_on
from eqfree.continuation.problem import BranchProblem, PseudoArclength
from eqfree.continuation.search import Line
from eqfree.ensemble import Key
from eqfree.fields import OutOfBoundsError
from eqfree.fixed_points.equations import Equations
from eqfree.results import BranchEvent, Cost, EventCurve, EventPoint, Status
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Across", "CurveSteps", "Finder", "continue_event", "trace_events"]

Array: TypeAlias = NDArray[np.float64]

_FACTOR = 1.5
_TRACED = 2**30  # first number of the keys of a curve


@dataclass(frozen=True)
class CurveSteps:
    """How a curve of events is stepped along, in the plane of two parameters.

    Parameters
    ----------
    units
        Changes of the first and the second parameter that count as one.
    first, smallest, largest
        Length of the first step, and between which steps are chosen, in these units: longer where an event is found at
        once, shorter where it is not or the curve turns by more than ``turn``. By default the largest is the first, and
        the smallest a hundredth of it.
    turn
        Largest angle between two steps (radians).
    points
        Most points.
    spans
        Smallest and largest value of either parameter, where the curve ends.

    Raises
    ------
    ValueError
        If they are not positive, or in another order.

    Examples
    --------
    >>> CurveSteps(first=-1.0)
    Traceback (most recent call last):
    ValueError: Steps must have 0 < smallest <= first <= largest: got smallest=-0.01, first=-1, largest=-1.
    """

    units: tuple[float, float] = (1.0, 1.0)
    first: float = 0.05
    smallest: float | None = None
    largest: float | None = None
    turn: float = 0.5
    points: int = 50
    spans: tuple[tuple[float, float], tuple[float, float]] = ((-inf, inf), (-inf, inf))

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= self.first <= self.longest < inf:
            raise ValueError(
                f"Steps must have 0 < smallest <= first <= largest: got smallest={self.shortest:g}, "
                f"first={self.first:g}, largest={self.longest:g}."
            )
        if not all(isfinite(unit) and unit > 0 for unit in self.units):
            raise ValueError(f"`units` of the parameters must be positive: got {self.units}.")
        if not all(low < high for low, high in self.spans):
            raise ValueError(f"`spans` of the parameters must be (smallest, largest) each: got {self.spans}.")
        if self.points < 1:
            raise ValueError(f"A curve has at least one of its `points`: got {self.points}.")

    @property
    def shortest(self) -> float:
        """The smallest step."""
        return self.first / 100 if self.smallest is None else self.smallest

    @property
    def longest(self) -> float:
        """The largest step."""
        return self.first if self.largest is None else self.largest


@dataclass(frozen=True)
class Across:
    """A straight line in the plane of two parameters, across a curve.

    Attributes
    ----------
    place
        Where it crosses the curve, as predicted.
    way
        By how much the parameters change over a unit along it.

    Examples
    --------
    >>> Across((1.0, 2.0), (0.0, 1.0))(0.5)
    (1.0, 2.5)
    """

    place: tuple[float, float]
    way: tuple[float, float]

    def __call__(self, distance: float) -> tuple[float, float]:
        """The parameters at a distance from the predicted place, in the units of the steps."""
        return self.place[0] + distance * self.way[0], self.place[1] + distance * self.way[1]


Finder: TypeAlias = Callable[[Across, Sequence[EventPoint], Key], BranchEvent]
"""(line, points so far, key) -> the event on the line; its parameter is the distance along the line."""


def trace_events(
    find: Finder,
    start: tuple[float, float],
    steps: CurveSteps,
    key: Key = (),
    *,
    domain: Callable[[EventPoint], float] | None = None,
    direction: int = 1,
    progress: Callable[[EventPoint], object] | None = None,
) -> EventCurve:
    """A curve of events in the plane of two parameters: predict along the last step, locate the event across it.

    The first event is sought along the first parameter at the second one of ``start``; from there on each line stands
    at a right angle to the last step, so that the curve may turn back in either parameter. Every point has the standard
    error across the curve that its own search gives it.

    Parameters
    ----------
    find
        ``find(line, points, key)`` locates the event on a line, such as by `find_hopf_point` over
        ``lambda distance: stepper_of(line(distance))``; where it does not, the standard error is NaN.
    start
        Near the first event.
    steps
        How the curve is stepped along.
    key
        Which noise; point ``n`` uses ``(*key, n)``.
    domain
        ``domain(point)`` is negative where the curve ends, besides the spans.
    direction
        1 towards larger second parameters, -1 towards smaller ones, at the start.
    progress
        ``progress(point)`` is called after every point.

    Raises
    ------
    ValueError
        For a direction that is not 1 or -1.

    Examples
    --------
    >>> import eqfree as ef
    >>> def find(line, points, key):  # p = q² on the line, by hand
    ...     from scipy.optimize import brentq
    ...     gap = lambda s: line(s)[0] - line(s)[1] ** 2
    ...     s, none = brentq(gap, -0.5, 0.5), np.zeros(1)
    ...     return ef.BranchEvent("fold", s, 0.0, np.inf, none, 0.0, none, none, 0, none, 1.0, none)
    >>> curve = trace_events(find, (0.0, 0.0), CurveSteps(first=0.1, points=5))
    >>> bool(np.abs(curve.first - curve.second**2).max() < 1e-12)
    True
    """
    if direction not in (1, -1):
        raise ValueError(f"A direction along a curve is 1 or -1: got {direction!r}.")
    units = np.array(steps.units)
    ahead, place = np.array([0.0, float(direction)]), np.array(start) / units
    points: list[EventPoint] = []
    step, status, detail, cost = 0.0, Status.FOLLOWED, "", Cost()
    while len(points) < steps.points:
        target = place + step * ahead
        line = Across(_pair(target * units), _pair(np.array([ahead[1], -ahead[0]]) * direction * units))
        made = find(line, points, (*key, _TRACED + len(points)))
        cost = cost + made.cost
        point = _point(made, line, steps)
        found = None if point is None else np.array([point.first, point.second]) / units
        turned = 0.0 if found is None or not points else _angle(ahead, found - place)
        if found is None or point is None or (turned > steps.turn and len(points) > 1):
            if not points:
                return EventCurve([], made.kind, Status.STUCK, cost, made.detail)
            step /= 2
            if step < steps.shortest:
                status = Status.STUCK
                detail = made.detail if point is None else f"It turns by more than {steps.turn:g} radians in a step."
                break
            continue
        if not _inside(point, steps.spans) or (domain is not None and domain(point) < 0):
            status = Status.BORDER
            break
        points.append(point)
        if progress is not None:
            progress(point)
        if len(points) > 1:
            ahead = (found - place) / hypot(*(found - place))
            step = min(step * _FACTOR, steps.longest) if turned < steps.turn / 3 else step
        else:
            step = steps.first
        place = found
    return EventCurve(points, points[0].event.kind if points else "", status, cost, detail)


def continue_event(
    stepper_of: Callable[[tuple[float, float]], CoarseTimeStepper],
    event: BranchEvent,
    second: float,
    method: PseudoArclength,
    steps: CurveSteps,
    key: Key = (),
    *,
    options: EventOptions | None = None,
    direction: int = 1,
    progress: Callable[[EventPoint], object] | None = None,
) -> EventCurve:
    """Follow a fold or a Hopf point of a branch over a second parameter.

    Every point is an event solved for anew on a line across the curve, as those of `continue_branch` are, so that each
    has an interval; it begins from where the last two points lead.

    *How to choose.* ``steps``: such that the event's window on the branch holds the next event as predicted; a step
    that fails is halved.

    Parameters
    ----------
    stepper_of
        The coarse time-stepper at a pair of parameters. What the model conserves must not depend on them: measure the
        macro state from what does.
    event
        Of a branch over the first parameter, located.
    second
        The second parameter of that branch.
    method
        As of the branch; its span is not used, and where its domain ends the curve does.
    steps
        How the curve is stepped along.
    key
        Which noise; point ``n`` and set ``i`` of random numbers use ``(*key, n, i)``.
    options
        How events are located.
    direction, progress
        As of `trace_events`.

    Raises
    ------
    ValueError
        If the event was not located.

    Examples
    --------
    >>> import eqfree as ef
    >>> def stepper_of(pair):  # u' = p + q u - u³: folds at 27 p² = 4 q³
    ...     p, q = pair
    ...     flow = lambda u, t, rng: u + t * (p + q * u - u**3)
    ...     return ef.CoarseTimeStepper(ef.micro_model(lambda u, rng: u, flow, lambda u: u, deterministic=True))
    >>> method = ef.continuation.PseudoArclength(duration=0.1, span=(-1.0, 1.0))
    >>> branch = ef.continue_branch(lambda p: stepper_of((p, 1.0)), [-1.2], -0.6, method, directions=(1,))
    >>> steps = ef.continuation.CurveSteps(first=0.05, points=4)
    >>> curve = ef.continue_event(stepper_of, branch.folds()[0], 1.0, method, steps)
    >>> bool(np.abs(27 * curve.first**2 - 4 * curve.second**3).max() < 1e-5)
    True
    """
    if not np.isfinite(event.stderr) or event.tangent is None:
        raise ValueError(
            f"An event must have been located: got a {event.kind} near {event.parameter:g} that was not. {event.detail}"
        )
    known = EventOptions() if options is None else options
    free = replace(method, span=(-inf, inf))

    def find(line: Across, points: Sequence[EventPoint], its: Key) -> BranchEvent:
        last = points[-1].event if points else event
        problem = BranchProblem(lambda distance: stepper_of(line(distance)), free, its)
        problem = replace(problem, method=replace(free, steps=replace(free.steps, unit=1.0)))
        return _locate(problem, _predicted(event, points, line), last, known, its)

    def inside(point: EventPoint) -> float:
        return 0.0 if method.domain is None else float(method.domain(point.event.macro, point.first))

    start = event.parameter, second
    return trace_events(find, start, steps, key, domain=inside, direction=direction, progress=progress)


def _predicted(event: BranchEvent, points: Sequence[EventPoint], line: Across) -> Array:
    """The macro state to be lifted, where the last two points lead."""
    if not points:
        return event.lifted
    last = points[-1]
    if len(points) == 1:
        return last.event.lifted
    before = points[-2]
    gone = np.array([last.first - before.first, last.second - before.second])
    ahead = np.array([line.place[0] - last.first, line.place[1] - last.second])
    share = float(ahead @ gone / (gone @ gone))
    return np.asarray(last.event.lifted + share * (last.event.lifted - before.event.lifted))


def _locate(problem: BranchProblem, lifted: Array, last: BranchEvent, options: EventOptions, key: Key) -> BranchEvent:
    """The event on a line of parameters, near a predicted state."""
    assert last.tangent is not None  # it was located
    origin = lifted if last.origin is None else last.origin
    chart = Chart.of(problem.stepper(0.0), origin)
    equations = Equations(
        problem.stepper,
        chart,
        last.duration,
        symmetry=problem.method.symmetry,
        template=lifted,
        difference=problem.method.difference,
    )
    middle, direction = equations.start, np.zeros(equations.rows + 1)
    middle[: chart.size] = chart.project((lifted - origin).ravel())
    direction[: chart.size] = chart.project(last.tangent.ravel())
    direction[-1] = last.rise
    line = Line(middle, direction / np.linalg.norm(direction), options.window or last.window)
    try:
        return locate_on(problem, equations, line, last.kind, (last.larger, last.larger + 1), options, key)
    except OutOfBoundsError as error:
        nothing = np.zeros_like(lifted)
        none = np.empty(0)
        return BranchEvent(
            last.kind, 0.0, np.nan, 1.0, none, np.nan, lifted, none, 0, lifted, last.duration, nothing, str(error)
        )


def _point(event: BranchEvent, line: Across, steps: CurveSteps) -> EventPoint | None:
    """The event in the plane; None if it was not found."""
    if not np.isfinite(event.stderr):
        return None
    first, second = line(event.parameter)
    return EventPoint(first, second, abs(line.way[0]) * event.stderr, abs(line.way[1]) * event.stderr, event)


def _inside(point: EventPoint, spans: tuple[tuple[float, float], tuple[float, float]]) -> bool:
    return all(low <= value <= high for value, (low, high) in zip((point.first, point.second), spans, strict=True))


def _angle(one: Array, other: Array) -> float:
    return acos(float(np.clip(one @ other / (hypot(*one) * hypot(*other)), -1.0, 1.0)))


def _pair(values: Array) -> tuple[float, float]:
    return float(values[0]), float(values[1])
