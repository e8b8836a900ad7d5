"""The plane of two parameters: curves on which the steady states change their nature, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_parameter_plane"]

_DASHES = {"fold": "-", "Hopf": "--", "period doubling": "-.", "torus": ":"}
_ERRORS = 1.96  # standard errors to either side that hold 95 % of a normal distribution
_CROSSES = "x+1"


def draw_parameter_plane(
    curves: pd.DataFrame,
    reference: pd.DataFrame | None = None,
    regions: Mapping[str, tuple[str, str]] | None = None,
    *,
    x_label: str,
    y_label: str,
) -> Figure:
    """Curves of events over two parameters; bars hold 95 %.

    Parameters
    ----------
    curves
        In order along each curve: columns curve (a name), kind ("fold", "Hopf", "period doubling", "torus" or another
        name), x, y, x_stderr, y_stderr (0 where exact).
    reference
        Exact or published values: columns name, x, y.
    regions
        What to call the area between two curves, by their names, at the values of y that both have.
    x_label, y_label
        What the axes say, with units.

    Raises
    ------
    ValueError
        If a table has no row or lacks a column, a place is not finite, or a region names no curve.

    Examples
    --------
    >>> import pandas as pd
    >>> fold = pd.DataFrame({"curve": "fold", "kind": "fold", "x": [0.0, 1.0], "y": [0.0, 1.0]})
    >>> made = draw_parameter_plane(fold.assign(x_stderr=0.0, y_stderr=0.0), x_label="p (1)", y_label="q (1)")
    >>> [text.get_text() for text in made.legends[0].get_texts()]
    ['fold']
    """
    check_table(curves, "curves", ["curve", "kind", "x", "y", "x_stderr", "y_stderr"], finite=["x", "y"])
    if reference is not None and len(reference):
        check_table(reference, "reference", ["name", "x", "y"], finite=["x", "y"])
    names = list(dict.fromkeys(curves["curve"]))
    for region, pair in (regions or {}).items():
        if missing := [name for name in pair if name not in names]:
            raise ValueError(
                f"`regions` must lie between curves {', '.join(map(str, names))}: got {missing[0]!r} for {region!r}."
            )
    made = style.figure(0.6 * style.PAGE, 3.8)
    axes = made.subplots()
    style.finish(axes, x_label, y_label)
    for number, (region, pair) in enumerate((regions or {}).items()):
        one, other = (curves[curves["curve"] == name] for name in pair)
        _draw_region(axes, region, one, other, style.shades(4)[number % 4])
    for name, colour in zip(names, style.shades(len(names)), strict=True):
        _draw_curve(axes, curves[curves["curve"] == name], str(name), colour)
    if reference is not None and len(reference):
        for number, name in enumerate(dict.fromkeys(reference["name"])):
            table = reference[reference["name"] == name]
            axes.plot(
                table["x"],
                table["y"],
                linestyle="none",
                color=style.SECOND,
                marker=_CROSSES[number % len(_CROSSES)],
                markersize=1.5 * style.MARKER,
                label=name,
                zorder=5,
            )
    style.legend_below(made, axes, columns=2)
    return made


def _draw_curve(axes: Axes, curve: pd.DataFrame, name: str, colour: str) -> None:
    kind = str(curve["kind"].iloc[0])
    dashes = _DASHES.get(kind, "-")
    axes.plot(curve["x"], curve["y"], color=colour, linewidth=style.LINE, linestyle=dashes, label=name, zorder=3)
    errors = np.nan_to_num(curve[["x_stderr", "y_stderr"]].to_numpy(np.float64))
    if errors.any():
        axes.errorbar(
            curve["x"],
            curve["y"],
            xerr=_ERRORS * errors[:, 0],
            yerr=_ERRORS * errors[:, 1],
            fmt="none",
            ecolor=colour,
            elinewidth=style.THIN,
            zorder=3,
        )


def _draw_region(axes: Axes, label: str, one: pd.DataFrame, other: pd.DataFrame, colour: str) -> None:
    first, second = (table.sort_values("y")[["x", "y"]].to_numpy(np.float64).T for table in (one, other))
    low, high = max(first[1].min(), second[1].min()), min(first[1].max(), second[1].max())
    if low >= high:
        return
    inner = np.concatenate((first[1], second[1]))
    levels = np.unique(np.concatenate(([low, high], inner[(inner > low) & (inner < high)])))
    sides = (np.interp(levels, table[1], table[0]) for table in (first, second))
    axes.fill_betweenx(levels, *sides, color=colour, alpha=0.2, linewidth=0, label=label, zorder=1)
