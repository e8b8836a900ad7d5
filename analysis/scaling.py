"""How efficient many workers are, and why they are no better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.lines import Line2D

from analysis import style
from analysis.tables import check_names, check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["draw_scaling"]

_MARKERS = {"parent": "o", "tail": "^", "few bursts": "s"}
_MEANING = {
    "parent": "most is lost to the parent",
    "tail": "to the tail",
    "few bursts": "to too few bursts",
}


def draw_scaling(curves: pd.DataFrame) -> Figure:
    """Efficiency against the number of workers: a panel for each ensemble, a line for each way to run it.

    A marker says what most of the loss is due to.

    Parameters
    ----------
    curves
        Columns panel, way, workers (1), efficiency (1) and reason ("parent", "tail" or "few bursts").

    Raises
    ------
    ValueError
        If the table has no row or lacks a column, a number is not finite, or a reason is another one.

    Examples
    --------
    >>> import pandas as pd
    >>> curve = pd.DataFrame({"workers": [10, 100], "efficiency": [1.0, 0.5], "reason": ["tail", "parent"]})
    >>> draw_scaling(curve.assign(panel="bursts of 1 s", way="in turn")).axes[0].get_title()
    'bursts of 1 s'
    """
    columns = ["panel", "way", "workers", "efficiency", "reason"]
    check_table(curves, "curves", columns, finite=["workers", "efficiency"])
    check_names(curves, "curves", "reason", _MARKERS)
    panels, ways = (list(dict.fromkeys(curves[column])) for column in ("panel", "way"))
    made = style.figure(style.PAGE if len(panels) > 1 else style.COLUMN, 2.9)
    colours = style.shades(len(ways))
    for axes, panel in zip(made.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True):
        axes.axhline(1.0, color=style.DEMPHASISED, linewidth=style.THIN, linestyle=":")
        for way, colour in zip(ways, colours, strict=True):
            one = curves[(curves["panel"] == panel) & (curves["way"] == way)].sort_values("workers")
            axes.plot(one["workers"], one["efficiency"], color=colour, linewidth=style.LINE, label=way)
            for reason, marker in _MARKERS.items():
                some = one[one["reason"] == reason]
                axes.plot(
                    some["workers"],
                    some["efficiency"],
                    color=colour,
                    linestyle="none",
                    marker=marker,
                    markersize=1.3 * style.MARKER,
                )
        axes.set_xscale("log")
        axes.set_ylim(0.0, 1.05)
        style.finish(axes, "workers (1)", "efficiency (1)")
        axes.set_title(panel, fontsize=style.SMALL, color=style.INK)
        axes.label_outer()
    _legend(made, dict(zip(ways, colours, strict=True)), set(curves["reason"]))
    return made


def _legend(made: Figure, ways: dict[str, str], reasons: set[str]) -> None:
    """Colours, then markers."""
    handles = [Line2D([], [], color=colour, linewidth=style.LINE, label=way) for way, colour in ways.items()]
    handles += [
        Line2D([], [], color=style.MEASURED, linestyle="none", marker=marker, label=_MEANING[reason])
        for reason, marker in _MARKERS.items()
        if reason in reasons
    ]
    made.legend(
        handles=handles,
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=style.SMALL,
        labelcolor=style.INK,
        handlelength=2.0,
        columnspacing=1.4,
    )
