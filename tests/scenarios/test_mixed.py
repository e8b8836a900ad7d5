"""Cars among trucks on the motorway, beside shuffles of every vehicle."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.cars import CAR, TRUCK, Fleet, SafeDistance
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.mixed import run_mixed
from scenarios.traffic.mixture import ask_mixture
from scenarios.traffic.roads import Profile, drive_shuffles, l1_difference
from scenarios.traffic.settings import MotorwaySettings, Settings

Array = NDArray[np.float64]

SHORT = MotorwaySettings(length=4000.0, duration=120.0)


@pytest.fixture(scope="module", autouse=True)
def asked_once() -> Iterator[None]:
    """What the mixtures do depends on no road: it is asked once for all of them."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("scenarios.traffic.mixed.ask_mixture", cache(ask_mixture))
        yield


@pytest.fixture(scope="module")
def short() -> Part:
    return run_mixed(Settings(motorway=SHORT), Context())


@pytest.fixture(scope="module")
def whole() -> Part:
    return run_mixed(Settings(), Context())


@pytest.mark.slow
def test_density_is_the_mean_over_shuffles_to_three_per_cent(whole: Part) -> None:
    table = whole.tables["mixed"]
    assert (table["l1"] < 0.03).all()
    assert all(check.ok for check in whole.checks)
    assert len(whole.checks) == 6
    assert table["l1_without_gradient"].iloc[0] > 1.5 * table["l1"].iloc[0]
    assert (table["l1"] < table["one_from_mean"]).all()  # nearer to their mean than any of the shuffles
    assert table["saving"].min() > 50


@pytest.mark.slow
def test_chance_explains_how_far_the_fleets_share_is_from_the_mean(whole: Part) -> None:
    """The law that knows no more than the experiment is off by the sampling error, and 1 % of its own."""
    table = whole.tables["mixed"]
    assert (table["l1_expected_share"] < table["sampling_error"] + 0.01).all()


@pytest.mark.slow
def test_trucks_counted_are_nearer_than_trucks_spread(whole: Part) -> None:
    table = whole.tables["mixed"]
    assert (table["trucks_l1"] < table["trucks_l1_expected_share"]).all()


@pytest.mark.slow
def test_no_vehicle_and_no_truck_is_lost(short: Part) -> None:
    """96 vehicles on 4 km, 15 % of which are 14 trucks."""
    table = short.tables["mixed"]
    assert table["vehicles"].to_numpy() == pytest.approx([96.0, 96.0], rel=1e-12)
    assert table["trucks"].to_numpy() == pytest.approx([14.0, 14.0], rel=1e-12)
    assert [check.quantity.split(" ")[0] for check in short.checks] == ["vehicles", "trucks"] * 2
    assert all(check.ok for check in short.checks)


@pytest.mark.slow
def test_the_law_begins_as_the_mean_over_shuffles(short: Part) -> None:
    road = short.tables["mixed_road"]
    first = road[road["time"] == 0]
    for column in ("density", "truck_share"):
        assert first[column].to_numpy() == pytest.approx(first[f"{column}_directly"].to_numpy(), rel=1e-12)
    assert road["truck_share"].between(0.0, 1.0).all()


def test_trucks_in_a_cell_are_those_whom_one_counts(short: Part) -> None:
    """Shuffles dealt anew, trucks counted one by one; a truck beside an edge may be in either cell."""
    profile, edges = Profile(4000.0), np.linspace(0.0, 4000.0, 9)
    fleet = Fleet((CAR, TRUCK), (0.85, 0.15))
    every = drive_shuffles(SafeDistance(), fleet, profile, [0.0, 60.0, 120.0], edges, shuffles=12)
    counted = np.mean(
        [np.histogram(road.end.position[road.end.drivers.kind == 1] % 4000.0, edges)[0] for road in every], axis=0
    )
    road = short.tables["mixed_road"]
    last = road[(road["time"] == 120.0) & (road["drivers"] == "safe distance")]
    trucks = 0.5 * last["density_directly"].to_numpy() * last["truck_share_directly"].to_numpy()
    assert trucks.sum() == pytest.approx(14.0, rel=1e-12)
    assert trucks == pytest.approx(counted, abs=0.5)


def test_differences_and_spreads_are_those_of_the_shuffles(short: Part) -> None:
    profile, edges = Profile(4000.0), np.linspace(0.0, 4000.0, 9)
    fleet = Fleet((CAR, TRUCK), (0.85, 0.15))
    every = drive_shuffles(SafeDistance(), fleet, profile, [0.0, 60.0, 120.0], edges, shuffles=12)
    own = np.array([road.densities[-1] for road in every])
    pairs = [l1_difference(own[i], own[j], edges) for i in range(12) for j in range(i)]
    row = short.tables["mixed"].iloc[0]
    assert row["one_from_another"] == pytest.approx(np.mean(pairs), rel=1e-12)
    road = short.tables["mixed_road"]
    last = road[(road["time"] == 120.0) & (road["drivers"] == "safe distance")]
    difference = np.abs(last["density"] - last["density_directly"]).sum() / last["density_directly"].sum()
    assert row["l1"] == pytest.approx(difference, rel=1e-12)
    over_time = short.tables["mixed_over_time"].query("drivers == 'safe distance'")
    assert over_time["l1"].iloc[-1] == row["l1"]
    assert over_time["l1"].iloc[0] < 1e-12


def widths(part: Part) -> Array:
    """Between the middles of cells that are beside each other (m)."""
    return np.diff(part.tables["mixed_road"]["place"].unique())


@pytest.mark.slow
def test_cells_are_500_m_or_several_of_the_roads_own(short: Part) -> None:
    other = run_mixed(Settings(motorway=MotorwaySettings(length=4200.0, duration=60.0, cell=200.0)), Context())
    assert widths(short) == pytest.approx(np.full(7, 500.0))
    assert widths(other) == pytest.approx(np.full(6, 600.0))


def test_cells_that_do_not_divide_the_ring_are_refused() -> None:
    with pytest.raises(ValueError, match="divide the motorway"):
        run_mixed(Settings(motorway=MotorwaySettings(cell=300.0)), Context())
