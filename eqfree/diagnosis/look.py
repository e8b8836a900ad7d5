"""What the paths over one horizon show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.diagnosis.closure import Comparison, Healing, Verdict, compare, heal, worst
from eqfree.diagnosis.paths import Paths
from eqfree.diagnosis.transient import FAR, ROUND_OFF, change_rates, jackknife, leave_out, length, seen, slow_rate
from eqfree.fields import Field
from eqfree.results import Value

__all__ = ["Look", "take"]

Array: TypeAlias = NDArray[np.float64]
_CARRIED = "Carried on or lifted anew"
_SLOW_TIMES = 0.5  # that a horizon should hold
_TOO_MANY = 2.0
_SLOWER = 4.0  # times: another motion
_BITS = 1e-12  # of a number: what rounding has made of it by the end of a run
_MIXED = 1e-4  # of the largest number: a field that is smaller may be what is left of sums that cancel
_GAP = 8.0  # of a rate to the inverse of the horizon, to be told from the slow motion of the same path


@dataclass(frozen=True, eq=False)
class Look:
    """What was seen over one horizon."""

    paths: Paths
    scale: Array
    slow: Value
    change: Value
    moved: bool
    comparisons: tuple[Comparison, ...]
    off_manifold: Healing

    @property
    def noisy(self) -> bool:
        """Whether replicas differ."""
        return len(self.paths.first) > 1

    @property
    def slow_times(self) -> float:
        """How many slow times the horizon is; zero where the slope was not seen to change."""
        rate = self.change.value
        return rate * self.paths.horizon if rate > 2 * self.change.stderr else 0.0

    @property
    def is_enough(self) -> bool:
        """Whether the slope was seen to change by half, or, without noise, that nothing moves at all."""
        if self.rests:
            return not self.noisy and not np.ptp(self.paths.first, axis=1).any()
        return self.slow_times >= _SLOW_TIMES

    @property
    def rests(self) -> bool:
        """Whether nothing moves any more."""
        return isnan(self.slow.value)

    @property
    def is_over(self) -> bool:
        """Whether of the motion over the first half nothing was left in the second, or it had turned back."""
        return self.rests or self.slow.value * self.paths.horizon / 2 >= FAR * (1 - ROUND_OFF)

    @property
    def is_too_long(self) -> bool:
        """Whether the motion was over before its slope could be read."""
        return self.moved and (self.rests or (self.slow.value > 0 and self.slow_times > _TOO_MANY))

    @property
    def is_far_too_long(self) -> bool:
        """Whether a shorter horizon would show more: not where all that moved was a lift being forgotten."""
        heals = any(comparison.healing.happens for comparison in self.comparisons)
        return self.is_too_long and not (self.rests and heals)

    @property
    def is_settled(self) -> bool:
        """Whether looking longer would change nothing but the noise: what differed at first has healed."""
        healed = all(2 * one.healing.time.value <= self.paths.horizon for one in self.comparisons)
        return healed and worst(self.comparisons) is not Verdict.DOES_NOT_CLOSE

    def is_slower_than(self, other: Look) -> bool:
        """Whether what the other took for the slow motion has died, and a slower one is left."""
        return not self.rests and abs(self.slow.value) + 2 * self.slow.stderr < abs(other.slow.value) / _SLOWER

    def plain_variance(self, duration: float) -> float:
        """Of one replica that goes on for a duration; beyond what was watched, it grows as time does."""
        paths = self.paths.scaled(self.scale)
        if not self.noisy:
            return 0.0
        variances = np.concatenate([paths.first, paths.carried[:, 1:]], axis=1).var(axis=0, ddof=1).sum(axis=1)
        times = np.concatenate([paths.times, paths.horizon + paths.times[1:]])
        beyond = max(duration / times[-1], 1.0)
        return float(beyond * np.interp(duration, times, variances))

    def leading(self, fields: Sequence[Field]) -> tuple[Array, str]:
        """The paths of the component that moves most, and what it is called."""
        moves = np.abs(self.paths.carried.mean(axis=0)[-1] - self.paths.first.mean(axis=0)[0])
        kept = self.scale > 0
        number = int(np.argmax(np.where(kept, moves / np.where(kept, self.scale, 1.0), -1.0)))
        columns = [self.paths.times]
        for path in (self.paths.carried, self.paths.lifted):
            means = leave_out(path[..., number])
            columns += [means[0], jackknife(means)]
        return np.stack(columns, axis=1), _name(fields, number)


def take(paths: Paths, fields: Sequence[Field], tolerance: float) -> Look:
    """Read the slow rate, the comparisons and the first path's own transient from the paths."""
    size = _size(paths, fields)
    scale = _scale(paths, fields, size)
    least = np.maximum(ROUND_OFF, _BITS * size[scale > 0] / scale[scale > 0])
    scaled = paths.scaled(scale)
    times, half = paths.times, paths.half
    carried = leave_out(scaled.carried)
    first_half, second_half = carried[:, half] - carried[:, 0], carried[:, -1] - carried[:, half]
    noise = float((jackknife(first_half) ** 2).sum())
    rates = np.array(
        [slow_rate(one, two, paths.horizon / 2, noise) for one, two in zip(first_half, second_half, strict=True)]
    )
    slow = Value(float(rates[0]), float(jackknife(rates)), "1/time")
    changes = change_rates(first_half, second_half, paths.horizon / 2, noise, least)
    change = Value(float(changes[0]), float(jackknife(changes)), "1/time")
    moves = seen(first_half, least=least)
    if not (moves and abs(slow.value) > 2 * slow.stderr):
        rates = np.zeros_like(rates)
    comparisons = [compare(_CARRIED, times, scaled.carried, scaled.lifted, rates, tolerance, least)]
    comparisons += [
        compare(name, times, scaled.first, one, rates, tolerance, least) for name, one in scaled.others.items()
    ]
    slope = length(first_half) / (paths.horizon / 2) if moves else 0.0
    own = heal(times, scaled.first, rates, slope, tolerance, least, around_slow=True)
    if comparisons[0].healing.happens or not own.rate.value * paths.horizon > _GAP:
        own = replace(own, rate=Value(nan, nan, "1/time"), time=Value(0.0, 0.0, "time"), start=np.zeros_like(own.start))
    return Look(
        paths=paths,
        scale=scale,
        slow=slow if moves else Value(nan, nan, "1/time"),
        change=change if moves else Value(nan, nan, "1/time"),
        moved=seen(leave_out(scaled.first[:, -1] - scaled.first[:, 0]), least=least),
        comparisons=tuple(comparisons),
        off_manifold=own,
    )


def _size(paths: Paths, fields: Sequence[Field]) -> Array:
    """The largest number (component,) that a field's paths come to, the same for its components."""
    every = (paths.first, paths.carried, paths.lifted, *paths.others.values())
    largest = np.max([np.abs(path).max(axis=(0, 1)) for path in every], axis=0)
    parts = np.split(largest, np.cumsum([field.size for field in fields])[:-1])
    own = np.concatenate([np.full(part.size, part.max()) for part in parts])
    return np.asarray(np.maximum(own, _MIXED * largest.max()))


def _scale(paths: Paths, fields: Sequence[Field], size: Array) -> Array:
    """The size (component,) of a field's moves, the same for its components; zero for a field that does not move.

    Divided by it, the squares of a field's components add up to their mean, so that no field is heard the more for
    its unit or its many numbers. Where nothing moves, the ``size`` (component,) of its numbers.
    """
    moved = leave_out(paths.moved())
    scale = np.zeros_like(size)
    begin = 0
    for count in [field.size for field in fields] or [len(size)]:
        part = slice(begin, begin + count)
        moves = moved[..., part]
        if seen(moves.reshape(len(moves), -1), least=ROUND_OFF * size[begin]):
            scale[part] = np.sqrt(count * (moves[0] ** 2).mean(axis=1).max())
        begin += count
    return scale if scale.any() else np.where(size > 0, size, 1.0)


def _name(fields: Sequence[Field], number: int) -> str:
    """What a component of the flattened macro state is called.

    >>> _name([Field("a"), Field("b", coordinates={"x": [0, 1]})], 2)
    'b[1]'
    """
    for field in fields:
        if number < field.size:
            return field.name if field.size == 1 else f"{field.name}[{number}]"
        number -= field.size
    return f"macro[{number}]"
