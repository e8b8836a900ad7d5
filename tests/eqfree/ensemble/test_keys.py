from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import Key, check_key, generator, streams
from tests.eqfree.models import Draws, OrnsteinUhlenbeck

Array = NDArray[np.float64]
words = st.integers(0, 2**32 - 1)
keys = st.lists(words, max_size=3).map(tuple)


def draw(seed: int, spawn_key: tuple[int, ...]) -> float:
    return float(Generator(PCG64(SeedSequence(seed, spawn_key=spawn_key))).random())


def samples(stepper: ef.CoarseTimeStepper, macro: Any, times: Any, key: Key = ()) -> Array:
    kept = stepper.burst(macro, times, key, samples=True).samples
    assert kept is not None
    return kept


@settings(deadline=None)
@given(seed=words, key=keys, replica=st.integers(0, 1000))
def test_lift_and_evolve_have_the_streams_of_the_contract(seed: int, key: Key, replica: int) -> None:
    lift, evolve = streams(seed, key, replica)
    assert (lift.entropy, lift.spawn_key) == (seed, (*key, replica, 0))
    assert (evolve.entropy, evolve.spawn_key) == (seed, (*key, replica, 1))


@settings(deadline=None)
@given(seed=words, key=keys)
def test_every_replica_draws_from_its_own_streams_and_event_streams(seed: int, key: Key) -> None:
    stepper = ef.CoarseTimeStepper(Draws(), replicas=3, seed=seed)
    expected = [[draw(seed, (*key, r, 0)), draw(seed, (*key, r, 1)), draw(seed, (*key, r, 1, 1))] for r in range(3)]
    assert samples(stepper, np.zeros(3), [1.0], key)[:, 0].tolist() == expected


def test_an_advanced_population_draws_from_the_evolve_streams_of_its_key() -> None:
    stepper = ef.CoarseTimeStepper(Draws(), replicas=2, seed=5)
    packed = stepper.lift(np.zeros(3), (7,))
    _, reading = stepper.advance(packed, 1.0, (8,))
    expected = np.mean([[draw(5, (7, r, 0)), draw(5, (8, r, 1)), draw(5, (8, r, 1, 1))] for r in range(2)], axis=0)
    assert np.allclose(reading.mean, expected, rtol=1e-15)


def test_a_lift_that_draws_more_leaves_the_noise_of_evolve_alone() -> None:
    few, many = (
        samples(ef.CoarseTimeStepper(Draws(lift_draws), replicas=4), np.zeros(3), [1.0]) for lift_draws in (1, 100)
    )
    assert np.array_equal(few[..., 1:], many[..., 1:])


@settings(deadline=None)
@given(first=keys, second=keys)
def test_the_same_key_has_the_same_bits_and_another_key_of_its_length_has_others(first: Key, second: Key) -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=2)
    noise = [stepper([1.0], 1.0, key) for key in (first, second, first)]
    assert np.array_equal(noise[0], noise[2])
    if first != second and len(first) == len(second):
        assert not np.array_equal(noise[0], noise[1])


def test_seeds_are_another_noise_each() -> None:
    steppers = [ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=2, seed=seed) for seed in (0, 1, 2**100)]
    assert len({float(stepper([1.0], 1.0)[0]) for stepper in steppers}) == 3


@pytest.mark.parametrize("key", [(-1,), (2**32,), (1.5,), ("a",), (0, None), 3])
def test_a_key_that_is_no_tuple_of_words_is_refused(key: Any) -> None:
    with pytest.raises(ValueError, match=r"tuple of integers from 0 to 2\*\*32 - 1"):
        ef.CoarseTimeStepper(OrnsteinUhlenbeck())([1.0], 1.0, key)


def test_numpy_integers_are_legal_in_a_key() -> None:
    assert check_key(tuple(np.arange(2))) == (0, 1)


def test_replicas_that_stay_keep_their_noise() -> None:
    few = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=3)
    assert np.array_equal(
        samples(few.with_replicas(7), [1.0], [0.5, 1.0], (4,))[:3], samples(few, [1.0], [0.5, 1.0], (4,))
    )


def test_the_generator_is_the_one_that_batched_models_are_promised() -> None:
    stream = SeedSequence(3)
    assert generator(stream).random() == Generator(PCG64(SeedSequence(3))).random()
