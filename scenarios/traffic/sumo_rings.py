"""SUMO's drivers on rings: the closures that answer density with flow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import Vehicle
from eqfree.adapters.sumo import Population, RingAtDensity, SumoMicroModel, VehicleType, flow
from eqfree.ensemble import ExecutorLike
from scenarios.traffic.rings import Ring
from scenarios.traffic.settings import Settings

__all__ = ["DRIVERS", "long_ring", "ring_model", "short_ring", "vehicle_type"]

Array = NDArray[np.float64]

DRIVERS = {"idm": "IDM", "krauss": "Krauss"}
"""What SUMO's drivers are called in the names of values -> SUMO's car-following model."""
_FEW = 8  # IDM drivers on a ring, so few that every wave dies out at every density
_HEALING, _WINDOW = 300.0, 10.0  # s, for as few as that to find their speed, and to read it
_HASTE = 0.8  # of the speed that is kept, at which they begin: what they drive at is what SUMO made of it
_DISPLACED = 0.5  # of the smaller gap beside a vehicle, twice that, on a long ring


def vehicle_type(car: Vehicle, model: str, imperfection: float = 0.0) -> VehicleType:
    """A car of ours in SUMO's parameters.

    >>> from agents.cars import CAR
    >>> vehicle_type(CAR, "IDM").time_headway
    1.6
    """
    return VehicleType(
        model,
        acceleration=car.acceleration,
        deceleration=car.deceleration,
        time_headway=car.time_headway,
        minimum_gap=car.minimum_gap,
        length=car.length,
        maximum_speed=car.desired_speed,
        imperfection=imperfection,
    )


def ring_model(vehicle: VehicleType, cars: int, step: float, displacement: float = 0.0) -> SumoMicroModel:
    """Cars on a ring at a density, who begin slower than they will drive."""
    road = RingAtDensity(cars, displacement)
    return SumoMicroModel(road, vehicle, step, speed=lambda gap: _HASTE * vehicle.steady_speed(gap))


def short_ring(vehicle: VehicleType, settings: Settings, workers: ExecutorLike) -> Ring:
    """A ring for the equilibrium branch of drivers without randomness."""
    closure = _flow_closure(ring_model(vehicle, _FEW, settings.sumo.step), settings, _HEALING, _WINDOW, workers)
    return Ring(closure, f"{_FEW} of SUMO's {vehicle.model} drivers, healed for {_HEALING:g} s")


def long_ring(vehicle: VehicleType, cars: int, settings: Settings, workers: ExecutorLike) -> Ring:
    """A ring long enough for stop-and-go, on which vehicles begin displaced."""
    step = settings.sumo.step
    healing, window = (step * round(time / step) for time in (settings.road.healing, settings.road.window))
    closure = _flow_closure(ring_model(vehicle, cars, step, _DISPLACED), settings, healing, window, workers)
    return Ring(closure, f"{cars} of SUMO's {vehicle.model} drivers, read over {window:g} s after {healing:g} s")


def _flow_closure(
    model: Any, settings: Settings, healing: float, window: float, workers: ExecutorLike
) -> ef.hmm.Closure:
    stepper = ef.CoarseTimeStepper(model, replicas=settings.replicas, executor=workers, seed=settings.seed)
    step = model.time_step
    times = [step * round(time / step) for time in (healing, window)]
    return ef.hmm.Closure.from_stepper(stepper, np.asarray, _flow, *times)


def _flow(before: Population, after: Population, duration: float) -> list[float]:
    return [flow(before, after, duration)]
