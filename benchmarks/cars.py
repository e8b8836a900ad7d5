"""The compiled IDM beside its readable specification, a plain Mesa model: `make bench NAME=cars`.

Both drive the same cars on the same ring by the same Runge-Kutta scheme in the same steps. First they have to
agree in every position, then they are timed in turns, in one thread, and the medians are compared.
"""

from __future__ import annotations

import os
from math import sqrt
from statistics import median
from time import perf_counter, process_time

import mesa
import numpy as np
from numpy.random import default_rng
from rich.console import Console
from rich.table import Table

from agents.cars import CAR, IDM, Cars, Fleet, Vehicle, place_at_density

__all__ = ["Driver", "MesaRing", "busy_share", "disagreement", "main", "start"]

DENSITY = 0.025  # 1/m, where the ring carries nearly its capacity
STEP = CAR.time_headway / 8


class Driver(mesa.Agent):
    """A driver of the intelligent driver model (Treiber, Hennecke & Helbing 2000), as one would write it down."""

    def __init__(self, model: MesaRing, vehicle: Vehicle, position: float, speed: float) -> None:
        super().__init__(model)
        self.vehicle = vehicle
        self.position = self.stage_position = position
        self.speed = self.stage_speed = speed
        self.acceleration = self.moved = self.gained = 0.0
        self.leader = self
        self.lap = 0.0

    def begin(self) -> None:
        """Start a time step."""
        self.moved = self.gained = 0.0
        self.stage_position, self.stage_speed = self.position, self.speed

    def look(self) -> None:
        """Choose the acceleration: a [1 - (v/v0)^4 - (s*/s)²], s* = s0 + max(0, v T + v Δv/(2 sqrt(ab)))."""
        own, leader, v = self.vehicle, self.leader, self.stage_speed
        gap = leader.stage_position + self.lap - leader.vehicle.length - self.stage_position
        approach = v * (v - leader.stage_speed) / (2 * sqrt(own.acceleration * own.deceleration))
        wanted = own.minimum_gap + max(0.0, v * own.time_headway + approach)
        self.acceleration = own.acceleration * (1 - (v / own.desired_speed) ** 4 - (wanted / gap) ** 2)

    def move(self, weight: float, ahead: float) -> None:
        """Take one stage: count it with its weight, go to the next. Nobody reverses."""
        self.moved += weight * self.stage_speed
        self.gained += weight * self.acceleration
        self.stage_position = self.position + ahead * self.stage_speed
        self.stage_speed = max(0.0, self.speed + ahead * self.acceleration)

    def finish(self) -> None:
        """End the time step."""
        self.position += self.moved
        self.speed = max(0.0, self.speed + self.gained)


class MesaRing(mesa.Model):
    """A ring of drivers, moved by the classical Runge-Kutta scheme, all at once."""

    def __init__(self, cars: Cars, vehicle: Vehicle, step: float) -> None:
        super().__init__()
        self.time_step = step
        pairs = zip(cars.position.tolist(), cars.speed.tolist(), strict=True)
        self.drivers = [Driver(self, vehicle, position, speed) for position, speed in pairs]
        for follower, leader in zip(self.drivers, [*self.drivers[1:], self.drivers[0]], strict=True):
            follower.leader = leader
        self.drivers[-1].lap = cars.length

    def step(self) -> None:
        """One time step of everybody."""
        h = self.time_step
        self.agents.do("begin")
        for weight, ahead in ((h / 6, h / 2), (h / 3, h / 2), (h / 3, h), (h / 6, 0.0)):
            self.agents.do("look")
            self.agents.do("move", weight, ahead)
        self.agents.do("finish")

    def release(self) -> None:
        """Let the memory go: Mesa 3.3 keeps every model that has had an agent."""
        mesa.Agent._ids.pop(self, None)


def start(count: int) -> Cars:
    """``count`` cars on a ring near capacity, displaced at random."""
    return place_at_density(IDM(), Fleet.of(CAR), count, DENSITY, default_rng(1), displacement=0.5)


def disagreement(count: int, steps: int) -> float:
    """The largest difference in m between the positions of kernel and Mesa model, after ``steps`` steps."""
    cars = start(count)
    model = MesaRing(cars, CAR, STEP)
    for _ in range(steps):
        model.step()
    compiled = IDM(step=STEP).advance(cars, steps * STEP, default_rng(0))
    positions = np.array([driver.position for driver in model.drivers])
    model.release()
    return float(np.abs(positions - compiled.position).max())


def busy_share() -> float:
    """The share of a fixed loop's wall time in which this thread did not have its core."""
    wall, own = perf_counter(), process_time()
    sum(range(2_000_000))
    return max(0.0, 1 - (process_time() - own) / (perf_counter() - wall))


def _rates(count: int, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Car updates per second of kernel and Mesa model, in turns, and the load from outside."""
    kernel, plain, load = [], [], []
    law, cars = IDM(step=STEP), start(count)
    model = MesaRing(cars, CAR, STEP)
    for _ in range(rounds):
        load.append(busy_share())
        began = perf_counter()
        for _ in range(20):
            model.step()
        plain.append(20 * count / (perf_counter() - began))
        began = perf_counter()
        law.advance(cars, 4000 * STEP, default_rng(0))
        kernel.append(4000 * count / (perf_counter() - began))
    model.release()
    return kernel, plain, load


def main(count: int = 1000, steps: int = 1000, rounds: int = 9) -> None:
    """Print the agreement and the table of rates."""
    console = Console()
    began = perf_counter()
    IDM(step=STEP).advance(start(2), STEP, default_rng(0))
    first_call = perf_counter() - began
    difference = disagreement(count, steps)
    kernel, plain, load = _rates(count, rounds)
    table = Table(title=f"IDM, ring of {count} cars, Runge-Kutta steps of {STEP:g} s, one thread")
    for heading in ("", "median, car updates/s", "slowest", "fastest"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, rates in (("Mesa", plain), ("kernel", kernel)):
        table.add_row(name, *(f"{rate:.4g}" for rate in (median(rates), min(rates), max(rates))))
    ratios = [fast / slow for fast, slow in zip(kernel, plain, strict=True)]
    table.add_row("ratio", *(f"{ratio:.0f}" for ratio in (median(ratios), min(ratios), max(ratios))))
    console.print(table)
    ok = "ok" if difference <= 1e-9 else "NOT ok"
    console.print(f"Largest difference in position after {steps} steps: {difference:.2e} m (1e-9: {ok}).")
    console.print(f"Ratio of at least 200: {'ok' if median(ratios) >= 200 else 'NOT ok'}.")
    console.print(f"First call, compiling or loading from the cache: {first_call:.2f} s.")
    console.print(
        f"Core taken by others: {median(load):.0%} (median of {rounds}), load average {os.getloadavg()[0]:.2f}."
    )


if __name__ == "__main__":
    main()
