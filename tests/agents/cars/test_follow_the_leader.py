"""Values: 22 cars on 230 m, by an independent program with Euler steps of 0.01 s (references, ftl_ov_ring)."""

from math import tanh

import numpy as np
import pytest

from agents.cars import (
    BRISK,
    CAUTIOUS,
    TRUCK,
    Cars,
    Drivers,
    Fleet,
    FollowTheLeader,
    RingAtDensity,
    Road,
    Vehicle,
    equilibrium_speed,
    flow,
    gaps,
    wave_speed,
)
from agents.cars import CAR as CAR_OF_THE_HIGHWAY

CAR = Vehicle(length=4.5, minimum_gap=0.0, desired_speed=9.75, time_headway=2.23 * (1 + tanh(2)) / 9.75)  # d0 = 2.23 m
MIXED = Fleet((CAR_OF_THE_HIGHWAY, TRUCK, BRISK, CAUTIOUS), (0.4, 0.3, 0.2, 0.1))
RING = RingAtDensity(FollowTheLeader(attraction=20.0, relaxation=0.5), Fleet.of(CAR), cars=22, displacement=0.1)


@pytest.mark.parametrize(("length", "expected"), [(230.0, 7.690372531298418), (260.0, 9.039789491108158)])
def test_uniform_flow_is_that_of_the_reference(length: float, expected: float) -> None:
    assert equilibrium_speed(RING.law, Fleet.of(CAR).deck(22), length) == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
def test_the_jam_on_230_m_is_that_of_the_reference() -> None:
    rng = np.random.default_rng(1)
    snapshots = [RING.evolve(RING.lift(np.array([22 / 230]), rng), 1500.0, rng)]
    for _ in range(500):
        snapshots.append(RING.evolve(snapshots[-1], 1.0, rng))
    mean_speed = flow(snapshots[0], snapshots[-1], 500.0) * 230 / 22
    assert mean_speed == pytest.approx(6.810062224913205, rel=1e-3)
    assert wave_speed(snapshots) == pytest.approx(-6.4832197773208975, rel=0.01)
    assert snapshots[-1].speed.std() == pytest.approx(2.469, rel=0.05)


def test_260_m_heal() -> None:
    rng = np.random.default_rng(1)
    cars = RING.evolve(RING.lift(np.array([22 / 260]), rng), 2000.0, rng)
    assert cars.speed == pytest.approx(np.full(22, 9.039789491108158), abs=1e-4)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("ring", [True, False])
@pytest.mark.parametrize("law", [FollowTheLeader(), FollowTheLeader(attraction=200.0), FollowTheLeader(step=0.2)])
def test_cars_that_are_lifted_bumper_to_bumper_drive_off(law: FollowTheLeader, ring: bool, seed: int) -> None:
    """Whatever the gaps, nobody collides and nobody is faster than the fastest driver."""
    rng = np.random.default_rng(seed)
    edges = np.concatenate(([0.0], np.cumsum(rng.uniform(50.0, 400.0, rng.integers(1, 6)))))
    road = Road(law, MIXED, edges, ring=ring, demand=0.0 if ring else rng.uniform(0.0, 1.0))
    cars = road.lift(rng.uniform(0.0, 0.1, len(edges) - 1), rng)
    for _ in range(6):
        cars = road.evolve(cars, 5.0, rng)
        assert cars.speed.max(initial=0.0) <= BRISK.desired_speed + 1e-9


def test_a_jam_at_the_beginning_of_an_open_road_drives_off() -> None:
    road, rng = Road(FollowTheLeader(), MIXED, [0.0, 100.0, 200.0, 600.0], ring=False), np.random.default_rng(0)
    cars = road.evolve(road.lift(np.array([0.1, 0.0, 0.02]), rng), 30.0, rng)
    assert 0 <= cars.position.min() <= cars.position.max() <= 600.0


def test_speed_and_attraction_over_gap_add_up_to_a_constant_behind_a_standing_car() -> None:
    """Without relaxation d/dt (v + A/gap) = 0: exact. The gap at which the driver stands follows, 20/10.4 m."""
    law = FollowTheLeader(relaxation=1e-9, step=0.02)
    cars = Cars(np.array([0.0, 50.0 + CAR.length]), np.array([10.0, 0.0]), Drivers.of([CAR], [0, 0]), 100.0, ring=False)
    cars = law.advance(cars, 60.0, np.random.default_rng(0))
    assert gaps(cars)[0] == pytest.approx(20.0 / 10.4, abs=1e-5)


@pytest.mark.parametrize("options", [{"attraction": -1.0}, {"relaxation": 0.0}, {"step": -0.1}])
def test_options_that_are_none_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        FollowTheLeader(**options)
