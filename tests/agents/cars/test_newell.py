import numpy as np
import pytest

from agents.cars import CAR, Fleet, Newell, RingAtDensity, Road, Vehicle, crossings, flow
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


def test_a_reaction_time_shorter_than_the_step_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a step of 0.1 s and a reaction time of 0.05 s"):
        place_at_density(Newell(), Fleet.of(Vehicle(time_headway=0.05)), 5, 0.02, np.random.default_rng(0))


def test_any_reaction_time_is_remembered() -> None:
    """Exact: (1 - ρ l)/τ."""
    ring, rng = RingAtDensity(Newell(), Fleet.of(Vehicle(time_headway=7.25)), cars=12), np.random.default_rng(0)
    before = ring.lift(np.array([0.06]), rng)
    after = ring.evolve(before, 60.0, rng)
    assert flow(before, after, 60.0) == pytest.approx((1 - 0.06 * 7.0) / 7.25, rel=1e-8)


def test_an_entrant_may_react_later_than_everybody_on_the_road() -> None:
    late = Vehicle(name="late", time_headway=8.0)
    fleet, rng = Fleet((CAR, late), (0.9, 0.1)), np.random.default_rng(0)
    road = Road(Newell(), fleet, [0.0, 1000.0], ring=False, demand=0.3)
    before = road.lift(np.array([0.003]), rng)
    assert before.drivers.time_headway.max() == CAR.time_headway
    after = road.evolve(before, 100.0, rng)
    assert before.queue.time_headway[: after.entered].max() == 8.0
    assert len(after) + after.left == len(before) + after.entered


def test_populations_with_pasts_of_different_lengths_travel_together_bit_for_bit() -> None:
    law, rngs = Newell(), [np.random.default_rng(0)] * 2
    populations = [
        place_at_density(law, Fleet.of(vehicle), 10, 0.05, rngs[0], displacement=0.5) for vehicle in (FAST, SLOW)
    ]
    for one, other in zip(law.advance_all(populations, 20.0, rngs), populations, strict=True):
        alone = law.advance(other, 20.0, rngs[0])
        assert (one.position == alone.position).all()
        assert np.array_equal(one.memory["history"], alone.memory["history"])


def test_a_duration_between_time_steps_is_refused() -> None:
    cars = place_at_density(Newell(), Fleet.of(CAR), 5, 0.02, np.random.default_rng(0))
    with pytest.raises(ValueError, match="multiple"):
        Newell().advance(cars, 0.25, np.random.default_rng(0))
