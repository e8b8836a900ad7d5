"""The multipliers of a coarse fixed point in the complex plane: stable if all lie inside the unit circle."""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING

import numpy as np

from analysis import style
from analysis.tables import check_names, check_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_multipliers"]

_COLUMNS = ["real", "imag", "var_real", "var_imag", "covariance", "label"]
_TRIVIAL = {"symmetry": ("s", 2.4), "conservation": ("o", 1.5)}  # marker and size: one fits into the other
_FLAT = 1e-9  # of the larger variance: below that the smaller is rounding
# standard errors that hold 95 % of a normal distribution in two dimensions, √(−2 ln 0.05), and in one
_ERRORS_OF_TWO, _ERRORS_OF_ONE = sqrt(-2 * log(0.05)), 1.96


def draw_multipliers(table: pd.DataFrame) -> Figure:
    """Multipliers and the unit circle; an ellipse holds 95 %, and so does the bar of one that is certainly real.

    Those that are 1 by themselves, because of a symmetry or a conserved quantity, say nothing about stability and are
    grey.

    Parameters
    ----------
    table
        A row a multiplier, both of a conjugate pair: columns real, imag, var_real, var_imag, covariance (of real and
        imaginary part), label ("symmetry" or "conservation" for a trivial one, else empty).

    Raises
    ------
    ValueError
        If the table has no row, lacks a column, has a multiplier that is not finite, or a label that is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"real": [1.0, 0.8], "imag": 0.0, "var_real": [0.0, 0.01], "var_imag": 0.0})
    >>> made = draw_multipliers(table.assign(covariance=0.0, label=["conservation", ""]))
    >>> [text.get_text() for text in made.legends[0].get_texts()]
    ['multiplier', 'conservation']
    """
    from matplotlib.patches import Circle

    check_table(table, "table", _COLUMNS, finite=["real", "imag"])
    table = table.assign(label=table["label"].fillna("").astype(str))
    check_names(table, "table", "label", ["", *_TRIVIAL])
    made = style.figure(style.COLUMN, style.COLUMN)
    axes = made.subplots()
    style.finish(axes, "real part (1)", "imaginary part (1)")
    axes.set_aspect("equal", adjustable="datalim")
    for line in (axes.axhline, axes.axvline):
        line(0.0, color=style.DEMPHASISED, linewidth=0.5 * style.THIN, zorder=1)
    axes.add_patch(Circle((0, 0), 1.0, fill=False, edgecolor=style.DEMPHASISED, linewidth=style.THIN, zorder=1))
    _draw_ellipses(axes, table)
    _draw_multipliers(axes, table)
    axes.autoscale_view()
    if (table["label"] != "").any():
        style.legend_below(made, axes)
    return made


def _draw_ellipses(axes: Axes, table: pd.DataFrame) -> None:
    from matplotlib.patches import Ellipse

    for row in table[["real", "imag", "var_real", "var_imag", "covariance", "label"]].itertuples(index=False):
        real, imag, var_real, var_imag, covariance, label = row
        matrix = np.array([[var_real, covariance], [covariance, var_imag]], np.float64)
        if not np.isfinite(matrix).all() or not np.trace(matrix) > 0:
            continue
        (small, large), axes_of_it = np.linalg.eigh(matrix)
        flat = small <= _FLAT * large
        errors = _ERRORS_OF_ONE if flat else _ERRORS_OF_TWO
        colour = style.DEMPHASISED if label else style.MAIN
        axes.add_patch(
            Ellipse(
                (real, imag),
                2 * errors * sqrt(large),
                0.0 if flat else 2 * errors * sqrt(small),
                angle=np.degrees(np.arctan2(axes_of_it[1, 1], axes_of_it[0, 1])),
                facecolor=(colour, 0.2),
                edgecolor=colour,
                linewidth=style.THIN,
                zorder=2,
            )
        )


def _draw_multipliers(axes: Axes, table: pd.DataFrame) -> None:
    own = table[table["label"] == ""]
    if len(own):
        axes.plot(
            own["real"],
            own["imag"],
            linestyle="none",
            marker="o",
            markersize=style.MARKER,
            markeredgewidth=0,
            color=style.MAIN,
            label="multiplier",
            zorder=4,
        )
    for label, (marker, size) in _TRIVIAL.items():
        trivial = table[table["label"] == label]
        if len(trivial):
            axes.plot(
                trivial["real"],
                trivial["imag"],
                linestyle="none",
                marker=marker,
                markersize=size * style.MARKER,
                markerfacecolor="none",
                markeredgecolor=style.DEMPHASISED,
                markeredgewidth=1.1,
                label=label,
                zorder=3,
            )
