"""Where the cars are: the state of one lane, ring or open, and what must hold in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.cars.fleet import Drivers

__all__ = ["ROUNDING", "Cars", "Collision", "check", "gaps", "headways", "pack", "spread", "unpack"]

_PLAIN = ("position", "speed", "length", "ring", "time", "entered", "left")
ROUNDING = 1e-6
"""m and m/s: far above round-off after many laps, far below anything a driver does."""


class Collision(RuntimeError):
    """Two cars overlap, a car drives backwards, or a number is not finite."""


@dataclass(frozen=True, eq=False)
class Cars:
    """n cars on one lane, from the last to the first: car i follows car i + 1.

    Parameters
    ----------
    position
        Front bumpers, (n,), in m, ascending; on a ring they are not wrapped, and the last car follows the
        first one, a road length ahead.
    speed
        (n,), in m/s.
    drivers
        Who drives them.
    length
        Length of the road, in m.
    ring
        Whether the end of the road is its beginning.
    time
        In s.
    entered, left
        How many cars have entered and left an open road since its time was 0.
    queue
        Who enters an open road next: entrant k is card k of this deck, which goes round.
    memory
        What a law remembers of the past: arrays whose last axis is the cars.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> cars = Cars(np.array([0.0, 40.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), length=100.0)
    >>> gaps(cars)
    array([35., 55.])
    """

    position: NDArray[np.float64]
    speed: NDArray[np.float64]
    drivers: Drivers
    length: float
    ring: bool = True
    time: float = 0.0
    entered: int = 0
    left: int = 0
    queue: Drivers = field(default_factory=lambda: Drivers.of([], []))
    memory: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.position)

    def __deepcopy__(self, memo: object) -> Cars:
        return self  # nobody writes into cars: a law makes new ones


def headways(cars: Cars) -> NDArray[np.float64]:
    """Distances from front bumper to front bumper of the car ahead, (n,), in m; inf where nobody is ahead.

    >>> from agents.cars.fleet import CAR
    >>> headways(Cars(np.array([0.0, 40.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), 100.0, ring=False))
    array([40., inf])
    """
    if not len(cars):
        return np.empty(0)
    closing = cars.position[0] + cars.length - cars.position[-1] if cars.ring else np.inf
    return np.append(np.diff(cars.position), closing)


def gaps(cars: Cars) -> NDArray[np.float64]:
    """Distances from front bumper to the rear bumper ahead, (n,), in m; inf where nobody is ahead.

    >>> from agents.cars.fleet import CAR
    >>> gaps(Cars(np.array([0.0]), np.zeros(1), Drivers.of([CAR], [0]), 100.0))
    array([95.])
    """
    length = cars.drivers.length
    return headways(cars) - np.concatenate((length[1:], length[:1]))


def check(cars: Cars) -> Cars:
    """The same cars, after a look at every gap and speed.

    Raises
    ------
    Collision
        If a gap or a speed is negative (beyond round-off, 1e-6) or not a number; names the cars and the time.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> check(Cars(np.array([0.0, 4.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), 100.0))
    Traceback (most recent call last):
    agents.cars.road.Collision: At t = 0 s car 0 at 0 m overlaps car 1 ahead by 1 m: ...
    """
    room = gaps(cars)
    wrong = ~((room >= -ROUNDING) & (cars.speed >= -ROUNDING) & (cars.speed < np.inf))
    if not wrong.any():
        return cars
    i = int(np.argmax(wrong))
    ahead = (i + 1) % len(cars)
    where = f"At t = {cars.time:g} s car {i} at {cars.position[i]:g} m"
    if not (np.isfinite(cars.position[i]) and np.isfinite(cars.speed[i])):
        what = f"has the position {cars.position[i]} and the speed {cars.speed[i]}"
    elif cars.speed[i] < -ROUNDING:
        what = f"drives backwards at {cars.speed[i]:g} m/s"
    else:
        what = f"overlaps car {ahead} ahead by {-room[i]:g} m"
    raise Collision(f"{where} {what}: take a shorter step, or drivers who brake.")


def spread(
    position: NDArray[np.float64], spacing: NDArray[np.float64], length: float, ring: bool
) -> NDArray[np.float64]:
    """The positions nearest to the given ones at which no two cars are closer than they may be.

    Minimises the largest displacement under x[i+1] - x[i] >= spacing[i+1] (isotonic regression in the
    maximum norm: half the sum of the running maximum from behind and the running minimum from ahead).

    Parameters
    ----------
    position
        Ascending, (n,), in m.
    spacing
        What car i keeps free behind its front bumper, (n,), in m.
    length
        Length of the road, in m; on an open one the cars stay within it.
    ring
        Whether the last car also keeps its distance to the first one.

    Raises
    ------
    ValueError
        If the cars do not fit.

    Examples
    --------
    >>> spread(np.array([10.0, 11.0, 50.0]), np.full(3, 5.0), 100.0, ring=True)
    array([ 8., 13., 50.])
    """
    needed = spacing.sum() if ring else spacing[1:].sum()
    if needed > length * (1 + 1e-12):
        raise ValueError(
            f"The cars must fit on the road: {len(spacing)} cars need {needed:g} m, the road has {length:g} m. "
            "Take fewer or shorter cars, or a longer road."
        )
    taken = np.cumsum(spacing) - spacing[:1]
    free = position - taken
    if not ring:
        behind, ahead = np.maximum.accumulate(free), np.minimum.accumulate(free[::-1])[::-1]
        return np.asarray(np.clip((behind + ahead) / 2, 0, max(0.0, length - needed)) + taken)
    count, slack = len(position), length - needed
    laps = np.concatenate((free - slack, free, free + slack))
    behind, ahead = np.maximum.accumulate(laps), np.minimum.accumulate(laps[::-1])[::-1]
    return np.asarray((behind + ahead)[count : 2 * count] / 2 + taken)


def pack(cars: Cars) -> dict[str, NDArray[Any]]:
    """Everything about the cars as named arrays; `unpack` makes the same cars of it.

    >>> from agents.cars.fleet import CAR
    >>> cars = Cars(np.array([0.0, 40.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), length=100.0)
    >>> unpack(pack(cars)).position
    array([ 0., 40.])
    """
    packed = {name: np.array(getattr(cars, name)) for name in _PLAIN}
    parts = {"drivers": vars(cars.drivers), "queue": vars(cars.queue), "memory": cars.memory}
    for part, arrays in parts.items():
        packed |= {f"{part}.{name}": values.copy() for name, values in arrays.items()}
    return packed


def unpack(packed: Mapping[str, NDArray[Any]]) -> Cars:
    """The cars that were packed; they own their arrays.

    >>> from agents.cars.fleet import CAR
    >>> cars = Cars(np.array([0.0, 40.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), length=100.0, time=7.0)
    >>> unpack(pack(cars)).time
    7.0
    """

    def under(prefix: str) -> dict[str, NDArray[Any]]:
        return {name.removeprefix(prefix): np.array(packed[name]) for name in packed if name.startswith(prefix)}

    return Cars(
        position=np.array(packed["position"]),
        speed=np.array(packed["speed"]),
        drivers=Drivers(**under("drivers.")),
        length=float(packed["length"]),
        ring=bool(packed["ring"]),
        time=float(packed["time"]),
        entered=int(packed["entered"]),
        left=int(packed["left"]),
        queue=Drivers(**under("queue.")),
        memory=under("memory."),
    )
