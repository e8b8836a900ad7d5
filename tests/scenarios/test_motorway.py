"""The motorway by a conservation law that asks its drivers, beside every car."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import eqfree as ef
from agents.cars import CAR, SafeDistance
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.equal import run_equal
from scenarios.traffic.macroscopic import advance_road, ask_drivers
from scenarios.traffic.motorway import run_motorway
from scenarios.traffic.roads import Profile
from scenarios.traffic.settings import FleetSettings, MotorwaySettings, Settings


@pytest.fixture(scope="module")
def whole() -> Part:
    """Equal drivers on 20 km alone; those among trucks and those among whom waves grow have tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scenarios.traffic.equal._LENGTHS", ())
        return run_equal(Settings(), Context())


@pytest.mark.slow
def test_density_is_that_of_every_car_and_the_gradient_correction_matters(whole: Part) -> None:
    """Safe-distance drivers; without the correction the jam is too steep by far, and no car is lost either way."""
    table = whole.tables["motorway"]
    assert table["drivers"].tolist() == ["safe distance", "IDM, a = 1.5 m/s²"]
    difference, without = table["l1"].to_numpy(), table["l1_without_gradient"].to_numpy()
    assert difference[0] < 0.005
    assert difference[1] < 0.015
    assert without[0] > 5 * difference[0]
    assert table["travel_time"].to_numpy() == pytest.approx(table["travel_time_directly"].to_numpy(), rel=5e-3)
    assert all(check.ok for check in whole.checks)


@pytest.mark.slow
def test_what_is_saved_grows_with_the_road(whole: Part) -> None:
    """The drivers are asked once, and every car costs its length of road: the saving is proportional to the cars.

    Roads of other lengths are followed for 2 of the 20 min.
    """
    assert whole.tables["motorway"]["saving"].min() > 20
    table = run_equal(Settings(motorway=MotorwaySettings(duration=120.0)), Context()).tables["motorway_lengths"]
    assert sorted(set(table["drivers"])) == sorted(whole.tables["motorway"]["drivers"])
    for _, rows in table.groupby("drivers"):
        assert rows["length"].tolist() == [5000.0, 10_000.0, 20_000.0, 40_000.0]
        assert rows["vehicle_seconds"].nunique() == 1
        cars = rows["vehicle_seconds_directly"].to_numpy() / 120
        assert cars == pytest.approx([121, 241, 482, 965])  # 0.0241 veh/m


@pytest.mark.slow
def test_the_road_begins_as_every_car_does(whole: Part) -> None:
    """Up to the cars beside the edges of the step, which a cell's density knows only to half a car."""
    road = whole.tables["motorway_road"]
    first = road[road["time"] == 0]
    cars = 0.2 * np.abs(first["density"].to_numpy() - first["density_directly"].to_numpy())  # in a cell of 200 m
    assert cars.max() < 0.5
    assert road["density"].between(0.0, 1000 / 7).all()


def test_the_clock_of_a_road_leaves_out_what_asking_took() -> None:
    flux = replace(ask_drivers(SafeDistance(), CAR), cost=ef.Cost(wall=1e6))
    road = advance_road(flux, Profile(4000.0), np.linspace(0.0, 4000.0, 21), np.array([0.0, 10.0]))
    assert 0 < road.wall < 1e3


def test_a_motorway_is_that_of_equal_drivers_of_a_mixed_fleet_and_of_growing_waves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["run_equal", "run_mixed", "run_unstable"]
    for name in names:
        part = Part({name: pd.DataFrame()}, {}, [])
        monkeypatch.setattr(f"scenarios.traffic.motorway.{name}", lambda settings, context, part=part: part)
    assert list(run_motorway(Settings(), Context()).tables) == names


def test_cells_that_do_not_divide_the_ring_are_refused() -> None:
    with pytest.raises(ValueError, match="divide the motorway"):
        run_motorway(Settings(motorway=MotorwaySettings(cell=300.0)), Context())


@pytest.mark.slow
def test_a_road_of_a_few_cells_is_compared_with_none_shorter() -> None:
    part = run_equal(Settings(motorway=MotorwaySettings(length=2000.0, cell=1000.0, duration=60.0)), Context())
    table = part.tables["motorway_lengths"]
    assert sorted(set(table["length"])) == [2000.0, 4000.0]


@pytest.mark.slow
def test_the_road_does_not_depend_on_the_diagrams_fleet() -> None:
    """A fleet of 50 m would not fit on it."""
    short = MotorwaySettings(length=4000.0, duration=60.0)
    parts = [
        run_equal(Settings(fleet=fleet, motorway=short), Context())
        for fleet in (FleetSettings(), FleetSettings(length=50.0))
    ]
    densities = [part.tables["motorway_road"]["density"].to_numpy() for part in parts]
    np.testing.assert_array_equal(densities[0], densities[1])
