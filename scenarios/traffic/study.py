"""The study of the fundamental diagram: every number, table and check; no pictures."""

from __future__ import annotations

import pandas as pd

import eqfree as ef
from eqfree.scenario import Context
from scenarios.traffic.checks import check_diagram
from scenarios.traffic.diagram import (
    VEH_KM,
    densities_of,
    derive_flows,
    find_landmarks,
    find_onsets,
    measure_long_rings,
    measure_road,
    ring_of,
)
from scenarios.traffic.fit import fit_drivers, fit_notes, fit_tables, fit_values, fitted_curve, measurements
from scenarios.traffic.rings import fleet_of, law_of, standing_density
from scenarios.traffic.settings import Settings

__all__ = ["run"]

_WAVES_GROW = ("idm", "optimal_velocity")  # the models whose uniform flow can lose stability


def run(settings: Settings, context: Context) -> ef.Study:
    """Derive the diagrams, find capacity and stability, and lay measurements beside them."""
    measured = measurements(settings)
    own = fleet_of(settings.fleet, settings.fleet.truck_share)
    densities_of(settings, own)  # refuses what does not fit before anything is computed
    road = measure_road(settings, own, context)
    cost = road[1] if road else ef.Cost()
    tables = {"detectors": measured}
    if road:
        tables["road"] = road[0]

    diagrams, notes = {}, []
    for share in context.track(sorted({settings.fleet.truck_share, *settings.truck_shares}), "truck shares"):
        fleet = fleet_of(settings.fleet, share)
        fitting = _fitting(settings, standing_density(fleet))
        ring = ring_of(fitting, fleet, context)
        diagrams[share], spent = derive_flows(fitting, fleet, ring)
        notes.append(f"Equilibrium branch with {share:.0%} trucks: ring of {ring.note}.")
        cost += spent
    tables["diagram"] = pd.concat([table.assign(truck_share=share) for share, table in diagrams.items()])
    values, spent = find_landmarks(settings, own, ring_of(settings, own, context), diagrams[settings.fleet.truck_share])
    cost += spent

    onsets = None
    if settings.model in _WAVES_GROW and settings.fleet.truck_share == 0:
        tables["growth"], onsets = find_onsets(settings, context)
        names = ("onset_density", "stable_again_density")
        values |= {name: ef.Value(onset * VEH_KM, unit="veh/km") for name, onset in zip(names, onsets, strict=False)}
    if settings.model in _WAVES_GROW:
        tables["stop_and_go"], spent = measure_long_rings(settings, own, context)
        cost += spent

    if law_of(settings).deterministic:
        fit = fit_drivers(settings, measured, context)
        tables |= fit_tables(fit)
        tables["fitted_diagram"] = fitted_curve(settings, fit)
        values |= fit_values(fit)
        notes += fit_notes(fit, measured)
    else:
        notes.append(f"No drivers were fitted to the measurements: {settings.model} has no such parameters.")
    return ef.Study(
        scenario="traffic",
        settings=settings.model_dump(mode="json"),
        values=values,
        checks=check_diagram(settings, values, diagrams, onsets),
        tables=tables,
        notes=notes,
        cost=cost,
    )


def _fitting(settings: Settings, standing: float) -> Settings:
    """The settings without the densities that leave no room for a longer fleet than the settings' own."""
    if isinstance(settings.densities, int):
        return settings
    return settings.model_copy(update={"densities": tuple(d for d in settings.densities if d < standing * VEH_KM)})
