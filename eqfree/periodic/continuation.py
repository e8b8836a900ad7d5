"""Branches of cycles over a parameter, and the way into them from a Hopf point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import pi
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.continuation import EventOptions, PseudoArclength, continue_branch
from eqfree.continuation.driver import follow
from eqfree.continuation.problem import BranchProblem
from eqfree.continuation.walk import BranchWalk
from eqfree.ensemble import Key, NotFiniteError
from eqfree.fields import OutOfBoundsError
from eqfree.fixed_points.equations import StepperOf
from eqfree.periodic.cycle import read_cycle
from eqfree.periodic.orbit import healed_returns, of_time
from eqfree.periodic.section import Section
from eqfree.results import Branch, BranchEvent, BranchPoint
from eqfree.stepper import CoarseTimeStepper

__all__ = ["continue_cycles", "switch_to_cycles"]

Array: TypeAlias = NDArray[np.float64]
Progress: TypeAlias = Callable[[BranchPoint], object]

_EVENTS = EventOptions()
_READ = 2**31  # first number of the keys that cycles are read under: no event of a branch comes so far
_ANGLES = np.linspace(0.0, 2 * pi, 720, endpoint=False)


def continue_cycles(
    stepper_of: StepperOf,
    macro0: ArrayLike,
    parameter0: float,
    method: PseudoArclength,
    key: Key = (),
    *,
    section: Section | None = None,
    directions: Sequence[int] = (1, -1),
    returns: int = 8,
    events: EventOptions | None = _EVENTS,
    progress: Progress | None = None,
) -> Branch:
    """Follow cycles over a parameter, stable or not, through folds, with their periods and Floquet multipliers.

    With a section they are fixed points of the averaged return map, else the flow is shot over an unknown period, as in
    `find_periodic_orbit`. Events are those of `continue_branch`; a pair of multipliers that leaves the unit circle is a
    torus, one that passes -1 doubles the period.

    Parameters
    ----------
    stepper_of
        The coarse time-stepper at a parameter.
    macro0, parameter0
        On a cycle, such as `PeriodicOrbit.lifted`.
    method
        How they are followed; its ``duration`` is about the period of the first.
    key, directions, events, progress
        As of `continue_branch`.
    section
        Where the cycles are read; may be left out for a deterministic model that takes any duration.
    returns
        Of every replica, that a period is the mean of; a deterministic model makes one.

    Returns
    -------
    Branch
        The ``duration`` of its points is their period; ``low`` and ``high`` are the extremes of the measure over the
        cycle, see `Branch.cycles_to_pandas`.

    Raises
    ------
    ValueError
        As `continue_branch`; or for a noisy model without a section.

    Examples
    --------
    >>> import eqfree as ef
    >>> def stepper_of(p):  # r' = r (p - r²), angle' = 2 + p
    ...     def turn(z, t, rng):
    ...         r = np.sqrt(p / (1 + (p / abs(z) ** 2 - 1) * np.exp(-2 * p * t)))
    ...         return r * z / abs(z) * np.exp(1j * (2 + p) * t)
    ...     return ef.CoarseTimeStepper(ef.micro_model(
    ...         lambda u, rng: u[0] + 1j * u[1], turn, lambda z: np.array([z.real, z.imag]), deterministic=True))
    >>> method = ef.continuation.PseudoArclength(duration=2.0, span=(0.5, 1.0), steps=ef.continuation.Steps(first=0.3))
    >>> branch = ef.continue_cycles(stepper_of, [1.0, 0.0], 1.0, method, directions=(-1,))
    >>> [round(branch.points[-1].parameter, 6), round(branch.points[-1].duration, 5)]  # the period is 2π/(2 + p)
    [0.5, 2.51327]
    """
    wanted = _method(method, section)
    steppers = _steppers(stepper_of, section, method.duration)
    _check_section(stepper_of(parameter0), section)
    made = continue_branch(
        steppers, macro0, parameter0, wanted, key, directions=directions, events=events, progress=progress
    )
    return _read(made, stepper_of, method, key, section, returns)


def switch_to_cycles(
    stepper_of: StepperOf,
    event: BranchEvent,
    method: PseudoArclength,
    key: Key = (),
    *,
    section: Section | None = None,
    distance: float | None = None,
    returns: int = 8,
    events: EventOptions | None = _EVENTS,
    progress: Progress | None = None,
) -> Branch:
    """Follow the cycles that begin at a Hopf point.

    Waves on a ring are followed in their own frame: give the method its ``symmetry``, and as its ``duration`` the
    period of the first wave, places/(ω/θ) for `eqfree.Rotation` and waves of θ = 2π/N a place.

    The first has the amplitude ``distance`` along the disturbance that neither grows nor dies there, U + distance
    Re(v exp(iφ)), and about the period 2π/ω; the parameter is free. With a section φ is where that crosses it.

    *How to choose.* ``distance``: so small that the cycle is still an ellipse, but with noise larger than what the
    noise makes of the steady state: near a Hopf point nobody tells the two apart, and `find_periodic_orbit` farther on,
    from a simulation, then `continue_cycles` back, is the better way.

    Parameters
    ----------
    stepper_of, method, key, section, returns, events, progress
        As of `continue_cycles`; the method's ``duration`` is used with a ``symmetry`` only. The section should cut the
        steady state, and ``rearm`` be nearer to the level than the distance.
    event
        A Hopf point.
    distance
        Of the first cycle from the steady state, in natural units; by default the first step.

    Raises
    ------
    ValueError
        If the event is no Hopf point, or was not located; for a distance that is not positive; if the section does not
        cut the first cycle.

    Examples
    --------
    >>> import eqfree as ef
    >>> def stepper_of(p):  # r' = r (p - r²), angle' = 2, by many small steps
    ...     def turn(z, t, rng):
    ...         for _ in range(200):
    ...             z = z * np.exp((p - abs(z) ** 2 + 2j) * t / 200)
    ...         return z
    ...     return ef.CoarseTimeStepper(ef.micro_model(
    ...         lambda u, rng: u[0] + 1j * u[1], turn, lambda z: np.array([z.real, z.imag]), deterministic=True))
    >>> hopf = ef.find_hopf_point(stepper_of, lambda p: np.zeros(2), (-0.2, 0.3), duration=1.0)
    >>> method = ef.continuation.PseudoArclength(duration=3.0, span=(-0.2, 0.3))
    >>> cycles = ef.switch_to_cycles(stepper_of, hopf, method)
    >>> bool(abs(np.linalg.norm(cycles.macro[-1]) - np.sqrt(0.3)) < 0.01)
    True
    """
    if event.kind != "Hopf":
        raise ValueError(
            f"Cycles begin at a Hopf point: got a {event.kind} at {event.parameter:g}. Give one of "
            "`branch.hopf_points()`."
        )
    if not np.isfinite(event.stderr) or not event.frequency > 0:
        raise ValueError(
            f"A Hopf point must have been located, with its frequency: got one near {event.parameter:g} that was not. "
            f"{event.detail}".rstrip()
        )
    if distance is not None and not distance > 0:
        raise ValueError(f"`distance` must be positive: got {distance}.")
    _check_section(stepper_of(event.parameter), section)
    moves = method.symmetry is not None
    period = method.duration if moves else 2 * pi / event.frequency
    timed = method if moves else replace(method, duration=period)
    length = method.steps.first if distance is None else distance
    wanted = _method(timed, section)
    problem = BranchProblem(_steppers(stepper_of, section, period), wanted, key)
    way = _way(event, section, length)
    walk = BranchWalk.across(problem, replace(event, direction=way, duration=wanted.duration), length)
    made = follow([walk], problem, events, progress, event.parameter)
    return _read(made, stepper_of, timed, key, section, returns)


def _method(method: PseudoArclength, section: Section | None) -> PseudoArclength:
    if method.symmetry is not None:
        return method
    if section is None:
        return replace(method, symmetry=of_time(method.duration))
    return replace(method, duration=1.0, cycles=True, symmetry=None)


def _steppers(stepper_of: StepperOf, section: Section | None, period: float) -> StepperOf:
    if section is None:
        return stepper_of

    def returning(parameter: float) -> CoarseTimeStepper:
        stepper = stepper_of(parameter)
        return section.of(stepper, period, healed_returns(stepper))

    return returning


def _check_section(stepper: CoarseTimeStepper, section: Section | None) -> None:
    if section is None and not stepper.deterministic:
        raise ValueError(
            "A noisy cycle is read where it crosses a section, since its phase diffuses: got none. Give `section`, "
            "Section(reading, level, rearm, sampling)."
        )


def _way(event: BranchEvent, section: Section | None, distance: float) -> Array:
    """From the steady state to the first cycle, where it crosses the section; anywhere, if there is none."""
    turned = event.direction * np.exp(1j * _ANGLES).reshape(-1, *(1,) * event.direction.ndim)
    ways = turned.real
    if section is None:
        return np.asarray(ways[0])
    heights = np.array([section.above(event.lifted + distance * way) for way in ways])
    rising = (heights < 0) & (np.roll(heights, -1) >= 0)
    if not rising.any():
        raise ValueError(
            f"The section must cut the first cycle: got one that is {'beyond' if heights.max() < 0 else 'before'} all "
            f"of it, by {np.abs(heights).min():.3g} at least. Put `level` at the reading of the steady state."
        )
    return np.asarray(ways[(int(np.argmax(rising)) + 1) % len(ways)])


def _read(
    made: Branch, stepper_of: StepperOf, method: PseudoArclength, key: Key, section: Section | None, returns: int
) -> Branch:
    """Every point with the period of its cycle, and the extremes of the measure."""
    points: list[BranchPoint] = []
    cost, period = made.cost, method.duration
    for number, point in enumerate(made.points):
        stepper = stepper_of(point.parameter)
        period = point.duration if section is None else period
        many = 1 if stepper.deterministic else returns
        try:
            cycle = read_cycle(stepper, point.lifted, period, (*key, _READ + number), section, many)
        except (OutOfBoundsError, NotFiniteError) as error:
            return replace(made, points=points, detail=f"{made.detail} A cycle could not be read: {error}".strip())
        period, cost = cycle.period, cost + cycle.cost
        measures = np.array([np.ravel(method.measure(macro)) for macro in cycle.path])
        points.append(
            replace(
                point,
                duration=cycle.period,
                duration_stderr=cycle.period_stderr,
                low=measures.min(axis=0),
                high=measures.max(axis=0),
            )
        )
    return replace(made, points=points, cost=cost)
