"""What a diagnosis found: two paths from one macro state, how their slopes come together, and the noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from analysis import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_diagnosis"]

_ERRORS = 2.0  # standard errors that a band or a bar shows to either side


def draw_diagnosis(tables: Mapping[str, pd.DataFrame], time_unit: str = "") -> Figure:
    """Three panels: the paths, the difference of their slopes, and how the noise falls with replicas.

    Bands and bars are two standard errors to either side. The panel of the noise is empty for a deterministic model.

    Parameters
    ----------
    tables
        ``paths``: columns time, carried, carried_stderr, lifted, lifted_stderr, component. ``differences``: columns
        comparison, time, difference, stderr, healing, tolerance, in parts of the slope. ``noise``: columns replicas
        and spread, in parts of the slope. As `eqfree.Diagnosis.tables` gives them.
    time_unit
        Of all times, for the axes; none if empty.

    Examples
    --------
    >>> import pandas as pd
    >>> paths = pd.DataFrame({"time": [0.0, 1.0], "carried": [1.0, 0.8], "lifted": [1.0, 0.9]})
    >>> paths = paths.assign(carried_stderr=0.0, lifted_stderr=0.0, component="density")
    >>> differences = pd.DataFrame({"comparison": "lifted anew", "time": [0.1, 0.5], "difference": [0.5, 0.01]})
    >>> differences = differences.assign(stderr=0.0, healing=0.3, tolerance=0.05)
    >>> noise = pd.DataFrame({"replicas": [1, 2], "spread": [0.2, 0.15]})
    >>> made = draw_diagnosis({"paths": paths, "differences": differences, "noise": noise}, "s")
    >>> [axes.get_xlabel() for axes in made.axes]
    ['time since lifting (s)', 'time since lifting (s)', 'replicas']
    """
    made = style.figure(style.PAGE, 2.7)
    panels = made.subplots(1, 3)
    time = "time since lifting" + (f" ({time_unit})" if time_unit else "")
    style.finish(panels[0], time, str(tables["paths"]["component"].iloc[0]))
    style.finish(panels[1], time, "difference of the slopes\n(in parts of the slope)")
    style.finish(panels[2], "replicas", "standard error of the slope\n(in parts of the slope)")
    _draw_paths(panels[0], tables["paths"])
    _draw_differences(panels[1], tables["differences"])
    _draw_noise(panels[2], tables["noise"])
    return made


def _draw_paths(axes: Axes, paths: pd.DataFrame) -> None:
    for column, label, colour, dashes in (
        ("carried", "carried on", style.MAIN, "-"),
        ("lifted", "lifted anew", style.SECOND, (0, (4, 2))),
    ):
        axes.plot(paths["time"], paths[column], color=colour, linewidth=style.LINE, linestyle=dashes, label=label)
        error = _ERRORS * paths[f"{column}_stderr"]
        axes.fill_between(
            paths["time"], paths[column] - error, paths[column] + error, color=colour, alpha=0.2, linewidth=0
        )
    axes.legend(frameon=False, fontsize=style.SMALL, labelcolor=style.INK, handlelength=2.0)


def _draw_differences(axes: Axes, differences: pd.DataFrame) -> None:
    """Over logarithmic time; the grey band is the tolerance, a dotted line the healing."""
    tolerance = float(differences["tolerance"].iloc[0])
    axes.axhspan(-tolerance, tolerance, color=style.DEMPHASISED, alpha=0.25, linewidth=0)
    axes.axhline(0.0, color=style.DEMPHASISED, linewidth=style.THIN, zorder=1)
    names = list(dict.fromkeys(differences["comparison"]))
    for name, colour in zip(names, [style.MAIN, *style.shades(len(names))[1:]], strict=True):
        table = differences[differences["comparison"] == name]
        axes.errorbar(
            table["time"],
            table["difference"],
            yerr=_ERRORS * table["stderr"],
            color=colour,
            marker="o",
            markersize=style.MARKER,
            markeredgewidth=0,
            linewidth=style.LINE,
            elinewidth=style.THIN,
            label=name,
        )
        healing = float(table["healing"].iloc[0])
        if 0 < healing < np.inf:
            axes.axvline(healing, color=colour, linewidth=style.THIN, linestyle=":")
    axes.set_xscale("log")
    if len(names) > 1:
        axes.legend(frameon=False, fontsize=style.SMALL, labelcolor=style.INK, loc="lower left", bbox_to_anchor=(0, 1))


def _draw_noise(axes: Axes, noise: pd.DataFrame) -> None:
    """The points, and a guide of slope -1/2 through the first."""
    seen = noise[noise["spread"] > 0]
    if seen.empty:
        axes.set_axis_off()
        return
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.loglog(
        seen["replicas"],
        seen["spread"],
        color=style.MAIN,
        linestyle="none",
        marker="o",
        markersize=style.MARKER,
        label="batches",
    )
    guide = seen["spread"].iloc[0] * (seen["replicas"] / seen["replicas"].iloc[0]) ** -0.5
    axes.plot(seen["replicas"], guide, color=style.DEMPHASISED, linewidth=style.THIN, label="independent")
    axes.legend(frameon=False, fontsize=style.SMALL, labelcolor=style.INK)
    axes.set_xticks(seen["replicas"], [str(count) for count in seen["replicas"]])
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())
