"""Folds, branch points, Hopf points: seen between two points of a branch, solved for anew where they are."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt
from numbers import Integral
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.continuation.problem import BranchProblem
from eqfree.continuation.search import Line, Located, Search
from eqfree.continuation.signals import Crossing, PairCrossing, signal_of
from eqfree.continuation.state import BranchState
from eqfree.continuation.walk import equations_of
from eqfree.ensemble import Key
from eqfree.fixed_points.equations import Equations
from eqfree.results import BranchEvent, Cost

__all__ = ["EventOptions", "combine", "locate", "locate_on", "seen"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class EventOptions:
    """How events are located.

    Around an event the branch is solved anew at six places within ``window`` to either side, across one direction,
    under the key of each set of random numbers: a fold is the top of a polynomial through p(s), of degree 4 without
    noise and 2 with it; a crossing is the zero of one through log|μ|, of degree 3 or 2. The window is centred on what
    was found, and narrowed where there is no noise.

    *How to choose.* ``key_sets``: four or more give an interval from their spread; one gives that of its own replicas.
    ``replicas``: as many as the interval needs, it shrinks with their square root. ``window``: noise asks for wide
    ones, curvature for narrow ones; a point of the branch is off by less than the window, or nothing is found. One key
    for all places takes the symmetry out of a pitchfork, which unfolds into a fold and a branch apart by what one set
    of random numbers prefers: widen the window beyond that, or let ``lift`` make mirrored populations.

    Parameters
    ----------
    key_sets
        Of random numbers; a deterministic model has one.
    replicas
        Of each; those of the branch by default.
    window
        Half width in arclength, in the natural units of the branch; by default the distance of the two points between
        which the event lies.

    Raises
    ------
    ValueError
        If one of these is not positive.

    Examples
    --------
    >>> EventOptions(key_sets=0)
    Traceback (most recent call last):
    ValueError: `key_sets` must be at least 1, a whole number: got 0.
    """

    key_sets: int = 4
    replicas: int | None = None
    window: float | None = None

    def __post_init__(self) -> None:
        for name in ("key_sets", "replicas"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, Integral) and int(value) >= 1):
                raise ValueError(f"`{name}` must be at least 1, a whole number: got {value!r}.")
        if self.window is not None and not self.window > 0:
            raise ValueError(f"`window` must be positive: got {self.window}.")


def locate(
    problem: BranchProblem, before: BranchState, after: BranchState, options: EventOptions, key: Key
) -> BranchEvent:
    """The event between two neighbouring points of a branch, ``after.candidate``, with its interval.

    Set ``i`` of random numbers uses ``(*key, i)``. An event that no set finds again has a NaN for its standard error,
    and a sentence.
    """
    line = Line.between(before, after, options.window)
    pairs = int(before.counts[2]), int(after.counts[2])
    return locate_on(problem, equations_of(problem, before), line, after.candidate, pairs, options, key, after.number)


def locate_on(
    problem: BranchProblem,
    equations: Equations,
    line: Line,
    kind: str,
    pairs: tuple[int, int],
    options: EventOptions,
    key: Key,
    number: int = 0,
) -> BranchEvent:
    """The event of a kind on a line.

    ``pairs`` lie outside the unit circle on either side; ``number`` is that of the point after it. Set ``i`` of random
    numbers uses ``(*key, i)``.
    """
    if options.replicas is not None:
        equations = equations.with_replicas(options.replicas)
    noisy = not equations.stepper(equations.parameter).deterministic
    search = Search(problem, equations, signal_of(kind, pairs), noisy)
    sets = [search.find(line, (*key, one)) for one in range(options.key_sets if noisy else 1)]
    cost, words = Cost(), ""
    if isinstance(search.signal, Crossing) and (good := [one for one in sets if np.isfinite(one.parameter)]):
        words, cost = search.refuse(good[0], (*key, 0))
    if words:
        sets = [one.lost(words) for one in sets]
    return _event(search, line, kind, number, sets, cost)


def seen(after: BranchState) -> BranchEvent:
    """The event before a point of a branch, left where it was seen: nobody looked for it."""
    nothing = np.zeros_like(after.point.macro)
    return BranchEvent(
        kind=after.candidate,
        parameter=after.point.parameter,
        stderr=nan,
        degrees=1.0,
        estimates=np.empty(0),
        predicted=nan,
        macro=after.point.macro,
        measure=after.point.measure,
        after=after.number - 1,
        lifted=after.point.lifted,
        duration=after.point.duration,
        direction=nothing,
        detail="It was seen between two points, and not located.",
    )


def combine(estimates: Array, predicted: Array, replicas: int) -> tuple[float, float, float, float]:
    """Mean, its standard error, that predicted for one set of random numbers, and degrees of freedom.

    >>> [round(number, 3) for number in combine(np.array([1.0, 3.0]), np.array([1.0, 1.0]), 8)]
    [2.0, 1.0, 1.0, 1.0]
    """
    count = len(estimates)
    one = sqrt(float(np.mean(predicted**2)))
    spread = float(np.std(estimates, ddof=1)) if count > 1 else one
    degrees = float(count - 1 if count > 1 else replicas - 1)
    return float(np.mean(estimates)), spread / sqrt(count), one, degrees


def _event(search: Search, line: Line, kind: str, number: int, sets: list[Located], cost: Cost) -> BranchEvent:
    """What the sets of random numbers say together."""
    equations = search.equations
    good = [one for one in sets if np.isfinite(one.parameter)]
    where = equations.place(line.middle if not good else np.mean([one.unknowns for one in good], axis=0))
    shape, nothing = where.macro.shape, np.zeros(where.macro.shape)
    details = list(dict.fromkeys(one.detail for one in sets if one.detail))
    parameter, stderr, predicted, degrees, frequency = where.parameter, nan, nan, 1.0, (nan, nan)
    macro, direction, tangent, rise, window = where.macro, nothing, None, 0.0, line.window
    if good:
        told = [np.array([getattr(one, name) for one in good]) for name in ("parameter", "predicted")]
        parameter, stderr, predicted, degrees = combine(told[0], told[1], good[0].replicas)
        told = [np.array([getattr(one, name) for one in good]) for name in ("frequency", "frequency_predicted")]
        frequency = combine(told[0], told[1], good[0].replicas)[:2]
        if details:
            details.insert(0, f"{len(sets) - len(good)} of {len(sets)} sets of random numbers did not find it.")
        macro = np.mean([one.macro for one in good], axis=0).reshape(shape)
        direction = good[0].direction.reshape(shape)
        way = good[0].tangent
        tangent, rise = equations.chart.change(way[: equations.chart.size]).reshape(shape), float(way[-1])
        window = good[0].window
    return BranchEvent(
        kind=kind,
        parameter=parameter,
        stderr=stderr,
        degrees=degrees if search.noisy else inf,
        estimates=np.array([one.parameter for one in sets]),
        predicted=predicted,
        macro=macro,
        measure=np.ravel(search.problem.method.measure(macro)).astype(np.float64),
        after=number - 1,
        lifted=where.macro,
        duration=where.duration,
        direction=direction,
        detail=" ".join(details),
        cost=sum((one.cost for one in sets), cost),
        origin=equations.chart.origin,
        frequency=frequency[0],
        frequency_stderr=frequency[1],
        tangent=tangent,
        rise=rise * equations.unit,
        window=window,
        larger=search.signal.larger if isinstance(search.signal, PairCrossing) else 0,
    )
