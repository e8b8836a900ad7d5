"""Degrees of freedom on a torus: the same place modulo 1, the same unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["torus"]


def torus(basis: Any, sides: tuple[float, float] = (1.0, 1.0)) -> csr_array:
    """Unknowns of the torus -> degrees of freedom of the mesh, as a sparse matrix of zeros and ones.

    Only what lies on the mesh's boundary can meet something else, so that tiny elements inside are never merged.

    Parameters
    ----------
    basis
        A basis of scikit-fem on a mesh that tiles the torus.
    sides
        Of the torus.

    Raises
    ------
    ValueError
        If something on the boundary meets nothing: the mesh does not tile the unit torus.

    Examples
    --------
    >>> import skfem
    >>> basis = skfem.Basis(skfem.MeshTri().refined(1), skfem.ElementTriP1())
    >>> torus(basis).shape
    (9, 4)
    """
    from scipy.sparse import coo_array, csr_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    mesh = basis.mesh
    boundary = np.asarray(basis.get_dofs(mesh.boundary_facets()).all())
    places = np.mod(basis.doflocs[:, boundary].T, sides)
    places[places >= sides] = 0.0  # a tiny negative number modulo 1 rounds to 1
    pairs = cKDTree(places, boxsize=np.array(sides)).query_pairs(_tolerance(mesh), output_type="ndarray")
    alone = np.setdiff1d(np.arange(len(boundary)), pairs)
    if len(alone):
        raise ValueError(
            "The mesh must tile the unit torus: every node of its boundary must lie on another one modulo 1; "
            f"got {len(alone)} of {len(boundary)} that do not, the first at {basis.doflocs[:, boundary[alone[0]]]}. "
            "Give opposite sides the same nodes."
        )
    count = basis.N
    links = coo_array((np.ones(len(pairs)), (boundary[pairs[:, 0]], boundary[pairs[:, 1]])), shape=(count, count))
    unknowns, unknown = connected_components(links, directed=False)
    return csr_array((np.ones(count), (np.arange(count), unknown)), shape=(count, unknowns))


def _tolerance(mesh: Any) -> float:
    """A thousandth of the shortest boundary edge, but never less than rounding moves a place."""
    ends: NDArray[np.float64] = mesh.p[:, mesh.facets[:, mesh.boundary_facets()]]
    shortest = np.sqrt(((ends[:, 0] - ends[:, 1]) ** 2).sum(axis=0)).min()
    return float(max(1e-3 * shortest, 1e-14))
