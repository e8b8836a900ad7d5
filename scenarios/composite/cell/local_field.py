"""What a mean temperature gradient does inside a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.composite.cell.cell import lagrange, rotation
from scenarios.composite.cell.problem import CellProblem, EffectiveTensor, as_conductivities

__all__ = ["LocalField", "local_field"]


@dataclass(frozen=True, eq=False)
class LocalField:
    """Temperature and heat flux in a cell under a mean gradient, in the axes of the part, and their means.

    Attributes
    ----------
    places : (node, 2)
        Corners of the elements; lengths in periods.
    elements : (element, corner)
        Their nodes.
    temperature : (node,)
        In K per (K/m of gradient, m of period).
    flux : (element, 2)
        Mean heat flux of each element, in W/m² for a gradient in K/m.
    mean_gradient, mean_flux : (2,)
        Over the cell.
    dissipation
        Mean of -q·g over the cell. Hill and Mandel: it equals -<q>·<g>.
    """

    places: NDArray[np.float64]
    elements: NDArray[np.int64]
    temperature: NDArray[np.float64]
    flux: NDArray[np.float64]
    mean_gradient: NDArray[np.float64]
    mean_flux: NDArray[np.float64]
    dissipation: float


def local_field(
    problem: CellProblem, effective: EffectiveTensor, conductivities: ArrayLike, gradient: ArrayLike
) -> LocalField:
    """The fields in a cell whose mean temperature gradient is given.

    Parameters
    ----------
    problem, effective
        The cell problem, and its answer for these ``conductivities``.
    conductivities
        (matrix, inclusion) in W/(m K).
    gradient : (2,)
        Mean temperature gradient in K/m, in the axes of the part.

    Raises
    ------
    ValueError
        For conductivities that are not positive, or a gradient that is not two numbers.

    Examples
    --------
    >>> from scenarios.composite.microstructures import Laminate
    >>> problem = CellProblem(Laminate(0.5).cell(2))
    >>> local_field(problem, problem((1.0, 3.0)), (1.0, 3.0), (1.0, 0.0)).dissipation
    1.5
    """
    phases = as_conductivities(conductivities)
    mean = np.asarray(gradient, dtype=np.float64)
    if mean.shape != (2,) or not np.isfinite(mean).all():
        raise ValueError(f"`gradient` must be two numbers in K/m: got {mean.tolist()}.")
    turn = rotation(problem.cell.angle)
    own = turn.T @ mean
    basis = _basis(problem)
    deviation = own @ effective.correctors
    local = own[:, None, None] + np.asarray(basis.interpolate(deviation).grad)
    flux = -phases[problem.cell.phase][:, None] * local
    weights = np.asarray(basis.dx)
    total = weights.sum()
    corners = problem.mesh.p[:, : problem.mesh.nvertices]
    return LocalField(
        places=(turn @ corners).T,
        elements=problem.mesh.t.T.astype(np.int64),
        temperature=own @ corners + deviation[basis.nodal_dofs[0]],
        flux=((flux * weights).sum(axis=2) / weights.sum(axis=1)).T @ turn.T,
        mean_gradient=turn @ (local * weights).sum(axis=(1, 2)) / total,
        mean_flux=turn @ (flux * weights).sum(axis=(1, 2)) / total,
        dissipation=float(-(flux * local * weights).sum() / total),
    )


def _basis(problem: CellProblem) -> Any:
    from skfem import Basis

    return Basis(problem.mesh, lagrange(problem.mesh, problem.degree), intorder=2 * problem.degree)
