"""Slopes of concentrations from what one observes along a burst: how often reactions are due."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from agents.molecules import Molecules, RateEquations, WellMixed

__all__ = ["Propensities", "without_fast"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Propensities:
    """The slope of a macro state between two states of its molecules, of the macro state's shape.

    Propensities at the numbers averaged over the time in between: right where the numbers change little in it, and far
    less noisy than the few events that happen in it.

    Where reactions are far faster than others, to and fro, what is left of them is nearly all noise, and along the
    eigenvectors of what has died there is nothing to follow: that part of the slope is left out, so that fast numbers
    stay as the burst leaves them.

    Parameters
    ----------
    model
        Of which all species are the macro state.
    dying
        Motion from this rate on has died; infinite, if none has.

    Examples
    --------
    >>> from agents.molecules import Network
    >>> model = WellMixed(Network.parse("X -> 0, k=2"), volume=100.0)
    >>> before = model.lift(np.array([1.0]), np.random.default_rng(0))
    >>> after = model.evolve(before, 1e-6, np.random.default_rng(1))
    >>> Propensities(model)(before, after, 1e-6).round(9)
    array([-2.])
    """

    model: WellMixed
    dying: float = inf

    def __call__(self, before: Molecules, after: Molecules, duration: float) -> Array:
        """The slope."""
        network, volume = self.model.network, self.model.volume
        numbers = (after.integral - before.integral) / duration
        slope = network.propensities(numbers, volume) @ network.change / volume
        if isfinite(self.dying):
            slope = without_fast(RateEquations(network).jacobian(numbers / volume), self.dying) @ slope
        return np.asarray(slope)


def without_fast(jacobian: Array, dying: float) -> Array:
    """The matrix that takes out of a slope what lies along the eigenvectors of rates from ``dying`` on.

    >>> without_fast(np.array([[-1.0, 0.0], [0.0, -1000.0]]), dying=100.0)
    array([[1., 0.],
           [0., 0.]])
    """
    values, vectors = np.linalg.eig(jacobian)
    kept = vectors * (np.abs(values) < dying)
    return np.asarray(np.linalg.solve(vectors.T, kept.T).T.real)
