"""Values: references idm_highway_Treiber2000 (an independent program, largest eigenvalue of a 2000-car ring)."""

import numpy as np
import pytest
from scipy.optimize import brentq

from agents.cars import (
    CAR,
    IDM,
    Drivers,
    Fleet,
    NagelSchreckenberg,
    Newell,
    RingAtDensity,
    SafeDistance,
    headway_deviation,
    largest_stable_ring,
    ring_growth,
)

DENSITIES = np.linspace(0.002, 0.14, 70)


@pytest.mark.parametrize(
    ("speed", "growth"), [(22.49302254087938, 0.00013040941243640247), (23.411105093568338, -4.3848986524402944e-07)]
)
def test_growth_on_2000_cars_is_that_of_the_reference(speed: float, growth: float) -> None:
    headway = CAR.length + float(IDM().steady_gap(speed, Drivers.of([CAR], [0]))[0])
    assert ring_growth(IDM(), CAR, headway, 2000) == pytest.approx(growth, rel=1e-8)


def test_string_instability_sets_in_where_the_reference_says() -> None:
    onset = brentq(lambda density: ring_growth(IDM(), CAR, 1 / density, 200), 0.015, 0.025)
    assert onset == pytest.approx(0.0204162115305285, rel=0.01)


def test_the_largest_stable_ring_is_stable_and_the_next_one_is_not() -> None:
    cars = largest_stable_ring(IDM(), CAR, DENSITIES, at_most=50)
    assert cars == 8
    assert max(ring_growth(IDM(), CAR, 1 / density, cars) for density in DENSITIES) < 0
    assert max(ring_growth(IDM(), CAR, 1 / density, cars + 1) for density in DENSITIES) > 0


def test_a_margin_asks_for_a_shorter_ring() -> None:
    dense = DENSITIES[5:]  # free traffic heals slowly on any ring
    cars = largest_stable_ring(IDM(), CAR, dense, at_most=50, margin=0.01)
    assert 2 <= cars < 8
    assert max(ring_growth(IDM(), CAR, 1 / density, cars) for density in dense) <= -0.01


def test_the_computed_growth_is_what_the_cars_do() -> None:
    """Two rings of the same density, 8 cars heal and 12 do not."""
    density = 0.1
    rng = np.random.default_rng(0)
    for cars in (8, 12):
        ring = RingAtDensity(IDM(), Fleet.of(CAR), cars, displacement=0.05)
        start = ring.lift(np.array([density]), rng)
        later = ring.evolve(start, 600.0, rng)
        heals = ring_growth(IDM(), CAR, 1 / density, cars) < 0
        assert heals == (headway_deviation(later) < headway_deviation(start))


def test_a_safe_distance_ring_decays_with_its_longest_wave() -> None:
    """Exact: λ = (e^{iα} - 1)/τ, α = 2π/N."""
    growth = ring_growth(SafeDistance(), CAR, 20.0, 12)
    assert growth == pytest.approx((np.cos(2 * np.pi / 12) - 1) / CAR.time_headway, rel=1e-10)


def test_a_ring_that_stands_has_no_wave() -> None:
    assert ring_growth(IDM(), CAR, 6.9, 10) == -np.inf


@pytest.mark.parametrize("law", [Newell(), NagelSchreckenberg()])
def test_laws_without_a_linearisation_are_refused(law: Newell | NagelSchreckenberg) -> None:
    with pytest.raises(ValueError, match="first or second order"):
        ring_growth(law, CAR, 30.0, 10)


@pytest.mark.parametrize(("headway", "cars"), [(5.0, 10), (30.0, 1)])
def test_rings_that_are_none_are_refused(headway: float, cars: int) -> None:
    with pytest.raises(ValueError, match="got"):
        ring_growth(IDM(), CAR, headway, cars)
