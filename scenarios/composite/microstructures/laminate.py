"""Plane layers of two materials."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from scenarios.composite.cell import Cell
from scenarios.composite.cell.cell import rotation
from scenarios.composite.microstructures.protocol import at_least, fraction_below

__all__ = ["Laminate"]


@dataclass(frozen=True)
class Laminate:
    """Layers of two materials in turn, which the cell problem solves in their own axes: two elements across are exact.

    Parameters
    ----------
    volume_fraction
        Of the inclusion, between 0 and 1.
    angle
        Of the layers' normal to the x axis (radians, counter-clockwise).

    Raises
    ------
    ValueError
        For a volume fraction outside (0, 1) or an angle that is not finite; for a refinement below 2.

    Examples
    --------
    >>> Laminate(0.25, np.pi / 6).cell(2).areas()
    array([0.75, 0.25])
    """

    volume_fraction: float
    angle: float = 0.0

    def __post_init__(self) -> None:
        fraction_below(self.volume_fraction, 1.0, "layers")
        if not isfinite(self.angle):
            raise ValueError(f"`angle` must be finite (radians): got {self.angle}.")

    def cell(self, refinement: int) -> Cell:
        """One period along the layers' normal, turned with them; elements of about 1/``refinement``."""
        from skfem import MeshTri

        at_least(refinement, 2)
        interface = 1 - self.volume_fraction
        layers = [max(1, round(refinement * thickness)) for thickness in (interface, self.volume_fraction)]
        across = np.concatenate(
            (np.linspace(0, interface, layers[0] + 1), np.linspace(interface, 1, layers[1] + 1)[1:])
        )
        mesh = MeshTri.init_tensor(across, np.linspace(0, 1, refinement + 1))
        phase = mesh.p[0, mesh.t].mean(axis=0) > interface
        return Cell(mesh, phase.astype(np.int64), self.angle)

    def outline(self) -> list[NDArray[np.float64]]:
        """The inclusion's layers inside the unit square, one polygon (corner, 2) each."""
        normal = rotation(self.angle)[:, 0]
        centre = np.array([0.5, 0.5])
        square = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        layers = []
        for middle in (-1.0, 0.0, 1.0):
            layer = square
            for side in (1.0, -1.0):
                depth = side * ((layer - centre) @ normal - middle) - self.volume_fraction / 2
                layer = _cut(layer, depth)
            if len(layer) > 2:
                layers.append(layer)
        return layers


def _cut(polygon: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """The part of a convex polygon (corner, 2) where the linear function with values ``depth`` is negative."""
    kept = []
    for corner, following in zip(range(len(polygon)), np.roll(np.arange(len(polygon)), -1), strict=True):
        if depth[corner] <= 0:
            kept.append(polygon[corner])
        if depth[corner] * depth[following] < 0:
            share = depth[corner] / (depth[corner] - depth[following])
            kept.append((1 - share) * polygon[corner] + share * polygon[following])
    return np.array(kept).reshape(-1, 2)
