"""The front of molecules: its speed in a continuum is exact, sqrt(D/2) (1 - 2a)."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from eqfree.scenario import Context
from scenarios.reaction.front import front_network, run_front, speed_of
from scenarios.reaction.settings import FrontSettings, Settings

CONTEXT = Context()


@pytest.mark.parametrize(("spacing", "difference"), [(0.5, 0.01), pytest.param(0.25, 0.003, marks=pytest.mark.slow)])
def test_the_rate_equations_on_voxels_approach_the_exact_speed(spacing: float, difference: float) -> None:
    """Murray 2002, eq. 13.39: 0.35355 for a = 1/4; the difference falls with the square of the spacing."""
    options = FrontSettings(voxels=round(25 / spacing), spacing=spacing, duration=10.0, volume=50.0, replicas=2)
    speed = run_front(Settings(front=options), CONTEXT).values["front_speed_rate_equations"].value
    assert speed == pytest.approx(0.5 / sqrt(2), rel=difference)


def test_the_reactions_are_those_of_the_front() -> None:
    """x (1 - x) (x - 1/4) at 0, 1/4, 1/2 and 1."""
    network = front_network()
    for x, expected in ((0.0, 0.0), (0.25, 0.0), (0.5, 0.0625), (1.0, 0.0)):
        counts = np.array([x * 1e9])
        change = network.propensities(counts, 1e9) @ network.change / 1e9
        assert change[0] == pytest.approx(expected, abs=1e-8)


@pytest.mark.slow
def test_the_projected_front_goes_as_fast_as_the_exact_one() -> None:
    part = run_front(Settings(seed=1, front=FrontSettings(replicas=4)), CONTEXT)
    projected, exact = part.values["front_speed"], part.values["front_speed_exact_simulation"]
    assert abs(projected.value - exact.value) < 4 * np.hypot(projected.stderr, exact.stderr)
    assert projected.value == pytest.approx(0.5 / sqrt(2), rel=0.04)
    assert projected.stderr < 0.01
    assert part.values["front_fewer_events"].value > 8
    assert len(part.checks) == 2
    assert all(check.ok for check in part.checks)


def test_speed_is_read_once_the_front_has_formed() -> None:
    times = np.linspace(0.0, 9.0, 10)
    places = np.where(times < 3, 0.0, 2 * (times - 3))
    assert speed_of(times, np.array([places, 2 * places])).tolist() == pytest.approx([2.0, 4.0])


@pytest.mark.slow
def test_the_profile_falls_from_one_to_nothing() -> None:
    """Behind it a voxel's 2000 molecules fluctuate by some 2 %."""
    part = run_front(Settings(front=FrontSettings(voxels=40, duration=5.0, volume=2000.0, replicas=2)), CONTEXT)
    for way, profile in part.tables["front"].groupby("way"):
        assert profile["concentration"].iloc[:5].mean() == pytest.approx(1.0, abs=0.05), way
        assert profile["concentration"].iloc[-5:].max() < 0.05, way
    assert set(part.tables["front_places"]["way"]) == {"projection", "exact simulation", "rate equations"}
