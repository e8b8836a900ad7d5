"""Tumour spheroids: the cells of a section over their nutrient, and how radius and regions grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis import style
from analysis.tables import check_names, check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_spheroid_growth", "draw_spheroid_section"]

_COLOURS = {"growing": "#1b9e77", "inhibited": "#e6ab02", "necrotic": "#7a6a6a"}
_LINES = ((0, ()), (0, (4, 2)), (0, (1, 1.5)))
_FEW = 20  # readings of a way that has markers
_REGIONS = {"inhibited": "o", "necrotic": "s"}  # markers of what is measured


def draw_spheroid_section(cells: pd.DataFrame, nutrient: pd.DataFrame) -> Figure:
    """A plane through a spheroid: the discs in which it cuts cells, coloured by what they do, over the nutrient.

    Parameters
    ----------
    cells
        Columns x, y, radius (µm) and group: growing, inhibited or necrotic.
    nutrient
        Columns x, y (µm) and concentration (over that in the medium) on a grid.

    Raises
    ------
    ValueError
        If a table has no row or lacks a column, a group is another, or the grid has gaps.

    Examples
    --------
    >>> import pandas as pd
    >>> cells = pd.DataFrame({"x": [0.0], "y": [0.0], "radius": [8.0], "group": ["growing"]})
    >>> grid = pd.DataFrame({"x": [-9.0, -9.0, 9.0, 9.0], "y": [-9.0, 9.0] * 2, "concentration": 1.0})
    >>> draw_spheroid_section(cells, grid).axes[0].get_ylabel()
    'y (µm)'
    """
    import seaborn as sns
    from matplotlib.collections import EllipseCollection

    check_table(cells, "cells", ["x", "y", "radius", "group"], finite=["x", "y", "radius"])
    check_table(nutrient, "nutrient", ["x", "y", "concentration"], finite=["x", "y", "concentration"])
    check_names(cells, "cells", "group", _COLOURS)
    grid = nutrient.pivot(index="y", columns="x", values="concentration")
    if grid.isna().any(axis=None):
        raise ValueError("`nutrient` must have a concentration at every x and y: got gaps. Give the whole grid.")
    made = style.figure(style.COLUMN + 0.9, style.COLUMN + 0.5)
    axes = made.subplots()
    mesh = axes.pcolormesh(
        grid.columns.to_numpy(),
        grid.index.to_numpy(),
        grid.to_numpy(),
        cmap=sns.light_palette(style.MAIN, as_cmap=True),
        vmin=0.0,
        vmax=1.0,
        shading="nearest",
        rasterized=True,
    )
    for group, colour in _COLOURS.items():
        some = cells[cells["group"] == group]
        width = 2 * some["radius"].to_numpy()
        axes.add_collection(
            EllipseCollection(
                width,
                width,
                np.zeros(len(some)),
                units="xy",
                offsets=some[["x", "y"]].to_numpy(),
                offset_transform=axes.transData,
                facecolors=colour,
                edgecolors="white",
                linewidths=0.3,
            )
        )
        axes.plot([], [], "o", color=colour, label=group)
    axes.set_aspect("equal")
    style.finish(axes, "x (µm)", "y (µm)")
    bar = made.colorbar(mesh, ax=axes, shrink=0.8)
    bar.set_label("nutrient over that in the medium (1)", fontsize=style.TEXT, color=style.INK)
    bar.ax.tick_params(labelsize=style.SMALL)
    style.legend_below(made, axes)
    return made


def draw_spheroid_growth(table: pd.DataFrame, measured: pd.DataFrame | None = None) -> Figure:
    """The radius of a spheroid, and those of its inner regions over it, against days: a line for each way.

    Parameters
    ----------
    table
        Columns way (the name of a line), day, radius (µm), inhibited and necrotic (1); NaN where a way has none.
    measured
        Columns day, and radius, inhibited and necrotic, each with its ``_spread`` (standard deviation).

    Raises
    ------
    ValueError
        If a table has no row or lacks a column.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"way": "all cells", "day": [0.0, 1.0], "radius": [150.0, 180.0], "inhibited": 0.3, "necrotic": 0.0}
    >>> [axes.get_ylabel() for axes in draw_spheroid_growth(pd.DataFrame(rows)).axes]
    ['radius (µm)', 'share of the radius (1)']
    """
    check_table(table, "table", ["way", "day", "radius", *_REGIONS], finite=["day"])
    made = style.figure(style.PAGE, 3.0)
    left, right = made.subplots(1, 2)
    if measured is not None:
        spreads = [f"{name}_spread" for name in ("radius", *_REGIONS)]
        check_table(measured, "measured", ["day", "radius", *_REGIONS, *spreads], finite=["day"])
        _draw_measured(left, measured, "radius", "o", "measured")
        for name, marker in _REGIONS.items():
            _draw_measured(right, measured, name, marker, f"{name}, measured")
    ways = list(dict.fromkeys(table["way"]))
    lines = {way: _LINES[number % len(_LINES)] for number, way in enumerate(ways)}
    for way, line in lines.items():
        one = table[table["way"] == way].sort_values("day")
        few = {"marker": "D", "markersize": style.MARKER} if len(one) <= _FEW else {}
        left.plot(one["day"], one["radius"], color=style.INK, linestyle=line, linewidth=style.LINE, label=way, **few)
        for name in _REGIONS:
            if one[name].notna().any():
                right.plot(one["day"], one[name], color=_COLOURS[name], linestyle=line, linewidth=style.LINE, **few)
    for name in _REGIONS:
        left.plot([], [], color=_COLOURS[name], linewidth=style.LINE, label=name)
    style.finish(left, "time (days)", "radius (µm)")
    style.finish(right, "time (days)", "share of the radius (1)")
    right.set_ylim(0.0, 1.0)
    style.legend_below(made, left, columns=6)
    return made


def _draw_measured(axes: Axes, measured: pd.DataFrame, name: str, marker: str, label: str) -> None:
    """Means and standard deviations."""
    axes.errorbar(
        measured["day"],
        measured[name],
        yerr=measured[f"{name}_spread"],
        fmt=marker,
        color=_COLOURS.get(name, style.MEASURED),
        markersize=style.MARKER,
        elinewidth=style.THIN,
        markeredgewidth=0,
        capsize=2,
        label=label,
    )
