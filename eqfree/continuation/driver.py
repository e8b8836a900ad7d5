"""The driver of continuation: what is told of the points that a walk finds, and of the events between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import check_map
from eqfree.continuation.events import EventOptions, locate, seen
from eqfree.continuation.problem import BranchProblem, PseudoArclength
from eqfree.continuation.state import BranchState
from eqfree.continuation.walk import BranchWalk
from eqfree.ensemble import Key
from eqfree.fixed_points.equations import StepperOf
from eqfree.results import Branch, BranchEvent, BranchPoint, Cost, Status

__all__ = ["continue_branch", "follow", "iter_branch", "locate_event", "switch_branch"]

Array: TypeAlias = NDArray[np.float64]
Progress: TypeAlias = Callable[[BranchPoint], object]


_EVENTS = EventOptions()


def iter_branch(
    stepper_of: StepperOf,
    macro0: ArrayLike,
    parameter0: float,
    method: PseudoArclength,
    key: Key = (),
    *,
    direction: int = 1,
    state: BranchState | None = None,
) -> BranchWalk:
    """The points of a branch, one after the other: what `continue_branch` is made of.

    Parameters
    ----------
    stepper_of, macro0, parameter0, method, key
        As of `continue_branch`.
    direction
        1 towards larger parameters, -1 towards smaller ones, at the start.
    state
        Goes on from there instead: one that an earlier walk under the same arguments had, with `to_arrays` and
        `from_arrays` in between if need be; the bits are those of a walk that never stopped.

    Raises
    ------
    ValueError
        As `continue_branch`.

    Examples
    --------
    >>> import eqfree as ef
    >>> def stepper_of(p):
    ...     decay = lambda u, t, rng: p + (u - p) * np.exp(-t)
    ...     return ef.CoarseTimeStepper(ef.micro_model(lambda u, rng: u, decay, lambda u: u, deterministic=True))
    >>> method = ef.continuation.PseudoArclength(duration=1.0, span=(0.0, 0.1))
    >>> [round(state.point.parameter, 3) for state in iter_branch(stepper_of, [0.0], 0.0, method)]
    [0.0, 0.035, 0.071, 0.1]
    """
    problem = BranchProblem(stepper_of, method, key)
    if state is not None:
        return BranchWalk(problem, state)
    return BranchWalk.begin(problem, macro0, parameter0, _sign(direction))


def continue_branch(
    stepper_of: StepperOf,
    macro0: ArrayLike,
    parameter0: float,
    method: PseudoArclength,
    key: Key = (),
    *,
    directions: Sequence[int] = (1, -1),
    events: EventOptions | None = _EVENTS,
    progress: Progress | None = None,
) -> Branch:
    """Follow steady states of an unknown equation over a parameter, through folds, with standard errors.

    All points are solved for under one key, so that the branch is smooth; at every one the multipliers say whether it
    is stable. Events are detected between points and then solved for anew with random numbers of their own: that is
    where their intervals come from. The replicas of the steppers may be few along the branch, and many at the events.

    Parameters
    ----------
    stepper_of
        The coarse time-stepper at a parameter; it stays in this process.
    macro0, parameter0
        Near the first steady state: the end of a simulation, or of a `sweep`.
    method
        How it is followed.
    key
        Which noise.
    directions
        1 towards larger parameters, -1 towards smaller ones, at the start.
    events
        How they are located; None leaves them where they were seen.
    progress
        ``progress(point)`` is called after every point.

    Returns
    -------
    Branch
        Also where it could not be followed any further: what was found is there, and ``message`` says what was tried.

    Raises
    ------
    ValueError
        For a macro state that cannot be lifted, a parameter outside the span, directions that are not 1, -1 or both, or
        a noisy model with fewer than 8 replicas.

    Examples
    --------
    >>> import eqfree as ef
    >>> def stepper_of(p):  # u' = p + u², a fold at p = 0
    ...     flow = lambda u, t, rng: u + t * (p + u**2)
    ...     return ef.CoarseTimeStepper(ef.micro_model(lambda u, rng: u, flow, lambda u: u, deterministic=True))
    >>> method = ef.continuation.PseudoArclength(duration=0.1, span=(-1.0, 0.5))
    >>> branch = ef.continue_branch(stepper_of, [-1.0], -1.0, method, directions=(1,))
    >>> [(event.kind, abs(round(event.parameter, 6))) for event in branch.events]
    [('fold', 0.0)]
    """
    ways = _ways(directions)
    problem = BranchProblem(stepper_of, method, key)
    _check_events(problem, events, parameter0)
    walks = [BranchWalk.begin(problem, macro0, parameter0, way) for way in ways]
    return follow(walks, problem, events, progress, parameter0, shared=True)


def switch_branch(
    stepper_of: StepperOf,
    event: BranchEvent,
    method: PseudoArclength,
    key: Key = (),
    *,
    distance: float | None = None,
    directions: Sequence[int] = (1, -1),
    events: EventOptions | None = _EVENTS,
    progress: Progress | None = None,
) -> Branch:
    """Follow the branch that crosses at a branch point.

    Its first point is solved for at a distance from the crossing, along the disturbance whose multiplier passes 1 and
    across it: the parameter is free.

    Parameters
    ----------
    stepper_of, method, key
        As of the branch that had the event.
    event
        A branch point.
    distance
        From the crossing to the first point, in natural units; by default the first step.
    directions
        Which of the two arms.
    events, progress
        As of `continue_branch`.

    Raises
    ------
    ValueError
        If the event is no branch point, or was not located; for a distance that is not positive.

    Examples
    --------
    >>> import eqfree as ef
    >>> def stepper_of(p):  # u' = p u - u³, a pitchfork at p = 0
    ...     flow = lambda u, t, rng: u + t * (p * u - u**3)
    ...     return ef.CoarseTimeStepper(ef.micro_model(lambda u, rng: u, flow, lambda u: u, deterministic=True))
    >>> method = ef.continuation.PseudoArclength(duration=0.1, span=(-0.3, 0.3))
    >>> trunk = ef.continue_branch(stepper_of, [0.0], -0.3, method, directions=(1,))
    >>> arms = ef.switch_branch(stepper_of, trunk.events[0], method)
    >>> np.abs(arms.macro[[0, -1], 0]).round(4)
    array([0.5477, 0.5477])
    """
    if event.kind != "branch point":
        raise ValueError(
            f"A branch crosses at a branch point: got a {event.kind} at {event.parameter:g}. Give one of "
            "`branch.events`."
        )
    if not np.isfinite(event.stderr) or not event.direction.any():
        raise ValueError(
            f"A branch point must have been located: got one that was only seen near {event.parameter:g}. "
            f"{event.detail} Locate it with other `events`."
        )
    if distance is not None and not distance > 0:
        raise ValueError(f"`distance` must be positive: got {distance}. The arms are told apart by `directions`.")
    ways = _ways(directions)
    problem = BranchProblem(stepper_of, method, key)
    _check_events(problem, events, event.parameter)
    length = method.steps.first if distance is None else distance
    walks = [BranchWalk.across(problem, event, way * length) for way in ways]
    return follow(walks, problem, events, progress, event.parameter)


def locate_event(
    stepper_of: StepperOf,
    before: BranchState,
    after: BranchState,
    method: PseudoArclength,
    options: EventOptions = _EVENTS,
    key: Key = (),
) -> BranchEvent:
    """Solve for an event between two neighbouring points of a walk, such as with more replicas or with another noise.

    What the points carry, they carry here too: the noise may be another one, the population that is lifted from is not.

    Parameters
    ----------
    stepper_of, method
        As of the walk, or others of the same macro state.
    before, after
        Two states of an `iter_branch`, of which the second has a ``candidate``.
    options
        How it is located.
    key
        Which noise: set ``i`` of random numbers uses ``(*key, i)``.

    Raises
    ------
    ValueError
        If nothing was seen between the points.

    Examples
    --------
    >>> import eqfree as ef
    >>> def stepper_of(p):  # u' = p + u², a fold at p = 0
    ...     flow = lambda u, t, rng: u + t * (p + u**2)
    ...     return ef.CoarseTimeStepper(ef.micro_model(lambda u, rng: u, flow, lambda u: u, deterministic=True))
    >>> method = ef.continuation.PseudoArclength(duration=0.1, span=(-1.0, 0.5))
    >>> states = list(ef.iter_branch(stepper_of, [-1.0], -1.0, method))
    >>> number = [state.candidate for state in states].index("fold")
    >>> abs(round(locate_event(stepper_of, states[number - 1], states[number], method).parameter, 6))
    0.0
    """
    if not after.candidate:
        raise ValueError("An event lies between two points of which the second has a `candidate`: got none there.")
    return locate(BranchProblem(stepper_of, method, key), before, after, options, key)


def follow(
    walks: Sequence[BranchWalk],
    problem: BranchProblem,
    options: EventOptions | None,
    progress: Progress | None,
    parameter0: float,
    *,
    shared: bool = False,
) -> Branch:
    """One or two walks told as one branch: the second backwards, then the first. They may share their first point."""
    ways = [_follow(walk, problem, options, progress, number) for number, walk in enumerate(walks)]
    points, events = ways[0]
    if len(walks) == 2:
        back, found = ways[1]
        twice = int(shared and bool(back) and bool(points))
        turned = [replace(event, after=len(back) - 2 - event.after) for event in reversed(found)]
        moved = [replace(event, after=event.after + len(back) - twice) for event in events]
        points, events = [*reversed(back[twice:]), *points], [*turned, *moved]
    worst = max(walks, key=lambda walk: _ORDER.get(walk.status, len(_ORDER)))
    told = [one.cost for way in ways for part in way for one in part] + [walk.cost for walk in walks]
    return Branch(
        points=points,
        events=events,
        status=worst.status,
        detail=worst.detail,
        cost=sum(told, Cost()),
        fields=problem.stepper_of(parameter0).fields,
    )


_ORDER = {Status.FOLLOWED: 0, Status.BORDER: 1, Status.BUDGET: 2}  # else worse


def _follow(
    walk: BranchWalk, problem: BranchProblem, options: EventOptions | None, progress: Progress | None, way: int
) -> tuple[list[BranchPoint], list[BranchEvent]]:
    """The points of a walk, and the events between them."""
    points: list[BranchPoint] = []
    events: list[BranchEvent] = []
    before: BranchState | None = None
    for state in walk:
        points.append(state.point)
        if state.candidate and before is not None:
            key = (*problem.key, 1 + 2 * state.number + way)
            events.append(locate(problem, before, state, options, key) if options else seen(state))
        before = state
        if progress is not None:
            progress(state.point)
    return points, events


def _ways(directions: Sequence[int]) -> list[int]:
    ways = [_sign(direction) for direction in directions]
    if len(ways) not in (1, 2) or len(set(ways)) < len(ways):
        raise ValueError(f"`directions` must be 1, -1 or both: got {tuple(ways)}.")
    return ways


def _check_events(problem: BranchProblem, events: EventOptions | None, parameter: float) -> None:
    """Refuse too few replicas before a branch is followed, not when the first event is located."""
    if events is not None and events.replicas is not None:
        check_map(problem.stepper_of(parameter).with_replicas(events.replicas), problem.method.duration)


def _sign(direction: int) -> int:
    if direction not in (1, -1):
        raise ValueError(f"A direction along a branch is 1 or -1: got {direction!r}.")
    return direction
