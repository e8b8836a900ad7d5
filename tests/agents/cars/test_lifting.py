import numpy as np
import pytest
from numpy.typing import NDArray

from agents.cars import (
    BRISK,
    CAR,
    CAUTIOUS,
    IDM,
    TRUCK,
    Cars,
    Fleet,
    Newell,
    OptimalVelocity,
    SafeDistance,
    Vehicle,
    density_profile,
    equilibrium_gaps,
    equilibrium_speed,
    gaps,
    place_at_density,
    place_on_profile,
    speed_profile,
)
from agents.cars.lifting import cumulative_count, limit_speeds

MIXED = Fleet((CAR, TRUCK, BRISK, CAUTIOUS), (0.4, 0.2, 0.2, 0.2))


def random_profile(seed: int, fullest: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cells of random widths, densities up to ``fullest``, some of them empty."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(1, 20)
    edges = np.concatenate(([0.0], np.cumsum(rng.uniform(20.0, 400.0, cells))))
    return edges, rng.uniform(0, fullest, cells) * (rng.random(cells) < 0.8)


def count_error(cars: Cars, edges: NDArray[np.float64], density: NDArray[np.float64]) -> float:
    """The largest difference between the number of cars up to x and the integral of the density, over all x.

    The difference is piecewise linear in x: it is largest just before or at a car, or at an edge.
    """
    expected = cumulative_count(density, edges)
    at_cars = np.interp(cars.position, edges, expected)
    number = np.arange(len(cars))
    at_edges = np.searchsorted(cars.position, edges, side="right") - expected
    return float(np.abs(np.concatenate((number - at_cars, number + 1 - at_cars, at_edges))).max())


@pytest.mark.parametrize("ring", [True, False])
@pytest.mark.parametrize("seed", range(100))
def test_equal_cars_are_counted_right_to_half_a_car_up_to_one_per_length(seed: int, ring: bool) -> None:
    """Where the number is rounded up, the seam of a ring may lack that part of a car, and each side gives half."""
    edges, density = random_profile(seed, 1 / CAR.length)
    cars = place_on_profile(IDM(), Fleet.of(CAR), density, edges, np.random.default_rng(seed), ring=ring)
    rounded_up = len(cars) - float(density @ np.diff(edges))
    assert abs(rounded_up) <= 0.5 + 1e-9
    assert count_error(cars, edges, density) <= 0.5 + (max(0.0, rounded_up) / 2 if ring else 0.0) + 1e-9
    assert gaps(cars).min(initial=np.inf) >= -1e-9
    assert (cars.speed >= 0).all()


def least_largest_displacement(wanted: NDArray[np.float64], cars: Cars) -> float:
    """Half of what is lacking between the two cars, on any lap, or all of what is lacking to an end of the road."""
    n, long = len(wanted), cars.drivers.length
    if cars.ring:
        place, room = np.concatenate((wanted, wanted + cars.length)), np.concatenate((long, long))
    else:
        place, room = wanted, np.concatenate(([0.0], long[1:]))
    taken = np.cumsum(room)
    lacking = (taken - taken[:, None]) - (place - place[:, None])  # from car (row) to car (column)
    between = np.triu(lacking, 1)[:n].max(initial=0.0) / 2
    if cars.ring:
        return float(between)
    before, behind = taken - wanted, taken[-1] - taken - (cars.length - wanted)
    return float(max(between, before.max(initial=0.0), behind.max(initial=0.0)))


@pytest.mark.parametrize("ring", [True, False])
@pytest.mark.parametrize("fleet", [Fleet.of(CAR), MIXED])
@pytest.mark.parametrize("seed", range(100))
def test_the_count_is_right_to_half_a_car_or_nobody_can_place_these_cars_so(
    seed: int, fleet: Fleet, ring: bool
) -> None:
    """Within half a car of the count is one place for every car: who overlaps there moves as little as possible."""
    edges, density = random_profile(seed, 0.1)
    cars = place_on_profile(IDM(), fleet, density, edges, np.random.default_rng(seed), ring=ring)
    wanted = np.interp(np.arange(len(cars)) + 0.5, cumulative_count(density, edges), edges)
    moved = np.abs(cars.position - wanted).max(initial=0.0)
    assert moved == pytest.approx(least_largest_displacement(wanted, cars), abs=1e-9)
    assert moved > 1e-9 or count_error(cars, edges, density) <= 0.5 + 1e-9


@pytest.mark.parametrize("seed", range(100))
def test_a_mixed_fleet_fits_wherever_there_is_room_on_the_whole_road(seed: int) -> None:
    """Up to one car per shortest vehicle locally: trucks push their neighbours, the number stays exact."""
    edges, density = random_profile(seed, 1 / CAR.length)
    total = float(density @ np.diff(edges))
    try:
        cars = place_on_profile(IDM(), MIXED, density, edges, np.random.default_rng(seed))
    except ValueError:
        assert MIXED.deck(round(total)).length.sum() > 0.98 * edges[-1]
        return
    assert abs(len(cars) - total) <= 0.5
    assert gaps(cars).min(initial=np.inf) >= -1e-9


def test_a_whole_number_of_cars_comes_back_cell_by_cell() -> None:
    edges = np.array([0.0, 100.0, 250.0, 700.0])
    density = np.array([0.05, 0.02, 0.04])
    cars = place_on_profile(IDM(), Fleet.of(CAR), density, edges, np.random.default_rng(0))
    assert density_profile(cars, edges) == pytest.approx(density, rel=1e-12)


def test_more_cars_than_fit_are_refused_with_numbers() -> None:
    with pytest.raises(ValueError, match="210 cars need 1050 m, the road has 1000 m"):
        place_on_profile(IDM(), Fleet.of(CAR), [0.21], [0.0, 1000.0], np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"10 vehicles are 50 m long, the ring has 47.* m"):
        place_at_density(IDM(), Fleet.of(CAR), 10, 0.21, np.random.default_rng(0))


@pytest.mark.parametrize("density", [[-0.01, 0.02], [np.nan, 0.02], [0.02], [0.01, 0.02, 0.03]])
def test_profiles_that_are_none_are_refused(density: list[float]) -> None:
    with pytest.raises(ValueError, match=r"[Dd]ensit"):
        place_on_profile(IDM(), Fleet.of(CAR), density, [0.0, 500.0, 1000.0], np.random.default_rng(0))


@pytest.mark.parametrize("law", [IDM(), SafeDistance(), Newell(), OptimalVelocity(2.0)])
def test_speeds_lie_on_the_slow_manifold(law: IDM | SafeDistance | Newell | OptimalVelocity) -> None:
    cars = place_on_profile(law, Fleet.of(CAR), [0.03], [0.0, 1000.0], np.random.default_rng(0))
    assert cars.speed == pytest.approx(law.steady_speed(gaps(cars), cars.drivers), rel=1e-12)


def test_cars_bumper_to_bumper_without_a_minimum_gap_stand() -> None:
    fleet = Fleet.of(Vehicle(minimum_gap=0.0))
    cars = place_on_profile(IDM(), fleet, [0.2], [0.0, 100.0], np.random.default_rng(0))
    assert gaps(cars) == pytest.approx(np.zeros(20), abs=1e-9)
    assert cars.speed == pytest.approx(np.zeros(20), abs=1e-6)
    assert IDM().steady_speed(np.zeros(20), cars.drivers).tolist() == [0.0] * 20


def test_a_given_speed_profile_comes_back() -> None:
    edges = [0.0, 500.0, 1000.0]
    cars = place_on_profile(IDM(), Fleet.of(CAR), [0.02, 0.02], edges, np.random.default_rng(0), speed=[12.0, 11.0])
    assert speed_profile(cars, edges) == pytest.approx([12.0, 11.0])
    with pytest.raises(ValueError, match="speed"):
        place_on_profile(IDM(), Fleet.of(CAR), [0.02, 0.02], edges, np.random.default_rng(0), speed=[12.0])


def test_speeds_are_those_from_which_all_can_brake() -> None:
    """Checked pair by pair against v² <= v_leader² + 2 b gap, round the ring."""
    cars = place_on_profile(IDM(), Fleet.of(CAR), [0.005, 0.18], [0.0, 1000.0, 1200.0], np.random.default_rng(0))
    wanted = IDM().steady_speed(gaps(cars), cars.drivers)
    allowed = np.roll(cars.speed, -1) ** 2 + 2 * CAR.deceleration * gaps(cars)
    assert (cars.speed**2 <= allowed + 1e-9).all()
    held_back = cars.speed < wanted - 1e-9
    assert held_back.any()
    assert cars.speed[held_back] ** 2 == pytest.approx(allowed[held_back], rel=1e-9)
    assert limit_speeds(np.zeros(len(cars)), cars).tolist() == [0.0] * len(cars)


@pytest.mark.parametrize("law", [IDM(), SafeDistance(), Newell(), OptimalVelocity(2.0)])
@pytest.mark.parametrize("density", [0.005, 0.03, 0.08, 0.13])
def test_the_equilibrium_fills_the_ring_and_all_drive_at_one_speed(
    law: IDM | SafeDistance | Newell | OptimalVelocity, density: float
) -> None:
    drivers = MIXED.deck(20)
    length = 20 / density
    speed = equilibrium_speed(law, drivers, length)
    ahead = equilibrium_gaps(law, drivers, length, speed)
    assert (ahead + drivers.length).sum() == pytest.approx(length, rel=1e-12)
    below_free = ahead < law.steady_gap(speed, drivers) * (1 + 1e-9)
    assert law.steady_speed(ahead, drivers)[below_free] == pytest.approx(np.full(below_free.sum(), speed), abs=1e-9)
    assert (law.steady_speed(ahead, drivers) >= speed - 1e-9).all()


def test_all_stand_where_the_minimum_gaps_do_not_fit() -> None:
    drivers = Fleet.of(CAR).deck(10)
    assert equilibrium_speed(IDM(), drivers, 65.0) == 0.0
    assert equilibrium_gaps(IDM(), drivers, 65.0, 0.0) == pytest.approx(np.full(10, 1.5))


def test_displaced_cars_keep_their_number_their_room_and_their_density() -> None:
    cars = place_at_density(IDM(), MIXED, 20, 0.09, np.random.default_rng(0), displacement=0.99)
    assert (gaps(cars) > 0).all()
    assert len(cars) / cars.length == pytest.approx(0.09, rel=1e-15)
    with pytest.raises(ValueError, match="displacement"):
        place_at_density(IDM(), MIXED, 20, 0.09, np.random.default_rng(0), displacement=1.0)


@pytest.mark.parametrize("density", [0.0, -0.1, np.nan, np.inf])
def test_a_density_without_a_ring_is_refused(density: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        place_at_density(IDM(), MIXED, 20, density, np.random.default_rng(0))
