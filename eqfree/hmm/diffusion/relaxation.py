"""The slowest modes of what diffuses."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, eigs, eigsh

from eqfree.hmm.closure import Closure
from eqfree.hmm.diffusion.discretisation import Discretisation
from eqfree.hmm.diffusion.newton import factorised

__all__ = ["slowest_rates"]

Array: TypeAlias = NDArray[np.float64]

_SYMMETRIC = 1e-12  # of the largest entry


def slowest_rates(discretisation: Discretisation, closure: Closure, around: Array, count: int) -> Array:
    """The smallest eigenvalues of the linearised operator, in increasing order of their real parts (count,).

    By shift and invert about zero. A flux with a term in u has an operator that is not symmetric; rates that are
    complex are told by their real parts.

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
    inverse = LinearOperator(operator.shape, factorised(sparse.csr_array(operator)))
    skew = abs(operator - operator.T).max()
    find = eigsh if skew <= _SYMMETRIC * abs(operator).max() else eigs
    start = np.ones(len(free))  # the same bits each time
    rates = find(operator, count, mass, sigma=0.0, OPinv=inverse, v0=start, return_eigenvectors=False, tol=1e-12)
    return np.sort(np.real(rates))
