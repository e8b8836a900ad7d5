"""Measured profiles, those of a fit, and those that a fit predicts, with their interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_prediction"]

_ROLES = {"start": "start", "fitted": "fitted", "predicted": "held back"}
_MOST_COLUMNS = 3


def draw_prediction(
    profiles: pd.DataFrame,
    models: dict[str, str],
    *,
    band: str,
    position_label: str,
    value_label: str,
    time_unit: str,
) -> Figure:
    """A panel a time: what was measured, with the spread of replicates, and what models make of it.

    The start has measurements alone; the first model has a band, darker where the measurements were held back.

    Parameters
    ----------
    profiles
        Columns time, position, role (start, fitted or predicted), measured, spread, low and high, and one for each
        model, in the units of the labels.
    models
        Column -> what the legend calls it; the band is about the first.
    band
        What the legend calls the band.
    position_label, value_label
        With units.
    time_unit
        That the titles give times in.

    Raises
    ------
    ValueError
        If the table has no row, lacks a column, or something measured is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"time": [0.0, 0.0, 9.0, 9.0], "position": [1.0, 2.0] * 2})
    >>> table["role"] = ["start", "start", "fitted", "fitted"]
    >>> table = table.assign(measured=1.0, spread=0.1, low=0.8, high=1.2, cells=1.0)
    >>> made = draw_prediction(
    ...     table, {"cells": "cells"}, band="90 %", position_label="x (µm)", value_label="density", time_unit="h"
    ... )
    >>> [axes.get_title() for axes in made.axes]
    ['0 h, start', '9 h, fitted']
    """
    needed = ["time", "position", "role", "measured", "spread", "low", "high", *models]
    check_table(profiles, "profiles", needed, finite=["time", "position", "measured", "spread"])
    times = list(dict.fromkeys(profiles["time"]))
    columns = min(len(times), _MOST_COLUMNS)
    rows = -(-len(times) // columns)
    made = style.figure(style.PAGE, 2.1 * rows + 0.4)
    panels = made.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes, time in zip(panels, times, strict=False):
        table = profiles[profiles["time"] == time]
        role = str(table["role"].iloc[0])
        _draw_profile(axes, table, models if role != "start" else {}, band, role == "predicted")
        style.finish(axes, position_label, value_label)
        axes.set_title(f"{time:g} {time_unit}, {_ROLES[role]}", fontsize=style.TEXT, color=style.INK)
    for number, axes in enumerate(panels):
        below = number + columns
        axes.set_xlabel(position_label if below >= len(times) else "", fontsize=style.TEXT)
        axes.tick_params(labelbottom=below >= len(times))
        axes.set_ylabel(value_label if number % columns == 0 else "", fontsize=style.TEXT)
        axes.set_visible(number < len(times))
    panels[0].set_ylim(bottom=0.0)
    style.legend_below(made, panels[len(times) - 1], columns=4)
    return made


def _draw_profile(axes: Axes, table: pd.DataFrame, models: dict[str, str], band: str, held_back: bool) -> None:
    x = table["position"].to_numpy()
    if models:
        axes.fill_between(
            x, table["low"], table["high"], color=style.MAIN, alpha=0.3 if held_back else 0.12, linewidth=0, label=band
        )
    looks = [(style.MAIN, "-"), (style.SECOND, "--"), (style.HIGHLIGHT, ":"), (style.DEMPHASISED, "-.")]
    for (column, name), (colour, dashes) in zip(models.items(), looks, strict=False):
        axes.plot(x, table[column], color=colour, linestyle=dashes, linewidth=style.LINE, label=name)
    axes.errorbar(
        x,
        table["measured"],
        yerr=table["spread"],
        fmt="o",
        markersize=style.MARKER,
        linewidth=style.THIN,
        color=style.MEASURED,
        label="measured, spread of replicates",
    )
