"""Steps over many bursts that are stable as long as diffusion needs: first-order Chebyshev schemes."""

from __future__ import annotations

import numpy as np

from eqfree.projective.tableau import Tableau

__all__ = ["chebyshev", "stable_reach"]

_DAMPING = 2.0  # so that a step leaves at most 1/cosh(2) of a fast mode


def chebyshev(stages: int) -> Tableau:
    """The damped Runge-Kutta-Chebyshev scheme of first order, R(z) = T_s(w0 + w1 z) / T_s(w0).

    It is stable for decay rates up to about s² over the step, where s stages of Euler's scheme reach 2 s, and leaves at
    most 0.27 of a fast mode in a step: a way to a steady state, whose place does not depend on the order.

    Raises
    ------
    ValueError
        For fewer than two stages.

    References
    ----------
    P. J. van der Houwen and B. P. Sommeijer, Z. Angew. Math. Mech. 60 (1980) 479, doi:10.1002/zamm.19800601005.

    Examples
    --------
    >>> tableau = chebyshev(4)
    >>> len(tableau.weights), round(float(np.sum(tableau.weights)), 12)
    (4, 1.0)
    """
    if stages < 2:
        raise ValueError(f"A Chebyshev scheme has two `stages` or more: got {stages}.")
    centre, values, slope = _polynomials(stages)
    rows = np.zeros((stages + 1, stages))
    rows[1, 0] = slope / centre
    for number in range(2, stages + 1):
        rows[number] = 2 * centre * values[number - 1] / values[number] * rows[number - 1]
        rows[number] -= values[number - 2] / values[number] * rows[number - 2]
        rows[number, number - 1] += 2 * slope * values[number - 1] / values[number]
    return Tableau(stages=rows[1:stages, : stages - 1], weights=rows[stages] / rows[stages].sum(), order=1)


def stable_reach(stages: int) -> float:
    """The largest decay rate times step for which the scheme is stable: (w0 + 1) / w1.

    >>> round(stable_reach(8) / 8**2, 2)
    0.97
    """
    centre, _, slope = _polynomials(stages)
    return float((centre + 1) / slope)


def _polynomials(stages: int) -> tuple[float, list[float], float]:
    """w0, T_0 to T_s at w0, and w1 = T_s(w0) / T_s'(w0)."""
    centre = 1 + _DAMPING / stages**2
    values, slopes = [1.0, centre], [0.0, 1.0]
    for _ in range(2, stages + 1):
        slopes.append(2 * values[-1] + 2 * centre * slopes[-1] - slopes[-2])
        values.append(2 * centre * values[-1] - values[-2])
    return centre, values, values[stages] / slopes[stages]
