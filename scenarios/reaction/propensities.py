"""Slopes of concentrations from what one observes along a burst: how often reactions and hops are due."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.molecules import Molecules, Voxels, WellMixed

__all__ = ["Propensities"]


@dataclass(frozen=True, eq=False)
class Propensities:
    """The slope of a macro state between two states of its molecules, of the macro state's shape.

    Propensities, and hops where there are voxels, at the numbers averaged over the time in between: right where the
    burst is so short that the numbers change little, and far less noisy than the few events that happen in it.

    Parameters
    ----------
    model
        Of which all species are the macro state.

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

    def __call__(self, before: Molecules, after: Molecules, duration: float) -> NDArray[np.float64]:
        """The slope."""
        network, volume = self.model.network, self.model.volume
        numbers = (after.integral - before.integral) / duration
        change = (network.propensities(numbers.T, volume) @ network.change).T
        if isinstance(self.model, Voxels):
            rates = np.array([self.model.diffusion.get(name, 0.0) for name in network.species])
            change = change + rates[:, np.newaxis] * self.model.grid.laplacian(numbers)
        return np.asarray(change / volume)
