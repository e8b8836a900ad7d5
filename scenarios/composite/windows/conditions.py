"""The conditions at the sides of a window under which a mean gradient or flux is imposed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.composite.windows.window import Moments, Window

__all__ = ["Apparent", "dirichlet", "dirichlet_temperature", "neumann", "periodic", "strip"]


@dataclass(frozen=True, eq=False)
class Apparent:
    """The apparent conductivity of a window, from two experiments on it.

    Attributes
    ----------
    tensor : (2, 2)
        K of <k grad u> = K <grad u>, in W/(m K).
    gradients, fluxes : (2, 2)
        Columns are <grad u> and <k grad u> of an experiment.
    energies : (2, 2)
        <grad u_i . k grad u_j>.
    unknowns
        Degrees of freedom of the finite elements.
    """

    tensor: NDArray[np.float64]
    gradients: NDArray[np.float64]
    fluxes: NDArray[np.float64]
    energies: NDArray[np.float64]
    unknowns: int

    @property
    def hill_mandel(self) -> float:
        """Largest |<g . q> - <g> . <q>| of the experiments, relative to the largest energy: round-off.

        R. Hill, J. Mech. Phys. Solids 11 (1963) 357, doi:10.1016/0022-5096(63)90036-X.
        """
        return float(np.abs(self.energies - self.gradients.T @ self.fluxes).max() / np.abs(self.energies).max())


def dirichlet(window: Window) -> Apparent:
    """u = g . x on all sides: an upper estimate.

    It is above the periodic one on the same mesh, in the sense of quadratic forms, and for a stationary random medium
    its mean is above the effective conductivity. The error falls like (correlation length)/(side).

    References
    ----------
    C. Huet, J. Mech. Phys. Solids 38 (1990) 813, doi:10.1016/0022-5096(90)90041-2.

    Examples
    --------
    >>> import skfem
    >>> layers = Window(skfem.MeshTri().refined(2), lambda x, y: np.where(x < 0.5, 1.0, 3.0))
    >>> bool(neumann(layers).tensor[0, 0] < 1.5 + 1e-12 <= dirichlet(layers).tensor[0, 0] + 2e-12)
    True
    """
    return _apparent(window, dirichlet_temperature(window))


def dirichlet_temperature(window: Window) -> NDArray[np.float64]:
    """The temperatures (unknown, 2) of a window with u = x, and u = y, on all sides."""
    sides = [window.on_side(axis, end) for axis in (0, 1) for end in (0, 1)]
    return _with_fixed(window, np.unique(np.concatenate(sides)), window.places)


def neumann(window: Window) -> Apparent:
    """The flux through all sides is that of a uniform field, k grad u . n = J . n: a lower estimate.

    K is the inverse of the resistivity that it sees. Below the periodic one on the same mesh, see `dirichlet`.
    """
    stiffness, gradient = window.whole.stiffness, window.whole.gradient
    temperature = np.zeros_like(gradient)  # the first one is held at zero: only differences matter
    temperature[1:] = _solve(stiffness[1:, 1:], gradient[1:])
    return _apparent(window, temperature)


def periodic(window: Window) -> Apparent:
    """u - g . x is the same at opposite sides: between the other two, and the closest for a medium cut at random.

    Raises
    ------
    ValueError
        If the mesh is not the same at opposite sides.
    """
    from scipy import sparse

    stands_for = np.arange(window.unknowns)
    for axis in (0, 1):
        first, last = (window.on_side(axis, end) for end in (0, 1))
        along = window.places[:, 1 - axis]
        first, last = first[np.argsort(along[first])], last[np.argsort(along[last])]
        if len(first) != len(last) or np.abs(along[first] - along[last]).max() > 1e-9 * window.sides.max():
            raise ValueError("`mesh` must be the same at opposite sides for periodic conditions. Mesh it so.")
        stands_for[last] = stands_for[first]
    kept, numbers = np.unique(stands_for[stands_for], return_inverse=True)
    spread = sparse.csr_matrix(
        (np.ones(window.unknowns), (np.arange(window.unknowns), numbers.ravel())), (window.unknowns, len(kept))
    )
    stiffness, affine = window.whole.stiffness, window.places
    correction = np.zeros((len(kept), 2))
    correction[1:] = _solve((spread.T @ stiffness @ spread)[1:, 1:], -(spread.T @ (stiffness @ affine))[1:])
    return _apparent(window, affine + spread @ correction)


def strip(window: Window, axis: int = 0) -> float:
    """Conductivity (W/(m K)) of the window as a specimen: temperatures fixed at two ends, the other sides insulated.

    ``axis`` 0 measures from left to right, 1 from bottom to top. In a medium that varies along the axis only, this is
    the one-dimensional Dirichlet problem.
    """
    ends = np.concatenate([window.on_side(axis, end) for end in (0, 1)])
    temperature = _with_fixed(window, ends, window.places[:, axis])
    return float(temperature @ (window.whole.stiffness @ temperature))


def apparent_from(window: Window, part: Moments, temperature: NDArray[np.float64]) -> Apparent:
    """The apparent conductivity that averages over a part of a window show, of two experiments (unknown, 2)."""
    through = part.stiffness @ temperature
    gradients, fluxes = part.gradient.T @ temperature, window.places.T @ through
    tensor = np.linalg.solve(gradients.T, fluxes.T).T
    return Apparent(tensor, gradients, fluxes, temperature.T @ through, window.unknowns)


def _apparent(window: Window, temperature: NDArray[np.float64]) -> Apparent:
    return apparent_from(window, window.whole, temperature)


def _with_fixed(window: Window, fixed: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The equilibrium with temperatures (unknown, ...) given at some places; elsewhere they are not looked at."""
    stiffness = window.whole.stiffness
    free = np.setdiff1d(np.arange(window.unknowns), fixed)
    temperature = np.array(values)
    temperature[free] = _solve(stiffness[free][:, free], -(stiffness[free][:, fixed] @ values[fixed]))
    return temperature


def _solve(matrix: Any, right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solution of a symmetric positive definite sparse system."""
    from scipy.sparse.linalg import splu

    if not len(right):
        return right
    # without pivoting for stability, which a positive definite matrix does not need, there is far less fill-in
    factors = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    return np.asarray(factors.solve(right))
