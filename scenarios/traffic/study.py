"""The study of traffic, part by part: every number, table and check; no pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite

import pandas as pd

import eqfree as ef
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.traffic.bottleneck import count_queue, run_bottleneck
from scenarios.traffic.checks import check_diagram
from scenarios.traffic.diagram import (
    VEH_KM,
    check_road,
    densities_of,
    derive_flows,
    find_landmarks,
    find_unstable,
    measure_long_rings,
    measure_road,
    ring_of,
)
from scenarios.traffic.fit import fit_drivers, fit_notes, fit_tables, fit_values, fitted_curve, measurements
from scenarios.traffic.jam import run_jam
from scenarios.traffic.motorway import run_motorway
from scenarios.traffic.projection import run_projection
from scenarios.traffic.rings import fleet_of, law_of, standing_density
from scenarios.traffic.settings import Settings

__all__ = ["run"]

_WAVES_GROW = ("idm", "optimal_velocity")  # the models whose uniform flow can lose stability


def run(settings: Settings, context: Context) -> ef.Study:
    """Compute the parts that the settings ask for, one after the other."""
    settings.motorway.edges()  # refuses cells that do not fit, before anything is computed
    settings.bottleneck.edges()
    count_queue(settings.bottleneck)  # refuses a demand that makes no sense
    parts = dict(PARTS) if settings.model != "sumo" else {**PARTS, **_by_sumo(settings)}
    whole = join(parts[name](settings, context) for name in settings.parts)
    notes = [*whole.notes, *_unused(settings)]
    return ef.Study(
        scenario="traffic",
        settings=settings.model_dump(mode="json"),
        values=whole.values,
        checks=whole.checks,
        tables=whole.tables,
        notes=notes,
        failures=whole.failures,
        cost=whole.cost,
    )


def _unused(settings: Settings) -> list[str]:
    """That other parts than the diagram have drivers of their own, where the settings say otherwise."""
    by_sumo = ("diagram", "motorway") if settings.model == "sumo" else ("diagram",)
    others = [name for name in settings.parts if name not in by_sumo]
    default = Settings()
    if not others or (settings.model, settings.fleet) == (default.model, default.fleet):
        return []
    return [
        f"`model` and `fleet` are the diagram's: {', '.join(others)} had drivers of their own, as told by `--help`."
    ]


def _run_diagram(settings: Settings, context: Context) -> Part:
    """Derive the diagrams, find capacity and stability, and lay measurements beside them."""
    measured = measurements(settings)
    own = fleet_of(settings.fleet, settings.fleet.truck_share)
    densities_of(settings, own)  # refuses what does not fit, before anything is computed
    check_road(settings, own)
    diagrams, notes, cost = _derive_diagrams(settings, context)
    values, spent = find_landmarks(settings, own, ring_of(settings, own, context))
    cost += spent
    road, spent = measure_road(settings, own, context)
    cost += spent
    values |= _road_values(road)
    tables = {
        "diagram": pd.concat([table.assign(truck_share=share) for share, table in diagrams.items()]),
        "detectors": measured,
        "road": road,
    }
    unstable: list[tuple[float, float]] | None = None
    failures: list[str] = []
    if settings.model in _WAVES_GROW:
        if len(own.vehicles) == 1:
            tables["growth"], unstable, spent = find_unstable(settings, context)
            tables["unstable"] = pd.DataFrame(unstable, columns=["from_density", "to_density"], dtype=float) * VEH_KM
            values |= _onset_values(unstable)
            cost += spent
        tables["stop_and_go"], failures, spent = measure_long_rings(settings, own, context)
        cost += spent

    if law_of(settings).deterministic:
        fit, spent = fit_drivers(settings, measured, context)
        tables |= fit_tables(fit)
        tables["fitted_diagram"] = fitted_curve(settings, fit)
        values |= fit_values(fit)
        notes += fit_notes(fit, measured)
        cost += spent
    else:
        notes.append(f"No drivers were fitted to the measurements: {settings.model} has no such parameters.")
    return Part(tables, values, check_diagram(settings, values, diagrams, unstable), notes, failures, cost)


PARTS: Mapping[str, Callable[[Settings, Context], Part]] = {
    "diagram": _run_diagram,
    "motorway": run_motorway,
    "bottleneck": run_bottleneck,
    "projection": run_projection,
    "jam": run_jam,
}


def _by_sumo(settings: Settings) -> Mapping[str, Callable[[Settings, Context], Part]]:
    """The parts in which SUMO drives, if its library is there: it is an extra."""
    from scenarios.traffic.sumo_diagram import check_settings, run_sumo_diagram
    from scenarios.traffic.sumo_motorway import run_sumo_motorway

    check_settings(settings)
    return {"diagram": run_sumo_diagram, "motorway": run_sumo_motorway}


def _derive_diagrams(settings: Settings, context: Context) -> tuple[dict[float, pd.DataFrame], list[str], ef.Cost]:
    """Truck share -> equilibrium branch; how each ring was chosen; what they cost."""
    diagrams, notes, cost = {}, [], ef.Cost()
    for share in context.track(sorted({settings.fleet.truck_share, *settings.truck_shares}), "truck shares"):
        fleet = fleet_of(settings.fleet, share)
        fitting = _fitting(settings, standing_density(law_of(settings), fleet))
        if fitting.densities == ():
            notes.append(f"No diagram with {100 * share:.3g} % trucks: there is no room for them at these densities.")
            continue
        if fitting != settings:
            notes.append(f"With {100 * share:.3g} % trucks the largest densities are left out: there is no room.")
        ring = ring_of(fitting, fleet, context)
        diagrams[share], spent = derive_flows(fitting, fleet, ring)
        notes.append(f"Equilibrium branch with {100 * share:.3g} % trucks: ring of {ring.note}.")
        cost += spent
    return diagrams, notes, cost


def _road_values(road: pd.DataFrame) -> dict[str, ef.Value]:
    """What the user's own road carries, if there is one."""
    return {
        name: ef.Value(float(road[column].iloc[0]), error, unit)
        for name, column, error, unit in (
            ("road_density", "density", 0.0, "veh/km"),
            ("road_flow", "flow", float(road["flow_stderr"].sum()), "veh/h"),
            ("road_speed", "speed", float(road["speed_stderr"].sum()), "km/h"),
        )
        if len(road)
    }


def _onset_values(unstable: list[tuple[float, float]]) -> dict[str, ef.Value]:
    """The first density at which waves begin to grow, and the one above it at which they cease to."""
    values = {}
    if unstable and unstable[0][0] > 0:
        values["onset_density"] = ef.Value(unstable[0][0] * VEH_KM, unit="veh/km")
    if unstable and isfinite(unstable[0][1]):
        values["stable_again_density"] = ef.Value(unstable[0][1] * VEH_KM, unit="veh/km")
    return values


def _fitting(settings: Settings, standing: float) -> Settings:
    """The settings without the densities that leave no room for a longer fleet than the settings' own."""
    if isinstance(settings.densities, int):
        return settings
    return settings.model_copy(update={"densities": tuple(d for d in settings.densities if d < standing * VEH_KM)})
