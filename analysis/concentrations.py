"""Concentrations by several ways: over time, and along a line on which a front moves."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from analysis import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_concentrations", "draw_front"]

_COLUMNS = 2
_DASHES = ("-", "--", ":")


def draw_concentrations(concentrations: pd.DataFrame) -> Figure:
    """Concentration over time, a panel for each species: the result as points, beside it the other ways as lines.

    Bars and bands are two standard errors.

    Parameters
    ----------
    concentrations
        Columns way, species, time, concentration, stderr, unit and unit_of_time. The first way is the result.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"way": "projection", "species": "X", "stderr": 0.1, "unit": "nM", "unit_of_time": "s"}
    >>> table = pd.DataFrame([row | {"time": 0.0, "concentration": 1.0}, row | {"time": 1.0, "concentration": 2.0}])
    >>> draw_concentrations(table).axes[0].get_ylabel()
    'X (nM)'
    """
    names = list(dict.fromkeys(concentrations["species"]))
    columns = min(_COLUMNS, len(names))
    rows = ceil(len(names) / columns)
    made = style.figure(style.PAGE if columns > 1 else style.COLUMN, 2.1 * rows + 0.5)
    panels = made.subplots(rows, columns, squeeze=False).ravel()
    unit = concentrations["unit"].iloc[0]
    for axes, name in zip(panels, names, strict=False):
        _draw_ways(axes, concentrations[concentrations["species"] == name], "time", "concentration")
        style.finish(axes, f"time ({concentrations['unit_of_time'].iloc[0]})", f"{name} ({unit})")
        axes.set_ylim(bottom=0.0)
    for axes in panels[len(names) :]:
        axes.remove()
    style.legend_below(made, panels[0])
    return made


def draw_front(profiles: pd.DataFrame, places: pd.DataFrame) -> Figure:
    """A front at the end, and where it was over time: the result as points, beside it the other ways as lines.

    Bars and bands are two standard errors.

    Parameters
    ----------
    profiles
        Columns way, x, concentration and stderr. The first way is the result.
    places
        Columns way, time, place and stderr.

    Examples
    --------
    >>> import pandas as pd
    >>> profiles = pd.DataFrame({"way": "projection", "x": [0.0, 1.0], "concentration": [1.0, 0.0], "stderr": 0.1})
    >>> places = pd.DataFrame({"way": "projection", "time": [0.0, 1.0], "place": [1.0, 2.0], "stderr": 0.1})
    >>> [axes.get_ylabel() for axes in draw_front(profiles, places).axes]
    ['concentration (1)', 'place of the front (1)']
    """
    made = style.figure(style.PAGE, 2.6)
    profile, place = made.subplots(1, 2)
    _draw_ways(profile, profiles, "x", "concentration")
    style.finish(profile, "place (1)", "concentration (1)")
    _draw_ways(place, places, "time", "place")
    style.finish(place, "time (1)", "place of the front (1)")
    style.legend_below(made, profile)
    return made


def _draw_ways(axes: Axes, table: pd.DataFrame, along: str, what: str) -> None:
    result, *others = dict.fromkeys(table["way"])
    colours = [style.SECOND, style.INK, *style.shades(len(others))]
    for number, way in enumerate(others):
        one = table[table["way"] == way].sort_values(along)
        if (one["stderr"] > 0).any():
            low, high = one[what] - 2 * one["stderr"], one[what] + 2 * one["stderr"]
            axes.fill_between(one[along], low, high, color=colours[number], alpha=0.2, linewidth=0)
        axes.plot(
            one[along],
            one[what],
            color=colours[number],
            linewidth=style.LINE if number == 0 else style.THIN,
            linestyle=_DASHES[number % len(_DASHES)],
            label=way,
        )
    one = table[table["way"] == result].sort_values(along)
    axes.errorbar(
        one[along],
        one[what],
        yerr=2 * one["stderr"],
        color=style.MAIN,
        linestyle="none",
        elinewidth=style.THIN,
        marker="o",
        markersize=style.MARKER,
        markeredgewidth=0,
        label=result,
        zorder=4,
    )
