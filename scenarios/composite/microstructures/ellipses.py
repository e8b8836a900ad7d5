"""Elliptic cylinders in a square array."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.composite.cell import Cell
from scenarios.composite.cell.cell import rotation
from scenarios.composite.microstructures.fan import Fan, fan
from scenarios.composite.microstructures.protocol import at_least, fraction_below

__all__ = ["Ellipses", "ellipse_cell", "ellipse_outline", "touching_fraction"]


@dataclass(frozen=True)
class Ellipses:
    """Parallel cylinders of elliptic section, one per period of a square array.

    The mesh is structured around the ellipse and fills the Voronoi cell of the array in the ellipse's own metric
    (a square for round or aligned sections, else a parallelogram or a hexagon); edges on the ellipse are parabolas,
    so that elements of degree q keep their order 2q.

    Parameters
    ----------
    volume_fraction
        Of the cylinders, below the fraction at which they touch (``touching_fraction``).
    aspect
        Long axis over short axis, at least 1.
    angle
        Of the long axis to the x axis (radians, counter-clockwise).

    Raises
    ------
    ValueError
        For an aspect below 1, an angle that is not finite, a volume fraction beyond touching; for a refinement below
        4 or too coarse for the gap.

    Examples
    --------
    >>> Ellipses(0.2, 2.0, np.pi / 6).cell(8).areas().round(12)
    array([0.8, 0.2])
    """

    volume_fraction: float
    aspect: float
    angle: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.aspect < np.inf:
            raise ValueError(f"`aspect` must be at least 1 (long axis over short axis): got {self.aspect}.")
        if not isfinite(self.angle):
            raise ValueError(f"`angle` must be finite (radians): got {self.angle}.")
        fraction_below(self.volume_fraction, touching_fraction(self.aspect, self.angle), "ellipses in a square array")

    def cell(self, refinement: int) -> Cell:
        """The period, meshed with elements of about 1/``refinement``, rounded up to a multiple of 4."""
        return ellipse_cell(self.volume_fraction, _shape(self.aspect, self.angle), refinement)

    def outline(self) -> list[NDArray[np.float64]]:
        """The ellipses that meet the unit square, one polygon (corner, 2) each; they may stick out."""
        return ellipse_outline(self.volume_fraction, _shape(self.aspect, self.angle))


def touching_fraction(aspect: float, angle: float) -> float:
    """The volume fraction at which ellipses in a square array touch.

    Equal ellipses, turned alike, touch where half the step between their centres is as long as their common radius,
    both measured in the metric in which they are circles.

    Examples
    --------
    >>> round(touching_fraction(1.0, 0.0), 12), round(touching_fraction(2.0, 0.0), 12)
    (0.785398163397, 0.392699081699)
    """
    return pi / 4 * float(_reduced(_shape(aspect, angle))[1][0] ** 2)


def ellipse_cell(volume_fraction: float, shape: NDArray[np.float64], refinement: int) -> Cell:
    """One ellipse of an area, the image of a circle under ``shape`` (2, 2) of determinant 1, in its Voronoi cell."""
    at_least(refinement, 4)
    inner = -(-refinement // 4)
    net = fan(_tile(volume_fraction, shape), range(1, 2 * inner + 1))
    phase = (net.layer < inner).astype(np.int64)
    radius = np.sqrt(volume_fraction / pi)
    rough = Cell(_mesh(net, inner, shape, radius), phase)
    # parabolas and chords through points of the ellipse enclose less than it does: blown up, they enclose as much
    curved, straight = (
        _mesh(net, inner, shape, radius * np.sqrt(volume_fraction / area))
        for area in (rough.areas()[1], Cell(rough.straight, phase).areas()[1])
    )
    return Cell(curved, phase, straight=Cell(straight, phase).straight)


def ellipse_outline(volume_fraction: float, shape: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Polygons of the copies of an ellipse that meet the unit square (``shape`` as in ``ellipse_cell``)."""
    turns = np.linspace(0, 2 * pi, 73)[:-1]
    ellipse = np.sqrt(volume_fraction / pi) * np.stack((np.cos(turns), np.sin(turns)), axis=1) @ shape.T
    reach = range(-int(np.ceil(np.abs(ellipse).max())), int(np.ceil(np.abs(ellipse).max())) + 1)
    copies = [ellipse + 0.5 + np.array([column, row]) for column in reach for row in reach]
    return [copy for copy in copies if ((copy >= 0) & (copy <= 1)).all(axis=1).any()]


def _shape(aspect: float, angle: float) -> NDArray[np.float64]:
    return np.asarray(rotation(angle) @ np.diag([np.sqrt(aspect), 1 / np.sqrt(aspect)]))


def _reduced(shape: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lagrange's shortest basis (2, 2) of the lattice in the circle's metric, as rows there, and its two lengths."""
    first, second = np.linalg.inv(shape).T
    while True:
        if first @ first > second @ second:
            first, second = second, first
        steps = np.round(first @ second / (first @ first))
        if steps == 0:
            basis = np.array([first, second if first @ second <= 0 else -second])
            return basis, np.sqrt((basis**2).sum(axis=1))
        second = second - steps * first


def _tile(volume_fraction: float, shape: NDArray[np.float64]) -> NDArray[np.float64]:
    """Corners (side, 2), in turn, of a tile around the origin that holds the ellipse: a parallelogram or a hexagon."""
    (first, second), lengths = _reduced(shape)
    diameter = 2 * np.sqrt(volume_fraction / pi)
    upright = abs(first @ second) < 0.2 * lengths.prod()  # else a hexagon has rounder elements
    if upright and 1 / lengths[1] - diameter >= (lengths[0] - diameter) / 2:  # the gap left by a parallelogram will do
        corners = np.array([first - second, first + second, second - first, -first - second]) / 2
        corners = np.stack((corners, (corners + np.roll(corners, -1, axis=0)) / 2), axis=1).reshape(-1, 2)
    else:  # Voronoi's hexagon; the angle between first and second is obtuse
        steps = np.array([first, first + second, second, -first, -first - second, -second])
        corners = np.array(
            [
                np.linalg.solve(np.array([step, following]), np.array([step @ step, following @ following]) / 2)
                for step, following in zip(steps, np.roll(steps, -1, axis=0), strict=True)
            ]
        )
    return np.asarray(corners @ shape.T)


def _mesh(net: Fan, inner: int, shape: NDArray[np.float64], radius: float) -> Any:
    """Scale a fan along its rays, so that ring ``inner`` is the ellipse and the last ring the tile."""
    from dataclasses import replace

    from skfem import MeshTri, MeshTri2

    def place(direction: NDArray[np.float64], ring: NDArray[np.float64]) -> NDArray[np.float64]:
        widening = np.sqrt(((direction @ np.linalg.inv(shape).T) ** 2).sum(axis=1)) / radius
        within, beyond = np.minimum(ring / inner, 1.0), np.maximum(ring / inner - 1.0, 0.0)
        # beyond the ellipse, rings widen like their distance, as the field around a cylinder does
        return np.asarray(direction * (within * widening ** (beyond - 1.0))[:, None])

    places = np.zeros_like(net.direction)
    places[1:] = place(net.direction[1:], net.ring[1:].astype(np.float64))
    mesh = MeshTri2.from_mesh(MeshTri(np.ascontiguousarray(places.T), net.triangles))
    # inside, edges are straight; from the ellipse outwards all of them bend with it, or thin layers would fold
    bent = np.flatnonzero((net.ring[mesh.facets] >= inner).all(axis=0))
    ring = net.ring[mesh.facets[:, bent]]
    middle = ring.mean(axis=0)
    direction = (ring[:, :, None] * net.direction[mesh.facets[:, bent]]).mean(axis=0) / middle[:, None]
    nodes = mesh.doflocs.copy()
    nodes[:, len(places) + bent] = place(direction, middle).T
    return replace(mesh, doflocs=np.ascontiguousarray(nodes + 0.5))
