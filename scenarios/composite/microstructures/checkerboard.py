"""Squares of two materials, meshed towards the corners where the field is singular."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan, ceil, log, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.composite.cell import Cell
from scenarios.composite.cell.problem import as_conductivities
from scenarios.composite.microstructures.fan import fan
from scenarios.composite.microstructures.protocol import at_least

__all__ = ["Checkerboard", "grading_for", "singular_exponent"]

_FINEST = 1e-12  # of a tile: places near the middle of the cell are told apart no finer than this
_STEP = 2.0  # from one ring to the next: a larger one would waste the grading of the elements within


@dataclass(frozen=True)
class Checkerboard:
    """A checkerboard of two by two squares per period; rings of triangles around each corner, at (j/n)^grading.

    Around a corner the temperature goes like r^α (``singular_exponent``), and elements of degree q converge, in the
    end, like h^{2 min(q, grading·α)}. Where rings lie far apart, more are put between.

    *How to choose* the grading: a little above q/α, as ``grading_for`` says. A contrast of 10 wants 5.6 for q = 2: the
    error is 0.1 % at a refinement of 16, 0.01 % at 64 (without grading 1.7 % there). A contrast of 100 wants 17, which
    gives 0.3 % at 16; refinement stops helping at 0.2 %, because floating-point places tell nothing finer than 1e-12
    of a tile apart and a corner's smaller surroundings still carry that much. This grows with the contrast, and
    ``EffectiveTensor.error`` includes it.

    Parameters
    ----------
    grading
        Exponent of the rings' distances, at least 1 (equal rings).

    Raises
    ------
    ValueError
        For a grading below 1; for a refinement below 4.

    Examples
    --------
    >>> Checkerboard(5.0).cell(16).areas().round(12)
    array([0.5, 0.5])
    """

    grading: float = 5.0

    def __post_init__(self) -> None:
        if not 1 <= self.grading < np.inf:
            raise ValueError(f"`grading` must be at least 1, where rings are equal: got {self.grading}.")

    @property
    def volume_fraction(self) -> float:
        """One half."""
        return 0.5

    def cell(self, refinement: int) -> Cell:
        """A period along the diagonals, with two corners; elements on its sides of about 1/``refinement`` of it.

        The refinement is rounded up to a multiple of 4; elements away from the sides are longer by the grading.
        """
        from skfem import MeshTri

        at_least(refinement, 4)
        rings = -(-refinement // 4)
        # in axes along the diagonals, two corners make a period: one at the origin, one in the middle
        tile = np.array([[2, 0], [1, 1], [0, 2], [-1, 1], [-2, 0], [-1, -1], [0, -2], [1, -1]]) / 4
        counts, distances = self._rings(rings)
        net = fan(tile, counts)
        local = net.direction * distances[net.ring][:, None]
        places = np.concatenate((local, local + 0.5))
        triangles = np.concatenate((net.triangles, net.triangles + len(local)), axis=1)
        quadrant = (net.sector + 1) // 2 % 2
        mesh = MeshTri(np.ascontiguousarray(places.T), triangles)
        return Cell(mesh, np.concatenate((quadrant, 1 - quadrant)), pi / 4)

    def _rings(self, rings: int) -> tuple[list[int], NDArray[np.float64]]:
        """Edges per sector on each ring, and the rings' distances: (j/n)^grading, but no step of more than a factor."""
        first = min(rings, ceil(1 / (1 - _STEP ** (-1 / self.grading))))
        graded = (np.arange(first, rings + 1) / rings) ** self.grading
        finest = max(float(rings) ** -self.grading, _FINEST)
        steps = ceil(log(graded[0] / finest) / log(_STEP))
        inner = np.geomspace(finest, graded[0], steps + 1)[:-1]
        return [first] * steps + list(range(first, rings + 1)), np.concatenate(([0.0], inner, graded))

    def outline(self) -> list[NDArray[np.float64]]:
        """The two squares of the inclusion, a polygon (corner, 2) each."""
        square = 0.5 * np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        return [square + np.array(corner) for corner in ((0.5, 0.0), (0.0, 0.5))]


def singular_exponent(conductivities: ArrayLike) -> float:
    """α of the temperature's r^α around a corner of a checkerboard.

    tan(πα/4)² is the ratio of the smaller conductivity to the larger one: 1 without contrast, 0 in its limit.

    References
    ----------
    J. B. Keller, J. Math. Phys. 28 (1987) 2516, doi:10.1063/1.527741.

    Examples
    --------
    >>> round(singular_exponent((1.0, 10.0)), 6)
    0.389964
    """
    phases = as_conductivities(conductivities)
    return 4 / pi * atan(sqrt(phases.min() / phases.max()))


def grading_for(conductivities: ArrayLike, degree: int = 2) -> float:
    """The grading that gives elements of a degree their order at the corners, with a tenth to spare.

    Examples
    --------
    >>> round(grading_for((1.0, 10.0)), 2)
    5.64
    """
    return max(1.0, 1.1 * degree / singular_exponent(conductivities))
