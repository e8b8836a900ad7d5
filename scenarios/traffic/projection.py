"""The road without any flux function: coarse projection of its cumulative count, beside every single car."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import CAR, IDM, Fleet, Law, RoadOfCounts, SafeDistance, Vehicle
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.diagram import VEH_KM
from scenarios.traffic.roads import EveryCar, Profile, drive, l1_difference, mean_travel_times, place
from scenarios.traffic.settings import Settings

__all__ = ["PROJECTED_TO", "EqualDrivers", "Projected", "equal_drivers", "project", "run_projection"]

PROJECTED_TO = 0.01
"""Share of the mean density within which the projected road is every car's, cells of 200 m."""
_CELL, _DURATION = 200.0, 1200.0  # m and s; the widest and the shortest for which that was measured
_CFL = 0.9  # of a cell that the fastest driver may cross in a step
_HEALING = 0.5  # of the reaction time
_READING = 0.25
_STABLE_ACCELERATION = 1.5  # m/s² from which on IDM drivers of Treiber et al. are string-stable
_PICTURES = 40  # times in the table of the road in space and time


@dataclass(frozen=True, eq=False)
class Projected:
    """A projected road.

    Attributes
    ----------
    trajectory
        Times and counts at the beginnings of the cells, (time, cells), and how it ended.
    densities : (time, cells)
        In 1/m.
    counts : (time, cells + 1)
        At all edges: the last is the first and all cars.
    cars
        That a population lifted from its last counts has.
    vehicle_seconds
        What was simulated.
    gain
        Time of the road per time that was simulated: step / (2 burst); NaN where nothing was.
    """

    trajectory: ef.Trajectory
    densities: NDArray[np.float64]
    counts: NDArray[np.float64]
    cars: int
    vehicle_seconds: float
    gain: float


@dataclass(frozen=True)
class EqualDrivers:
    """Drivers who are all the same.

    Attributes
    ----------
    key
        What they are called in the names of values.
    name
        What they are called in words.
    law, vehicle
        How they drive.
    """

    key: str
    name: str
    law: Law
    vehicle: Vehicle


def equal_drivers() -> list[EqualDrivers]:
    """The drivers for whom a road is a matter of density alone: equal cars among whom all waves die.

    They are the default car and not the settings' fleet, for whom the road's densities and its bars were chosen.

    >>> [drivers.name for drivers in equal_drivers()]
    ['safe distance', 'IDM, a = 1.5 m/s²']
    """
    brisk = replace(CAR, acceleration=_STABLE_ACCELERATION)
    return [
        EqualDrivers("safe_distance", "safe distance", SafeDistance(), CAR),
        EqualDrivers("idm", f"IDM, a = {brisk.acceleration:g} m/s²", IDM(), brisk),
    ]


def project(
    law: Law,
    vehicle: Vehicle,
    profile: Profile,
    edges: NDArray[np.float64],
    duration: float,
    *,
    healing: float,
    method: ef.projective.Method,
) -> Projected:
    """The road after ``duration`` s by bursts of its cars: counts in, counts out, no flux function.

    *How to choose.* A step is bounded by how far information travels, 0.9 of the narrowest cell over the highest
    speed; ``healing`` by the time in which drivers forget how they were lifted: without it, the shortest waves that
    the counts hold grow. Half a reaction time of healing and a quarter of reading do; more healing gains accuracy for
    drivers whose speeds follow late, and costs gain.

    Examples
    --------
    >>> from agents.cars import CAR
    >>> method = ef.projective.Midpoint(step=5.4, burst=1.2)
    >>> edges = np.linspace(0.0, 20_000.0, 101)
    >>> road = project(SafeDistance(), CAR, Profile(), edges, 10.8, healing=0.8, method=method)
    >>> road.cars, road.densities.shape, round(road.gain, 2)
    (482, (3, 100), 2.25)
    """
    model = RoadOfCounts(law, vehicle, profile.cars, edges)
    stepper = ef.CoarseTimeStepper(model, healing=healing)  # one burst at a time: nothing for an executor
    trajectory = ef.solve_projective(stepper, (0.0, duration), profile.count(edges[:-1]), method)
    counts = np.hstack([trajectory.macro, trajectory.macro[:, :1] + profile.cars])
    return Projected(
        trajectory=trajectory,
        densities=model.densities(trajectory.macro),
        counts=counts,
        cars=len(model.lift(trajectory.macro[-1], np.random.default_rng(0))),
        vehicle_seconds=profile.cars * trajectory.cost.micro_time,
        gain=float((trajectory.times[-1] - trajectory.times[0]) / trajectory.cost.micro_time)
        if trajectory.cost.bursts
        else np.nan,
    )


def run_projection(settings: Settings, context: Context) -> Part:
    """The projected road beside every car, for each of the `equal_drivers`.

    Tables: ``projection`` (what it came to, a row per drivers) and ``projection_road`` (density in veh/km over space
    and time, both). The bar on the difference is checked where cells are no wider, and the time no shorter, than it
    was set for.

    Parameters
    ----------
    settings
        ``motorway`` says which road.
    context
        Shows progress.

    Raises
    ------
    ValueError
        If the cells do not divide the ring.
    """
    length, duration, cell = settings.motorway.length, settings.motorway.duration, settings.motorway.cell
    edges = settings.motorway.edges()
    rows, roads = [], []
    values: dict[str, ef.Value] = {}
    checks: list[ef.Check] = []
    notes, failures, cost = [], [], ef.Cost()
    for drivers in context.track(equal_drivers(), "projected roads"):
        name, law, profile = drivers.name, drivers.law, Profile(length)
        projected = _project_with_defaults(drivers, profile, edges, duration)
        cost += projected.trajectory.cost
        if not projected.trajectory.success:
            ended = projected.trajectory.times[-1]
            failures.append(f"The projected road of {name} ended at {ended:g} s. {projected.trajectory.message}")
            continue
        deck = Fleet.of(drivers.vehicle).deck(profile.cars)
        every = drive(law, place(law, deck, profile), projected.trajectory.times, edges, np.random.default_rng(0))
        row = _compare(projected, every)
        rows.append({"drivers": name, "cell": cell, **row})
        roads.append(_road(name, projected, every))
        values |= {
            f"projection_l1_{drivers.key}": ef.Value(row["l1"]),
            f"projection_gain_{drivers.key}": ef.Value(projected.gain),
        }
        checks += _checks(name, row, barred=cell <= _CELL and duration >= _DURATION)
        notes.append(f"Projected road, {name}: {_words(row)}")
    tables = {"projection": pd.DataFrame(rows), "projection_road": pd.concat(roads, ignore_index=True)} if rows else {}
    return Part(tables, values, checks, notes, failures, cost)


def _words(row: Mapping[str, float]) -> str:
    return (
        f"density differs from every car by {row['l1']:.2%} of the mean at the end, {row['l1_mean']:.2%} in the mean "
        f"over time and {row['l1_largest']:.2%} at most. {row['gain']:.3g} times less time was simulated (the "
        f"gain); on the clock it took {row['wall']:.2g} s, and these compiled cars {row['wall_directly']:.2g} s."
    )


def _project_with_defaults(
    drivers: EqualDrivers, profile: Profile, edges: NDArray[np.float64], duration: float
) -> Projected:
    vehicle = drivers.vehicle
    step = _CFL * float(np.diff(edges).min()) / vehicle.desired_speed
    healing = _HEALING * vehicle.time_headway
    method = ef.projective.Midpoint(step, healing + _READING * vehicle.time_headway)
    return project(drivers.law, vehicle, profile, edges, duration, healing=healing, method=method)


def _compare(projected: Projected, every: EveryCar) -> Mapping[str, float]:
    differences = l1_difference(projected.densities, every.densities, every.edges)
    travel, directly = mean_travel_times(every.times, [projected.counts, every.counts], every.edges)
    return {
        "l1": float(differences[-1]),
        "l1_mean": float(differences.mean()),
        "l1_largest": float(differences.max()),
        "gain": projected.gain,
        "vehicles": projected.cars,
        "vehicles_directly": len(every.end),
        "travel_time": travel,
        "travel_time_directly": directly,
        "vehicle_seconds": projected.vehicle_seconds,
        "vehicle_seconds_directly": every.vehicle_seconds,
        "wall": projected.trajectory.cost.wall,
        "wall_directly": every.wall,
    }


def _road(name: str, projected: Projected, every: EveryCar) -> pd.DataFrame:
    shown = np.unique(np.linspace(0, len(every.times) - 1, _PICTURES).round().astype(int))
    middles = (every.edges[1:] + every.edges[:-1]) / 2
    return pd.DataFrame(
        {
            "drivers": name,
            "time": np.repeat(every.times[shown], len(middles)),
            "place": np.tile(middles, len(shown)),
            "density": projected.densities[shown].ravel() * VEH_KM,
            "density_directly": every.densities[shown].ravel() * VEH_KM,
        }
    )


def _checks(name: str, row: Mapping[str, float], *, barred: bool) -> list[ef.Check]:
    vehicles = ef.Check(
        f"vehicles on the projected road, {name}",
        row["vehicles"],
        row["vehicles_directly"],
        0.0,
        "every car, simulated",
    )
    if not barred:
        return [vehicles]
    return [
        vehicles,
        ef.Check(
            f"difference of the projected density from every car at the end, share of the mean, {name}",
            row["l1"],
            0.0,
            PROJECTED_TO,
            "every car, simulated; count interpolated linearly",
            relation=ef.Relation.AT_MOST,
        ),
    ]
