"""Slopes of concentrations from what one observes along a burst: how often reactions and hops are due."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
from numpy.typing import NDArray

from agents.molecules import Molecules, RateEquations, Voxels, WellMixed

__all__ = ["Propensities", "without_fast"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Propensities:
    """The slope of a macro state between two states of its molecules, of the macro state's shape.

    Propensities, and hops where there are voxels, at the numbers averaged over the time in between: right where the
    numbers change little in it, and far less noisy than the few events that happen in it.

    Where reactions are far faster than others, to and fro, what is left of them is nearly all noise, and along the
    eigenvectors of what has died there is nothing to follow: that part of the slope is left out, so that fast numbers
    stay as the burst leaves them.

    Parameters
    ----------
    model
        Of which all species are the macro state.
    dying
        Motion from this rate on has died; infinite, if none has. Well-mixed molecules alone can have it finite.

    Raises
    ------
    ValueError
        If motion is to die in voxels.

    Examples
    --------
    >>> from agents.molecules import Network
    >>> model = WellMixed(Network.parse("X -> 0, k=2"), volume=100.0)
    >>> before = model.lift(np.array([1.0]), np.random.default_rng(0))
    >>> after = model.evolve(before, 1e-6, np.random.default_rng(1))
    >>> Propensities(model)(before, after, 1e-6).round(9)
    array([-2.])
    """

    model: WellMixed | Voxels
    dying: float = inf

    def __post_init__(self) -> None:
        if isinstance(self.model, Voxels) and isfinite(self.dying):
            raise ValueError(f"`dying` must be infinite in voxels, whose fast motion is followed: got {self.dying:g}.")

    def __call__(self, before: Molecules, after: Molecules, duration: float) -> Array:
        """The slope."""
        network, volume = self.model.network, self.model.volume
        numbers = (after.integral - before.integral) / duration
        change = (network.propensities(numbers.T, volume) @ network.change).T
        if isinstance(self.model, Voxels):
            rates = np.array([self.model.diffusion.get(name, 0.0) for name in network.species])
            change = change + rates[:, np.newaxis] * self.model.grid.laplacian(numbers)
        elif isfinite(self.dying):
            change = without_fast(RateEquations(network).jacobian(numbers / volume), self.dying) @ change
        return np.asarray(change / volume)


def without_fast(jacobian: Array, dying: float) -> Array:
    """The matrix that takes out of a slope what lies along the eigenvectors of rates from ``dying`` on.

    >>> without_fast(np.array([[-1.0, 0.0], [0.0, -1000.0]]), dying=100.0)
    array([[1., 0.],
           [0., 0.]])
    """
    values, vectors = np.linalg.eig(jacobian)
    kept = vectors * (np.abs(values) < dying)
    return np.asarray(np.linalg.solve(vectors.T, kept.T).T.real)
