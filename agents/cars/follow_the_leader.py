"""The follow-the-leader optimal-velocity model: follow the speed of the leader as well as the gap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt, tanh

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cars import runge_kutta
from agents.cars.fleet import Drivers
from agents.cars.law import Crowd, check_step, equal_steps
from agents.cars.optimal_velocity import tanh_gap, tanh_rows, tanh_velocity
from agents.cars.road import Cars

__all__ = ["FollowTheLeader"]


@dataclass(frozen=True)
class FollowTheLeader:
    """The follow-the-leader optimal-velocity model, by the classical Runge-Kutta scheme.

    dv/dt = A (v_leader - v)/gap² + b (V(gap) - v), with V as in `tanh_velocity`.

    The attraction is stiff at small gaps, at the rate A/gap²: the default step resolves it down to the minimum
    gap. Closer than sqrt(A step), where an explicit scheme would overshoot, the rate is 1/step, at most: a driver
    then takes over the leader's speed within a step. At this rate the attraction makes no speed that was not
    between the others', since no derivative of 1 + z + z²/2 + z³/6 + z⁴/24 is negative in -1 <= z <= 0. With
    the step the cap goes to zero, and the law is what remains. It lets nobody who closes in at a speed v come
    closer than about A/v: where the attraction is weak, that takes steps of A/v², or ends in `Collision`.

    Parameters
    ----------
    attraction
        A in m²/s.
    relaxation
        b in 1/s.
    step
        Longest time step in s; by default an eighth of the shortest of 1/b, the time headways T and s0²/A
        for minimum gaps s0 > 0.

    Raises
    ------
    ValueError
        If an option is negative, or the relaxation or the step zero.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> drivers = Drivers.of([CAR], [0])
    >>> FollowTheLeader().acceleration(np.array([20.0]), np.array([5.0]), np.array([9.0]), drivers).round(3)
    array([-1.51])
    """

    attraction: float = 20.0
    relaxation: float = 0.5
    step: float | None = None

    deterministic = True
    time_step = None
    cell = None

    def __post_init__(self) -> None:
        if not (isfinite(self.attraction) and self.attraction >= 0):
            raise ValueError(f"`attraction` must be finite and not negative, in m²/s: got {self.attraction}.")
        if not (isfinite(self.relaxation) and self.relaxation > 0):
            raise ValueError(f"`relaxation` must be positive, in 1/s: got {self.relaxation}.")
        check_step(self.step)

    def acceleration(
        self,
        gap: NDArray[np.float64],
        speed: NDArray[np.float64],
        leader_speed: NDArray[np.float64],
        drivers: Drivers,
    ) -> NDArray[np.float64]:
        """dv/dt in m/s² at these gaps (bumper to bumper) and speeds."""
        follow = self.attraction * (leader_speed - speed) / np.maximum(gap**2, 1e-12)  # finite bumper to bumper
        return follow + self.relaxation * (tanh_velocity(gap, drivers) - speed)

    def steady_speed(self, gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        """V(gap) in m/s."""
        return tanh_velocity(gap, drivers)

    def steady_gap(self, speed: NDArray[np.float64] | float, drivers: Drivers) -> NDArray[np.float64]:
        """The smallest gap in m with V(gap) = speed, inf from the desired speed on."""
        return tanh_gap(speed, drivers)

    def prepare(self, cars: Cars) -> Cars:
        """The cars as they are."""
        return cars

    def steps(self, drivers: Drivers, duration: float) -> int:
        """Runge-Kutta steps in ``duration``."""
        return equal_steps(duration, self._longest_step(drivers))

    def advance(self, cars: Cars, duration: float, _rng: Generator) -> Cars:
        """The cars after ``duration`` seconds."""
        return runge_kutta.advance(*self._arguments([cars], duration))[0]

    def advance_all(self, populations: Sequence[Cars], duration: float, _rngs: Sequence[Generator]) -> list[Cars]:
        """Every population after ``duration`` seconds, in parallel."""
        return runge_kutta.advance_all(*self._arguments(populations, duration))

    def _arguments(
        self, populations: Sequence[Cars], duration: float
    ) -> tuple[Crowd, int, NDArray[np.float64], NDArray[np.float64], list[int], float]:
        crowd = Crowd.join(populations)
        options = np.array([self.relaxation, self.attraction, 2.0, tanh(2)])
        steps = [self.steps(cars.drivers, duration) for cars in populations]
        caps = [sqrt(self.attraction * self._longest_step(cars.drivers)) for cars in populations]
        closest = np.maximum(1e-6, np.repeat(caps, np.diff(crowd.starts)))  # without attraction there is no cap
        return crowd, runge_kutta.OPTIMAL_VELOCITY, tanh_rows(crowd, closest), options, steps, duration

    def _longest_step(self, drivers: Drivers) -> float:
        quickest = drivers.time_headway.min(initial=1 / self.relaxation)
        standing = drivers.minimum_gap[drivers.minimum_gap > 0]
        if self.attraction > 0:
            quickest = (standing**2 / self.attraction).min(initial=quickest)
        return self.step or float(quickest) / 8
