from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from agents.cars import BRISK, CAR, TRUCK, DistributedFleet, Drivers, Fleet, Vehicle


@pytest.mark.parametrize(
    ("name", "value"), [("length", -1.0), ("time_headway", 0.0), ("desired_speed", np.inf), ("deceleration", np.nan)]
)
def test_a_vehicle_refuses_what_no_vehicle_has(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        replace(CAR, **{name: value})


def test_vehicles_may_be_points_without_minimum_gap() -> None:
    assert Vehicle(length=0.0, minimum_gap=0.0).length == 0.0


@pytest.mark.parametrize("count", [0, 1, 7, 10, 33, 1000])
def test_shares_of_a_deck_are_exact_to_less_than_one_vehicle(count: int) -> None:
    fleet = Fleet((CAR, TRUCK, BRISK), (0.62, 0.07, 0.31))
    kinds = fleet.deal(count, np.random.default_rng(3)).kind
    numbers = np.bincount(kinds, minlength=3)
    assert numbers.sum() == count
    assert (np.abs(numbers - count * np.array(fleet.shares)) < 1).all()


def test_the_order_of_a_deck_is_random_and_its_content_is_not() -> None:
    fleet = Fleet((CAR, TRUCK), (0.5, 0.5))
    one, other = (fleet.deal(40, np.random.default_rng(seed)) for seed in (1, 2))
    assert (one.length != other.length).any()
    assert (np.sort(one.length) == np.sort(other.length)).all()


def test_a_uniform_fleet_leaves_the_random_numbers_alone() -> None:
    rng = np.random.default_rng(0)
    Fleet.of(CAR).deal(10, rng)
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("shares", [(0.5, 0.6), (1.5, -0.5), (1.0,)])
def test_a_fleet_refuses_shares_that_are_none(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="shares"):
        Fleet((CAR, TRUCK), shares)


def test_a_distributed_fleet_has_the_mean_of_its_distribution() -> None:
    fleet = DistributedFleet(CAR, time_headway=stats.uniform(1.0, 1.0), length=stats.uniform(4.0, 2.0))
    drivers = fleet.deal(50, np.random.default_rng(0))
    assert drivers.time_headway.mean() == pytest.approx(1.5, abs=1e-12)
    assert drivers.length.mean() == pytest.approx(5.0, abs=1e-12)
    assert (np.argsort(drivers.length) != np.argsort(drivers.time_headway)).any()
    assert fleet.shortest == 4.0


def test_a_distributed_fleet_refuses_what_no_vehicle_has() -> None:
    with pytest.raises(ValueError, match="colour"):
        DistributedFleet(CAR, colour=stats.uniform())
    with pytest.raises(ValueError, match="time_headway"):
        DistributedFleet(CAR, time_headway=stats.norm(0.0, 1.0)).deck(10)


def test_drivers_are_taken_and_joined_in_order() -> None:
    drivers = Drivers.of([CAR, TRUCK], [0, 1])
    joined = Drivers.join([drivers.take(np.array([1])), drivers])
    assert joined.kind.tolist() == [1, 0, 1]
    assert len(joined) == 3
