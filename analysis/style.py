"""How every picture looks: one colour a role, sizes fit for a column of a paper and for a README."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.ticker import NullFormatter

__all__ = [
    "COLUMN",
    "DEMPHASISED",
    "DPI",
    "FITTED",
    "HIGHLIGHT",
    "INK",
    "LINE",
    "MAIN",
    "MARKER",
    "MEASURED",
    "PAGE",
    "SECOND",
    "SMALL",
    "TEXT",
    "figure",
    "finish",
    "label_ratios",
    "legend_below",
    "shades",
]

COLUMN, PAGE = 3.5, 7.2  #: widths of a column and of a page of a journal (inches)
DPI = 200
TEXT, SMALL = 9.0, 8.0  #: font sizes (points)
LINE, THIN, MARKER = 1.4, 0.8, 3.5  #: line widths and marker size (points)

_PALETTE: list[str] = sns.color_palette("colorblind").as_hex()

INK = "#262626"  #: text and axes
DEMPHASISED = "#8c8c8c"  #: guides, such as a zero line
MAIN = _PALETTE[0]  #: the result
SECOND = _PALETTE[3]  #: what must never be mixed up with the result
MEASURED = "#5f5f5f"  #: measurements
FITTED = INK  #: a model fitted to measurements
HIGHLIGHT = _PALETTE[1]  #: one point among many


def shades(count: int) -> list[str]:
    """Sequential colours from dark to light, still readable on white.

    >>> shades(2)[0] == shades(5)[0], len(shades(5))
    (True, 5)
    """
    scale = sns.color_palette("crest_r", as_cmap=True)
    return [to_hex(scale(position)) for position in np.linspace(0.08, 0.92, max(count, 2))[:count]]


def figure(width: float = PAGE, height: float = 3.0, title: str = "") -> Figure:
    """An empty figure that belongs to nobody else: no display, no global state, nothing to close.

    Parameters
    ----------
    width, height
        In inches.
    title
        Above everything; none if empty.

    Examples
    --------
    >>> figure(height=2.5).get_size_inches().tolist()
    [7.2, 2.5]
    """
    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="white")
    if title:
        made.suptitle(title, fontsize=TEXT + 1, color=INK)
    return made


def finish(axes: Axes, xlabel: str, ylabel: str) -> None:
    """Labels with units, quiet spines and ticks.

    >>> axes = figure().subplots()
    >>> finish(axes, "time (s)", "speed (km/h)")
    >>> axes.get_ylabel()
    'speed (km/h)'
    """
    axes.set_xlabel(xlabel, fontsize=TEXT, color=INK)
    axes.set_ylabel(ylabel, fontsize=TEXT, color=INK)
    axes.tick_params(labelsize=SMALL, colors=INK, width=THIN, length=3)
    axes.tick_params(which="minor", labelsize=SMALL, colors=INK)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_linewidth(THIN)
        spine.set_color(INK)


def label_ratios(axes: Axes, ratios: Iterable[float]) -> None:
    """A logarithmic x axis of a few ratios, each named: whole numbers as they are, their inverses as 1/n.

    >>> axes = figure().subplots()
    >>> label_ratios(axes, [0.25, 4, 1.25])
    >>> [text.get_text() for text in axes.get_xticklabels()]
    ['1/4', '1.25', '4']
    """
    axes.set_xscale("log")
    places = np.unique(np.asarray(list(ratios), dtype=np.float64))
    inverse = [round(1 / place) for place in places]
    names = [
        f"1/{n}" if n > 1 and abs(n * place - 1) < 1e-3 else f"{place:.3g}"
        for n, place in zip(inverse, places, strict=True)
    ]
    axes.set_xticks(places, names)
    axes.xaxis.set_minor_formatter(NullFormatter())


def legend_below(made: Figure, axes: Axes, columns: int = 4) -> Legend:
    """One legend for the whole figure, under the panels, where it covers nothing.

    >>> made = figure()
    >>> axes = made.subplots()
    >>> _ = axes.plot([0, 1], label="a line")
    >>> [text.get_text() for text in legend_below(made, axes).get_texts()]
    ['a line']
    """
    handles, labels = axes.get_legend_handles_labels()
    return made.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=min(columns, max(len(labels), 1)),
        frameon=False,
        fontsize=SMALL,
        labelcolor=INK,
        handlelength=2.0,
        columnspacing=1.4,
    )
