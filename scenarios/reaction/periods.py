"""The period of a noisy oscillation."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
import pandas as pd
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from agents.molecules import WellMixed, path, read_network
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.reaction.settings import Settings

__all__ = ["mean_period", "run_periods", "upcrossings"]

_LOW, _HIGH = 0.8, 2.0  # of X: a cycle begins where it first passes the higher one after it was below the lower
_SAMPLING = 0.01
_BATCHES = 20
_VOLUMES = (100.0, 1000.0)
_PERIOD, _SHIFT, _SHIFT_STDERR = 7.15692, 5.5, 0.5


def run_periods(settings: Settings, context: Context) -> Part:
    """The mean period of the brusselator in two volumes: noise lengthens it by 5.5 over the volume.

    Table: ``periods`` (volume, period, its standard error, the expected one).
    """
    rows, checks, values = [], [], {}
    for number, volume in enumerate(context.track(list(_VOLUMES), "volumes")):
        model = WellMixed(read_network("brusselator"), volume)
        rng = Generator(PCG64(SeedSequence(settings.seed, spawn_key=(2, number))))
        period = mean_period(model, settings.cycles, rng)
        expected = _PERIOD + _SHIFT / volume
        values[f"brusselator_period_{volume:g}"] = period
        rows.append({"volume": volume, "period": period.value, "stderr": period.stderr, "expected": expected})
        checks.append(
            ef.Check(
                f"period of the brusselator in the volume {volume:g}",
                period.value,
                expected,
                4.0,
                "7.15692 + (5.5 ± 0.5) / volume, an independent exact simulation",
                relation=ef.Relation.COVERS,
                stderr=float(np.hypot(period.stderr, _SHIFT_STDERR / volume)),
            )
        )
    return Part({"periods": pd.DataFrame(rows)}, values, checks)


def mean_period(model: WellMixed, cycles: int, rng: Generator) -> ef.Value:
    """The mean period of an exact path of so many cycles, its standard error from the means of twenty batches."""
    times = np.arange(0.0, ceil(_PERIOD * (cycles + 2)), _SAMPLING)
    counts = np.rint(model.network.initial * model.volume).astype(np.int64)
    x = path(model.tables, counts, times, rng)[:, model.network.index("X")] / model.volume
    periods = np.diff(upcrossings(times, x, _LOW, _HIGH))
    batches = [batch.mean() for batch in np.array_split(periods, _BATCHES)]
    return ef.Value(float(periods.mean()), float(np.std(batches, ddof=1)) / sqrt(_BATCHES))


def upcrossings(times: ArrayLike, values: ArrayLike, low: float, high: float) -> NDArray[np.float64]:
    """When values first pass ``high`` after they were below ``low``, by linear interpolation.

    >>> upcrossings([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [0.5, 3.0, 1.9, 2.1, 0.7, 2.7], low=0.8, high=2.0)
    array([0.6 , 4.65])
    """
    instants, x = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    rising = np.flatnonzero((x[:-1] < high) & (x[1:] >= high))
    lows = np.cumsum(x < low)[rising]  # how often it was low until then
    at = rising[np.diff(lows, prepend=0) > 0]
    return np.asarray(instants[at] + (high - x[at]) / (x[at + 1] - x[at]) * (instants[at + 1] - instants[at]))
