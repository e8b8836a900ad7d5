"""The ring whose macro state is the spread of its headways."""

from dataclasses import replace
from math import pi, sqrt, tanh

import numpy as np
import pytest

from agents.cars import CAR, IDM, Cars, OptimalVelocity, RingOfHeadways, RingOfSpread, Vehicle, gaps, headways

RNG = np.random.default_rng(0)
MARSCHLER = Vehicle(
    name="marschler", length=0.0, minimum_gap=0.0, desired_speed=0.88 * (1 + tanh(1.2)), time_headway=1 / 0.88
)
LAW = OptimalVelocity(sensitivity=1.7, inflection=1.2, step=0.2)
REFERENCE = 1 + 0.2 * np.cos(2 * pi * np.arange(60) / 60)
RING = RingOfSpread(LAW, MARSCHLER, REFERENCE, 60.0)


def healed() -> Cars:
    return RING.evolve(RING.lift(np.array([0.15]), RNG), 40.0, RNG)


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.3])
def test_lift_stretches_the_reference(spread: float) -> None:
    """A cosine of amplitude A over N cars has the spread A sqrt(N/2/(N - 1))."""
    cars = RING.lift(np.array([spread]), RNG)
    expected = 1 + spread / sqrt(30 / 59) * np.cos(2 * pi * np.arange(60) / 60)
    assert headways(cars) == pytest.approx(expected, abs=1e-13)
    assert cars.speed == pytest.approx(0.88 * (np.tanh(expected - 1.2) + tanh(1.2)), abs=1e-13)
    assert RING.restrict(cars) == pytest.approx([spread], abs=1e-13)


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.3])
def test_restrict_after_relift_is_identity_and_the_ring_stays_as_long(spread: float) -> None:
    cars = RING.relift(np.array([spread]), healed(), RNG)
    assert RING.restrict(cars) == pytest.approx([spread], abs=1e-13)
    assert headways(cars).sum() == pytest.approx(60.0, abs=1e-13)


def test_relift_at_its_own_spread_is_the_population_again() -> None:
    previous = healed()
    cars = RING.relift(RING.restrict(previous), previous, RNG)
    assert headways(cars) == pytest.approx(headways(previous), abs=1e-12)
    assert cars.speed == pytest.approx(previous.speed, abs=1e-12)


def test_relift_stretches_what_the_speeds_differ_by_as_it_does_the_headways() -> None:
    previous = healed()
    cars = RING.relift(0.5 * RING.restrict(previous), previous, RNG)
    before, after = (micro.speed - LAW.steady_speed(gaps(micro), micro.drivers) for micro in (previous, cars))
    assert np.abs(before).max() > 0.01
    assert after == pytest.approx(0.5 * before, abs=1e-12)
    assert headways(cars) - 1 == pytest.approx(0.5 * (headways(previous) - 1), abs=1e-12)


def test_relift_makes_no_car_reverse() -> None:
    slow = replace(healed(), speed=np.zeros(60))
    assert RING.relift(2 * RING.restrict(slow), slow, RNG).speed.min() == 0.0


def test_the_jam_can_be_stretched_until_two_vehicles_touch() -> None:
    reference = 40 + 5 * np.cos(2 * pi * np.arange(10) / 10)
    ring = RingOfSpread(IDM(), CAR, reference, 400.0)
    largest = ring.fields[0]["bounds"][1]
    assert largest == pytest.approx(35 * sqrt(5 / 9), rel=1e-12)
    assert gaps(ring.lift(np.array([largest]), RNG)).min() == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(ValueError, match=r"a spread of 27 m leaves a headway of 3\.7\d+ m to vehicles of 5 m"):
        ring.lift(np.array([27.0]), RNG)


def test_spreads_and_profiles_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match=r"not negative, in m: got -0\.1"):
        RING.lift(np.array([-0.1]), RNG)
    with pytest.raises(ValueError, match=r"not negative, in m: got nan"):
        RING.relift(np.array([np.nan]), healed(), RNG)
    with pytest.raises(ValueError, match=r"`reference` must be a jam: got 60 equal headways of 1 m"):
        RingOfSpread(LAW, MARSCHLER, np.ones(60), 60.0)
    with pytest.raises(ValueError, match=r"60 headways that add up to the ring of 70 m: got 60 that add up to 60 m"):
        RingOfSpread(LAW, MARSCHLER, REFERENCE, 70.0)
    with pytest.raises(ValueError, match=r"cars must fit"):
        RingOfSpread(LAW, CAR, REFERENCE, 60.0)


def test_relift_needs_a_jam_on_the_same_ring() -> None:
    uniform = RING.lift(np.zeros(1), RNG)
    with pytest.raises(ValueError, match=r"`previous` must be a jam: its headways spread by .* Use `lift` instead"):
        RING.relift(np.array([0.1]), uniform, RNG)
    other = RingOfHeadways(LAW, MARSCHLER, 3, 60.0).lift(np.array([10.0, 20.0, 30.0]), RNG)
    with pytest.raises(ValueError, match=r"60 headways that add up to the ring of 60 m: got 3"):
        RING.relift(np.array([0.1]), other, RNG)
