"""The intelligent driver model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cars import runge_kutta
from agents.cars.fleet import Drivers
from agents.cars.law import Crowd, check_step, equal_steps
from agents.cars.road import Cars

__all__ = ["IDM"]


@dataclass(frozen=True)
class IDM:
    """The intelligent driver model, second order in time, by the classical Runge-Kutta scheme.

    dv/dt = a [1 - (v/v0)^δ - (s*/s)²],  s* = s0 + max(0, v T + v (v - v_leader) / (2 sqrt(a b)))

    with the driver's desired speed v0, time headway T, minimum gap s0, acceleration a and deceleration b.
    A car that stops does not reverse: speeds are floored at zero in every stage.

    Parameters
    ----------
    exponent
        δ; whole numbers are several times faster.
    step
        Longest time step in s; by default an eighth of the shortest time headway, where the error of a
        wave that is resolved by cars is far below their differences.

    Raises
    ------
    ValueError
        If an option is not positive.

    References
    ----------
    Treiber, Hennecke & Helbing, Phys. Rev. E 62 (2000) 1805, eqs. 2-3, doi:10.1103/PhysRevE.62.1805; the
    maximum in s* as in Treiber & Kesting, Traffic Flow Dynamics (2013), chapter 11: a leader who pulls away
    leaves the minimum gap as it is.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> drivers = Drivers.of([CAR], [0])
    >>> IDM().steady_speed(np.array([20.0]), drivers).round(6)
    array([11.170915])
    """

    exponent: float = 4
    step: float | None = None

    deterministic = True
    time_step = None
    cell = None

    def __post_init__(self) -> None:
        if not (isfinite(self.exponent) and self.exponent > 0):
            raise ValueError(f"`exponent` must be positive: got {self.exponent}. Treiber et al. take 4.")
        check_step(self.step)

    def acceleration(
        self,
        gap: NDArray[np.float64],
        speed: NDArray[np.float64],
        leader_speed: NDArray[np.float64],
        drivers: Drivers,
    ) -> NDArray[np.float64]:
        """dv/dt in m/s² at these gaps (bumper to bumper) and speeds."""
        a, b = drivers.acceleration, drivers.deceleration
        dynamic = speed * drivers.time_headway + speed * (speed - leader_speed) / (2 * np.sqrt(a * b))
        wanted = drivers.minimum_gap + np.maximum(0.0, dynamic)
        change: NDArray[np.float64] = a * (1 - (speed / drivers.desired_speed) ** self.exponent - (wanted / gap) ** 2)
        return change

    def steady_gap(self, speed: NDArray[np.float64] | float, drivers: Drivers) -> NDArray[np.float64]:
        """(s0 + v T)/sqrt(1 - (v/v0)^δ) in m, inf from the desired speed on."""
        free = 1 - np.minimum(1.0, np.asarray(speed) / drivers.desired_speed) ** self.exponent
        wanted = drivers.minimum_gap + speed * drivers.time_headway
        return np.divide(wanted, np.sqrt(free), out=np.full_like(wanted, np.inf), where=free > 0)

    def steady_speed(self, gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        """The inverse of `steady_gap` in m/s, 0 below the minimum gap.

        By Newton's method on 1 - (v/v0)^δ - ((s0 + v T)/s)², concave and falling: from v0 it descends to
        the root.
        """
        v0, T, s0, power = drivers.desired_speed, drivers.time_headway, drivers.minimum_gap, self.exponent
        room = np.where(gap > s0, gap, np.inf)  # closer than that all stand: nothing to solve for
        speed = v0 + np.zeros_like(room)
        for _ in range(100):
            wanted = (s0 + speed * T) / room
            value = 1 - (speed / v0) ** power - wanted**2
            slope = -power * (speed / v0) ** (power - 1) / v0 - 2 * wanted * T / room
            lower = np.maximum(0.0, speed - value / slope)
            if np.allclose(lower, speed, rtol=1e-15, atol=0):
                break
            speed = lower
        return np.where(gap > s0, speed, 0.0)

    def prepare(self, cars: Cars) -> Cars:
        """The cars as they are."""
        return cars

    def steps(self, drivers: Drivers, duration: float) -> int:
        """Runge-Kutta steps in ``duration``."""
        return equal_steps(duration, self.step or drivers.time_headway.min(initial=np.inf) / 8)

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
        who = crowd.drivers
        rows = np.stack(
            [
                crowd.leader_length,
                who.minimum_gap,
                1 / who.desired_speed,
                who.time_headway,
                who.acceleration,
                1 / (2 * np.sqrt(who.acceleration * who.deceleration)),
            ]
        )
        steps = [self.steps(cars.drivers, duration) for cars in populations]
        return crowd, runge_kutta.INTELLIGENT_DRIVER, rows, np.array([self.exponent], dtype=np.float64), steps, duration
