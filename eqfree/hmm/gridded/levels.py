"""Levels of nested Chebyshev extrema along each axis, and the sparse grids that are made of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache
from itertools import product
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FINEST",
    "FIRST",
    "Index",
    "Level",
    "below",
    "combination",
    "finer",
    "first_levels",
    "fresh",
    "grid",
    "nodes_of",
    "place",
    "walk",
]

Array: TypeAlias = NDArray[np.float64]
Level: TypeAlias = tuple[int, ...]
Index: TypeAlias = tuple[int, ...]

FIRST = 2  # level of an axis that a table begins with: five nodes
FINEST = 10  # level of an axis: 1025 nodes
RESOLUTION = 2**20  # what the index of a node is counted in: finer than the finest level, so that others fit between


def place(indices: Sequence[Index]) -> Array:
    """Where nodes lie in [-1, 1] to the n: the same index is the same bits on every level.

    >>> place([(0, RESOLUTION // 2), (RESOLUTION, RESOLUTION // 4)]).round(3)
    array([[-1.   ,  0.   ],
           [ 1.   , -0.707]])
    """
    return np.sin(np.pi / 2 * (2 * np.array(indices) / RESOLUTION - 1))


@cache
def grid(level: Level) -> tuple[Index, ...]:
    """The indices of a level's nodes: one in the middle of an axis of level 0, 2**l + 1 on level l.

    >>> len(grid((0, 2)))
    5
    """
    return tuple(product(*map(_axis, level)))


def _axis(level: int) -> range:
    return range(RESOLUTION // 2, RESOLUTION // 2 + 1) if level == 0 else range(0, RESOLUTION + 1, RESOLUTION >> level)


def below(level: Level) -> set[Level]:
    """A level and all that are not finer than it in any axis.

    >>> sorted(below((0, 1)))
    [(0, 0), (0, 1)]
    """
    return set(product(*(range(part + 1) for part in level)))


def combination(levels: Collection[Level]) -> dict[Level, int]:
    """How often the tensor interpolant of each level is in the sparse one; those that are not are left out.

    M. Griebel, M. Schneider & C. Zenger, in Iterative Methods in Linear Algebra (1992) 263.

    >>> combination({(0, 0), (0, 1), (1, 0)})
    {(0, 0): -1, (0, 1): 1, (1, 0): 1}
    """
    counts = {}
    for level in sorted(levels):
        corners = product((0, 1), repeat=len(level))
        counts[level] = sum(
            (-1) ** sum(corner) for corner in corners if tuple(np.add(level, corner).tolist()) in levels
        )
    return {level: count for level, count in counts.items() if count}


def first_levels(inputs: int) -> set[Level]:
    """Three nodes in every axis together, and five in one axis at a time: mixed changes are seen, whatever the axes."""
    return {level for level in product(range(FIRST + 1), repeat=inputs) if level.count(FIRST) <= 1}


def finer(level: Level) -> list[Level]:
    """The levels one finer in one axis.

    >>> finer((0, 2))
    [(1, 2), (0, 3)]
    """
    return [(*level[:axis], part + 1, *level[axis + 1 :]) for axis, part in enumerate(level)]


def walk(inputs: int, start: int, count: int) -> list[Index]:
    """Points on no level (their indices are odd), spread by multiples of the golden ratio in so many dimensions."""
    golden = 2.0
    for _ in range(50):
        golden = (1 + golden) ** (1 / (inputs + 1))
    steps = np.arange(start + 1, start + 1 + count)[:, np.newaxis]
    shares = (0.5 + steps * golden ** -np.arange(1.0, inputs + 1)) % 1
    return [tuple(int(share * RESOLUTION) | 1 for share in row) for row in shares.tolist()]


def fresh(level: Level) -> int:
    """How many nodes of a level are on none below it.

    >>> [fresh((part,)) for part in range(5)]
    [1, 2, 2, 4, 8]
    """
    return prod(1 if part == 0 else max(2 ** (part - 1), 2) for part in level)


def nodes_of(levels: Iterable[Level]) -> list[Index]:
    """The nodes of several levels, each once, in order."""
    return sorted(set().union(*map(grid, levels)))
