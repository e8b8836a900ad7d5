"""Individuals of which no two are on one site: whole numbers of them in columns of sites, and which sites they take."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.random import Generator
from numpy.typing import NDArray

from agents.systematic import systematic

__all__ = ["choose_sites", "count_by_column", "draw_each_site"]

Array: TypeAlias = NDArray[Any]


def count_by_column(expected: NDArray[np.float64], rng: Generator) -> NDArray[np.int64]:
    """Whole numbers of each type in each column, (type, column), that are the given ones on average.

    Numbers of all types together are `systematic`: each is within 1 of what is expected, and a whole total is exact.
    So are, of these, those of each type.

    Examples
    --------
    >>> count_by_column(np.array([[2.0, 1.5, 0.5]]), np.random.default_rng(0)).sum()
    np.int64(4)
    """
    counts = np.empty(expected.shape, dtype=np.int64)
    remaining, left = systematic(expected.sum(axis=0), rng), expected.sum(axis=0)
    for kind, row in enumerate(expected[:-1]):
        share = np.divide(row, left, out=np.zeros_like(row), where=left > 0)
        wanted = share * remaining
        room = wanted * (1 - share)
        if room.any():  # so that the total of the type is what is expected
            wanted = np.clip(wanted + (row.sum() - wanted.sum()) * room / room.sum(), 0, remaining)
        counts[kind] = systematic(wanted, rng)
        remaining, left = remaining - counts[kind], left - row
    counts[-1] = remaining
    return counts


def draw_each_site(shares: NDArray[np.float64], width: int, rng: Generator) -> NDArray[np.int8]:
    """Each site by itself, its column's shares (type, column) the probabilities: 0 where it is free, else 1 + the type.

    Examples
    --------
    >>> draw_each_site(np.array([[1.0, 0.0]]), 3, np.random.default_rng(0))
    array([1, 1, 1, 0, 0, 0], dtype=int8)
    """
    below = np.repeat(np.cumsum(shares, axis=0), width, axis=1)
    types = 1 + (rng.random(below.shape[1]) >= below).sum(axis=0)
    return np.where(types <= len(shares), types, 0).astype(np.int8)


@njit(cache=True, nogil=True)
def choose_sites(counts: Array, width: int, rng: Generator) -> Array:
    """So many sites of each column, each subset as likely: one pass (Knuth, TAOCP 2, section 3.4.2, algorithm S).

    Counts are (type, column); of each site of the answer, 0 where it is free, else 1 + the type.

    Examples
    --------
    >>> choose_sites(np.array([[2, 0]]), 2, np.random.default_rng(0))
    array([1, 1, 0, 0], dtype=int8)
    """
    types, columns = counts.shape
    occupied = np.zeros(columns * width, dtype=np.int8)
    missing = np.zeros(types, dtype=np.int64)
    for column in range(columns):
        needed = 0
        for kind in range(types):
            missing[kind] = counts[kind, column]
            needed += missing[kind]
        for k in range(width):
            if needed == 0:
                break
            drawn = rng.random() * (width - k)
            kind = 0
            while kind < types and drawn >= missing[kind]:
                drawn -= missing[kind]
                kind += 1
            if kind < types:
                occupied[column * width + k] = kind + 1
                missing[kind] -= 1
                needed -= 1
    return occupied
