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
_NARROW = 2  # names that fit below a narrow figure
_LESS, _MORE = 1 / 20, 20.0  # of the cost, where the thin line begins and ends


def draw_cost(costs: pd.DataFrame, cost: str, error: str, *, noisy: bool = False) -> Figure:
    """Error against cost, both logarithmic: a panel for each problem, a line for each way to the answer.

    Bars are two standard errors.

    Parameters
    ----------
    costs
        Columns problem (title of the panel), way, cost, error and error_stderr.
    cost, error
        What the axes say, with units.
    noisy
        Whether a line of thin dots through the last point of the first way is to fall as one over the root of the
        cost: what more of the same, and nothing else, would do.

    Examples
    --------
    >>> import pandas as pd
    >>> costs = pd.DataFrame({"problem": "decay", "way": "exact", "cost": [1e3, 4e3], "error": [0.02, 0.01]})
    >>> draw_cost(costs.assign(error_stderr=0.001), "reactions (1)", "error (1)").axes[0].get_xlabel()
    'reactions (1)'
    """
    problems = list(dict.fromkeys(costs["problem"]))
    ways = list(dict.fromkeys(costs["way"]))
    wide = len(problems) > 1 or len(ways) > _NARROW
    made = style.figure(style.PAGE if wide else style.COLUMN, 2.9)
    panels = made.subplots(1, len(problems), sharey=True, squeeze=False)[0]
    colours = [style.SECOND, style.MAIN, *style.shades(len(ways))]
    for axes, problem in zip(panels, problems, strict=True):
        table = costs[costs["problem"] == problem]
        if noisy:
            _draw_noise(axes, table[table["way"] == ways[0]])
        for number, way in enumerate(ways):
            one = table[table["way"] == way].sort_values("cost")
            # a bar that reached zero would reach down without end
            down = (2 * one["error_stderr"]).clip(upper=0.9 * one["error"])
            axes.errorbar(
                one["cost"],
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
        style.finish(axes, cost, error)
        axes.set_title(problem, fontsize=style.SMALL, color=style.INK)
        axes.label_outer()
    style.legend_below(made, panels[0])
    return made


def _draw_noise(axes: Axes, table: pd.DataFrame) -> None:
    last = int(table["cost"].to_numpy().argmax())
    cost, error = table["cost"].to_numpy()[last], table["error"].to_numpy()[last]
    costs = cost * np.array([_LESS, _MORE])
    axes.plot(
        costs,
        error * np.sqrt(cost / costs),
        color=style.DEMPHASISED,
        linewidth=style.THIN,
        linestyle=":",
        label="∝ 1 / √cost",
        zorder=1,
    )
