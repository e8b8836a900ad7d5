"""A road of mixed traffic: what shuffles of the same vehicles have in common, and what they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["draw_shuffles"]


def draw_shuffles(roads: pd.DataFrame) -> Figure:
    """Density over place at the last time: the mean of shuffles with its error, how far one is off, and the law's.

    A panel for each kind of drivers.

    Parameters
    ----------
    roads
        Columns drivers, time (s), place (m), and densities (veh/km): density by the law, density_directly the mean of
        the shuffles, density_deviation their standard deviation, density_stderr that of their mean.

    Examples
    --------
    >>> import pandas as pd
    >>> road = pd.DataFrame({"time": 60.0, "place": [100.0, 300.0], "density": [20.0, 25.0]})
    >>> road = road.assign(drivers="mixed", density_directly=[21.0, 24.0], density_deviation=2.0, density_stderr=0.5)
    >>> draw_shuffles(road).axes[0].get_ylabel()
    'density (veh/km)'
    """
    kinds = list(dict.fromkeys(roads["drivers"]))
    made = style.figure(style.PAGE, 2.6)
    panels = made.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for axes, kind in zip(panels, kinds, strict=True):
        table = roads[roads["drivers"] == kind]
        last = table[table["time"] == table["time"].max()].sort_values("place")
        place, mean, deviation = last["place"] / 1000, last["density_directly"], last["density_deviation"]
        axes.fill_between(
            place,
            mean - deviation,
            mean + deviation,
            color=style.MEASURED,
            alpha=0.25,
            linewidth=0,
            label="one standard deviation over shuffles",
        )
        axes.errorbar(
            place,
            mean,
            2 * last["density_stderr"],
            color=style.MEASURED,
            linewidth=style.LINE,
            label="mean of shuffles, two standard errors",
        )
        axes.plot(place, last["density"], color=style.MAIN, linewidth=style.LINE, label="conservation law")
        style.finish(axes, "place (km)", "density (veh/km)")
        axes.set_title(kind, fontsize=style.SMALL, color=style.INK)
        axes.label_outer()
    panels[0].set_ylim(bottom=0)
    style.legend_below(made, panels[0])
    return made
