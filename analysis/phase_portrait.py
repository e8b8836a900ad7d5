"""Oscillations in the plane of two readings: cycles, what leads to them, and steady states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis import style
from analysis.tables import check_names, check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_phase_portrait"]

_KINDS = ("cycle", "transient")
_FILLS = {"stable": style.INK, "unstable": "white", "undecided": style.DEMPHASISED}
_ERRORS = 1.96  # standard errors to either side that hold 95 % of a normal distribution


def draw_phase_portrait(
    paths: pd.DataFrame, points: pd.DataFrame | None = None, *, x_label: str, y_label: str
) -> Figure:
    """Paths in two coordinates with the direction of time: cycles thick and closed, transients thin.

    Parameters
    ----------
    paths
        In order of time: columns name (of a path), kind ("cycle" or "transient"), x, y. With x_stderr and y_stderr a
        cycle has a band that holds 95 %, across its way.
    points
        Steady states: columns name, x, y, stability ("stable" filled, "unstable" open, "undecided" grey).
    x_label, y_label
        What the axes say, with units.

    Raises
    ------
    ValueError
        If a table has no row or lacks a column, a place is not finite, or a kind or stability is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> angle = np.linspace(0, 2 * np.pi, 20)
    >>> cycle = pd.DataFrame({"name": "cycle", "kind": "cycle", "x": np.cos(angle), "y": np.sin(angle)})
    >>> draw_phase_portrait(cycle, x_label="prey (1)", y_label="predators (1)").axes[0].get_xlabel()
    'prey (1)'
    """
    check_table(paths, "paths", ["name", "kind", "x", "y"], finite=["x", "y"])
    check_names(paths, "paths", "kind", _KINDS)
    if points is not None and len(points):
        check_table(points, "points", ["name", "x", "y", "stability"], finite=["x", "y"])
        check_names(points, "points", "stability", _FILLS)
    made = style.figure(0.6 * style.PAGE, 3.8)
    axes = made.subplots()
    style.finish(axes, x_label, y_label)
    names = list(dict.fromkeys(paths["name"]))
    for name, colour in zip(names, style.shades(len(names)), strict=True):
        _draw_path(axes, paths[paths["name"] == name], str(name), colour)
    if points is not None and len(points):
        _draw_points(axes, points)
    style.legend_below(made, axes, columns=2)
    return made


def _draw_path(axes: Axes, path: pd.DataFrame, name: str, colour: str) -> None:
    cycle = path["kind"].iloc[0] == "cycle"
    places = path[["x", "y"]].to_numpy(np.float64)
    if cycle:
        places = np.vstack((places, places[:1]))
        _draw_band(axes, path, colour)
    width = style.LINE if cycle else style.THIN
    axes.plot(*places.T, color=colour, linewidth=width, alpha=1.0 if cycle else 0.6, label=name, zorder=3)
    if len(places) > 2:
        _draw_arrow(axes, places, colour)


def _draw_band(axes: Axes, path: pd.DataFrame, colour: str) -> None:
    if not {"x_stderr", "y_stderr"} <= set(path.columns):
        return
    places = path[["x", "y"]].to_numpy(np.float64)
    errors = np.nan_to_num(path[["x_stderr", "y_stderr"]].to_numpy(np.float64))
    if not errors.any():
        return
    scale = np.maximum(np.ptp(places, axis=0), 1e-300)
    along = np.gradient(places / scale, axis=0)
    normals = np.column_stack((-along[:, 1], along[:, 0]))
    normals /= np.maximum(np.hypot(*normals.T), 1e-300)[:, None]
    widths = _ERRORS * np.sqrt(((normals * errors / scale) ** 2).sum(axis=1))[:, None] * normals * scale
    outline = np.vstack((places + widths, (places - widths)[::-1]))
    axes.fill(*outline.T, color=colour, alpha=0.2, linewidth=0, zorder=2)


def _draw_arrow(axes: Axes, places: NDArray[np.float64], colour: str) -> None:
    """Where the path is longest between two places: there it goes fastest, and nothing else is near."""
    scale = np.maximum(np.ptp(places, axis=0), 1e-300)
    at = int(np.argmax(np.hypot(*(np.diff(places, axis=0) / scale).T)))
    axes.annotate(
        "",
        xy=tuple(places[at + 1]),
        xytext=tuple(places[at]),
        arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": style.THIN, "mutation_scale": 10},
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
            markersize=1.7 * style.MARKER,
            markerfacecolor=_FILLS[stability],
            markeredgecolor=style.INK,
            label=f"{name}, {stability}",
            zorder=5,
        )
