"""Values: exact for v_max = 1 on a finite ring (references, tasep_parallel_vmax1), else an independent program."""

from math import comb

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.cars import CAR, TRUCK, Fleet, NagelSchreckenberg, RingAtDensity, flow, gaps

CELL = 7.5


def exact_flow(cells: int, cars: int, hop: float) -> float:
    """q <k>/L with the weights W_k = (L/k) C(N-1, k-1) C(L-N-1, k-1) (1-q)^-k of k clusters."""
    numbers = range(1, min(cars, cells - cars) + 1)
    weights = [cells / k * comb(cars - 1, k - 1) * comb(cells - cars - 1, k - 1) * (1 - hop) ** -k for k in numbers]
    return hop * sum(k * weight for k, weight in zip(numbers, weights, strict=True)) / sum(weights) / cells


def flows(
    law: NagelSchreckenberg, cars: int, cells: int, healing: float, duration: float, replicas: int
) -> NDArray[np.float64]:
    ring = RingAtDensity(law, Fleet.of(CAR), cars, displacement=0.9)
    measured = []
    for seed in range(replicas):
        rng = np.random.default_rng(seed)
        before = ring.evolve(ring.lift(np.array([cars / cells / CELL]), rng), healing, rng)
        measured.append(flow(before, ring.evolve(before, duration, rng), duration))
    return np.array(measured)


def test_the_exact_flow_is_that_of_the_reference() -> None:
    assert exact_flow(100, 50, 0.5) == pytest.approx(0.14770776879878042, rel=1e-12)
    assert exact_flow(8, 3, 0.75) == pytest.approx(0.24681122448979592, rel=1e-12)


@pytest.mark.parametrize(("cars", "hop"), [(50, 0.5), (10, 0.5), (70, 0.75), (30, 0.9)])
def test_v_max_1_flows_as_the_finite_ring_does(cars: int, hop: float) -> None:
    law = NagelSchreckenberg(v_max=1, slowdown=1 - hop)
    measured = flows(law, cars, 100, healing=500.0, duration=6000.0, replicas=40)
    error = measured.std(ddof=1) / np.sqrt(40)
    assert abs(measured.mean() - exact_flow(100, cars, hop)) < 4 * error
    assert error < 2e-4


@pytest.mark.parametrize(
    ("v_max", "slowdown", "density", "expected", "its_error"),
    [(5, 0.5, 0.05, 0.2240064, 3.9e-5), (5, 0.25, 0.2, 0.4790022, 4.5e-4), (2, 0.25, 0.3, 0.3811552, 2e-4)],
)
def test_any_v_max_flows_as_the_independent_program_says(
    v_max: int, slowdown: float, density: float, expected: float, its_error: float
) -> None:
    law = NagelSchreckenberg(v_max=v_max, slowdown=slowdown)
    measured = flows(law, round(2000 * density), 2000, healing=2000.0, duration=1000.0, replicas=32)
    error = np.hypot(measured.std(ddof=1) / np.sqrt(32), its_error)
    assert abs(measured.mean() - expected) < 4 * error


def test_without_dawdling_the_flow_is_the_smaller_of_two_lines() -> None:
    """Nagel & Schreckenberg 1992: min(ρ v_max, 1 - ρ) for slowdown 0."""
    law = NagelSchreckenberg(v_max=5, slowdown=0.0)
    for cars in (10, 30, 60):
        measured = flows(law, cars, 120, healing=500.0, duration=120.0, replicas=1)[0]
        assert measured == pytest.approx(min(cars / 120 * 5, 1 - cars / 120), rel=1e-12)


def test_cars_stay_in_cells_and_trucks_take_two() -> None:
    fleet = Fleet((CAR, TRUCK), (0.5, 0.5))
    law = NagelSchreckenberg()
    ring = RingAtDensity(law, fleet, cars=40, displacement=0.5)
    rng = np.random.default_rng(0)
    cars = ring.lift(np.array([0.06]), rng)
    assert law.vehicle_cells(fleet.deck(2)).tolist() == [1, 2]
    assert law.largest_speeds(fleet.deck(2)).tolist() == [5, 3]
    for _ in range(50):
        cars = ring.evolve(cars, 1.0, rng)
        assert (cars.position / CELL == np.rint(cars.position / CELL)).all()
        leader_room = np.roll(law.vehicle_cells(cars.drivers) * CELL - cars.drivers.length, -1)
        assert (gaps(cars) >= leader_room - 1e-9).all()


def test_options_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="v_max"):
        NagelSchreckenberg(v_max=0)
    with pytest.raises(ValueError, match="slowdown"):
        NagelSchreckenberg(slowdown=1.5)
    with pytest.raises(ValueError, match="cell"):
        NagelSchreckenberg(cell=0.0)


def test_more_vehicles_than_cells_are_refused() -> None:
    with pytest.raises(ValueError, match=r"10 vehicles take up 10 cells of 7\.5 m, the road has 7"):
        RingAtDensity(NagelSchreckenberg(), Fleet.of(CAR), 10).lift(np.array([0.19]), np.random.default_rng(0))
