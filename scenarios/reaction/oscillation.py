"""The period of a noisy oscillation."""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from agents.molecules import WellMixed, path

__all__ = ["brusselator_period", "check_period", "upcrossings"]

_LOW, _HIGH = 0.8, 2.0  # of X: a cycle begins where it first passes the higher one after it was below the lower
_SAMPLING = 0.01
_BLOCKS = 30
_PERIOD, _SHIFT, _SHIFT_STDERR = 7.15692, 5.5, 0.5


def upcrossings(times: ArrayLike, values: ArrayLike, low: float, high: float) -> NDArray[np.float64]:
    """When values first pass ``high`` after they were below ``low``, by linear interpolation.

    >>> upcrossings([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [0.5, 3.0, 1.9, 2.1, 0.7, 2.7], low=0.8, high=2.0)
    array([0.6, 4.65])
    """
    instants, x = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    rising = np.flatnonzero((x[:-1] < high) & (x[1:] >= high))
    lows = np.concatenate(([0], np.cumsum(x < low)))[rising + 1]  # how often it was low until then
    first = np.flatnonzero(np.diff(lows, prepend=0) > 0)
    at = rising[first]
    return np.asarray(instants[at] + (high - x[at]) / (x[at + 1] - x[at]) * (instants[at + 1] - instants[at]))


def brusselator_period(model: WellMixed, cycles: int, seed: int) -> ef.Value:
    """The mean period of an exact path of about so many cycles, its error from 30 blocks."""
    times = np.arange(0.0, max(_PERIOD * cycles / _BLOCKS, 3 * _PERIOD), _SAMPLING)
    counts = np.rint(model.network.initial * model.volume).astype(np.int64)
    species, periods = model.network.index("X"), []
    for block in range(_BLOCKS):
        states = path(model.tables, counts, times, Generator(PCG64(SeedSequence(seed, spawn_key=(2, block)))))
        counts = states[-1]
        found = upcrossings(times, states[:, species] / model.volume, _LOW, _HIGH)
        periods += np.diff(found).tolist()
    return ef.Value(float(np.mean(periods)), float(np.std(periods, ddof=1)) / sqrt(len(periods)))


def check_period(period: ef.Value, volume: float) -> ef.Check:
    """The period beside 7.15692 + (5.5 ± 0.5)/Ω, of an independent program."""
    return ef.Check(
        f"period of the brusselator, {volume:g} molecules per concentration",
        period.value,
        _PERIOD + _SHIFT / volume,
        4.0,
        "rate equations, and 5.5 ± 0.5 over the volume by an independent exact simulation",
        relation=ef.Relation.COVERS,
        stderr=float(np.hypot(period.stderr, _SHIFT_STDERR / volume)),
    )
