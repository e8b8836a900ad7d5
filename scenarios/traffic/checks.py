"""This run beside the exact and published values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

import eqfree as ef
from agents.cars import NagelSchreckenberg
from scenarios.traffic.diagram import FREE_ROAD, KM_H, VEH_H, VEH_KM
from scenarios.traffic.exact import (
    STEADY_GAP,
    capacity,
    equilibrium_flow,
    idm_onset,
    jam_density,
    jam_wave_speed,
    optimal_velocity_onsets,
    single_site_flow,
)
from scenarios.traffic.rings import LATTICE_CELLS, fleet_of, law_of, standing_density
from scenarios.traffic.settings import Settings

__all__ = ["check_diagram"]

_BRANCH_TOLERANCE = {"idm": 1e-5, "safe_distance": 1e-8, "newell": 1e-8, "optimal_velocity": 1e-5}


def check_diagram(
    settings: Settings,
    values: Mapping[str, ef.Value],
    diagrams: Mapping[float, pd.DataFrame],
    unstable: Sequence[tuple[float, float]] | None,
) -> list[ef.Check]:
    """The checks that these settings give a meaning to.

    Parameters
    ----------
    values
        The landmarks of the fleet's own diagram.
    diagrams
        Truck share -> table of the equilibrium branch.
    unstable
        Intervals of density (1/m) where waves grow; None where they were not looked for.
    """
    law = law_of(settings)
    if isinstance(law, NagelSchreckenberg):
        return list(_lattice_checks(settings, law, values, diagrams))
    checks = list(_landmark_checks(settings, values))
    checks += [_branch_check(settings, share, table) for share, table in diagrams.items()]
    if unstable is not None:
        checks += _onset_checks(settings, unstable, diagrams[settings.fleet.truck_share])
    return checks


def _covers(quantity: str, value: ef.Value, expected: float, source: str) -> ef.Check:
    if value.stderr == 0:  # drivers who never dawdle
        return _equals(quantity, value, expected, 1e-9, source)
    return ef.Check(
        quantity,
        value.value,
        expected,
        4,
        source,
        relation=ef.Relation.COVERS,
        unit=value.unit,
        stderr=value.stderr,
    )


def _equals(quantity: str, value: ef.Value, expected: float, relative: float, source: str) -> ef.Check:
    return ef.Check(
        quantity,
        value.value,
        expected,
        abs(expected) * relative,
        source,
        unit=value.unit,
        stderr=value.stderr,
    )


def _landmark_checks(settings: Settings, values: Mapping[str, ef.Value]) -> Iterator[ef.Check]:
    fleet, steady_gap = fleet_of(settings.fleet, settings.fleet.truck_share), STEADY_GAP[settings.model]
    if len(fleet.vehicles) == 1:
        largest, critical = capacity(steady_gap, fleet.vehicles[0])
        source = "largest flow of the closed-form equilibrium"
        yield _equals("capacity", values["capacity"], largest * VEH_H, 1e-5, source)
        yield _equals("critical density", values["critical_density"], critical * VEH_KM, 1e-5, source)
        wave = jam_wave_speed(steady_gap, fleet.vehicles[0]) * KM_H
        yield _equals("wave speed in the jam", values["wave_speed"], wave, 1e-2, "slope of the closed form at speed 0")
    jam = jam_density(fleet.vehicles, fleet.shares) * VEH_KM
    yield _equals("jam density", values["jam_density"], jam, 1e-4, "1 / mean (length + minimum gap)")
    alone = FREE_ROAD * standing_density(law_of(settings), fleet)
    free = equilibrium_flow(steady_gap, fleet.vehicles, fleet.shares, alone) / alone * KM_H
    yield _equals("free speed", values["free_speed"], free, 1e-4, "closed-form equilibrium on an almost empty road")


def _branch_check(settings: Settings, share: float, table: pd.DataFrame) -> ef.Check:
    fleet, steady_gap = fleet_of(settings.fleet, share), STEADY_GAP[settings.model]
    expected = np.array(
        [
            equilibrium_flow(steady_gap, fleet.vehicles, fleet.shares, density / VEH_KM) * VEH_H
            for density in table["density"]
        ]
    )
    worst = (np.abs(table["flow"] / expected - 1)).max()
    return ef.Check(
        f"largest relative error of flow, {len(table)} densities, {100 * share:.3g} % trucks",
        float(worst),
        0.0,
        _BRANCH_TOLERANCE[settings.model],
        "closed-form equilibrium, solved for the common speed",
        relation=ef.Relation.AT_MOST,
    )


def _onset_checks(settings: Settings, unstable: Sequence[tuple[float, float]], table: pd.DataFrame) -> list[ef.Check]:
    """Each exact onset within the densities asked for, beside the nearest one that was found."""
    onsets = [end for interval in unstable for end in interval if 0 < end < np.inf]
    names = ("density where uniform flow loses stability", "density where uniform flow regains stability")
    car = settings.fleet.car
    exact: tuple[float, ...]
    if settings.model == "idm":
        exact, tolerance, source = (idm_onset(car),), 0.01, "linear string stability of the IDM, infinite ring"
    else:
        exact = optimal_velocity_onsets(car, settings.fleet.sensitivity, cars=200) or ()
        tolerance, source = 0.005, "V'(h) = a / (1 + cos(2 pi / 200)), Bando et al. 1995"
    low, high = table["density"].min() / VEH_KM, table["density"].max() / VEH_KM
    return [
        _equals(
            name,
            ef.Value(
                min(
                    (onset * VEH_KM for onset in onsets),
                    key=lambda found: abs(found - density * VEH_KM),
                    default=np.nan,
                ),
                unit="veh/km",
            ),
            density * VEH_KM,
            tolerance,
            source,
        )
        for name, density in zip(names, exact, strict=False)
        if low < density < high
    ]


def _lattice_checks(
    settings: Settings,
    law: NagelSchreckenberg,
    values: Mapping[str, ef.Value],
    diagrams: Mapping[float, pd.DataFrame],
) -> Iterator[ef.Check]:
    if settings.fleet.truck_share > 0:
        return
    alone = (law.v_max - law.slowdown) * law.cell * KM_H
    yield _covers("free speed", values["free_speed"], alone, "(v_max - p) cells per second")
    yield _covers("jam density", values["jam_density"], VEH_KM / law.cell, "a vehicle in every cell")
    if law.v_max > 1:
        return
    table = diagrams[0.0]
    half = table.iloc[(table["density"] - table["density"].max() / 2).abs().argmin()]
    cars = round(half["density"] / VEH_KM * law.cell * LATTICE_CELLS)
    yield _covers(
        f"flow of {cars} cars in {LATTICE_CELLS} cells",
        ef.Value(half["flow"], half["flow_stderr"], "veh/h"),
        single_site_flow(cars, LATTICE_CELLS, 1 - law.slowdown) * VEH_H,
        "exact for the finite ring, Schreckenberg et al. 1995",
    )
