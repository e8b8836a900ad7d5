"""Ions from a concentration profile: whole numbers of them on sites, at most one on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import exp
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.random import Generator
from numpy.typing import NDArray

from agents.exclusion import choose_sites, count_by_column, draw_each_site

__all__ = ["Places", "Sampler", "by_column", "gibbs", "independent"]

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Places:
    """Where ions are put.

    Parameters
    ----------
    neighbours
        The sites next to each, (site, way); -1 where there is none.
    width
        Sites in a column.
    energies
        Of a lone ion on each site, (species, site) in kT.
    coupling
        Of two ions next to each other, (species, species) in kT.
    """

    neighbours: NDArray[np.int32]
    width: int
    energies: NDArray[np.float64]
    coupling: NDArray[np.float64]


Sampler: TypeAlias = Callable[[NDArray[np.float64], Places, Generator], NDArray[np.int8]]
"""(shares (species, column), places, rng) -> occupied (site,): 0 where a site is vacant, else 1 + the species."""


def by_column(shares: NDArray[np.float64], places: Places, rng: Generator) -> NDArray[np.int8]:
    """Systematic along the columns, and at random within each: the default.

    The numbers of ions in the columns are each within 1 of what is expected, and so is the total of a species; that of
    all species is what is expected, rounded. Where ions neither interact nor prefer sites, this is their equilibrium
    at these numbers.

    Examples
    --------
    >>> places = Places(np.zeros((8, 2), np.int32), 4, np.zeros((1, 8)), np.zeros((1, 1)))
    >>> by_column(np.array([[0.5, 0.25]]), places, np.random.default_rng(0)).reshape(2, 4).sum(axis=1)
    array([2, 1])
    """
    return choose_sites(count_by_column(_to_whole_totals(shares * places.width, places.width), rng), places.width, rng)


def independent(shares: NDArray[np.float64], places: Places, rng: Generator) -> NDArray[np.int8]:
    """Each site by itself: what exact theory often begins from; wrong pairs where ions interact.

    Examples
    --------
    >>> places = Places(np.zeros((4, 2), np.int32), 2, np.zeros((1, 4)), np.zeros((1, 1)))
    >>> independent(np.array([[1.0, 0.0]]), places, np.random.default_rng(0))
    array([1, 1, 0, 0], dtype=int8)
    """
    return draw_each_site(shares, places.width, rng)


def gibbs(sweeps: float = 30.0) -> Sampler:
    """Systematic along the columns, then within each by the Gibbs law of interactions and energies of sites.

    Ions as `by_column` has them exchange their places with others of the column, as often as Metropolis allows: that
    keeps all numbers and leads to the equilibrium at these numbers, in any crystal.

    *How to choose* ``sweeps``: exchanges tried per site. They lead anywhere in the column, so that a few times the
    inverse of the share that is accepted suffice, unless the ions order.

    Raises
    ------
    ValueError
        If the number of sweeps is negative.

    Examples
    --------
    >>> ring = np.array([[7, 1], [0, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7], [6, 0]], np.int32)
    >>> repelling = Places(ring, 8, np.zeros((1, 8)), np.full((1, 1), 20.0))
    >>> gibbs()(np.array([[0.5]]), repelling, np.random.default_rng(0))
    array([0, 1, 0, 1, 0, 1, 0, 1], dtype=int8)
    """
    if not 0 <= sweeps < np.inf:
        raise ValueError(f"`sweeps` must be finite and not negative: got {sweeps}.")

    return partial(_sample_gibbs, sweeps)


def _sample_gibbs(sweeps: float, shares: NDArray[np.float64], places: Places, rng: Generator) -> NDArray[np.int8]:
    occupied = by_column(shares, places, rng)
    tries = round(sweeps * len(occupied))
    _exchange(places.neighbours, places.width, places.energies, places.coupling, tries, occupied, rng)
    return occupied


def _to_whole_totals(expected: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Numbers of ions (species, column) with whole totals: what is missing comes where there are ions and vacancies."""
    room = expected * np.clip(width - expected.sum(axis=0), 0.0, None)
    missing = _to_whole(expected.sum(axis=1)) - expected.sum(axis=1)
    total = room.sum(axis=1)
    share = np.divide(missing, total, out=np.zeros_like(total), where=total > 0)
    return np.asarray(np.clip(expected + share[:, np.newaxis] * room, 0.0, width))


def _to_whole(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole numbers whose sum is the rounded sum: those with the largest rest are rounded up. Each by itself could
    make more ions than there are sites.
    """
    whole = np.floor(totals)
    rest = totals - whole
    more = int(np.rint(totals.sum()) - whole.sum())
    whole[np.argsort(-rest, kind="stable")[:more]] += 1.0
    return np.asarray(whole)


@njit(cache=True, nogil=True)
def _energy(
    site: int, kind: int, other: int, neighbours: Array, energies: Array, coupling: Array, occupied: Array
) -> float:
    """Of an ion of a kind on a site, beside all but who is on another site."""
    energy: float = energies[kind, site]
    for w in range(neighbours.shape[1]):
        beside = neighbours[site, w]
        if beside >= 0 and beside != other and occupied[beside] > 0:
            energy += coupling[kind, occupied[beside] - 1]
    return energy


@njit(cache=True, nogil=True)
def _exchange(
    neighbours: Array, width: int, energies: Array, coupling: Array, tries: int, occupied: Array, rng: Generator
) -> None:
    sites = occupied.shape[0]
    for _ in range(tries):
        one = min(int(rng.random() * sites), sites - 1)
        other = (one // width) * width + min(int(rng.random() * width), width - 1)
        first, second = occupied[one], occupied[other]
        if first == second:
            continue
        change = 0.0
        if first > 0:
            change += _energy(other, first - 1, one, neighbours, energies, coupling, occupied)
            change -= _energy(one, first - 1, other, neighbours, energies, coupling, occupied)
        if second > 0:
            change += _energy(one, second - 1, other, neighbours, energies, coupling, occupied)
            change -= _energy(other, second - 1, one, neighbours, energies, coupling, occupied)
        if change <= 0.0 or rng.random() < exp(-change):
            occupied[one], occupied[other] = second, first
