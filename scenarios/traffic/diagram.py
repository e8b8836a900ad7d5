"""The fundamental diagram: flow, speed and stability against density, from drivers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

import eqfree as ef
from agents.cars import Collision, Fleet, NagelSchreckenberg
from eqfree.scenario import Context
from scenarios.traffic.rings import (
    Ring,
    growth_rate,
    lattice_ring,
    law_of,
    long_ring,
    short_ring,
    standing_density,
    vehicles_of,
)
from scenarios.traffic.settings import Settings

__all__ = [
    "FREE_ROAD",
    "KM_H",
    "VEH_H",
    "VEH_KM",
    "as_table",
    "check_road",
    "densities_of",
    "derive_flows",
    "find_landmarks",
    "find_unstable",
    "measure_long_rings",
    "measure_road",
    "ring_of",
]

KM_H = 3.6  # m/s in km/h
VEH_H = 3600.0  # 1/s in veh/h
VEH_KM = 1000.0  # 1/m in veh/km
FREE_ROAD = 1e-3  # of the standing density, at which free speed is read
_SCAN = 40  # densities at which growth is read besides those asked for
_NEUTRAL = 1e-7  # growth in 1/s that is not told from round-off: the wave takes months


def as_table(densities: NDArray[np.float64], flows: NDArray[np.float64], stderr: NDArray[np.float64]) -> pd.DataFrame:
    """Density, flow and speed in veh/km, veh/h and km/h, from SI.

    >>> as_table(np.array([0.02]), np.array([0.5]), np.array([0.0])).round(3).to_dict("list")
    {'density': [20.0], 'flow': [1800.0], 'flow_stderr': [0.0], 'speed': [90.0], 'speed_stderr': [0.0]}
    """
    return pd.DataFrame(
        {
            "density": densities * VEH_KM,
            "flow": flows * VEH_H,
            "flow_stderr": stderr * VEH_H,
            "speed": flows / densities * KM_H,
            "speed_stderr": stderr / densities * KM_H,
        }
    )


def densities_of(settings: Settings, fleet: Fleet) -> NDArray[np.float64]:
    """The densities (1/m) to impose: those given, or up to the jam with more of them where traffic flows.

    Raises
    ------
    ValueError
        If a given density leaves the vehicles no room.
    """
    standing = standing_density(law_of(settings), fleet)
    if isinstance(settings.densities, int):
        return standing * (np.arange(1, settings.densities + 1) / (settings.densities + 1)) ** 1.5
    given = np.unique(settings.densities) / VEH_KM
    if given[-1] >= standing:
        raise ValueError(
            f"`densities` must stay below the jam density of the fleet, {standing * VEH_KM:.6g} veh/km: "
            f"got {given[-1] * VEH_KM:.6g}. Take more vehicles off the road, or shorter ones."
        )
    return given


def ring_of(settings: Settings, fleet: Fleet, context: Context) -> Ring:
    """The ring that answers for the equilibrium branch of a fleet."""
    law = law_of(settings)
    if isinstance(law, NagelSchreckenberg):
        return lattice_ring(law, fleet, settings, context.executor)
    return short_ring(law, fleet, settings, context.executor)


def derive_flows(settings: Settings, fleet: Fleet, ring: Ring) -> tuple[pd.DataFrame, ef.Cost]:
    """Flow and speed at every density: density (veh/km), flow (veh/h), speed (km/h), with standard errors."""
    densities = ring.possible(densities_of(settings, fleet))
    flows, stderr, cost = ring.ask(densities)
    return as_table(densities, flows, stderr), cost


def find_landmarks(settings: Settings, fleet: Fleet, ring: Ring) -> tuple[dict[str, ef.Value], ef.Cost]:
    """Capacity, critical density, jam density, free speed and wave speed, each asked where it is."""
    law = law_of(settings)
    standing = standing_density(law, fleet)
    largest, critical, spent = (_sharp_maximum if law.deterministic else _noisy_maximum)(ring, standing)
    few = FREE_ROAD * standing if ring.lattice is None else vehicles_of(fleet) / ring.lattice
    alone = ring.possible(np.array([few]))
    free, free_stderr, cost = ring.ask(alone)
    room = np.array([0.001, 0.002, 0.003]) if law.deterministic else np.linspace(0.01, 0.1, 10)
    dense = ring.possible((1 - room) * standing)
    near_jam, stderr, more = ring.ask(dense)
    (_, slope, rest), covariance = _fit(1 - dense / standing, near_jam, stderr, degree=2)
    slope_stderr, rest_stderr = np.sqrt(np.diag(covariance)[1:])
    jam, jam_stderr = standing * (1 + rest / slope), standing * rest_stderr / abs(slope)
    values = {
        "capacity": ef.Value(largest.value * VEH_H, largest.stderr * VEH_H, "veh/h"),
        "critical_density": ef.Value(critical.value * VEH_KM, critical.stderr * VEH_KM, "veh/km"),
        "jam_density": ef.Value(jam * VEH_KM, jam_stderr * VEH_KM, "veh/km"),
        "free_speed": ef.Value(free[0] / alone[0] * KM_H, free_stderr[0] / alone[0] * KM_H, "km/h"),
        "wave_speed": ef.Value(-slope / standing * KM_H, slope_stderr / standing * KM_H, "km/h"),
    }
    return values, spent + cost + more


def _sharp_maximum(ring: Ring, standing: float) -> tuple[ef.Value, ef.Value, ef.Cost]:
    """The largest flow of drivers without noise: bracketed on a table, then closed in on by asking the ring."""
    bounds = 0.005 * standing, 0.995 * standing
    table = ef.hmm.Tabulated(ring.closure, bounds, rtol=1e-2)
    table(np.linspace(*bounds, 400)[:, np.newaxis])
    nodes, flows, _ = table.nodes()
    top = int(flows[:, 0].argmax())
    bracket = nodes[max(top - 1, 0)], nodes[min(top + 1, nodes.size - 1)]
    spent = [table.cost]

    def flow(density: float) -> float:
        value, _, cost = ring.ask(np.array([density]))
        spent.append(cost)
        return float(value[0])

    best = minimize_scalar(
        lambda density: -flow(density), bounds=bracket, method="bounded", options={"xatol": 1e-9 * standing}
    )
    _, stderr, cost = ring.ask(np.array([best.x]))
    return ef.Value(-float(best.fun), float(stderr[0])), ef.Value(float(best.x)), sum([*spent, cost], ef.Cost())


def _noisy_maximum(ring: Ring, standing: float) -> tuple[ef.Value, ef.Value, ef.Cost]:
    """The largest flow of drivers who dawdle: the top of a parabola through answers close to it, for it is sharp."""
    everywhere = ring.possible(np.linspace(0.1, 0.98, 40) ** 1.5 * standing)
    rough, _, cost = ring.ask(everywhere)
    guess = everywhere[rough.argmax()]
    densities = ring.possible(np.linspace(0.88 * guess, min(1.12 * guess, 0.99 * standing), 15))
    flows, stderr, spent = ring.ask(densities)
    offsets = densities - guess
    coefficients, covariance = _fit(offsets, flows, stderr, degree=2)
    bend, slope, _ = coefficients
    place = float(np.clip(-slope / (2 * bend), offsets[0], offsets[-1]))
    gradient = np.array([place**2, place, 1.0])
    along = np.array([-2 * place, -1.0, 0.0]) / (2 * bend)
    return (
        ef.Value(float(gradient @ coefficients), float(np.sqrt(gradient @ covariance @ gradient))),
        ef.Value(float(guess + place), float(np.sqrt(along @ covariance @ along))),
        spent + cost,
    )


def _fit(
    places: NDArray[np.float64], values: NDArray[np.float64], stderr: NDArray[np.float64], degree: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Polynomial coefficients by least squares, the highest first, and their covariance from the errors given."""
    inverse = np.linalg.pinv(np.vander(places, degree + 1))
    return inverse @ values, (inverse * stderr**2) @ inverse.T


def find_unstable(settings: Settings, context: Context) -> tuple[pd.DataFrame, list[tuple[float, float]], ef.Cost]:
    """Where waves grow on a ring of 200 equal cars: growth rates, and the intervals of density (1/m) between them.

    An interval that begins or ends beyond the densities asked for begins at 0 or ends at infinity.
    """
    law, car = law_of(settings), settings.fleet.car
    asked = densities_of(settings, Fleet.of(car))
    spent = []

    def growth(density: float) -> float:
        rate, cost = growth_rate(law, car, density)
        spent.append(cost)
        return rate - _NEUTRAL

    densities = np.union1d(asked, np.linspace(asked[0], asked[-1], _SCAN))
    rates = np.array([growth(density) for density in context.track(densities.tolist(), "growth of waves")])
    top = int(rates.argmax())
    if rates[top] < 0 and 0 < top < len(rates) - 1:  # a narrow band may hide between two densities
        bounds = (densities[top - 1], densities[top + 1])
        peak = minimize_scalar(lambda density: -growth(density), bounds=bounds, method="bounded")
        densities, rates = np.append(densities, peak.x), np.append(rates, -peak.fun)
        order = densities.argsort()
        densities, rates = densities[order], rates[order]
    changes = [
        float(brentq(growth, densities[i], densities[i + 1], rtol=1e-6))
        for i in np.flatnonzero((rates[:-1] > 0) != (rates[1:] > 0))
    ]
    ends = [0.0] * bool(rates[0] > 0) + changes + [np.inf] * bool(rates[-1] > 0)
    table = pd.DataFrame({"density": densities * VEH_KM, "growth_rate": rates + _NEUTRAL})
    return table, list(zip(ends[::2], ends[1::2], strict=True)), sum(spent, ef.Cost())


def measure_long_rings(settings: Settings, fleet: Fleet, context: Context) -> tuple[pd.DataFrame, list[str], ef.Cost]:
    """Flow after waves have had time to form, on long rings of the densities asked for.

    A density at which the drivers collide has no flow (NaN), and a sentence that says so.
    """
    law, road = law_of(settings), settings.road
    spent, rows, failures = ef.Cost(), [], []
    for density in context.track(densities_of(settings, fleet).tolist(), "long rings"):
        cars = road.cars or (100 if road.length is None else max(2, round(density * road.length)))
        imposed = np.array([density if road.length is None or road.cars else cars / road.length])
        try:
            flows, stderr, cost = long_ring(law, fleet, cars, settings, context.executor).ask(imposed)
        except Collision as error:
            failures.append(f"The drivers cannot keep {density * VEH_KM:.4g} veh/km on a long ring: {error}")
            flows, stderr, cost = np.full(1, np.nan), np.full(1, np.nan), ef.Cost()
        rows.append(as_table(imposed, flows, stderr))
        spent += cost
    return pd.concat(rows, ignore_index=True), failures, spent


def check_road(settings: Settings, fleet: Fleet) -> None:
    """Refuse a road on which the vehicles do not fit.

    Raises
    ------
    ValueError
        Names the road, the vehicles and what they need.
    """
    road = settings.road
    if road.length is None:
        return
    cars = road.cars or 2
    needed = cars / standing_density(law_of(settings), fleet)
    if road.length <= needed:
        raise ValueError(
            f"The vehicles must fit on the road: {cars} vehicles need more than {needed:.6g} m, got "
            f"road.length={road.length:g} m. Take fewer vehicles or a longer road."
        )


def measure_road(settings: Settings, fleet: Fleet, context: Context) -> tuple[pd.DataFrame, ef.Cost]:
    """The user's own road: ``road.cars`` vehicles on ``road.length``; without both, a table without rows."""
    road = settings.road
    if road.cars is None or road.length is None:
        none = np.empty(0)
        return as_table(none, none, none), ef.Cost()
    density = np.array([road.cars / road.length])
    flows, stderr, cost = long_ring(law_of(settings), fleet, road.cars, settings, context.executor).ask(density)
    return as_table(density, flows, stderr), cost
