"""What one reads of molecules over a burst: concentrations and rates, averaged along the path.

As ``observe`` of a burst: ``functools.partial(mean_rates, volume=model.volume)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.molecules.population import Molecules

__all__ = ["mean_concentrations", "mean_rates"]


def mean_concentrations(before: Molecules, after: Molecules, duration: float, volume: float) -> NDArray[np.float64]:
    """Concentrations averaged over a burst, (species, ...): exact time integrals along the path, without sampling.

    *How to choose*: the rate of a slow reaction of order 1 is its constant times the averaged concentration of its
    reactant, with far less noise than `mean_rates` counts, where fast reactions make that reactant and take it many
    times meanwhile; where they do not, counting is as good.

    >>> from agents.molecules import Network, WellMixed
    >>> model = WellMixed(Network.parse("X -> X, k=1"), volume=10.0)
    >>> before = model.lift(np.array([2.0]), np.random.default_rng(0))
    >>> mean_concentrations(before, model.evolve(before, 3.0, np.random.default_rng(1)), 3.0, volume=10.0).round(9)
    array([2.])
    """
    return np.asarray((after.integral - before.integral) / (duration * volume))


def mean_rates(before: Molecules, after: Molecules, duration: float, volume: float) -> NDArray[np.float64]:
    """How often each reaction happened during a burst, per volume and time, (reaction, ...).

    >>> from agents.molecules import Network, WellMixed
    >>> model = WellMixed(Network.parse("X -> 0, k=1"), volume=10.0)
    >>> before = model.lift(np.array([2.0]), np.random.default_rng(0))
    >>> mean_rates(before, model.evolve(before, 100.0, np.random.default_rng(1)), 100.0, volume=10.0)
    array([0.02])
    """
    return np.asarray((after.firings - before.firings) / (duration * volume))
