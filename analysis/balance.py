"""Two errors that add up: of a mesh and of a micro-solver, and the order at which each of them falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_balance"]

_MARKERS = ("o", "s", "^", "D", "v")
_COLOURS = (style.MAIN, style.HIGHLIGHT, style.SECOND, style.INK, style.DEMPHASISED)


def draw_balance(balance: pd.DataFrame, orders: pd.DataFrame | None = None) -> Figure:
    """Error over the level of the mesh, a line for each level of the micro-solver; and errors over sizes, with orders.

    A line falls with the mesh (dashed: what the mesh's indicator says) until the error of its micro-solver is all
    that is left (dotted: what the micro-solver's indicator says).

    Parameters
    ----------
    balance
        A row a pair of levels: columns mesh_level, micro_level, error, macro_indicator, micro_indicator (relative).
    orders
        A row a mesh or a cell: columns what, size, error and order, the slope of all rows of that name.

    Raises
    ------
    ValueError
        If a table has no row or lacks a column, or an error, a size or an indicator is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"micro_level": 0, "error": 0.1, "macro_indicator": 0.09, "micro_indicator": 0.01}
    >>> draw_balance(pd.DataFrame([row | {"mesh_level": level} for level in (0, 1)])).axes[0].get_xlabel()
    'level of the mesh'
    """
    columns = ["mesh_level", "micro_level", "error", "macro_indicator", "micro_indicator"]
    check_table(balance, "balance", columns, finite=columns)
    drawn = orders is not None and len(orders) > 0
    made = style.figure(style.PAGE if drawn else 1.2 * style.COLUMN, 3.6)
    panels = made.subplots(1, 2 if drawn else 1, squeeze=False)[0]
    _draw_levels(panels[0], balance)
    if orders is not None and drawn:
        check_table(orders, "orders", ["what", "size", "error", "order"], finite=["size", "error"])
        _draw_orders(panels[1], orders)
    for axes in panels:
        _legend_under(axes)
    return made


def _draw_levels(axes: Axes, balance: pd.DataFrame) -> None:
    levels = sorted(balance["micro_level"].unique())
    for level, colour, marker in zip(levels, style.shades(len(levels))[::-1], _MARKERS * len(levels), strict=False):
        rows = balance[balance["micro_level"] == level].sort_values("mesh_level")
        look: Any = {"color": colour, "linewidth": style.LINE, "marker": marker, "markersize": 1.2 * style.MARKER}
        axes.plot(rows["mesh_level"], rows["error"], label=f"micro level {level}", **look)
        bound = float(rows["micro_indicator"].median())
        if bound > 0:
            axes.axhline(bound, color=colour, linewidth=style.THIN, linestyle=":", zorder=0)
    finest = balance[balance["micro_level"] == levels[-1]].sort_values("mesh_level")
    axes.plot(
        finest["mesh_level"],
        finest["macro_indicator"],
        "--",
        color=style.SECOND,
        linewidth=style.THIN,
        label="mesh's indicator",
    )
    axes.plot([], [], ":", color=style.MEASURED, linewidth=style.LINE, label="micro's indicator")
    axes.set_yscale("log")
    axes.set_xticks(sorted(balance["mesh_level"].unique()))
    style.finish(axes, "level of the mesh", "error of the flux (relative)")


def _draw_orders(axes: Axes, orders: pd.DataFrame) -> None:
    names = list(dict.fromkeys(orders["what"]))
    for name, colour, marker in zip(names, _COLOURS * len(names), _MARKERS * len(names), strict=False):
        rows = orders[orders["what"] == name].sort_values("size")
        size, error = (rows[column].to_numpy(np.float64) for column in ("size", "error"))
        order = float(rows["order"].iloc[0])
        axes.plot(size, error, marker, color=colour, markersize=1.2 * style.MARKER, label=f"{name}: order {order:.2f}")
        centre = np.exp(np.log(size).mean()), np.exp(np.log(error).mean())
        axes.plot(size, centre[1] * (size / centre[0]) ** order, "-", color=colour, linewidth=style.THIN)
    style.label_ratios(axes, 2.0 ** np.arange(*_octaves(orders["size"]), dtype=np.float64))
    axes.set_yscale("log")
    style.finish(axes, "size of the mesh or of the cell's mesh (relative)", "error (relative)")


def _octaves(sizes: pd.Series) -> tuple[int, int]:
    """The powers of two that some sizes are between."""
    low, high = np.log2(sizes.min()), np.log2(sizes.max())
    return int(np.floor(low + 1e-9)), int(np.ceil(high - 1e-9)) + 1


def _legend_under(axes: Axes) -> None:
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=2,
        frameon=False,
        fontsize=style.SMALL,
        labelcolor=style.INK,
        columnspacing=1.2,
    )
