from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from agents.cars import (
    CAR,
    IDM,
    Cars,
    Drivers,
    Fleet,
    RingAtDensity,
    Road,
    crossings,
    density_profile,
    edie,
    flow,
    headway_deviation,
    headways,
    mean_headway,
    speed_profile,
    wave_speed,
)

EDGES = np.array([0.0, 150.0, 200.0, 640.0, 1000.0])


def driven_ring() -> tuple[Cars, Cars]:
    ring, rng = RingAtDensity(IDM(), Fleet.of(CAR), 30, displacement=0.5), np.random.default_rng(0)
    before = ring.lift(np.array([0.03]), rng)
    return before, ring.evolve(before, 100.0, rng)


def test_crossings_are_those_of_a_loop_that_counts_in_small_steps() -> None:
    before, after = driven_ring()
    rng = np.random.default_rng(0)
    for at in (0.0, 333.0, 999.0):
        counted, cars = 0, before
        for _ in range(200):
            later = IDM().advance(cars, 0.5, rng)
            place, moved = np.mod(cars.position - at, 1000.0), later.position - cars.position
            counted += int((place + moved >= 1000.0).sum())
            cars = later
        assert crossings(before, after, at) == counted
        assert crossings(before, after, at) / 100.0 == pytest.approx(flow(before, after, 100.0), rel=0.05)


def test_many_laps_are_counted() -> None:
    before = Cars(np.array([10.0, 60.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), 100.0)
    after = replace(before, position=np.array([730.0, 780.0]))
    assert crossings(before, after, 50.0) == 7 + 7
    assert crossings(before, after, 20.0) == 8 + 7


def test_the_cells_of_edie_add_up_to_the_whole_road() -> None:
    before, after = driven_ring()
    cells = edie(before, after, 100.0, EDGES)
    width = np.diff(EDGES)
    assert cells.flow @ width == pytest.approx(flow(before, after, 100.0) * 1000.0, rel=1e-12)
    assert cells.density @ width == pytest.approx(30.0, rel=1e-12)
    assert cells.speed == pytest.approx(cells.flow / cells.density, rel=1e-12)


def test_edie_counts_who_stands_and_says_nothing_where_nobody_is() -> None:
    cars = Cars(np.array([10.0, 160.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), 1000.0)
    cells = edie(cars, cars, 10.0, EDGES)
    assert cells.density == pytest.approx([1 / 150, 1 / 50, 0.0, 0.0])
    assert cells.flow.tolist() == [0.0] * 4
    assert cells.speed[:2].tolist() == [0.0, 0.0]
    assert np.isnan(cells.speed[2:]).all()


def test_edie_on_an_open_road_measures_the_demand() -> None:
    road, rng = Road(IDM(), Fleet.of(CAR), EDGES, ring=False, demand=0.25), np.random.default_rng(0)
    before = road.evolve(road.lift(np.zeros(4), rng), 400.0, rng)
    snapshots = [before]
    for _ in range(400):
        snapshots.append(road.evolve(snapshots[-1], 1.0, rng))
    flows = np.mean([edie(one, other, 1.0, EDGES).flow for one, other in pairwise(snapshots)], axis=0)
    assert flows == pytest.approx(np.full(4, 0.25), rel=0.02)


def test_a_car_at_the_end_of_a_ring_is_at_its_beginning() -> None:
    cars = Cars(np.array([-1e-14, 100.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), 100.0)
    assert density_profile(cars, [0.0, 50.0, 100.0]).sum() == pytest.approx(2 / 50)


@pytest.mark.parametrize("ring", [True, False])
def test_cars_outside_the_cells_do_not_count(ring: bool) -> None:
    drivers = Drivers.of([CAR], [0] * 4)
    cars = Cars(np.array([10.0, 50.0, 60.0, 90.0]), np.array([1.0, 2.0, 3.0, 4.0]), drivers, 100.0, ring)
    assert density_profile(cars, [0.0, 50.0]).tolist() == [1 / 50]
    assert density_profile(cars, [20.0, 50.0, 80.0]).tolist() == [0.0, 2 / 30]
    assert speed_profile(cars, [50.0, 80.0]).tolist() == [2.5]
    assert np.isnan(speed_profile(cars, [20.0, 40.0])).all()


def test_a_car_at_the_end_of_an_open_road_is_in_its_last_cell() -> None:
    cars = Cars(np.array([30.0, 100.0]), np.array([5.0, 0.0]), Drivers.of([CAR], [0, 0]), 100.0, ring=False)
    assert density_profile(cars, [0.0, 50.0, 100.0]).tolist() == [1 / 50, 1 / 50]
    assert edie(cars, cars, 10.0, [0.0, 50.0, 100.0]).density.tolist() == [1 / 50, 1 / 50]


def test_profiles_are_counts_and_means() -> None:
    """NumPy's histogram is the independent program."""
    _, cars = driven_ring()
    place = np.mod(cars.position, 1000.0)
    count = np.histogram(place, EDGES)[0]
    assert density_profile(cars, EDGES) == pytest.approx(count / np.diff(EDGES))
    assert speed_profile(cars, EDGES) == pytest.approx(np.histogram(place, EDGES, weights=cars.speed)[0] / count)


def test_headways_of_an_open_road_leave_out_the_first_car() -> None:
    cars = Cars(np.array([0.0, 10.0, 40.0]), np.zeros(3), Drivers.of([CAR], [0, 0, 0]), 1000.0, ring=False)
    assert mean_headway(cars) == 20.0
    assert headway_deviation(cars) == 10.0
    assert headways(cars)[-1] == np.inf


def test_uniform_flow_has_no_wave() -> None:
    ring, rng = RingAtDensity(IDM(), Fleet.of(CAR), 8), np.random.default_rng(0)
    snapshots = [ring.lift(np.array([0.03]), rng)]
    for _ in range(3):
        snapshots.append(ring.evolve(snapshots[-1], 1.0, rng))
    assert np.isnan(wave_speed(snapshots))
    with pytest.raises(ValueError, match="3 snapshots"):
        wave_speed(snapshots[:2])
