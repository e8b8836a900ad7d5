"""Equal drivers on the motorway: what the conservation law makes of them, beside every car."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import Fleet
from eqfree.hmm import FluxCurve
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.diagram import VEH_KM
from scenarios.traffic.macroscopic import ASKED_CARS, Advanced, advance_road, ask_drivers
from scenarios.traffic.projection import EqualDrivers, equal_drivers
from scenarios.traffic.roads import EveryCar, Profile, drive, l1_difference, mean_travel_times, place
from scenarios.traffic.settings import MotorwaySettings, Settings

__all__ = ["Followed", "follow_motorways", "run_equal"]

_BARS = {"safe_distance": 0.005, "idm": 0.015}  # of the mean density; 20 km, 20 min, compared in cells of 200 m
_LEAST_SAVING = 20  # times fewer vehicle-seconds, on the same road
_PICTURE = 30.0  # s between the times in the table of the road
_LENGTHS = (0.25, 0.5, 2.0)  # of the motorway: for how the saving grows


@dataclass(frozen=True)
class Followed:
    """Equal drivers whose motorway is followed by a conservation law, beside every one of them.

    Attributes
    ----------
    key, name
        What they are called in the names of values, and in words.
    ask
        How many rings may be asked -> their flow and gradient.
    drive
        Every car of a profile: (profile, edges in m, times in s) -> the road.
    vehicle_seconds
        What an asking cost -> vehicle-seconds of it.
    bar
        By how much of the mean density the law may miss them at the end, on the default motorway; None if nothing
        says.
    """

    key: str
    name: str
    ask: Callable[[int], FluxCurve]
    drive: Callable[[Profile, NDArray[np.float64], NDArray[np.float64]], EveryCar]
    vehicle_seconds: Callable[[ef.Cost], float]
    bar: float | None


def run_equal(settings: Settings, context: Context) -> Part:
    """Equal drivers of ours on the motorway, advanced by a conservation law: see `follow_motorways`."""
    return follow_motorways([_followed(drivers) for drivers in equal_drivers()], settings, context)


def _followed(drivers: EqualDrivers) -> Followed:
    law, vehicle = drivers.law, drivers.vehicle

    def every_car(profile: Profile, edges: NDArray[np.float64], times: NDArray[np.float64]) -> EveryCar:
        cars = place(law, Fleet.of(vehicle).deck(profile.cars), profile)
        law.advance(cars, law.time_step or 1.0, np.random.default_rng(0))  # compiles, off the clock
        return drive(law, cars, times, edges, np.random.default_rng(0))

    return Followed(
        drivers.key,
        drivers.name,
        lambda rings: ask_drivers(law, vehicle, rings),
        every_car,
        lambda asked: ASKED_CARS * asked.micro_time,
        _BARS[drivers.key],
    )


def follow_motorways(followed: Sequence[Followed], settings: Settings, context: Context) -> Part:
    """Equal drivers on the motorway, advanced by a conservation law, beside every car; then on other lengths.

    The drivers answer flow and gradient correction, q = Q(ρ) - D(ρ) ∂ρ/∂x, on rings of 60; the road is advanced with
    and without the correction. Tables: ``motorway`` (differences, travel times and costs), ``motorway_road`` (density
    in veh/km over space and time) and ``motorway_lengths`` (costs on roads of several lengths, for which the drivers
    are asked once).
    """
    rows, roads, lengths, notes, cost = [], [], [], [], ef.Cost()
    checks: list[ef.Check] = []
    values: dict[str, ef.Value] = {}
    for drivers in context.track(followed, "motorways by conservation law"):
        name, key = drivers.name, drivers.key
        flux = drivers.ask(settings.motorway.rings)
        cost += flux.cost
        solved = {road.length: _both_ways(drivers, flux, road) for road in _lengths(settings.motorway)}
        every, advanced = solved[settings.motorway.length]
        row = _compare(every, advanced, flux, drivers)
        rows.append({"drivers": name, **row})
        roads.append(_road(name, every, advanced.densities))
        costs = [{"length": length, **_costs(*both, flux.cost, drivers)} for length, both in solved.items()]
        lengths += [{"drivers": name, **row} for row in costs]
        notes += [f"Motorway, {name}: {_words(row)}", f"Motorway, {name}: {_words_of_length(costs)}"]
        values |= {
            f"motorway_l1_{key}": ef.Value(row["l1"]),
            f"motorway_saving_{key}": ef.Value(row["saving"]),
            f"motorway_travel_time_{key}": ef.Value(row["travel_time"], unit="s"),
        }
        checks += _checks(drivers, row, barred=settings.motorway == MotorwaySettings())
    tables = {
        "motorway": pd.DataFrame(rows),
        "motorway_road": pd.concat(roads, ignore_index=True),
        "motorway_lengths": pd.DataFrame(lengths),
    }
    return Part(tables, values, checks, notes, cost=cost)


def _lengths(road: MotorwaySettings) -> list[MotorwaySettings]:
    """The motorway, and shorter and longer ones of whole cells."""
    cells = len(road.edges()) - 1
    counts = sorted({cells, *(max(2, round(factor * cells)) for factor in _LENGTHS)})
    lengths = [road.length if count == cells else count * road.cell for count in counts]
    return [road.model_copy(update={"length": length}) for length in lengths]


def _both_ways(drivers: Followed, flux: FluxCurve, road: MotorwaySettings) -> tuple[EveryCar, Advanced]:
    """The ring with every car on it, and by the conservation law."""
    edges, profile = road.edges(), Profile(road.length)
    times = np.linspace(0.0, road.duration, ceil(road.duration / _PICTURE) + 1)
    every = drivers.drive(profile, edges, times)
    return every, advance_road(flux, profile, edges, every.times)


def _without(flux: FluxCurve, every: EveryCar) -> float:
    """The difference at the end where the gradient correction is left out."""
    profile = Profile(float(every.edges[-1]))
    plain = advance_road(flux.without_gradient(), profile, every.edges, every.times)
    return float(l1_difference(plain.densities[-1], every.densities[-1], every.edges))


def _compare(every: EveryCar, advanced: Advanced, flux: FluxCurve, drivers: Followed) -> dict[str, float]:
    differences = l1_difference(advanced.densities, every.densities, every.edges)
    travel, directly = mean_travel_times(every.times, [advanced.counts, every.counts], every.edges)
    return {
        "l1": float(differences[-1]),
        "l1_largest": float(differences.max()),
        "l1_without_gradient": _without(flux, every),
        "travel_time": travel,
        "travel_time_directly": directly,
        "vehicles": float(advanced.densities[-1] @ np.diff(every.edges)),
        "vehicles_directly": float(len(every.end)),
        **_costs(every, advanced, flux.cost, drivers),
    }


def _costs(every: EveryCar, advanced: Advanced, asked: ef.Cost, drivers: Followed) -> dict[str, float]:
    """Micro simulation in vehicle-seconds and seconds on the clock, both ways.

    ``worthwhile`` is how many times slower a simulator must be for the clock to favour the conservation law: all that
    it took here is taken for overhead, and its share of the simulation comes on top.
    """
    vehicle_seconds = drivers.vehicle_seconds(asked)
    saving, wall = every.vehicle_seconds / vehicle_seconds, asked.wall + advanced.wall
    return {
        "vehicle_seconds": vehicle_seconds,
        "vehicle_seconds_directly": every.vehicle_seconds,
        "saving": saving,
        "wall": wall,
        "wall_directly": every.wall,
        "worthwhile": wall / (every.wall * (1 - 1 / saving)) if saving > 1 else np.inf,
    }


def _words(row: Mapping[str, float]) -> str:
    travel, directly = row["travel_time"], row["travel_time_directly"]
    half = f" Half the ring takes {travel:.4g} s in the mean ({directly:.4g} s with every car)." if travel > 0 else ""
    return (
        f"density differs from every car by {row['l1']:.2%} of the mean at the end ({row['l1_largest']:.2%} at most), "
        f"without the gradient correction by {row['l1_without_gradient']:.2%}.{half}"
    )


def _words_of_length(costs: Sequence[Mapping[str, float]]) -> str:
    """What is saved on each length, and what the clock says."""
    savings = ", ".join(f"{row['saving']:.3g} at {row['length'] / 1000:g} km" for row in costs)
    slower = ", ".join(
        f"{row['worthwhile']:.2g} at {row['length'] / 1000:g} km" for row in costs if row["worthwhile"] < np.inf
    )
    won = [row["length"] / 1000 for row in costs if row["wall"] < row["wall_directly"]]
    longest = f"{costs[-1]['wall_directly']:.2g} s against {costs[-1]['wall']:.2g} s on the longest"
    clock = f"the law wins from {won[0]:g} km on" if won else f"simulating every car wins on all of them ({longest})"
    return (
        f"vehicle-seconds of every car over those of the rings that were asked: {savings}. On the clock {clock}; "
        + (
            f"it wins where a simulator is slower than they are by a factor of {slower}."
            if slower
            else "it never wins."
        )
    )


def _checks(drivers: Followed, row: Mapping[str, float], *, barred: bool) -> list[ef.Check]:
    name, cars = drivers.name, row["vehicles_directly"]
    checks = [ef.Check(f"vehicles on the motorway, {name}", row["vehicles"], cars, 1e-10 * cars, "every car")]
    if barred and drivers.bar is not None:
        checks.append(
            ef.Check(
                f"difference of the motorway's density from every car at the end, share of the mean, {name}",
                row["l1"],
                0.0,
                drivers.bar,
                "every car, simulated; count interpolated linearly",
                relation=ef.Relation.AT_MOST,
            )
        )
    if barred:
        checks.append(
            ef.Check(
                f"times fewer vehicle-seconds of micro simulation on the motorway, {name}",
                row["saving"],
                _LEAST_SAVING,
                0.0,
                "every car, simulated",
                relation=ef.Relation.AT_LEAST,
            )
        )
    return checks


def _road(name: str, every: EveryCar, densities: NDArray[np.float64]) -> pd.DataFrame:
    middles = (every.edges[1:] + every.edges[:-1]) / 2
    return pd.DataFrame(
        {
            "drivers": name,
            "time": np.repeat(every.times, len(middles)),
            "place": np.tile(middles, len(every.times)),
            "density": densities.ravel() * VEH_KM,
            "density_directly": every.densities.ravel() * VEH_KM,
        }
    )
