"""Space and time: fields over both, density of roads in cells, and the paths of single cars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_paths", "draw_roads", "draw_space_time"]

_COLOURS = "mako_r"  # light where the road is empty
_SIGNED = "vlag"  # white where a field is zero


def draw_space_time(table: pd.DataFrame, *, value_label: str, space_label: str, time_label: str) -> Figure:
    """Fields over space and time, a panel and a colour bar each; colours diverge from zero where there are both signs.

    Parameters
    ----------
    table
        Columns time, place, field (the name of its panel) and value: every time of a field has the same places.
    value_label, space_label, time_label
        What bars and axes say, with units; the bar has the name of the field in front.

    Raises
    ------
    ValueError
        If the table has no row, lacks a column, a value is not finite, or a time lacks a place or has one twice.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"time": [0.0, 0.0, 1.0, 1.0], "place": [0.0, 1.0] * 2, "value": [0.0, 1.0, -1.0, 0.5]})
    >>> made = draw_space_time(table.assign(field="u"), value_label="(1)", space_label="x (1)", time_label="t (1)")
    >>> [axes.get_ylabel() for axes in made.axes]
    ['x (1)', 'u (1)']
    """
    check_table(table, "table", ["time", "place", "field", "value"], finite=["time", "place", "value"])
    names = list(dict.fromkeys(table["field"]))
    made = style.figure(style.PAGE, 2.3 * len(names) + 0.3)
    panels = made.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=True):
        grid = _grid(table[table["field"] == name], "value", str(name))
        low, high = float(grid.to_numpy().min()), float(grid.to_numpy().max())
        if low < 0 < high:
            largest = max(-low, high)
            mesh = _draw_map(axes, grid, _SIGNED, (-largest, largest))
        else:
            mesh = _draw_map(axes, grid, _COLOURS, (low, high))
        style.finish(axes, time_label, space_label)
        axes.label_outer()
        _draw_bar(made, mesh, axes, f"{name} {value_label}")
    return made


def draw_roads(roads: pd.DataFrame, ways: dict[str, str]) -> Figure:
    """Density over place and time, a row of panels for each kind of drivers, a column for each way it was computed.

    Parameters
    ----------
    roads
        Columns drivers, time (s), place (m), and densities (veh/km): every time has the same places.
    ways
        Column of densities -> what to call it.

    Raises
    ------
    ValueError
        If the table has no row, lacks a column, or a time lacks a place or has one twice.

    Examples
    --------
    >>> import pandas as pd
    >>> road = pd.DataFrame({"time": [0.0, 0.0, 60.0, 60.0], "place": [100.0, 300.0] * 2, "density": [9.0, 20, 10, 19]})
    >>> len(draw_roads(road.assign(drivers="equal"), {"density": "projected"}).axes)  # a panel and a colour bar
    2
    """
    check_table(roads, "roads", ["drivers", "time", "place", *ways], finite=["time", "place"])
    kinds = list(dict.fromkeys(roads["drivers"]))
    made = style.figure(style.PAGE, 2.3 * len(kinds) + 0.4)
    panels = made.subplots(len(kinds), len(ways), sharex=True, sharey=True, squeeze=False)
    largest = max(float(roads[column].max()) for column in ways)
    in_km = roads.assign(time=roads["time"] / 60, place=roads["place"] / 1000)
    for row, kind in zip(panels, kinds, strict=True):
        table = in_km[in_km["drivers"] == kind]
        for axes, (column, name) in zip(row, ways.items(), strict=True):
            mesh = _draw_map(axes, _grid(table, column, str(kind)), _COLOURS, (0.0, largest))
            style.finish(axes, "time (min)", "place (km)")
            axes.set_title(f"{name}: {kind}", fontsize=style.SMALL, color=style.INK)
            axes.label_outer()
    _draw_bar(made, mesh, panels, "density (veh/km)")
    return made


def draw_paths(paths: pd.DataFrame) -> Figure:
    """Where each car is over time, coloured by its speed.

    Parameters
    ----------
    paths
        Columns time (s), place (m) and speed (km/h).

    Examples
    --------
    >>> import pandas as pd
    >>> path = pd.DataFrame({"time": [0.0, 1.0], "place": [0.0, 10.0], "speed": [36.0, 36.0]})
    >>> draw_paths(path).axes[0].get_ylabel()
    'place (m)'
    """
    import seaborn as sns

    made = style.figure(style.PAGE, 3.0)
    axes = made.subplots()
    points = axes.scatter(
        paths["time"],
        paths["place"],
        c=paths["speed"],
        s=1.0,
        linewidths=0,
        cmap=sns.color_palette(_COLOURS.removesuffix("_r"), as_cmap=True),
        rasterized=True,
    )
    style.finish(axes, "time (s)", "place (m)")
    _draw_bar(made, points, axes, "speed (km/h)")
    return made


def _grid(table: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    """Places down, times across; neither gaps nor anything twice."""
    twice = table.duplicated(["time", "place"])
    if twice.any():
        time, place = table.loc[twice, ["time", "place"]].iloc[0]
        raise ValueError(
            f"A map must have one value at a time and place: got several of {name!r} at time {time:g} and place "
            f"{place:g}. Draw one picture for each."
        )
    places = table["place"].nunique()
    counts = table.groupby("time")["place"].size()
    if (counts < places).any():
        raise ValueError(
            f"Every time of a map must have the same places: got {counts[counts < places].iloc[0]} of {places} of "
            f"{name!r} at time {counts.index[counts < places][0]:g}. Leave out that time, or bring all to one grid."
        )
    return table.pivot(index="place", columns="time", values=column)


def _draw_map(axes: Axes, grid: pd.DataFrame, colours: str, limits: tuple[float, float]) -> QuadMesh:
    import seaborn as sns

    return axes.pcolormesh(
        grid.columns.to_numpy(),
        grid.index.to_numpy(),
        grid.to_numpy(),
        cmap=sns.color_palette(colours, as_cmap=True),
        vmin=limits[0],
        vmax=limits[1],
        shading="nearest",
        rasterized=True,
    )


def _draw_bar(made: Figure, colours: ScalarMappable, axes: Axes | NDArray[np.object_], label: str) -> None:
    bar = made.colorbar(colours, ax=axes)
    bar.set_label(label, fontsize=style.TEXT, color=style.INK)
    bar.ax.tick_params(labelsize=style.SMALL)
