"""What every micro-model of cars keeps, whatever the law."""

from typing import Any

import numpy as np
import pytest
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from agents.cars import (
    CAR,
    IDM,
    TRUCK,
    Cars,
    Collision,
    Drivers,
    Fleet,
    FollowTheLeader,
    NagelSchreckenberg,
    Newell,
    OptimalVelocity,
    RingAtDensity,
    RingOfHeadways,
    RingOfSpread,
    Road,
    SafeDistance,
)
from agents.cars.law import Law
from agents.cars.optimal_velocity import tanh_velocity

LAWS: list[Law] = [
    IDM(),
    SafeDistance(),
    Newell(),
    OptimalVelocity(sensitivity=2.0),
    OptimalVelocity(sensitivity=2.0, noise=0.2),
    FollowTheLeader(),
    NagelSchreckenberg(),
]
BY_FORMULA = OptimalVelocity(velocity=tanh_velocity)
FLEET = Fleet((CAR, TRUCK), (0.8, 0.2))
EDGES = np.linspace(0.0, 1500.0, 6)
PROFILE = np.array([0.01, 0.05, 0.02, 0.01, 0.04])


def models_of(law: Law) -> dict[str, tuple[Any, NDArray[np.float64]]]:
    headways = np.array([30.0, 37.5, 45.0, 52.5, 60.0])
    return {
        "ring at density": (RingAtDensity(law, FLEET, cars=15, displacement=0.3), np.array([0.03])),
        "ring of headways": (RingOfHeadways(law, CAR, cars=5, length=225.0), headways),
        "ring of spread": (RingOfSpread(law, CAR, reference=headways, length=225.0), np.array([9.0])),
        "ring road": (Road(law, FLEET, EDGES), PROFILE),
        "open road": (Road(law, FLEET, EDGES, ring=False, demand=0.3), PROFILE),
    }


CASES = [
    pytest.param(model, macro, id=f"{type(law).__name__}, {name}" + ("" if law.deterministic else ", noisy"))
    for law in LAWS
    for name, (model, macro) in models_of(law).items()
]


def streams(replica: int) -> tuple[SeedSequence, SeedSequence]:
    return SeedSequence(7, spawn_key=(replica, 0)), SeedSequence(7, spawn_key=(replica, 1))


@pytest.mark.parametrize(("model", "macro"), CASES)
def test_a_batch_is_the_loop_bit_for_bit(model: Any, macro: NDArray[np.float64]) -> None:
    times = np.array([1.0, 7.0, 20.0])
    looped = []
    for replica in range(3):
        own = streams(replica)
        micro = model.lift(macro, Generator(PCG64(own[0])))
        rng = Generator(PCG64(own[1]))
        readings = []
        for duration in np.diff(times, prepend=0.0):
            micro = model.evolve(micro, duration, rng)
            readings.append(model.restrict(micro))
        looped.append(readings)
    batch = model.burst_batch(np.array([macro] * 3), times, [streams(replica) for replica in range(3)])
    assert batch.shape == (3, 3, *macro.shape)
    assert (batch == np.array(looped)).all()


@pytest.mark.parametrize(("model", "macro"), CASES)
def test_packed_cars_drive_on_as_if_nothing_had_happened(model: Any, macro: NDArray[np.float64]) -> None:
    rng = np.random.default_rng(1)
    micro = model.evolve(model.lift(macro, rng), 10.0, rng)
    through, direct = (
        model.evolve(cars, 10.0, np.random.default_rng(2)) for cars in (model.unpack(model.pack(micro)), micro)
    )
    one, other = model.pack(through), model.pack(direct)
    assert one.keys() == other.keys()
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize(("model", "macro"), CASES)
def test_deterministic_models_ignore_the_random_numbers(model: Any, macro: NDArray[np.float64]) -> None:
    one, other = (
        model.evolve(model.lift(macro, np.random.default_rng(seed)), 20.0, np.random.default_rng(seed))
        for seed in (1, 2)
    )
    same = len(one) == len(other) and (one.position == other.position).all()
    assert same or not model.deterministic


@pytest.mark.parametrize(("model", "macro"), CASES)
def test_a_macro_state_lies_in_the_fields_and_comes_back(model: Any, macro: NDArray[np.float64]) -> None:
    low, high = model.fields[0]["bounds"]
    assert ((macro >= low) & (macro <= high)).all()
    back = model.restrict(model.lift(macro, np.random.default_rng(0)))
    assert back.shape == macro.shape
    cell = model.law.cell or 0.0  # a ring's length is rounded to whole cells, and so is a headway
    error = {"RingAtDensity": 0.03**2 * cell / 2 / 15, "RingOfHeadways": cell, "RingOfSpread": cell, "Road": 2 / 300.0}
    assert back == pytest.approx(macro, rel=1e-9, abs=error[type(model).__name__])


@pytest.mark.parametrize("law", LAWS)
def test_the_number_of_cars_is_conserved(law: Law) -> None:
    road, rng = Road(law, FLEET, EDGES), np.random.default_rng(0)
    micro = road.evolve(road.lift(PROFILE, rng), 60.0, rng)
    assert road.conserved(road.restrict(micro)) == road.conserved(PROFILE) == len(micro) == 39


@pytest.mark.parametrize("law", [*LAWS, BY_FORMULA])
def test_cars_that_overlap_at_the_start_are_a_collision_even_if_they_drive_apart(law: Law) -> None:
    cars = Cars(np.array([0.0, 3.75]), np.array([0.0, 30.0]), Drivers.of([CAR], [0, 0]), 750.0)
    with pytest.raises(Collision, match=r"At t = 0 s car 0 .* overlaps car 1"):
        Road(law, Fleet.of(CAR), [0.0, 750.0]).evolve(cars, 10.0, np.random.default_rng(0))


@pytest.mark.parametrize("law", LAWS)
def test_updates_are_counted_as_cars_times_steps(law: Law) -> None:
    model = RingAtDensity(law, FLEET, cars=10)
    expected = {IDM: 100, SafeDistance: 50, Newell: 200, OptimalVelocity: 320, FollowTheLeader: 800}
    assert model.agent_updates(np.array([0.03]), 20.0) == 10 * expected.get(type(law), 20)


@pytest.mark.parametrize("law", LAWS)
def test_time_steps_are_those_of_the_law_and_warming_up_works(law: Law) -> None:
    model = RingAtDensity(law, FLEET, cars=10)
    assert model.time_step == {Newell: 0.1, NagelSchreckenberg: 1.0}.get(type(law))
    model.warm()


def test_only_uniform_fleets_without_displacement_are_deterministic() -> None:
    assert RingAtDensity(IDM(), Fleet.of(CAR), 5).deterministic
    assert not RingAtDensity(IDM(), Fleet.of(CAR), 5, displacement=0.1).deterministic
    assert not RingAtDensity(IDM(), FLEET, 5).deterministic
    assert not Road(NagelSchreckenberg(), Fleet.of(CAR), EDGES).deterministic


def test_models_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="edges"):
        Road(IDM(), FLEET, [0.0, 100.0, 50.0])
    with pytest.raises(ValueError, match="ring"):
        Road(IDM(), FLEET, EDGES, demand=0.5)
    with pytest.raises(ValueError, match="at least one car"):
        RingAtDensity(IDM(), FLEET, 0)
    with pytest.raises(ValueError, match="fit on the ring"):
        RingOfHeadways(IDM(), CAR, 10, 45.0)
    with pytest.raises(ValueError, match="add up to"):
        RingOfHeadways(IDM(), CAR, 3, 90.0).lift(np.array([30.0, 30.0, 31.0]), np.random.default_rng(0))
