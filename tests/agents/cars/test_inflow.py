import numpy as np
import pytest

from agents.cars import CAR, IDM, TRUCK, Fleet, Newell, OptimalVelocity, Road, SafeDistance, crossings, flow, waiting
from agents.cars.law import Law
from agents.cars.nagel_schreckenberg import NagelSchreckenberg

FLEET = Fleet((CAR, TRUCK), (0.8, 0.2))
EDGES = np.linspace(0.0, 2000.0, 5)
LAWS: list[Law] = [IDM(), SafeDistance(), Newell(), OptimalVelocity(2.0), NagelSchreckenberg(slowdown=0.2)]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("demand", [0.0, 0.2, 2.0])
def test_every_car_is_accounted_for(law: Law, demand: float) -> None:
    road, rng = Road(law, FLEET, EDGES, ring=False, demand=demand), np.random.default_rng(0)
    before = road.lift(np.full(4, 0.02), rng)
    cars = before
    for _ in range(20):
        cars = road.evolve(cars, 10.0, rng)
    assert len(cars) + cars.left == len(before) + cars.entered
    assert cars.entered + waiting(cars, demand) == int(200 * demand)
    assert crossings(before, cars, 0.0) == cars.entered
    assert crossings(before, cars, 2000.0) == cars.left
    assert cars.left > 0
    assert cars.time == pytest.approx(200.0)


@pytest.mark.parametrize("law", LAWS)
def test_free_flow_carries_the_demand(law: Law) -> None:
    road, rng = Road(law, Fleet.of(CAR), EDGES, ring=False, demand=0.25), np.random.default_rng(0)
    before = road.evolve(road.lift(np.zeros(4), rng), 600.0, rng)
    after = road.evolve(before, 400.0, rng)
    assert waiting(after, 0.25) <= 1
    assert after.entered - before.entered == pytest.approx(100, abs=1)
    assert crossings(before, after, 1000.0) == pytest.approx(100, abs=3)
    assert flow(before, after, 400.0) == pytest.approx(0.25, rel=0.03)


def test_a_demand_beyond_the_capacity_waits() -> None:
    road, rng = Road(IDM(), FLEET, EDGES, ring=False, demand=2.0), np.random.default_rng(0)
    cars = road.evolve(road.lift(np.zeros(4), rng), 600.0, rng)
    assert waiting(cars, 2.0) > 600
    assert 0.3 < cars.entered / 600.0 < 1742.784 / 3600  # below the capacity of cars alone


def test_entrants_come_in_the_shares_of_the_fleet() -> None:
    road, rng = Road(SafeDistance(), FLEET, [0.0, 20_000.0], ring=False, demand=0.2), np.random.default_rng(0)
    cars = road.evolve(road.lift(np.zeros(1), rng), 500.0, rng)
    assert cars.entered == 100
    assert np.bincount(cars.drivers.kind).tolist() == [80, 20]


def test_a_demand_that_is_none_is_refused() -> None:
    road = Road(IDM(), FLEET, EDGES, ring=False, demand=-1.0)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="demand"):
        road.evolve(road.lift(np.zeros(4), rng), 1.0, rng)
