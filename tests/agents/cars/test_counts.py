"""The road by its cumulative count, against what is exact in uniform flow and on smooth roads."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from agents.cars import CAR, IDM, Collision, NagelSchreckenberg, RoadOfCounts, SafeDistance, count_at, gaps
from agents.cars.law import Law

RNG = np.random.default_rng(0)
LENGTH, CARS, CELLS = 4000.0, 120, 40
EDGES = np.linspace(0.0, LENGTH, CELLS + 1)
LAWS: list[Law] = [IDM(), SafeDistance()]


def uniform(phase: float) -> NDArray[np.float64]:
    return phase + CARS / LENGTH * EDGES[:-1]


def waves(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral of a density of 30 (1 + sin(x')/2)/km, exactly."""
    angle = 2 * np.pi * places / LENGTH
    return CARS * (places / LENGTH + (1 - np.cos(angle)) / (4 * np.pi))


@pytest.mark.parametrize("phase", [0.0, -0.25, 0.9, 2.5, -1000.3, 777.0])
def test_car_k_is_where_the_count_is_k_on_whatever_lap(phase: float) -> None:
    cars = RoadOfCounts(SafeDistance(), CAR, CARS, EDGES).lift(uniform(phase), RNG)
    assert cars.position == pytest.approx((np.arange(CARS) - phase) * LENGTH / CARS, abs=1e-8)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("phase", [0.0, 0.4, 77.7])
def test_in_uniform_flow_the_count_falls_by_the_flow_at_every_face(law: Law, phase: float) -> None:
    road = RoadOfCounts(law, CAR, CARS, EDGES)
    before = road.lift(uniform(phase), RNG)
    speed = law.steady_speed(np.array([LENGTH / CARS - CAR.length]), before.drivers.take(slice(1)))[0]
    after = road.restrict(road.evolve(before, 60.0, RNG))
    assert after == pytest.approx(uniform(phase) - CARS / LENGTH * speed * 60.0, abs=1e-9)


def test_cars_are_where_the_exact_count_is_whole_to_third_order_in_the_cells() -> None:
    """A spline is of fourth order; the expected positions solve the exact count."""
    errors = []
    grid = np.linspace(0.0, LENGTH, 1_000_001)
    exact = np.interp(np.arange(CARS), waves(grid), grid)
    for cells in (10, 20, 40):
        edges = np.linspace(0.0, LENGTH, cells + 1)
        cars = RoadOfCounts(SafeDistance(), CAR, CARS, edges).lift(waves(edges[:-1]), RNG)
        errors.append(np.abs(cars.position - exact).max())
    assert errors[-1] < 0.05
    assert np.polyfit(np.log([10, 20, 40]), np.log(errors), 1)[0] < -3


def test_restrict_after_lift_is_identity_to_a_thousandth_of_a_car_on_a_smooth_road() -> None:
    road = RoadOfCounts(IDM(), CAR, CARS, EDGES)
    assert road.restrict(road.lift(waves(EDGES[:-1]), RNG)) == pytest.approx(waves(EDGES[:-1]), abs=1e-3)


def test_a_linear_count_is_a_tenth_as_good() -> None:
    road = RoadOfCounts(IDM(), CAR, CARS, EDGES)
    cars = road.lift(waves(EDGES[:-1]), RNG)
    cubic, linear = road.restrict(cars), count_at(cars, EDGES[:-1])
    assert np.abs(linear - cubic).max() < 0.05  # ρ' h²/8 at most, h the headway
    assert np.abs(cubic - waves(EDGES[:-1])).max() < 0.1 * np.abs(linear - waves(EDGES[:-1])).max()


def test_no_two_cars_overlap_where_the_density_jumps_to_nearly_bumper_to_bumper() -> None:
    density = np.where(np.arange(CELLS) % 10 < 5, 0.002, 0.195)
    inside = density * 100.0
    count = np.concatenate(([0.37], 0.37 + np.cumsum(inside)))
    road = RoadOfCounts(SafeDistance(), CAR, round(inside.sum()), EDGES)
    assert gaps(road.lift(count[:-1], RNG)).min() >= 0


@pytest.mark.parametrize("law", LAWS)
def test_cars_are_neither_lost_nor_made(law: Law) -> None:
    road = RoadOfCounts(law, CAR, CARS, EDGES)
    later = road.restrict(road.evolve(road.lift(waves(EDGES[:-1]), RNG), 300.0, RNG))
    assert road.densities(later).sum() * LENGTH / CELLS == pytest.approx(CARS, rel=1e-14)
    assert road.densities(np.array([later, later])).shape == (2, CELLS)
    assert len(road.lift(later, RNG)) == CARS


def test_a_batch_is_the_loop_bit_for_bit() -> None:
    road, times = RoadOfCounts(IDM(), CAR, CARS, EDGES), np.array([0.0, 0.8, 1.2])
    streams = [(SeedSequence(r), SeedSequence(r + 7)) for r in range(2)]
    macros = np.array([waves(EDGES[:-1]), uniform(-3.3)])
    for macro, path in zip(macros, road.burst_batch(macros, times, streams), strict=True):
        micro = road.lift(macro, Generator(PCG64(0)))
        for duration, reading in zip(np.diff(times, prepend=0.0), path, strict=True):
            micro = road.evolve(micro, float(duration), RNG)
            assert (road.restrict(micro) == reading).all()


def test_the_linear_count_is_that_of_the_cars_on_every_lap() -> None:
    cars = RoadOfCounts(SafeDistance(), CAR, CARS, EDGES).lift(waves(EDGES[:-1]), RNG)
    assert count_at(cars, cars.position) == pytest.approx(np.arange(CARS), abs=1e-9)
    assert count_at(cars, cars.position - 2 * LENGTH) == pytest.approx(np.arange(CARS) - 2 * CARS, abs=1e-9)
    assert count_at(cars, LENGTH) - count_at(cars, 0.0) == pytest.approx(CARS, rel=1e-14)


def test_counts_that_no_cars_have_are_a_collision_and_say_where() -> None:
    road = RoadOfCounts(IDM(), CAR, CARS, EDGES)
    falling, dense = uniform(0.0), uniform(0.0)
    falling[7] = falling[6] - 0.1
    dense[7:] += 18.0
    for count in (falling, dense):
        with pytest.raises(Collision, match="from 600 m to 700 m"):
            road.lift(count, RNG)


def test_models_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="edges"):
        RoadOfCounts(IDM(), CAR, 10, [0.0, 100.0])
    with pytest.raises(ValueError, match="edges"):
        RoadOfCounts(IDM(), CAR, 10, [0.0, 100.0, 50.0])
    with pytest.raises(ValueError, match="fit on the ring"):
        RoadOfCounts(IDM(), CAR, 40, [0.0, 100.0, 200.0])
    with pytest.raises(ValueError, match="fit on the ring"):
        RoadOfCounts(IDM(), CAR, 1, [0.0, 100.0, 200.0])
    with pytest.raises(ValueError, match="continuous road"):
        RoadOfCounts(NagelSchreckenberg(), CAR, 10, [0.0, 100.0, 200.0])
    with pytest.raises(ValueError, match="one count per cell"):
        RoadOfCounts(IDM(), CAR, 10, [0.0, 100.0, 200.0]).lift(np.zeros(3), RNG)
