"""Values: 22 cars on 230 m, by an independent program with Euler steps of 0.01 s (references, ftl_ov_ring)."""

from math import tanh

import numpy as np
import pytest

from agents.cars import Fleet, FollowTheLeader, RingAtDensity, Vehicle, equilibrium_speed, flow, wave_speed

CAR = Vehicle(length=4.5, minimum_gap=0.0, desired_speed=9.75, time_headway=2.23 * (1 + tanh(2)) / 9.75)  # d0 = 2.23 m
RING = RingAtDensity(FollowTheLeader(attraction=20.0, relaxation=0.5), Fleet.of(CAR), cars=22, displacement=0.1)


@pytest.mark.parametrize(("length", "expected"), [(230.0, 7.690372531298418), (260.0, 9.039789491108158)])
def test_uniform_flow_is_that_of_the_reference(length: float, expected: float) -> None:
    assert equilibrium_speed(RING.law, Fleet.of(CAR).deck(22), length) == pytest.approx(expected, rel=1e-12)


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


@pytest.mark.parametrize("options", [{"attraction": -1.0}, {"relaxation": 0.0}, {"step": -0.1}])
def test_options_that_are_none_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        FollowTheLeader(**options)
