"""The gradient that the elements around a corner agree on."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["recovered"]

Array: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.intp]

_DETERMINED = 1e-8  # least eigenvalue of the normal equations of a fit over its largest: round-off is 1e-16


def recovered(mesh: Any, degree: int, positions: Array, values: Array, local: Array, places: Array) -> Array:
    """Superconvergent patch recovery: a smooth function from values inside of the elements.

    Around each corner of the mesh a polynomial is fitted to the values in all elements that meet there; an element
    blends those of its three corners by their linear shape functions. At corners on the boundary the patches of the
    neighbours join in. A patch that does not determine the polynomial gets one of less degree, at least the mean.
    Elements of different named subdomains of the mesh, such as two materials, are kept apart.

    Parameters
    ----------
    mesh
        A triangular mesh of scikit-fem, straight or curved.
    degree
        Of the polynomials: the one of the elements whose gradient it is.
    positions : (element, point, 2)
        Where the values are.
    values : (element, point, component)
        What is fitted.
    local : (2, place)
        Where on the triangle (0, 0), (1, 0), (0, 1) the function is wanted.
    places : (element, place, 2)
        The same on the mesh.

    Returns
    -------
    Array
        (element, place, component)

    References
    ----------
    O. C. Zienkiewicz and J. Z. Zhu, Int. J. Numer. Methods Eng. 33 (1992) 1331, doi:10.1002/nme.1620330702, who
    evaluate at the nodes: blending gives the same there, in the middle of an edge the mean of the patches at its ends.
    """
    corners, centres = _corners(mesh)
    patches, powers = _patches(corners), _powers(degree)
    scales = np.ones((patches.shape[0], 2))
    coefficients = np.zeros((patches.shape[0], len(powers), values.shape[2]))
    sizes = np.diff(patches.indptr)
    for size in np.unique(sizes):  # those of as many elements at once
        here = np.flatnonzero(sizes == size)
        members = patches.indices[patches.indptr[here][:, np.newaxis] + np.arange(size)]
        offsets = positions[members].reshape(len(here), -1, 2) - centres[here][:, np.newaxis]
        reach = np.abs(offsets).max(axis=1)
        scales[here] = np.maximum(reach, 1e-3 * reach.max(axis=1, keepdims=True))
        terms = _terms(offsets / scales[here][:, np.newaxis], powers)
        coefficients[here] = _fitted(terms, values[members].reshape(len(here), -1, values.shape[2]), powers)
    blended = np.zeros((*places.shape[:2], values.shape[2]))
    for corner, share in zip(corners, (1 - local.sum(axis=0), *local), strict=True):
        offsets = (places - centres[corner][:, np.newaxis]) / scales[corner][:, np.newaxis]
        blended += share[:, np.newaxis] * (_terms(offsets, powers) @ coefficients[corner])
    return blended


def _corners(mesh: Any) -> tuple[Integers, Array]:
    """Of each element (3, element), once for each kind of subdomain that meets there; their places (corner, 2)."""
    vertices, count = np.asarray(mesh.t[:3], dtype=np.intp), int(mesh.nvertices)
    belongs = np.zeros((len(mesh.subdomains or {}) + 1, vertices.shape[1]), dtype=bool)
    for row, elements in zip(belongs, (mesh.subdomains or {}).values(), strict=False):
        row[elements] = True
    kinds = np.unique(belongs, axis=1, return_inverse=True)[1].reshape(-1)
    met, corners = np.unique(vertices + count * kinds, return_inverse=True)
    return corners.reshape(vertices.shape), np.asarray(mesh.p).T[met % count]


def _patches(corners: Integers) -> sparse.csr_array:
    """Which elements (column) the fit around a corner (row) takes in."""
    elements = corners.shape[1]
    rows, columns = corners.ravel(), np.tile(np.arange(elements), 3)
    meet = sparse.csr_array((np.ones(rows.size), (rows, columns)))
    joined = sparse.csr_array(meet @ meet.T)  # corners of one element
    # elements all around a corner have as many other corners as they are; where they leave a gap, one more
    gap = (np.diff(joined.indptr) - 1 > np.diff(meet.indptr)).astype(np.float64)
    chosen = sparse.diags_array(gap) @ joined @ meet + sparse.diags_array(1 - gap) @ meet
    patches = sparse.csr_array(chosen)
    patches.eliminate_zeros()
    return patches


def _powers(degree: int) -> Integers:
    """Exponents of x and y, in the order of their sum: (term, 2)."""
    return np.array([(total - y, y) for total in range(degree + 1) for y in range(total + 1)])


def _terms(offsets: Array, powers: Integers) -> Array:
    """(..., 2) -> (..., term)."""
    terms: Array = np.prod(offsets[..., np.newaxis, :] ** powers, axis=-1)
    return terms


def _fitted(terms: Array, values: Array, powers: Integers) -> Array:
    """Least squares: terms (patch, point, term), values (patch, point, component) -> (patch, term, component)."""
    transposed = np.swapaxes(terms, 1, 2)
    normal, right = transposed @ terms, transposed @ values
    coefficients = np.zeros_like(right)
    todo = np.arange(len(terms))
    for degree in range(int(powers.sum(axis=1).max()), -1, -1):
        count = int((powers.sum(axis=1) <= degree).sum())
        spectra = np.linalg.eigvalsh(normal[todo, :count, :count])
        determined = spectra[:, 0] > _DETERMINED * spectra[:, -1]
        here = todo[determined]
        coefficients[here, :count] = np.linalg.solve(normal[here, :count, :count], right[here, :count])
        todo = todo[~determined]
    return coefficients
