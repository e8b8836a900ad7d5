"""What windows of a medium say of it, by the conditions on their edges and by their size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from analysis import style
from analysis.tables import check_names, check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_windows"]

_LOOKS: dict[str, tuple[str, str, str]] = {
    "dirichlet": ("Dirichlet", style.MAIN, "o"),
    "neumann": ("Neumann", style.SECOND, "s"),
    "oversampled": ("oversampled", style.HIGHLIGHT, "^"),
    "periodic": ("periodic", style.INK, "D"),
    "strip": ("strip of layers", style.MEASURED, "v"),
}
_FALLING = ("dirichlet", "neumann", "strip")  # boundaries whose error halves with every doubling
_FLOOR = 1e-6  # errors below it are no error of a window


def draw_windows(windows: pd.DataFrame) -> Figure:
    """What windows of some size conduct, relative to the medium, and how far off that is.

    Where there are windows of whole periods beside others, they are drawn apart, with open markers.

    Parameters
    ----------
    windows
        A row a window: columns boundary (dirichlet, neumann, oversampled, periodic or strip), periods (its size),
        error (relative to the effective conductivity), exact_error (likewise; nan where none is known).

    Raises
    ------
    ValueError
        If the table has no row, lacks a column, names another boundary, or a value is not finite.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"boundary": "dirichlet", "periods": [1.25, 4.25], "error": [0.06, 0.018]})
    >>> [axes.get_xscale() for axes in draw_windows(table.assign(exact_error=0.0)).axes]
    ['log', 'log']
    """
    check_table(windows, "windows", ["boundary", "periods", "error", "exact_error"], finite=["periods", "error"])
    check_names(windows, "windows", "boundary", _LOOKS)
    made = style.figure(style.PAGE, 3.2)
    value, error = made.subplots(1, 2)
    value.axhline(1.0, color=style.DEMPHASISED, linewidth=style.THIN, linestyle=":", label="effective")
    apart = False
    for name, (word, colour, marker) in _LOOKS.items():
        rows = windows[windows["boundary"] == name].sort_values("periods")
        if len(rows):
            branches = _branches(rows)
            apart = apart or len(branches) > 1
            for branch, face in zip(branches, (colour, "white"), strict=False):
                look: Any = {"color": colour, "marker": marker, "markersize": 1.2 * style.MARKER}
                look |= {"markerfacecolor": face, "label": word if face == colour else "_"}
                value.plot(branch["periods"], 1.0 + branch["error"], linewidth=style.THIN, **look)
                _draw_error(error, branch, look)
    if apart:
        whole: Any = {"color": style.DEMPHASISED, "marker": "o", "markerfacecolor": "white", "linestyle": "none"}
        value.plot([], [], label="whole periods", markersize=1.2 * style.MARKER, **whole)
    if windows["exact_error"].abs().gt(_FLOOR).any():
        value.plot([], [], "-", color=style.MEASURED, linewidth=style.LINE, label="exact error")
    _draw_slope(error, windows, value)
    for axes in (value, error):
        style.label_ratios(axes, 2.0 ** np.arange(np.ceil(np.log2(1.001 * windows["periods"].max()))))
    error.set_yscale("log")
    style.finish(value, "size of the window, δ/ε (periods)", "conductivity / effective (1)")
    style.finish(error, "size of the window, δ/ε (periods)", "error (relative)")
    style.legend_below(made, value, columns=5)
    return made


def _branches(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Windows that cut a period, and those that do not, if there are several of both; else all of them."""
    whole = (rows["periods"] - rows["periods"].round()).abs() < 1e-9
    return [rows[~whole], rows[whole]] if whole.sum() > 1 and (~whole).sum() > 1 else [rows]


def _draw_error(axes: Axes, rows: pd.DataFrame, look: dict[str, Any]) -> None:
    known = rows[rows["exact_error"].abs() > _FLOOR]
    axes.plot(known["periods"], known["exact_error"].abs(), "-", color=look["color"], linewidth=style.LINE)
    seen = rows[rows["error"].abs() > _FLOOR]
    axes.plot(seen["periods"], seen["error"].abs(), linestyle="none" if len(known) else ":", **look)


def _draw_slope(error: Axes, windows: pd.DataFrame, told: Axes) -> None:
    """A line of slope -1 above what has it: an error that halves with every doubling."""
    edges = windows[windows["boundary"].isin(_FALLING) & (windows["error"].abs() > _FLOOR)]
    if len(edges):
        size = np.array([edges["periods"].min(), edges["periods"].max()])
        height = 1.6 * float((edges["error"].abs() * edges["periods"]).max())
        look: Any = {"color": style.DEMPHASISED, "linewidth": style.THIN, "linestyle": "--"}
        error.plot(size, height / size, **look)
        told.plot([], [], label="slope −1", **look)
