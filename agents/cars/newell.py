"""Newell's law: be where the leader was, a reaction time ago and a vehicle behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cars.fleet import Drivers
from agents.cars.law import Crowd, check_step, shared_time_step
from agents.cars.road import Cars

__all__ = ["Newell"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Newell:
    """Newell's simplified car following, with each driver's own delay.

    x_i(t) = min(x_i(t - Δt) + v0 Δt, x_{i+1}(t - τ_i) - l_i)

    with the desired speed v0, the reaction time τ (``time_headway``) and l the leader's length and the
    driver's minimum gap. The past is interpolated linearly between the time steps; a car that stands
    closer than it may waits. Exact where speeds are constant over a time step. A ring of cars with
    one v0 flows at min(ρ v0, (1 - ρ mean l)/mean τ).

    Parameters
    ----------
    step
        Δt in s; at most the shortest reaction time. Durations are multiples of it.

    Raises
    ------
    ValueError
        If the step is not positive, or exceeds a reaction time.

    References
    ----------
    Newell, Transp. Res. B 36 (2002) 195, doi:10.1016/S0191-2615(00)00044-8.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> Newell().steady_speed(np.array([18.0]), Drivers.of([CAR], [0]))
    array([10.])
    """

    step: float = 0.1

    deterministic = True
    cell = None

    def __post_init__(self) -> None:
        check_step(self.step)

    @property
    def time_step(self) -> float:
        """The step."""
        return self.step

    def steady_speed(self, gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        """(gap - s0)/τ in m/s, between 0 and the desired speed."""
        return np.clip((gap - drivers.minimum_gap) / drivers.time_headway, 0.0, drivers.desired_speed)

    def steady_gap(self, speed: NDArray[np.float64] | float, drivers: Drivers) -> NDArray[np.float64]:
        """s0 + v τ in m, inf beyond the desired speed."""
        needed = drivers.minimum_gap + speed * drivers.time_headway
        return np.where(speed > drivers.desired_speed, np.inf, needed)

    def prepare(self, cars: Cars) -> Cars:
        """The cars with a past in which they always drove as they do now, as long as anyone's reaction time."""
        reaction_times = np.concatenate((cars.drivers.time_headway, cars.queue.time_headway))
        quickest, slowest = reaction_times.min(initial=np.inf), reaction_times.max(initial=0.0)
        if quickest < self.step:
            raise ValueError(
                f"Newell's `step` must not exceed a reaction time: got a step of {self.step:g} s and a reaction time "
                f"of {quickest:g} s. Shorten the step or lengthen the `time_headway`."
            )
        ago = self.step * np.arange(ceil(slowest / self.step) + 1)[:, None]
        return replace(cars, memory={"history": cars.position - ago * cars.speed})

    def steps(self, _drivers: Drivers, duration: float) -> int:
        """Time steps in ``duration``."""
        return shared_time_step(duration, self.step)

    def advance(self, cars: Cars, duration: float, _rng: Generator) -> Cars:
        """The cars after ``duration`` seconds; those without a past are prepared first."""
        return self._run(_serial, [cars], duration)[0]

    def advance_all(self, populations: Sequence[Cars], duration: float, _rngs: Sequence[Generator]) -> list[Cars]:
        """Every population after ``duration`` seconds, in parallel."""
        return self._run(_batch, populations, duration)

    def _run(self, kernel: Any, populations: Sequence[Cars], duration: float) -> list[Cars]:
        crowd = Crowd.join(populations)
        who = crowd.drivers
        pasts = [(cars.memory or self.prepare(cars).memory)["history"] for cars in populations]
        kept = np.array([len(past) for past in pasts], dtype=np.int64)
        history = np.concatenate([np.pad(past, ((0, kept.max() - len(past)), (0, 0))) for past in pasts], axis=1)
        rows = np.stack([crowd.leader_length + who.minimum_gap, who.desired_speed, who.time_headway / self.step])
        count = shared_time_step(duration, self.step)
        kernel(crowd.starts, crowd.position, crowd.speed, crowd.room, history, kept, rows, count, self.step)
        return [
            replace(cars, memory={"history": history[:own, a:b].copy()})
            for cars, own, a, b in zip(crowd.part(duration), kept, crowd.starts[:-1], crowd.starts[1:], strict=True)
        ]


@njit(cache=True, nogil=True, error_model="numpy")
def _advance(position: Array, speed: Array, room: float, history: Array, rows: Array, steps: int, step: float) -> None:
    # `history` is a wheel: `newest` is the row of the last time step, the rows after it are ever older.
    n, past = position.size, history.shape[0]
    newest = 0
    for _ in range(steps):
        older = newest
        newest = (newest - 1) % past
        for i in range(n):
            lag = rows[2, i] - 1.0  # the leader's past, in steps before the row `older`
            whole = int(lag)
            share = lag - whole
            near, far = (older + whole) % past, (older + whole + 1) % past
            leader, lap = (i + 1, 0.0) if i + 1 < n else (0, room)
            seen = history[near, leader]
            if share > 0.0:
                seen += share * (history[far, leader] - seen)
            free = position[i] + rows[1, i] * step
            speed[i] = max(0.0, min(free, seen + lap - rows[0, i]) - position[i]) / step
        for i in range(n):
            position[i] += speed[i] * step
            history[newest, i] = position[i]
    wheel = history.copy()
    for k in range(past):
        for i in range(n):
            history[k, i] = wheel[(newest + k) % past, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _advance_one(
    r: Any,
    starts: Array,
    position: Array,
    speed: Array,
    room: Array,
    history: Array,
    kept: Array,
    rows: Array,
    steps: int,
    step: float,
) -> None:  # whatever is sliced is sliced here: inside a parallel loop that takes numba many times as long to compile
    a, b = starts[r], starts[r + 1]
    own = history[: kept[r], a:b].copy()
    _advance(position[a:b], speed[a:b], room[r], own, rows[:, a:b].copy(), steps, step)
    for k in range(kept[r]):
        for i in range(b - a):
            history[k, a + i] = own[k, i]


def _serial(
    starts: Array,
    position: Array,
    speed: Array,
    room: Array,
    history: Array,
    kept: Array,
    rows: Array,
    steps: int,
    step: float,
) -> None:
    for r in range(room.size):  # in Python, so that what it calls is not compiled into it once more
        _advance_one(r, starts, position, speed, room, history, kept, rows, steps, step)


@njit(cache=True, nogil=True, error_model="numpy", parallel=True)
def _batch(
    starts: Array,
    position: Array,
    speed: Array,
    room: Array,
    history: Array,
    kept: Array,
    rows: Array,
    steps: int,
    step: float,
) -> None:
    for r in prange(room.size):
        _advance_one(np.int64(r), starts, position, speed, room, history, kept, rows, steps, step)
