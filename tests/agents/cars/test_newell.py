import numpy as np
import pytest

from agents.cars import CAR, Fleet, Newell, RingAtDensity, Vehicle, crossings, flow
from agents.cars.lifting import place_at_density
from agents.cars.road import Cars, headways

FAST = Vehicle(name="fast", length=4.0, time_headway=0.93, desired_speed=30.0, minimum_gap=1.5)
SLOW = Vehicle(name="slow", length=14.0, time_headway=2.31, desired_speed=30.0, minimum_gap=3.0)


@pytest.mark.parametrize("density", np.linspace(0.004, 0.1, 25))
def test_a_mixed_fleet_flows_at_the_exact_rate(density: float) -> None:
    """Exact: min(ρ v0, (1 - ρ mean l)/mean τ), reaction times that are no multiples of the step included."""
    fleet = Fleet((FAST, SLOW), (0.75, 0.25))
    ring = RingAtDensity(Newell(), fleet, cars=40)
    rng = np.random.default_rng(2)
    before = ring.lift(np.array([density]), rng)
    after = ring.evolve(before, 60.0, rng)
    expected = min(density * 30.0, (1 - density * (0.75 * 5.5 + 0.25 * 17.0)) / (0.75 * 0.93 + 0.25 * 2.31))
    assert flow(before, after, 60.0) == pytest.approx(expected, rel=1e-8)


def test_a_disturbance_travels_back_by_one_car_in_one_reaction_time_unchanged() -> None:
    """Newell 2002: a trajectory is the leader's, shifted by (τ, l): headway i at t is headway i + 1 at t - τ."""
    law = Newell()
    cars = place_at_density(law, Fleet.of(CAR), 30, 0.06, np.random.default_rng(1), displacement=0.3)
    cars = law.advance(cars, 60.0, np.random.default_rng(0))
    later = law.advance(cars, 1.6, np.random.default_rng(0))
    assert headways(later)[:-1] == pytest.approx(headways(cars)[1:], abs=1e-9)
    assert headways(cars).std() > 1.0


def test_two_bursts_are_one_because_the_past_is_remembered() -> None:
    law = Newell()
    rng = np.random.default_rng(0)
    cars = place_at_density(law, Fleet((FAST, SLOW), (0.5, 0.5)), 30, 0.06, rng, displacement=0.3)
    parts: Cars = cars
    for _ in range(7):
        parts = law.advance(parts, 0.3, rng)
    assert (parts.position == law.advance(cars, 7 * 0.3, rng).position).all()
    assert crossings(cars, parts, 100.0) > 0


@pytest.mark.parametrize("time_headway", [0.05, 6.0])
def test_reaction_times_outside_the_memory_are_refused(time_headway: float) -> None:
    with pytest.raises(ValueError, match="Reaction times"):
        place_at_density(Newell(), Fleet.of(Vehicle(time_headway=time_headway)), 5, 0.02, np.random.default_rng(0))


def test_a_duration_between_time_steps_is_refused() -> None:
    cars = place_at_density(Newell(), Fleet.of(CAR), 5, 0.02, np.random.default_rng(0))
    with pytest.raises(ValueError, match="multiple"):
        Newell().advance(cars, 0.25, np.random.default_rng(0))
