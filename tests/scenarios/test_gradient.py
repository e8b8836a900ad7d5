"""Flow and gradient coefficient, against the exact dispersion of linear waves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.cars import CAR, IDM, Drivers, NagelSchreckenberg, Newell, OptimalVelocity, SafeDistance, Vehicle
from agents.cars.law import SecondOrder
from scenarios.traffic.gradient import FlowAndGradient

BRISK = replace(CAR, acceleration=1.5)
DENSITIES = np.array([0.005, 0.01, 0.015, 0.02, 0.026, 0.035, 0.05, 0.07, 0.1])


def exact(law: SecondOrder, vehicle: Vehicle, density: float) -> float:
    """λ = V' iα + d (iα)² + ...: d = V'/2 - V'² (V' - f_l)/f_s of dv/dt = f(s, v, l), by differences of f; D = d/ρ²."""
    driver, gap = Drivers.of([vehicle], [0]), 1 / density - vehicle.length
    speed = float(law.steady_speed(np.array([gap]), driver)[0])

    def by(i: int) -> float:
        step = np.zeros((3, 1))
        step[i] = 1e-5
        (s, v, leader), (t, w, other) = (np.array([[gap], [speed], [speed]]) + sign * step for sign in (1, -1))
        difference = law.acceleration(s, v, leader, driver) - law.acceleration(t, w, other, driver)
        return float(difference[0] / 2e-5)

    by_gap, by_speed, by_leader = (by(i) for i in range(3))
    rise = -by_gap / (by_speed + by_leader)
    return (rise / 2 - rise**2 * (rise - by_leader) / by_gap) / density**2


def test_safe_distance_has_the_flow_and_the_coefficient_of_its_formula() -> None:
    """Congested: (1 - 7 ρ)/1.6 and 1/(2 τ ρ²); free: ρ v0 and none."""
    answer = FlowAndGradient(SafeDistance(), CAR)(DENSITIES[:, None])
    critical = 1 / (7 + 1.6 * CAR.desired_speed)
    flow = np.where(critical > DENSITIES, DENSITIES * CAR.desired_speed, (1 - 7 * DENSITIES) / 1.6)
    coefficient = np.where(critical > DENSITIES, 0.0, 1 / (3.2 * DENSITIES**2))
    assert answer.value[:, 0] == pytest.approx(flow, rel=1e-9)
    assert answer.value[:, 1] == pytest.approx(coefficient, rel=1e-4, abs=1e-2)
    assert (np.abs(answer.value[:, 1] - coefficient) <= answer.stderr[:, 1]).all()


@pytest.mark.parametrize("law", [IDM(), OptimalVelocity(sensitivity=3.0)])
def test_string_stable_drivers_have_that_of_their_dispersion_within_its_error(law: SecondOrder) -> None:
    answer = FlowAndGradient(law, BRISK)(DENSITIES[:, None])
    coefficient = [exact(law, BRISK, density) for density in DENSITIES]
    assert answer.value[:, 1] == pytest.approx(coefficient, rel=0.015, abs=0.1)
    assert (np.abs(answer.value[:, 1] - coefficient) <= 2 * answer.stderr[:, 1]).all()


def test_longer_waves_are_nearer_the_limit() -> None:
    expected = exact(IDM(), BRISK, 0.035)
    errors = [abs(FlowAndGradient(IDM(), BRISK, cars)([[0.035]]).value[0, 1] / expected - 1) for cars in (30, 60, 120)]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-3


def test_it_is_negative_where_strings_are_unstable() -> None:
    """IDM with a = 0.73: unstable from 20.4 veh/km on (independent program)."""
    stable, unstable = FlowAndGradient(IDM(), CAR, cars=200)([[0.0195], [0.0215]]).value[:, 1]
    assert stable > 0 > unstable
    assert unstable == pytest.approx(exact(IDM(), CAR, 0.0215), rel=0.05)


def test_it_costs_four_seconds_of_a_ring_a_density_and_each_answers_for_itself() -> None:
    closure = FlowAndGradient(IDM(), BRISK)
    answer = closure([[0.02], [0.05]])
    assert (answer.cost.bursts, answer.cost.micro_time) == (2, 8.0)
    assert (answer.value[1] == closure([[0.05]]).value[0]).all()


def test_laws_and_rings_without_waves_to_read_are_refused() -> None:
    with pytest.raises(ValueError, match="first or second order"):
        FlowAndGradient(Newell(), CAR)
    with pytest.raises(ValueError, match="first or second order"):
        FlowAndGradient(NagelSchreckenberg(), CAR)
    with pytest.raises(ValueError, match="12 cars or more"):
        FlowAndGradient(IDM(), CAR, cars=6)
