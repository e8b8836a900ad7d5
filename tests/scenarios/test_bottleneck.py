"""The queue before a bottleneck: the conservation law beside cumulative counts, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import eqfree as ef
from agents.cars import CAR
from eqfree.cli import main
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.bottleneck import run_bottleneck
from scenarios.traffic.settings import BottleneckSettings, Settings

PASSES = 1 / (2.2 + 7 / CAR.desired_speed)  # 1/(τ + l/v0), of safe-distance drivers who keep 2.2 s


def run(**road: Any) -> Part:
    return run_bottleneck(Settings(bottleneck=BottleneckSettings(**road)), Context())


@pytest.fixture(scope="module")
def rush_hour() -> Part:
    return run()


@pytest.mark.slow
def test_queue_and_delay_are_those_of_the_cumulative_counts(rush_hour: Part) -> None:
    """Largest queue, when it is gone, delay, and every reading in between, to fronts of two cells."""
    assert len(rush_hour.checks) == 4
    assert [check.quantity for check in rush_hour.checks if not check.ok] == []
    table = rush_hour.tables["bottleneck"]
    assert np.abs(table["queue"] - table["queue_by_counts"]).max() < 200.0
    assert np.abs(table["departures"] - table["departures_by_counts"]).max() < 0.5  # vehicles
    assert table["queue"].max() > 3000.0
    assert table["queue"].iloc[[0, -1]].tolist() == [0.0, 0.0]


@pytest.mark.slow
def test_no_vehicle_is_lost(rush_hour: Part) -> None:
    (check,) = (check for check in rush_hour.checks if check.quantity.startswith("vehicles"))
    assert check.measured == pytest.approx(check.expected, rel=1e-10)


@pytest.mark.slow
def test_the_queue_discharges_at_what_the_drop_leaves_of_the_drivers_capacity(rush_hour: Part) -> None:
    table = rush_hour.tables["bottleneck"].query("2400 <= time <= 4800")
    rate = np.ptp(table["departures"]) / np.ptp(table["time"])
    assert rate == pytest.approx(0.9 * PASSES, rel=1e-4)


@pytest.mark.parametrize("cell", [500.0, pytest.param(100.0, marks=pytest.mark.slow)])
def test_delay_is_right_to_a_drop_that_begins_a_step_late(cell: float) -> None:
    """A step is a cell at 120 km/h; the queue stands for an hour, and a tenth of capacity is lost in it."""
    table = run(cell=cell).tables["bottleneck"]
    late = 0.1 * PASSES * cell / CAR.desired_speed * 3625.0 / 3600
    assert abs(table["delay"].iloc[-1] - table["delay_by_counts"].iloc[-1]) < late


@pytest.mark.slow
def test_without_a_capacity_drop_less_is_lost(rush_hour: Part) -> None:
    part = run(capacity_drop=0.0, cell=200.0)
    assert [check.quantity for check in part.checks if not check.ok] == []
    for name in ("bottleneck_largest_queue", "bottleneck_queue_gone", "bottleneck_delay"):
        assert part.values[name].value < 0.9 * rush_hour.values[name].value


def test_a_bottleneck_that_all_pass_makes_no_queue() -> None:
    part = run(peak=1400.0, cell=500.0)
    assert part.tables["bottleneck"]["queue"].max() == 0
    assert part.notes == [f"Bottleneck: no queue, since it passes {3600 * PASSES:.4g} veh/h."]
    assert all(check.ok for check in part.checks)
    assert "bottleneck_queue_gone" not in part.values


@pytest.mark.slow
def test_a_queue_that_still_stands_at_the_end_is_told() -> None:
    part = run(duration=3600.0, cell=200.0)
    assert len(part.checks) == 3
    assert all(check.ok for check in part.checks)
    assert " m at the end;" in part.notes[0]
    assert "bottleneck_queue_gone" not in part.values


def test_a_run_that_ends_before_the_rush_has_no_queue() -> None:
    part = run(duration=600.0, cell=500.0)
    assert part.tables["bottleneck"]["queue"].max() == 0
    assert all(check.ok for check in part.checks)


@pytest.mark.slow
def test_the_scenario_has_the_part(rush_hour: Part) -> None:
    study = ef.run("traffic", parts=["bottleneck"])
    pd.testing.assert_frame_equal(study.tables["bottleneck"], rush_hour.tables["bottleneck"], check_exact=True)
    assert study.ok


BAD = {
    "beyond the road": (["begin=12000", "end=13000"], "must lie on its road"),
    "end beyond the road": (["end=10100"], "bottleneck.end=10100"),
    "ends before it begins": (["end=7000"], "bottleneck.begin=8000 m and bottleneck.end=7000"),
    "no road before it": (["begin=0"], "some of the road before it"),
    "cells that do not fit": (["cell=300"], "Cells must divide the road and the bottleneck: got bottleneck.cell=300"),
    "all capacity lost": (["capacity_drop=1"], "bottleneck.capacity_drop"),
    "capacity gained": (["capacity_drop=-0.1"], "bottleneck.capacity_drop"),
    "negative demand": (["demand=-5"], "bottleneck.demand"),
    "a rush with fewer": (["peak=900"], "bottleneck.peak=900"),
    "a rush that ends at once": (["rush_end=600"], "bottleneck.rush_end=600"),
    "more than the road takes": (["peak=2000"], "1989 veh/h"),
    "a queue without rush": (["demand=1600"], "1494 veh/h"),
    "a queue beyond the road": (["peak=1980", "rush_end=9000", "duration=9000"], "fills after"),
    "drivers who keep less": (["time_headway=1"], "bottleneck.time_headway"),
}


@pytest.mark.parametrize(("assignments", "says"), BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_nothing_is_written(
    assignments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "traffic", "--quick", "--set", "parts=bottleneck", "--out", str(tmp_path / "out")]
    for assignment in assignments:
        command += ["--set", f"bottleneck.{assignment}"]
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert says in captured.err
    assert list(tmp_path.iterdir()) == []
