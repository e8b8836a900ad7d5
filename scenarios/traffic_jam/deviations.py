"""Headways told by how far they are from their mean: a macro state that adds up to zero on a ring of any length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray

from agents.cars import RingOfHeadways
from agents.cars.road import Cars

__all__ = ["Deviations"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Deviations:
    """Equal cars on a ring, whose macro state is their headways without the mean, (cars,).

    What the ring conserves, the sum, is zero whatever its length: so the length can be a parameter.

    Examples
    --------
    >>> from agents.cars import IDM, CAR
    >>> ring = Deviations(RingOfHeadways(IDM(), CAR, cars=3, length=150.0))
    >>> ring.restrict(ring.lift(np.array([-10.0, 0.0, 10.0]), np.random.default_rng(0)))
    array([-10.,   0.,  10.])
    """

    ring: RingOfHeadways

    deterministic = True
    thread_safe = True

    @property
    def fields(self) -> Sequence[Mapping[str, Any]]:
        """The deviations: a change of a mean headway counts."""
        (headway,) = self.ring.fields
        low, high = headway["bounds"]
        bounds = (low - self._mean, high - self._mean)
        return [headway | {"name": "deviation of the headway", "bounds": bounds, "scale": self._mean}]

    def conserved(self, macro: Array) -> Array:
        """Their sum, (1,)."""
        return np.array([macro.sum()])

    def lift(self, macro: Array, rng: Generator) -> Cars:
        """Cars at these headways."""
        return self.ring.lift(self._mean + macro, rng)

    def evolve(self, micro: Cars, duration: float, rng: Generator) -> Cars:
        """The cars after ``duration``."""
        return self.ring.evolve(micro, duration, rng)

    def restrict(self, micro: Cars) -> Array:
        """Headways without their mean, (cars,)."""
        return self.ring.restrict(micro) - self._mean

    def burst_batch(self, macros: Array, times: Array, streams: Sequence[tuple[SeedSequence, SeedSequence]]) -> Array:
        """Many rings in one compiled call."""
        return self.ring.burst_batch(self._mean + macros, times, streams) - self._mean

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Those of the ring."""
        return self.ring.agent_updates(self._mean + macro, duration)

    @property
    def _mean(self) -> float:
        return self.ring.length / self.ring.cars
