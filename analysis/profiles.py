"""Profiles of several quantities along a line, by several ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_profiles"]

_ERRORS = 1.96  # standard errors to either side that hold 95 % of a normal distribution
_DASHES = ("--", ":", "-.")


def draw_profiles(profiles: pd.DataFrame, *, place_label: str) -> Figure:
    """A panel for each quantity: the first way as a line in its band, the second as points with bars, others as lines.

    Bands and bars hold 95 %.

    Parameters
    ----------
    profiles
        Columns way, quantity (what its axis says, with its unit), x, value and stderr, one row a place.
    place_label
        What the axis of places says, with its unit.

    Raises
    ------
    ValueError
        If there is no row, a column is missing, or a place or value is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> one = pd.DataFrame({"way": "steady state", "x": [0.0, 1.0], "value": [1.0, 0.5], "stderr": 0.1})
    >>> both = pd.concat([one.assign(quantity="density (1)"), one.assign(quantity="signal (nM)")])
    >>> [axes.get_ylabel() for axes in draw_profiles(both, place_label="x (µm)").axes]
    ['density (1)', 'signal (nM)']
    """
    check_table(profiles, "profiles", ["way", "quantity", "x", "value", "stderr"], finite=["x", "value"])
    quantities = list(dict.fromkeys(profiles["quantity"]))
    made = style.figure(style.PAGE if len(quantities) > 1 else style.COLUMN, 2.6)
    panels = made.subplots(1, len(quantities), squeeze=False)[0]
    ways = list(dict.fromkeys(profiles["way"]))
    for axes, quantity in zip(panels, quantities, strict=True):
        of_it = profiles[profiles["quantity"] == quantity]
        for number, way in enumerate(ways):
            _draw_way(axes, of_it[of_it["way"] == way].sort_values("x"), way, number)
        style.finish(axes, place_label, quantity)
        axes.set_ylim(bottom=0.0)
    style.legend_below(made, panels[0])
    return made


def _draw_way(axes: Axes, table: pd.DataFrame, way: str, number: int) -> None:
    x, value, half = table["x"], table["value"], _ERRORS * table["stderr"]
    if number == 0:
        axes.fill_between(x, value - half, value + half, color=style.MAIN, alpha=0.25, linewidth=0)
        axes.plot(x, value, color=style.MAIN, linewidth=style.LINE, label=way)
    elif number == 1:
        axes.errorbar(
            x,
            value,
            yerr=half,
            color=style.MEASURED,
            linestyle="none",
            elinewidth=style.THIN,
            marker="o",
            markersize=style.MARKER,
            markeredgewidth=0,
            label=way,
            zorder=3,
        )
    else:
        dashes = _DASHES[(number - 2) % len(_DASHES)]
        axes.plot(x, value, color=style.SECOND, linewidth=style.THIN, linestyle=dashes, label=way)
