"""The safe-distance law: drive as fast as the gap allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cars.fleet import Drivers
from agents.cars.law import Crowd, check_step, equal_steps
from agents.cars.road import Cars, gaps

__all__ = ["SafeDistance"]

Array = NDArray[Any]


@dataclass(frozen=True)
class SafeDistance:
    """The safe-distance law, first order in time, by the strong-stability-preserving Runge-Kutta scheme.

    dx/dt = min(v0, max(0, (gap - s0)/τ))

    with the driver's desired speed v0, minimum gap s0 and reaction time τ (``time_headway``). A vehicle
    together with its minimum gap is its effective length l: a ring of cars with one v0 flows at
    min(ρ v0, (1 - ρ mean l)/mean τ), exactly, whatever the mixture of τ and l.

    The scheme (Shu & Osher 1988, three stages, third order where the law is smooth) is a convex
    combination of Euler steps, so that in steps up to τ no gap falls below the minimum gap, exactly.

    Parameters
    ----------
    step
        Longest time step in s, by default a quarter of the shortest reaction time; never longer than that.

    Raises
    ------
    ValueError
        If the step is not positive.

    References
    ----------
    Shu & Osher, J. Comput. Phys. 77 (1988) 439, eq. 2.18, doi:10.1016/0021-9991(88)90177-5.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> SafeDistance().instant_speed(np.array([1.0, 18.0, 900.0]), Drivers.of([CAR], [0, 0, 0])).round(3)
    array([ 0.   , 10.   , 33.333])
    """

    step: float | None = None

    deterministic = True
    time_step = None
    cell = None

    def __post_init__(self) -> None:
        check_step(self.step)

    def instant_speed(self, gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        """dx/dt in m/s at these gaps (bumper to bumper)."""
        safe = (gap - drivers.minimum_gap) / drivers.time_headway
        return np.clip(safe, 0.0, drivers.desired_speed)

    def steady_speed(self, gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        """`instant_speed`: a first-order driver is always steady."""
        return self.instant_speed(gap, drivers)

    def steady_gap(self, speed: NDArray[np.float64] | float, drivers: Drivers) -> NDArray[np.float64]:
        """s0 + v τ in m, inf beyond the desired speed."""
        needed = drivers.minimum_gap + speed * drivers.time_headway
        return np.where(speed > drivers.desired_speed, np.inf, needed)

    def prepare(self, cars: Cars) -> Cars:
        """The cars at the speeds that their gaps allow."""
        return replace(cars, speed=self.instant_speed(gaps(cars), cars.drivers))

    def steps(self, drivers: Drivers, duration: float) -> int:
        """Runge-Kutta steps in ``duration``."""
        quickest = drivers.time_headway.min(initial=np.inf)
        return equal_steps(duration, min(self.step or quickest / 4, quickest))

    def advance(self, cars: Cars, duration: float, _rng: Generator) -> Cars:
        """The cars after ``duration`` seconds."""
        crowd = Crowd.join([cars])
        _serial(*self._arguments(crowd, duration))
        return crowd.part(duration)[0]

    def advance_all(self, populations: Sequence[Cars], duration: float, _rngs: Sequence[Generator]) -> list[Cars]:
        """Every population after ``duration`` seconds, in parallel."""
        crowd = Crowd.join(populations)
        _batch(*self._arguments(crowd, duration))
        return crowd.part(duration)

    def _arguments(self, crowd: Crowd, duration: float) -> tuple[Any, ...]:
        who = crowd.drivers
        rows = np.stack([crowd.leader_length + who.minimum_gap, 1 / who.time_headway, who.desired_speed])
        steps = np.array([self.steps(cars.drivers, duration) for cars in crowd.populations], dtype=np.int64)
        return crowd.starts, crowd.position, crowd.speed, crowd.room, rows, steps, float(duration)


@njit(cache=True, nogil=True, error_model="numpy")
def _velocities(x: Array, room: float, rows: Array, out: Array) -> None:
    last = x.size - 1
    for i in range(last):
        out[i] = min(rows[2, i], max(0.0, (x[i + 1] - x[i] - rows[0, i]) * rows[1, i]))
    out[last] = min(rows[2, last], max(0.0, (x[0] + room - x[last] - rows[0, last]) * rows[1, last]))


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(position: Array, speed: Array, room: float, rows: Array, steps: int, step: float) -> None:
    n = position.size
    if n == 0:
        return
    x = position.copy()
    for _ in range(steps):
        for old in (0.0, 0.75, 1.0 / 3.0):  # x <- old x(t) + (1 - old) (x + step v(x))
            _velocities(x, room, rows, speed)
            for i in range(n):
                x[i] = old * position[i] + (1.0 - old) * (x[i] + step * speed[i])
        for i in range(n):
            position[i] = x[i]
    _velocities(x, room, rows, speed)


@njit(cache=True, nogil=True, error_model="numpy")
def _advance_one(
    r: Any, starts: Array, position: Array, speed: Array, room: Array, rows: Array, steps: Array, duration: float
) -> None:  # whatever is sliced is sliced here: inside a parallel loop that takes numba many times as long to compile
    a, b = starts[r], starts[r + 1]
    own = rows[:, a:b].copy()
    _advance(position[a:b], speed[a:b], room[r], own, steps[r], duration / max(1, steps[r]))


def _serial(
    starts: Array, position: Array, speed: Array, room: Array, rows: Array, steps: Array, duration: float
) -> None:
    for r in range(room.size):  # in Python, so that what it calls is not compiled into it once more
        _advance_one(r, starts, position, speed, room, rows, steps, duration)


@njit(cache=True, nogil=True, error_model="numpy", parallel=True)
def _batch(
    starts: Array, position: Array, speed: Array, room: Array, rows: Array, steps: Array, duration: float
) -> None:
    for r in prange(room.size):
        _advance_one(np.int64(r), starts, position, speed, room, rows, steps, duration)
