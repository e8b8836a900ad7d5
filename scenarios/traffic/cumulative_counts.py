"""The queue before a bottleneck by cumulative counts: curves over time, no cells and no flux function."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import asin, inf, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

__all__ = ["CumulativeCounts", "Rush"]

Array = NDArray[np.float64]

_BISECTIONS = 50  # of the road before the bottleneck: down to round-off


@dataclass(frozen=True)
class Rush:
    """Arrivals per second: ``low`` before and after, and between two times a smooth hill, sin², up to ``peak``.

    Parameters
    ----------
    low, peak
        In 1/s.
    begin, end
        Of the hill, in s.

    Raises
    ------
    ValueError
        Unless 0 <= low <= peak and 0 <= begin < end.

    Examples
    --------
    >>> rush = Rush(0.3, 0.5, 600.0, 4200.0)
    >>> rush.rate([0.0, 2400.0]), rush.count([600.0, 4200.0])  # a mean of 0.4 in between
    (array([0.3, 0.5]), array([ 180., 1620.]))
    """

    low: float
    peak: float
    begin: float
    end: float

    def __post_init__(self) -> None:
        if not (0 <= self.low <= self.peak < inf and 0 <= self.begin < self.end < inf):
            raise ValueError(
                "A rush must begin before it ends, not before time 0, and bring more arrivals than there are without: "
                f"got low={self.low:g} 1/s, peak={self.peak:g} 1/s, begin={self.begin:g} s, end={self.end:g} s."
            )

    def rate(self, time: ArrayLike) -> Array:
        """Arrivals per second."""
        return np.asarray(self.low + (self.peak - self.low) * np.sin(pi * self._over(time)) ** 2)

    def count(self, time: ArrayLike) -> Array:
        """Arrivals since time 0; negative before it."""
        over = self._over(time)
        more = (self.end - self.begin) * (over / 2 - np.sin(2 * pi * over) / (4 * pi))
        return np.asarray(self.low * np.asarray(time) + (self.peak - self.low) * more)

    def reaches(self, rate: float) -> float:
        """When ``rate``, above low and at most peak, is reached.

        >>> round(Rush(0.3, 0.5, 600.0, 4200.0).reaches(0.4), 9)
        1500.0
        """
        return self.begin + (self.end - self.begin) / pi * asin(sqrt((rate - self.low) / (self.peak - self.low)))

    def _over(self, time: ArrayLike) -> Array:
        """How much of the hill is over, in [0, 1]."""
        return np.clip((np.asarray(time, dtype=np.float64) - self.begin) / (self.end - self.begin), 0.0, 1.0)


@dataclass(frozen=True)
class CumulativeCounts:
    """Newell's construction of the queue before a bottleneck whose discharge drops while the queue stands.

    Arrivals at the bottleneck, had nobody to wait, are those at the beginning of the road a free travel time ago. From
    when they first come faster than ``capacity`` until the curves meet again, departures are a straight line, its slope
    the discharge. The count at a place y before the bottleneck is the smaller of what came freely and of what the
    departures let pass, N(y, t) = min(A(t - (x - y)/v), D(t - y/w) + κ y), and the queue ends where the two are
    equal: exact for kinematic waves of one free speed v and one backward speed w, whatever the arrivals.

    Parameters
    ----------
    rush
        Arrivals at the beginning of the road.
    place
        Of the bottleneck: x, in m.
    free_speed, backward_speed
        v and w, in m/s.
    jam_density
        κ, in 1/m.
    capacity
        The most that passes the bottleneck, in 1/s.
    capacity_drop
        Share of it that is lost while a queue stands.

    References
    ----------
    G. F. Newell, Transp. Res. B 27 (1993) 281, doi:10.1016/0191-2615(93)90038-C, and 289,
    doi:10.1016/0191-2615(93)90039-D.

    Examples
    --------
    >>> counts = CumulativeCounts(Rush(0.3, 0.5, 600.0, 4200.0), 6000.0, 30.0, 5.0, 0.15, 0.4, 0.1)
    >>> [round(time) for time in counts.queueing]  # 1500 s and the 200 s that it takes to arrive
    [1700, 7155]
    >>> counts.length([1700.0, 3800.0]).round()
    array([   0., 2868.])
    """

    rush: Rush
    place: float
    free_speed: float
    backward_speed: float
    jam_density: float
    capacity: float
    capacity_drop: float = 0.0

    @property
    def discharge(self) -> float:
        """What passes the bottleneck while a queue stands, in 1/s."""
        return (1 - self.capacity_drop) * self.capacity

    @property
    def travel(self) -> float:
        """How long it takes to arrive, in s."""
        return self.place / self.free_speed

    @cached_property
    def queueing(self) -> tuple[float, float] | None:
        """When the queue begins and when it is gone, in s: never, where arrivals stay above the discharge.

        None where no queue forms.
        """
        rush, discharge = self.rush, self.discharge
        if rush.peak <= self.capacity:
            return None
        begin = rush.reaches(self.capacity)

        def waiting(time: float) -> float:
            return float(rush.count(time) - rush.count(begin)) - discharge * (time - begin)

        if waiting(rush.end) <= 0:
            end = float(brentq(waiting, (rush.begin + rush.end) / 2, rush.end))
        elif rush.low < discharge:
            end = rush.end + waiting(rush.end) / (discharge - rush.low)
        else:
            end = inf
        return begin + self.travel, end + self.travel

    def arrivals(self, time: ArrayLike) -> Array:
        """Who would have passed the bottleneck if nobody had to wait, (time,)."""
        return self.rush.count(np.asarray(time, dtype=np.float64) - self.travel)

    def departures(self, time: ArrayLike) -> Array:
        """Who has passed the bottleneck, (time,)."""
        time = np.asarray(time, dtype=np.float64)
        if self.queueing is None:
            return self.arrivals(time)
        begin, end = self.queueing
        line = self.arrivals(begin) + self.discharge * (time - begin)
        return np.where((time > begin) & (time < end), line, self.arrivals(time))

    def length(self, time: ArrayLike) -> Array:
        """From the bottleneck to the end of the queue in m, (time,); the whole road where that is not long enough."""
        time = np.asarray(time, dtype=np.float64)
        low, high = np.zeros_like(time), np.full_like(time, self.place)
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            freely = self.arrivals(time + middle / self.free_speed)
            queued = self.departures(time - middle / self.backward_speed) + self.jam_density * middle
            low, high = np.where(freely > queued, middle, low), np.where(freely > queued, high, middle)
        return low
