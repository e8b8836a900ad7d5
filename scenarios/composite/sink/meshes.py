"""Meshes of the part, that are rows of quadrilaterals in its own coordinates, each of two curved triangles."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import skfem
from numpy.typing import ArrayLike, NDArray
from skfem.mapping import MappingIsoparametric

from scenarios.composite.sink.geometry import Sink

__all__ = ["FittedMesh", "coarse_mesh", "layered_mesh"]

Array: TypeAlias = NDArray[np.float64]

_GROWTH = 1.5  # of a row over its neighbour that is nearer to the boundary
_SLACK = 1e-9  # of coordinates, for round-off
_FIRST = 4  # rows in a period at the boundary, where layers end


class _Mapping(MappingIsoparametric):  # type: ignore[misc]
    """From the standard triangle to curved ones, whose inverse is known: they are straight in the part's coordinates.

    Newton's method, in its place, fails where elements are small or slender.
    """

    def __init__(self, mesh: Any, sink: Sink) -> None:
        super().__init__(mesh, mesh.elem(), mesh.bndelem)
        self._sink = sink
        self._vertices = sink.coordinates(mesh.p[:, : mesh.nvertices].T).T

    def invF(self, x: Array, tind: Any = None) -> Array:
        """Positions (2, element, point) in m -> places in the standard triangle, likewise."""
        corners = self._vertices[:, self.mesh.t if tind is None else self.mesh.t[:, tind]]
        points = self._sink.coordinates(x.reshape(2, -1).T).T.reshape(x.shape)
        return np.clip(_local(corners[:, :, :, np.newaxis], points), 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class FittedMesh:
    """Quadratic triangles between lines that run along the layers.

    Attributes
    ----------
    sink
        The part.
    along : (row + 1,)
        Ends of the rows in the part's second coordinate.
    across : (row + 1, column + 1)
        Ends of the columns there, in its first one.
    """

    sink: Sink
    along: Array
    across: Array

    @cached_property
    def mesh(self) -> Any:
        """As a ``skfem.MeshTri2`` in m, with the sides ``left``, ``right``, ``bottom`` and ``top``."""
        straight = skfem.MeshTri(self._vertices, self._triangles)
        curved = skfem.MeshTri2.from_mesh(straight)
        middles = straight.p[:, straight.facets].mean(axis=1)
        outside = straight.boundary_facets()
        sides = {
            "left": middles[0] < _SLACK,
            "right": middles[0] > 1 - _SLACK,
            "bottom": middles[1] < _SLACK,
            "top": middles[1] > 1 - _SLACK,
        }
        named = {name: outside[on_it[outside]] for name, on_it in sides.items()}
        bent = np.ascontiguousarray(self.sink.places(curved.doflocs.T).T)
        mesh = skfem.MeshTri2(bent, curved.t).with_boundaries(named)
        mesh._cached_mapping = _Mapping(mesh, self.sink)
        return mesh

    @property
    def _vertices(self) -> Array:
        return np.vstack([self.across.ravel(), np.repeat(self.along, self.across.shape[1])])

    @property
    def _triangles(self) -> NDArray[np.int64]:
        rows, columns = self.across.shape
        first = (np.arange(rows - 1)[:, np.newaxis] * columns + np.arange(columns - 1)).ravel()
        lower = np.array([first, first + 1, first + columns])
        upper = np.array([first + 1 + columns, first + columns, first + 1])
        return np.stack([lower, upper], axis=2).reshape(3, -1)

    def interpolate(self, basis: Any, values: Array, coordinates: ArrayLike) -> Array:
        """Values (dof,) of quadratic elements at coordinates of the part (point, 2) -> (point,)."""
        across, along = np.asarray(coordinates, dtype=np.float64).T
        row = np.clip(np.searchsorted(self.along, along, side="right") - 1, 0, len(self.along) - 2)
        up = (along - self.along[row]) / np.diff(self.along)[row]
        lines = self.across[row] * (1 - up)[:, np.newaxis] + self.across[row + 1] * up[:, np.newaxis]
        columns = lines.shape[1] - 1
        column = np.clip((lines <= across[:, np.newaxis]).sum(axis=1) - 1, 0, columns - 1)
        found = np.full(len(across), np.nan)
        for side in (0, 1):
            elements = 2 * (row * columns + column) + side
            local = _local(self._vertices[:, basis.mesh.t[:, elements]], np.array([across, along]))
            inside = (local.min(axis=0) >= -_SLACK) & (local.sum(axis=0) <= 1 + _SLACK)
            shapes = np.array([basis.elem.lbasis(local[:, inside], shape)[0] for shape in range(6)])
            found[inside] = np.sum(shapes * values[basis.element_dofs[:, elements[inside]]], axis=0)
        return found


def coarse_mesh(sink: Sink, elements: int) -> FittedMesh:
    """So many rows and columns of equal size, whatever the layers.

    >>> coarse_mesh(Sink(), 4).mesh.nelements
    32
    """
    if elements < 1:
        raise ValueError(f"`elements` must be at least 1: got {elements}.")
    even = np.linspace(0, 1, elements + 1)
    return FittedMesh(sink, even, np.tile(even, (elements + 1, 1)))


def layered_mesh(sink: Sink, periods: int, *, refinement: int = 1, rows: int = 24) -> FittedMesh:
    """A mesh that no interface between layers crosses.

    Parameters
    ----------
    sink
        The part.
    periods
        Across it, each a layer of matrix and one of inclusion.
    refinement
        Columns in each layer.
    rows
        Into which the height is divided, with finer ones at foot and top, where layers end: there a row is a quarter
        of a period, and less by ``refinement``.

    Raises
    ------
    ValueError
        For numbers that are not positive.

    Examples
    --------
    >>> layered_mesh(Sink(), 2, rows=4).across[0].round(3).tolist()
    [0.0, 0.318, 0.5, 0.773, 1.0]
    """
    if min(periods, refinement, rows) < 1:
        raise ValueError(f"`periods`, `refinement` and `rows` must be at least 1: got {periods}, {refinement}, {rows}.")
    along = _graded(1 / (_FIRST * refinement * periods), rows)
    starts = np.broadcast_to(np.arange(periods) / periods, (len(along), periods))
    ends = np.stack([starts, sink.interfaces(along, periods)], axis=2).reshape(len(along), -1)
    ends = np.hstack([ends, np.ones((len(along), 1))])
    shares = np.arange(refinement) / refinement
    fine = ends[:, :-1, np.newaxis] + np.diff(ends)[:, :, np.newaxis] * shares
    return FittedMesh(sink, along, np.hstack([fine.reshape(len(along), -1), ends[:, -1:]]))


def _graded(first: float, rows: int) -> Array:
    """Rows that grow from the first size at both ends to one over ``rows``."""
    sizes = list[float]()
    while first < 1 / rows and sum(sizes) + first < 0.25:
        sizes.append(first)
        first *= _GROWTH
    near = np.concatenate([[0.0], np.cumsum(sizes)])
    even = max(1, round((1 - 2 * near[-1]) * rows))
    middle = np.linspace(near[-1], 1 - near[-1], even + 1)
    return np.concatenate([near[:-1], middle, (1 - near[:-1])[::-1]])


def _local(corners: Array, points: Array) -> Array:
    """Where points (2, ...) lie in triangles (2, corner, ...): (2, ...) in the triangle (0, 0), (1, 0), (0, 1)."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    away = points - corners[:, 0]
    size = first[0] * second[1] - first[1] * second[0]
    return np.asarray(
        [
            (away[0] * second[1] - away[1] * second[0]) / size,
            (first[0] * away[1] - first[1] * away[0]) / size,
        ]
    )
