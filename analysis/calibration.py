"""What measurements say about parameters, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from analysis import style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = ["draw_calibration"]

_PANEL = 1.55  # inches
_BINS = 16
_TICKS = 3


def draw_calibration(samples: pd.DataFrame, identified: Mapping[str, bool]) -> Figure:
    """Histograms of the bootstrap samples, their scatter below and their correlation above the diagonal.

    A narrow histogram is a parameter that the measurements fix; a thin tilted cloud is a pair of which they fix
    one combination alone.

    Parameters
    ----------
    samples
        A column a parameter, named with its unit, as in ``"reaction time (s)"``; a row a bootstrap draw.
    identified
        Column -> whether the measurements fix this parameter. One that they do not fix is drawn in another colour
        and says so.

    Examples
    --------
    >>> import pandas as pd
    >>> samples = pd.DataFrame({"reaction time (s)": [1.0, 1.1, 1.2], "length (m)": [7.2, 7.1, 7.0]})
    >>> made = draw_calibration(samples, {"reaction time (s)": True, "length (m)": False})
    >>> [axes.get_xlabel() for axes in made.axes[-2:]]
    ['reaction time (s)', 'length (m)']
    """
    names = [str(name) for name in samples]
    last = len(names) - 1
    side = max(_PANEL * len(names), style.COLUMN)
    made = style.figure(side, 0.9 * side)
    panels = made.subplots(len(names), len(names), squeeze=False, sharex="col")
    for i, row in enumerate(names):
        for j, column in enumerate(names):
            axes = panels[i, j]
            style.finish(axes, column if i == last else "", row.replace(" (", "\n(") if j == 0 and i > 0 else "")
            axes.locator_params(nbins=_TICKS)
            if i == j:
                _draw_histogram(axes, samples[row].to_numpy(), identified[row])
            elif i > j:
                both = identified[row] and identified[column]
                _draw_cloud(axes, samples[column].to_numpy(), samples[row].to_numpy(), both)
            else:
                _write_correlation(axes, samples[column].to_numpy(), samples[row].to_numpy())
            axes.tick_params(labelbottom=i == last, labelleft=j == 0 and i > 0)
    made.align_labels()
    return made


def _draw_histogram(axes: Axes, values: NDArray[np.float64], fixed: bool) -> None:
    axes.hist(values, bins=_BINS, color=_colour(fixed), alpha=0.85, linewidth=0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_title("" if fixed else "not identified", fontsize=style.SMALL, color=_colour(fixed), pad=2)


def _draw_cloud(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], fixed: bool) -> None:
    axes.scatter(x, y, s=5, color=_colour(fixed), alpha=0.45, linewidth=0)


def _write_correlation(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    told = f"{np.corrcoef(x, y)[0, 1]:.2f}".replace("-", "−") if np.ptp(x) > 0 and np.ptp(y) > 0 else "none"
    axes.text(
        0.5,
        0.5,
        f"correlation\n{told}",
        transform=axes.transAxes,
        horizontalalignment="center",
        verticalalignment="center",
        fontsize=style.SMALL,
        color=style.MEASURED,
    )
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    axes.set_yticks([])


def _colour(fixed: bool) -> str:
    return style.MAIN if fixed else style.SECOND
