"""Uniform flow beside the jam, and what somebody sees who turns v0 slowly up and down."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from eqfree.scenario import Context
from scenarios.progress import counting
from scenarios.traffic_jam.ring import EVOLVE, Ring, spread

__all__ = ["label_uniform", "turn_slowly"]

_LABELLED = (0.985, 0.99, 0.995, 0.999, 1.001, 1.005, 1.01)  # of the onset
_DURATION = 10.0  # below π/ω
_TURNED = np.linspace(0.976, 1.016, 11)  # of the onset
_WHILE = 3 * EVOLVE


def label_uniform(ring: Ring, context: Context) -> tuple[pd.DataFrame, ef.Cost]:
    """The stability of uniform flow over v0: a table as `Branch.to_pandas` makes one."""
    rows, cost = [], ef.Cost()
    for share in context.track(_LABELLED, "uniform flow"):
        v0 = share * ring.settings.onset_v0
        spectrum = ef.coarse_multipliers(ring.of_headways(v0), ring.uniform, _DURATION, count=4)
        cost = cost + spectrum.cost
        rows.append(
            {
                "branch": "uniform flow",
                "parameter": v0,
                "parameter_stderr": 0.0,
                "measure": 0.0,
                "measure_stderr": 0.0,
                "covariance": 0.0,
                "stability": spectrum.stability.value,
                "growing": spectrum.growing,
                "largest": float(np.abs(spectrum.multipliers[spectrum.own]).max()),
                "duration": _DURATION,
            }
        )
    return pd.DataFrame(rows), cost


def turn_slowly(ring: Ring, jam: NDArray[np.float64], context: Context) -> ef.continuation.Sweep:
    """v0 down, from a large jam, until it has died, and up again: nothing brings it back before the onset."""
    shares = np.concatenate((_TURNED[::-1], _TURNED[1:]))
    with counting(context, len(shares), "v0 turned down and up") as count:
        return ef.sweep(ring.of_headways, jam, shares * ring.settings.onset_v0, _WHILE, measure=spread, progress=count)
