"""Rings of triangles around a centre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fan", "fan"]


@dataclass(frozen=True, eq=False)
class Fan:
    """A polygon around the origin, cut into sectors of its sides; rings of edges run around the origin.

    Attributes
    ----------
    direction : (node, 2)
        Where the ray through the node meets the polygon; zero at the centre.
    ring : (node,)
        0 at the centre; the last one is the polygon.
    triangles : (3, triangle)
        Nodes of the triangles.
    sector, layer : (triangle,)
        Side of the polygon, and ring inside which the triangle lies (0 around the centre).
    """

    direction: NDArray[np.float64]
    ring: NDArray[np.int64]
    triangles: NDArray[np.int64]
    sector: NDArray[np.int64]
    layer: NDArray[np.int64]


def fan(corners: NDArray[np.float64], counts: Sequence[int]) -> Fan:
    """Triangulate a polygon that every ray from the origin leaves once.

    Parameters
    ----------
    corners : (side, 2)
        Of the polygon, in turn.
    counts : (ring,)
        Edges of every ring in each sector, from within: as many as the ring before, or one more.

    Examples
    --------
    >>> square = fan(np.array([[1, -1], [1, 1], [-1, 1], [-1, -1]]) / 2, [1, 2, 3])
    >>> len(square.ring), square.triangles.shape
    (25, (3, 36))
    """
    sides = len(corners)
    starts = np.cumsum([1, *(sides * count for count in counts)])

    def node(place: NDArray[np.int64], level: int) -> NDArray[np.int64]:
        return np.asarray(starts[level - 1] + place % (sides * counts[level - 1]) if level else 0 * place)

    direction, ring = [np.zeros((1, 2))], [np.zeros(1, dtype=np.int64)]
    triangles, sector, layer = [], [], []
    for level, (before, count) in enumerate(pairwise([0, *counts])):
        share = (np.arange(count) / count)[:, None]
        ring.append(np.full(sides * count, level + 1))
        for side in range(sides):
            direction.append((1 - share) * corners[side] + share * corners[(side + 1) % sides])
            inner, outer = side * before + np.arange(count), side * count + np.arange(count)
            triangles.append([node(inner, level), node(outer, level + 1), node(outer + 1, level + 1)])
            inner, outer = inner[:before], outer[:before]
            triangles.append([node(inner, level), node(outer + 1, level + 1), node(inner + 1, level)])
            sector.append(np.full(before + count, side))
            layer.append(np.full(before + count, level))
    joined = np.concatenate([np.array(part) for part in triangles], axis=1)
    return Fan(np.concatenate(direction), np.concatenate(ring), joined, np.concatenate(sector), np.concatenate(layer))
