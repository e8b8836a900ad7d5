"""Readings of a burst: means, standard errors, slopes."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from eqfree.results import Cost

__all__ = ["Burst", "Moments", "Rate", "Reading", "slope"]


@dataclass(frozen=True, eq=False)
class Reading:
    """A mean over replicas, its standard error and, on demand, the replicas themselves.

    The standard error is zero for a deterministic model, and NaN for one replica of a random one. ``cost`` is what
    it took; what a burst observed on the way cost nothing besides the burst.
    """

    mean: NDArray[np.float64]
    stderr: NDArray[np.float64]
    samples: NDArray[np.float64] | None = None
    cost: Cost = field(default_factory=Cost)


@dataclass(frozen=True, eq=False)
class Burst:
    """Short simulations of many replicas from one macro state.

    Attributes
    ----------
    times : (time,)
        Measured from lifting.
    mean, stderr : (time, ...)
        Of the restricted states over replicas.
    samples : (replica, time, ...) or None
        The replicas, if they were asked for.
    observed : Reading or None
        What ``observe(before, after, duration)`` gave over each interval between the times:
        ``mean`` and ``stderr`` of shape (time - 1, ...).
    cost
        What it took.
    """

    times: NDArray[np.float64]
    mean: NDArray[np.float64]
    stderr: NDArray[np.float64]
    cost: Cost
    samples: NDArray[np.float64] | None = None
    observed: Reading | None = None


@dataclass(frozen=True, eq=False)
class Rate:
    """A slope of the macro state, its standard error (both of the macro state's shape) and its cost."""

    value: NDArray[np.float64]
    stderr: NDArray[np.float64]
    cost: Cost


class Moments:
    """Mean and standard error, accumulated as replicas arrive; the order decides the bits.

    Welford's recurrence: B. P. Welford, Technometrics 4 (1962) 419.

    >>> moments = Moments()
    >>> for value in (1.0, 2.0, 6.0):
    ...     moments.add(np.array([value]))
    >>> moments.reading().mean
    array([3.])
    """

    def __init__(self, *, keep: bool = False) -> None:
        self._count = 0
        self._mean: NDArray[np.float64] = np.zeros(())
        self._squares: NDArray[np.float64] = np.zeros(())
        self._kept: list[NDArray[np.float64]] | None = [] if keep else None

    def add(self, sample: NDArray[np.float64]) -> None:
        """Take one replica in; a ValueError if its shape is not that of the others."""
        if self._count and np.shape(sample) != self._mean.shape:
            raise ValueError(
                f"Every replica must be read in the same shape: got {self._mean.shape} of replica 0 and "
                f"{np.shape(sample)} of replica {self._count}. Let `restrict` and `observe` return one shape."
            )
        self._count += 1
        difference = sample - self._mean
        self._mean = self._mean + difference / self._count
        self._squares = self._squares + difference * (sample - self._mean)
        if self._kept is not None:
            self._kept.append(sample)

    def reading(self, *, deterministic: bool = False, cost: Cost | None = None) -> Reading:
        """Mean and standard error of what was taken in."""
        if deterministic:
            stderr = np.zeros_like(self._mean)
        elif self._count > 1:
            stderr = np.sqrt(self._squares) / sqrt(self._count * (self._count - 1))
        else:
            stderr = np.full_like(self._mean, np.nan)
        return Reading(self._mean, stderr, None if self._kept is None else np.array(self._kept), cost or Cost())


def slope(times: NDArray[np.float64], path: NDArray[np.float64]) -> NDArray[np.float64]:
    """The least-squares slope of a path (time, ...) over its times: the chord where there are two.

    >>> slope(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]))
    array(2.)
    """
    centred = times - times.mean()
    return np.tensordot(centred / (centred @ centred), path, axes=1)
