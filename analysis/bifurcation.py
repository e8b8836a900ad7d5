"""A bifurcation diagram: branches with what is stable of them, their special points, and what they are held against."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np

from analysis import style
from analysis.tables import check_names, check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_branch"]

_ERRORS = 1.96  # standard errors to either side that hold 95 % of a normal distribution
_LINES = {"stable": "-", "unstable": "--", "undecided": ":"}
_MARKERS = {"fold": "o", "branch point": "s", "crossing": "D", "Hopf": "h", "period doubling": "d", "torus": "*"}
_MORE_MARKERS = "pP8<>"  # of kinds that have none of their own
_CROSSES = "x+1"
_CYCLES_LOOK = ((style.HIGHLIGHT, "o"), (style.MEASURED, "s"), (style.INK, "D"))
_DIRECTIONS = {"up": ("^", style.MEASURED), "down": ("v", style.HIGHLIGHT)}
_CLOSE = 1e-9  # of a squared chord: an event that near its end belongs to the next chord as well

_PLACE = ["parameter", "measure"]
_POINTS = ["branch", "parameter", "parameter_stderr", "measure", "measure_stderr", "covariance", "stability"]
_EVENTS = ["branch", "kind", "parameter", "low", "high", "measure"]
_CYCLES = ["branch", "parameter", "low", "high", "stability"]
_SWEEP = ["direction", "parameter", "measure", "stderr"]
_REFERENCE = ["name", "parameter", "measure"]


def draw_branch(
    points: pd.DataFrame,
    events: pd.DataFrame | None = None,
    sweep: pd.DataFrame | None = None,
    reference: pd.DataFrame | None = None,
    cycles: pd.DataFrame | None = None,
    *,
    parameter_label: str,
    measure_label: str,
) -> Figure:
    """Branches over a parameter: solid where stable, dashed where unstable, dotted where that is undecided.

    Bands and bars hold 95 %, 1.96 standard errors to either side. A band lies across its curve: both axes are scaled
    by the range of the points, and the standard error is taken along the normal n of the scaled curve, as
    √(nᵀ C n) of the covariance C of parameter and measure. So it stays as wide as it is where the curve turns back. A
    line changes where the stability does, at the event between two points or else halfway between them.

    Parameters
    ----------
    points
        A row a point, in order along its branch: columns branch (a name), parameter, parameter_stderr, measure,
        measure_stderr, covariance (of parameter and measure), stability ("stable", "unstable" or "undecided").
        Errors of 0 have no band.
    events
        Special points: columns branch, kind ("fold", "branch point", "crossing", "Hopf", "period doubling", "torus" or
        another name), parameter, low and high (the 95 % interval of the parameter; without a bar if not finite),
        measure.
    sweep
        The model itself while the parameter creeps: columns direction ("up" or "down"), parameter, measure, stderr.
    reference
        Exact or published values: columns name, parameter, measure.
    cycles
        Branches of cycles, in order along them: columns branch, parameter, low, high (the extremes of the measure),
        stability. Both extremes are drawn as dots, filled where the cycle is stable, open where it is unstable and grey
        where that is undecided, with a light fill between.
    parameter_label, measure_label
        What the axes say, with units.

    Raises
    ------
    ValueError
        If points has no row, a table lacks a column, a place is not finite, or a stability or direction is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> points = pd.DataFrame({"branch": "upper", "parameter": [0.0, 1.0], "measure": [1.0, 2.0]})
    >>> points = points.assign(parameter_stderr=0.0, measure_stderr=0.1, covariance=0.0, stability="stable")
    >>> draw_branch(points, parameter_label="rate (1/s)", measure_label="activity (1)").axes[0].get_xlabel()
    'rate (1/s)'
    """
    check_table(points, "points", _POINTS, finite=_PLACE)
    check_names(points, "points", "stability", _LINES)
    events, sweep, reference, cycles = (
        None if table is None or not len(table) else table for table in (events, sweep, reference, cycles)
    )
    if cycles is not None:
        check_table(cycles, "cycles", _CYCLES, finite=["parameter", "low", "high"])
        check_names(cycles, "cycles", "stability", _LINES)
    if events is not None:
        check_table(events, "events", _EVENTS, finite=_PLACE)
    if sweep is not None:
        check_table(sweep, "sweep", _SWEEP)
        check_names(sweep, "sweep", "direction", _DIRECTIONS)
    if reference is not None:
        check_table(reference, "reference", _REFERENCE)

    made = style.figure(0.7 * style.PAGE, 3.8)
    axes = made.subplots()
    style.finish(axes, parameter_label, measure_label)
    _draw_points(axes, points, events)
    if cycles is not None:
        _draw_cycles(axes, cycles)
    if sweep is not None:
        _draw_sweep(axes, sweep)
    if events is not None:
        _draw_events(axes, events)
    if reference is not None:
        _draw_reference(axes, reference)
    if axes.get_legend_handles_labels()[1]:
        style.legend_below(made, axes, columns=3)
    return made


def _draw_points(axes: Axes, points: pd.DataFrame, events: pd.DataFrame | None) -> None:
    names = list(dict.fromkeys(points["branch"]))
    range_ = np.ptp(points[_PLACE].to_numpy(np.float64), axis=0)
    scale = np.where(range_ > 0, range_, 1.0)
    for name, colour in zip(names, [style.MAIN] if len(names) == 1 else style.shades(len(names)), strict=True):
        branch = points[points["branch"] == name]
        own = np.empty((0, 2)) if events is None else events.loc[events["branch"] == name, _PLACE].to_numpy(np.float64)
        if len(branch) == 1:
            _draw_lone(axes, branch, colour)
        else:
            _draw_curve(axes, *_curve(branch, own, scale), scale, colour)
        if len(names) > 1:
            axes.plot([], [], color=colour, linewidth=style.LINE, label=name)
    if (points["stability"] != "stable").any():
        for stability, dashes in _LINES.items():
            if (points["stability"] == stability).any():
                colour = style.MAIN if len(names) == 1 else style.INK
                axes.plot([], [], color=colour, linewidth=style.LINE, linestyle=dashes, label=stability)


def _draw_curve(
    axes: Axes, rows: NDArray[np.float64], chords: list[str], scale: NDArray[np.float64], colour: str
) -> None:
    band = _band(rows, scale)
    if band is not None:
        axes.fill(*band.T, color=colour, alpha=0.2, linewidth=0, zorder=1.5)
    start = 0
    for stability, run in groupby(chords):
        stop = start + len(list(run))
        axes.plot(
            *rows[start : stop + 1, :2].T,
            color=colour,
            linewidth=style.LINE,
            linestyle=_LINES[stability],
            zorder=2,
        )
        start = stop


def _draw_lone(axes: Axes, point: pd.DataFrame, colour: str) -> None:
    axes.errorbar(
        point["parameter"],
        point["measure"],
        xerr=_ERRORS * point["parameter_stderr"],
        yerr=_ERRORS * point["measure_stderr"],
        color=colour,
        elinewidth=style.THIN,
        marker="o",
        markersize=style.MARKER,
        markerfacecolor=colour if point["stability"].iloc[0] == "stable" else "white",
    )


def _curve(
    branch: pd.DataFrame, events: NDArray[np.float64], scale: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[str]]:
    """Rows (parameter, measure, their variances, their covariance) with the events let in, and what each chord is.

    An event lies between two neighbours that it sees at a right angle or more: inside the circle over their chord.
    """
    errors = branch[["parameter_stderr", "measure_stderr"]].to_numpy(np.float64)
    places, covariances = branch[_PLACE].to_numpy(np.float64), branch["covariance"].to_numpy(np.float64)
    points = np.column_stack([places, errors**2, covariances])
    between = _between(places / scale, events / scale)
    labels = list(branch["stability"])
    rows, chords = [points[0]], []
    for i, (here, there) in enumerate(pairwise(points)):
        chords.append(labels[i])
        let_in = [(part, events[event]) for part, event in sorted(between[i])]
        if not let_in and labels[i] != labels[i + 1]:
            let_in = [(0.5, 0.5 * (here + there)[:2])]
        for part, place in let_in:
            rows.append(np.concatenate([place, ((1 - part) * here + part * there)[2:]]))
            chords.append(labels[i + 1])
        rows.append(there)
    return np.array(rows), chords


def _between(points: NDArray[np.float64], events: NDArray[np.float64]) -> list[list[tuple[float, int]]]:
    """For each chord, the events on it: how far along, and which."""
    found: list[list[tuple[float, int]]] = [[] for _ in points[1:]]
    chords = np.diff(points, axis=0)
    squares = np.maximum((chords**2).sum(axis=1), np.finfo(np.float64).tiny)
    for event, place in enumerate(events):
        parts = ((place - points[:-1]) * chords).sum(axis=1) / squares
        depths = ((points[:-1] - place) * (points[1:] - place)).sum(axis=1) / squares  # at most 0 inside the circle
        for chord in np.flatnonzero(depths <= min(depths.min(), 0.0) + _CLOSE):
            found[chord].append((float(np.clip(parts[chord], 0.0, 1.0)), event))
    return found


def _band(rows: NDArray[np.float64], scale: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Its outline, there and back; none if all errors are 0."""
    steps = np.hypot(*np.diff(rows[:, :2] / scale, axis=0).T)
    apart = np.concatenate([[True], steps > 0])
    rows, along = rows[apart], np.concatenate([[0.0], np.cumsum(steps)])[apart]
    if len(rows) == 1:
        return None
    places = rows[:, :2] / scale
    tangents = np.gradient(places, along, axis=0)
    lengths = np.hypot(*tangents.T)
    normals = np.column_stack([-tangents[:, 1], tangents[:, 0]]) / np.where(lengths > 0, lengths, 1.0)[:, None]
    p, m = (normals / scale).T
    variances = p**2 * rows[:, 2] + m**2 * rows[:, 3] + 2 * p * m * rows[:, 4]
    variances = np.where(np.isfinite(variances), variances, 0.0).clip(min=0.0)
    if not variances.any():
        return None
    offsets = _ERRORS * np.sqrt(variances)[:, None] * normals
    return np.concatenate([places + offsets, (places - offsets)[::-1]]) * scale


def _draw_cycles(axes: Axes, cycles: pd.DataFrame) -> None:
    """The extremes of every cycle, and the area that they go through."""
    for number, name in enumerate(dict.fromkeys(cycles["branch"])):
        branch = cycles[cycles["branch"] == name]
        colour, marker = _CYCLES_LOOK[number % len(_CYCLES_LOOK)]
        outline = np.concatenate([branch[["parameter", "high"]], branch[["parameter", "low"]].iloc[::-1]])
        axes.fill(*outline.T, color=colour, alpha=0.12, linewidth=0, zorder=1)
        for column in ("low", "high"):
            axes.plot(branch["parameter"], branch[column], color=colour, linewidth=style.THIN, zorder=2)
        for stability, fill in (("stable", colour), ("unstable", "white"), ("undecided", style.DEMPHASISED)):
            own = branch[branch["stability"] == stability]
            if len(own):
                axes.plot(
                    np.concatenate([own["parameter"], own["parameter"]]),
                    np.concatenate([own["low"], own["high"]]),
                    linestyle="none",
                    marker=marker,
                    markersize=style.MARKER,
                    markeredgecolor=colour,
                    markerfacecolor=fill,
                    label=name if len(own) == len(branch) and stability == "stable" else f"{name}, {stability}",
                    zorder=2.5,
                )


def _draw_sweep(axes: Axes, sweep: pd.DataFrame) -> None:
    for direction, (marker, colour) in _DIRECTIONS.items():
        table = sweep[sweep["direction"] == direction]
        if len(table):
            axes.errorbar(
                table["parameter"],
                table["measure"],
                yerr=_ERRORS * table["stderr"],
                color=colour,
                linestyle="none",
                elinewidth=style.THIN,
                marker=marker,
                markersize=style.MARKER,
                markerfacecolor="white",
                markeredgewidth=style.THIN,
                label=f"sweep {direction}",
                zorder=3,
            )


def _draw_events(axes: Axes, events: pd.DataFrame) -> None:
    """A marker a kind, and a bar over the interval, which need not be symmetric."""
    more = iter(_MORE_MARKERS * len(events))
    for kind in dict.fromkeys(events["kind"]):
        table = events[events["kind"] == kind]
        low, high = table["low"].to_numpy(np.float64), table["high"].to_numpy(np.float64)
        known = np.isfinite(low) & np.isfinite(high)
        axes.errorbar(
            0.5 * (low + high)[known],
            table["measure"][known],
            xerr=0.5 * (high - low)[known],
            fmt="none",
            ecolor=style.INK,
            elinewidth=style.LINE,
            capsize=2.5,
            zorder=4,
        )
        axes.plot(
            table["parameter"],
            table["measure"],
            linestyle="none",
            marker=_MARKERS.get(kind) or next(more),
            markersize=1.7 * style.MARKER,
            markerfacecolor="white",
            markeredgecolor=style.INK,
            markeredgewidth=1.1,
            label=kind,
            zorder=4.5,
        )


def _draw_reference(axes: Axes, reference: pd.DataFrame) -> None:
    for number, name in enumerate(dict.fromkeys(reference["name"])):
        table = reference[reference["name"] == name]
        axes.plot(
            table["parameter"],
            table["measure"],
            linestyle="none",
            color=style.SECOND,
            marker=_CROSSES[number % len(_CROSSES)],
            markersize=1.5 * style.MARKER,
            markeredgewidth=1.2,
            label=name,
            zorder=5,
        )
