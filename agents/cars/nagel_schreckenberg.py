"""The cellular automaton of Nagel and Schreckenberg."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cars.fleet import Drivers
from agents.cars.law import Crowd, shared_time_step
from agents.cars.road import Cars, spread

__all__ = ["NagelSchreckenberg"]

Array = NDArray[Any]


@dataclass(frozen=True)
class NagelSchreckenberg:
    """The cellular automaton of Nagel and Schreckenberg: time steps of 1 s, all cars at once.

    v <- min(v + 1, v_max, free cells ahead);  v <- max(v - 1, 0) with probability ``slowdown``;  x <- x + v

    A vehicle with its minimum gap takes up as many whole cells as it needs (a car of 5 m and 2 m one cell of
    7.5 m, a truck of 12 m and 2 m two), and its driver's desired speed, rounded up to whole cells, bounds
    v_max. Positions, speeds and ring lengths are metres, multiples of a cell.

    Parameters
    ----------
    v_max
        Largest speed, in cells per second.
    slowdown
        Probability of slowing down for no reason.
    cell
        In m.

    Raises
    ------
    ValueError
        If an option is not as said above, or a ring is no multiple of a cell.

    References
    ----------
    Nagel & Schreckenberg, J. Phys. I France 2 (1992) 2221, doi:10.1051/jp1:1992277. Random numbers:
    xoshiro256+ (Blackman & Vigna 2021, doi:10.1145/3460772), seeded anew from ``rng`` at every call.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> NagelSchreckenberg().steady_speed(np.array([100.0]), Drivers.of([CAR], [0]))
    array([37.5])
    """

    v_max: int = 5
    slowdown: float = 0.5
    cell: float = 7.5

    deterministic = False
    time_step = 1.0

    def __post_init__(self) -> None:
        if self.v_max != int(self.v_max) or self.v_max < 1:
            raise ValueError(f"`v_max` must be a whole number of cells per second, at least 1: got {self.v_max}.")
        if not 0 <= self.slowdown <= 1:
            raise ValueError(f"`slowdown` must be a probability: got {self.slowdown}.")
        if not (isfinite(self.cell) and self.cell > 0):
            raise ValueError(f"`cell` must be a positive length in m: got {self.cell}.")

    def vehicle_cells(self, drivers: Drivers) -> NDArray[np.int64]:
        """How many cells each vehicle takes up, (n,)."""
        needed = (drivers.length + drivers.minimum_gap) / self.cell
        return np.maximum(1, np.ceil(needed * (1 - 1e-12))).astype(np.int64)

    def largest_speeds(self, drivers: Drivers) -> NDArray[np.int64]:
        """Each driver's v_max in cells per second, (n,)."""
        desired = np.ceil(drivers.desired_speed / self.cell * (1 - 1e-12))
        return np.minimum(self.v_max, desired).astype(np.int64)

    def steady_speed(self, gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        """Speed in m/s of a driver who never dawdles: the free cells ahead, at most v_max."""
        standing = self.vehicle_cells(drivers) * self.cell - drivers.length
        free = np.floor(np.maximum(0.0, gap - standing) / self.cell + 1e-9)
        return np.minimum(free, self.largest_speeds(drivers)) * self.cell

    def steady_gap(self, speed: NDArray[np.float64] | float, drivers: Drivers) -> NDArray[np.float64]:
        """Gap in m at which a driver who never dawdles keeps a speed, inf beyond v_max."""
        needed = self.vehicle_cells(drivers) * self.cell - drivers.length + speed
        return np.where(speed > self.largest_speeds(drivers) * self.cell, np.inf, needed)

    def prepare(self, cars: Cars) -> Cars:
        """The cars in the cells where they are, moved on where one is taken; speeds rounded down."""
        if cars.ring:
            self._ring_cells(cars)
        size = self.vehicle_cells(cars.drivers).astype(np.float64)
        cells = np.floor(cars.position / self.cell + 1e-9)
        road = np.round(cars.length / self.cell) if cars.ring else np.floor(cars.length / self.cell)
        if size.sum() > road:
            raise ValueError(
                f"The vehicles must fit on the road: {len(cars)} vehicles take up {size.sum():g} cells of "
                f"{self.cell:g} m, the road has {road:g}. Take fewer vehicles or a longer road."
            )
        placed = np.floor(spread(cells, size, road, cars.ring))
        speed = np.minimum(np.floor(cars.speed / self.cell + 1e-9), self.largest_speeds(cars.drivers))
        return replace(cars, position=placed * self.cell, speed=speed * self.cell)

    def steps(self, _drivers: Drivers, duration: float) -> int:
        """Time steps in ``duration``."""
        return shared_time_step(duration, self.time_step)

    def advance(self, cars: Cars, duration: float, rng: Generator) -> Cars:
        """The cars after ``duration`` seconds."""
        return self._run(_serial, [cars], duration, [rng])[0]

    def advance_all(self, populations: Sequence[Cars], duration: float, rngs: Sequence[Generator]) -> list[Cars]:
        """Every population after ``duration`` seconds, in parallel."""
        return self._run(_batch, populations, duration, rngs)

    def _ring_cells(self, cars: Cars) -> int:
        count = round(cars.length / self.cell)
        if abs(count * self.cell - cars.length) > 1e-9 * cars.length:
            raise ValueError(
                f"A ring must be a multiple of the cell of {self.cell:g} m: got {cars.length:g} m. "
                f"Take {count * self.cell:g} m."
            )
        return count

    def _run(self, kernel: Any, populations: Sequence[Cars], duration: float, rngs: Sequence[Generator]) -> list[Cars]:
        count = shared_time_step(duration, self.time_step)
        if count == 0:
            return list(populations)
        crowd = Crowd.join(populations)
        cells, speed = (np.rint(values / self.cell).astype(np.int64) for values in (crowd.position, crowd.speed))
        sizes = [self.vehicle_cells(cars.drivers) for cars in populations]
        leader_size = np.concatenate([part for size in sizes for part in (size[1:], size[:1])])
        endless = np.iinfo(np.int64).max // 4
        room = np.array([self._ring_cells(cars) if cars.ring else endless for cars in populations])
        words = np.stack([rng.integers(2**64, size=4, dtype=np.uint64) for rng in rngs])
        largest = self.largest_speeds(crowd.drivers)
        kernel(crowd.starts, cells, speed, room, leader_size, largest, self.slowdown, words, count)
        crowd.position[:], crowd.speed[:] = cells * self.cell, speed * self.cell
        return crowd.part(duration)


@njit(cache=True, nogil=True)
def _uniform(words: Array) -> float:
    result = words[0] + words[3]
    shifted = words[1] << np.uint64(17)
    words[2] ^= words[0]
    words[3] ^= words[1]
    words[1] ^= words[2]
    words[0] ^= words[3]
    words[2] ^= shifted
    words[3] = (words[3] << np.uint64(45)) | (words[3] >> np.uint64(19))
    uniform: float = (result >> np.uint64(11)) * 2.0**-53
    return uniform


@njit(cache=True, nogil=True)
def _advance(
    cells: Array, speed: Array, room: int, leader_size: Array, largest: Array, slowdown: float, words: Array, steps: int
) -> None:
    n = cells.size
    for _ in range(steps):
        for i in range(n):
            ahead = cells[i + 1] if i + 1 < n else cells[0] + room
            free = ahead - cells[i] - leader_size[i]
            wanted = min(speed[i] + 1, largest[i], free)
            dawdles = _uniform(words) < slowdown
            speed[i] = wanted - 1 if dawdles and wanted > 0 else wanted
        for i in range(n):
            cells[i] += speed[i]


def _serial(
    starts: Array,
    cells: Array,
    speed: Array,
    room: Array,
    leader_size: Array,
    largest: Array,
    slowdown: float,
    words: Array,
    steps: int,
) -> None:
    for r in range(room.size):  # in Python, so that what it calls is not compiled into it once more
        a, b = starts[r], starts[r + 1]
        _advance(cells[a:b], speed[a:b], room[r], leader_size[a:b], largest[a:b], slowdown, words[r], steps)


@njit(cache=True, nogil=True, parallel=True)
def _batch(
    starts: Array,
    cells: Array,
    speed: Array,
    room: Array,
    leader_size: Array,
    largest: Array,
    slowdown: float,
    words: Array,
    steps: int,
) -> None:
    for r in prange(room.size):
        a, b = starts[r], starts[r + 1]
        _advance(cells[a:b], speed[a:b], room[r], leader_size[a:b], largest[a:b], slowdown, words[r], steps)
