"""Tissue that grows: a gap that closes, and an even population that fills its square; and a movie of the former."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Movie", "draw_closing", "draw_filling", "film_closing"]

_INSTANTS = 4
_FRAMES_PER_SECOND = 6
_BETWEEN = 3  # frames between two readings


def draw_closing(densities: pd.DataFrame, fronts: pd.DataFrame) -> Figure:
    """A gap between cells at some instants, and where its left edge is: projection as points, all cells as lines.

    Bars and bands are two standard errors.

    Parameters
    ----------
    densities
        Columns day, x (µm), density, stderr, projected and projected_stderr.
    fronts
        Columns way, day, place (µm) and stderr; a place may be missing.

    Raises
    ------
    ValueError
        If a table has no row, lacks a column, or a value is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"density": 0.5, "stderr": 0.01, "projected": 0.5, "projected_stderr": 0.0}
    >>> table = pd.DataFrame([row | {"day": day, "x": x} for day in (0.0, 1.0) for x in (10.0, 30.0)])
    >>> fronts = pd.DataFrame({"way": "projection", "day": [0.0, 1.0], "place": [10.0, 20.0], "stderr": 0.1})
    >>> [axes.get_ylabel() for axes in draw_closing(table, fronts).axes]
    ['density (cells per site)', 'left edge of the gap (µm)']
    """
    columns = ["day", "x", "density", "stderr", "projected", "projected_stderr"]
    check_table(densities, "densities", columns, finite=columns)
    check_table(fronts, "fronts", ["way", "day", "place", "stderr"], finite=["day"])
    made = style.figure(style.PAGE, 2.9)
    profile, place = made.subplots(1, 2, width_ratios=(1.5, 1))
    days = np.unique(densities["day"])
    chosen = days[np.unique(np.linspace(0, len(days) - 1, _INSTANTS).round().astype(int))]
    for day, colour in zip(chosen, style.shades(len(chosen)), strict=True):
        rows = densities[densities["day"] == day]
        _band(profile, rows["x"], rows["density"], rows["stderr"], colour)
        every = slice(None, None, 3)
        profile.errorbar(
            rows["x"][every],
            rows["projected"][every],
            2 * rows["projected_stderr"][every],
            fmt="o",
            ms=style.MARKER - 1,
            color=colour,
            label=f"day {day:.3g}",
        )
    profile.plot([], [], color=style.FITTED, lw=style.LINE, label="all cells, ± 2 s.e.")
    profile.plot([], [], "o", ms=style.MARKER - 1, color=style.FITTED, label="projection")
    style.finish(profile, "place across the gap (µm)", "density (cells per site)")
    profile.set_ylim(0.0, 1.05)
    for way, colour in zip(dict.fromkeys(fronts["way"]), (style.MAIN, style.FITTED, style.SECOND), strict=False):
        rows = fronts[(fronts["way"] == way) & fronts["place"].notna()]
        place.errorbar(rows["day"], rows["place"], 2 * rows["stderr"], fmt=".-", color=colour, lw=style.LINE, label=way)
    style.finish(place, "time (days)", "left edge of the gap (µm)")
    place.legend(frameon=False, fontsize=style.SMALL)
    style.legend_below(made, profile, columns=6)
    return made


def draw_filling(grown: pd.DataFrame, projected: pd.DataFrame) -> Figure:
    """An even population that grows, for several motilities; and the slowest by each macro state it is projected by.

    Cells as bands of two standard errors, the logistic law dashed, projections as points.

    Parameters
    ----------
    grown
        Columns ratio (of motility to proliferation), time, density, stderr, pair_factor and logistic.
    projected
        Columns coarse (the macro state), time, density and stderr.

    Raises
    ------
    ValueError
        If a table has no row, lacks a column, or a value is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"ratio": 1.0, "density": 0.1, "stderr": 0.01, "pair_factor": 2.0, "logistic": 0.12}
    >>> grown = pd.DataFrame([row | {"time": time} for time in (0.0, 1.0)])
    >>> projected = pd.DataFrame({"coarse": "density", "time": [0.0, 1.0], "density": 0.1, "stderr": 0.0})
    >>> [axes.get_ylabel() for axes in draw_filling(grown, projected).axes]
    ['density (cells per site)', 'pair factor (1)']
    """
    columns = ["ratio", "time", "density", "stderr", "pair_factor", "logistic"]
    check_table(grown, "grown", columns, finite=columns)
    check_table(projected, "projected", ["coarse", "time", "density", "stderr"], finite=["time", "density", "stderr"])
    made = style.figure(style.PAGE, 2.9)
    density, pairs = made.subplots(1, 2)
    ratios = list(dict.fromkeys(grown["ratio"]))
    for ratio, colour in zip(ratios, style.shades(len(ratios)), strict=True):
        rows = grown[grown["ratio"] == ratio]
        _band(density, rows["time"], rows["density"], rows["stderr"], colour, f"motility / proliferation = {ratio:g}")
        pairs.plot(rows["time"], rows["pair_factor"], color=colour, lw=style.LINE)
    first = grown[grown["ratio"] == ratios[0]]
    density.plot(first["time"], first["logistic"], "--", color=style.DEMPHASISED, lw=style.LINE, label="logistic law")
    for name, colour in zip(dict.fromkeys(projected["coarse"]), (style.SECOND, style.HIGHLIGHT), strict=False):
        rows = projected[projected["coarse"] == name]
        told = f"projected by {str(name).replace('_', ' ')}"
        density.errorbar(
            rows["time"], rows["density"], 2 * rows["stderr"], fmt="o", ms=style.MARKER, color=colour, label=told
        )
    style.finish(density, "time (mean times between divisions)", "density (cells per site)")
    style.finish(pairs, "time (mean times between divisions)", "pair factor (1)")
    pairs.axhline(1.0, color=style.DEMPHASISED, lw=style.THIN, ls=":")
    style.legend_below(made, density, columns=3)
    return made


class Movie:
    """A figure and how it changes from frame to frame; it is written as one file, a GIF or an MP4.

    Parameters
    ----------
    made
        The figure.
    show
        ``show(frame)`` changes it.
    frames
        How many there are.
    """

    def __init__(self, made: Figure, show: Callable[[int], Iterable[Artist]], frames: int) -> None:
        self.made, self.show, self.frames = made, show, frames

    def savefig(self, path: Path, /) -> None:
        """Write all frames in the format that the suffix of the path names: MP4 by FFmpeg, else by Pillow."""
        from matplotlib.animation import FFMpegWriter, FuncAnimation, PillowWriter
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        FigureCanvasAgg(self.made)
        writer = FFMpegWriter if Path(path).suffix == ".mp4" else PillowWriter
        animation = FuncAnimation(self.made, self.show, frames=self.frames)
        animation.save(str(path), writer=writer(fps=_FRAMES_PER_SECOND), dpi=100)


def film_closing(densities: pd.DataFrame) -> Movie:
    """The gap as it closes: all cells as a line, projection as points.

    Parameters
    ----------
    densities
        As for `draw_closing`.

    Raises
    ------
    ValueError
        If the table has no row, lacks a column, or a value is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"density": 0.5, "stderr": 0.01, "projected": 0.5, "projected_stderr": 0.0}
    >>> table = pd.DataFrame([row | {"day": day, "x": x} for day in (0.0, 1.0) for x in (10.0, 30.0)])
    >>> film_closing(table).frames
    4
    """
    columns = ["day", "x", "density", "projected"]
    check_table(densities, "densities", columns, finite=columns)
    made = style.figure(style.COLUMN * 1.3, 2.6)
    axes = made.subplots()
    grids = {name: densities.pivot(index="day", columns="x", values=name) for name in ("density", "projected")}
    days, x = grids["density"].index.to_numpy(), grids["density"].columns.to_numpy()
    (cells,) = axes.plot(x, grids["density"].iloc[0], color=style.FITTED, lw=style.LINE, label="all cells")
    (points,) = axes.plot(
        x[::3], grids["projected"].iloc[0][::3], "o", ms=style.MARKER, color=style.MAIN, label="projection"
    )
    style.finish(axes, "place across the gap (µm)", "density (cells per site)")
    axes.set_ylim(0.0, 1.05)
    told = axes.text(0.5, 0.94, "", transform=axes.transAxes, ha="center", fontsize=style.SMALL, color=style.INK)
    style.legend_below(made, axes)
    instants = np.linspace(days[0], days[-1], (len(days) - 1) * _BETWEEN + 1)

    def show(frame: int) -> tuple[Artist, ...]:
        now = float(instants[frame])
        for line, name, every in ((cells, "density", 1), (points, "projected", 3)):
            values = grids[name].to_numpy()
            line.set_ydata([float(np.interp(now, days, column)) for column in values.T[::every]])
        told.set_text(f"day {now:.1f}")
        return cells, points, told

    return Movie(made, show, len(instants))


def _band(axes: Axes, x: pd.Series, mean: pd.Series, stderr: pd.Series, colour: str, label: str = "") -> None:
    axes.plot(x, mean, color=colour, lw=style.LINE, label=label)
    axes.fill_between(x, mean - 2 * stderr, mean + 2 * stderr, color=colour, alpha=0.25, lw=0)
