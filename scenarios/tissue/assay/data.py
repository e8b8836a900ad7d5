"""Measured profiles of a scratch assay: anyone's file, and the summaries that the project carries."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scenarios.measurements import numbers, read_table

__all__ = ["CARRIED", "CLOSE_PACKING", "Profiles", "carried_profiles", "read_profiles"]

Array = NDArray[np.float64]

CLOSE_PACKING = 1e-2  #: cells/µm²: of cells of 10 µm side by side
CARRIED = ("12000", "20000")  #: cells that were seeded in a well

_UNITS = {
    "position": {"um": 1.0, "mm": 1e3},
    "time": {"h": 1.0, "min": 1 / 60, "d": 24.0},
    "density": {"cells/um2": 1.0, "cells/mm2": 1e-6},
    "spread": {"cells/um2": 1.0, "cells/mm2": 1e-6},
}
_FEW = 10_000  # times and positions, of which the first that is missing is looked for
_NEEDED = ("position", "time", "density")
_HEADER = "position (um), time (h), density (cells/um2)"
_COLUMN = re.compile(r"(?P<name>[a-z]+) *\((?P<unit>[^)]*)\)")


@dataclass(frozen=True, eq=False)
class Profiles:
    """Densities of cells across a scratch, at several times.

    Parameters
    ----------
    name
        What the assay is called.
    positions : (position,)
        Middles of the strips in which cells were counted, at equal distances (µm).
    times : (time,)
        The first is that of the scratch (h).
    densities, spreads : (time, position)
        Mean over replicates and standard deviation of one (cells/µm²).

    Raises
    ------
    ValueError
        For shapes that do not fit, fewer than 3 times or 4 positions, times or positions that do not increase, unequal
        distances, and densities that are no numbers, negative or above close packing.

    Examples
    --------
    >>> flat = np.full((3, 4), 1e-3)
    >>> Profiles("flat", np.array([50.0, 150, 250, 350]), np.array([0.0, 12, 24]), flat, flat / 10).length
    400.0
    """

    name: str
    positions: Array
    times: Array
    densities: Array
    spreads: Array

    def __post_init__(self) -> None:
        shape = (len(self.times), len(self.positions))
        if self.densities.shape != shape or self.spreads.shape != shape:
            raise ValueError(
                f"There must be a density and a spread for each of {shape[0]} times and {shape[1]} positions: got "
                f"shapes {self.densities.shape} and {self.spreads.shape}."
            )
        if shape[0] < 3:
            raise ValueError(
                f"An assay must have 3 times or more, the scratch, one to fit and one to predict: got {shape[0]}."
            )
        steps = np.diff(self.positions)
        if shape[1] < 4 or not (steps > 0).all() or np.ptp(steps) > 1e-3 * steps.mean():
            raise ValueError(
                f"There must be 4 positions or more, increasing at equal distances: got {shape[1]}, "
                f"{_first(self.positions)}. Bin the cells in strips of one width."
            )
        if not (np.isfinite(self.times).all() and (np.diff(self.times) > 0).all()):
            raise ValueError(f"Times must increase, each named once: got {_first(self.times)} h.")
        self._check_densities()

    def _check_densities(self) -> None:
        for name, values in (("densities", self.densities), ("spreads", self.spreads)):
            if not (np.isfinite(values) & (values >= 0)).all():
                time, position = np.argwhere(~(np.isfinite(values) & (values >= 0)))[0]
                raise ValueError(
                    f"{name.capitalize()} must be finite and not negative: got {values[time, position]:g} at "
                    f"{self.positions[position]:g} µm and {self.times[time]:g} h. Correct it, or leave that time out."
                )
        if self.densities.max() > CLOSE_PACKING:
            raise ValueError(
                f"Densities must be below close packing, {CLOSE_PACKING:g} cells/µm²: got {self.densities.max():g}. "
                "Are they in the units of the header?"
            )
        if not self.densities[0].any():
            raise ValueError("There must be cells at the first time: the density is 0 everywhere. Leave that time out.")
        if not self.spreads.any(axis=1).all():
            raise ValueError("The spread between replicates must not be zero everywhere. Give it, or replicates.")

    @property
    def strip(self) -> float:
        """Width of a strip (µm)."""
        return float((self.positions[-1] - self.positions[0]) / (len(self.positions) - 1))

    @property
    def left(self) -> float:
        """Where the field begins (µm)."""
        return float(self.positions[0] - self.strip / 2)

    @property
    def length(self) -> float:
        """Of the field (µm)."""
        return self.strip * len(self.positions)

    @property
    def typical_spreads(self) -> Array:
        """Of each time, (time,): root mean square over positions, since one of few replicates is itself uncertain."""
        return np.asarray(np.sqrt((self.spreads**2).mean(axis=1)))

    def fitted(self, until: float) -> int:
        """How many times, the scratch included, are not later than ``until`` (h).

        Raises
        ------
        ValueError
            If these are fewer than two, or all.
        """
        count = int((self.times <= until + 1e-9).sum())
        if count < 2:
            raise ValueError(
                f"A time after the scratch must be there to fit to, up to {until:g} h: got {_first(self.times)} h. "
                "Raise `fitted_until`."
            )
        if count == len(self.times):
            raise ValueError(
                f"A time later than {until:g} h must be held back to be predicted: got {_first(self.times)} h. Lower "
                "`fitted_until`."
            )
        return count


def read_profiles(path: str | Path, name: str = "data") -> Profiles:
    """The profiles in a CSV file, a row a position and time; rows that share both are replicates.

    The header names columns and units: ``position (um), time (h), density (cells/um2)``, and ``spread (cells/um2)``,
    the standard deviation of a replicate, which may be left out where there are replicates. Positions may be in um or
    mm, times in h, min or d, densities in cells/um2 or cells/mm2; µ and ² may be written. Lines that begin with ``#``
    are passed over.

    Raises
    ------
    ValueError
        For a file that cannot be read, columns or units that are missing or unknown, times out of order, a position
        that is missing at some time, or what `Profiles` refuses.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> rows = [f"{x},{t},{1000 - x},50" for t in (0, 12, 24) for x in (50, 150, 250, 350)]
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "assay.csv"
    ...     _ = path.write_text("\\n".join(["position (um),time (h),density (cells/mm2),spread (cells/mm2)", *rows]))
    ...     float(read_profiles(path).densities[0, 0].round(9))
    0.00095
    """
    table = _in_our_units(_read(Path(path)), path)
    times = table["time"].to_numpy()
    if (np.diff(times) < 0).any():
        raise ValueError(f"Times must increase down {_shown(path)}: got {_first(pd.unique(times))} h. Sort its rows.")
    if table["time"].nunique() * table["position"].nunique() > max(_FEW, len(table)):  # more than there are rows
        raise ValueError(f"Every time must have the same positions: got others in {_shown(path)}. Add those missing.")
    groups = table.groupby(["time", "position"])
    means, counts = groups["density"].mean().unstack(), groups.size().unstack()
    if means.isna().any(axis=None):
        row, column = np.argwhere(means.isna().to_numpy())[0]
        raise ValueError(
            f"Every time must have the same positions: got none at {means.columns[column]:g} µm and "
            f"{means.index[row]:g} h in {_shown(path)}. Add it, or leave that time out."
        )
    if "spread" in table:
        if (counts > 1).any(axis=None):
            raise ValueError(
                f"A position and time must be named once where a spread is given: {_shown(path)} has replicates too. "
                "Leave the column spread out."
            )
        spreads = groups["spread"].mean().unstack()
    elif (counts < 2).any(axis=None):
        raise ValueError(f"expected a column spread (cells/um2), or replicates, in {_shown(path)}. Give one of them.")
    else:
        spreads = groups["density"].std(ddof=1).unstack()
    return Profiles(name, *(np.array(axis, dtype=np.float64) for axis in (means.columns, means.index, means, spreads)))


def carried_profiles(seeded: str) -> Profiles:
    """The summary of a published assay of PC-3 cells that the project carries; the file names its source.

    Raises
    ------
    ValueError
        For a number of seeded cells that is none of `CARRIED`.

    Examples
    --------
    >>> carried_profiles("12000").times
    array([ 0., 12., 24., 36., 48.])
    """
    if seeded not in CARRIED:
        raise ValueError(f"The assays that are carried are of {' and '.join(CARRIED)} seeded cells: got {seeded!r}.")
    return read_profiles(Path(__file__).with_name(f"scratch_{seeded}_summary.csv"), seeded)


def _read(path: Path) -> pd.DataFrame:
    try:
        return read_table(path, comment="#", index_col=False)
    except ValueError as error:
        raise ValueError(
            f"expected a table of profiles; {_shown(path)} cannot be read: {error}. Its header is {_HEADER}."
        ) from error


def _in_our_units(table: pd.DataFrame, path: str | Path) -> pd.DataFrame:
    """Columns position (µm), time (h), density and spread (cells/µm²)."""
    found: dict[str, Any] = {}
    for header in table.columns:
        written = _COLUMN.fullmatch(str(header).strip())
        name = str(header).split("(")[0].strip()
        if name not in _UNITS:
            continue
        unit = "" if written is None else written["unit"].strip().replace("µ", "u").replace("μ", "u").replace("²", "2")
        if unit not in _UNITS[name]:
            raise ValueError(
                f"expected the unit of {name}, {' or '.join(_UNITS[name])}, in the header of {_shown(path)}: got "
                f"{_shown(header)}. Write it as in {name} ({next(iter(_UNITS[name]))})."
            )
        found[name] = numbers(table[header]) * _UNITS[name][unit]
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise ValueError(
            f"expected the columns {_HEADER} in {_shown(path)}: {' and '.join(missing)} is missing. Name it in the "
            "header."
        )
    ours = pd.DataFrame(found)
    if not len(ours) or not np.isfinite(ours.to_numpy()).all():
        bad = 0 if not len(ours) else int((~np.isfinite(ours.to_numpy())).any(axis=1).argmax()) + 1
        raise ValueError(f"expected numbers in every row of {_shown(path)}: row {bad} has not. Correct or remove it.")
    return ours


def _first(values: Array) -> str:
    """The first few, for a message."""
    told = ", ".join(f"{value:g}" for value in values[:8])
    return told + (" …" if len(values) > 8 else "")


def _shown(text: object, most: int = 120) -> str:
    """On one line, quoted and shortened."""
    told = str(text)
    return repr(told if len(told) <= most else told[: most - 1] + "…")
