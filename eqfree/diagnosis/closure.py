"""The closure test: does the slope still depend on how one lifted, and how long did it take to forget?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil, inf, log, nan
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.diagnosis.transient import Transient, fit_transient, jackknife, leave_out, length, seen
from eqfree.results import Value

__all__ = ["Comparison", "Healing", "Verdict", "compare", "heal", "slowest", "worst"]

Array: TypeAlias = NDArray[np.float64]
_LOOKS = 10  # rates that a fit can tell apart
_DOUBLINGS = 9
_FORGETFUL = 0.4  # of the slow time: a lift that is remembered longer has not healed before the macro state moved on
_PATIENCE = 0.25  # of the slow time: a slope that still depends on the lift after that has no equation


class Verdict(Enum):
    """What the closure test says; the value is the sentence to show."""

    CLOSES = "The slope forgets how one lifted: the macro state closes."
    DOES_NOT_CLOSE = (
        "The slope still depends on how one lifted: the macro state does not close. "
        "Add a macro variable that the lift must know, or lift better."
    )
    UNDECIDED = "Whether the slope depends on how one lifted cannot be told from this."


@dataclass(frozen=True, eq=False)
class Healing:
    """How a lift is forgotten.

    Attributes
    ----------
    rate
        Of the transient; NaN where none was seen.
    time
        Until the slope is off by ``tolerance`` of what it was off at first, or of itself if that is more. Zero where
        it never was off by more, infinite where the horizon is not enough.
    start : (component,)
        What the slope was off at first, of the scaled paths; zero where no transient was seen.
    """

    rate: Value
    time: Value
    start: Array

    @property
    def happens(self) -> bool:
        """Whether a transient was seen."""
        return bool(self.start.any())


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two ways to have the same macro state, and whether their slopes agree in the end.

    Attributes
    ----------
    name
        What was compared.
    verdict
        Whether the slopes agree within the tolerance.
    dependence
        The size of the difference of the slopes over the later half of the horizon, in parts of the slope.
    replicas
        How many would decide, where noise hides it; zero where that is not known.
    healing
        How the difference dies.
    times, difference, stderr : (interval,)
        The difference of the slopes over time, in parts of the slope, along the direction in which it is largest.
    """

    name: str
    verdict: Verdict
    dependence: Value
    replicas: int
    healing: Healing
    times: Array
    difference: Array
    stderr: Array


def worst(comparisons: Sequence[Comparison]) -> Verdict:
    """The verdict over all comparisons: one that does not close is enough."""
    verdicts = {comparison.verdict for comparison in comparisons}
    return next(one for one in (Verdict.DOES_NOT_CLOSE, Verdict.UNDECIDED, Verdict.CLOSES) if one in verdicts)


def slowest(comparisons: Sequence[Comparison], off_manifold: Healing) -> Healing:
    """The healing that takes longest: of the comparisons, or of the first path."""
    healings = [*(comparison.healing for comparison in comparisons), off_manifold]
    return max(healings, key=lambda healing: (healing.time.value, healing.happens))


def heal(
    times: Array,
    samples: Array,
    slow_rates: Array,
    slope: float,
    tolerance: float,
    least: Array,
    *,
    around_slow: bool,
) -> Healing:
    """Read the transient of paths (replica, time, component) that besides move at a slow rate (1 + group,).

    With ``around_slow``, the path is ``constant + slow exp(-a t) + fast exp(-b t)``. Without, it is a difference
    that begins at zero, ``d (exp(-a t) - exp(-b t))``: the displacement that the transient leaves behind moves at
    the slow rate, and ``exp(a t)`` times the path is a constant and one exponential. ``least`` (component,) is the
    round-off of the paths.
    """
    means, horizon = leave_out(samples), float(times[-1])
    growth = np.ones_like(times) if around_slow else np.exp(slow_rates[0] * times)
    variances = _variances(times, growth[:, None] * samples)

    def fit(number: int, known: float | None = None) -> Transient:
        rate = slow_rates[number]
        if around_slow:
            slow = -np.expm1(-rate * times) / rate if rate else times
            return fit_transient(times, means[number], variances, slow, known)
        return fit_transient(times, np.exp(rate * times)[:, None] * means[number], variances, None, known)

    best = fit(0)
    starts = np.array([-best.rate * fit(number, best.rate).amplitude for number in range(len(means))])
    if not seen(starts * horizon, _LOOKS, least=least):
        return Healing(Value(nan, nan, "1/time"), Value(0.0, 0.0, "time"), np.zeros_like(starts[0]))
    fits = [fit(number) for number in range(len(means))]
    rates = np.array([one.rate for one in fits]) + (0.0 if around_slow else slow_rates)
    sizes = np.array([one.rate * float(np.linalg.norm(one.amplitude)) for one in fits])
    logs = np.maximum(np.log(sizes / (tolerance * np.maximum(sizes, slope))), 0.0)
    healings = logs / np.maximum(rates, 1e-3 / horizon)
    healed = bool(healings[0] <= horizon)
    return Healing(
        rate=Value(float(rates[0]), float(jackknife(rates)), "1/time"),
        time=Value(float(healings[0]), float(jackknife(healings)), "time") if healed else Value(inf, nan, "time"),
        start=starts[0],
    )


def _variances(times: Array, samples: Array) -> Array:
    """Of the increments, summed over components; where no replica moved yet, a tenth of the usual one."""
    durations = np.diff(times)
    if len(samples) == 1:
        return durations
    found = np.diff(samples, axis=1).var(axis=0, ddof=1).sum(axis=1)
    usual = float(np.median(found / durations))
    return np.maximum(found, 0.1 * usual * durations) if usual > 0 else durations


def compare(
    name: str, times: Array, kept: Array, other: Array, slow_rates: Array, tolerance: float, least: Array
) -> Comparison:
    """Compare the slopes of paths (replica, time, component) that begin at the same macro state, replica by replica.

    The later half of the horizon is compared at equal macro states: where the one path is displaced by ``D`` from
    the other, its slope differs by ``-a D`` for that alone, ``a`` the slow rate, and that is taken out. ``least``
    (component,) is the round-off of the paths.
    """
    half, horizon = int(np.argmin(np.abs(times - times[-1] / 2))), float(times[-1])
    duration = horizon - float(times[half])
    difference = kept - other
    means, along = leave_out(difference), leave_out(kept)
    grown = np.exp(np.outer(slow_rates, times))[..., None] * means
    rests = np.exp(-0.75 * horizon * slow_rates)[:, None] * (grown[:, -1] - grown[:, half]) / duration
    slopes = (along[:, -1] - along[:, half]) / duration
    slope = length(slopes) if seen(slopes * horizon, least=least) else 0.0
    healing = heal(times, difference, slow_rates, slope, tolerance, least, around_slow=False)
    reference = slope or float(np.linalg.norm(healing.start))
    rest, error = length(rests), float(np.linalg.norm(jackknife(rests)))
    dependence = Value(rest / reference, error / reference) if reference else Value(nan, nan)
    slow = abs(float(slow_rates[0]))
    if reference or len(kept) > 1:
        differs = seen(rests * horizon, least=least) and rest > tolerance * reference
        explained = _dies(healing, rests[0], error, horizon, tolerance * reference)
        waited = _waited(healing, slow, horizon, tolerance * reference, tolerance)
        verdict = _judge(dependence, healing, slow, tolerance, differs=differs and waited, explained=explained)
    else:
        verdict = Verdict.CLOSES  # without noise nothing moves, however it was lifted
    direction = healing.start if healing.happens else slopes[0]
    line = _line(times, means, slow_rates, direction, reference)
    return Comparison(
        name=name,
        verdict=verdict,
        dependence=dependence,
        replicas=_replicas(dependence, verdict, tolerance, len(kept)),
        healing=healing,
        times=line[0],
        difference=line[1],
        stderr=line[2],
    )


def _judge(
    dependence: Value, healing: Healing, slow: float, tolerance: float, *, differs: bool, explained: bool
) -> Verdict:
    if slow * (healing.time.value - 2 * healing.time.stderr) > _FORGETFUL:
        return Verdict.DOES_NOT_CLOSE
    if explained or dependence.value + 2 * dependence.stderr <= tolerance:
        return Verdict.CLOSES
    return Verdict.DOES_NOT_CLOSE if differs else Verdict.UNDECIDED


def _waited(healing: Healing, slow: float, horizon: float, bearable: float, tolerance: float) -> bool:
    """Whether what still differs will not heal any more before the macro state itself has moved on."""
    if not healing.happens:
        return True
    left = float(np.linalg.norm(healing.start)) * np.exp(-healing.rate.value * horizon / 2)
    surely = healing.rate.value - 2 * healing.rate.stderr
    still_dies = slow * log(1 / tolerance) <= _FORGETFUL * surely
    return left <= bearable or (slow * horizon >= _PATIENCE and not still_dies)


def _dies(healing: Healing, rest: Array, error: float, horizon: float, bearable: float) -> bool:
    """Whether what differs over the later half is the transient's end, gone when the horizon is over."""
    if not healing.happens:
        return False
    slowest_rate = healing.rate.value - 2 * healing.rate.stderr
    if slowest_rate <= 0:  # it may as well grow
        return False
    at_half, at_end = np.exp(-slowest_rate * horizon / 2), np.exp(-slowest_rate * horizon)
    mean = (at_half - at_end) / (slowest_rate * horizon / 2)
    unexplained = float(np.linalg.norm(rest - mean * healing.start))
    return bool(unexplained + 2 * error <= bearable and at_end * np.linalg.norm(healing.start) <= bearable)


def _replicas(dependence: Value, verdict: Verdict, tolerance: float, replicas: int) -> int:
    """So many that three standard errors reach from what is surely there to the tolerance; twice as many at least."""
    if verdict is not Verdict.UNDECIDED or not dependence.stderr > 0:
        return 0
    surely = min(max(dependence.value - 2 * dependence.stderr, 0.0), 0.9 * tolerance)
    return ceil(replicas * max((3 * dependence.stderr / (tolerance - surely)) ** 2, 2.0))


def _line(times: Array, means: Array, slow_rates: Array, direction: Array, unit: float) -> tuple[Array, Array, Array]:
    """Middles of intervals that double, the difference of the slopes there along one direction, and its error."""
    places = np.unique(np.searchsorted(times, times[-1] * 0.5 ** np.arange(_DOUBLINGS, -1.0, -1.0)))
    places = np.concatenate([[0], places[places > 0]])
    middles = (times[places[1:]] + times[places[:-1]]) / 2
    size = (float(np.linalg.norm(direction)) or 1.0) * (unit or 1.0)
    grown = np.exp(np.outer(slow_rates, times[places])) * (means[:, places] @ direction) / size
    slopes = np.exp(-np.outer(slow_rates, middles)) * np.diff(grown, axis=1) / np.diff(times[places])
    return middles, slopes[0], jackknife(slopes)
