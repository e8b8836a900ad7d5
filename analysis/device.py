"""A device that its current heats: temperature and potential along and across it, and where its power goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import style
from analysis.grids import as_grid
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_energy", "draw_hot_plate", "draw_warm_bar"]

_MILLI = 1e3
_LINES = 14  # of equal potential
_FLOOR = 1e-17  # below which an error is drawn as this


def draw_warm_bar(profile: pd.DataFrame, heating: pd.DataFrame | None = None) -> Figure:
    """Temperature and potential along a bar in its steady state, with temperatures on the way there.

    Parameters
    ----------
    profile
        The steady state, a row a place: columns x (m), temperature (K), potential (V).
    heating
        Before: columns time (s), x (m), temperature (K).

    Raises
    ------
    ValueError
        If a table has no row, lacks a column, or has a place that is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> profile = pd.DataFrame({"x": [0.0, 0.01], "temperature": [300.0, 301.0], "potential": [1.0, -1.0]})
    >>> [axes.get_ylabel() for axes in draw_warm_bar(profile).axes]
    ['temperature (K)', 'potential (V)']
    """
    check_table(profile, "profile", ["x", "temperature", "potential"], finite=["x", "temperature", "potential"])
    made = style.figure(style.PAGE, 2.8)
    left, right = made.subplots(1, 2)
    style.finish(left, "place (mm)", "temperature (K)")
    style.finish(right, "place (mm)", "potential (V)")
    steady = profile.sort_values("x")
    if heating is not None and len(heating):
        check_table(heating, "heating", ["time", "x", "temperature"], finite=["time", "x", "temperature"])
        times = sorted(heating["time"].unique())
        for time, colour in zip(times, style.shades(len(times))[::-1], strict=False):
            then = heating[heating["time"] == time].sort_values("x")
            left.plot(
                _MILLI * then["x"], then["temperature"], color=colour, linewidth=style.THIN, label=f"{time:.4g} s"
            )
    left.plot(_MILLI * steady["x"], steady["temperature"], color=style.SECOND, linewidth=style.LINE, label="steady")
    right.plot(_MILLI * steady["x"], steady["potential"], color=style.SECOND, linewidth=style.LINE)
    style.legend_below(made, left, columns=7)
    return made


def draw_hot_plate(field: pd.DataFrame) -> Figure:
    """Temperature in a plate as colours, potential as lines along which it is the same.

    Parameters
    ----------
    field
        A row a vertex of a rectangular grid: columns x, y (m), temperature (K), potential (V).

    Raises
    ------
    ValueError
        If it has no row, lacks a column, has a value that is not finite, or is no grid.

    Examples
    --------
    >>> import pandas as pd
    >>> field = pd.DataFrame({"x": [0, 0, 0.01, 0.01], "y": [0, 0.01, 0, 0.01], "temperature": [300.0, 301, 302, 303]})
    >>> draw_hot_plate(field.assign(potential=[1.0, 1.0, -1.0, -1.0])).axes[0].get_xlabel()
    'x (mm)'
    """
    columns = ["x", "y", "temperature", "potential"]
    check_table(field, "field", columns, finite=columns)
    x, y, temperature, potential = as_grid(field, "field", ["temperature", "potential"])
    made = style.figure(0.7 * style.PAGE, 0.7 * style.PAGE * min(max(float(np.ptp(y) / np.ptp(x)), 0.3), 1.2) * 0.85)
    axes = made.subplots()
    style.finish(axes, "x (mm)", "y (mm)")
    axes.set_aspect("equal")
    colours = axes.pcolormesh(_MILLI * x, _MILLI * y, temperature.T, cmap="inferno", shading="gouraud", rasterized=True)
    if np.ptp(potential) > 0:
        levels = np.linspace(potential.min(), potential.max(), _LINES + 2)[1:-1]
        lines: dict[str, Any] = {"colors": "white", "linewidths": style.THIN, "linestyles": "solid"}
        axes.contour(_MILLI * x, _MILLI * y, potential.T, levels=levels, **lines)
    bar = made.colorbar(colours, ax=axes, shrink=0.9)
    bar.set_label("temperature (K)", fontsize=style.TEXT, color=style.INK)
    bar.ax.tick_params(labelsize=style.SMALL, colors=style.INK, width=style.THIN)
    return made


def draw_energy(energy: pd.DataFrame) -> Figure:
    """Where the power of a device goes over time, and by how much the discrete equations miss charge and energy.

    Parameters
    ----------
    energy
        A row a step: columns time (s), power, heat_out and stored (W), energy_error and charge_error (of what flows).

    Raises
    ------
    ValueError
        If it has no row, lacks a column, or has a time or power that is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> energy = pd.DataFrame({"time": [1.0, 2.0], "power": [1.0, 1.0], "heat_out": [0.2, 0.9], "stored": [0.8, 0.1]})
    >>> len(draw_energy(energy.assign(energy_error=1e-15, charge_error=0.0)).axes)
    2
    """
    powers, errors = ["power", "heat_out", "stored"], ["energy_error", "charge_error"]
    check_table(energy, "energy", ["time", *powers, *errors], finite=["time", *powers])
    made = style.figure(style.PAGE, 2.8)
    left, right = made.subplots(1, 2)
    style.finish(left, "time (s)", "power (W)")
    style.finish(right, "time (s)", "missing, of what flows (1)")
    looks = ((style.MAIN, "-"), (style.SECOND, "-"), (style.HIGHLIGHT, "-"))
    for name, word, (colour, dashes) in zip(powers, ("power in", "heat out", "stored"), looks, strict=True):
        left.plot(energy["time"], energy[name], dashes, color=colour, linewidth=style.LINE, label=word)
    right.set_yscale("log")
    for name, word, colour in zip(errors, ("energy", "charge"), (style.INK, style.MEASURED), strict=True):
        _draw_error(right, energy["time"].to_numpy(np.float64), energy[name].to_numpy(np.float64), word, colour)
        left.plot([], [], ".", color=colour, markersize=style.MARKER, label=f"{word} missing")
    style.legend_below(made, left, columns=5)
    return made


def _draw_error(axes: Axes, time: NDArray[np.float64], error: NDArray[np.float64], word: str, colour: str) -> None:
    axes.plot(time, np.maximum(error, _FLOOR), ".", color=colour, markersize=style.MARKER, label=word)
