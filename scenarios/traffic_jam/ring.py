"""The ring of cars: its micro-models, the jam that it starts from, and what is read of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import tanh

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import OptimalVelocity, RingOfHeadways, RingOfSpread, Vehicle
from eqfree.ensemble import ExecutorLike
from scenarios.traffic_jam.deviations import Deviations
from scenarios.traffic_jam.settings import Settings

__all__ = ["EVOLVE", "Ring", "spread"]

Array = NDArray[np.float64]

EVOLVE = 800.0  #: simulated time that costs are counted in

_STEP = 0.2  # of Runge and Kutta: 4e-7 in v0
_BEGIN = {"profile": 1.016, "sigma": 1.008}  # times the onset: v0 where the branch begins
_SETTLED = 5 * EVOLVE  # until a jam has settled there
_DEPTH = 0.4  # of the cosine that it begins as, in mean headways


def spread(headways: Array) -> Array:
    """The standard deviation of the headways, as a sample has it, (1,)."""
    return np.array([np.std(headways, ddof=1)])


@dataclass(frozen=True)
class Ring:
    """The steppers of a ring as the settings say."""

    settings: Settings
    executor: ExecutorLike = None

    @property
    def begin(self) -> float:
        """v0 where the branch begins."""
        return _BEGIN[self.settings.coarse] * self.settings.onset_v0

    @property
    def uniform(self) -> Array:
        """The headways of uniform flow."""
        return np.full(self.settings.cars, self.settings.length / self.settings.cars)

    def of_headways(self, v0: float) -> ef.CoarseTimeStepper:
        """The macro state is all headways."""
        return ef.CoarseTimeStepper(self._of_headways(v0), healing=self.settings.heals, seed=self.settings.seed)

    def of_deviations(self, v0: float) -> ef.CoarseTimeStepper:
        """The macro state is how far all headways are from their mean."""
        return ef.CoarseTimeStepper(
            Deviations(self._of_headways(v0)), healing=self.settings.heals, seed=self.settings.seed
        )

    def of_spread(self, v0: float, reference: Array, noise: float = 0.0) -> ef.CoarseTimeStepper:
        """The macro state is the standard deviation of the headways."""
        return ef.CoarseTimeStepper(
            RingOfSpread(self._law(noise), self._vehicle(v0), reference, self.settings.length),
            replicas=self.settings.replicas,
            healing=self.settings.heals,
            executor=self.executor,
            seed=self.settings.seed,
        )

    def jam(self) -> tuple[Array, ef.Cost]:
        """The headways of the jam that a wave grows into, where the branch begins."""
        waves = np.cos(2 * np.pi * np.arange(self.settings.cars) / self.settings.cars)
        burst = self.of_headways(self.begin).burst(self.uniform * (1 + _DEPTH * waves), [_SETTLED])
        return burst.mean[-1], burst.cost

    def _of_headways(self, v0: float) -> RingOfHeadways:
        return RingOfHeadways(self._law(0.0), self._vehicle(v0), self.settings.cars, self.settings.length)

    def _law(self, noise: float) -> OptimalVelocity:
        settings = self.settings
        return OptimalVelocity(settings.inverse_tau, step=_STEP, inflection=settings.headway_offset, noise=noise)

    def _vehicle(self, v0: float) -> Vehicle:
        """v0 (tanh(h - offset) + tanh offset) as the law has it, cars without length."""
        top = v0 * (1 + tanh(self.settings.headway_offset))
        return Vehicle(name="car", length=0.0, minimum_gap=0.0, desired_speed=top, time_headway=1 / v0)
