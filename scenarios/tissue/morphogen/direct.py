"""Cells beside a source, simulated all the way: what steady states are held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from agents.cells.signalling import Tissue
from eqfree.ensemble import Key
from eqfree.scenario import Context
from scenarios.tissue.morphogen.tissue import Gradient

__all__ = ["LongRun", "simulate"]

Array = NDArray[np.float64]

_SETTLES = 1 / 3  # of the time
_READINGS = 60
_FEWEST = 16  # populations: with fewer, error bars mislead


@dataclass(frozen=True, eq=False)
class LongRun:
    """Means over the time in which the cells have settled; standard errors are those of independent populations.

    Attributes
    ----------
    profiles, profiles_stderr : (2, column)
        Density and signal (nM).
    modes, modes_stderr : (mode,)
        Of the density.
    imbalance
        The largest share of morphogen that was missing or too much in a population, at any reading.
    cost
        What it took.
    """

    profiles: Array
    profiles_stderr: Array
    modes: Array
    modes_stderr: Array
    imbalance: float
    cost: ef.Cost


def simulate(gradient: Gradient, profiles: Array, context: Context, seed: int, key: Key) -> LongRun:
    """Populations from profiles of density and signal, (2, column), for the hours of the options."""
    given, tissue = gradient.options, gradient.tissue
    replicas = max(2 * given.replicas, _FEWEST)
    stepper = ef.CoarseTimeStepper(tissue, replicas=replicas, executor=context.executor, seed=seed)
    every = max(round(given.hours / given.step / _READINGS), 1) * given.step
    times = np.arange(0.0, given.hours + every / 2, every)

    def audit(before: Tissue, after: Tissue, duration: float) -> Array:
        return np.array([tissue.imbalance(after)])

    burst = stepper.burst(profiles, times, key, audit, samples=True)
    assert burst.samples is not None  # it was asked for
    assert burst.observed is not None
    settled = burst.samples[:, times > _SETTLES * given.hours].mean(axis=1)
    modes = gradient.modes.modes(settled[:, 0])
    return LongRun(
        settled.mean(axis=0),
        _stderr(settled),
        modes.mean(axis=0),
        _stderr(modes),
        replicas * float(burst.observed.mean.max()),
        burst.cost,
    )


def _stderr(samples: Array) -> Array:
    return np.asarray(samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))
