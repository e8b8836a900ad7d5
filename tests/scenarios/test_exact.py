"""The closed forms beside values that were computed independently of this project's code."""

from __future__ import annotations

import math

import pytest

from agents.cars import Vehicle
from scenarios.traffic.exact import (
    STEADY_GAP,
    capacity,
    equilibrium_flow,
    idm_onset,
    jam_density,
    jam_wave_speed,
    optimal_velocity_onsets,
    single_site_flow,
)

# Parameters of Treiber, Hennecke & Helbing 2000 (motorway) and of Treiber & Kesting (city); the expected numbers
# come from an independent program: closed form and root finding, the boundary checked on a ring of 2000 cars.
HIGHWAY = Vehicle(
    name="car", length=5, time_headway=1.6, desired_speed=120 / 3.6, minimum_gap=2, acceleration=0.73, deceleration=1.67
)
CITY = Vehicle(
    name="car", length=5, time_headway=1.0, desired_speed=15.0, minimum_gap=2, acceleration=1.0, deceleration=1.5
)
FLOWS = {
    "highway": (
        HIGHWAY,
        {10: 1102.2709733965874, 20: 1677.134620709965, 50: 1459.5429613980625, 80: 989.9236800689004},
    ),
    "city": (CITY, {10: 535.6863210215836, 20: 1041.8573353468794, 50: 1946.5989017572354, 80: 1565.303238461051}),
}


@pytest.mark.parametrize(("car", "flows"), FLOWS.values(), ids=FLOWS.keys())
def test_idm_equilibrium_flow_is_the_independent_programs(car: Vehicle, flows: dict[int, float]) -> None:
    for density, flow in flows.items():
        ours = equilibrium_flow(STEADY_GAP["idm"], [car], [1.0], density / 1000) * 3600
        assert ours == pytest.approx(flow, rel=1e-10)


@pytest.mark.parametrize(
    ("car", "flow", "density", "onset"),
    [
        (HIGHWAY, 1742.7839029204702, 26.07440854778141, 20.4162115305285),
        (CITY, 1957.4851085034854, 53.57218456704372, 59.89701366325572),
    ],
    ids=["highway", "city"],
)
def test_idm_capacity_and_onset_are_the_independent_programs(
    car: Vehicle, flow: float, density: float, onset: float
) -> None:
    ours = capacity(STEADY_GAP["idm"], car)
    assert ours[0] * 3600 == pytest.approx(flow, rel=1e-10)
    assert ours[1] * 1000 == pytest.approx(density, rel=2e-8)  # the place of a maximum, to half the digits
    assert idm_onset(car) * 1000 == pytest.approx(onset, rel=1e-9)


def test_safe_distance_flow_is_the_formula_with_arithmetic_means() -> None:
    """f = min(rho min v, (1 - rho mean l) / mean tau), exact for every number of cars."""
    car = Vehicle(name="car", length=4.5, minimum_gap=1.0, time_headway=1.1, desired_speed=30.0)
    truck = Vehicle(name="truck", length=11.0, minimum_gap=2.0, time_headway=2.0, desired_speed=22.0)
    length, reaction = 0.75 * 5.5 + 0.25 * 13.0, 0.75 * 1.1 + 0.25 * 2.0
    for density in (0.005, 0.03, 0.06, 0.12):
        expected = min(density * 22.0, (1 - density * length) / reaction)
        ours = equilibrium_flow(STEADY_GAP["safe_distance"], [car, truck], [0.75, 0.25], density)
        assert ours == pytest.approx(expected, rel=1e-12)


def test_triangular_diagram_has_its_textbook_corner_and_wave() -> None:
    largest, critical = capacity(STEADY_GAP["safe_distance"], HIGHWAY)
    assert critical == pytest.approx(1 / (7 + 1.6 * 120 / 3.6), rel=1e-8)
    assert largest == pytest.approx(critical * 120 / 3.6, rel=1e-8)
    assert jam_density([HIGHWAY], [1.0]) == pytest.approx(1 / 7)
    assert jam_wave_speed(STEADY_GAP["safe_distance"], HIGHWAY) == pytest.approx(-7 / 1.6)


def test_optimal_velocity_limits_are_bandos() -> None:
    """V = tanh(b - 2) + tanh 2, a = 1: unstable between 1.1186264 and 2.8813736 (sech^2 = 1/2)."""
    point = Vehicle(name="point", length=0.0, minimum_gap=0.0, time_headway=1.0, desired_speed=1 + math.tanh(2))
    onsets = optimal_velocity_onsets(point, 1.0, 10**8)
    assert onsets is not None
    assert [1 / density for density in onsets] == pytest.approx([2.881373587019543, 1.1186264129804568], rel=1e-9)
    assert optimal_velocity_onsets(point, 2.1, 100) is None


@pytest.mark.parametrize(
    ("cars", "cells", "hop", "flow"),
    [
        (3, 8, 0.75, 0.24681122448979592),  # brute-force Markov chain
        (5, 10, 0.5, 0.16017964071856294),  # brute-force Markov chain
        (500, 1000, 0.5, 0.14657172000168076),
        (300, 1000, 0.9, 0.25309561350154647),
    ],
)
def test_parallel_update_flow_is_exact_on_finite_rings(cars: int, cells: int, hop: float, flow: float) -> None:
    assert single_site_flow(cars, cells, hop) == pytest.approx(flow, rel=1e-11)
