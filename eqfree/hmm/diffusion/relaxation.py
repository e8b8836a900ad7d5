"""Linear problems beside the law: the slowest modes of what diffuses, and what a uniform medium would do."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import skfem
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigs, eigsh

from eqfree.hmm.closure import Closure
from eqfree.hmm.diffusion.discretisation import Discretisation
from eqfree.hmm.diffusion.newton import factorised

__all__ = ["slowest_rates", "undisturbed"]

Array: TypeAlias = NDArray[np.float64]

_SYMMETRIC = 1e-12  # of the largest entry
_SHIFT = 1e-9  # of the largest rate, about


def slowest_rates(discretisation: Discretisation, closure: Closure, around: Array, count: int) -> Array:
    """The eigenvalues of the linearised operator nearest to zero, in increasing order of their real parts (count,).

    By shift and invert just below zero, where it is regular also if nothing is fixed. A flux with a term in u has an
    operator that is not symmetric; rates that are complex are told by their real parts.

    Raises
    ------
    ValueError
        For a count that is not positive, or not below the number of degrees of freedom that are free.
    """
    free = discretisation.free
    if not 1 <= count < len(free) - 1:
        raise ValueError(f"`count` must lie between 1 and {len(free) - 2}: got {count}. Refine the mesh for more.")
    told = discretisation.linearise(closure, discretisation.fix(around)).matrix
    for exchange, _ in discretisation.exchanged.values():
        if exchange is not None:
            told = told + exchange
    operator, mass = told[free][:, free], discretisation.mass[free][:, free]
    shift = -_SHIFT * abs(operator).max() / abs(mass).max()
    inverse = LinearOperator(operator.shape, factorised(sparse.csr_array(operator - shift * mass)))
    skew = abs(operator - operator.T).max()
    find = eigsh if skew <= _SYMMETRIC * abs(operator).max() else eigs
    start = np.ones(len(free))  # the same bits each time
    rates = find(operator, count, mass, sigma=shift, OPinv=inverse, v0=start, return_eigenvectors=False, tol=1e-12)
    return np.sort(np.real(rates))


def undisturbed(discretisation: Discretisation) -> Array:
    """The steady values (dof,) in a uniform medium: between what is fixed and what is outside.

    What is exchanged weighs as much as what is conducted between neighbours.

    Raises
    ------
    ValueError
        If nothing is fixed nor exchanged.
    """
    free, values = discretisation.free, discretisation.fix(np.zeros(discretisation.count))
    form = skfem.BilinearForm(lambda u, v, _: u.grad[0] * v.grad[0] + u.grad[1] * v.grad[1])
    matrix, load = sparse.csr_array(form.assemble(discretisation.basis)), np.zeros(discretisation.count)
    for exchange, ambient in discretisation.exchanged.values():
        if exchange is not None and (size := abs(exchange).max()) > 0:
            weight = abs(matrix).max() / size
            matrix, load = matrix + weight * exchange, load + weight * ambient
    rest = load - matrix @ values
    values[free] += factorised(sparse.csr_array(matrix[free][:, free]))(rest[free])
    return values
