"""Branches seen through noise: their events have intervals that hold."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

import eqfree as ef
from eqfree.continuation import EventOptions
from eqfree.results import Branch, Status
from tests.eqfree.continuation.branch_models import (
    MajorityVote,
    StepperOf,
    fold,
    labels,
    mean_field,
    method,
    runs,
)
from tests.eqfree.steady_models import Array, Shaken

PITCHFORK = 7 / 30


# The fold of u' = p + u²


def noisy_fold(seed: int, events: EventOptions, noise: float = 0.1) -> Branch:
    """Eleven points around it. The frozen noise of a set, σ√δ/√n, moves p by itself over the duration δ."""
    how = method((-0.6, 0.5), 0.5, first=0.2, points=9)
    stepper_of = fold(noise, replicas=16, seed=seed)
    return ef.continue_branch(stepper_of, [-0.75], -0.55, how, directions=(1,), events=events)


def test_every_set_of_random_numbers_finds_the_fold_of_its_own_frozen_noise() -> None:
    """It is where the mean frozen noise over the duration δ is, with the other sign: read at u = 0 and p = 0."""
    branch = noisy_fold(2, EventOptions(key_sets=3))
    (event,) = branch.events
    stepper = fold(0.1, replicas=16, seed=2)(0.0)
    key = 1 + 2 * (event.after + 1)
    exact = [-stepper([0.0], 0.5, (key, number))[0] / 0.5 for number in range(3)]
    assert event.estimates == pytest.approx(exact, abs=1e-4)
    assert event.parameter == pytest.approx(np.mean(exact), abs=1e-4)
    assert event.stderr == pytest.approx(np.std(exact, ddof=1) / sqrt(3), abs=1e-4)
    assert not np.isclose(exact[0], exact[1])


@pytest.mark.slow
def test_intervals_of_a_noisy_fold_hold_it() -> None:
    """In at least 17 of 20 seeds: 95 % of them would, 16 or fewer are as improbable as 1.6 %."""
    held, scores, spread = 0, [], []
    for seed in range(20):
        branch = noisy_fold(seed, EventOptions(key_sets=4, replicas=16))
        (event,) = branch.events
        assert event.kind == "fold"
        assert event.degrees == 3
        low, high = event.interval()
        held += low < 0 < high
        scores.append(event.parameter / (event.predicted / 2))
        spread.append(event.stderr**2 / (event.predicted**2 / 4))
    assert held >= 17
    assert np.mean(scores) == pytest.approx(0.0, abs=4 / sqrt(20))
    assert np.mean(spread) == pytest.approx(1.0, abs=4 * sqrt(2 / 3 / 20))


@pytest.mark.slow
def test_intervals_from_one_set_hold_a_noisy_fold_too() -> None:
    """There they are those that its own replicas predict."""
    held = 0
    for seed in range(20):
        (event,) = noisy_fold(seed, EventOptions(key_sets=1)).events
        assert event.stderr == event.predicted
        assert event.degrees == 15
        low, high = event.interval()
        held += low < 0 < high
    assert held >= 17


def test_the_predicted_error_of_a_fold_is_that_of_its_noise() -> None:
    """0.1 √δ / (δ √n), for δ = 0.5 and n = 16; the standard deviation of 16 numbers is known to 18 %."""
    (event,) = noisy_fold(3, EventOptions(key_sets=1)).events
    assert event.predicted == pytest.approx(0.1 / sqrt(0.5 * 16), rel=4 * 0.18)
    assert abs(event.parameter) < 4 * event.predicted


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_noisy_fold_is_no_branch_point_besides(seed: int) -> None:
    """The tangent that is fitted to the last points lags behind: multiplier and parameter turn at different points."""
    branch = noisy_fold(seed, EventOptions(key_sets=1))
    assert [event.kind for event in branch.events] == ["fold"]
    assert runs(branch).replace("?", "") == "su"


@pytest.mark.parametrize("noise", [0.02, 0.05])
def test_a_fold_is_one_event_where_the_derivative_is_noisy_too(noise: float) -> None:
    """A model that does not listen to its key: the tangent is then a parabola's, and multipliers are in doubt."""
    own = np.random.default_rng(0)

    def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
        flow = lambda state, duration: state + duration * (parameter + state**2)  # noqa: E731
        return ef.CoarseTimeStepper(Shaken(flow, noise, deaf=own), replicas=64)

    how = method((-0.6, 0.5), 0.5, first=0.2, points=9)
    branch = ef.continue_branch(stepper_of, [-0.75], -0.55, how, directions=(1,), events=EventOptions(key_sets=1))
    (event,) = branch.events
    assert event.kind == "fold"
    assert abs(event.parameter) < 4 * event.stderr
    assert runs(branch).replace("?", "") == "su"


def test_more_replicas_at_the_events_narrow_their_intervals() -> None:
    """By the square root of their number."""
    few, many = (noisy_fold(1, EventOptions(key_sets=1, replicas=count)).events[0] for count in (16, 64))
    assert many.predicted == pytest.approx(few.predicted / 2, rel=4 * sqrt(1 / 30 + 1 / 126))


def test_points_of_a_noisy_branch_lie_within_their_errors() -> None:
    """u = -√(-p) moves by the frozen noise over the slope of p + u²: across the branch, at every point."""
    branch = noisy_fold(5, EventOptions(key_sets=1))
    for point in branch.points:
        slope = np.array([1.0, 2 * point.macro[0]])
        distance = point.parameter + point.macro[0] ** 2
        covariance = np.array(
            [
                [point.parameter_stderr**2, point.covariance[0]],
                [point.covariance[0], point.measure_stderr[0] ** 2],
            ]
        )
        assert abs(distance) < 4 * sqrt(slope @ covariance @ slope) + 1e-3


def test_the_same_key_gives_the_same_bits_and_another_key_other_ones() -> None:
    def branch(key: tuple[int, ...]) -> Branch:
        how = method((-0.6, 0.5), 0.5, first=0.2, points=4)
        return ef.continue_branch(fold(0.1), [-0.75], -0.55, how, key, directions=(1,), events=None)

    assert np.array_equal(branch((1,)).macro, branch((1,)).macro)
    assert not np.array_equal(branch((1,)).macro, branch((2,)).macro)


# Opinions that follow the majority


def vote(seed: int = 0, replicas: int = 16, **options: bool | int) -> StepperOf:
    def stepper_of(error: float) -> ef.CoarseTimeStepper:
        return ef.CoarseTimeStepper(MajorityVote(error, **options), replicas=replicas, seed=seed)  # type: ignore[arg-type]

    return stepper_of


SPAN = (0.1, 0.35)


def trunk_of(seed: int, replicas: int = 32) -> Branch:
    how = method(SPAN, 1.0, first=0.4, unit=0.1, difference=0.05)
    options = EventOptions(replicas=replicas, window=0.2)
    return ef.continue_branch(vote(seed), [0.0], 0.3, how, directions=(-1, 1), events=options)


def arms_of_the_vote(error: Array) -> Array:
    """Squares of the roots of m = (1 - 2 error) (15 m - 10 m³ + 3 m⁵)/8 besides 0."""
    gain = 8 / (1 - 2 * error)
    return np.asarray((10 - np.sqrt(100 - 12 * (15 - gain))) / 6, dtype=np.float64)


def test_the_arms_of_the_vote_are_roots_of_its_mean_field() -> None:
    error: Array = np.array([0.1, 0.2])
    m: Array = np.asarray(np.sqrt(arms_of_the_vote(error)))
    assert mean_field(m, error) == pytest.approx(m)


@pytest.mark.slow
def test_the_interval_of_the_votes_pitchfork_holds_seven_thirtieths() -> None:
    """In at least 4 of 5 seeds, where 95 % would be 4.75 and 3 or fewer are as improbable as 2.3 %.

    What is expected to be wrong: the central difference at 0 is that of m - (2/3) m³, (1 - 2q) 7.5 ε²/6 too small for
    ε = 0.05, which moves the crossing by -4.4e-4; and the line through log(1 - 2q) within 0.02 of it by -3.8e-4.
    There is no finite size that would: the mean of the next opinion is exact.
    """
    held, places = 0, []
    for seed in range(5):
        (event,) = trunk_of(seed, replicas=16).events
        assert event.kind == "branch point"
        low, high = event.interval()
        held += low < PITCHFORK < high
        places.append(event.parameter)
    assert held >= 4
    bias = np.mean(places) - PITCHFORK
    assert bias == pytest.approx(-8e-4, abs=4 * float(np.std(places, ddof=1)) / sqrt(5))


@pytest.mark.slow
def test_both_arms_of_the_vote_are_followed_along_its_mean_field() -> None:
    trunk = trunk_of(2)
    told = np.array(list(labels(trunk)))
    assert (told[trunk.parameter > PITCHFORK + 0.01] == "s").all()
    assert (told[trunk.parameter < PITCHFORK - 0.01] == "u").all()
    assert np.abs(trunk.macro).max() < 1e-12
    assert trunk.parameter[[0, -1]].tolist() == [0.35, 0.1]
    how = method(SPAN, 1.0, first=0.3, unit=0.1, difference=0.02)
    arms = ef.switch_branch(vote(2), trunk.events[0], how)
    assert arms.status is Status.FOLLOWED
    assert runs(arms) == "s"
    assert arms.parameter[[0, -1]].tolist() == [0.1, 0.1]
    assert arms.macro[0, 0] < -0.7
    assert arms.macro[-1, 0] > 0.7
    for point in arms.points:
        m, gain = point.macro[0], (15 * point.macro[0] - 10 * point.macro[0] ** 3 + 3 * point.macro[0] ** 5) / 8
        distance = mean_field(m, point.parameter) - m
        slope = np.array([-2 * gain, (1 - 2 * point.parameter) * (15 - 30 * m**2 + 15 * m**4) / 8 - 1])
        covariance = np.array(
            [
                [point.parameter_stderr**2, point.covariance[0]],
                [point.covariance[0], point.measure_stderr[0] ** 2],
            ]
        )
        assert abs(distance) < 4 * sqrt(slope @ covariance @ slope)


@pytest.mark.parametrize("seed", [0, 1])
def test_frozen_noise_takes_a_pitchfork_apart_and_the_labels_stay_right(seed: int) -> None:
    """A population without its mirror image runs along the trunk or into an arm, and is as stable as it is there."""
    how = method(SPAN, 1.0, first=0.4, unit=0.1, difference=0.05)
    stepper_of = vote(seed, mirrored=False)
    branch = ef.continue_branch(stepper_of, [0.0], 0.35, how, directions=(-1,), events=None)
    assert branch.status is Status.FOLLOWED
    m, error = branch.macro[:, 0], branch.parameter
    multipliers = (1 - 2 * error) * (15 - 30 * m**2 + 15 * m**4) / 8
    clear = np.abs(multipliers - 1) > 0.05
    assert clear.sum() >= 4
    assert (np.array(list(labels(branch)))[clear] == np.where(multipliers > 1, "u", "s")[clear]).all()
