"""A simulated spheroid beside measured ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef

__all__ = ["Measured", "compare"]

Array = NDArray[np.float64]

_DAY = 24.0  # h
_FRACTIONS = ("inhibited", "necrotic")


@dataclass(frozen=True, eq=False)
class Measured:
    """Measurements on the clock of a run: table, headline numbers, and what to say."""

    table: pd.DataFrame
    values: dict[str, ef.Value] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def compare(measured: pd.DataFrame, times: Array, outline: Array, inhibited: Array, necrotic: Array) -> Measured:
    """How far a spheroid's radius and fractions are from the measured ones.

    The clock of the run is set to show the first measured day of which the run has the radius, when it has that. Radii
    are compared by days; fractions by radius, which is free of how fast either grew.

    Parameters
    ----------
    measured
        Means of one line and seeding, in the order of the days, as `choose_line` gives them.
    times : (time,)
        Of the run (h).
    outline, inhibited, necrotic : (time,)
        Radii (µm) of the spheroid, of what does not grow in it, and of its core.

    Examples
    --------
    >>> rows = {"day": [3.0, 4.0], "radius": [150.0, 174.0], "inhibited": [0.0, 0.0], "necrotic": [0.0, 0.0]}
    >>> path = np.array([150.0, 198.0])
    >>> made = compare(pd.DataFrame(rows), np.array([0.0, 48.0]), path, 0 * path, 0 * path)
    >>> made.values["spheroid_measured_radius_rms"].value
    0.0
    """
    grew = np.maximum.accumulate(outline)  # a reading may fall back by its noise
    known = measured["radius"].between(grew[0], grew[-1])
    if not known.any():
        note = f"No measured radius lies between {grew[0]:.4g} and {grew[-1]:.4g} µm: nothing is compared."
        return Measured(measured.assign(hour=nan), notes=[f"Spheroid, measured: {note}"])
    first = measured[known].iloc[0]
    begin = float(np.interp(first["radius"], grew, times))
    hour = begin + _DAY * (measured["day"] - first["day"])
    table = measured.assign(hour=hour)
    within = hour.between(times[0], times[-1])
    radius = np.interp(hour[within], times, outline) - measured["radius"][within]
    values = {"spheroid_measured_radius_rms": ef.Value(_rms(radius), unit="µm")}
    for name, region in zip(_FRACTIONS, (inhibited, necrotic), strict=True):
        share = np.interp(measured["radius"][known], grew, region / outline)
        values[f"spheroid_measured_{name}_rms"] = ef.Value(_rms(share - measured[name][known]))
    words = ", ".join(f"{values[f'spheroid_measured_{name}_rms'].value:.2f} ({name})" for name in _FRACTIONS)
    note = (
        f"Spheroid, measured: on {int(within.sum())} days, counted from day {first['day']:g}, radii are "
        f"{values['spheroid_measured_radius_rms'].value:.3g} µm apart (rms), and at {int(known.sum())} equal radii "
        f"fractions {words}. The cycle and the thresholds are not fitted to them."
    )
    return Measured(table, values, [note])


def _rms(differences: Array | pd.Series[float]) -> float:
    return float(np.sqrt(np.mean(np.asarray(differences) ** 2)))
