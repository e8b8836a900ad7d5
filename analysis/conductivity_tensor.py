"""The conductivity of a composite: its components between bounds, over temperature, and in a bar that it makes up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import style
from analysis.tables import check_names, check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_graded_bar", "draw_tensor"]

_SIGNS = {"xx": "$K_{xx}$", "xy": "$K_{xy}$", "yy": "$K_{yy}$"}
_BOUNDS = (("wiener", "Wiener", "#dcdcdc", 0.34), ("hashin_shtrikman", "Hashin-Shtrikman", "#b5c7da", 0.22))
_WIDE = 20.0  # between the bounds: then the axis is logarithmic
_LEAST = 0.05  # of the largest component: how far the axis of the off-diagonal one goes at least
_EXACT: Any = {"linestyle": "none", "marker": "_", "markersize": 16.0, "markeredgewidth": 1.4, "zorder": 3}


def draw_tensor(tensor: pd.DataFrame, realisations: pd.DataFrame | None = None) -> Figure:
    """The three components with bars of twice their error, between their bounds, with exact values as marks.

    Parameters
    ----------
    tensor
        A row a component, all W/(m K): columns component (xx, xy or yy), value, stderr (or an error bound), exact,
        wiener_lower, wiener_upper, hashin_shtrikman_lower, hashin_shtrikman_upper; the last five may be missing.
        The bounds are those of the diagonal ones.
    realisations
        Of a random medium, a row each: columns conductivity_xx, conductivity_xy, conductivity_yy.

    Raises
    ------
    ValueError
        If a table has no row, lacks a column, names another component, or a value is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> bounds = {"wiener_lower": 1.8, "wiener_upper": 5.5}
    >>> bounds |= {"hashin_shtrikman_lower": 2.4, "hashin_shtrikman_upper": 4.2}
    >>> row = {"component": "xx", "value": 3.1, "stderr": 0.01, "exact": 3.162} | bounds
    >>> draw_tensor(pd.DataFrame([row])).axes[0].get_ylabel()
    'conductivity (W/(m K))'
    """
    limits = [f"{name}_{side}" for name, *_ in _BOUNDS for side in ("lower", "upper")]
    check_table(tensor, "tensor", ["component", "value", "stderr", "exact", *limits], finite=["value"])
    check_names(tensor, "tensor", "component", _SIGNS)
    across = tensor["component"] == "xy"
    panels = [rows for rows in (tensor[~across], tensor[across]) if len(rows)]
    made = style.figure(0.8 * style.PAGE if len(panels) > 1 else style.COLUMN, 3.2)
    all_axes = made.subplots(1, len(panels), width_ratios=[len(rows) for rows in panels], squeeze=False)[0]
    for axes, rows in zip(all_axes, panels, strict=True):
        style.finish(axes, "component", "conductivity (W/(m K))")
        _draw_components(axes, rows, realisations)
        if len(rows) == 1 and rows["component"].iloc[0] == "xy":
            axes.axhline(0.0, color=style.DEMPHASISED, linewidth=style.THIN, linestyle=":", zorder=0)
            reach = np.abs(axes.get_ylim()).max()
            reach = max(float(reach), _LEAST * float(tensor["value"].abs().max()))
            axes.set_ylim(-reach, reach)
        else:
            _choose_scale(axes, rows)
    _legend(made, tensor, realisations)
    return made


def draw_graded_bar(bar: pd.DataFrame, conductivity: pd.DataFrame) -> Figure:
    """Temperature along a bar beside the exact one, and what the bar conducts, with the derivative that Newton used.

    Parameters
    ----------
    bar
        A row a place: columns x (m), temperature (K) and exact (K; nan where unknown).
    conductivity
        A row a temperature: columns temperature (K), conductivity (W/(m K)), derivative (W/(m K²)).

    Raises
    ------
    ValueError
        If a table has no row, lacks a column, or has a value that is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> bar = pd.DataFrame({"x": [0.0, 0.1], "temperature": [400.0, 300.0], "exact": [400.0, 300.0]})
    >>> law = pd.DataFrame({"temperature": [300.0, 400.0], "conductivity": [1.0, 2.0], "derivative": 0.01})
    >>> [axes.get_ylabel() for axes in draw_graded_bar(bar, law).axes]
    ['temperature (K)', 'K (W/(m K))', 'dK/dT (W/(m K²))']
    """
    check_table(bar, "bar", ["x", "temperature", "exact"], finite=["x", "temperature"])
    columns = ["temperature", "conductivity", "derivative"]
    check_table(conductivity, "conductivity", columns, finite=columns)
    made = style.figure(style.PAGE, 3.0)
    axes = made.subplot_mosaic([["bar", "value"], ["bar", "derivative"]])
    along = bar.sort_values("x")
    if along["exact"].notna().any():
        axes["bar"].plot(along["x"], along["exact"], color=style.FITTED, linewidth=style.LINE, label="exact")
    every = max(len(along) // 30, 1)
    axes["bar"].plot(
        along["x"][::every],
        along["temperature"][::every],
        "o",
        color=style.MAIN,
        markersize=style.MARKER,
        label="finite elements",
    )
    style.finish(axes["bar"], "place (m)", "temperature (K)")
    rows = conductivity.sort_values("temperature")
    axes["value"].plot(rows["temperature"], rows["conductivity"], color=style.MAIN, linewidth=style.LINE)
    style.finish(axes["value"], "", "K (W/(m K))")
    axes["value"].tick_params(labelbottom=False)
    axes["derivative"].sharex(axes["value"])
    axes["derivative"].plot(rows["temperature"], rows["derivative"], color=style.SECOND, linewidth=style.LINE)
    _keep_wide(axes["derivative"])
    style.finish(axes["derivative"], "temperature (K)", "dK/dT (W/(m K²))")
    style.legend_below(made, axes["bar"])
    return made


def _keep_wide(axes: Axes) -> None:
    """An axis that does not blow up what hardly changes: a tenth of its size either way at least."""
    low, high = axes.get_ylim()
    middle, half = (low + high) / 2, (high - low) / 2
    half = max(half, _LEAST * 2 * abs(middle))
    axes.set_ylim(middle - half, middle + half)
    axes.ticklabel_format(axis="y", useOffset=False)


def _draw_components(axes: Axes, rows: pd.DataFrame, realisations: pd.DataFrame | None) -> None:
    numbers = rows.drop(columns="component").astype(float).to_dict("records")
    for place, (component, row) in enumerate(zip(rows["component"], numbers, strict=True)):
        for name, _, colour, half in _BOUNDS:
            low, high = row[f"{name}_lower"], row[f"{name}_upper"]
            if component != "xy" and np.isfinite([low, high]).all():
                axes.fill_between([place - half, place + half], low, high, color=colour, linewidth=0, zorder=1)
        if realisations is not None and len(realisations):
            some = realisations[f"conductivity_{component}"].to_numpy(np.float64)
            axes.plot(
                _beside(place, len(some)), some, ".", color=style.MEASURED, markersize=3, alpha=0.6, mew=0, zorder=2
            )
        axes.plot([place], [row["exact"]], color=style.INK, **_EXACT)
        error = row["stderr"] if np.isfinite(row["stderr"]) else 0.0
        look: Any = {"color": style.SECOND, "markersize": 1.3 * style.MARKER, "capsize": 3.0, "zorder": 4}
        axes.errorbar([place], [row["value"]], [2 * error], fmt="o", elinewidth=style.LINE, **look)
    axes.set_xticks(range(len(rows)), [_SIGNS[name] for name in rows["component"]])
    axes.set_xlim(-0.6, len(rows) - 0.4)


def _choose_scale(axes: Axes, rows: pd.DataFrame) -> None:
    """Logarithmic where the bounds are far apart and all that is drawn is positive."""
    low, high = axes.get_ylim()
    drawn = rows[["value", "wiener_lower", "wiener_upper"]].to_numpy(np.float64)
    drawn = drawn[np.isfinite(drawn)]
    if (drawn > 0).all() and drawn.max() > _WIDE * drawn.min():
        axes.set_yscale("log")
        axes.set_ylim(drawn.min() / 1.3, drawn.max() * 1.3)
    elif low > 0 and drawn.min() < 0.5 * drawn.max():
        axes.set_ylim(0.0, high)


def _beside(place: int, count: int) -> NDArray[np.float64]:
    """Places to the left of a component, so that no dot hides its error bar."""
    return np.asarray(place - 0.08 - 0.13 * (0.618 * np.arange(count) % 1.0), dtype=np.float64)


def _legend(made: Figure, tensor: pd.DataFrame, realisations: pd.DataFrame | None) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [Line2D([], [], color=style.SECOND, marker="o", markersize=4, label="computed, ± 2 errors")]
    if tensor["exact"].notna().any():
        handles.append(Line2D([], [], color=style.INK, **_EXACT | {"markersize": 12}, label="exact"))
    if realisations is not None and len(realisations):
        handles.append(Line2D([], [], color=style.MEASURED, linestyle="none", marker=".", label="realisations"))
    for name, word, colour, _ in _BOUNDS:
        if tensor[f"{name}_lower"].notna().any():
            handles.append(Patch(facecolor=colour, label=f"{word} bounds"))
    made.legend(
        handles=handles,
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=style.SMALL,
        labelcolor=style.INK,
        columnspacing=1.4,
    )
