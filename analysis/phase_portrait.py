"""Oscillations in the plane of two readings: cycles, what leads to them, and steady states."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import style
from analysis.tables import check_names, check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_phase_portrait"]

_KINDS = ("cycle", "transient")
_FILLS = {"stable": style.INK, "unstable": "white", "undecided": style.DEMPHASISED}
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))  # of transients, which share one colour
_ERRORS = 1.96  # standard errors to either side that hold 95 % of a normal distribution
# parts of the way: a transient soon nears a cycle and hides, and cycles of a family are often close on one side
_ARROWS = {"cycle": (0.2, 0.7), "family": (0.2,), "transient": (0.06, 0.3)}
_HALF = 0.004  # of the way: half the chord that an arrow points along
_SHADES = 256  # of a colour bar


def draw_phase_portrait(
    paths: pd.DataFrame,
    points: pd.DataFrame | None = None,
    *,
    x_label: str,
    y_label: str,
    value_label: str | None = None,
) -> Figure:
    """Paths in two coordinates with the direction of time: cycles thick and closed, transients thin and grey.

    A band holds 95 %, 1.96 standard errors to either side. It lies across the cycle: both axes are scaled by the range
    of the paths, and the standard error is taken along the normal n of the scaled cycle, as √(nᵀ C n) of the diagonal
    C of the variances of x and y.

    Parameters
    ----------
    paths
        In order of time: columns name (of a path), kind ("cycle" or "transient"), x, y. With x_stderr and y_stderr a
        cycle has a band; errors of 0 have none. A cycle may repeat its first row at its end.
    points
        Steady states: columns name, x, y, stability ("stable" filled, "unstable" open, "undecided" grey).
    x_label, y_label
        What the axes say, with units.
    value_label
        What a colour bar says, with units, of a family of cycles: paths then has a column value, one number for each
        path; a transient without a number is grey. Without it, cycles are told apart by the legend.

    Raises
    ------
    ValueError
        If a table has no row or lacks a column, a place or the value of a cycle is not finite, a kind or stability is
        unknown, or a path has several kinds or values.

    Examples
    --------
    >>> import pandas as pd
    >>> angle = np.linspace(0, 2 * np.pi, 20)
    >>> cycle = pd.DataFrame({"name": "cycle", "kind": "cycle", "x": np.cos(angle), "y": np.sin(angle)})
    >>> draw_phase_portrait(cycle, x_label="prey (1)", y_label="predators (1)").axes[0].get_xlabel()
    'prey (1)'
    """
    _check(paths, valued=value_label is not None)
    points = None if points is None or not len(points) else points
    if points is not None:
        check_table(points, "points", ["name", "x", "y", "stability"], finite=["x", "y"])
        check_names(points, "points", "stability", _FILLS)
    made = style.figure(0.6 * style.PAGE, 3.8)
    axes = made.subplots()
    style.finish(axes, x_label, y_label)
    colours = _colours(paths)
    if value_label is not None:
        scale = _scale_of_values(paths)
        colours |= _colours_by_value(paths, scale)
        bar = made.colorbar(scale, ax=axes)
        bar.set_label(value_label, fontsize=style.TEXT, color=style.INK)
        bar.ax.tick_params(labelsize=style.SMALL)
    _draw_paths(axes, paths, colours, valued=value_label is not None)
    if points is not None:
        _draw_points(axes, points)
    if axes.get_legend_handles_labels()[1]:
        style.legend_below(made, axes, columns=2)
    return made


def _check(paths: pd.DataFrame, *, valued: bool) -> None:
    columns = ["name", "kind", "x", "y"] + ["value"] * valued
    check_table(paths, "paths", columns, finite=["x", "y"])
    check_names(paths, "paths", "kind", _KINDS)
    if valued:
        check_table(paths[paths["kind"] == "cycle"], "paths that are cycles", columns, finite=["value"])
    for column in ["kind"] + ["value"] * valued:
        for name, told in paths.groupby("name", sort=False)[column]:
            several = [f"{one}" for one in told.unique()]
            if len(several) > 1:
                raise ValueError(
                    f"`paths` must have one {column} for each path: got {', '.join(several)} of {name!r}. "
                    "Give every path a name of its own."
                )


def _colours(paths: pd.DataFrame) -> dict[Hashable, str]:
    cycles = list(dict.fromkeys(paths.loc[paths["kind"] == "cycle", "name"]))
    shades = [style.MAIN] if len(cycles) == 1 else style.shades(len(cycles))
    return dict.fromkeys(paths["name"], style.DEMPHASISED) | dict(zip(cycles, shades, strict=True))


def _scale_of_values(paths: pd.DataFrame) -> ScalarMappable:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    values = paths["value"].to_numpy(np.float64)
    return ScalarMappable(Normalize(np.nanmin(values), np.nanmax(values)), ListedColormap(style.shades(_SHADES)))


def _colours_by_value(paths: pd.DataFrame, scale: ScalarMappable) -> dict[Hashable, str]:
    from matplotlib.colors import to_hex

    known = paths[paths["value"].notna()].drop_duplicates("name")
    colours = scale.to_rgba(known["value"].to_numpy(np.float64))
    return {name: to_hex(tuple(colour)) for name, colour in zip(known["name"], colours, strict=True)}


def _draw_paths(axes: Axes, paths: pd.DataFrame, colours: Mapping[Hashable, str], *, valued: bool) -> None:
    range_ = np.ptp(paths[["x", "y"]].to_numpy(np.float64), axis=0)
    scale = np.where(range_ > 0, range_, 1.0)
    family = paths.loc[paths["kind"] == "cycle", "name"].nunique() > 1
    transients = 0
    for name, colour in colours.items():
        path = paths[paths["name"] == name]
        # an error that is not told, or not finite, is none
        rows = np.nan_to_num(path.reindex(columns=["x", "y", "x_stderr", "y_stderr"]).to_numpy(np.float64), posinf=0.0)
        rows = rows[np.concatenate([[True], np.diff(rows[:, :2], axis=0).any(axis=1)])]
        kind = path["kind"].iloc[0]
        if kind == "cycle":
            closed = len(rows) > 1 and np.array_equal(rows[0, :2], rows[-1, :2])
            rows = rows if closed else np.concatenate([rows, rows[:1]])
            _draw_band(axes, rows[:-1], scale, colour)
            label = "_" if valued else str(name)
            axes.plot(*rows[:, :2].T, color=colour, linewidth=style.LINE, label=label, zorder=3)
        else:
            axes.plot(
                *rows[:, :2].T,
                color=colour,
                linewidth=style.THIN,
                linestyle=_DASHES[transients % len(_DASHES)],
                label=str(name),
                zorder=2,
            )
            transients += 1
        parts = _ARROWS["family" if kind == "cycle" and family else kind]
        _draw_arrows(axes, rows[:, :2], scale, colour, parts, 10.0 if kind == "cycle" else 7.0)


def _draw_band(axes: Axes, rows: NDArray[np.float64], scale: NDArray[np.float64], colour: str) -> None:
    """A ring: the outlines of both sides, one of them back."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if len(rows) < 3 or not rows[:, 2:].any():
        return
    places, errors = rows[:, :2] / scale, rows[:, 2:] / scale
    tangents = np.roll(places, -1, axis=0) - np.roll(places, 1, axis=0)
    lengths = np.hypot(*tangents.T)
    normals = np.column_stack([-tangents[:, 1], tangents[:, 0]]) / np.where(lengths > 0, lengths, 1.0)[:, None]
    offsets = _ERRORS * np.hypot(*(normals * errors).T)[:, None] * normals
    around = [*range(len(places)), 0]
    one, other = (places + offsets)[around] * scale, (places - offsets)[around] * scale
    ring = Path.make_compound_path(Path(one, closed=True), Path(other[::-1], closed=True))
    axes.add_patch(PathPatch(ring, facecolor=colour, alpha=0.2, linewidth=0, zorder=1.5))


def _draw_arrows(
    axes: Axes,
    places: NDArray[np.float64],
    scale: NDArray[np.float64],
    colour: str,
    parts: Sequence[float],
    size: float,
) -> None:
    """Heads at fixed parts of the way, so that those of a family of cycles stand in line."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*(np.diff(places, axis=0) / scale).T))])
    if not along[-1] > 0:
        return
    for part in parts:
        ends = np.array([part - _HALF, part + _HALF]) * along[-1]
        tail, head = zip(*(np.interp(ends, along, column).tolist() for column in places.T), strict=True)
        axes.annotate(
            "",
            xy=head,
            xytext=tail,
            arrowprops={
                "arrowstyle": "-|>,head_length=0.7,head_width=0.32",
                "color": colour,
                "linewidth": 0.0,
                "mutation_scale": size,
                "shrinkA": 0.0,
                "shrinkB": 0.0,
            },
            zorder=4,
        )


def _draw_points(axes: Axes, points: pd.DataFrame) -> None:
    for name, stability in dict.fromkeys(zip(points["name"], points["stability"], strict=True)):
        table = points[(points["name"] == name) & (points["stability"] == stability)]
        axes.plot(
            table["x"],
            table["y"],
            linestyle="none",
            marker="o",
            markersize=1.5 * style.MARKER,
            markerfacecolor=_FILLS[stability],
            markeredgecolor=style.INK,
            label=f"{name}, {stability}",
            zorder=5,
        )
