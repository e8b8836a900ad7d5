"""Cells from densities: whole numbers of them on sites, at most one on each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cells.sites import Sites
from agents.exclusion import choose_sites, count_by_column, draw_each_site
from agents.systematic import ROUNDING

__all__ = ["Sampler", "by_column", "check_densities", "independent", "place_points"]

Sampler: TypeAlias = Callable[[NDArray[np.float64], Sites, Generator], NDArray[np.int8]]
"""(densities (type, column), sites, rng) -> occupied (site,): 0 where a site is free, else 1 + the type."""


def by_column(densities: NDArray[np.float64], sites: Sites, rng: Generator) -> NDArray[np.int8]:
    """Systematic along the columns, and at random within each: the default.

    The numbers of cells in the columns are `systematic`, so that each is within 1 of what is expected and a whole total
    is exact; so are, of these, those of each type. Which sites of a column hold them is drawn at random, since sites at
    equal distances alias with the lattice. (On a line a column is one site, and cells of equal density are equally far
    apart.)

    Raises
    ------
    ValueError
        If the densities are no densities of these columns: see `check_densities`.

    Examples
    --------
    >>> cells = by_column(np.array([[0.5, 0.25]]), Sites((2, 8)), np.random.default_rng(0))
    >>> cells.reshape(2, 8).sum(axis=1)
    array([4, 2])
    """
    checked = check_densities(densities, sites)
    return choose_sites(count_by_column(checked * sites.width, rng), sites.width, rng)


def independent(densities: NDArray[np.float64], sites: Sites, rng: Generator) -> NDArray[np.int8]:
    """Each site by itself, with the density as the probability: what exact theory often begins from.

    Raises
    ------
    ValueError
        If the densities are no densities of these columns: see `check_densities`.

    Examples
    --------
    >>> independent(np.array([[1.0, 0.0]]), Sites((2, 3)), np.random.default_rng(0))
    array([1, 1, 1, 0, 0, 0], dtype=int8)
    """
    return draw_each_site(check_densities(densities, sites), sites.width, rng)


def place_points(positions: NDArray[np.float64], sites: Sites) -> NDArray[np.int64]:
    """The sites of cells whose positions are known, (cell, dimension) -> (cell,): one after the other,
    each the nearest that is free.

    Raises
    ------
    ValueError
        If a position lies outside the sites, or there are more cells than sites.

    Examples
    --------
    >>> place_points(np.array([[5.0], [8.0], [12.0]]), Sites((4,), spacing=10.0, periodic=False))
    array([0, 1, 2])
    """
    from scipy.spatial import cKDTree

    points = np.asarray(positions, dtype=np.float64)
    extent = np.array(sites.shape) * sites.spacing
    if points.ndim != 2 or points.shape[1] != len(sites.shape):
        raise ValueError(
            f"Positions must have {len(sites.shape)} coordinates, as the sites: got an array of shape {points.shape}."
        )
    if not ((points >= 0) & (points <= extent)).all():
        raise ValueError(
            f"Positions must lie within the sites, from 0 to {' and '.join(f'{one:g}' for one in extent)}: got "
            f"{points.min(axis=0)} to {points.max(axis=0)}. Are they in the units of the sites' spacing?"
        )
    if len(points) > len(sites):
        raise ValueError(
            f"There must be no more cells than sites, {len(sites)}: got {len(points)}. Are the cells smaller, or is "
            "the tissue larger?"
        )
    tree, taken = cKDTree(sites.positions(np.arange(len(sites)))), np.full(len(points), -1)
    waiting, free = np.arange(len(points)), np.ones(len(sites), dtype=bool)
    near = 1
    while len(waiting):
        near = min(4 * near, len(sites))
        _, those = tree.query(points[waiting], k=near)
        for cell, candidates in zip(waiting, np.reshape(those, (len(waiting), near)), strict=True):
            open_ones = candidates[free[candidates]]
            if len(open_ones):
                taken[cell] = open_ones[0]
                free[open_ones[0]] = False
        waiting = waiting[taken[waiting] < 0]
    return taken


def check_densities(densities: NDArray[np.float64], sites: Sites, types: int | None = None) -> NDArray[np.float64]:
    """Densities per site, (type, column), within what sites can hold.

    Raises
    ------
    ValueError
        If they are not one for each type and column, negative or not finite, or above close packing.

    Examples
    --------
    >>> check_densities(np.array([[0.7], [0.4]]), Sites((1, 10)))
    Traceback (most recent call last):
    ValueError: Densities must add up to 1 or less, one cell a site: got 1.1 in column 0. ...
    """
    given = np.asarray(densities, dtype=np.float64)
    wanted = (len(given) if types is None and given.ndim else types, sites.columns)
    if given.ndim != 2 or given.shape != wanted:
        raise ValueError(f"There must be a density for each type and column, {wanted}: got shape {given.shape}.")
    if not (np.isfinite(given) & (given >= -ROUNDING)).all():
        raise ValueError("Densities must be finite and not negative: got one that is not.")
    total = given.sum(axis=0)
    if not (total <= 1 + ROUNDING).all():
        fullest = int(total.argmax())
        raise ValueError(
            f"Densities must add up to 1 or less, one cell a site: got {total[fullest]:.6g} in column {fullest}. "
            "Above close packing there is no place for cells: are they in cells per site?"
        )
    return np.clip(given, 0.0, 1.0)
