"""The projected road beside every car; expected values are every car's, or exact in uniform flow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import eqfree as ef
from agents.cars import CAR, Collision, Fleet, SafeDistance
from eqfree.projective.estimators import Estimate
from eqfree.scenario import Context
from scenarios.traffic import projection
from scenarios.traffic.projection import Projected, project, run_projection
from scenarios.traffic.roads import Profile, drive, l1_difference, place
from scenarios.traffic.settings import MotorwaySettings, Settings

SETTINGS, CONTEXT = Settings(), Context()


@pytest.mark.slow
def test_equal_drivers_are_projected_to_a_hundredth_and_no_car_is_lost() -> None:
    part = run_projection(SETTINGS, CONTEXT)
    tables, values, checks = part.tables, part.values, part.checks
    assert len(checks) == 4
    assert all(check.ok for check in checks)
    assert values["projection_l1_safe_distance"].value < 0.003
    assert values["projection_gain_idm"].value == pytest.approx(5.4 / 2.4, rel=0.01)  # the last step is shorter
    summary = tables["projection"]
    assert summary["travel_time"].to_numpy() == pytest.approx(summary["travel_time_directly"].to_numpy(), rel=2e-3)
    assert (summary["vehicle_seconds"] * summary["gain"]).to_numpy() == pytest.approx(
        summary["vehicle_seconds_directly"].to_numpy(), rel=1e-9
    )
    road = tables["projection_road"]
    assert road.groupby("drivers").size().tolist() == [4000, 4000]
    assert road["density"].between(0.0, 1000 / 7).all()


@pytest.mark.slow
def test_narrower_cells_are_better() -> None:
    edges_of = {cells: np.linspace(0.0, 20_000.0, cells + 1) for cells in (50, 100)}
    road, law = Profile(), SafeDistance()
    errors = []
    for cells, edges in edges_of.items():
        method = ef.projective.Midpoint(0.9 * 20_000.0 / cells / CAR.desired_speed, 1.2)
        projected = project(law, CAR, road, edges, 300.0, healing=0.8, method=method)
        every = drive(
            law, place(law, Fleet.of(CAR).deck(road.cars), road), [0.0, 300.0], edges, np.random.default_rng(0)
        )
        errors.append(l1_difference(projected.densities[-1], every.densities[-1], edges))
    assert errors[1] < errors[0] / 2


def test_euler_with_bursts_as_short_is_unstable_on_this_road() -> None:
    """Forward Euler amplifies every wave that travels: |1 - i c|² = 1 + c²."""
    edges = np.linspace(0.0, 20_000.0, 101)
    method = ef.projective.Euler(5.4, 1.2)
    with pytest.raises(Collision):
        project(SafeDistance(), CAR, Profile(), edges, 1200.0, healing=0.8, method=method)


def test_wide_cells_set_no_bar_and_a_short_run_has_no_travel_times() -> None:
    part = run_projection(Settings(motorway=MotorwaySettings(duration=60.0, cell=500.0)), CONTEXT)
    assert [check.quantity.split(",")[0] for check in part.checks] == ["vehicles on the projected road"] * 2
    assert part.tables["projection"]["travel_time"].isna().all()


def test_cells_that_do_not_divide_the_ring_are_refused() -> None:
    with pytest.raises(ValueError, match="divide the motorway"):
        run_projection(Settings(motorway=MotorwaySettings(cell=300.0)), CONTEXT)


class Broken:
    """A scheme whose first step is not a number."""

    order = 0
    step = 1.0

    def look(self, *_: object) -> Estimate:
        raise NotImplementedError

    def advance(self, *_: object) -> ef.projective.Step:
        return ef.projective.Step(1.0, np.full((1, 100), np.nan))


def test_a_road_that_ends_early_is_kept_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **options: Any) -> Projected:
        return project(*args, **(options | {"method": Broken()}))

    monkeypatch.setattr(projection, "project", broken)
    part = run_projection(SETTINGS, CONTEXT)
    assert not part.checks
    assert [failure.split(".")[0] for failure in part.failures] == [
        "The projected road of safe distance ended at 0 s",
        "The projected road of IDM, a = 1",
    ]
