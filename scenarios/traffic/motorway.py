"""The motorway by the heterogeneous multiscale method: a conservation law whose flow its drivers answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from agents.cars import Fleet, Law, Vehicle
from eqfree.ensemble import Key
from eqfree.hmm import (
    Answer,
    Closure,
    ConservationLaw,
    FluxCurve,
    Muscl,
    flow_alone,
    monotonized_central,
    solve_conservation_law,
)
from eqfree.hmm.closure import as_inputs
from eqfree.scenario import Context
from scenarios.traffic.diagram import VEH_KM
from scenarios.traffic.gradient import FlowAndGradient
from scenarios.traffic.part import Part
from scenarios.traffic.projection import equal_drivers
from scenarios.traffic.roads import EveryCar, Profile, drive, l1_difference, place
from scenarios.traffic.settings import MotorwaySettings, Settings

__all__ = ["run_motorway"]

_CARS = 60  # on a ring that is asked
_FLOWS, _GRADIENTS = 70, 48  # rings asked for either table; the gradient jumps where traffic becomes dense
_FINER = 2  # cells of the law in a cell of the comparison
_BARS = {"safe distance": 0.005, "IDM": 0.015}  # of the mean density; 20 km, 20 min, compared in cells of 200 m
_PICTURE = 30.0  # s between the times in the table of the road


@dataclass(frozen=True)
class _WholeRange(Closure):
    """Flow and gradient also where no ring is asked: linear to nothing on the empty road and in the jam."""

    closure: Closure
    jam: float

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        points = as_inputs(inputs)
        asked = np.clip(points, 0.005 * self.jam, 0.995 * self.jam)
        answer = self.closure(asked, key=key)
        room = np.where(points < asked, points / asked, (self.jam - points) / (self.jam - asked))
        share = np.where(points == asked, 1.0, room)
        flow = answer.value[:, :1] * share
        return Answer(np.hstack([flow, answer.value[:, 1:]]), answer.stderr, cost=answer.cost)


def run_motorway(settings: Settings, context: Context) -> Part:
    """A jam and a Riemann step on a ring road, advanced by a conservation law, beside every car.

    The drivers answer flow and gradient correction, q = Q(ρ) - D(ρ) ∂ρ/∂x, on rings of 60; the road is advanced with
    and without the correction. For each of the `equal_drivers`. Tables: ``motorway`` (differences and costs) and
    ``motorway_road`` (density in veh/km over space and time).

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
    road = settings.motorway
    edges = road.edges()
    times = np.linspace(0.0, road.duration, ceil(road.duration / _PICTURE) + 1)
    rows, roads, notes, cost = [], [], [], ef.Cost()
    checks: list[ef.Check] = []
    values: dict[str, ef.Value] = {}
    for name, (law, vehicle) in context.track(list(equal_drivers().items()), "motorways by conservation law"):
        profile = Profile(road.length)
        deck = Fleet.of(vehicle).deck(profile.cars)
        every = drive(law, place(law, deck, profile), times, edges, np.random.default_rng(0))
        flux = _ask_drivers(law, vehicle)
        cost += flux.cost
        densities, macro_wall = _advance(flux, profile, edges, times)
        plain, _ = _advance(flux.without_gradient(), profile, edges, times)
        row = _compare(every, densities, plain, flux.cost, macro_wall)
        rows.append({"drivers": name, **row})
        roads.append(_road(name, every, densities))
        notes.append(f"Motorway, {name}: {_words(row)}")
        short = "safe_distance" if name == "safe distance" else "idm"
        values[f"motorway_l1_{short}"] = ef.Value(row["l1"])
        values[f"motorway_saving_{short}"] = ef.Value(row["saving"])
        cars = row["vehicles_directly"]
        checks.append(ef.Check(f"vehicles on the motorway, {name}", row["vehicles"], cars, 1e-10 * cars, "every car"))
        if road == MotorwaySettings():
            checks.append(
                ef.Check(
                    f"difference of the motorway's density from every car at the end, share of the mean, {name}",
                    row["l1"],
                    0.0,
                    _BARS[name.split(",")[0]],
                    "every car, simulated; count interpolated linearly",
                    relation=ef.Relation.AT_MOST,
                )
            )
    tables = {"motorway": pd.DataFrame(rows), "motorway_road": pd.concat(roads, ignore_index=True)}
    return Part(tables, values, checks, notes, cost=cost)


def _ask_drivers(law: Law, vehicle: Vehicle) -> FluxCurve:
    jam = 1 / (vehicle.length + vehicle.minimum_gap)
    closure = _WholeRange(FlowAndGradient(law, vehicle, _CARS), jam)
    flow = FluxCurve.from_closure(flow_alone(closure), jam, 1e-3, max_solves=_FLOWS)
    both = FluxCurve.from_closure(closure, jam, 1e-3, max_solves=_GRADIENTS)
    return FluxCurve(flow.flow, both.gradient, flow.cost + both.cost, flow.error)


def _advance(
    flux: FluxCurve, profile: Profile, edges: NDArray[np.float64], times: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Densities in 1/m, (time, cells), in cells between ``edges``, and the seconds on the clock.

    The law is solved in cells half as wide: the limiter would cut the top of a jam that is a few cells wide.
    """
    cells = len(edges) - 1
    faces = np.linspace(edges[0], edges[-1], _FINER * cells + 1)
    law = ConservationLaw(flux, faces, density_unit="1/m", length_unit="m")
    start = np.diff(profile.count(faces)) / np.diff(faces)
    scheme = Muscl(limiter=monotonized_central)
    result = solve_conservation_law(law, (0.0, float(times[-1])), start, scheme=scheme, t_eval=times)
    fine = result.macro[:, : _FINER * cells]
    return fine.reshape(len(times), cells, _FINER).mean(axis=2), result.cost.wall


def _compare(
    every: EveryCar,
    densities: NDArray[np.float64],
    plain: NDArray[np.float64],
    asked: ef.Cost,
    macro_wall: float,
) -> dict[str, float]:
    differences = l1_difference(densities, every.densities, every.edges)
    vehicle_seconds = _CARS * asked.micro_time
    return {
        "l1": float(differences[-1]),
        "l1_largest": float(differences.max()),
        "l1_without_gradient": float(l1_difference(plain, every.densities, every.edges)[-1]),
        "vehicles": float(densities[-1] @ np.diff(every.edges)),
        "vehicles_directly": float(len(every.end)),
        "vehicle_seconds": vehicle_seconds,
        "vehicle_seconds_directly": every.vehicle_seconds,
        "saving": every.vehicle_seconds / vehicle_seconds,
        "wall": asked.wall + macro_wall,
        "wall_directly": every.wall,
    }


def _words(row: Mapping[str, float]) -> str:
    return (
        f"density differs from every car by {row['l1']:.2%} of the mean at the end ({row['l1_largest']:.2%} at most), "
        f"without the gradient correction by {row['l1_without_gradient']:.2%}; {row['saving']:.3g} times fewer "
        f"vehicle-seconds were simulated, in {row['wall']:.2g} s instead of {row['wall_directly']:.2g} s."
    )


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
