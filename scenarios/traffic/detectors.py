"""Measured traffic: anyone's detector records, and the summary of a freeway lane that the project carries."""

from __future__ import annotations

import csv
import re
from array import array
from collections.abc import Iterator
from math import isfinite, nan
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from eqfree.documents import check_file

__all__ = ["bin_by_density", "carried_summary", "density_edges", "read_detectors"]

_SUMMARY = Path(__file__).with_name("i880_lane2_summary.csv")
_COLUMNS = ("flow", "speed")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_LARGEST = 2**25  # bytes: a year of records of half a minute
_KM_PER_H = {"mph": 1.609344, "km/h": 1.0, "m/s": 3.6}
_COUNT_PER_TIME = re.compile(r"veh/(?P<count>[1-9]\d{0,4})? *(?P<unit>s|min|h)")

# Beyond any road: what lies there is a wrong unit or a broken detector.
_MOST_FLOW = 1e5  # veh/h
_MOST_SPEED = 1e3  # km/h
_MOST_DENSITY = 1e4  # veh/km


def read_detectors(path: str | Path, units: str | None) -> pd.DataFrame:
    """Flow (veh/h) and speed (km/h) of each record in a CSV file with the columns ``flow`` and ``speed``.

    Other columns, blank lines and lines that begin with ``#`` are passed over.

    Parameters
    ----------
    path
        The file.
    units
        Units of flow and speed in the file, ``"veh/h,mph"`` say. Flow: veh/h, veh/min, veh/s, or vehicles per
        interval, as in veh/30s or veh/5min. Speed: mph, km/h or m/s.

    Raises
    ------
    ValueError
        For a file or units that cannot be read, and for records that no road has; one line that names the first
        bad line and counts the others.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "lane.csv"
    ...     _ = path.write_text("time,flow,speed\\n08:00,12,60\\n08:01,15,50\\n")
    ...     read_detectors(path, "veh/30s,mph")
         flow     speed
    0  1440.0  96.56064
    1  1800.0  80.46720
    """
    per_hour, per_km_h = _factors(units)
    lines = _lines(Path(path))
    file = _shown(str(path), most=200)
    first, header = next(lines, (0, []))
    where = _find_columns(header, first, file)
    flows, speeds = array("d"), array("d")
    bad, first_bad = 0, ""
    for number, row in lines:
        reason = f"has not the header's {len(header)} columns"
        if len(row) == len(header):
            flow, speed = (row[column] for column in where)
            record = _number(flow) * per_hour, _number(speed) * per_km_h
            if not (reason := _objection(*record)):
                flows.append(record[0])
                speeds.append(record[1])
                continue
            reason = f"has flow {_shown(flow)} and speed {_shown(speed)}: {reason}"
        bad, first_bad = bad + 1, first_bad or f"line {number} {reason}"
    if bad:
        count = "1 bad line" if bad == 1 else f"{bad} bad lines"
        raise ValueError(
            f"expected a flow and a speed ({units!r}) on every line of {file}; {first_bad} ({count} in all)."
            " Correct or remove such lines."
        )
    if not flows:
        raise ValueError(f"expected detector records in {file}; it has a header alone. Give a file that has some.")
    return pd.DataFrame({"flow": np.array(flows), "speed": np.array(speeds)})


def density_edges(records: pd.DataFrame, bins: int = 22) -> NDArray[np.float64]:
    """Edges of density bins (veh/km), finer where records are many and yet reaching the congested end.

    Every bin takes the same sum of its share of the records and its share of the range of densities: equal counts
    alone would leave the few congested records one bin, equal widths would drown the many free ones.

    Parameters
    ----------
    records
        Columns flow (veh/h) and speed (km/h).
    bins
        How many, unless the densities are all alike; `bin_by_density` merges those that hold too little.

    Examples
    --------
    >>> records = pd.DataFrame({"flow": [10.0, 11.0, 12.0, 13.0, 50.0], "speed": 1.0})
    >>> density_edges(records, bins=2).round(1)
    array([10. , 18.5, 50. ])
    """
    density = np.sort(_with_vehicles(records)["density"].to_numpy())
    if density.size == 0 or density[0] == density[-1]:
        return np.unique(density)
    share = np.arange(density.size) / (density.size - 1) + (density - density[0]) / (density[-1] - density[0])
    return np.unique(np.interp(np.linspace(0, 2, bins + 1), share, density))


def bin_by_density(records: pd.DataFrame, edges: ArrayLike | None = None, *, least: int = 4) -> pd.DataFrame:
    """Mean flow, space-mean speed, their standard errors and the count of records, per bin of density.

    A record's density is its flow over its speed, k = q/v. By Edie's definitions, over the time and road that a
    bin's records cover together, flow is Q = mean(q), density K = mean(k), and speed is total flow over total
    density, V = Q/K: the harmonic mean of the speeds weighted by flow, never their plain mean.
    The standard error of Q is s(q)/√n; that of V, a ratio of means, is s(q - V k)/(K √n)
    (W. G. Cochran, Sampling Techniques, 3rd ed., 1977, section 2.11). Records count as independent.

    A detector's own speed is a mean over vehicles, not over space, and so a little high where speeds within one
    record differ; densities of stop-and-go records are low by as much.

    Parameters
    ----------
    records
        Columns flow (veh/h) and speed (km/h); those without a vehicle measured no speed and are left out.
    edges
        Increasing edges of the bins (veh/km), the last bin closed; `density_edges` by default. Records outside are
        left out.
    least
        Two or more. A bin of fewer records is merged into the next denser one; the last, into the one before.
        Nothing is dropped. Records that are all alike give a standard error of zero.

    Returns
    -------
    DataFrame
        Columns density (veh/km), flow and flow_stderr (veh/h), speed and speed_stderr (km/h), count.

    Raises
    ------
    ValueError
        For fewer than ``least`` records within the edges, or edges that do not increase.

    Examples
    --------
    >>> records = pd.DataFrame({"flow": [900.0, 1100.0, 1500.0, 1500.0], "speed": [90.0, 110.0, 60.0, 30.0]})
    >>> bin_by_density(records, edges=[0, 20, 60], least=2)[["density", "flow", "speed", "count"]]
       density    flow  speed  count
    0     10.0  1000.0  100.0      2
    1     37.5  1500.0   40.0      2
    """
    driven = _with_vehicles(records)
    limits = density_edges(records) if edges is None else _checked(edges)
    inside = driven[driven["density"].between(limits.min(initial=np.inf), limits.max(initial=-np.inf))]
    if len(inside) < least:
        raise ValueError(
            f"expected at least {least} detector records with a vehicle; got {len(inside)}. Give more records."
        )
    bins = np.searchsorted(limits[1:-1], inside["density"].to_numpy(), side="right")
    groups = [group for _, group in inside.groupby(bins)]
    return pd.DataFrame([_summary(group) for group in _merged(groups, least)]).astype({"count": np.int64})


def carried_summary() -> pd.DataFrame:
    """Binned measurements of one lane of the I-880 freeway (Hayward, California, 1993), which the project carries.

    The file names their source; the columns are those of `bin_by_density`.

    >>> summary = carried_summary()
    >>> int(summary["count"].sum())
    1318
    """
    return pd.read_csv(_SUMMARY, comment="#")


def _checked(edges: ArrayLike) -> NDArray[np.float64]:
    limits = np.array(edges, dtype=np.float64)
    if limits.ndim != 1 or limits.size < 2 or not np.all(np.diff(limits) > 0):
        raise ValueError(
            f"`edges` must be two or more increasing densities (veh/km); got {limits.tolist()}. Sort them."
        )
    return limits


def _factors(units: str | None) -> tuple[float, float]:
    """What turns the file's flow into veh/h and its speed into km/h."""
    parts = [part.strip() for part in (units or "").split(",")]
    flow = _COUNT_PER_TIME.fullmatch(parts[0])
    if len(parts) != 2 or flow is None or parts[1] not in _KM_PER_H:
        raise ValueError(
            "expected the units of flow (veh/h, veh/min, veh/s, or per interval as in veh/30s) and speed (mph, km/h, "
            f"m/s); got {_shown(units) if units else 'none'}. Give both, as in veh/h,mph."
        )
    return 3600 / (int(flow["count"] or 1) * _SECONDS[flow["unit"]]), _KM_PER_H[parts[1]]


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and fields of each line that is neither blank nor a comment."""
    try:
        check_file(path, _LARGEST)
    except ValueError as error:
        raise ValueError(
            f"expected a detector file; {_shown(str(path), most=200)} cannot be read: {error}. Check the path."
        ) from error
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in reader:
                blank = not row or row == [""]
                if not blank and not row[0].lstrip().startswith("#"):
                    yield reader.line_num, row
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValueError(
            f"expected a detector file; {_shown(str(path), most=200)} cannot be read: {reason}. Check the path."
        ) from error
    except (ValueError, csv.Error) as error:
        raise ValueError(
            f"expected a CSV file with the columns flow and speed; {_shown(str(path), most=200)} is none. "
            "Save the records as UTF-8 text, separated by commas."
        ) from error


def _find_columns(header: list[str], line: int, file: str) -> list[int]:
    """Where flow and speed are."""
    if not header:
        raise ValueError(
            f"expected detector records in the columns flow and speed; {file} is empty. Give one that has some."
        )
    names = [name.strip() for name in header]
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise ValueError(
            f"expected the columns flow and speed, separated by commas, in {file}; got {_shown(', '.join(names))} "
            f"on line {line}. Name the column {' and the column '.join(missing)} in its header."
        )
    return [names.index(name) for name in _COLUMNS]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan


def _objection(flow: float, speed: float) -> str:
    """Why no road has this record (veh/h, km/h); empty if one may."""
    if not (isfinite(flow) and isfinite(speed)):
        return "both must be finite numbers"
    if flow < 0 or speed < 0:
        return "neither may be negative"
    if flow > 0 and speed == 0:
        return "standing vehicles have no flow"
    density = flow / speed if flow > 0 else 0.0
    if flow > _MOST_FLOW or speed > _MOST_SPEED or density > _MOST_DENSITY:
        return f"no road has {flow:.3g} veh/h at {speed:.3g} km/h, check the units"
    return ""


def _shown(text: str, most: int = 60) -> str:
    """The text on one line, quoted and shortened."""
    return repr(text if len(text) <= most else text[: most - 1] + "…")


def _with_vehicles(records: pd.DataFrame) -> pd.DataFrame:
    table = records.assign(density=records["flow"] / records["speed"])
    return table.loc[table["density"] > 0, [*_COLUMNS, "density"]]


def _merged(groups: list[pd.DataFrame], least: int) -> list[pd.DataFrame]:
    """Neighbouring groups joined until each has enough records."""
    merged: list[pd.DataFrame] = []
    waiting: list[pd.DataFrame] = []
    for group in groups:
        waiting.append(group)
        joined = pd.concat(waiting)
        if len(joined) >= least:
            merged.append(joined)
            waiting = []
    if waiting:
        merged[-1:] = [pd.concat([*merged[-1:], *waiting])]
    return merged


def _summary(group: pd.DataFrame) -> dict[str, float]:
    flow, density = group["flow"].to_numpy(), group["density"].to_numpy()
    speed = flow.sum() / density.sum()
    root = np.sqrt(len(group))
    return {
        "density": density.mean(),
        "flow": flow.mean(),
        "flow_stderr": flow.std(ddof=1) / root,
        "speed": speed,
        "speed_stderr": (flow - speed * density).std(ddof=1) / (density.mean() * root),
        "count": len(group),
    }
