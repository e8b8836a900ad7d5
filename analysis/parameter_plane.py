"""The plane of two parameters: curves on which the steady states change their nature, and what lies between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import style
from analysis.tables import check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_parameter_plane"]

_DASHES = {"fold": "-", "Hopf": "--", "period doubling": "-.", "torus": ":"}
_ERRORS = 1.96  # standard errors to either side that hold 95 % of a normal distribution
_CROSSES = "x+1"
_MARKERS = "sDo^vp"  # of special points
_TINTS = (style.HIGHLIGHT, style.DEMPHASISED, style.MAIN, style.SECOND)  # of regions: not the shades of the curves


def draw_parameter_plane(
    curves: pd.DataFrame,
    points: pd.DataFrame | None = None,
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
        name), x, y, x_stderr, y_stderr (0 where exact). Kinds have their dashes, curves their shades.
    points
        Special points, such as a cusp or where two curves meet: columns name, x, y.
    reference
        Exact or published values: columns name, x, y.
    regions
        What to call the area between two curves, by their names, over the range of y that both have; none if they have
        none in common.
    x_label, y_label
        What the axes say, with units.

    Raises
    ------
    ValueError
        If a table has no row or lacks a column, a place is not finite, a curve has several kinds, or a region names no
        curve.

    Examples
    --------
    >>> import pandas as pd
    >>> fold = pd.DataFrame({"curve": "fold", "kind": "fold", "x": [0.0, 1.0], "y": [0.0, 1.0]})
    >>> made = draw_parameter_plane(fold.assign(x_stderr=0.0, y_stderr=0.0), x_label="p (1)", y_label="q (1)")
    >>> [text.get_text() for text in made.legends[0].get_texts()]
    ['fold']
    """
    check_table(curves, "curves", ["curve", "kind", "x", "y", "x_stderr", "y_stderr"], finite=["x", "y"])
    points, reference = (None if table is None or not len(table) else table for table in (points, reference))
    for table, called in ((points, "points"), (reference, "reference")):
        if table is not None:
            check_table(table, called, ["name", "x", "y"], finite=["x", "y"])
    names = list(dict.fromkeys(curves["curve"]))
    for region, pair in (regions or {}).items():
        if missing := [name for name in pair if name not in names]:
            raise ValueError(
                f"`regions` must lie between curves {', '.join(map(str, names))}: got {missing[0]!r} for {region!r}. "
                "Name two of them."
            )
    made = style.figure(0.6 * style.PAGE, 3.8)
    axes = made.subplots()
    style.finish(axes, x_label, y_label)
    for number, (region, pair) in enumerate((regions or {}).items()):
        one, other = (curves.loc[curves["curve"] == name, ["x", "y"]].to_numpy(np.float64) for name in pair)
        _draw_region(axes, region, one, other, _TINTS[number % len(_TINTS)])
    for name, colour in zip(names, style.shades(len(names)), strict=True):
        _draw_curve(axes, curves[curves["curve"] == name], str(name), colour)
    if reference is not None:
        crosses = {"color": style.SECOND, "markersize": 1.5 * style.MARKER, "markeredgewidth": 1.2}
        _draw_named(axes, reference, _CROSSES, crosses)
    if points is not None:
        _draw_named(axes, points, _MARKERS, {"color": style.INK, "markersize": 1.5 * style.MARKER})
    style.legend_below(made, axes, columns=2)
    return made


def _draw_named(axes: Axes, table: pd.DataFrame, markers: str, looks: Mapping[str, Any]) -> None:
    for number, name in enumerate(dict.fromkeys(table["name"])):
        own = table[table["name"] == name]
        marker = markers[number % len(markers)]
        axes.plot(own["x"], own["y"], linestyle="none", marker=marker, label=name, zorder=5, **looks)


def _draw_curve(axes: Axes, curve: pd.DataFrame, name: str, colour: str) -> None:
    kinds = list(dict.fromkeys(map(str, curve["kind"])))
    if len(kinds) > 1:
        raise ValueError(
            f"`curves` must have one kind for each curve: got {', '.join(kinds)} of {name!r}. "
            "Give every curve a name of its own."
        )
    axes.plot(
        curve["x"],
        curve["y"],
        color=colour,
        linewidth=style.LINE,
        linestyle=_DASHES.get(kinds[0], "-"),
        marker="o" if len(curve) == 1 else None,
        markersize=style.MARKER,
        label=name if kinds[0] in name else f"{name} ({kinds[0]})",
        zorder=3,
    )
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


def _draw_region(axes: Axes, label: str, one: NDArray[np.float64], other: NDArray[np.float64], colour: str) -> None:
    """Up along one curve and down along the other, cut to the range of both: so either may turn back on its way."""
    from matplotlib.path import Path
    from matplotlib.transforms import Bbox

    low, high = max(one[:, 1].min(), other[:, 1].min()), min(one[:, 1].max(), other[:, 1].max())
    if low >= high:
        return
    up, down = (curve if curve[0, 1] <= curve[-1, 1] else curve[::-1] for curve in (one, other))
    outline = np.concatenate([up, down[::-1]])
    left, right = outline[:, 0].min() - 1.0, outline[:, 0].max() + 1.0  # beyond the outline: only y is cut
    inside = Path(outline[[*range(len(outline)), 0]], closed=True).clip_to_bbox(Bbox([[left, low], [right, high]]))
    axes.fill(*np.asarray(inside.vertices).T, color=colour, alpha=0.2, linewidth=0, label=label, zorder=1)
