"""All second-order laws: the order of the scheme, the kernel beside the formula, cars that stop."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from agents.cars import (
    BRISK,
    CAR,
    IDM,
    TRUCK,
    Cars,
    Collision,
    Drivers,
    Fleet,
    FollowTheLeader,
    OptimalVelocity,
    Road,
    check,
    gaps,
)
from agents.cars.law import SecondOrder
from agents.cars.lifting import place_at_density
from agents.cars.runge_kutta import advance_by_formula

RNG = np.random.default_rng(0)
FLEET = Fleet((CAR, TRUCK, BRISK), (0.5, 0.2, 0.3))
LAWS: dict[str, tuple[type[Any], dict[str, Any]]] = {
    "idm": (IDM, {}),
    "idm, general exponent": (IDM, {"exponent": 3.5}),
    "optimal velocity": (OptimalVelocity, {"sensitivity": 2.0}),
    "follow the leader": (FollowTheLeader, {}),
}


def disturbed(law: SecondOrder) -> Cars:
    return place_at_density(law, FLEET, 10, 0.025, np.random.default_rng(5), displacement=0.3)


def solved(law: SecondOrder, cars: Cars, duration: float) -> NDArray[np.float64]:
    """Positions by SciPy's DOP853, tight, from the law's formula: an independent scheme."""
    n = len(cars)

    def rate(_: float, state: NDArray[np.float64]) -> NDArray[np.float64]:
        x, v = state[:n], state[n:]
        ahead = np.append(x[1:], x[0] + cars.length) - x - np.roll(cars.drivers.length, -1)
        return np.concatenate((v, law.acceleration(ahead, v, np.roll(v, -1), cars.drivers)))

    start = np.concatenate((cars.position, cars.speed))
    solution = solve_ivp(rate, (0, duration), start, method="DOP853", rtol=1e-13, atol=1e-11)
    positions: NDArray[np.float64] = solution.y[:n, -1]
    return positions


@pytest.mark.parametrize("name", LAWS)
def test_the_scheme_is_of_fourth_order(name: str) -> None:
    kind, options = LAWS[name]
    cars = disturbed(kind(**options))
    exact = solved(kind(**options), cars, 16.0)
    steps = np.array([0.4, 0.2, 0.1, 0.05])
    errors = [np.abs(kind(**options, step=step).advance(cars, 16.0, RNG).position - exact).max() for step in steps]
    order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert order == pytest.approx(4, abs=0.15), errors


@pytest.mark.parametrize("name", LAWS)
def test_the_default_step_is_far_below_what_drivers_differ_by(name: str) -> None:
    kind, options = LAWS[name]
    cars = disturbed(kind(**options))
    exact = solved(kind(**options), cars, 60.0)
    assert np.abs(kind(**options).advance(cars, 60.0, RNG).position - exact).max() < 1e-3


@pytest.mark.parametrize("name", LAWS)
def test_the_kernel_computes_the_formula(name: str) -> None:
    kind, options = LAWS[name]
    law = kind(**options, step=0.1)
    cars = disturbed(law)

    def formula(
        gap: NDArray[np.float64], speed: NDArray[np.float64], leader: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        change: NDArray[np.float64] = law.acceleration(gap, speed, leader, cars.drivers)
        return change

    by_formula = advance_by_formula(cars, formula, 200, 20.0)
    compiled = law.advance(cars, 20.0, RNG)
    assert compiled.position == pytest.approx(by_formula.position, abs=1e-9)
    assert compiled.speed == pytest.approx(by_formula.speed, abs=1e-9)
    assert compiled.time == by_formula.time == 20.0


@pytest.mark.parametrize("name", LAWS)
def test_steady_gap_and_steady_speed_are_inverse_and_without_acceleration(name: str) -> None:
    kind, options = LAWS[name]
    law, drivers = kind(**options), FLEET.deck(10)
    speed = np.linspace(0.5, 20.0, 10)
    gap = law.steady_gap(speed, drivers)
    assert law.steady_speed(gap, drivers) == pytest.approx(speed, rel=1e-10)
    assert law.acceleration(gap, speed, speed, drivers) == pytest.approx(np.zeros(10), abs=1e-12)


def test_a_car_that_stops_does_not_reverse() -> None:
    law = IDM()
    cars = place_at_density(law, Fleet.of(CAR), 20, 0.14, np.random.default_rng(1))
    drivers = cars.drivers
    cars = Cars(cars.position, np.full(20, 3.0), drivers, cars.length)
    assert gaps(cars).max() < CAR.minimum_gap + 0.5
    for _ in range(100):
        later = check(law.advance(cars, 0.3, RNG))
        assert (later.position >= cars.position).all()
        cars = later
    assert cars.speed.max() < 0.3


def crash() -> Cars:
    """At 60 m/s, 1 m behind a car that stands: through it in the first step, and behind it again 5 s later."""
    return Cars(np.array([0.0, 6.0]), np.array([60.0, 0.0]), Drivers.of([CAR], [0, 0]), 2000.0, time=12.5)


def test_a_collision_within_a_burst_names_the_cars_and_the_first_time() -> None:
    law, said = IDM(), r"^At t = 12.7 s car 0 .* overlaps car 1 ahead by 4\.\d+ m"
    assert law.steps(crash().drivers, 0.2) == 1
    with pytest.raises(Collision, match=said):
        law.advance(crash(), 5.0, RNG)
    with pytest.raises(Collision, match=said):
        law.advance_all([disturbed(law), crash(), disturbed(law)], 5.0, [RNG] * 3)
    with pytest.raises(Collision, match=said):
        advance_by_formula(crash(), lambda s, v, w: law.acceleration(s, v, w, crash().drivers), 25, 5.0)
    with pytest.raises(Collision, match=said):
        Road(law, Fleet.of(CAR), [0.0, 2000.0], ring=False).evolve(replace(crash(), ring=False), 5.0, RNG)


def test_the_cars_that_are_given_are_left_alone() -> None:
    cars = disturbed(IDM())
    position, speed = cars.position.copy(), cars.speed.copy()
    IDM().advance(cars, 5.0, RNG)
    assert (cars.position == position).all()
    assert (cars.speed == speed).all()
