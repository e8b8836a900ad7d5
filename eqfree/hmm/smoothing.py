"""Noise taken out of a table, below its own standard error."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["smoothed"]

Array: TypeAlias = NDArray[np.float64]

_NOISE_FREE = 1e-9  # of the largest value: standard errors below it are round-off
_STIFFNESSES = np.logspace(-12, 8, 81)  # from interpolation to nearly a straight line
_FURTHEST = 2.0  # standard errors that a node may be missed by


def smoothed(inputs: Array, values: Array, stderr: Array, chi_square: float = 1.0) -> Array:
    """Values (node,) of the stiffest natural cubic spline that the noise allows.

    It minimises Σ ((y - g)/stderr)² + λ ∫ g''² with the largest λ, of four a decade, up to which the sum is no more
    than ``chi_square`` a noisy node, and no node is missed by more than two standard errors: a kink would take
    all of the sum. Nodes without noise are kept as they are; fewer than four nodes, or none noisy, too.

    *How to choose.* One, and the curve misses its data by what they are uncertain by; zero leaves them alone.

    C. H. Reinsch, Numer. Math. 10 (1967) 177, doi:10.1007/BF02162161.

    >>> grid = np.linspace(0, 1, 9)
    >>> noise = 0.1 * (-1.0) ** np.arange(9)
    >>> bool(np.abs(smoothed(grid, grid + noise, np.full(9, 0.1)) - grid).max() < 0.03)
    True
    """
    noise = np.where(stderr > _NOISE_FREE * np.abs(values).max(), stderr, 0.0)
    if len(values) < 4 or chi_square <= 0 or not noise.any():
        return values
    step = np.diff(inputs / (inputs[-1] - inputs[0]))
    columns = np.arange(len(step) - 1)
    second = np.zeros((len(values), len(columns)))  # of which the transpose takes second differences
    second[columns, columns] = 1 / step[:-1]
    second[columns + 1, columns] = -1 / step[:-1] - 1 / step[1:]
    second[columns + 2, columns] = 1 / step[1:]
    bending = (
        np.diag((step[:-1] + step[1:]) / 3) + np.diag(step[1:-1] / 6, 1) + np.diag(step[1:-1] / 6, -1)
    )  # ∫ g''² = γᵀ R γ for second derivatives γ
    variance = (noise / noise.max()) ** 2
    coupling, kinks = second.T @ (variance[:, np.newaxis] * second), second.T @ values
    allowed = chi_square * np.count_nonzero(noise)
    unit = np.where(noise > 0, noise, 1.0)
    best = values
    for stiffness in _STIFFNESSES:
        force = stiffness * (second @ np.linalg.solve(bending + stiffness * coupling, kinks))
        missed = variance * force / unit
        if (missed**2).sum() > allowed or np.abs(missed).max() > _FURTHEST:
            break
        best = values - missed * unit
    return best
