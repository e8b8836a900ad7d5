"""The density that a wound starts from: a gap with smooth edges, or the cells of a file."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agents.cells import Sites, place_points
from eqfree.fields import short
from scenarios.measurements import numbers, read_table
from scenarios.tissue.wound.settings import WoundSettings

__all__ = ["gap", "read_cells"]

Array = NDArray[np.float64]

_FORMAT = "the columns x_um and y_um, a row a cell, or x_um and cells, a row an equal bin with its middle"
_FAR, _MANY = 2.0, 0.05  # diameters by which no more than this share of the cells may have to be moved


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
        If the file cannot be read, has other columns, holds no cell, or its cells do not fit on the sites.
    """
    table = _read(path)
    names = [name for name in (("x_um", "y_um"), ("x_um", "cells")) if set(name) <= set(table.columns)]
    if not names:
        given = short(", ".join(map(str, table.columns)))
        raise ValueError(f"`cells` must have {_FORMAT}: {short(path)} has {given}. Name them in the first row.")
    rows = table[list(names[0])].apply(numbers).to_numpy(dtype=np.float64)
    if not len(rows):
        raise ValueError(f"`cells` must hold at least one cell: {short(path)} has no row.")
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(bad):
        raise ValueError(
            f"`cells` must have a number in every row: row {bad[0] + 1} of {short(path)} has none in "
            f"{' or '.join(names[0])}. Correct it, or leave the row out."
        )
    if "y_um" in names[0]:
        density = _from_points(rows, sites, path)
    else:
        density = _from_counts(rows[:, 0], rows[:, 1], sites, path)
    if not density.any():
        raise ValueError(f"`cells` must hold at least one cell: {short(path)} has none.")
    return density


def _read(path: str) -> pd.DataFrame:
    try:
        return read_table(path)
    except ValueError as error:
        raise ValueError(
            f"`cells` must name a CSV file with {_FORMAT}: {short(path)} is no such table of text ({error})."
        ) from error


def _from_points(points: Array, sites: Sites, path: str) -> Array:
    extent = np.array(sites.shape) * sites.spacing
    outside = np.flatnonzero(~((points >= 0) & (points <= extent)).all(axis=1))
    if len(outside):
        x, y = points[outside[0]]
        raise ValueError(
            f"`cells` must lie in the strip, x_um from 0 to {extent[0]:g} and y_um from 0 to {extent[1]:g} µm: row "
            f"{outside[0] + 1} of {short(path)} has {x:g} and {y:g}. Set `wound.length` (µm) and `wound.width` (cells) "
            "to yours."
        )
    share = _crowded(points, sites) if len(points) <= len(sites) else 0.0
    if share <= _MANY:
        taken = place_points(points, sites)
        moved = np.linalg.norm(sites.positions(taken) - points, axis=1) / sites.spacing
        share = float((moved > _FAR).mean())
    if share > _MANY:
        raise ValueError(
            f"`cells` must fit side by side, one in {sites.spacing:g} × {sites.spacing:g} µm: {share:.0%} of those in "
            f"{short(path)} would have to move by more than {_FAR:g} diameters. Are the positions in µm? Else set a "
            "smaller `wound.diameter`."
        )
    return np.bincount(taken // sites.width, minlength=sites.columns) / sites.width


def _crowded(points: Array, sites: Sites) -> float:
    """At least this share of the cells has to move by more than `_FAR` diameters: squares hold more than fit nearby.

    It takes no time, where to look for a free site for each of very many at one place would take all there is.
    """
    excess = 0.0
    for side in (1, 4, 16, 64):
        _, counts = np.unique(np.floor(points / (side * sites.spacing)), axis=0, return_counts=True)
        excess = max(excess, float(np.maximum(counts - (side + 2 * _FAR + 1) ** 2, 0.0).sum()))
    return excess / len(points)


def _from_counts(x: Array, cells: Array, sites: Sites, path: str) -> Array:
    length = sites.columns * sites.spacing
    if len(x) < 2:
        raise ValueError(f"`cells` must have two bins or more: {short(path)} has {len(x)}.")
    spacing = np.diff(x)
    if not (np.ptp(spacing) <= 1e-6 * abs(spacing.mean()) and spacing.mean() > 0):
        raise ValueError(
            f"`cells` must have equal bins in order: {short(path)} has middles at {x[0]:g}, {x[1]:g}, ... µm. Sort "
            "them, and fill those that are empty with 0."
        )
    ends = x[0] - spacing.mean() / 2, x[-1] + spacing.mean() / 2
    if abs(ends[0]) > sites.spacing or abs(ends[1] - length) > sites.spacing:
        raise ValueError(
            f"`cells` must have bins over the whole field, from 0 to {length:g} µm: {short(path)} has {len(x)} of "
            f"{spacing.mean():g} µm, from {ends[0]:g} to {ends[1]:g} µm. Set `wound.length` (µm) to yours."
        )
    if not (cells >= 0).all():
        row = int((cells < 0).argmax())
        raise ValueError(
            f"`cells` must count cells: row {row + 1} of {short(path)} has {cells[row]:g} of them. Correct it."
        )
    most = spacing.mean() * sites.width / sites.spacing
    if not (cells <= most).all():
        row = int(cells.argmax())
        raise ValueError(
            f"`cells` must be at most one a site, {most:.4g} in a bin: row {row + 1} of {short(path)} has "
            f"{cells[row]:g}. Above close packing there is no place: set `wound.width` (cells) to the strip's, or a "
            "smaller `wound.diameter`."
        )
    reached = np.concatenate(([0.0], np.cumsum(cells)))
    edges = np.linspace(0.0, len(cells), sites.columns + 1)
    return np.asarray(np.diff(np.interp(edges, np.arange(len(cells) + 1), reached)) / sites.width)
