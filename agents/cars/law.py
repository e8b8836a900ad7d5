"""What a law of driving is, and how several populations travel through one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, isfinite
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cars.fleet import Drivers
from agents.cars.road import Cars, check

__all__ = ["Crowd", "FirstOrder", "Law", "SecondOrder", "check_step", "equal_steps", "shared_time_step"]


@runtime_checkable
class Law(Protocol):
    """How drivers drive. The parameters of a driver are in `Drivers`, a law has options only."""

    @property
    def deterministic(self) -> bool:
        """Whether the law ignores the random numbers it is given."""
        ...

    @property
    def time_step(self) -> float | None:
        """A duration must be a multiple of it, in s; None where any duration will do."""
        ...

    @property
    def cell(self) -> float | None:
        """Positions and ring lengths are multiples of it, in m; None on a continuous road."""
        ...

    def prepare(self, cars: Cars) -> Cars:
        """The nearest cars that obey the law's own constraints, with what it remembers of the past."""
        ...

    def advance(self, cars: Cars, duration: float, rng: Generator, /) -> Cars:
        """The cars after ``duration`` seconds; the given ones are left as they are.

        Raises
        ------
        Collision
            As soon as two cars overlap at the end of a time step.
        """
        ...

    def advance_all(self, populations: Sequence[Cars], duration: float, rngs: Sequence[Generator], /) -> list[Cars]:
        """What `advance` does to every population, bit for bit, in one parallel compiled call."""
        ...

    def steps(self, drivers: Drivers, duration: float) -> int:
        """How many times each car is updated in ``duration``."""
        ...

    def steady_speed(self, gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        """Speed at which a driver keeps this gap to a leader of the same speed."""
        ...

    def steady_gap(self, speed: NDArray[np.float64] | float, drivers: Drivers) -> NDArray[np.float64]:
        """Smallest gap at which a driver keeps this speed; inf where there is none."""
        ...


@runtime_checkable
class FirstOrder(Law, Protocol):
    """A law whose speed follows at once from the gap."""

    def instant_speed(self, gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        """Speed in m/s."""
        ...


@runtime_checkable
class SecondOrder(Law, Protocol):
    """A law whose acceleration follows from the gap, the speed and the leader's speed."""

    def acceleration(
        self,
        gap: NDArray[np.float64],
        speed: NDArray[np.float64],
        leader_speed: NDArray[np.float64],
        drivers: Drivers,
        /,
    ) -> NDArray[np.float64]:
        """Acceleration in m/s²; the gap is from bumper to bumper."""
        ...


def check_step(step: float | None) -> None:
    """Refuse a time step that is none.

    Raises
    ------
    ValueError
        If it is given and not positive.

    Examples
    --------
    >>> check_step(0.1)
    """
    if step is not None and not (isfinite(step) and step > 0):
        raise ValueError(f"`step` must be a positive time in s, or None for the law's own: got {step}.")


def equal_steps(duration: float, longest: float) -> int:
    """How many equal steps, none longer than ``longest``, make up ``duration``.

    >>> equal_steps(1.0, 0.3), equal_steps(0.0, 0.3)
    (4, 0)
    """
    return ceil(duration / longest * (1 - 1e-12))


def shared_time_step(duration: float, time_step: float) -> int:
    """How many time steps of a law make up ``duration``.

    Raises
    ------
    ValueError
        If it is no whole number of them.

    Examples
    --------
    >>> shared_time_step(0.3, 0.1)
    3
    """
    count = round(duration / time_step)
    if abs(count * time_step - duration) > 1e-9 * max(duration, time_step):
        raise ValueError(
            f"The duration must be a multiple of the law's time step {time_step:g} s: got {duration:g} s. "
            f"Take {max(count, 1) * time_step:g} s."
        )
    return count


@dataclass(frozen=True, eq=False)
class Crowd:
    """Several populations end to end, as the kernels take them.

    Population r has the cars ``starts[r]`` to ``starts[r + 1]``; ``room[r]`` is what its last car sees of
    the first one beyond the end of the road: the length of a ring, inf on an open road. The arrays are
    copies that a kernel may write into.

    Both `join` and `part` look at all gaps. That is enough where a law keeps every gap that is not negative so:
    safe distance, Newell, Nagel-Schreckenberg. The kernel of the other laws looks after every time step, and
    stops a population where two of its cars overlap.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> ring = Cars(np.array([0.0, 40.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), length=100.0)
    >>> Crowd.join([ring, ring]).starts
    array([0, 2, 4])
    """

    populations: Sequence[Cars]
    starts: NDArray[np.int64]
    position: NDArray[np.float64]
    speed: NDArray[np.float64]
    drivers: Drivers
    leader_length: NDArray[np.float64]
    room: NDArray[np.float64]

    @classmethod
    def join(cls, populations: Sequence[Cars]) -> Crowd:
        """The populations one after the other; raises `Collision` if cars of one overlap."""
        lengths = [cars.drivers.length for cars in populations]
        return cls(
            populations=[check(cars) for cars in populations],
            starts=np.cumsum([0, *(len(cars) for cars in populations)], dtype=np.int64),
            position=np.concatenate([cars.position for cars in populations]),
            speed=np.concatenate([cars.speed for cars in populations]),
            drivers=Drivers.join([cars.drivers for cars in populations]),
            leader_length=np.concatenate([part for own in lengths for part in (own[1:], own[:1])]),
            room=np.array([cars.length if cars.ring else np.inf for cars in populations]),
        )

    def part(self, duration: float | NDArray[np.float64]) -> list[Cars]:
        """The populations again, one ``duration`` or each its own later; raises `Collision` if cars of one overlap."""
        durations = np.broadcast_to(duration, len(self.populations)).tolist()
        return [
            check(
                replace(
                    cars,
                    position=self.position[a:b].copy(),
                    speed=self.speed[a:b].copy(),
                    time=cars.time + duration,
                    memory={},
                )
            )
            for cars, duration, a, b in zip(self.populations, durations, self.starts[:-1], self.starts[1:], strict=True)
        ]
