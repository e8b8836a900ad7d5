"""The mean field of the tissue beside a source: columns of independent sites, without the cells' correlations."""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, root

from scenarios.tissue.morphogen.settings import MorphogenSettings
from scenarios.tissue.morphogen.tissue import Gradient

__all__ = ["critical_source", "mean_field_rates", "mean_field_steady"]

Array = NDArray[np.float64]

_TINY = 1e-7  # density
_STRONGEST = 1e4  # times the strength that was given


def mean_field_rates(gradient: Gradient, density: Array, signal: Array) -> Array:
    """How fast densities of columns change where every site is occupied independently of all others, (column,).

    The rules of `agents.cells.CellType` in a lattice of columns, averaged over independent sites; per hour.
    """
    given = gradient.options
    free, change = 1 - density, -given.death * density
    births = given.proliferation / 4 * signal / (signal + given.half_signal) * density
    change += 2 * births * free
    for here, there in ((slice(0, -1), slice(1, None)), (slice(1, None), slice(0, -1))):
        leaning = 2 / (1 + np.exp(-given.chemotaxis * (signal[there] - signal[here])))
        hops = given.motility / 4 * leaning * density[here] * free[there]
        change[here] -= hops
        change[there] += hops + births[here] * free[there]
    return change


def mean_field_steady(gradient: Gradient, start: Array | None = None) -> tuple[Array, Array]:
    """Density and signal of the columns that are steady in the mean field: (column,) each.

    Raises
    ------
    RuntimeError
        If none is found from the start, by default a half-full tissue.
    """

    def settle(density: Array) -> Array:
        kept = np.clip(density, 0.0, 1.0)
        return mean_field_rates(gradient, density, gradient.tissue.steady_signal(kept[np.newaxis]))

    begin = np.full(gradient.options.columns, 0.5) if start is None else start
    found = root(settle, begin, tol=1e-12)
    if not found.success or found.x.min() < -1e-9:
        raise RuntimeError(f"The mean field has no steady state near the start: {found.message}")
    return found.x, gradient.tissue.steady_signal(np.clip(found.x, 0.0, 1.0)[np.newaxis])


def critical_source(options: MorphogenSettings, near: float) -> float:
    """The source strength at which an empty tissue becomes unstable in the mean field (nM µm/h); inf where none does.

    Parameters
    ----------
    near
        Where the search begins.
    """

    def growth(source: float) -> float:
        gradient = Gradient(options, source)
        signal = gradient.tissue.steady_signal(np.zeros((1, options.columns)))
        slopes = [mean_field_rates(gradient, _TINY * unit, signal) / _TINY for unit in np.eye(options.columns)]
        return float(np.linalg.eigvals(np.stack(slopes, axis=1)).real.max())

    low = high = near
    while growth(low) > 0:
        low /= 2  # without a signal nobody divides
    while growth(high) <= 0:
        high *= 2
        if high > _STRONGEST * near:
            return inf
    return float(brentq(growth, low, high, rtol=1e-4))
