"""One period of a two-phase microstructure, meshed so that no element crosses an interface."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cell", "rotation"]


@dataclass(frozen=True, eq=False)
class Cell:
    """One period of a microstructure on a fitted mesh.

    The elements tile the unit torus [0, 1)²; they may stick out of the unit square, and neighbours need not share
    their nodes: what lies at the same place modulo 1 is the same.

    Attributes
    ----------
    mesh
        A triangle or quadrilateral mesh of scikit-fem, of first or second order; lengths in periods.
    phase : (element,)
        0 in the matrix, 1 in the inclusion.
    angle
        By how much the axes of the cell are turned against those of the part (radians, counter-clockwise).
    sides
        Of the torus, where it is no square: the elements tile [0, sides[0]) × [0, sides[1]).
    straight
        The same elements with straight edges, for linear elements (which on curved ones could not even hold a uniform
        gradient); by default the corners of ``mesh`` joined.

    Raises
    ------
    ValueError
        If ``phase`` does not name the phase of every element, the angle is not finite, or the sides are not positive.

    Examples
    --------
    >>> import skfem
    >>> mesh = skfem.MeshTri.init_tensor(np.array([0, 0.7, 1]), np.array([0, 0.5, 1]))
    >>> cell = Cell(mesh, (mesh.p[0, mesh.t].mean(axis=0) > 0.7).astype(int))
    >>> cell.areas().round(12)
    array([0.7, 0.3])
    """

    mesh: Any
    phase: NDArray[np.integer]
    angle: float = 0.0
    sides: tuple[float, float] = (1.0, 1.0)
    straight: Any = None

    def __post_init__(self) -> None:
        phase = np.asarray(self.phase)
        elements = self.mesh.t.shape[1]
        if phase.shape != (elements,) or not np.isin(phase, (0, 1)).all():
            raise ValueError(
                f"`phase` must be 0 (matrix) or 1 (inclusion) for each of the {elements} elements: "
                f"got shape {phase.shape} with values {np.unique(phase)[:4].tolist()}."
            )
        if not isfinite(self.angle):
            raise ValueError(f"`angle` must be finite (radians): got {self.angle}.")
        if not all(isfinite(side) and side > 0 for side in self.sides):
            raise ValueError(f"`sides` must be finite and positive: got {self.sides}.")
        object.__setattr__(self, "phase", phase.astype(np.int64))
        object.__setattr__(self, "straight", _straight(self.mesh) if self.straight is None else self.straight)

    def areas(self) -> NDArray[np.float64]:
        """The areas (matrix, inclusion) of the meshed phases, in units of the cell."""
        from skfem import Basis

        element = np.asarray(Basis(self.mesh, lagrange(self.mesh, 1), intorder=4).dx).sum(axis=1)
        return np.bincount(self.phase, weights=element, minlength=2) / np.prod(self.sides)


def rotation(angle: float) -> NDArray[np.float64]:
    """The matrix (2, 2) that turns vectors counter-clockwise by ``angle`` (radians).

    Examples
    --------
    >>> (rotation(np.pi / 2) @ [1, 0]).round(12)
    array([0., 1.])
    """
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])


def lagrange(mesh: Any, degree: int) -> Any:
    """The Lagrange element of a degree (1 or 2) for the mesh's triangles or quadrilaterals."""
    import skfem

    elements = {
        skfem.MeshTri1: (skfem.ElementTriP1, skfem.ElementTriP2),
        skfem.MeshQuad1: (skfem.ElementQuad1, skfem.ElementQuad2),
    }
    for kind, choices in elements.items():
        if isinstance(mesh, kind):
            return choices[degree - 1]()
    raise ValueError(f"The mesh of a cell has triangles or quadrilaterals: got {type(mesh).__name__}.")


def _straight(mesh: Any) -> Any:
    import skfem

    for curved, flat in ((skfem.MeshTri2, skfem.MeshTri), (skfem.MeshQuad2, skfem.MeshQuad)):
        if isinstance(mesh, curved):
            return flat(np.ascontiguousarray(mesh.doflocs[:, : mesh.nvertices]), mesh.t)
    return mesh
