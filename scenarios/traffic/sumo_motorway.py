"""The motorway by SUMO's drivers: a conservation law whose flow and gradient SUMO answers, beside all its vehicles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import pairwise
from operator import add
from time import perf_counter
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from agents.cars import CAR, Cars, Drivers, Vehicle, count_at
from eqfree.adapters.sumo import Population, RingAtDensity, RingOfHeadways, SumoMicroModel, VehicleType, flow
from eqfree.ensemble import Key
from eqfree.hmm.closure import Answer, Closure, as_inputs
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.equal import Followed, follow_motorways
from scenarios.traffic.gradient import APART, READINGS, flow_and_gradient, read_waves, waves
from scenarios.traffic.macroscopic import ASKED_CARS, ask_closure
from scenarios.traffic.roads import EveryCar, Profile
from scenarios.traffic.settings import Settings
from scenarios.traffic.sumo_rings import vehicle_type

__all__ = ["SumoFlowAndGradient", "run_sumo_motorway"]

Array = NDArray[np.float64]

_HEALING, _WINDOW = 50.0, 10.0  # s, for a pair of drivers to find their speed from close to it, and to read it
_LONGEST_STEP = 0.5  # s: with 1 s SUMO's IDM is string-unstable, D = -90 m²/s at 36 veh/km
_STABLE_ACCELERATION = 1.5  # m/s² from which on IDM drivers of Treiber et al. are string-stable
_BAR = 0.015  # of the mean density at the end of the default motorway: that of our IDM


@dataclass(frozen=True)
class SumoFlowAndGradient(Closure):
    """A closure: density in 1/m, (point, 1) -> flow in 1/s and gradient coefficient in m²/s, (point, 2), of SUMO.

    Two of SUMO's drivers on a ring at that density say at which speed they settle; then ``cars`` of them at that
    speed, with small waves on their headways, say how fast waves die: see `FlowAndGradient`.

    Parameters
    ----------
    vehicle
        The type that all are, without random numbers.
    step
        SUMO's, in s, of which a second is a multiple.
    cars
        On the ring with waves.

    Raises
    ------
    ValueError
        If the drivers are random, or a second is no multiple of the step.
    """

    vehicle: VehicleType
    step: float = 0.5
    cars: int = ASKED_CARS

    def __post_init__(self) -> None:
        if not self.vehicle.deterministic:
            raise ValueError(f"Waves are read from drivers without random numbers: got {self.vehicle.model}.")
        if abs(round(APART / self.step) * self.step - APART) > 1e-9:
            raise ValueError(f"Waves are read every second, in whole steps: got a step of {self.step:g} s. Take 0.5.")

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """Flow and coefficient at ``inputs`` in 1/m, (point, 1), with the errors of both."""
        points = as_inputs(inputs)
        settled = self._settling(points, key=key)
        macros = [np.array([density, q / density]) for (density,), (q,) in zip(points, settled.value, strict=True)]
        bursts = self._waves.bursts(macros, APART * np.arange(READINGS + 1), [key] * len(points), read_waves)
        readings = [burst.observed.mean for burst in bursts if burst.observed is not None]
        answers = [
            flow_and_gradient(density, self.cars, reading)
            for density, reading in zip(points[:, 0], readings, strict=True)
        ]
        value, stderr = np.array(answers).swapaxes(0, 1)
        return Answer(value, stderr, cost=reduce(add, (burst.cost for burst in bursts), settled.cost))

    @cached_property
    def _settling(self) -> Closure:
        stepper = ef.CoarseTimeStepper(SumoMicroModel(RingAtDensity(2), self.vehicle, self.step))
        return Closure.from_stepper(stepper, np.asarray, _flow, _HEALING, _WINDOW)

    @cached_property
    def _waves(self) -> ef.CoarseTimeStepper:
        """Populations of a macro state (density in 1/m, speed in m/s), with waves on the headways."""
        wave = waves(self.cars)
        ring = SumoMicroModel(RingAtDensity(self.cars), self.vehicle, self.step)

        def lift(macro: Array, rng: Generator) -> Population:
            headway, speed = 1 / float(macro[0]), float(macro[1])
            road = RingOfHeadways(self.cars, self.cars * headway)
            model = SumoMicroModel(road, self.vehicle, self.step, speed=lambda gap: np.full_like(gap, speed))
            ahead = headway * (1 + wave)
            return model.lift(ahead * (road.around / ahead.sum()), rng)

        def restrict(micro: Population) -> Array:
            return np.array([len(micro) / micro.length, micro.speed.mean()])

        return ef.CoarseTimeStepper(
            ef.micro_model(
                lift,
                ring.evolve,
                restrict,
                deterministic=True,
                thread_safe=False,
                time_step=self.step,
                agent_updates=lambda macro, duration: self.cars * duration / self.step,
                warm=ring.warm,
            )
        )


def run_sumo_motorway(settings: Settings, context: Context) -> Part:
    """The motorway by SUMO's IDM and by its Krauss drivers, who do not dawdle here: see `follow_motorways`.

    Steps are of 0.5 s at most: waves must die for a law to follow them.

    Raises
    ------
    ValueError
        If the cells do not divide the ring, or a second is no multiple of SUMO's step.
    """
    brisk, step = replace(CAR, acceleration=_STABLE_ACCELERATION), min(settings.sumo.step, _LONGEST_STEP)
    followed = [
        _followed("sumo_idm", f"SUMO's IDM, a = {brisk.acceleration:g} m/s²", brisk, "IDM", step, _BAR),
        _followed("sumo_krauss", "SUMO's Krauss", CAR, "Krauss", step, None),
    ]
    return follow_motorways(followed, settings, context)


def _followed(key: str, name: str, car: Vehicle, model: str, step: float, bar: float | None) -> Followed:
    vehicle = vehicle_type(car, model)
    closure = SumoFlowAndGradient(vehicle, step)
    return Followed(
        key,
        name,
        lambda rings: ask_closure(closure, car, rings),
        lambda profile, edges, times: _drive(vehicle, car, step, profile, edges, times),
        lambda asked: asked.agent_updates * step,
        bar,
    )


def _drive(vehicle: VehicleType, car: Vehicle, step: float, profile: Profile, edges: Array, times: Array) -> EveryCar:
    """All of SUMO's vehicles on the ring, counted at the edges at the whole steps nearest to the times."""
    grid = np.linspace(0.0, profile.length, 100_001)
    position = np.interp(np.arange(profile.cars), profile.count(grid), grid)
    ahead = np.append(np.diff(position), profile.length - position[-1] + position[0])
    model = SumoMicroModel(RingOfHeadways(profile.cars, profile.length), vehicle, step)
    rng, instants = np.random.default_rng(0), step * np.round(times / step)
    began = perf_counter()
    now = begun = model.lift(ahead, rng)
    counts = [count_at(_as_cars(now, car), edges)]
    for earlier, later in pairwise(instants.tolist()):
        now = model.evolve(now, later - earlier, rng)
        counts.append(count_at(_as_cars(now, car), edges))
    wall, simulated = perf_counter() - began, len(now) * float(instants[-1] - instants[0])
    return EveryCar(instants, edges, np.array(counts), _as_cars(begun, car), _as_cars(now, car), simulated, wall)


def _as_cars(population: Population, car: Vehicle) -> Cars:
    """SUMO's vehicles as cars of ours, to be read as these are."""
    drivers = Drivers.of([car], np.zeros(len(population), dtype=np.int64))
    return Cars(population.position, population.speed, drivers, population.length, time=population.time)


def _flow(before: Population, after: Population, duration: float) -> list[float]:
    return [flow(before, after, duration)]
