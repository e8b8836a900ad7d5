"""The periodic cell problem by finite elements, from above and from below."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.composite.cell.cell import Cell, lagrange, rotation
from scenarios.composite.cell.periodic import torus

__all__ = ["CellProblem", "EffectiveTensor"]


@dataclass(frozen=True, eq=False)
class EffectiveTensor:
    """What a cell problem tells of a composite, in the axes of the part; conductivities in W/(m K).

    Attributes
    ----------
    tensor, lower : (2, 2)
        The conductivity from the temperature (never below that of the meshed cell) and from the flux (never above).
    estimate : (2, 2)
        Half of the distance between ``tensor`` and ``lower``: what ``tensor`` errs by, where the mesh is fine.
    error : (2, 2)
        Bound of the discretisation error of every entry of ``tensor`` on the meshed cell.
    shares : (phase, 2, 2)
        Derivatives of ``tensor`` with respect to the conductivities (matrix, inclusion).
    correctors : (direction, degree of freedom)
        Deviations from unit gradients along the cell's own axes, of mean zero over the degrees of freedom.
    unknowns
        Size of the linear system.
    """

    tensor: NDArray[np.float64]
    lower: NDArray[np.float64]
    estimate: NDArray[np.float64]
    error: NDArray[np.float64]
    shares: NDArray[np.float64]
    correctors: NDArray[np.float64]
    unknowns: int


@dataclass(frozen=True, eq=False)
class CellProblem:
    """The periodic cell problem -div(k (e_i + grad χ_i)) = 0, K_ij = ∫ (e_i + grad χ_i)·k (e_j + grad χ_j).

    Lagrange elements of degree q; matrices are assembled once per phase, so that a pair of conductivities costs two
    factorisations. K is symmetric and positive by construction, and an upper bound; in two dimensions the flux is a
    turned gradient, so that the same elements with the resistivities 1/k give a lower bound, K[1/k]/det K[1/k].
    Both errors fall like h^{2q} when the solution is smooth in each phase.

    *How to choose.* Degree 2 wherever interfaces are straight or the mesh is curved with them (second-order meshes);
    refine until ``error`` is what the macro-solver can bear.

    Parameters
    ----------
    cell
        One period of the microstructure.
    degree
        q of the elements, 1 or 2.

    Raises
    ------
    ValueError
        For another degree, a mesh that does not tile the torus or has folded elements; on calling, for conductivities
        that are not two positive numbers (matrix, inclusion).

    References
    ----------
    W. E, P. Ming and P. Zhang, J. Am. Math. Soc. 18 (2005) 121, doi:10.1090/S0894-0347-04-00469-2;
    A. Abdulle, Multiscale Model. Simul. 4 (2005) 447, doi:10.1137/040607137 (the error in h);
    J. B. Keller, J. Math. Phys. 5 (1964) 548, doi:10.1063/1.1704146 (the duality).

    Examples
    --------
    >>> from scenarios.composite.microstructures import Laminate
    >>> problem = CellProblem(Laminate(0.5).cell(2))
    >>> problem((0.2, 401.0)).tensor.round(9)
    array([[  0.3998006,   0.       ],
           [  0.       , 200.6      ]])
    """

    cell: Cell
    degree: int = 2
    unknowns: int = field(init=False)
    _prolong: Any = field(init=False, repr=False)
    _stiffness: tuple[Any, Any] = field(init=False, repr=False)
    _load: NDArray[np.float64] = field(init=False, repr=False)
    _area: NDArray[np.float64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.degree not in (1, 2):
            raise ValueError(f"`degree` must be 1 or 2: got {self.degree}.")
        from skfem import Basis

        mesh = self.mesh
        prolong = torus(Basis(mesh, lagrange(mesh, self.degree), intorder=2), self.cell.sides)
        phases = [_assemble(mesh, self.degree, np.flatnonzero(self.cell.phase == phase)) for phase in (0, 1)]
        area = sum(area for _, _, area in phases) / np.prod(self.cell.sides)
        if abs(area - 1) > 1e-9:
            raise ValueError(
                f"The elements must cover the torus once, and none may be folded: got {area:.9g} times its area. "
                "Refine the cell, so that its elements are thinner than the gaps and flatter than the interfaces."
            )
        settled = {
            "unknowns": prolong.shape[1],
            "_prolong": prolong,
            "_stiffness": tuple((prolong.T @ stiffness @ prolong).tocsc() for stiffness, _, _ in phases),
            "_load": np.array([prolong.T @ load for _, load, _ in phases]),
            "_area": np.array([area for _, _, area in phases]),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    @property
    def mesh(self) -> Any:
        """The mesh of the elements: with straight edges if they are linear."""
        return self.cell.straight if self.degree == 1 else self.cell.mesh

    def __call__(self, conductivities: ArrayLike) -> EffectiveTensor:
        """The effective conductivity for the conductivities (matrix, inclusion) in W/(m K)."""
        phases = as_conductivities(conductivities)
        correctors, shares = self._solve(phases)
        tensor = np.einsum("p,pij->ij", phases, shares)
        dual = np.einsum("p,pij->ij", 1 / phases, self._solve(1 / phases)[1])
        lower = dual / (dual[0, 0] * dual[1, 1] - dual[0, 1] * dual[1, 0])
        turn = rotation(self.cell.angle)
        tensor, lower, shares = (_symmetric(turn @ matrix @ turn.T) for matrix in (tensor, lower, shares))
        # 0 <= K_h - K <= gap as quadratic forms bounds entry ij by the geometric mean of the diagonal entries
        width = np.sqrt(np.abs(np.diag(tensor - lower)))
        return EffectiveTensor(
            tensor=tensor,
            lower=lower,
            estimate=np.abs(tensor - lower) / 2,
            error=np.outer(width, width),
            shares=shares,
            correctors=(self._prolong @ correctors).T,
            unknowns=self.unknowns,
        )

    def _solve(self, phases: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Correctors (unknown, direction), and the shares (phase, 2, 2) that Hellmann and Feynman give for nothing."""
        from scipy.sparse.linalg import splu

        stiffness = (phases[0] * self._stiffness[0] + phases[1] * self._stiffness[1]).tocsc()
        load = np.einsum("p,pui->ui", phases, self._load)
        correctors = np.zeros_like(load)
        # the first unknown is pinned; a symmetric positive matrix needs no pivots, and its order may favour sparsity
        factors = splu(
            stiffness[1:, 1:].tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        correctors[1:] = factors.solve(-load[1:])
        correctors -= correctors.mean(axis=0)
        return correctors, np.array([self._share(phase, correctors) for phase in (0, 1)])

    def _share(self, phase: int, correctors: NDArray[np.float64]) -> NDArray[np.float64]:
        mixed = self._load[phase].T @ correctors
        share = self._area[phase] * np.eye(2) + mixed + mixed.T + correctors.T @ (self._stiffness[phase] @ correctors)
        return np.asarray(share / np.prod(self.cell.sides))


def as_conductivities(conductivities: ArrayLike) -> NDArray[np.float64]:
    """Conductivities (matrix, inclusion) in W/(m K) as an array (2,).

    Raises
    ------
    ValueError
        Unless they are two positive finite numbers.

    Examples
    --------
    >>> as_conductivities((0.2, 401))
    array([2.00e-01, 4.01e+02])
    """
    phases = np.asarray(conductivities, dtype=np.float64)
    if phases.shape != (2,) or not np.isfinite(phases).all() or not (phases > 0).all():
        raise ValueError(
            "`conductivities` must be two positive numbers in W/(m K), the matrix first, the inclusion second: "
            f"got {np.asarray(conductivities).tolist()}."
        )
    return phases


def _symmetric(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((matrix + np.swapaxes(matrix, -1, -2)) / 2)


def _assemble(mesh: Any, degree: int, elements: NDArray[np.int64]) -> tuple[Any, NDArray[np.float64], float]:
    """∫ grad u·grad v, ∫ e_i·grad v and the area, over some elements."""
    from scipy.sparse import csr_array
    from skfem import Basis, BilinearForm, LinearForm
    from skfem.helpers import dot, grad

    if not len(elements):
        count = Basis(mesh, lagrange(mesh, degree), intorder=2).N
        return csr_array((count, count)), np.zeros((count, 2)), 0.0
    # curved elements need more than the 2q - 2 of straight ones
    basis = Basis(mesh, lagrange(mesh, degree), elements=elements, intorder=2 * degree)
    stiffness = BilinearForm(lambda u, v, _: dot(grad(u), grad(v))).assemble(basis)
    load = [LinearForm(lambda v, _, axis=axis: grad(v)[axis]).assemble(basis) for axis in (0, 1)]
    return csr_array(stiffness), np.stack(load, axis=1), float(np.sum(basis.dx))
