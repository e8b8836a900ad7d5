"""How fast the most unstable disturbance grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["draw_growth"]


def draw_growth(growth: pd.DataFrame, onset: Sequence[float]) -> Figure:
    """Growth rate (1/s) of the most unstable mode against density (veh/km), and where it changes its sign.

    Parameters
    ----------
    growth
        Columns density (veh/km) and growth_rate (1/s), positive where uniform flow is unstable.
    onset
        The densities (veh/km) where the rate was found to be zero.

    Examples
    --------
    >>> import pandas as pd
    >>> growth = pd.DataFrame({"density": [10.0, 20.0, 30.0], "growth_rate": [-0.01, 0.0, 0.01]})
    >>> draw_growth(growth, [20.0]).axes[0].get_xlabel()
    'density (veh/km)'
    """
    made = style.figure(style.COLUMN, 2.6)
    axes = made.subplots()
    style.finish(axes, "density (veh/km)", "growth rate of the\nmost unstable mode (1/s)")
    table = growth.sort_values("density")
    axes.axhline(0.0, color=style.DEMPHASISED, linewidth=style.THIN, zorder=1)
    axes.plot(
        table["density"],
        table["growth_rate"],
        color=style.MAIN,
        linewidth=style.LINE,
        marker="o",
        markersize=style.MARKER,
        markeredgewidth=0,
    )
    right = 1.03 * table["density"].max()
    axes.set_xlim(0, right)
    axes.margins(y=0.12)
    axes.plot(
        onset,
        [0.0] * len(onset),
        linestyle="none",
        marker="o",
        markersize=2 * style.MARKER,
        markerfacecolor="white",
        markeredgecolor=style.SECOND,
        markeredgewidth=1.3,
        zorder=4,
    )
    for density in onset:
        left = density < 0.6 * right
        axes.annotate(
            f"neutral at {density:.2f} veh/km",
            xy=(density, 0.0),
            xytext=(6 if left else -6, -6),
            textcoords="offset points",
            horizontalalignment="left" if left else "right",
            verticalalignment="top",
            fontsize=style.SMALL,
            color=style.SECOND,
        )
    return made
