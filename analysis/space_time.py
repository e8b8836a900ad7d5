"""Roads over space and time: density in cells, and the paths of single cars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["draw_paths", "draw_roads"]

_COLOURS = "mako_r"  # light where the road is empty


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
