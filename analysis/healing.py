"""How a result depends on the healing: what is left of it is the error of the lift."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_healing"]

_ERRORS = 1.96  # standard errors to either side that hold 95 % of a normal distribution
_COLUMNS = ["way", "healing", "value", "stderr"]
_MARKERS = "osD^v"
_APART = 2.5  # points between the bars of two ways at one healing


def draw_healing(table: pd.DataFrame, *, healing_label: str, measure_label: str) -> Figure:
    """A value over the healing time, a line for each way to lift; a dashed line is the exact value.

    Bars hold 95 %, 1.96 standard errors to either side. Ways that share a healing time stand a little apart, by points
    on the paper, so that their bars can be told from one another.

    Parameters
    ----------
    table
        Columns way (the name of the lift), healing, value and stderr; exact, if there is one, holds one number.
    healing_label, measure_label
        What the axes say, with units.

    Raises
    ------
    ValueError
        If the table has no row, lacks a column, or holds several exact values.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"way": "carried", "healing": [0.0, 1.0], "value": [1.2, 1.0], "stderr": 0.05})
    >>> made = draw_healing(table, healing_label="healing (s)", measure_label="density at the fold (1)")
    >>> made.axes[0].get_xlabel()
    'healing (s)'
    """
    check_table(table, "table", _COLUMNS, finite=["healing"])
    made = style.figure(style.COLUMN, 2.8)
    axes = made.subplots()
    style.finish(axes, healing_label, measure_label)
    if "exact" in table:
        _draw_exact(axes, table["exact"])
    _draw_ways(axes, table)
    style.legend_below(made, axes, columns=3)
    return made


def _draw_exact(axes: Axes, exact: pd.Series[float]) -> None:
    values = exact.dropna().unique()
    if len(values) > 1:
        raise ValueError(
            f"`table` must hold one number in its column exact: got {', '.join(f'{value:g}' for value in values)}. "
            "Draw one picture for each."
        )
    for value in values:
        axes.axhline(
            value, color=style.DEMPHASISED, linewidth=style.THIN, linestyle=(0, (4, 2)), label="exact", zorder=1
        )


def _draw_ways(axes: Axes, table: pd.DataFrame) -> None:
    from matplotlib.transforms import ScaledTranslation

    ways = list(dict.fromkeys(table["way"]))
    colours = [style.MAIN, style.SECOND, *style.shades(len(ways))]
    shifts = _APART * (np.arange(len(ways)) - 0.5 * (len(ways) - 1))
    for number, (way, shift) in enumerate(zip(ways, shifts, strict=True)):
        one = table[table["way"] == way].sort_values("healing")
        error = _ERRORS * one["stderr"]
        axes.errorbar(
            one["healing"],
            one["value"],
            yerr=error,
            color=colours[number],
            linewidth=style.LINE,
            elinewidth=style.THIN,
            capsize=2,
            marker=_MARKERS[number % len(_MARKERS)],
            markersize=style.MARKER,
            markeredgewidth=0,
            transform=axes.transData + ScaledTranslation(shift / 72, 0.0, axes.figure.dpi_scale_trans),
            label=way,
        )
        # Matplotlib makes no room for what is shifted by points
        for end in (one["value"] - error, one["value"] + error):
            axes.update_datalim(np.column_stack([one["healing"], end]))
    axes.autoscale_view()
