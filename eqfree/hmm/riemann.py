"""Curves of flow over density, and the Riemann problems that they pose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PPoly

__all__ = ["Curves"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curves:
    """Piecewise cubic curves, one a column: extrema, Godunov flow, demand and supply, exact for the curve.

    No concavity is assumed. A single column answers any number of densities; of many columns, each answers one.
    Densities outside the nodes are answered at the nearest end.

    Parameters
    ----------
    nodes : (node,)
        Increasing scaled densities where the pieces meet.
    coefficients : (4, node - 1, column)
        Of the cubics in the scaled density beyond the left node, highest power first.
    scale : (column,)
        Density that a scaled density of one stands for.

    References
    ----------
    S. Osher, SIAM J. Numer. Anal. 21 (1984) 217, doi:10.1137/0721016 (flow of any Riemann problem as an extremum).

    Examples
    --------
    >>> parabola = Curves.of(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0]))
    >>> parabola.godunov([0.2, 0.8], [0.7, 0.3])
    array([0.16, 0.25])
    """

    nodes: Array
    coefficients: Array
    scale: Array

    @classmethod
    def of(cls, polynomial: PPoly) -> Curves:
        """The curve of a piecewise polynomial of degree three or less, or of several on the same breakpoints.

        >>> Curves.of(PPoly([[2.0], [0.0]], [0.0, 1.0]))([0.25])
        array([0.5])
        """
        pieces = np.asarray(polynomial.c, dtype=np.float64)
        if len(pieces) > 4:
            raise ValueError(f"A curve must be at most cubic between its nodes: got degree {len(pieces) - 1}.")
        pieces = pieces.reshape(*pieces.shape[:2], -1)
        padded = np.pad(pieces, ((4 - len(pieces), 0), (0, 0), (0, 0)))
        return cls(np.asarray(polynomial.x, dtype=np.float64), padded, np.ones(pieces.shape[2]))

    @property
    def largest_density(self) -> Array:
        """Where each curve ends, (column,)."""
        return np.asarray(self.nodes[-1] * self.scale)

    @cached_property
    def extrema(self) -> tuple[Array, Array]:
        """Densities and values of the local extrema, (extremum, column); NaN fills the columns that have fewer.

        Of many columns, nodes are among them whether they are extrema or not.
        """
        a, b, c, d = self.coefficients
        width, start = np.diff(self.nodes)[:, np.newaxis], self.nodes[:-1, np.newaxis]
        inside = [
            np.where((root > 0) & (root < width), root, np.nan) for root in _quadratic_roots(3 * a, 2 * b, c)
        ]  # beyond the left nodes
        inner = np.broadcast_to(self.nodes[1:-1, np.newaxis], (len(self.nodes) - 2, d.shape[1]))
        points = self.scale * np.concatenate([start + t for t in inside] + [inner])
        if points.shape[1] == 1:
            points = self._turning(points[:, 0])
            return points, self(points[:, 0])[:, np.newaxis]
        return points, np.concatenate([((a * t + b) * t + c) * t + d for t in inside] + [d[1:]])

    @cached_property
    def fastest(self) -> float:
        """The largest size of the characteristic speed, over all columns."""
        a, b, c, _ = self.coefficients
        width = np.diff(self.nodes)[:, np.newaxis]
        vertex = np.clip(np.divide(-b, 3 * a, out=np.zeros_like(a), where=a != 0), 0, width)
        slopes = [(3 * a * t + 2 * b) * t + c for t in (np.zeros_like(a), width, vertex)]
        return float((np.abs(slopes) / self.scale).max())

    def bends(self, low: ArrayLike, high: ArrayLike) -> Array:
        """By how much the slope rises, and by how much it falls, on each interval [low, high], (2, interval).

        >>> Curves.of(PPoly([[-1.0], [1.0], [0.0]], [0.0, 1.0])).bends([0.2], [0.7])
        array([[0.],
               [1.]])
        """
        return np.asarray(self._turned(high) - self._turned(low))

    @cached_property
    def bent(self) -> Array:
        """By how much the slope of each curve both rises and falls, (column,); zero where it bends one way."""
        return np.asarray(self.bends(self.nodes[0] * self.scale, self.largest_density).min(axis=0))

    def _turned(self, density: ArrayLike) -> Array:
        """By how much the slope has risen and fallen from the first node to each density, (2, point)."""
        place, column, t = self._located(density)
        within = _rise_and_fall(self.coefficients[:, place, column], t)
        return np.asarray((self._turned_before[:, place, column] + within) / self.scale)

    @cached_property
    def _turned_before(self) -> Array:
        """By how much the scaled slope has risen and fallen where each piece begins, (2, piece, column)."""
        a, b, c, _ = self.coefficients
        width = np.diff(self.nodes)[:, np.newaxis]
        jumps = np.diff(c, axis=0) - ((3 * a * width + 2 * b) * width)[:-1]
        kinks = [np.maximum(jumps, 0), np.maximum(-jumps, 0)]
        within = _rise_and_fall(self.coefficients, width)[:, :-1]
        return np.pad(np.cumsum(within + kinks, axis=1), ((0, 0), (1, 0), (0, 0)))

    @cached_property
    def capacity(self) -> Array:
        """The largest value of each curve, (column,)."""
        return self.largest(self.nodes[0] * self.scale, self.largest_density)

    def __call__(self, density: ArrayLike) -> Array:
        """The curve at densities (point,)."""
        (a, b, c, d), t = self._piece(density)
        return np.asarray(((a * t + b) * t + c) * t + d)

    def speed(self, density: ArrayLike) -> Array:
        """The derivative at densities (point,): the characteristic speed of a flow; from the right at a kink."""
        (a, b, c, _), t = self._piece(density)
        return np.asarray(((3 * a * t + 2 * b) * t + c) / self.scale)

    def smallest(self, low: ArrayLike, high: ArrayLike) -> Array:
        """The smallest value on each interval [low, high]."""
        points, values = self.extrema
        inside = (points > np.asarray(low)) & (points < np.asarray(high))
        inner = np.where(inside, values, np.inf).min(axis=0, initial=np.inf)
        return np.asarray(np.minimum(np.minimum(self(low), self(high)), inner))

    def largest(self, low: ArrayLike, high: ArrayLike) -> Array:
        """The largest value on each interval [low, high]."""
        points, values = self.extrema
        inside = (points > np.asarray(low)) & (points < np.asarray(high))
        inner = np.where(inside, values, -np.inf).max(axis=0, initial=-np.inf)
        return np.asarray(np.maximum(np.maximum(self(low), self(high)), inner))

    def godunov(self, left: ArrayLike, right: ArrayLike) -> Array:
        """The flow through a face between two densities: the smallest in between if they rise, else the largest."""
        left, right = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
        rising = left <= right
        sign = np.where(rising, 1.0, -1.0)  # the largest is the smallest of the negative
        points, values = self.extrema
        inside = (points > np.minimum(left, right)) & (points < np.maximum(left, right))
        inner = np.where(inside, sign * values, np.inf).min(axis=0, initial=np.inf)
        return np.asarray(sign * np.minimum(np.minimum(sign * self(left), sign * self(right)), inner))

    def demand(self, density: ArrayLike) -> Array:
        """The largest flow that can leave: the running maximum from the empty side."""
        points, values = self.extrema
        before = np.where(points < np.asarray(density), values, -np.inf).max(axis=0, initial=-np.inf)
        return np.asarray(np.maximum(np.maximum(self(density), self._ends[0]), before))

    def supply(self, density: ArrayLike) -> Array:
        """The largest flow that can enter: the running maximum from the full side."""
        points, values = self.extrema
        beyond = np.where(points > np.asarray(density), values, -np.inf).max(axis=0, initial=-np.inf)
        return np.asarray(np.maximum(np.maximum(self(density), self._ends[1]), beyond))

    @cached_property
    def _ends(self) -> tuple[Array, Array]:
        """The first and the last value of each curve, (column,)."""
        return self(self.nodes[0] * self.scale), self(self.largest_density)

    def _piece(self, density: ArrayLike) -> tuple[Array, Array]:
        """Coefficients (4, point) of the cubic at each density, and how far beyond its left node that is."""
        place, column, t = self._located(density)
        return self.coefficients[:, place, column], t

    def _located(self, density: ArrayLike) -> tuple[NDArray[np.intp], NDArray[np.intp] | int, Array]:
        """Piece and column of each density, and how far beyond the piece's left node it is."""
        scaled = np.maximum(np.minimum(np.asarray(density) / self.scale, self.nodes[-1]), self.nodes[0])
        place = np.searchsorted(self.nodes[1:-1], scaled, side="right")
        column = np.arange(len(self.scale)) if len(self.scale) > 1 else 0
        return place, column, np.asarray(scaled - self.nodes[place])

    def _turning(self, candidates: Array) -> Array:
        """Those of the candidates of a single curve where it turns, (extremum, 1)."""
        ends = self.scale[0] * self.nodes[[0, -1]]
        points = np.unique(np.concatenate([ends, candidates[~np.isnan(candidates)]]))
        change = np.diff(self(points))
        return points[1:-1][change[:-1] * change[1:] <= 0, np.newaxis]


def _rise_and_fall(cubic: Array, width: Array) -> Array:
    """By how much the slopes of cubics (4, ...) rise and fall within a width, (2, ...)."""
    a, b, _, _ = cubic
    turn = np.clip(np.divide(-b, 3 * a, out=np.zeros_like(a), where=a != 0), 0, width)
    first = (3 * a * turn + 2 * b) * turn
    second = (3 * a * width + 2 * b) * width - first
    return np.array([np.maximum(sign * first, 0) + np.maximum(sign * second, 0) for sign in (1, -1)])


def _quadratic_roots(a: Array, b: Array, c: Array) -> tuple[Array, Array]:
    """The real roots, NaN where there are none, without cancellation."""
    discriminant = b * b - 4 * a * c
    half = -(b + np.copysign(np.sqrt(np.maximum(discriminant, 0)), b)) / 2
    missing = np.full_like(half, np.nan)
    real = discriminant >= 0
    first = np.divide(half, a, out=missing.copy(), where=real & (a != 0))
    second = np.divide(c, half, out=missing.copy(), where=real & (half != 0))
    return first, second
