import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import linprog

from agents.cars import CAR, Cars, Collision, Drivers, check, gaps, headways, pack, unpack
from agents.cars.road import spread


def cars_at(position: list[float], speed: list[float], *, ring: bool = True) -> Cars:
    drivers = Drivers.of([CAR], [0] * len(position))
    return Cars(np.array(position), np.array(speed), drivers, 100.0, ring, time=12.5)


def test_headways_of_a_ring_add_up_to_its_length_on_any_lap() -> None:
    assert headways(cars_at([210.0, 250.0, 290.0], [0.0] * 3)).sum() == 100.0


def test_nobody_is_ahead_of_the_first_car_of_an_open_road() -> None:
    assert gaps(cars_at([0.0, 40.0], [0.0, 0.0], ring=False)).tolist() == [35.0, np.inf]
    assert gaps(cars_at([], [])).shape == (0,)


@pytest.mark.parametrize(
    ("position", "speed", "said"),
    [
        ([0.0, 3.0], [0.0, 0.0], r"t = 12.5 s car 0 .* overlaps car 1 ahead by 2 m"),
        ([0.0, 97.0], [0.0, 0.0], r"car 1 .* overlaps car 0 ahead by 2 m"),
        ([0.0, 50.0], [0.0, -0.1], r"car 1 .* drives backwards at -0.1 m/s"),
        ([0.0, 50.0], [np.nan, 0.0], r"car 0 .* speed nan"),
    ],
)
def test_a_collision_names_the_cars_and_the_time(position: list[float], speed: list[float], said: str) -> None:
    with pytest.raises(Collision, match=said):
        check(cars_at(position, speed))


def smallest_largest_displacement(position: NDArray[np.float64], spacing: NDArray[np.float64], length: float) -> float:
    """An independent program: the linear programme min t, |y - x| <= t, y[i+1] - y[i] >= spacing[i+1], on a ring."""
    n = len(position)
    rows, bounds = [], []
    for i in range(n):
        row = np.zeros(n + 1)
        row[i] += 1
        row[(i + 1) % n] -= 1
        rows.append(row)
        bounds.append((length if i == n - 1 else 0.0) - spacing[(i + 1) % n])
        for sign in (1.0, -1.0):
            row = np.zeros(n + 1)
            row[i], row[n] = sign, -1.0
            rows.append(row)
            bounds.append(sign * position[i])
    result = linprog(np.eye(n + 1)[n], A_ub=np.array(rows), b_ub=np.array(bounds), bounds=(None, None))
    assert result.fun is not None
    return result.fun


@pytest.mark.slow
@given(st.integers(0, 10_000))
def test_cars_are_moved_apart_by_the_least_largest_displacement(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spacing = rng.choice([5.0, 12.0], 8)
    position = np.sort(rng.uniform(0, 100, 8))
    apart = spread(position, spacing, 100.0, ring=True)
    room = np.append(np.diff(apart), apart[0] + 100.0 - apart[-1]) - np.append(spacing[1:], spacing[0])
    assert room.min() >= -1e-9
    assert np.abs(apart - position).max() == pytest.approx(
        smallest_largest_displacement(position, spacing, 100.0), abs=1e-6
    )


@given(st.integers(0, 10_000))
def test_cars_that_are_moved_apart_stay_on_an_open_road(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spacing = rng.choice([5.0, 12.0], 8)
    apart = spread(np.sort(rng.uniform(0, 100, 8)), spacing, 100.0, ring=False)
    assert (np.diff(apart) - spacing[1:]).min() >= -1e-9
    assert apart[0] >= 0
    assert apart[-1] <= 100.0 + 1e-9


def test_cars_that_have_room_are_not_moved() -> None:
    position = np.array([3.0, 30.0, 60.0])
    assert spread(position, np.full(3, 5.0), 100.0, ring=True) == pytest.approx(position, abs=1e-12)


def test_more_cars_than_fit_are_refused_with_numbers() -> None:
    with pytest.raises(ValueError, match="30 cars need 150 m, the road has 100 m"):
        spread(np.linspace(0, 99, 30), np.full(30, 5.0), 100.0, ring=True)


def test_unpack_after_pack_is_identity_and_owns_its_arrays() -> None:
    cars = Cars(
        np.array([1.0, 30.0]), np.array([2.0, 3.0]), Drivers.of([CAR], [0, 0]), 77.0, ring=False, time=4.0,
        entered=5, left=6, queue=Drivers.of([CAR], [0]), memory={"history": np.arange(6.0).reshape(3, 2)},
    )  # fmt: skip
    packed = pack(cars)
    again = pack(unpack(packed))
    assert packed.keys() == again.keys()
    for name, values in packed.items():
        assert values.dtype == again[name].dtype
        assert np.array_equal(values, again[name])
        assert not np.shares_memory(values, again[name])
    assert (unpack(packed).entered, unpack(packed).left, unpack(packed).ring) == (5, 6, False)
