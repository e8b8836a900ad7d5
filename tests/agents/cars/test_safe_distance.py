"""Exact: a ring of cars with one v0 flows at min(ρ v0, (1 - ρ mean l)/mean τ) (references, safe_distance_hetero)."""

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import expm

from agents.cars import CAR, Cars, DistributedFleet, Fleet, RingAtDensity, SafeDistance, Vehicle, flow, gaps
from agents.cars.lifting import place_at_density

FAST = Vehicle(name="fast", length=4.0, time_headway=0.9, desired_speed=30.0, minimum_gap=1.5)
SLOW = Vehicle(name="slow", length=14.0, time_headway=2.3, desired_speed=30.0, minimum_gap=3.0)
LAZY = Vehicle(name="lazy", length=5.0, time_headway=1.7, desired_speed=22.0, minimum_gap=2.0)
MIXED = Fleet((FAST, SLOW), (0.75, 0.25))
THREE_TYPES = Fleet((FAST, SLOW, LAZY), (0.5, 0.2, 0.3))
SPREAD_OUT = DistributedFleet(LAZY, time_headway=stats.uniform(0.8, 1.5))


def exact_flow(fleet: Fleet | DistributedFleet, cars: int, density: float) -> float:
    deck = fleet.deck(cars)
    length = (deck.length + deck.minimum_gap).mean()
    return float(min(density * deck.desired_speed.min(), (1 - density * length) / deck.time_headway.mean()))


@pytest.mark.parametrize("density", np.linspace(0.004, 0.1, 25))
def test_a_mixed_fleet_relaxes_to_the_exact_flow(density: float) -> None:
    ring = RingAtDensity(SafeDistance(), MIXED, cars=20, displacement=0.5)
    rng = np.random.default_rng(1)
    before = ring.evolve(ring.lift(np.array([density]), rng), 3000.0, rng)
    after = ring.evolve(before, 60.0, rng)
    assert flow(before, after, 60.0) == pytest.approx(exact_flow(MIXED, 20, density), rel=1e-8)


@pytest.mark.parametrize("density", np.linspace(0.004, 0.1, 25))
@pytest.mark.parametrize("fleet", [THREE_TYPES, SPREAD_OUT])
def test_the_equilibrium_of_a_mixed_fleet_flows_exactly_at_once(
    fleet: Fleet | DistributedFleet, density: float
) -> None:
    ring = RingAtDensity(SafeDistance(), fleet, cars=40)
    rng = np.random.default_rng(2)
    before = ring.lift(np.array([density]), rng)
    after = ring.evolve(before, 60.0, rng)
    assert flow(before, after, 60.0) == pytest.approx(exact_flow(fleet, 40, density), rel=1e-12)


def test_the_scheme_is_of_third_order_where_the_law_is_smooth() -> None:
    cars = place_at_density(SafeDistance(), Fleet.of(CAR), 8, 0.05, np.random.default_rng(3), displacement=0.4)
    matrix = (np.roll(np.eye(8), 1, axis=1) - np.eye(8)) / CAR.time_headway
    # x' = (x[i+1] - x[i] - s0 - l)/τ is linear: its exact solution for the gaps' deviations is a matrix exponential
    mean = gaps(cars).mean()
    deviation = expm(8.0 * matrix) @ (gaps(cars) - mean)
    steps = np.array([0.4, 0.2, 0.1, 0.05])
    errors = []
    for step in steps:
        later = SafeDistance(step=step).advance(cars, 8.0, np.random.default_rng(0))
        errors.append(np.abs(gaps(later) - mean - deviation).max())
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(3, abs=0.15), errors


@pytest.mark.parametrize("longer", [1.0, 5.0])
def test_no_gap_falls_below_the_minimum_gap_in_steps_as_long_as_the_reaction_time(longer: float) -> None:
    """Nor in longer ones, which are not taken."""
    rng = np.random.default_rng(4)
    drivers = MIXED.deal(50, rng)
    room = rng.exponential(5.0, 50) + drivers.minimum_gap
    position = np.concatenate(([0.0], np.cumsum(room[:-1] + drivers.length[1:])))
    cars = Cars(position, np.zeros(50), drivers, float(position[-1] + room[-1] + drivers.length[0]))
    for _ in range(200):
        cars = SafeDistance(step=longer * FAST.time_headway).advance(cars, longer * FAST.time_headway, rng)
        assert (gaps(cars) >= drivers.minimum_gap - 1e-9).all()
        assert ((cars.speed >= 0) & (cars.speed <= 30.0)).all()
