from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from math import sqrt
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import ExecutorLike
from eqfree.hmm import Closure
from tests.eqfree.models import Brownian, drift

Array = NDArray[np.float64]
NOISE, WINDOW, REPLICAS = 0.5, 4.0, 16


def velocity(before: Array, after: Array, duration: float) -> Array:
    return (after - before) / duration


def brownian_closure(executor: ExecutorLike = None, replicas: int = REPLICAS) -> Closure:
    """Mean velocity over the window of x(t) = x(0) + t + noise W(t): 1, with error noise/sqrt(window replicas)."""
    stepper = ef.CoarseTimeStepper(Brownian(1.0, NOISE), replicas=replicas, executor=executor, seed=4)
    return Closure.from_stepper(stepper, lambda point: point, velocity, 1.0, WINDOW)


@pytest.fixture(scope="module")
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


def test_identical_points_are_solved_once() -> None:
    answer = brownian_closure()([[1.0], [2.0], [1.0], [1.0], [-0.0], [0.0]])
    assert answer.cost.bursts == 3 * REPLICAS
    assert answer.cost.micro_time == 3 * REPLICAS * (1.0 + WINDOW)
    assert answer.value.shape == answer.stderr.shape == (6, 1)
    assert answer.value[0] == answer.value[2] == answer.value[3]
    assert answer.value[4] == answer.value[5]
    assert len(np.unique(answer.value)) == 3


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_an_answer_depends_neither_on_what_is_asked_beside_it_nor_on_order(points: list[float], random: Any) -> None:
    closure = brownian_closure(replicas=2)
    alone = {point: closure([[point]], key=(3,)) for point in points}
    shuffled = random.sample(points, len(points))
    together = closure([[point] for point in shuffled], key=(3,))
    for place, point in enumerate(shuffled):
        assert together.value[place] == alone[point].value[0]
        assert together.stderr[place] == alone[point].stderr[0]


def test_points_and_keys_have_noise_of_their_own() -> None:
    closure = brownian_closure()
    values = [closure([[point]], key=key).value[0, 0] for point in (1.0, 2.0) for key in ((), (0,), (1,))]
    assert len(set(values)) == 6


@pytest.mark.slow
def test_value_and_standard_error_are_the_exact_ones() -> None:
    replicas = 4000
    answer = brownian_closure(replicas=replicas)([[0.0], [1.0]])
    exact = NOISE / sqrt(WINDOW * replicas)
    assert (np.abs(answer.value - 1.0) < 4 * exact).all()
    assert (np.abs(answer.stderr / exact - 1) < 4 / sqrt(2 * (replicas - 1))).all()


@pytest.mark.slow
def test_every_executor_answers_with_the_same_bits(processes: Executor) -> None:
    points = [[0.3], [0.1], [0.2]]
    expected = brownian_closure()(points)
    for executor in (2, 3, processes):
        answer = brownian_closure(executor)(points)
        assert answer.value.tobytes() == expected.value.tobytes()
        assert answer.stderr.tobytes() == expected.stderr.tobytes()


def test_what_happens_before_the_healing_is_over_is_not_seen() -> None:
    """u' = -u: the mean slope over [h, h + w] is u (exp(-h - w) - exp(-h)) / w."""
    model = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    closure = Closure.from_stepper(ef.CoarseTimeStepper(model), lambda point: point, velocity, 0.5, 0.25)
    answer = closure([[2.0]])
    assert answer.value[0, 0] == pytest.approx(2 * (np.exp(-0.75) - np.exp(-0.5)) / 0.25, rel=1e-12)
    assert answer.stderr[0, 0] == 0.0


def test_an_input_of_several_numbers_is_lifted_by_lift_input_and_an_observation_is_a_row() -> None:
    closure = Closure.from_stepper(
        ef.CoarseTimeStepper(drift()),
        lambda point: np.full(3, point[0] + 10 * point[1]),
        lambda before, after, duration: [before.sum(), duration],
        0.0,
        2.0,
    )
    assert closure([[1.0, 2.0], [3.0, 4.0]]).value.tolist() == [[63.0, 2.0], [129.0, 2.0]]


def test_a_single_observed_number_is_one_column() -> None:
    closure = Closure.from_stepper(
        ef.CoarseTimeStepper(drift()), lambda u: u, lambda before, after, t: float(after[0]), 0.0, 1.0
    )
    assert closure([[1.0], [2.0]]).value.tolist() == [[3.0], [4.0]]


@pytest.mark.parametrize("inputs", [[1.0], 1.0, [], [[[1.0]]], [[]]])
def test_inputs_of_another_shape_are_refused(inputs: Any) -> None:
    with pytest.raises(ValueError, match=r"shape \(point, n\)"):
        brownian_closure()(inputs)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_inputs_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="`inputs` must be finite"):
        brownian_closure()([[value]])


def test_a_state_is_refused_by_a_closure_without_memory() -> None:
    with pytest.raises(ValueError, match="has no memory"):
        brownian_closure()([[1.0]], state={})


@pytest.mark.parametrize(("healing", "window"), [(-1.0, 1.0), (0.0, 0.0), (np.nan, 1.0), (0.0, np.inf)])
def test_times_that_make_no_reading_are_refused_with_both(healing: float, window: float) -> None:
    with pytest.raises(ValueError, match=rf"got healing={healing:g}, window={window:g}"):
        Closure.from_stepper(ef.CoarseTimeStepper(drift()), lambda u: u, velocity, healing, window)


def test_an_error_inside_a_closure_says_which_point_it_was() -> None:
    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        if micro[0] > 1:
            raise OverflowError("too dense")
        return micro

    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro)
    closure = Closure.from_stepper(ef.CoarseTimeStepper(model, replicas=2), lambda u: u, velocity, 0.0, 1.0)
    with pytest.raises(OverflowError, match="too dense") as caught:
        closure([[0.5], [1.5]])
    assert "from the macro state [1.5]" in caught.value.__notes__[0]
