"""The open road: cars arrive at its beginning, wait until there is room, and leave at its end."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor, inf, sqrt

import numpy as np
from numpy.random import Generator

from agents.cars.fleet import Drivers
from agents.cars.law import Law
from agents.cars.road import Cars

__all__ = ["advance_open_road", "waiting"]

_RETRY = 0.5  # s between two looks of a car that waits
_ROUNDING = 1e-9


def waiting(cars: Cars, demand: float) -> int:
    """How many cars have arrived at an open road and not entered it: arrivals are 1/demand apart.

    >>> waiting(Cars(np.empty(0), np.empty(0), Drivers.of([], []), 500.0, ring=False, time=60.0), demand=0.5)
    30
    """
    return floor(demand * cars.time + _ROUNDING) - cars.entered


def advance_open_road(law: Law, cars: Cars, demand: float, duration: float, rng: Generator) -> Cars:
    """The cars on an open road after ``duration`` seconds.

    Arrival k is at time k/demand. A car enters at x = 0, in the order of the queue, as soon as its gap is the
    minimum gap and its time headway at the last car's speed, and at the steady speed of its gap; who has to
    wait looks again every 0.5 s (or the law's time step). A car whose front has passed the end has left, and
    nobody follows it any more. Nobody is lost: cars + left = cars at the start + entered.

    Parameters
    ----------
    law
        How they drive.
    cars
        On the open road, with a queue; the law has prepared them together.
    demand
        Cars that arrive per second.
    duration
        In s.
    rng
        For laws that need it.

    Raises
    ------
    ValueError
        If the demand is negative or not finite, or there is a demand and no queue.

    Examples
    --------
    >>> from agents.cars import CAR, IDM
    >>> empty = Cars(np.empty(0), np.empty(0), Drivers.of([], []), 1e3, ring=False, queue=Drivers.of([CAR], [0]))
    >>> later = advance_open_road(IDM(), empty, 0.2, 60.0, np.random.default_rng(0))
    >>> len(later), later.entered, later.left
    (7, 12, 5)
    """
    if not 0 <= demand < inf:
        raise ValueError(f"`demand` must be finite and not negative, in cars per second: got {demand}.")
    if demand > 0 and not len(cars.queue):
        raise ValueError("An open road with a demand needs a queue of drivers who enter: got none.")
    end = cars.time + duration
    cars = _admit(law, cars, demand)
    while (remaining := end - cars.time) > _ROUNDING:
        next_arrival = (cars.entered + 1) / demand - cars.time if demand > 0 else inf
        pause = min(remaining, _RETRY if waiting(cars, demand) > 0 else max(next_arrival, _ROUNDING))
        if law.time_step is not None:
            pause = ceil(pause / law.time_step - 1e-6) * law.time_step
        cars = _admit(law, _release(law.advance(cars, pause, rng)), demand)
    return replace(cars, time=end)


def _release(cars: Cars) -> Cars:
    """The cars that have not passed the end."""
    staying = int(np.searchsorted(cars.position, cars.length, side="right"))
    if staying == len(cars):
        return cars
    return replace(
        cars,
        position=cars.position[:staying],
        speed=cars.speed[:staying],
        drivers=cars.drivers.take(slice(staying)),
        left=cars.left + len(cars) - staying,
        memory={name: values[..., :staying] for name, values in cars.memory.items()},
    )


def _admit(law: Law, cars: Cars, demand: float) -> Cars:
    """The cars and who can enter now."""
    while waiting(cars, demand) > 0:
        entrant = cars.queue.take(np.array([cars.entered % len(cars.queue)]))
        speed = _entry_speed(law, cars, entrant)
        if speed is None:
            return cars
        alone = law.prepare(Cars(np.zeros(1), np.full(1, speed), entrant, cars.length, ring=False, queue=cars.queue))
        memory = {
            name: np.concatenate((values, cars.memory[name]), axis=-1) if len(cars) else values
            for name, values in alone.memory.items()
        }
        cars = replace(
            cars,
            position=np.concatenate((alone.position, cars.position)),
            speed=np.concatenate((alone.speed, cars.speed)),
            drivers=Drivers.join([entrant, cars.drivers]),
            entered=cars.entered + 1,
            memory=memory,
        )
    return cars


def _entry_speed(law: Law, cars: Cars, entrant: Drivers) -> float | None:
    """The speed at which the entrant enters, None if there is no room."""
    if not len(cars):
        return float(law.steady_speed(np.full(1, np.inf), entrant)[0])
    gap = cars.position[0] - cars.drivers.length[0]
    last = float(cars.speed[0])
    standing = max(entrant.minimum_gap[0], cars.drivers.minimum_gap[0])
    if gap < standing + entrant.time_headway[0] * min(last, entrant.desired_speed[0]):
        return None
    steady = float(law.steady_speed(np.full(1, gap), entrant)[0])
    return min(steady, sqrt(last**2 + 2 * float(entrant.deceleration[0]) * gap))
