"""The fundamental diagrams of SUMO's IDM and of its Krauss drivers, beside ours and closed forms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import IDM, Fleet, Vehicle
from eqfree.adapters.sumo import VehicleType
from eqfree.adapters.sumo.simulation import library
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.checks import check_diagram
from scenarios.traffic.diagram import (
    FREE_ROAD,
    KM_H,
    VEH_KM,
    as_table,
    check_road,
    densities_of,
    derive_flows,
    find_landmarks,
)
from scenarios.traffic.fit import measurements
from scenarios.traffic.rings import pair
from scenarios.traffic.settings import Settings
from scenarios.traffic.sumo_rings import long_ring, short_ring, vehicle_type

__all__ = ["check_settings", "run_sumo_diagram"]

Array = NDArray[np.float64]

_AGREE = 1e-3  # of a speed, by which SUMO's IDM and ours may differ
_TRUSTED = 16  # replicas: of fewer the standard error misleads, Student's tails
_CARS = 100  # on a long ring, unless the settings say


def check_settings(settings: Settings) -> None:
    """Refuse what SUMO's drivers cannot do here, before anything is computed.

    Raises
    ------
    ValueError
        If SUMO's library is missing, there are trucks, or SUMO's step is longer than the drivers' time headway.
    """
    library()
    if settings.fleet.truck_share > 0:
        raise ValueError(
            "SUMO's drivers are equal cars here, with model=sumo: got fleet.truck_share="
            f"{settings.fleet.truck_share:g}. Set it to 0."
        )
    if settings.sumo.step > settings.fleet.time_headway:
        raise ValueError(
            f"SUMO's drivers must not keep less time than a step: got sumo.step={settings.sumo.step:g} s with "
            f"fleet.time_headway={settings.fleet.time_headway:g} s. Shorten the step."
        )


def run_sumo_diagram(settings: Settings, context: Context) -> Part:
    """SUMO's IDM in equilibrium and on long rings, and its Krauss drivers, who dawdle, on long rings.

    SUMO's IDM is asked as ours is, healed from too low a speed on a ring of 8, and must answer what ours does and the
    closed form of its equilibrium says. Krauss's drivers are random: their flow is a mean over replicas and time with
    its standard error. Tables: ``diagram`` and ``stop_and_go`` (IDM), ``krauss``, ``sumo_and_ours`` (speeds of both
    IDMs), ``detectors`` and ``road``.

    Raises
    ------
    ValueError
        For densities or a road on which the cars do not fit, or what `measurements` refuses.

    References
    ----------
    S. Krauss, Microscopic Modeling of Traffic Flow, DLR 1998; M. Treiber et al., Phys. Rev. E 62 (2000) 1805.
    """
    ours = settings.model_copy(update={"model": "idm"})  # whose vehicles, densities and closed forms are the same
    fleet, car = Fleet.of(settings.fleet.car), settings.fleet.car
    idm = vehicle_type(car, "IDM")
    krauss = vehicle_type(car, "Krauss", settings.sumo.imperfection)
    measured = measurements(settings)
    check_road(ours, fleet)
    densities = densities_of(ours, fleet)
    ring = short_ring(idm, settings, context.executor)
    diagram, cost = derive_flows(ours, fleet, ring)
    values, spent = find_landmarks(ours, fleet, ring)
    beside, more = _beside_ours(car, diagram, ours)
    longs = {
        vehicle.model: _measure(vehicle, densities, settings, context) for vehicle in (idm, krauss)
    }  # SUMO's name -> table and cost
    road, roads_cost = _road(idm, settings, context)
    free, free_cost = _free_speed(krauss, 1 / (car.length + car.minimum_gap), settings, context)
    tables = {
        "diagram": diagram.assign(truck_share=0.0),
        "stop_and_go": longs["IDM"][0],
        "krauss": longs["Krauss"][0].assign(truck_share=0.0),
        "sumo_and_ours": beside,
        "detectors": measured,
        "road": road,
    }
    checks = [
        *check_diagram(ours, values, {0.0: tables["diagram"]}, None),
        _agreement(beside),
        _free_check(free, car, settings),
    ]
    values |= {"krauss_free_speed": free, **_largest(longs["Krauss"][0])}
    notes = [
        f"SUMO's IDM in equilibrium: ring of {ring.note}.",
        f"SUMO's Krauss drivers dawdle with sigma = {settings.sumo.imperfection:g}, in steps of {settings.sumo.step:g} "
        "s: their flow is the mean over replicas and time, with its standard error.",
        "No drivers were fitted to the measurements, and waves were not linearised: these are done for our drivers.",
    ]
    total = sum([spent, more, roads_cost, free_cost, *(spent for _, spent in longs.values())], cost)
    return Part(tables, values, checks, notes, cost=total)


def _measure(
    vehicle: VehicleType, densities: Array, settings: Settings, context: Context
) -> tuple[pd.DataFrame, ef.Cost]:
    """Flow on long rings at these densities (1/m)."""
    road, rows, spent = settings.road, [], ef.Cost()
    for density in context.track(densities.tolist(), f"SUMO's {vehicle.model} on long rings"):
        cars = road.cars or (_CARS if road.length is None else max(2, round(density * road.length)))
        imposed = np.array([density if road.length is None or road.cars else cars / road.length])
        flows, stderr, cost = long_ring(vehicle, cars, settings, context.executor).ask(imposed)
        rows.append(as_table(imposed, flows, stderr))
        spent += cost
    return pd.concat(rows, ignore_index=True), spent


def _road(vehicle: VehicleType, settings: Settings, context: Context) -> tuple[pd.DataFrame, ef.Cost]:
    """The user's own road by SUMO's IDM; a table without rows if there is none."""
    road = settings.road
    if road.cars is None or road.length is None:
        return as_table(np.empty(0), np.empty(0), np.empty(0)), ef.Cost()
    density = np.array([road.cars / road.length])
    flows, stderr, cost = long_ring(vehicle, road.cars, settings, context.executor).ask(density)
    return as_table(density, flows, stderr), cost


def _beside_ours(car: Vehicle, diagram: pd.DataFrame, ours: Settings) -> tuple[pd.DataFrame, ef.Cost]:
    """Speeds in km/h of SUMO's IDM and of ours at the same densities."""
    densities = diagram["density"].to_numpy() / VEH_KM
    flows, _, cost = pair(IDM(), Fleet.of(car), ours).ask(densities)
    table = pd.DataFrame({"density": diagram["density"], "sumo": diagram["speed"], "ours": flows / densities * KM_H})
    return table.assign(difference=(table["sumo"] / table["ours"] - 1).abs()), cost


def _agreement(beside: pd.DataFrame) -> ef.Check:
    return ef.Check(
        f"largest relative difference of speed between SUMO's IDM and ours, {len(beside)} densities",
        float(beside["difference"].max()),
        0.0,
        _AGREE,
        "our IDM at its equilibrium, same parameters",
        relation=ef.Relation.AT_MOST,
    )


def _free_speed(
    vehicle: VehicleType, standing: float, settings: Settings, context: Context
) -> tuple[ef.Value, ef.Cost]:
    """What drivers who dawdle drive on an almost empty road, in km/h."""
    trusted = settings.model_copy(update={"replicas": max(settings.replicas, _TRUSTED)})
    ring = long_ring(vehicle, _CARS // 10, trusted, context.executor)
    density = np.array([FREE_ROAD * standing])
    flows, stderr, cost = ring.ask(density)
    return ef.Value(float(flows[0] / density[0] * KM_H), float(stderr[0] / density[0] * KM_H), "km/h"), cost


def _free_check(free: ef.Value, car: Vehicle, settings: Settings) -> ef.Check:
    """Krauss: v <- min(v + a dt, v0) - sigma a dt U, which comes back to v0 in every step: v0 - sigma a dt / 2."""
    sumo = settings.sumo
    exact = (car.desired_speed - sumo.imperfection * car.acceleration * sumo.step / 2) * KM_H
    source = "v0 - sigma a dt / 2, Krauss 1998"
    if free.stderr == 0:
        return ef.Check("free speed of SUMO's Krauss drivers", free.value, exact, 1e-6 * exact, source, unit="km/h")
    return ef.Check(
        "free speed of SUMO's Krauss drivers",
        free.value,
        exact,
        4,
        source,
        relation=ef.Relation.COVERS,
        unit="km/h",
        stderr=free.stderr,
    )


def _largest(table: pd.DataFrame) -> Mapping[str, ef.Value]:
    """The largest flow among the densities asked for, and where."""
    top = int(table["flow"].to_numpy().argmax())
    flow, stderr, density = (float(table[name].to_numpy()[top]) for name in ("flow", "flow_stderr", "density"))
    return {
        "krauss_largest_flow": ef.Value(flow, stderr, "veh/h"),
        "krauss_density_of_largest_flow": ef.Value(density, unit="veh/km"),
    }
