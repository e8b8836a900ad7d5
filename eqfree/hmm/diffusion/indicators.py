"""The two errors of a flux: of the mesh, and of the micro-solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.hmm.closure import Answer
from eqfree.hmm.diffusion.discretisation import Discretisation

__all__ = ["ErrorIndicators", "indicate"]

Array: TypeAlias = NDArray[np.float64]

_APART = 3.0  # times as large: then refining the smaller one hardly changes the sum


@dataclass(frozen=True)
class ErrorIndicators:
    """How large the two errors of a flux are, relative to the flux, in L².

    Attributes
    ----------
    macro
        Of the mesh: the flux of each element against what its neighbours and it agree on, after O. C. Zienkiewicz
        and J. Z. Zhu, Int. J. Numer. Methods Eng. 24 (1987) 337, doi:10.1002/nme.1620240206. An estimate, where
        the flux is smooth on the scale of the mesh; too large where it jumps.
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


def indicate(discretisation: Discretisation, answer: Answer) -> ErrorIndicators:
    """Both indicators, from what the closure answered at the solution; it is not asked again."""
    weights = discretisation.weights[:, np.newaxis]
    size = float(np.sqrt((weights * answer.value**2).sum()))
    if size == 0:
        return ErrorIndicators(0.0, 0.0)
    micro = float(np.sqrt((weights * answer.stderr**2).sum()))
    return ErrorIndicators(_recovered(discretisation, answer.value) / size, micro / size)


def _recovered(discretisation: Discretisation, flux: Array) -> float:
    """The L² norm of the difference between the flux and the continuous one that its mean at each node makes."""
    basis, fine = discretisation.basis, discretisation.fine
    points = np.asarray(basis.quadrature[0])
    nodes = np.asarray(discretisation.element.doflocs).T
    shapes = np.array([discretisation.element.lbasis(fine.quadrature[0], node)[0] for node in range(nodes.shape[1])])
    # the polynomial of one degree less through the points of the rule, at the nodes
    extended = _monomials(nodes, discretisation.degree) @ np.linalg.pinv(_monomials(points, discretisation.degree))
    dofs, weights = basis.element_dofs.T, np.asarray(basis.dx).sum(axis=1)
    squared = 0.0
    for component in flux.T:
        nodal = component.reshape(basis.dx.shape) @ extended.T
        areas, sums = np.zeros(discretisation.count), np.zeros(discretisation.count)
        np.add.at(areas, dofs, weights[:, np.newaxis])
        np.add.at(sums, dofs, nodal * weights[:, np.newaxis])
        squared += float(((((sums / areas)[dofs] - nodal) @ shapes) ** 2 * fine.dx).sum())
    return float(np.sqrt(squared))


def _monomials(points: Array, degree: int) -> Array:
    """Those of one degree less at points (2, point): (point, 1 or 3)."""
    ones = np.ones(points.shape[1])
    return ones[:, np.newaxis] if degree == 1 else np.column_stack([ones, *points])


def _share(value: float) -> str:
    return f"{100 * value:.2g} %" if value >= 1e-4 else f"{value:.1e}"
