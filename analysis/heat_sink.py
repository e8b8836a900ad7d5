"""A part whose layers turn and thin: its temperature without and with every layer, and what either costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import style
from analysis.grids import as_grid
from analysis.microstructure import draw_layers
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure, SubFigure
    from numpy.typing import NDArray

__all__ = ["draw_sink", "draw_sink_heating"]

_MILLI = _KILO = 1e3
_ISOTHERMS = 10
_LENS = 0.055  # radius, of the longer side of the part
_COSTS = 2.6  # height of the lower panels (inches)
_HMM, _DIRECT = style.MAIN, style.SECOND
_COLD, _WARM = "#a9c4dd", "#f0c078"  # heat that has left, heat that has stayed


def draw_sink(field: pd.DataFrame, insets: pd.DataFrame | None = None, costs: pd.DataFrame | None = None) -> Figure:
    """Temperature by the two-scale solver and with every layer resolved, on one scale; below, error and cost of both.

    Parameters
    ----------
    field
        A row a place of a grid: columns x, y (m), hmm and direct (K; nan outside the part).
    insets
        Where to show the layers: columns x, y (m), volume_fraction of the inclusion, angle of their normal (degrees).
    costs
        A row a ratio of scales: columns ratio, error_l2, error_max (relative to the rise), unknowns_hmm,
        unknowns_direct. What the clock told is not drawn: the same run gives the same picture.

    Raises
    ------
    ValueError
        If a table has no row, lacks a column, or is no grid, or if a ratio is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> field = pd.DataFrame({"x": [0, 0, 0.01, 0.01], "y": [0, 0.01, 0, 0.01], "hmm": [300.0, 301, 302, 303]})
    >>> [axes.get_title() for axes in draw_sink(field.assign(direct=field["hmm"])).axes[:2]]
    ['two scales', 'every layer']
    """
    x, y, hmm, direct = as_grid(field, "field", ["hmm", "direct"])
    with_costs = costs is not None and len(costs) > 0
    shape = float(np.ptp(y) / np.ptp(x))
    height = min(max(0.42 * style.PAGE * shape, 1.2), 4.0) + 0.6
    made = style.figure(style.PAGE, height + (_COSTS if with_costs else 0.0))
    parts: Any = made.subfigures(1 + with_costs, 1, height_ratios=[height, _COSTS][: 1 + with_costs], squeeze=False)
    maps = parts[0, 0].subplots(1, 2, sharey=True)
    shown: list[Any] = [np.ma.masked_invalid(one.T) for one in (hmm, direct)]
    low, high = min(one.min() for one in shown), max(one.max() for one in shown)
    for axes, values, word in zip(maps, shown, ("two scales", "every layer"), strict=True):
        axes.set_aspect("equal")
        style.finish(axes, "x (mm)", "y (mm)")
        axes.label_outer()
        axes.set_title(word, fontsize=style.SMALL, color=style.INK)
        colours = _draw_map(axes, _MILLI * x, _MILLI * y, values, low, high)
    bar = parts[0, 0].colorbar(colours, ax=maps, shrink=0.9)
    bar.set_label("temperature (K)", fontsize=style.TEXT, color=style.INK)
    bar.ax.tick_params(labelsize=style.SMALL, colors=style.INK, width=style.THIN)
    if insets is not None and len(insets):
        columns = ["x", "y", "volume_fraction", "angle"]
        check_table(insets, "insets", columns, finite=columns)
        radius = _LENS * _MILLI * max(float(np.ptp(x)), float(np.ptp(y)))
        for right, up, fraction, angle in insets[columns].to_numpy(np.float64):
            draw_layers(maps[0], (_MILLI * right, _MILLI * up), radius, fraction, angle)
    if costs is not None and with_costs:
        _draw_costs(parts[1, 0], costs)
    return made


def draw_sink_heating(heating: pd.DataFrame) -> Figure:
    """Where the heat goes while the part warms up, and the mean temperature without and with every layer.

    Parameters
    ----------
    heating
        A row a time: columns time (s), entered, left and stored (J/m, since the start), mean_temperature_hmm and
        mean_temperature_direct (K; nan where it was not computed).

    Raises
    ------
    ValueError
        If the table has no row, lacks a column, or has a time or a heat that is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"time": [0.0, 1.0], "entered": [0.0, 2.0], "left": [0.0, 0.5], "stored": [0.0, 1.5]})
    >>> table = table.assign(mean_temperature_hmm=[300.0, 301.0], mean_temperature_direct=[300.0, 301.0])
    >>> [axes.get_ylabel() for axes in draw_sink_heating(table).axes]
    ['heat (kJ/m)', 'mean temperature (K)']
    """
    heats, means = ["entered", "left", "stored"], ["mean_temperature_hmm", "mean_temperature_direct"]
    check_table(heating, "heating", ["time", *heats, *means], finite=["time", *heats])
    made = style.figure(style.PAGE, 2.9)
    heat, mean = made.subplots(1, 2)
    rows = heating.sort_values("time")
    time, left, stored, entered = rows["time"], *(rows[name] / _KILO for name in ("left", "stored", "entered"))
    heat.fill_between(time, 0.0, left, color=_COLD, linewidth=0, label="gone out")
    heat.fill_between(time, left, left + stored, color=_WARM, linewidth=0, label="stored")
    heat.plot(time, entered, color=style.INK, linewidth=style.LINE, label="entered")
    mean.plot(time, rows["mean_temperature_hmm"], color=_HMM, linewidth=style.LINE)
    heat.plot([], [], color=_HMM, linewidth=style.LINE, label="two scales")
    known = rows[rows["mean_temperature_direct"].notna()]
    if len(known):
        every = max(len(known) // 20, 1)
        look: Any = {"color": _DIRECT, "linestyle": "none", "marker": "o", "markersize": style.MARKER}
        mean.plot(known["time"][::every], known["mean_temperature_direct"][::every], **look)
        heat.plot([], [], label="every layer", **look)
    style.finish(heat, "time (s)", "heat (kJ/m)")
    style.finish(mean, "time (s)", "mean temperature (K)")
    style.legend_below(made, heat, columns=5)
    return made


def _draw_map(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], values: Any, low: float, high: float
) -> QuadMesh:
    colours = axes.pcolormesh(x, y, values, cmap="inferno", vmin=low, vmax=high, shading="nearest", rasterized=True)
    if high > low:
        lines: dict[str, Any] = {"colors": "white", "linewidths": 0.6, "linestyles": "solid"}
        axes.contour(x, y, values, levels=np.linspace(low, high, _ISOTHERMS + 2)[1:-1], **lines)
    return colours


def _draw_costs(part: SubFigure, costs: pd.DataFrame) -> None:
    columns = ["ratio", "error_l2", "error_max"]
    both = ["unknowns_hmm", "unknowns_direct"]
    check_table(costs, "costs", [*columns, *both], finite=["ratio"])
    rows = costs.sort_values("ratio")
    error, unknowns = part.subplots(1, 2)
    for name, word, marker in (("error_max", "largest", "s"), ("error_l2", "mean square", "o")):
        look: Any = {"color": style.INK, "marker": marker, "markersize": 1.2 * style.MARKER, "linewidth": style.THIN}
        error.plot(rows["ratio"], rows[name], label=word, **look)
    ends = rows["ratio"].iloc[[0, -1]].to_numpy(np.float64)
    height = 0.6 * float((rows["error_l2"] / rows["ratio"]).min())
    error.plot(ends, height * ends, "--", color=style.DEMPHASISED, linewidth=style.THIN, label="slope 1")
    style.finish(error, "ε/size (1)", "error (of the rise)")
    for name, word, colour, marker in zip(both, ("two scales", "every layer"), (_HMM, _DIRECT), "os", strict=True):
        look = {"color": colour, "marker": marker, "markersize": 1.2 * style.MARKER, "linewidth": style.LINE}
        unknowns.plot(rows["ratio"], rows[name], label=word, **look)
    style.finish(unknowns, "ε/size (1)", "unknowns (1)")
    for axes in (error, unknowns):
        style.label_ratios(axes, rows["ratio"])
        axes.set_yscale("log")
    places: Any = {"frameon": False, "fontsize": style.SMALL, "labelcolor": style.INK, "loc": "outside lower center"}
    handles = [axes.get_legend_handles_labels() for axes in (error, unknowns)]
    part.legend(handles[0][0] + handles[1][0], handles[0][1] + handles[1][1], ncols=5, **places)
