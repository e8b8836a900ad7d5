"""The road of every car, against what is exact for its profile and in uniform flow."""

from __future__ import annotations

import numpy as np
import pytest

from agents.cars import CAR, IDM, TRUCK, Cars, Fleet, SafeDistance, gaps, ring_growth
from scenarios.traffic.exact import STEADY_GAP, capacity, jam_density
from scenarios.traffic.projection import equal_drivers
from scenarios.traffic.roads import Profile, drive, drive_shuffles, l1_difference, place, spread_of, travel_times

EDGES = np.linspace(0.0, 20_000.0, 101)
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "length", [5_000.0, *(pytest.param(length, marks=pytest.mark.slow) for length in (20_000.0, 40_000.0))]
)
def test_the_count_is_the_integral_of_the_density_and_a_whole_number_of_cars(length: float) -> None:
    road = Profile(length)
    edges = np.linspace(0.0, length, 200_001)
    middles = (edges[1:] + edges[:-1]) / 2
    integral = np.concatenate(([0.0], np.cumsum(road.density(middles) * np.diff(edges))))
    assert road.count(edges) == pytest.approx(integral, abs=1e-6)
    assert road.count(length) == pytest.approx(road.cars, rel=1e-14)


def test_densities_lie_on_both_branches_and_well_within_the_bounds() -> None:
    density = Profile().density(np.linspace(0.0, 20_000.0, 2001))
    for model in ("safe_distance", "idm"):
        _, critical = capacity(STEADY_GAP[model], CAR)
        assert density.min() < 0.95 * critical
        assert density.max() > 1.2 * critical
    assert density.max() < 0.6 * jam_density([CAR], [1.0])


def test_equal_drivers_are_string_stable_on_all_of_the_road() -> None:
    for drivers in equal_drivers():
        densities = np.linspace(0.014, 0.071, 30)
        rates = [ring_growth(drivers.law, drivers.vehicle, 1 / density, 200) for density in densities]
        assert max(rates) <= 0


def test_car_k_is_where_the_count_of_the_profile_is_k() -> None:
    road = Profile()
    cars = place(SafeDistance(), Fleet.of(CAR).deck(road.cars), road)
    assert road.count(cars.position) == pytest.approx(np.arange(road.cars), abs=1e-5)
    assert cars.speed == pytest.approx(np.clip((gaps(cars) - 2.0) / 1.6, 0.0, CAR.desired_speed))


def test_a_jam_of_trucks_is_spread_until_nobody_overlaps() -> None:
    road = Profile(jam=0.12)
    cars = place(SafeDistance(), Fleet((CAR, TRUCK), (0.4, 0.6)).deal(road.cars, np.random.default_rng(3)), road)
    assert gaps(cars).min() >= -1e-9


def test_no_car_is_lost_and_the_count_at_the_edges_is_linear_between_cars() -> None:
    road = Profile()
    every = drive(IDM(), place(IDM(), Fleet.of(CAR).deck(road.cars), road), [0.0, 30.0, 60.0], EDGES, RNG)
    assert np.diff(every.counts[:, [0, -1]]).ravel() == pytest.approx(np.full(3, road.cars), rel=1e-13)
    assert every.densities.sum(axis=1) * 200 == pytest.approx(np.full(3, road.cars), rel=1e-13)
    kink = (np.sqrt(7 / 3) - 1) / (np.sqrt(7 / 3) + 1)  # a line across a jump of density by 7/3 between two cars
    assert every.counts[0] == pytest.approx(road.count(EDGES), abs=kink)
    assert every.vehicle_seconds == 60.0 * road.cars
    assert every.end.time == 60.0


def uniform(law: SafeDistance, cars: int) -> Cars:
    return law.prepare(
        Cars(20_000.0 / cars * np.arange(float(cars)), np.zeros(cars), Fleet.of(CAR).deck(cars), 20_000.0)
    )


@pytest.mark.parametrize("cars", [200, 800])
def test_in_uniform_flow_ten_kilometres_take_their_time(cars: int) -> None:
    """Free at 10 veh/km, (1/ρ - 7 m)/1.6 s at 40 veh/km."""
    every = drive(SafeDistance(), uniform(SafeDistance(), cars), np.linspace(0.0, 900.0, 10), EDGES, RNG)
    speed = min(CAR.desired_speed, (20_000.0 / cars - 7.0) / 1.6)
    expected = np.full(100, 10_000.0 / speed)
    assert travel_times(every.times, every.counts, EDGES, cells=50) == pytest.approx(expected, rel=1e-9)


def test_who_has_not_arrived_has_no_travel_time() -> None:
    every = drive(SafeDistance(), uniform(SafeDistance(), 200), [0.0, 60.0], EDGES, RNG)
    assert np.isnan(travel_times(every.times, every.counts, EDGES, cells=50)).all()
    with pytest.raises(ValueError, match="shape"):
        travel_times(every.times, every.counts[:, 1:], EDGES, cells=50)


def test_shuffles_differ_and_have_the_same_vehicles() -> None:
    fleet, edges = Fleet((CAR, TRUCK), (0.85, 0.15)), np.linspace(0.0, 20_000.0, 41)
    roads = drive_shuffles(IDM(), fleet, Profile(), [0.0, 120.0], edges, shuffles=3, seed=5)
    again = drive_shuffles(IDM(), fleet, Profile(), [0.0, 120.0], edges, shuffles=2, seed=5)
    kinds = {tuple(np.bincount(road.start.drivers.kind)) for road in roads}
    assert kinds == {(410, 72)}
    assert all((one.counts == other.counts).all() for one, other in zip(roads, again, strict=False))
    mean, spread = spread_of(roads)
    assert mean.sum() * 500 == pytest.approx(482, rel=1e-12)
    assert 0 < spread.max() < 0.02
    assert l1_difference(roads[0].densities[-1], roads[1].densities[-1], edges) > 0.005


def test_profiles_and_decks_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="denser than free flow"):
        Profile(free=0.04)
    with pytest.raises(ValueError, match="denser than free flow"):
        Profile(length=0.0)
    with pytest.raises(ValueError, match="a driver per car"):
        place(IDM(), Fleet.of(CAR).deck(3), Profile())
    with pytest.raises(ValueError, match="fit on the road"):
        place(IDM(), Fleet.of(CAR).deck(Profile(jam=5.0).cars), Profile(jam=5.0))
