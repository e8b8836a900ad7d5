"""Values: Bando et al. 1995, exact dispersion and an independent program (references, ov_*)."""

from math import cos, pi, tanh

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.cars import (
    Cars,
    Drivers,
    Fleet,
    OptimalVelocity,
    RingOfHeadways,
    Vehicle,
    headways,
    ring_growth,
    wave_speed,
)
from agents.cars.optimal_velocity import tanh_velocity

RNG = np.random.default_rng(0)
BANDO = Vehicle(name="bando", length=0.0, minimum_gap=0.0, time_headway=1.0, desired_speed=1 + tanh(2))
LAW = OptimalVelocity(sensitivity=1.0)


def test_the_default_is_the_function_of_bando() -> None:
    gap = np.linspace(0.0, 6.0, 13)
    assert tanh_velocity(gap, Drivers.of([BANDO], [0] * 13)) == pytest.approx(np.tanh(gap - 2) + tanh(2), abs=1e-14)


def measured_growth(headway: float, cars: int) -> float:
    """The slope of log |mode 1| of a small wave, between 40 and 100 time units after it was made."""
    place = np.arange(cars)
    ring = RingOfHeadways(LAW, BANDO, cars, cars * headway)
    state = ring.lift(headway + 1e-6 * np.cos(2 * pi * place / cars), RNG)
    sizes = []
    for duration in (40.0, 60.0):
        state = ring.evolve(state, duration, RNG)
        sizes.append(abs(headways(state) @ np.exp(2j * pi * place / cars)))
    return float(np.log(sizes[1] / sizes[0]) / 60.0)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("cars", [10, 40])
def test_uniform_flow_loses_stability_where_it_should(cars: int, side: int) -> None:
    """Exact: unstable where V'(b) = sech²(b - 2) > a/(1 + cos(2π/N)); both limits to 0.5 % from measured growth."""
    neutral = 2 + side * float(np.arccosh(np.sqrt(1 + cos(2 * pi / cars))))
    outside, inside = neutral * (1 + side * 0.005), neutral * (1 - side * 0.005)
    assert measured_growth(outside, cars) < 0 < measured_growth(inside, cars)


def exact_growth(headway: float, cars: int, mode: int) -> float:
    """max Re z of z² + a z - a V'(e^{iα} - 1) = 0, α = 2πk/N, a = 1, V' = sech²(b - 2)."""
    slope = np.cosh(headway - 2) ** -2
    return float(np.roots([1, 1, -slope * (np.exp(2j * pi * mode / cars) - 1)]).real.max())


@pytest.mark.parametrize("headway", [1.0, 1.5, 2.0, 3.5])
def test_a_wave_grows_as_the_dispersion_relation_says(headway: float) -> None:
    assert measured_growth(headway, 20) == pytest.approx(exact_growth(headway, 20, 1), rel=2e-3, abs=2e-5)


@pytest.mark.parametrize("headway", [1.0, 1.5, 2.0, 3.5])
@pytest.mark.parametrize("cars", [2, 7, 20])
def test_the_growth_on_a_ring_is_that_of_its_fastest_mode(headway: float, cars: int) -> None:
    fastest = max(exact_growth(headway, cars, mode) for mode in range(1, cars))
    assert ring_growth(LAW, BANDO, headway, cars) == pytest.approx(fastest, abs=1e-11)


def test_a_jam_has_the_extremes_and_the_speed_of_the_reference() -> None:
    """100 cars on 200, one displaced by 0.1, the last 40 of 4000 time units; the reference is good to 1e-3."""
    drivers = Fleet.of(BANDO).deck(100)
    position = np.linspace(0.0, 198.0, 100)
    position[0] += 0.1
    cars = LAW.advance(Cars(position, tanh_velocity(np.full(100, 2.0), drivers), drivers, 200.0), 3960.0, RNG)
    snapshots = [cars]
    for _ in range(80):
        snapshots.append(LAW.advance(snapshots[-1], 0.5, RNG))
    ahead = np.array([headways(snapshot) for snapshot in snapshots])
    speed = np.array([snapshot.speed for snapshot in snapshots])
    assert (ahead.min(), ahead.max()) == pytest.approx((0.32278851831642896, 3.677134427812234), abs=1e-3)
    assert (speed.min(), speed.max()) == pytest.approx((0.031528866639957374, 1.8965150652443241), abs=1e-3)
    assert wave_speed(snapshots) == pytest.approx(-0.14793865041721443, abs=2e-3)


def test_cars_bumper_to_bumper_stand() -> None:
    drivers = Fleet.of(BANDO).deck(3)
    cars = LAW.advance(Cars(np.array([0.0, 0.0, 50.0]), np.zeros(3), drivers, 100.0), 0.125, RNG)
    assert cars.speed[0] == pytest.approx(0.0, abs=0.05)
    assert cars.speed[1] > 0.1


def test_any_velocity_runs_and_the_compiled_one_is_no_other() -> None:
    given = OptimalVelocity(sensitivity=1.0, velocity=tanh_velocity)
    ring = RingOfHeadways(given, BANDO, 12, 24.0)
    cars = ring.lift(2 + 0.5 * np.cos(2 * pi * np.arange(12) / 12), RNG)
    assert ring.evolve(cars, 20.0, RNG).position == pytest.approx(LAW.advance(cars, 20.0, RNG).position, abs=1e-9)
    many = given.advance_all([cars, cars], 20.0, [RNG, RNG])
    assert (many[1].position == ring.evolve(cars, 20.0, RNG).position).all()


def test_the_gap_of_any_velocity_is_its_inverse() -> None:
    def hyperbolic(gap: NDArray[np.float64], drivers: Drivers) -> NDArray[np.float64]:
        return drivers.desired_speed * gap / (10.0 + gap)

    law, drivers = OptimalVelocity(velocity=hyperbolic), Drivers.of([Vehicle(desired_speed=30.0)], [0] * 3)
    gap = law.steady_gap(np.array([3.0, 15.0, 31.0]), drivers)
    assert gap == pytest.approx([10 / 9, 10.0, np.inf], rel=1e-12)
