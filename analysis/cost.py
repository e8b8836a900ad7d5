"""What an error costs: several ways to the same answer, each with its error against its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_cost"]

_MARKERS = "osD^"
_LESS, _MORE = 1 / 20, 20.0  # of the cost, where the thin line begins and ends


def draw_cost(costs: pd.DataFrame) -> Figure:
    """Error (relative) against cost (reactions), both logarithmic: a panel for each ε, a line for each way.

    Bars are two standard errors. A line of thin dots through the last point of the first way falls as one over the
    root of the cost: what more of the same, and nothing else, would do.

    Parameters
    ----------
    costs
        Columns separation, way, events, error and error_stderr.

    Examples
    --------
    >>> import pandas as pd
    >>> costs = pd.DataFrame({"separation": 0.01, "way": "exact", "events": [1e3, 4e3], "error": [0.02, 0.01]})
    >>> draw_cost(costs.assign(error_stderr=0.001)).axes[0].get_xlabel()
    'reactions (1)'
    """
    separations = list(dict.fromkeys(costs["separation"]))
    made = style.figure(style.PAGE if len(separations) > 1 else style.COLUMN, 2.9)
    panels = made.subplots(1, len(separations), sharey=True, squeeze=False)[0]
    ways = list(dict.fromkeys(costs["way"]))
    colours = [style.SECOND, style.MAIN, *style.shades(len(ways))]
    for axes, separation in zip(panels, separations, strict=True):
        table = costs[costs["separation"] == separation]
        _draw_noise(axes, table[table["way"] == ways[0]])
        for number, way in enumerate(ways):
            one = table[table["way"] == way].sort_values("events")
            # a bar that reached zero would reach down without end
            down = (2 * one["error_stderr"]).clip(upper=0.9 * one["error"])
            axes.errorbar(
                one["events"],
                one["error"],
                yerr=[down, 2 * one["error_stderr"]],
                color=colours[number],
                linewidth=style.LINE,
                elinewidth=style.THIN,
                capsize=2,
                marker=_MARKERS[number % len(_MARKERS)],
                markersize=style.MARKER,
                label=way,
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        style.finish(axes, "reactions (1)", "error of one population (1)")
        axes.set_title(f"ε = {separation:g}", fontsize=style.SMALL, color=style.INK)
        axes.label_outer()
    style.legend_below(made, panels[0])
    return made


def _draw_noise(axes: Axes, table: pd.DataFrame) -> None:
    last = int(table["events"].to_numpy().argmax())
    cost, error = table["events"].to_numpy()[last], table["error"].to_numpy()[last]
    events = cost * np.array([_LESS, _MORE])
    axes.plot(
        events,
        error * np.sqrt(cost / events),
        color=style.DEMPHASISED,
        linewidth=style.THIN,
        linestyle=":",
        label="∝ 1 / √reactions",
        zorder=1,
    )
