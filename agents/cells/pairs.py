"""Cells with a given density and a given number of neighbouring pairs: a short constrained annealing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cells.lifting import by_column
from agents.cells.sites import Sites

__all__ = ["with_pairs"]

Array = NDArray[Any]

_PROPOSALS = 200  # per site, at most


def with_pairs(
    densities: NDArray[np.float64], pair_probability: float, sites: Sites, rng: Generator
) -> NDArray[np.int8]:
    """Cells of one type placed by `by_column`, and then moved within their columns until as many pairs are neighbours.

    A cell and a free site of its column are drawn, and the cell moves there if the pairs then are nearer to the wanted
    number: densities stay what they are, and pairs are reached within one pair where that can be. What is further
    apart than neighbours follows from that alone.

    Parameters
    ----------
    densities
        Cells per site, (1, column).
    pair_probability
        How often two neighbouring sites are both occupied, as `readings.pair_probability` reads it.
    sites
        With at least two in a column.

    Raises
    ------
    ValueError
        If there is more than one type, a column is one site, the pair probability is impossible at any arrangement
        (negative, or above the density), or it was not reached.

    References
    ----------
    S. Torquato, *Random Heterogeneous Materials* (2002), section 12.6: reconstruction by annealing,
    doi:10.1007/978-1-4757-6355-3.

    Examples
    --------
    >>> from agents.cells.readings import pair_probability
    >>> sites = Sites((50, 50))
    >>> cells = with_pairs(np.full((1, 50), 0.2), 0.08, sites, np.random.default_rng(0))
    >>> round(pair_probability(cells, sites), 3), cells.mean()
    (0.08, np.float64(0.2))
    """
    density = float(np.mean(densities))
    if np.shape(densities)[0] != 1 or sites.width < 2:
        raise ValueError(
            f"Pairs can be given to one type, in columns of two sites or more: got {np.shape(densities)[0]} types and "
            f"columns of {sites.width}."
        )
    if not max(0.0, 2 * density - 1) - 1e-9 <= pair_probability <= density + 1e-9:
        raise ValueError(
            f"A pair probability must lie between {max(0.0, 2 * density - 1):.4g} and {density:.4g}, what a density of "
            f"{density:.4g} allows: got {pair_probability:.4g}."
        )
    occupied = by_column(densities, sites, rng)
    edges = np.count_nonzero(sites.neighbours >= 0) / 2
    missed = _anneal(occupied, sites.neighbours, sites.width, pair_probability * edges, _PROPOSALS * len(sites), rng)
    if missed > 1.0 + 1e-3 * edges:
        raise ValueError(
            f"The pair probability {pair_probability:.4g} was not reached at a density of {density:.4g}: "
            f"{missed / edges:.2g} is missing after {_PROPOSALS} proposals a site. Is it one of a population?"
        )
    return occupied


@njit(cache=True, nogil=True)
def _beside(site: int, neighbours: Array, occupied: Array) -> int:
    count = 0
    for d in range(neighbours.shape[1]):
        there = neighbours[site, d]
        if there >= 0 and occupied[there] > 0:
            count += 1
    return count


@njit(cache=True, nogil=True)
def _anneal(occupied: Array, neighbours: Array, width: int, wanted: float, proposals: int, rng: Generator) -> float:
    """Move cells within columns until there are as many pairs as wanted; how many are missing in the end."""
    twice = 0
    for site in range(occupied.size):
        if occupied[site] > 0:
            twice += _beside(site, neighbours, occupied)
    pairs = twice / 2.0
    for _ in range(proposals):
        if abs(pairs - wanted) <= 0.5:
            break
        here = int(rng.random() * occupied.size)
        there = here - here % width + int(rng.random() * width)
        if occupied[here] == 0 or occupied[there] > 0:
            continue
        before = _beside(here, neighbours, occupied)
        occupied[there] = occupied[here]
        occupied[here] = 0
        after = pairs + _beside(there, neighbours, occupied) - before
        if abs(after - wanted) < abs(pairs - wanted):
            pairs = after
        else:
            occupied[here] = occupied[there]
            occupied[there] = 0
    return abs(pairs - wanted)
