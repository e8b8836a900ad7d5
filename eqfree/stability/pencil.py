"""Products of the derivative of the coarse map, and the multipliers that they tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.coarse_map import Chart, Products, Symmetry
from eqfree.results import Cost, Spectrum

__all__ = ["DIFFERENCES", "Pencil", "leading", "project", "solve", "turn", "unit"]

Array: TypeAlias = NDArray[np.float64]

DIFFERENCES = 5e-7
"""Standard error of a multiplier by differences without noise, whose round-off is 1e-7 of the scales."""

_DIED = 1e-5  # of the largest: a disturbance of which healing leaves less is not seen again
_ERRORS = 2.0


@dataclass(frozen=True, eq=False)
class Pencil:
    """Products of the derivative in the coordinates of a chart, replica by replica.

    Attributes
    ----------
    directions : (direction, coordinate)
        Along which the derivative is known.
    healed, later : (replica, coordinate, direction)
        Of the healed reading, and of the later one, turned by the symmetry.
    cost
        What they took.
    """

    directions: Array
    healed: Array
    later: Array
    cost: Cost

    @classmethod
    def of(cls, chart: Chart, products: Products, symmetry: Symmetry | None) -> Pencil:
        """Along all coordinates of the chart."""
        return cls(
            np.eye(chart.size),
            project(chart, products.healed),
            project(chart, turn(symmetry, products.later, chart)),
            products.cost,
        )

    def spectrum(self, chart: Chart, duration: float, count: int, drift: Array | None, cost: Cost) -> Spectrum:
        """The leading multipliers, the trivial ones labelled; ``drift`` is how a wave changes as it moves, healed.

        A disturbance that moves the wave comes back as it was: its multiplier is 1, whatever the noise of the
        derivative says, and it is taken out of the pencil, on both sides, before the others are computed.
        """
        start, later = self.healed.mean(axis=0), self.later.mean(axis=0)
        left, right = np.eye(len(start)), np.eye(len(self.directions))
        if drift is not None:
            moving = np.linalg.lstsq(start, drift, rcond=_DIED)[0]
            left, right = _without(drift), _without(moving)
        u, sizes, v = np.linalg.svd(left @ start @ right.T, full_matrices=False)
        kept = sizes > max(_DIED * sizes.max(initial=0.0), self._doubt)
        left, right = u.T[kept] @ left, v[kept] @ right
        values, lefts, rights = solve(left @ later @ right.T, left @ start @ right.T)
        order = leading(values, count)
        made = [self._multiplier(values[i], lefts[:, i].conj() @ left, rights[:, i] @ right) for i in order]
        vectors = [rights[:, i] @ right @ self.directions for i in order]
        labels = ["conservation"] * chart.conserved + ["symmetry"] * (drift is not None)
        if drift is not None:
            vectors = [moving @ self.directions, *vectors]
        shown = [unit(chart.change(one)).reshape(chart.origin.shape) for one in vectors]
        nothing = np.zeros(chart.origin.shape)
        return Spectrum(
            multipliers=np.array([1.0] * len(labels) + [values[i] for i in order], dtype=np.complex128),
            covariance=np.array([np.zeros((2, 2))] * len(labels) + made).reshape(-1, 2, 2),
            vectors=np.array([nothing] * chart.conserved + shown, dtype=np.complex128),
            labels=tuple(labels + [""] * len(order)),
            duration=duration,
            cost=cost,
        )

    @property
    def _doubt(self) -> float:
        """Two standard errors of the healed derivative, as a matrix norm."""
        if len(self.healed) < 2:
            return 0.0
        stderr = self.healed.std(axis=0, ddof=1) / np.sqrt(len(self.healed))
        return float(_ERRORS * np.sqrt((stderr**2).sum() / stderr.shape[0]))

    def _multiplier(self, value: complex, left: NDArray[np.complex128], right: NDArray[np.complex128]) -> Array:
        """The covariance of real and imaginary part of a multiplier."""
        if len(self.healed) < 2:
            return np.asarray(DIFFERENCES**2 * np.eye(2))
        told = np.einsum("i,rij,j->r", left, self.later - value * self.healed, right)
        told = told / (left @ self.healed.mean(axis=0) @ right)
        return np.asarray(np.cov(np.array([told.real, told.imag])) / len(told))


def turn(symmetry: Symmetry | None, products: Array, chart: Chart) -> Array:
    """Flattened macro states (replica, number, ...) turned by the symmetry.

    >>> turn(None, np.zeros((1, 2)), Chart(np.zeros(2), np.ones(2), np.eye(2))).shape
    (1, 2)
    """
    if symmetry is None:
        return products
    shape = chart.origin.shape
    columns = np.moveaxis(products, 1, -1)
    turned = [symmetry.turn(one.reshape(shape)).ravel() for one in columns.reshape(-1, columns.shape[-1])]
    return np.moveaxis(np.array(turned).reshape(columns.shape), -1, 1)


def project(chart: Chart, products: Array) -> Array:
    """Coordinates (replica, coordinate, ...) of flattened macro states (replica, number, ...).

    >>> project(Chart(np.zeros(2), np.ones(2), np.eye(2)), np.ones((1, 2, 3))).shape
    (1, 2, 3)
    """
    return np.moveaxis(chart.project(np.moveaxis(products, 1, -1)), -1, 1)


def leading(values: NDArray[np.complex128], count: int) -> NDArray[np.int64]:
    """Places of the largest, no complex pair torn apart.

    >>> leading(np.array([0.1, 0.5 + 0.5j, 0.5 - 0.5j]), count=1).tolist()
    [1, 2]
    """
    order = np.argsort(-np.abs(values), kind="stable")
    torn = (
        0 < count < len(order)
        and values[order[count - 1]].imag
        and np.isclose(values[order[count]], values[order[count - 1]].conj(), rtol=1e-9)
        and not (count > 1 and np.isclose(values[order[count - 2]], values[order[count - 1]].conj(), rtol=1e-9))
    )
    return order[: count + bool(torn)]


def solve(later: NDArray[Any], start: NDArray[Any]) -> Any:
    """Multipliers, left and right vectors of a pencil (number, number).

    >>> solve(np.array([[1.0]]), np.array([[2.0]]))[0].real.tolist()
    [0.5]
    """
    from scipy.linalg import eig

    if not later.size:
        empty = np.zeros((0, 0), dtype=np.complex128)
        return np.zeros(0, dtype=np.complex128), empty, empty
    solved: Any = eig(later, start, left=True, right=True)
    return solved


def _without(vector: Array) -> Array:
    """Orthonormal rows that a vector has no part in."""
    return np.asarray(np.linalg.svd(vector[np.newaxis])[2][1:])


def unit(vector: NDArray[Any]) -> NDArray[Any]:
    """The vector with its largest entry positive, of unit size.

    >>> unit(np.array([0.0, -2.0])).tolist()
    [-0.0, 1.0]
    """
    largest = vector[np.argmax(np.abs(vector))]
    return np.asarray(vector / (largest / abs(largest)) / np.linalg.norm(vector)) if largest else vector
