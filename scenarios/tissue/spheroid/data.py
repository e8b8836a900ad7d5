"""Measured spheroids: anyone's file in the format of the confocal study, and the means that the project carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from eqfree.fields import short
from scenarios.measurements import numbers, read_table

__all__ = ["carried_means", "choose_line", "read_spheroids", "summarise"]

_MEANS = Path(__file__).with_name("confocal_means.csv")
_COLUMNS = {
    "CellLine": "line",
    "InitialCondition": "seeding",
    "Day": "day",
    "R": "radius",
    "ϕ": "inhibited",
    "η": "necrotic",
}
_SPELLINGS = {"φ": "ϕ", "phi": "ϕ", "eta": "η"}  # of the Greek letters, as people type them
_SMALLEST, _LARGEST = 10.0, 5000.0  # µm: what lies beyond is no spheroid, or in other units
_DAYS = 365.0


def read_spheroids(path: str | Path) -> pd.DataFrame:
    """The spheroids of a CSV file, a row each: line, seeding (cells), day, radius (µm), inhibited, necrotic (1).

    The file has the columns of the confocal study: ``CellLine``, ``InitialCondition`` (cells), ``Day``, ``R`` (outer
    radius, µm), ``ϕ`` and ``η`` (radii of the inhibited region and of the necrotic core over R; ``phi`` and ``eta``
    will do). Other columns, and lines that begin with ``#``, are passed over.

    Raises
    ------
    ValueError
        For a file that cannot be read, lacks a column, or has a value that no spheroid has; one line that names it.

    References
    ----------
    A. P. Browning et al., eLife 10 (2021) e73020, doi:10.7554/eLife.73020.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "spheroids.csv"
    ...     _ = path.write_text("CellLine,InitialCondition,Day,R,phi,eta\\nmine,2500,3,150.5,0.2,0\\n")
    ...     read_spheroids(path)
       line  seeding  day  radius  inhibited  necrotic
    0  mine   2500.0  3.0   150.5        0.2       0.0
    """
    try:
        table = read_table(path, comment="#", dtype={"CellLine": str})
    except ValueError as error:
        raise ValueError(f"`data` must be a CSV file that can be read: got {short(str(path))} ({error}).") from error
    table = table.rename(columns=lambda name: _SPELLINGS.get(str(name).strip(), str(name).strip()))
    missing = [column for column in _COLUMNS if column not in table]
    if missing:
        raise ValueError(
            f"Spheroids need the columns {', '.join(_COLUMNS)}: got {short(', '.join(map(str, table.columns)))}. "
            f"Add {', '.join(missing)}."
        )
    if table.empty:
        raise ValueError(f"There must be a spheroid in `data`: {short(str(path))} has none.")
    made = table[list(_COLUMNS)].rename(columns=_COLUMNS)
    made["line"] = made["line"].astype(str).str.strip()
    for column in list(_COLUMNS.values())[1:]:
        made[column] = numbers(made[column])
    _check(made, short(str(path)))
    return made


def _check(table: pd.DataFrame, file: str) -> None:
    """Refuse what no spheroid has, by the first row that has it."""
    limits = {
        "seeding": (1.0, 1e7, "in cells"),
        "day": (0.0, _DAYS, "in days"),
        "radius": (_SMALLEST, _LARGEST, "in µm"),
        "inhibited": (0.0, 1.0, "as a share of the radius"),
        "necrotic": (0.0, 1.0, "as a share of the radius"),
    }
    for column, (low, high, unit) in limits.items():
        bad = np.flatnonzero(~table[column].between(low, high))
        if len(bad):
            name = next(theirs for theirs, ours in _COLUMNS.items() if ours == column)
            raise ValueError(
                f"Column {name} must be {unit}, from {low:g} to {high:g}: got {table[column].iloc[bad[0]]} in row "
                f"{bad[0] + 1} of {file} ({len(bad)} such). Are units and columns right?"
            )


def summarise(spheroids: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over the spheroids of each line, seeding and day.

    Parameters
    ----------
    spheroids
        As `read_spheroids` makes them.

    Returns
    -------
    DataFrame
        line, seeding, day, spheroids (how many), and radius, inhibited and necrotic, each with ``_spread``.

    Examples
    --------
    >>> one = {"line": "a", "seeding": 2500.0, "day": 3.0, "radius": 150.0, "inhibited": 0.0, "necrotic": 0.0}
    >>> summarise(pd.DataFrame([one, one | {"radius": 154.0}]))[["spheroids", "radius"]].to_numpy()
    array([[  2., 152.]])
    """
    measured = ["radius", "inhibited", "necrotic"]
    groups = spheroids.groupby(["line", "seeding", "day"], sort=True)
    made = groups.size().rename("spheroids").to_frame()
    for column in measured:
        made[column] = groups[column].mean()
        made[f"{column}_spread"] = groups[column].std(ddof=1).fillna(0.0)
    return made.reset_index()


def carried_means() -> pd.DataFrame:
    """What `summarise` makes of the confocal study's 635 melanoma spheroids, to four digits; its header has the source.

    >>> sorted(set(carried_means()["line"]))
    ['793b', '983b']
    """
    return pd.read_csv(_MEANS, comment="#", dtype={"line": str})


def choose_line(means: pd.DataFrame, line: str, seeding: int) -> pd.DataFrame:
    """Of the means, those of one line and seeding, in the order of the days.

    Raises
    ------
    ValueError
        If there is none; says which there are.

    Examples
    --------
    >>> choose_line(carried_means(), "983b", 2500)["day"].tolist()[:3]
    [3.0, 4.0, 5.0]
    """
    chosen = means[(means["line"] == line) & (means["seeding"] == seeding)]
    if chosen.empty:
        pairs = sorted({(str(one), round(cells)) for one, cells in zip(means["line"], means["seeding"], strict=True)})
        there = ", ".join(f"{one} of {cells} cells" for one, cells in pairs)
        raise ValueError(
            f"`spheroid.line` and `spheroid.seeding` must be in the data, {there}: got {line} of {seeding} cells. "
            "Take one of those."
        )
    return chosen.sort_values("day").reset_index(drop=True)
