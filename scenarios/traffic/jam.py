"""The jam that nobody caused: 22 cars on a ring of 230 m, beside the published experiment."""

from __future__ import annotations

from math import tanh

import numpy as np
import pandas as pd

import eqfree as ef
from agents.cars import Cars, Fleet, FollowTheLeader, RingAtDensity, Vehicle, flow, wave_speed
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.diagram import KM_H
from scenarios.traffic.settings import Settings

__all__ = ["run_jam"]

_CARS, _LENGTH = 22, 230.0  # Sugiyama et al. 2008
_DRIVER = Vehicle(
    name="car", length=4.5, minimum_gap=0.0, desired_speed=9.75, time_headway=2.23 * (1 + tanh(2)) / 9.75
)  # the width of the optimal velocity is 2.23 m
_LAW = FollowTheLeader(attraction=20.0, relaxation=0.5)
_MEAN_SPEED, _WAVE_SPEED = 6.810062224913205, -6.4832197773208975  # m/s
_SOURCE = "independent program, Euler steps of 0.01 s, 2000 s (references: ftl_ov_ring)"
_FASTEST_SPEED = 9.265463415025302  # m/s
_PUBLISHED_WAVE, _PUBLISHED_FREE = -20.0, 40.0  # km/h
_FORMING, _SETTLING, _WINDOW = 600, 1500, 500  # s: shown in the picture, waited for, read
_FRAME = 2  # s between the frames of the picture


def run_jam(settings: Settings, context: Context) -> Part:
    """Almost uniform flow of equal drivers breaks into a wave that travels backwards.

    The cars start up to a twentieth of a gap out of place; which car begins the jam depends on the seed, how fast
    drivers drive and the jam moves in the end does not. Tables: ``jam`` (time in s, car, place in m, speed in km/h,
    while the jam forms) and ``jam_speeds`` (this run beside an independent program and the experiment, in km/h).
    The drivers' numbers are a defined test and not fitted to the experiment, whose own are read to about 3 km/h:
    it stands beside, and no bar is set on it.

    References
    ----------
    Sugiyama et al., New J. Phys. 10 (2008) 033001, doi:10.1088/1367-2630/10/3/033001.
    """
    ring = RingAtDensity(_LAW, Fleet.of(_DRIVER), _CARS, displacement=0.1)
    stepper = ef.CoarseTimeStepper(ring, replicas=1, seed=settings.seed)
    packed = stepper.lift(np.array([_CARS / _LENGTH]))
    frames = []
    for number in context.track(range(_FORMING // _FRAME), "forming jam"):
        frames.append(_frame(ring.unpack(packed[0])))
        packed, _ = stepper.advance(packed, _FRAME, (number,))
    packed, _ = stepper.advance(packed, _SETTLING - _FORMING)
    snapshots = [ring.unpack(packed[0])]
    for number in range(_WINDOW):
        packed, _ = stepper.advance(packed, 1.0, (number,))
        snapshots.append(ring.unpack(packed[0]))
    mean = flow(snapshots[0], snapshots[-1], _WINDOW) * _LENGTH / _CARS
    wave = wave_speed(snapshots)
    fastest = max(float(cars.speed.max()) for cars in snapshots)
    values = {
        "jam_mean_speed": ef.Value(mean, unit="m/s"),
        "jam_wave_speed": ef.Value(wave, unit="m/s"),
        "jam_fastest_speed": ef.Value(fastest, unit="m/s"),
    }
    tables = {"jam": pd.concat(frames, ignore_index=True), "jam_speeds": _beside(mean, wave, fastest)}
    checks = [
        ef.Check(quantity, measured, expected, 0.01 * abs(expected), _SOURCE, unit="m/s")
        for quantity, measured, expected in (
            (f"mean speed of {_CARS} cars on {_LENGTH:g} m", mean, _MEAN_SPEED),
            ("speed of their jam", wave, _WAVE_SPEED),
        )
    ]
    return Part(tables, values, checks)


def _frame(cars: Cars) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "time": cars.time,
            "car": np.arange(len(cars)),
            "place": np.mod(cars.position, cars.length),
            "speed": cars.speed * KM_H,
        }
    )


def _beside(mean: float, wave: float, fastest: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "quantity": ["mean speed", "speed of the jam", "fastest car"],
            "this_run": [KM_H * value for value in (mean, wave, fastest)],
            "independent_program": [KM_H * _MEAN_SPEED, KM_H * _WAVE_SPEED, KM_H * _FASTEST_SPEED],
            "sugiyama_2008": [np.nan, _PUBLISHED_WAVE, _PUBLISHED_FREE],
        }
    )
