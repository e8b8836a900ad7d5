"""The fundamental diagram of traffic: flow and speed against density."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import TYPE_CHECKING

from analysis import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_fundamental_diagram"]

_PANELS = {"flow": "flow (veh/h)", "speed": "speed (km/h)"}
_VISIBLE = 0.004  # of the panel's height: a standard error below that hides behind its marker
_SMALLEST_MARKER, _LARGEST_MARKER = 9.0, 55.0  # points²: of detector bins with hardly any, and with the most records


def draw_fundamental_diagram(
    diagram: pd.DataFrame,
    stop_and_go: pd.DataFrame | None = None,
    detectors: pd.DataFrame | None = None,
    fitted: pd.DataFrame | None = None,
    unstable: Sequence[tuple[float, float]] = (),
    road: pd.DataFrame | None = None,
    title: str = "",
) -> Figure:
    """Two panels, flow and speed against density, in veh/km, veh/h and km/h.

    Parameters
    ----------
    diagram
        The equilibrium branch: columns truck_share, density, flow, flow_stderr, speed, speed_stderr. A line
        through the points for each truck share, dark for the smallest; an error bar where it can be seen.
    stop_and_go
        What a long road settles to where uniform flow is unstable; the same columns but truck_share. Markers
        without a line, so that nobody takes them for the equilibrium branch.
    detectors
        Measurements: columns density, flow, flow_stderr, speed, speed_stderr, count. The larger a marker, the more
        records it stands for.
    fitted
        The diagram fitted to the measurements: columns density, flow, speed.
    onset
        Densities (veh/km) where uniform flow loses its stability, or gains it again.
    road
        One row to point at, columns density, flow, speed: the road that was asked about.
    title
        Above both panels.

    Examples
    --------
    >>> import pandas as pd
    >>> diagram = pd.DataFrame({"truck_share": 0.0, "density": [10.0, 50.0, 90.0], "flow": [1000.0, 1400.0, 700.0]})
    >>> diagram = diagram.assign(flow_stderr=0.0, speed=diagram["flow"] / diagram["density"], speed_stderr=0.0)
    >>> [axes.get_ylabel() for axes in draw_fundamental_diagram(diagram).axes]
    ['flow (veh/h)', 'speed (km/h)']
    """
    drawn = [
        (draw, table)
        for draw, table in (
            (_draw_equilibrium, diagram),
            (_draw_stop_and_go, stop_and_go),
            (_draw_detectors, detectors),
            (_draw_fitted, fitted),
            (_draw_road, road),
        )
        if table is not None and len(table)
    ]
    made = style.figure(style.PAGE, 3.5, title)
    panels = made.subplots(1, 2, sharex=True)
    panels[0].set_xlim(0, _room(table["density"] for _, table in drawn))
    for axes, (quantity, label) in zip(panels, _PANELS.items(), strict=True):
        style.finish(axes, "density (veh/km)", label)
        axes.set_ylim(0, _room(table[quantity] + table.get(f"{quantity}_stderr", 0.0) for _, table in drawn))
        for draw, table in drawn:
            draw(axes, table, quantity)
        for density in _finite_ends(unstable):
            axes.axvline(density, color=style.DEMPHASISED, linewidth=style.THIN, zorder=1)
    if unstable:
        _label_unstable(panels[0], unstable)
    style.legend_below(made, panels[0])
    return made


def _room(columns: Iterable[pd.Series[float]]) -> float:
    """A little more than the largest value."""
    largest = max((float(column.max()) for column in columns), default=0.0)
    return 1.05 * largest if largest > 0 else 1.0


def _draw_equilibrium(axes: Axes, diagram: pd.DataFrame, quantity: str) -> None:
    shares = sorted(diagram["truck_share"].unique())
    for i, (share, colour) in enumerate(zip(shares, style.shades(len(shares)), strict=True)):
        table = diagram[diagram["truck_share"] == share].sort_values("density")
        trucks = f"{100 * share:.3g} % trucks" if share > 0 else "no trucks"
        label = f"equilibrium, {trucks}" if i == 0 else trucks
        axes.plot(
            table["density"],
            table[quantity],
            color=colour,
            linewidth=style.LINE,
            marker="o",
            markersize=style.MARKER,
            markeredgewidth=0,
            label=label,
            zorder=3,
        )
        _draw_errors(axes, table, quantity, colour)


def _draw_stop_and_go(axes: Axes, table: pd.DataFrame, quantity: str) -> None:
    axes.plot(
        table["density"],
        table[quantity],
        linestyle="none",
        marker="D",
        markersize=1.15 * style.MARKER,
        markerfacecolor="white",
        markeredgecolor=style.SECOND,
        markeredgewidth=1.1,
        label="stop and go, long ring",
        zorder=4,
    )
    _draw_errors(axes, table, quantity, style.SECOND)


def _draw_detectors(axes: Axes, table: pd.DataFrame, quantity: str) -> None:
    axes.scatter(
        table["density"],
        table[quantity],
        s=_SMALLEST_MARKER + (_LARGEST_MARKER - _SMALLEST_MARKER) * table["count"] / table["count"].max(),
        color=style.MEASURED,
        alpha=0.6,
        edgecolor="white",
        linewidth=0.4,
        label="detectors (size: count)",
        zorder=2,
    )
    _draw_errors(axes, table, quantity, style.MEASURED)


def _draw_fitted(axes: Axes, table: pd.DataFrame, quantity: str) -> None:
    ordered = table.sort_values("density")
    axes.plot(
        ordered["density"],
        ordered[quantity],
        color=style.FITTED,
        linewidth=style.LINE,
        linestyle=(0, (4, 2)),
        label="fitted to detectors",
        zorder=3.5,
    )


def _draw_road(axes: Axes, table: pd.DataFrame, quantity: str) -> None:
    axes.plot(
        table["density"],
        table[quantity],
        linestyle="none",
        marker="*",
        markersize=3.2 * style.MARKER,
        markerfacecolor=style.HIGHLIGHT,
        markeredgecolor="white",
        markeredgewidth=0.8,
        label="this road",
        zorder=5,
    )


def _draw_errors(axes: Axes, table: pd.DataFrame, quantity: str, colour: str) -> None:
    low, high = axes.get_ylim()
    seen = table[table[f"{quantity}_stderr"] > _VISIBLE * (high - low)]
    if len(seen):
        axes.errorbar(
            seen["density"],
            seen[quantity],
            yerr=seen[f"{quantity}_stderr"],
            fmt="none",
            ecolor=colour,
            elinewidth=style.THIN,
            capsize=1.5,
            capthick=style.THIN,
            zorder=2.5,
        )


def _finite_ends(intervals: Sequence[tuple[float, float]]) -> list[float]:
    return [end for interval in intervals for end in interval if 0 < end < inf]


def _label_unstable(axes: Axes, intervals: Sequence[tuple[float, float]]) -> None:
    """Above the panel, where no data are, on the wider side of the first line."""
    ends = _finite_ends(intervals) or [0.0]
    left = ends[0] < 0.5 * axes.get_xlim()[1]
    axes.annotate(
        f"uniform flow is unstable\n{', '.join(map(_words, intervals))}",
        xy=(ends[0] if left else ends[-1], 1.0),
        xycoords=axes.get_xaxis_transform(),
        xytext=(-2 if left else 2, 2),
        textcoords="offset points",
        horizontalalignment="left" if left else "right",
        verticalalignment="bottom",
        fontsize=style.SMALL,
        color=style.MEASURED,
        linespacing=1.1,
    )


def _words(interval: tuple[float, float]) -> str:
    low, high = interval
    if not low > 0:
        return f"below {high:.1f} veh/km" if high < inf else "everywhere"
    return f"from {low:.1f} to {high:.1f} veh/km" if high < inf else f"above {low:.1f} veh/km"
