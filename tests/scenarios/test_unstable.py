"""Drivers among whom waves grow: what the conservation law and the roads beside it have in common, and what not."""

from __future__ import annotations

import numpy as np
import pytest

from agents.cars import CAR, IDM, ring_growth
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.settings import MotorwaySettings, Settings
from scenarios.traffic.unstable import run_unstable


@pytest.fixture(scope="module")
def part() -> Part:
    return run_unstable(Settings(), Context())


def test_waves_grow_on_the_jam_and_on_the_step() -> None:
    """Linear stability of the IDM, on a ring of 200 cars."""
    assert min(ring_growth(IDM(), CAR, 1 / density, 200) for density in (0.035, 0.070)) > 0


@pytest.mark.slow
def test_roads_that_begin_all_but_alike_end_apart_by_more_than_a_bar_could_allow(part: Part) -> None:
    table = part.tables["unstable_motorway"]
    assert table["displacement"].tolist() == [2.5, 0.25, 0.025]
    spread, law = table["one_from_another"].to_numpy(), table["l1"].to_numpy()
    assert spread[0] > spread[1] > spread[2] > 0.03
    assert min(spread[0], law[0]) > 0.1
    assert (table["one_from_another_at_most"] > spread).all()


@pytest.mark.slow
def test_they_part_in_the_course_of_time(part: Part) -> None:
    table = part.tables["unstable_motorway_over_time"]
    least = table[table["displacement"] == 0.025]
    assert least["one_from_another"].iloc[0] < 1e-3
    assert least["one_from_another"].iloc[-1] > 50 * least["one_from_another"].iloc[0]


@pytest.mark.slow
def test_numbers_are_told_and_nothing_is_checked(part: Part) -> None:
    assert not part.checks
    assert "no bar is set" in part.notes[0]
    assert np.isfinite(part.tables["unstable_motorway"].to_numpy()).all()
    assert part.values["unstable_l1"].value == part.tables["unstable_motorway"]["l1"].iloc[0]


@pytest.mark.slow
def test_the_seed_decides_the_displacements() -> None:
    short = MotorwaySettings(length=4000.0, duration=60.0)
    spreads = [
        run_unstable(Settings(motorway=short, seed=seed), Context()).values["unstable_spread"].value
        for seed in (0, 0, 1)
    ]
    assert spreads[0] == spreads[1] != spreads[2]
