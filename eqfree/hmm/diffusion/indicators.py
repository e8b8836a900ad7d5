"""The two errors of a flux: of the mesh, and of the micro-solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.hmm.closure import Answer
from eqfree.hmm.diffusion.discretisation import Discretisation
from eqfree.hmm.diffusion.recovery import recovered

__all__ = ["ErrorIndicators", "indicate"]

Array: TypeAlias = NDArray[np.float64]

_APART = 3.0  # times as large: then refining the smaller one hardly changes the sum


@dataclass(frozen=True)
class ErrorIndicators:
    """How large the two errors of a flux are, relative to the flux, in L².

    Attributes
    ----------
    macro
        Of the mesh: what the flux would change by, to first order and so by the closure's derivative, if the gradient
        were the one that the elements around each corner agree on, after O. C. Zienkiewicz and J. Z. Zhu, Int. J.
        Numer. Methods Eng. 33 (1992) 1331, doi:10.1002/nme.1620330702. It is the true error to 6 % with sixteen
        elements to a wave of the solution, in all that was tried: equal, unequal, disturbed, long or curved elements
        of either degree, conductivities that depend on direction, place or u. With eight it is up to 20 % too large,
        with four half as large again; with less than that it says nothing. It is too large where the gradient jumps,
        as between two materials, unless they are named subdomains of the mesh.
    micro
        Of the micro-solver: what the closure says of its own error, ``stderr``.
    """

    macro: float
    micro: float

    @property
    def total(self) -> float:
        """Both together."""
        return float(np.hypot(self.macro, self.micro))

    @property
    def limits(self) -> str:
        """Which of them is at least three times the other, so that only refining it helps: macro, micro or both."""
        if self.macro > _APART * self.micro:
            return "macro"
        return "micro" if self.micro > _APART * self.macro else "both"

    def __str__(self) -> str:
        told = f"error of the flux: mesh {_share(self.macro)}, micro-solver {_share(self.micro)}"
        return (
            told
            + {
                "macro": "; the mesh limits: refine it, a finer micro-solver would not help",
                "micro": "; the micro-solver limits: refine it, a finer mesh would not help",
                "both": "; balanced: refine both together",
            }[self.limits]
        )


def indicate(discretisation: Discretisation, answer: Answer, values: Array) -> ErrorIndicators:
    """Both indicators, from what the closure answered at the values (dof,) of a solution; it is not asked again."""
    weights = discretisation.weights[:, np.newaxis]
    size = float(np.sqrt((weights * answer.value**2).sum()))
    if size == 0:
        return ErrorIndicators(0.0, 0.0)
    micro = float(np.sqrt((weights * answer.stderr**2).sum()))
    return ErrorIndicators(_missed(discretisation, answer, values) / size, micro / size)


def _missed(discretisation: Discretisation, answer: Answer, values: Array) -> float:
    """The L² norm of what the flux would change by, to first order, if the gradient were the recovered one."""
    basis, fine, degree = discretisation.basis, discretisation.fine, discretisation.degree
    assert answer.jacobian is not None
    points, local = np.asarray(basis.quadrature[0]), np.asarray(fine.quadrature[0])
    nodes = np.asarray(discretisation.element.doflocs).T
    shapes = np.array([discretisation.element.lbasis(local, node)[0] for node in range(nodes.shape[1])])
    positions = _last(basis.global_coordinates())
    smooth = recovered(
        basis.mesh,
        degree,
        positions,
        _last(basis.interpolate(values).grad),
        nodes,
        discretisation.places[basis.element_dofs.T],
    )
    missing = np.einsum("nq,enj->eqj", shapes, smooth) - _last(fine.interpolate(values).grad)
    # the polynomial of one degree less through the points where the closure was asked
    extended = _monomials(local, degree) @ np.linalg.inv(_monomials(points, degree))
    conducted = answer.jacobian[:, :, 3:].reshape(*positions.shape[:2], 2, 2)
    change = np.einsum("qp,epij,eqj->eqi", extended, conducted, missing, optimize=True)
    return float(np.sqrt(((change**2).sum(axis=-1) * np.asarray(fine.dx)).sum()))


def _last(field: Any) -> Array:
    """(2, element, point) -> (element, point, 2)."""
    return np.moveaxis(np.asarray(field), 0, -1)


def _monomials(points: Array, degree: int) -> Array:
    """Those of one degree less at points (2, point): (point, 1 or 3)."""
    ones = np.ones(points.shape[1])
    return ones[:, np.newaxis] if degree == 1 else np.column_stack([ones, *points])


def _share(value: float) -> str:
    return f"{100 * value:.2g} %" if value >= 1e-4 else f"{value:.1e}"
