"""How a slope is had from a burst: by its chord, by least squares, or from rates observed along it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.burst import Burst
from eqfree.stepper import Observe

__all__ = ["Chord", "Estimate", "Estimator", "LeastSquares", "Observed", "Samples"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Samples:
    """What single replicas had, of shape (group, replica, ...)."""

    end: Array
    slope: Array


@dataclass(frozen=True, eq=False)
class Estimate:
    """What bursts from some macro states say, one a group.

    Attributes
    ----------
    end : (group, ...)
        The macro states at the ends of the bursts.
    slope : (group, ...)
        The slopes over the healed parts.
    duration
        Of the bursts.
    middle
        When the slopes are those of the path, to second order, measured from lifting.
    samples
        The replicas, if they were asked for.
    """

    end: Array
    slope: Array
    duration: float
    middle: float
    samples: Samples | None = None


class Estimator(Protocol):
    """Makes slopes of bursts."""

    @property
    def observe(self) -> Observe | None:
        """What it wants to see between the readings, if anything."""
        ...

    def times(self, healing: float, burst: float) -> Array:
        """When a burst has to be read, from the end of healing on, measured from lifting."""
        ...

    def estimate(self, bursts: Sequence[Burst]) -> Estimate:
        """Ends and slopes of bursts with such readings, one a group."""
        ...


@dataclass(frozen=True)
class Chord:
    """The slope from the end of healing to the end of the burst: best where noise is diffusive.

    Parameters
    ----------
    at
        Where between the two the slope is taken to be the path's: 0.5, the middle, is right to second order. The
        Equation-Free Toolbox takes the slope of the last inner step for that at the end: 1.

    Raises
    ------
    ValueError
        Unless ``at`` lies in [0, 1].

    Examples
    --------
    >>> Chord().times(healing=0.25, burst=1.0)
    array([0.25, 1.  ])
    """

    at: float = 0.5

    observe = None

    def __post_init__(self) -> None:
        if not 0 <= self.at <= 1:
            raise ValueError(f"`at` must lie in [0, 1], from the end of healing to that of the burst: got {self.at}.")

    def times(self, healing: float, burst: float) -> Array:
        """The two ends."""
        return np.array([healing, burst])

    def estimate(self, bursts: Sequence[Burst]) -> Estimate:
        """The chord's slope."""
        healing, end = bursts[0].times
        middle = healing + self.at * (end - healing)
        return _estimate(bursts, lambda path: (path[-1] - path[0]) / (end - healing), middle)


@dataclass(frozen=True)
class LeastSquares:
    """The slope of a line through equally spaced readings, weighted by the inverse of their variance over replicas.

    Best where noise is independent from reading to reading. The weights are one a time: all groups and all numbers
    of the macro state, each in units of its own variance, say them together. Where no variance is known (a
    deterministic model, one replica a group) they are equal.

    Parameters
    ----------
    readings
        How many.

    Raises
    ------
    ValueError
        For fewer than two readings.

    Examples
    --------
    >>> LeastSquares(readings=4).times(healing=0.25, burst=1.0)
    array([0.25, 0.5 , 0.75, 1.  ])
    """

    readings: int = 9

    observe = None

    def __post_init__(self) -> None:
        if self.readings < 2:
            raise ValueError(f"A slope needs two `readings` or more: got {self.readings}.")

    def times(self, healing: float, burst: float) -> Array:
        """Equally spaced."""
        return np.linspace(healing, burst, self.readings)

    def estimate(self, bursts: Sequence[Burst]) -> Estimate:
        """The slope of the line, and when a parabola has it."""
        times, weights = bursts[0].times, _weights(bursts)
        mean = weights @ times
        centred = times - mean
        second = weights @ centred**2
        middle = mean + weights @ centred**3 / second / 2
        return _estimate(bursts, lambda path: np.tensordot(weights * centred / second, path, axes=1), float(middle))


def _weights(bursts: Sequence[Burst]) -> Array:
    """One over the variance of the readings, adding up to one."""
    variance = np.mean([burst.stderr**2 for burst in bursts], axis=0).reshape(len(bursts[0].times), -1)
    scale = variance.mean(axis=0)
    known = np.isfinite(scale) & (scale > 0)
    if not known.any():
        return np.full(len(variance), 1 / len(variance))
    share = (variance[:, known] / scale[known]).mean(axis=1)
    weights = 1 / np.maximum(share, _LEAST)
    return np.asarray(weights / weights.sum())


_LEAST = 1e-3  # of the mean variance: a reading without noise, at lifting, must not outweigh all others


@dataclass(frozen=True)
class Observed:
    """The slope from rates that are observed along the healed burst: where increments drown in fluctuation.

    Propensities averaged over time, or fluxes: the mean of a rate is far less noisy than the few events that it makes.

    Parameters
    ----------
    rate
        ``rate(before, after, duration)`` of two micro states a ``duration`` apart: the slope of the macro state between
        them, of its shape.
    readings
        Ends of the intervals that it is asked over; more where ``rate`` sees but the two ends.

    Raises
    ------
    ValueError
        For fewer than two readings.

    References
    ----------
    W. E, D. Liu and E. Vanden-Eijnden, J. Chem. Phys. 123 (2005) 194107, doi:10.1063/1.2109987.

    Examples
    --------
    >>> estimator = Observed(lambda before, after, duration: -(before + after) / 2, readings=3)
    >>> estimator.times(healing=0.0, burst=1.0)
    array([0. , 0.5, 1. ])
    """

    rate: Callable[[Any, Any, float], ArrayLike]
    readings: int = 2

    def __post_init__(self) -> None:
        if self.readings < 2:
            raise ValueError(f"A rate is observed between two `readings` or more: got {self.readings}.")

    @property
    def observe(self) -> Observe | None:
        """The rate."""
        return self.rate

    def times(self, healing: float, burst: float) -> Array:
        """Equally spaced."""
        return np.linspace(healing, burst, self.readings)

    def estimate(self, bursts: Sequence[Burst]) -> Estimate:
        """The mean rate."""
        observed = [burst.observed for burst in bursts if burst.observed is not None]
        slope = np.array([one.mean.mean(axis=0) for one in observed])
        end = np.array([burst.mean[-1] for burst in bursts])
        if slope.shape != end.shape:
            raise ValueError(
                f"`rate` must return an array of the macro state's shape {end.shape[1:]}: got {slope.shape[1:]}."
            )
        kept = [one.samples.mean(axis=1) for one in observed if one.samples is not None]
        times = bursts[0].times
        return Estimate(
            end=end,
            slope=slope,
            duration=float(times[-1]),
            middle=float(times[0] + times[-1]) / 2,
            samples=Samples(_ends(bursts), np.array(kept)) if kept else None,
        )


def _estimate(bursts: Sequence[Burst], slope: Callable[[Array], Array], middle: float) -> Estimate:
    """What a linear function of the path says, of means and of replicas."""
    kept = [burst.samples for burst in bursts if burst.samples is not None]
    return Estimate(
        end=np.array([burst.mean[-1] for burst in bursts]),
        slope=np.array([slope(burst.mean) for burst in bursts]),
        duration=float(bursts[0].times[-1]),
        middle=middle,
        samples=Samples(_ends(bursts), np.array([[slope(one) for one in group] for group in kept])) if kept else None,
    )


def _ends(bursts: Sequence[Burst]) -> Array:
    return np.array([burst.samples[:, -1] for burst in bursts if burst.samples is not None])
