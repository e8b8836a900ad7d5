"""The density that a wound starts from: a gap with smooth edges, or the cells of a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.cells import Sites, place_points
from scenarios.tissue.wound.settings import WoundSettings

__all__ = ["gap", "read_cells"]

Array = NDArray[np.float64]


def gap(options: WoundSettings, x: Array) -> Array:
    """Densities at places x (µm): the bulk beside a gap in the middle, with edges of a hyperbolic tangent.

    >>> gap(WoundSettings(), np.array([0.0, 500.0, 950.0])).round(3)
    array([0.8, 0.4, 0. ])
    """
    middle, half = options.length / 2, options.gap / 2
    left, right = (np.tanh((x - middle - side * half) / options.edge) for side in (-1, 1))
    return np.asarray(options.bulk * (1 - (left - right) / 2))


def read_cells(path: str, sites: Sites) -> Array:
    """Densities of the columns (cells per site) from a CSV file of cells.

    Parameters
    ----------
    path
        With the columns ``x_um`` and ``y_um``, a row a cell; or ``x_um`` and ``cells``, a row an equal bin with its
        middle and the number of cells in it, over the whole width of the strip.
    sites
        Of the strip.

    Raises
    ------
    ValueError
        If the file cannot be read, has other columns, or its cells do not fit on the sites.
    """
    try:
        table = pd.read_csv(Path(path))
    except (OSError, ValueError) as error:
        raise ValueError(f"`cells` must name a CSV file of cells: got '{path}' ({error}).") from error
    numbers = table.select_dtypes("number")
    if {"x_um", "y_um"} <= set(numbers.columns) and len(numbers):
        _check_finite(numbers[["x_um", "y_um"]], path)
        taken = place_points(numbers[["x_um", "y_um"]].to_numpy(dtype=np.float64), sites)
        return np.bincount(taken // sites.width, minlength=sites.columns) / sites.width
    if {"x_um", "cells"} <= set(numbers.columns) and len(numbers) > 1:
        _check_finite(numbers[["x_um", "cells"]], path)
        return _from_counts(numbers["x_um"].to_numpy(), numbers["cells"].to_numpy(), sites, path)
    raise ValueError(
        "`cells` must have the columns x_um and y_um, a row a cell, or x_um and cells, a row a bin, in numbers: got "
        f"{', '.join(map(str, table.columns))} in '{path}'."
    )


def _check_finite(table: pd.DataFrame, path: str) -> None:
    if not np.isfinite(table.to_numpy()).all():
        raise ValueError(f"`cells` must have a number in every row: got one missing in '{path}'. Leave the row out.")


def _from_counts(x: Array, cells: Array, sites: Sites, path: str) -> Array:
    spacing = np.diff(x)
    length = sites.columns * sites.spacing
    if not (np.ptp(spacing) <= 1e-6 * abs(spacing.mean()) and spacing.mean() > 0):
        raise ValueError(f"Bins must be equal and in order: got middles {x[0]:g}, {x[1]:g}, ... µm in '{path}'.")
    if abs(len(x) * spacing.mean() - length) > sites.spacing:
        raise ValueError(
            f"Bins must cover the field of {length:g} µm: got {len(x)} of {spacing.mean():g} µm in '{path}'. Set "
            "`wound.length`, in µm."
        )
    density = cells * sites.spacing / (spacing.mean() * sites.width)
    if not ((density >= 0) & (density <= 1)).all():
        raise ValueError(
            f"Cells must be at most one a site, {spacing.mean() * sites.width / sites.spacing:.4g} in a bin, and not "
            f"negative: got {cells.min():g} to {cells.max():g} in '{path}'. Above close packing there is no place: set "
            "`wound.width` to the strip's, in cells, or a smaller `wound.diameter`."
        )
    return np.asarray(np.interp(sites.x, x, density))
