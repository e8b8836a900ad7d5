"""What a two-phase composite is made of, and how heat finds its way through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.patches import Circle, Patch
from matplotlib.patheffects import withStroke

from analysis import style
from analysis.grids import as_grid
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patheffects import AbstractPathEffect
    from numpy.typing import NDArray

__all__ = ["INCLUSION", "MATRIX", "draw_layers", "draw_microstructure"]

MATRIX, INCLUSION = "#e4e2dc", "#3b5b7e"  #: colours of the two phases, also told apart without colour

_ISOTHERMS = 16
_PERIODS = 4  # of layers in a lens
_HALO: list[AbstractPathEffect] = [withStroke(linewidth=1.8, foreground="#9fd8e8")]  # a dark outline on dark ground


def draw_microstructure(
    outline: pd.DataFrame | None = None, pixels: pd.DataFrame | None = None, corrector: pd.DataFrame | None = None
) -> Figure:
    """The unit cell of a composite, and beside it the temperature in it, with isotherms.

    Parameters
    ----------
    outline
        Closed polygons of the inclusion, a row a corner in order: columns polygon, x, y (unit cells). What sticks
        out of the cell comes in again on its other side.
    pixels
        Instead an image, which is as wide as the cell: columns row (from above), column, phase (1 is the inclusion).
    corrector
        The temperature under a unit gradient along x, a row a place of a grid: columns x, y, temperature.

    Raises
    ------
    ValueError
        If there is neither outline nor pixels, or a table has no row, lacks a column, or is no grid.

    Examples
    --------
    >>> import pandas as pd
    >>> layer = pd.DataFrame({"polygon": 0, "x": [0.2, 0.7, 0.7, 0.2], "y": [0.0, 0.0, 1.0, 1.0]})
    >>> [axes.get_xlabel() for axes in draw_microstructure(layer).axes]
    ['x (unit cells)']
    """
    if outline is None and pixels is None:
        raise ValueError("A microstructure must have an `outline` or `pixels`: got neither. Give one of them.")
    made = style.figure(style.PAGE if corrector is not None else style.COLUMN, 3.2)
    panels = made.subplots(1, 2 if corrector is not None else 1, squeeze=False)[0]
    phase = None if pixels is None else _image(pixels)
    height = 1.0 if phase is None else phase.shape[0] / phase.shape[1]
    for axes in panels:
        axes.set_aspect("equal")
        style.finish(axes, "x (unit cells)", "y (unit cells)")
        for spine in axes.spines.values():
            spine.set_visible(True)
    panels[0].set_facecolor(MATRIX)
    if corrector is not None:
        _draw_temperature(made, panels[1], corrector)
    if outline is not None:
        corners = _tiled(outline)
        panels[0].add_collection(PolyCollection(corners, facecolors=INCLUSION, edgecolors=INCLUSION, linewidths=0.2))
        for axes in panels[1:]:
            edges = PolyCollection(corners, facecolors="none", edgecolors=style.INK, linewidths=0.7)
            edges.set_path_effects(_HALO)
            axes.add_collection(edges)
    elif phase is not None:
        look: Any = {"extent": (0.0, 1.0, 0.0, height), "origin": "upper", "interpolation": "nearest"}
        panels[0].imshow(phase, cmap=ListedColormap([MATRIX, INCLUSION]), vmin=0, vmax=1, **look)
        for axes in panels[1:]:
            _draw_interfaces(axes, phase, height)
    for axes in panels:
        axes.set_xlim(0.0, 1.0)
        axes.set_ylim(0.0, height)
    _legend(made)
    return made


def draw_layers(axes: Axes, place: tuple[float, float], radius: float, volume_fraction: float, angle: float) -> None:
    """A round lens on a map, with the layers that are there: so much of the inclusion, their normal at that angle.

    Parameters
    ----------
    axes
        Where to draw it, in their units.
    place, radius
        Its centre and its size.
    volume_fraction
        Of the inclusion (1).
    angle
        Of the layers' normal to the x axis (degrees).
    """
    lens = Circle(place, radius, facecolor=MATRIX, edgecolor="none", zorder=4)
    axes.add_patch(lens)
    normal = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    along = np.array([-normal[1], normal[0]])
    period = 2 * radius / _PERIODS
    middles = period * (np.arange(_PERIODS + 1) - _PERIODS / 2)
    half = 0.5 * volume_fraction * period
    sides = ((-half, -radius), (half, -radius), (half, radius), (-half, radius))
    stripes = [[np.array(place) + (m + s) * normal + t * along for s, t in sides] for m in middles]
    layers = PolyCollection(stripes, facecolors=INCLUSION, edgecolors="none", zorder=5)
    axes.add_collection(layers, autolim=False)
    layers.set_clip_path(lens)
    axes.add_patch(Circle(place, radius, facecolor="none", edgecolor="white", linewidth=1.0, zorder=6))


def _tiled(outline: pd.DataFrame) -> list[NDArray[np.float64]]:
    """Polygons in the cell and in its eight neighbours, as far as they reach into the cell."""
    check_table(outline, "outline", ["polygon", "x", "y"], finite=["x", "y"])
    polygons = [rows[["x", "y"]].to_numpy(np.float64) for _, rows in outline.groupby("polygon", sort=False)]
    shifts = [np.array([right, up]) for right in (-1, 0, 1) for up in (-1, 0, 1)]
    moved = [polygon + shift for polygon in polygons for shift in shifts]
    return [one for one in moved if (one.max(0) > 0.0).all() and (one.min(0) < 1.0).all()]


def _image(pixels: pd.DataFrame) -> NDArray[np.float64]:
    """Phases (row, column)."""
    check_table(pixels, "pixels", ["row", "column", "phase"], finite=["row", "column", "phase"])
    table = pixels.pivot(index="row", columns="column", values="phase")
    if table.isna().any(axis=None):
        raise ValueError("`pixels` must have a row for each place of a rectangle: got gaps. Fill them.")
    return table.to_numpy(np.float64)


def _draw_temperature(made: Figure, axes: Axes, corrector: pd.DataFrame) -> None:
    x, y, temperature = as_grid(corrector, "corrector", ["temperature"])
    shown: Any = np.ma.masked_invalid(temperature.T)
    colours = axes.pcolormesh(x, y, shown, cmap="inferno", shading="gouraud", rasterized=True)
    if np.ptp(shown.compressed()) > 0:
        levels = np.linspace(shown.min(), shown.max(), _ISOTHERMS + 2)[1:-1]
        lines: dict[str, Any] = {"colors": "white", "linewidths": style.THIN, "linestyles": "solid"}
        axes.contour(x, y, shown, levels=levels, **lines)
    bar = made.colorbar(colours, ax=axes, shrink=0.9)
    bar.set_label("temperature (K, at 1 K per cell)", fontsize=style.TEXT, color=style.INK)
    bar.ax.tick_params(labelsize=style.SMALL, colors=style.INK, width=style.THIN)


def _draw_interfaces(axes: Axes, phase: NDArray[np.float64], height: float) -> None:
    rows, columns = phase.shape
    across, up = (np.arange(columns) + 0.5) / columns, height * (1.0 - (np.arange(rows) + 0.5) / rows)
    lines = axes.contour(across, up, phase, levels=[0.5], linewidths=0.7, colors=style.INK)
    lines.set_path_effects(_HALO)


def _legend(made: Figure) -> None:
    phases = {"matrix": MATRIX, "inclusion": INCLUSION}
    made.legend(
        handles=[Patch(facecolor=colour, edgecolor=style.DEMPHASISED, label=name) for name, colour in phases.items()],
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize=style.SMALL,
        labelcolor=style.INK,
    )
