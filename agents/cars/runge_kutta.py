"""The classical Runge-Kutta scheme for the second-order laws: what their `advance` stands on.

x' = v, v' = a(gap, v, leader's v), four stages, fourth order. The speeds of the stages and of the step are
floored at zero, so that a car that stops does not reverse: fourth order where nobody stops, first order in the
one step in which somebody does. Cars that overlap may drive apart again as if nothing had happened (the IDM squares
its gaps): so every step ends with a look at all gaps, and the first overlap is a `Collision`.

Noise on the speeds, dv = a(...) dt + s dW, is Strang's splitting: half the noise of a step before it, half after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cars.law import Crowd
from agents.cars.road import ROUNDING, Cars, check, gaps

__all__ = [
    "INTELLIGENT_DRIVER",
    "OPTIMAL_VELOCITY",
    "Acceleration",
    "advance",
    "advance_all",
    "advance_by_formula",
    "advance_noisily",
]

INTELLIGENT_DRIVER = 0
"""Rows: leader's length, minimum gap, 1/desired speed, time headway, acceleration, 1/(2 sqrt(ab)).
Options: exponent."""
OPTIMAL_VELOCITY = 1
"""Rows: leader's length, minimum gap, largest speed, 1/width, square of the gap at which the attraction is capped.
Options: sensitivity, attraction, inflection, its tanh."""

Array = NDArray[Any]
Acceleration = Callable[[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
"""(gap, speed, leader's speed) -> acceleration."""


def advance(
    crowd: Crowd,
    law: int,
    rows: NDArray[np.float64],
    options: NDArray[np.float64],
    steps: Sequence[int],
    duration: float,
) -> list[Cars]:
    """Every population of the crowd after ``duration`` seconds, one after the other.

    ``law`` is `INTELLIGENT_DRIVER` or `OPTIMAL_VELOCITY`, which say what the ``rows`` (parameter, car) and the
    ``options`` mean; population r takes ``steps[r]`` equal steps. The crowd's arrays are written into.

    >>> from agents.cars.fleet import CAR, Drivers
    >>> alone = Crowd.join([Cars(np.zeros(1), np.full(1, 20.0), Drivers.of([CAR], [0]), 1e9)])
    >>> rows = np.array([[5.0], [2.0], [1 / 30], [1.6], [0.73], [0.45]])
    >>> advance(alone, INTELLIGENT_DRIVER, rows, np.array([4.0]), [10], 1.0)[0].speed.round(3)
    array([20.577])
    """
    return _run(_serial, crowd, law, rows, options, steps, duration)


def advance_all(
    crowd: Crowd,
    law: int,
    rows: NDArray[np.float64],
    options: NDArray[np.float64],
    steps: Sequence[int],
    duration: float,
) -> list[Cars]:
    """What `advance` does, bit for bit, with the populations spread over the cores.

    >>> from agents.cars.fleet import CAR, Drivers
    >>> alone = Crowd.join([Cars(np.zeros(1), np.full(1, 20.0), Drivers.of([CAR], [0]), 1e9)] * 2)
    >>> rows = np.array([[5.0], [2.0], [1 / 30], [1.6], [0.73], [0.45]]).repeat(2, axis=1)
    >>> [cars.speed.round(3) for cars in advance_all(alone, INTELLIGENT_DRIVER, rows, np.array([4.0]), [10, 10], 1.0)]
    [array([20.577]), array([20.577])]
    """
    return _run(_batch, crowd, law, rows, options, steps, duration)


def advance_noisily(
    crowd: Crowd,
    law: int,
    rows: NDArray[np.float64],
    options: NDArray[np.float64],
    steps: Sequence[int],
    duration: float,
    noise: float,
    rngs: Sequence[Generator],
) -> list[Cars]:
    """What `advance` does, with white noise of strength ``noise`` in m/s^1.5 on the speeds, one generator a population.

    Every step takes two normal numbers per car, whatever the cars do: the same generator gives two populations of
    one size the same noise.

    >>> from agents.cars.fleet import CAR, Drivers
    >>> alone = Crowd.join([Cars(np.zeros(1), np.full(1, 20.0), Drivers.of([CAR], [0]), 1e9)])
    >>> rows, options = np.array([[5.0], [2.0], [1 / 30], [1.6], [0.73], [0.45]]), np.array([4.0])
    >>> rngs = [np.random.default_rng(0)]
    >>> advance_noisily(alone, INTELLIGENT_DRIVER, rows, options, [10], 1.0, 0.1, rngs)[0].speed.round(3)
    array([20.496])
    """
    made = np.empty(len(steps), dtype=np.int64)
    for r, (count, rng) in enumerate(zip(steps, rngs, strict=True)):
        own = slice(crowd.starts[r], crowd.starts[r + 1])
        step = duration / max(1, count)
        kick = noise * sqrt(step / 2)
        who, how = (crowd.position[own], crowd.speed[own]), rows[:, own].copy()
        made[r] = _advance_noisily(*who, crowd.room[r], law, how, options, count, step, -ROUNDING, kick, rng)
    return _parted(crowd, steps, duration, made)


def advance_by_formula(
    cars: Cars,
    acceleration: Acceleration,
    steps: int,
    duration: float,
    noise: float = 0.0,
    rng: Generator | None = None,
) -> Cars:
    """The same scheme in NumPy, for an acceleration that nobody compiled; the noise is that of `advance_noisily`.

    >>> from agents.cars.fleet import CAR, Drivers
    >>> alone = Cars(np.zeros(1), np.zeros(1), Drivers.of([CAR], [0]), 1e9)
    >>> advance_by_formula(alone, lambda gap, speed, leader: 1 - speed, 10, 1.0).speed.round(5)
    array([0.63212])
    """
    cars, step, end = check(cars), duration / max(steps, 1), cars.time + duration

    def kicked(speed: NDArray[np.float64]) -> NDArray[np.float64]:
        if rng is None:
            return speed
        return np.maximum(0.0, speed + noise * sqrt(step / 2) * rng.standard_normal(len(speed)))

    for _ in range(steps):
        position, speed = cars.position, kicked(cars.speed)
        x, v = position, speed
        moved, gained = np.zeros_like(x), np.zeros_like(v)
        for weight, ahead in ((1, 0.5), (2, 0.5), (2, 1.0), (1, 0.0)):
            a = acceleration(gaps(replace(cars, position=x)), v, np.roll(v, -1))
            moved, gained = moved + weight * v, gained + weight * a
            x, v = position + ahead * step * v, np.maximum(0.0, speed + ahead * step * a)
        position, speed = position + step / 6 * moved, np.maximum(0.0, speed + step / 6 * gained)
        cars = check(replace(cars, position=position, speed=kicked(speed), time=cars.time + step))
    return replace(cars, time=end)


def _run(
    kernel: Callable[..., None],
    crowd: Crowd,
    law: int,
    rows: NDArray[np.float64],
    options: NDArray[np.float64],
    steps: Sequence[int],
    duration: float,
) -> list[Cars]:
    wanted = np.array(steps, dtype=np.int64)
    made = np.empty_like(wanted)
    travellers = crowd.starts, crowd.position, crowd.speed, crowd.room
    kernel(*travellers, law, rows, options, wanted, float(duration), -ROUNDING, made)
    return _parted(crowd, steps, duration, made)


def _parted(crowd: Crowd, steps: Sequence[int], duration: float, made: NDArray[np.int64]) -> list[Cars]:
    wanted = np.array(steps, dtype=np.int64)
    return crowd.part(np.where(made == wanted, duration, duration * made / np.maximum(1, wanted)))


@njit(cache=True, nogil=True, error_model="numpy")
def _powers(base: Array, exponent: float, square: Array, out: Array) -> None:
    if exponent != np.floor(exponent) or exponent < 0:
        for i in range(base.size):
            out[i] = base[i] ** exponent
        return
    out[:] = 1.0
    for i in range(base.size):
        square[i] = base[i]
    left = int(exponent)
    while left > 0:  # by squaring: a general power is six times slower
        if left & 1:
            for i in range(base.size):
                out[i] *= square[i]
        for i in range(base.size):
            square[i] *= square[i]
        left >>= 1


@njit(cache=True, nogil=True, error_model="numpy")
def _intelligent_driver(gap: float, speed: float, leader_speed: float, free: float, rows: Array, i: int) -> float:
    dynamic = speed * (rows[3, i] + (speed - leader_speed) * rows[5, i])
    ratio = (rows[1, i] + max(0.0, dynamic)) / gap
    change: float = rows[4, i] * (1.0 - free - ratio * ratio)
    return change


@njit(cache=True, nogil=True, error_model="numpy")
def _optimal_velocity(gap: float, speed: float, leader_speed: float, options: Array, rows: Array, i: int) -> float:
    offset = options[3]
    reach = max(0.0, gap - rows[1, i]) * rows[3, i]
    target = rows[2, i] * (np.tanh(reach - options[2]) + offset) / (1.0 + offset)
    follow = options[1] * (leader_speed - speed) / max(gap * gap, rows[4, i])
    change: float = options[0] * (target - speed) + follow
    return change


@njit(cache=True, nogil=True, error_model="numpy")
def _accelerations(
    x: Array, v: Array, room: float, law: int, rows: Array, options: Array, scratch: Array, out: Array
) -> None:
    last = x.size - 1
    closing = x[0] + room - x[last] - rows[0, last]
    if law == INTELLIGENT_DRIVER:
        for i in range(x.size):
            scratch[0, i] = v[i] * rows[2, i]
        _powers(scratch[0], options[0], scratch[1], out)  # with an array of its own LLVM would not vectorise
        for i in range(last):  # the pair that closes the ring is apart, so that this loop is vectorised
            gap = x[i + 1] - x[i] - rows[0, i]
            out[i] = _intelligent_driver(gap, v[i], v[i + 1], out[i], rows, i)
        out[last] = _intelligent_driver(closing, v[last], v[0], out[last], rows, last)
    else:
        for i in range(last):
            gap = x[i + 1] - x[i] - rows[0, i]
            out[i] = _optimal_velocity(gap, v[i], v[i + 1], options, rows, i)
        out[last] = _optimal_velocity(closing, v[last], v[0], options, rows, last)


@njit(cache=True, nogil=True, error_model="numpy")
def _apart(x: Array, room: float, rows: Array, closest: float) -> bool:
    last = x.size - 1
    wrong = 0 if x[0] + room - x[last] - rows[0, last] >= closest else 1
    for i in range(last):  # counted, since a loop that may end early is not vectorised
        wrong += 0 if x[i + 1] - x[i] - rows[0, i] >= closest else 1
    return wrong == 0


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(
    position: Array,
    speed: Array,
    room: float,
    law: int,
    rows: Array,
    options: Array,
    steps: int,
    step: float,
    closest: float,
) -> int:
    n = position.size
    if n == 0:
        return steps
    x, v = position.copy(), speed.copy()
    moved, gained, a, scratch = np.empty(n), np.empty(n), np.empty(n), np.empty((2, n))
    for made in range(1, steps + 1):
        moved[:] = 0.0
        gained[:] = 0.0
        for stage in range(4):
            weight = step / 3 if stage == 1 or stage == 2 else step / 6
            ahead = step if stage == 2 else step / 2
            _accelerations(x, v, room, law, rows, options, scratch, a)
            for i in range(n):
                moved[i] += weight * v[i]
                gained[i] += weight * a[i]
                x[i] = position[i] + ahead * v[i]
                v[i] = max(0.0, speed[i] + ahead * a[i])
        for i in range(n):
            position[i] += moved[i]
            speed[i] = max(0.0, speed[i] + gained[i])
            x[i] = position[i]
            v[i] = speed[i]
        if not _apart(x, room, rows, closest):
            return made
    return steps


@njit(cache=True, nogil=True, error_model="numpy")
def _kick(speed: Array, size: float, rng: Generator) -> None:
    for i in range(speed.size):
        speed[i] = max(0.0, speed[i] + size * rng.standard_normal())


@njit(cache=True, nogil=True, error_model="numpy")
def _advance_noisily(
    position: Array,
    speed: Array,
    room: float,
    law: int,
    rows: Array,
    options: Array,
    steps: int,
    step: float,
    closest: float,
    kick: float,
    rng: Generator,
) -> int:
    if position.size == 0:
        return steps
    for made in range(1, steps + 1):
        _kick(speed, kick, rng)
        _advance(position, speed, room, law, rows, options, 1, step, closest)
        _kick(speed, kick, rng)
        if not _apart(position, room, rows, closest):
            return made
    return steps


@njit(cache=True, nogil=True, error_model="numpy")
def _advance_one(
    r: Any,
    starts: Array,
    position: Array,
    speed: Array,
    room: Array,
    law: int,
    rows: Array,
    options: Array,
    steps: int,
    duration: float,
    closest: float,
) -> int:  # whatever is sliced is sliced here: inside a parallel loop that takes numba many times as long to compile
    a, b = starts[r], starts[r + 1]
    own, step = rows[:, a:b].copy(), duration / max(1, steps)
    return _advance(position[a:b], speed[a:b], room[r], law, own, options, steps, step, closest)


def _serial(
    starts: Array,
    position: Array,
    speed: Array,
    room: Array,
    law: int,
    rows: Array,
    options: Array,
    steps: Array,
    duration: float,
    closest: float,
    made: Array,
) -> None:
    for r in range(room.size):  # in Python, so that what it calls is not compiled into it once more
        made[r] = _advance_one(r, starts, position, speed, room, law, rows, options, steps[r], duration, closest)


@njit(cache=True, nogil=True, error_model="numpy", parallel=True)
def _batch(
    starts: Array,
    position: Array,
    speed: Array,
    room: Array,
    law: int,
    rows: Array,
    options: Array,
    steps: Array,
    duration: float,
    closest: float,
    made: Array,
) -> None:
    for r in prange(room.size):
        made[r] = _advance_one(
            np.int64(r), starts, position, speed, room, law, rows, options, steps[r], duration, closest
        )
