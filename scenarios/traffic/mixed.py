"""Cars among trucks on the motorway: a conservation law that carries the truck share, beside every vehicle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from math import ceil, pi, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import CAR, IDM, TRUCK, Fleet, Law, SafeDistance, Vehicle, count_at
from eqfree.hmm import (
    ConservationLaw,
    FluxCurve,
    FluxSurface,
    Muscl,
    monotonized_central,
    solve_conservation_law,
)
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.diagram import VEH_KM
from scenarios.traffic.macroscopic import ASKED_CARS
from scenarios.traffic.mixture import ask_mixture
from scenarios.traffic.roads import EveryCar, Profile, drive_shuffles, l1_difference
from scenarios.traffic.settings import MotorwaySettings, Settings

__all__ = ["mixed_drivers", "run_mixed"]

Array = NDArray[np.float64]

_TRUCKS = 0.15  # of the vehicles
_SHUFFLES = 12
_CELL = 500.0  # m: seven vehicles in free flow, thirty in the jam
_SHARES = (0.0, 0.1, _TRUCKS, 0.2, 1.0)  # tables close together where the cells are: capacity has a kink in between
_FINER = 2  # cells of the law in a cell of the comparison
_BAR = 0.03  # of the mean density; 20 km, 20 min, compared in cells of 500 m
_PICTURE = 60.0  # s between the times of the tables


def mixed_drivers() -> dict[str, tuple[Law, Vehicle, Vehicle]]:
    """Law, car and truck of those whose mixture is string-stable, so that its density says what will come of it.

    Trucks of IDM drivers accelerate as well as their cars do: with the 0.5 m/s² of `TRUCK`, every seventh vehicle
    lets waves grow from 30 veh/km on.

    >>> [name for name in mixed_drivers()]
    ['safe distance', 'IDM, a = 1.5 m/s²']
    """
    car, truck = (replace(vehicle, acceleration=1.5) for vehicle in (CAR, TRUCK))
    return {"safe distance": (SafeDistance(), CAR, TRUCK), "IDM, a = 1.5 m/s²": (IDM(), car, truck)}


def run_mixed(settings: Settings, context: Context) -> Part:
    """Trucks among cars: shuffles of the same vehicles, all simulated, beside one law that asks rings of both.

    At the scale of cells the flow of a mixed fleet is no function of density: it matters who follows whom, and one
    shuffle is not another. What an equation can tell is the mean over shuffles. It needs the share of trucks, which
    moves with the vehicles; both begin as the mean over the shuffles, in each cell. Beside that, the law is told the
    fleet's share and nothing about where its trucks are, and is solved without its gradient correction.

    Begun with a single shuffle's own trucks instead, the law hardly tells more of that shuffle than the law of the mean
    does: at the end it is off by 3.1 % instead of 3.3 % (safe distance) and 4.8 % instead of 5.8 % (IDM), means over
    twelve. In free flow seven vehicles are in a cell, and the flow does not follow from how many of them are trucks.

    Tables: ``mixed`` (differences, spreads and costs), ``mixed_over_time`` (differences at each time) and
    ``mixed_road`` (densities in veh/km and truck shares over space and time).

    Parameters
    ----------
    settings
        ``motorway`` says which road, ``seed`` which shuffles.
    context
        Shows progress.

    Raises
    ------
    ValueError
        If the cells do not divide the ring.
    """
    road = settings.motorway
    edges, profile = _edges(road), Profile(road.length)
    times = np.linspace(0.0, road.duration, ceil(road.duration / _PICTURE) + 1)
    tables: dict[str, list[pd.DataFrame]] = {"mixed": [], "mixed_over_time": [], "mixed_road": []}
    values: dict[str, ef.Value] = {}
    checks: list[ef.Check] = []
    notes, cost = [], ef.Cost()
    for name, (law, car, truck) in context.track(list(mixed_drivers().items()), "motorways of cars and trucks"):
        fleet = Fleet((car, truck), (1 - _TRUCKS, _TRUCKS))
        every = _Shuffles(drive_shuffles(law, fleet, profile, times, edges, _SHUFFLES, settings.seed))
        solved = _solve(ask_mixture(law, car, truck, _SHARES), every)
        cost += solved.asked
        row = _compare(every, solved)
        whole = pd.DataFrame([row]), _over_time(every, solved), _road(every, solved)
        for rows, table in zip(whole, tables.values(), strict=True):
            rows.insert(0, "drivers", name)
            table.append(rows)
        notes.append(f"Cars and trucks, {name}: {_words(row)}")
        short = "safe_distance" if name == "safe distance" else "idm"
        values |= {
            f"mixed_l1_{short}": ef.Value(row["l1"], row["l1_stderr"]),
            f"mixed_spread_{short}": ef.Value(row["one_from_another"]),
            f"mixed_saving_{short}": ef.Value(row["saving"]),
        }
        checks += _checks(name, row, barred=road == MotorwaySettings())
    joined = {table: pd.concat(parts, ignore_index=True) for table, parts in tables.items()}
    return Part(joined, values, checks, notes, cost=cost)


@dataclass(frozen=True, eq=False)
class _Shuffles:
    """The same vehicles in several orders, all of them simulated."""

    roads: Sequence[EveryCar]

    @property
    def times(self) -> Array:
        return self.roads[0].times

    @property
    def edges(self) -> Array:
        return self.roads[0].edges

    @cached_property
    def densities(self) -> Array:
        """Vehicles per metre, (shuffle, time, cells)."""
        return np.array([road.densities for road in self.roads])

    @cached_property
    def mean(self) -> Array:
        """Vehicles per metre, mean over the shuffles, (time, cells)."""
        return np.asarray(self.densities.mean(axis=0))

    @cached_property
    def trucks(self) -> Array:
        """Trucks per metre, mean over the shuffles, (time, cells)."""
        before = np.mean([_trucks_before(road, road.counts) for road in self.roads], axis=0)
        return np.asarray(np.diff(before, axis=-1) / np.diff(self.edges))

    def start(self, faces: Array) -> tuple[Array, Array]:
        """Vehicles per metre and share of trucks between faces at the beginning, of the mean over the shuffles."""
        counts = [count_at(road.start, faces) for road in self.roads]
        trucks = [_trucks_before(road, count) for road, count in zip(self.roads, counts, strict=True)]
        vehicles, lorries = (np.diff(np.mean(each, axis=0)) for each in (counts, trucks))
        return vehicles / np.diff(faces), lorries / vehicles


@dataclass(frozen=True, eq=False)
class _Solved:
    """The road by the conservation law: vehicles per metre, (time, cells)."""

    density: Array
    trucks: Array
    expected: Array  #: told the fleet's share alone
    plain: Array  #: without the gradient correction
    asked: ef.Cost
    wall: float


def _trucks_before(road: EveryCar, counts: Array) -> Array:
    """The cumulative count of trucks where that of the vehicles is ``counts``: they keep their order."""
    trucks = np.append(0.0, np.cumsum(road.start.drivers.kind == 1))
    laps, place = np.divmod(counts, len(road.start))
    return np.asarray(np.interp(place, np.arange(len(trucks)), trucks) + laps * trucks[-1])


def _edges(road: MotorwaySettings) -> Array:
    """Cells of 500 m, or where they do not divide the road the nearest that are several of its own."""
    own = road.edges()
    if road.length % _CELL == 0:
        return np.linspace(0.0, road.length, round(road.length / _CELL) + 1)
    cells = len(own) - 1
    together = [number for number in range(1, cells // 2 + 1) if cells % number == 0]
    return own[:: min(together, key=lambda number: abs(number * road.cell - _CELL))]


def _solve(flux: FluxSurface, every: _Shuffles) -> _Solved:
    """The law begun with the mean of the shuffles, with the fleet's share instead, and without the gradient."""
    faces = np.linspace(every.edges[0], every.edges[-1], _FINER * (len(every.edges) - 1) + 1)
    density, share = every.start(faces)
    alike = flux.tables[_SHARES.index(_TRUCKS)]
    vehicles, trucks, wall = _advance(flux, faces, density, share, every.times)
    expected, _, _ = _advance(alike, faces, density, np.full(len(density), _TRUCKS), every.times)
    plain, _, _ = _advance(flux.without_gradient(), faces, density, share, every.times)
    return _Solved(vehicles, trucks, expected, plain, flux.cost, wall)


def _advance(
    flux: FluxSurface | FluxCurve, faces: Array, density: Array, share: Array, times: Array
) -> tuple[Array, Array, float]:
    """Vehicles and trucks per metre, (time, cells), in cells of the comparison, and the seconds on the clock."""
    law = ConservationLaw(flux, faces, shares=("truck_share",), density_unit="1/m", length_unit="m")
    scheme = Muscl(limiter=monotonized_central)
    result = solve_conservation_law(law, (0.0, float(times[-1])), density, [share], scheme=scheme, t_eval=times)
    vehicles, shares = np.split(result.macro[:, : 2 * len(density)], 2, axis=1)
    coarse = np.stack([vehicles, vehicles * shares]).reshape(2, len(times), -1, _FINER).mean(axis=-1)
    return coarse[0], coarse[1], result.cost.wall


def _compare(every: _Shuffles, solved: _Solved) -> dict[str, float]:
    edges, widths = every.edges, np.diff(every.edges)
    over_time = _over_time(every, solved)
    vehicle_seconds = ASKED_CARS * solved.asked.micro_time
    directly = sum(road.vehicle_seconds for road in every.roads)
    return {
        "l1": float(over_time["l1"].iloc[-1]),
        "l1_stderr": _jackknife(solved.density[-1], every.densities[:, -1], edges),
        "l1_largest": float(over_time["l1"].max()),
        "l1_expected_share": float(l1_difference(solved.expected, every.mean, edges)[-1]),
        "l1_without_gradient": float(l1_difference(solved.plain, every.mean, edges)[-1]),
        "one_from_another": float(over_time["one_from_another"].iloc[-1]),
        "one_from_mean": float(over_time["one_from_mean"].iloc[-1]),
        "sampling_error": float(over_time["sampling_error"].iloc[-1]),
        "trucks_l1": float(l1_difference(solved.trucks, every.trucks, edges)[-1]),
        "trucks_l1_expected_share": float(l1_difference(_TRUCKS * solved.expected, every.trucks, edges)[-1]),
        "vehicles": float(solved.density[-1] @ widths),
        "vehicles_directly": float(len(every.roads[0].end)),
        "trucks": float(solved.trucks[-1] @ widths),
        "trucks_directly": float(np.count_nonzero(every.roads[0].end.drivers.kind == 1)),
        "vehicle_seconds": vehicle_seconds,
        "vehicle_seconds_directly": directly,
        "saving": directly / vehicle_seconds,
        "wall": solved.asked.wall + solved.wall,
        "wall_directly": sum(road.wall for road in every.roads),
    }


def _over_time(every: _Shuffles, solved: _Solved) -> pd.DataFrame:
    """Differences of densities at each time, as shares of the mean density."""
    own, mean, edges = every.densities, every.mean, every.edges
    pairs = [l1_difference(one, other, edges) for one, other in combinations(own, 2)]
    error = own.std(axis=0, ddof=1) / sqrt(len(own))
    return pd.DataFrame(
        {
            "time": every.times,
            "l1": l1_difference(solved.density, mean, edges),
            "one_from_another": np.mean(pairs, axis=0),
            "one_from_mean": l1_difference(own, mean[np.newaxis], edges).mean(axis=0),
            "sampling_error": l1_difference(mean + sqrt(2 / pi) * error, mean, edges),  # E|x| of a normal x
        }
    )


def _jackknife(density: Array, shuffles: Array, edges: Array) -> float:
    """Standard error of the difference of a density from the mean of shuffles, (shuffle, cells): by leaving one out."""
    count = len(shuffles)
    others = (shuffles.sum(axis=0) - shuffles) / (count - 1)
    return float(sqrt(count - 1) * l1_difference(density, others, edges).std())


def _road(every: _Shuffles, solved: _Solved) -> pd.DataFrame:
    middles = (every.edges[1:] + every.edges[:-1]) / 2
    return pd.DataFrame(
        {
            "time": np.repeat(every.times, len(middles)),
            "place": np.tile(middles, len(every.times)),
            "density": solved.density.ravel() * VEH_KM,
            "density_directly": every.mean.ravel() * VEH_KM,
            "density_deviation": every.densities.std(axis=0, ddof=1).ravel() * VEH_KM,
            "density_stderr": every.densities.std(axis=0, ddof=1).ravel() / sqrt(len(every.densities)) * VEH_KM,
            "truck_share": (solved.trucks / solved.density).ravel(),
            "truck_share_directly": (every.trucks / every.mean).ravel(),
        }
    )


def _words(row: Mapping[str, float]) -> str:
    return (
        f"density differs from the mean of {_SHUFFLES} shuffles by {row['l1']:.2%} of the mean at the end, "
        f"where chance alone makes {row['sampling_error']:.2%}; by {row['l1_expected_share']:.2%} if the law is told "
        f"only the share of the fleet, and by {row['l1_without_gradient']:.2%} without the gradient correction. One "
        f"shuffle differs from another by {row['one_from_another']:.2%}, and from their mean by "
        f"{row['one_from_mean']:.2%}. Trucks differ by {row['trucks_l1']:.1%} of the trucks, and by "
        f"{row['trucks_l1_expected_share']:.1%} with the fleet's share everywhere, mostly by chance: a cell holds "
        f"few. {row['saving']:.3g} times fewer vehicle-seconds were simulated, in {row['wall']:.2g} s instead of "
        f"{row['wall_directly']:.2g} s."
    )


def _checks(name: str, row: Mapping[str, float], *, barred: bool) -> list[ef.Check]:
    counts = [
        ef.Check(
            f"{kind} on the motorway of cars and trucks, {name}",
            row[kind],
            row[f"{kind}_directly"],
            1e-10 * row[f"{kind}_directly"],
            "every vehicle",
        )
        for kind in ("vehicles", "trucks")
    ]
    if not barred:
        return counts
    return [
        *counts,
        ef.Check(
            f"difference of the mixed motorway's density from the mean of {_SHUFFLES} shuffles at the end, {name}",
            row["l1"],
            0.0,
            _BAR,
            "every vehicle, simulated; cells of 500 m",
            relation=ef.Relation.AT_MOST,
            stderr=row["l1_stderr"],
        ),
    ]
