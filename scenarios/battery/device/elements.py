"""Quadratic finite elements of a bar and of a plate: nodes, shapes and weights, from scikit-fem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np
import skfem
from numpy.typing import NDArray

__all__ = ["Body", "Region", "bar", "plate"]

Array: TypeAlias = NDArray[np.float64]
Numbers: TypeAlias = NDArray[np.intp]

_ORDER = 7  # of the polynomials that are integrated exactly: four points of Gauss along every axis
_SINGULAR = 2  # grading towards the place where an electrode ends
_FEWEST = 2  # elements on a stretch between such places
_PLACED = 1e-6  # of an element: how precisely a point of a face is found in it before the last, quadratic, iteration


@dataclass(frozen=True, eq=False)
class Region:
    """Elements, or faces of them, over which something is integrated.

    Attributes
    ----------
    nodes : (element, corner)
        Numbers of the nodes; a corner is a node of an element, wherever it lies.
    shapes : (element, point, corner)
        Of the nodes at the points of Gauss.
    weights : (element, point)
        With the extent along the axes that are not resolved (m³ in the body, m² on its surface).
    gradients : (axis, element, point, corner)
        Of the shapes (1/m).
    """

    nodes: Numbers
    shapes: Array
    weights: Array
    gradients: Array

    def at_points(self, values: Array) -> Array:
        """Values at nodes (node,) -> at the points of Gauss (element, point)."""
        return np.asarray(np.einsum("eqc,ec->eq", self.shapes, values[self.nodes]))

    def loads(self, density: Array) -> Array:
        """The integral of a density (element, point) times each shape, (element, corner)."""
        return np.asarray(np.einsum("eqc,eq->ec", self.shapes, density * self.weights))

    def masses(self, density: Array | float = 1.0) -> Array:
        """The integral of a density (element, point) times each product of two shapes, (element, corner, corner)."""
        weighted = self.shapes * (density * self.weights)[:, :, np.newaxis]
        return np.asarray(weighted.transpose(0, 2, 1) @ self.shapes)

    @cached_property
    def stiffnesses(self) -> Array:
        """The weighted product of two gradients at each point, (element, point, corner, corner)."""
        return np.asarray(np.einsum("aeqc,aeqd,eq->eqcd", self.gradients, self.gradients, self.weights))


@dataclass(frozen=True, eq=False)
class Body:
    """A bar or a plate in finite elements; nodes are numbered along x, and across it where x is the same.

    Attributes
    ----------
    places : (node, axis)
        Of the nodes (m).
    vertices : (vertex,)
        Numbers of the nodes that are corners of elements.
    inside
        The whole of it.
    electrodes
        What the electrode at x = 0 and the one at the other end cover.
    sides
        What else is surface and resolved; empty for a bar.
    """

    places: Array
    vertices: Numbers
    inside: Region
    electrodes: tuple[Region, Region]
    sides: Region

    @property
    def count(self) -> int:
        """How many nodes there are."""
        return len(self.places)


def bar(length: float, section: float, elements: int, grading: int = 1) -> Body:
    """A bar of a length (m) and a cross-section (m²) between two electrodes.

    ``grading``: places of nodes near an end go with this power of their number from there. A hot bar between cold ends
    has its resistance and its heat there, in a layer that is the thinner, the hotter it is.

    >>> body = bar(0.01, 1e-5, elements=4)
    >>> body.count, float(body.inside.weights.sum().round(12))
    (9, 1e-07)
    """
    mesh = skfem.MeshLine(_stretch(0.0, length, elements, grading, grading))
    ends = [mesh.facets_satisfying(lambda place, x=x: place[0] == x) for x in (0.0, length)]
    return _body(mesh, skfem.ElementLineP2(), section, ends)


def plate(
    length: float,
    width: float,
    thickness: float,
    electrodes: Sequence[tuple[float, float]],
    elements: tuple[int, int],
    grading: int = 1,
) -> Body:
    """A plate (m) whose electrodes cover shares (low, high) of the width at its two ends.

    Elements are shorter near the ends, by the ``grading`` as in a bar, and where an electrode ends on the way: there
    the potential goes with the root of the distance, and the field is infinite.

    >>> body = plate(0.02, 0.01, 0.001, [(0.0, 1.0), (0.0, 0.5)], elements=(4, 4))
    >>> [float(electrode.weights.sum().round(9)) for electrode in body.electrodes]
    [1e-05, 5e-06]
    """
    marks = np.array(sorted({0.0, 1.0}.union(*electrodes)))
    counts = np.sqrt(np.diff(marks))  # so that a short stretch has enough of them, too
    counts = np.maximum(np.rint(elements[1] * counts / counts.sum()), 1 if len(counts) == 1 else _FEWEST).astype(int)
    across = [0.0]
    for low, high, count in zip(marks[:-1], marks[1:], counts, strict=True):
        powers = (_SINGULAR if low > 0 else 1, _SINGULAR if high < 1 else 1)
        across += _stretch(low * width, high * width, count, *powers)[1:].tolist()
    mesh = skfem.MeshQuad.init_tensor(_stretch(0.0, length, elements[0], grading, grading), np.array(across))
    ends = [
        mesh.facets_satisfying(
            lambda place, x=x, low=low, high=high: (
                np.isclose(place[0], x, atol=1e-9 * length) & (low * width < place[1]) & (place[1] < high * width)
            )
        )
        for x, (low, high) in zip((0.0, length), electrodes, strict=True)
    ]
    return _body(mesh, skfem.ElementQuad2(), thickness, ends)


def _stretch(low: float, high: float, count: int, at_low: int, at_high: int) -> Array:
    """Ends of elements, whose places near an end of the stretch go with a power of their number from there."""
    share = np.linspace(0.0, 1.0, count + 1)
    if at_low > 1 and at_high > 1:
        share = np.where(share < 0.5, (2 * share) ** at_low, 2 - (2 - 2 * share) ** at_high) / 2
    elif at_low > 1:
        share = share**at_low
    elif at_high > 1:
        share = 1 - (1 - share) ** at_high
    return np.asarray(low + (high - low) * share)


def _body(mesh: Any, element: Any, extent: float, ends: Sequence[Numbers]) -> Body:
    inside = skfem.Basis(mesh, element, intorder=_ORDER)
    size = inside.doflocs.max()
    shares = (inside.doflocs / size).round(12)  # so that what lies on a line has the same coordinate to the last bit
    order = np.lexsort(shares[::-1])
    numbers = np.empty_like(order)
    numbers[order] = np.arange(len(order))
    one_axis = mesh.dim() == 1
    rest = np.empty(0, np.intp) if one_axis else np.setdiff1d(mesh.boundary_facets(), np.concatenate(ends))

    mapping = mesh.mapping()
    if not one_axis:  # its tolerance of 1e-12 is below rounding in elements that are short beside their place
        mapping.invF = partial(mapping.invF, newton_tol=_PLACED)

    def surface(facets: Numbers) -> Region:
        faces = skfem.FacetBasis(mesh, element, mapping=mapping, facets=facets, intorder=_ORDER)
        return _region(faces, numbers, extent)

    first, last = (surface(facets) for facets in ends)
    return Body(
        places=size * shares.T[order],
        vertices=np.sort(numbers[inside.nodal_dofs[0]]),
        inside=_region(inside, numbers, extent),
        electrodes=(first, last),
        sides=surface(rest) if len(rest) else _nothing(first),
    )


def _region(basis: Any, numbers: Numbers, extent: float) -> Region:
    shape = basis.dx.shape
    shapes = [np.broadcast_to(np.asarray(field), shape) for (field,) in basis.basis]
    gradients = [np.broadcast_to(field.grad, (basis.mesh.dim(), *shape)) for (field,) in basis.basis]
    return Region(
        nodes=numbers[basis.element_dofs.T],
        shapes=np.ascontiguousarray(np.stack(shapes, axis=-1)),
        weights=basis.dx * extent,
        gradients=np.ascontiguousarray(np.stack(gradients, axis=-1)),
    )


def _nothing(like: Region) -> Region:
    return Region(like.nodes[:0], like.shapes[:0], like.weights[:0], like.gradients[:, :0])
