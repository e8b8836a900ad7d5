"""Space and time: fields over both, density of roads in cells, and the paths of single cars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

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
        If the table has no row, lacks a column, a value is not finite, or a time lacks a place.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"time": [0.0, 0.0, 1.0, 1.0], "place": [0.0, 1.0] * 2, "value": [0.0, 1.0, -1.0, 0.5]})
    >>> made = draw_space_time(table.assign(field="u"), value_label="(1)", space_label="x (1)", time_label="t (1)")
    >>> [axes.get_ylabel() for axes in made.axes]
    ['x (1)', 'u (1)']
    """
    import seaborn as sns

    check_table(table, "table", ["time", "place", "field", "value"], finite=["time", "place", "value"])
    names = list(dict.fromkeys(table["field"]))
    made = style.figure(style.PAGE, 2.3 * len(names) + 0.3)
    panels = made.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=True):
        grid = table[table["field"] == name].pivot(index="place", columns="time", values="value")
        if grid.isna().any(axis=None):
            raise ValueError(f"Every time of a field must have the same places: got {name!r} with gaps.")
        values = grid.to_numpy()
        largest, signed = float(abs(values).max()), values.min() < 0 < values.max()
        mesh = axes.pcolormesh(
            grid.columns.to_numpy(),
            grid.index.to_numpy(),
            values,
            cmap=sns.color_palette(_SIGNED if signed else _COLOURS, as_cmap=True),
            vmin=-largest if signed else float(values.min()),
            vmax=largest if signed else float(values.max()),
            shading="nearest",
            rasterized=True,
        )
        style.finish(axes, time_label, space_label)
        axes.label_outer()
        bar = made.colorbar(mesh, ax=axes)
        bar.set_label(f"{name} {value_label}", fontsize=style.TEXT, color=style.INK)
        bar.ax.tick_params(labelsize=style.SMALL)
    return made


def draw_roads(roads: pd.DataFrame, ways: dict[str, str]) -> Figure:
    """Density over place and time, a row of panels for each kind of drivers, a column for each way it was computed.

    Parameters
    ----------
    roads
        Columns drivers, time (s), place (m), and densities (veh/km): every time has the same places.
    ways
        Column of densities -> what to call it.

    Examples
    --------
    >>> import pandas as pd
    >>> road = pd.DataFrame({"time": [0.0, 0.0, 60.0, 60.0], "place": [100.0, 300.0] * 2, "density": [9.0, 20, 10, 19]})
    >>> len(draw_roads(road.assign(drivers="equal"), {"density": "projected"}).axes)  # a panel and a colour bar
    2
    """
    import seaborn as sns

    kinds = list(dict.fromkeys(roads["drivers"]))
    made = style.figure(style.PAGE, 2.3 * len(kinds) + 0.4)
    panels = made.subplots(len(kinds), len(ways), sharex=True, sharey=True, squeeze=False)
    largest = max(float(roads[column].max()) for column in ways)
    for row, kind in zip(panels, kinds, strict=True):
        table = roads[roads["drivers"] == kind]
        for axes, (column, name) in zip(row, ways.items(), strict=True):
            grid = table.pivot(index="place", columns="time", values=column)
            mesh = axes.pcolormesh(
                grid.columns.to_numpy() / 60,
                grid.index.to_numpy() / 1000,
                grid.to_numpy(),
                cmap=sns.color_palette(_COLOURS, as_cmap=True),
                vmin=0,
                vmax=largest,
                shading="nearest",
                rasterized=True,
            )
            style.finish(axes, "time (min)", "place (km)")
            axes.set_title(f"{name}: {kind}", fontsize=style.SMALL, color=style.INK)
            axes.label_outer()
    bar = made.colorbar(mesh, ax=panels)
    bar.set_label("density (veh/km)", fontsize=style.TEXT, color=style.INK)
    bar.ax.tick_params(labelsize=style.SMALL)
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
    bar = made.colorbar(points, ax=axes)
    bar.set_label("speed (km/h)", fontsize=style.TEXT, color=style.INK)
    bar.ax.tick_params(labelsize=style.SMALL)
    return made
