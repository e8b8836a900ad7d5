from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.burst import Burst, Moments, slope
from tests.eqfree.models import Brownian, OrnsteinUhlenbeck, decay, drift

Array = NDArray[np.float64]
TIMES = np.array([0.0, 0.25, 0.5, 1.0])


def flow(before: Array, after: Array, duration: float) -> Array:
    return (after - before) / duration


def random_burst(**options: Any) -> Burst:
    return ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=20).burst([1.0, 2.0], TIMES, (1,), **options)


@settings(deadline=None)
@given(arrays(np.float64, (6, 3), elements=st.floats(-1e3, 1e3)))
def test_moments_are_those_of_numpy(values: Array) -> None:
    moments = Moments(keep=True)
    for value in values:
        moments.add(value)
    reading = moments.reading()
    assert np.allclose(reading.mean, values.mean(axis=0), atol=1e-10)
    assert np.allclose(reading.stderr, values.std(axis=0, ddof=1) / sqrt(6), atol=1e-10)
    assert np.array_equal(np.asarray(reading.samples), values)


def test_moments_keep_their_digits_far_from_zero() -> None:
    moments = Moments()
    for value in (1e9 + 1, 1e9 + 2, 1e9 + 3):
        moments.add(np.array(value))
    assert float(moments.reading().stderr) == pytest.approx(1 / sqrt(3), rel=1e-9)


@settings(deadline=None)
@given(arrays(np.float64, (5, 2), elements=st.floats(-1e3, 1e3)))
def test_the_slope_is_that_of_least_squares(path: Array) -> None:
    times = np.array([0.0, 0.3, 0.4, 1.0, 2.0])
    assert np.allclose(slope(times, path), np.polyfit(times, path, 1)[0], atol=1e-8)


def test_the_slope_of_two_readings_is_their_chord() -> None:
    assert slope(np.array([1.0, 3.0]), np.array([[5.0], [6.0]])).tolist() == [0.5]


def test_mean_and_stderr_are_those_of_the_samples() -> None:
    burst = random_burst(samples=True, observe=flow)
    assert burst.samples is not None
    assert burst.observed is not None
    assert burst.observed.samples is not None
    for samples, mean, stderr in (
        (burst.samples, burst.mean, burst.stderr),
        (burst.observed.samples, burst.observed.mean, burst.observed.stderr),
    ):
        assert samples.shape[0] == 20
        assert np.allclose(mean, samples.mean(axis=0), rtol=1e-13)
        assert np.allclose(stderr, samples.std(axis=0, ddof=1) / sqrt(20), rtol=1e-12, atol=1e-15)


def test_samples_are_kept_only_when_asked_for() -> None:
    assert random_burst().samples is None
    assert random_burst().observed is None


def test_observations_are_of_the_intervals_between_the_times() -> None:
    burst = random_burst(samples=True, observe=flow)
    assert burst.samples is not None
    assert burst.observed is not None
    assert burst.observed.mean.shape == (3, 2)
    expected = np.diff(burst.samples, axis=1) / np.diff(TIMES)[:, np.newaxis]
    assert np.allclose(np.asarray(burst.observed.samples), expected, rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_an_observation_has_any_shape(shape: tuple[int, ...]) -> None:
    burst = random_burst(observe=lambda before, after, duration: np.full(shape, duration))
    assert burst.observed is not None
    assert burst.observed.mean.shape == (3, *shape)
    assert burst.observed.mean.reshape(3, -1)[:, 0].tolist() == [0.25, 0.25, 0.5]


def in_place(**options: Any) -> ef.MicroModel:
    """Lift returns the array that it was given, evolve writes into it, restrict returns a view of it."""

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        micro += duration
        return micro

    return ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro[:], **{"deterministic": True} | options)


def test_before_is_a_copy_though_evolve_works_in_place() -> None:
    burst = ef.CoarseTimeStepper(in_place()).burst([1.0], TIMES, observe=flow)
    assert burst.observed is not None
    assert burst.observed.mean.ravel().tolist() == [1.0, 1.0, 1.0]


def test_a_view_of_the_population_does_not_alias_the_readings() -> None:
    assert ef.CoarseTimeStepper(in_place()).burst([1.0], TIMES).mean.ravel().tolist() == [1.0, 1.25, 1.5, 2.0]


@pytest.mark.parametrize("executor", [None, 2])
def test_a_lift_that_returns_its_argument_gives_every_replica_its_own(executor: int | None) -> None:
    stepper = ef.CoarseTimeStepper(in_place(deterministic=False), replicas=9, executor=executor)
    assert np.asarray(stepper.burst([1.0], [0.5, 1.0], samples=True).samples).tolist() == [[[1.5], [2.0]]] * 9


def test_the_macro_state_of_the_caller_is_left_as_it_is() -> None:
    macro = np.array([1.0, 2.0])
    stepper = ef.CoarseTimeStepper(in_place())
    stepper(macro, 1.0)
    stepper.rate(macro, 1.0)
    stepper.simulate(macro, [1.0])
    stepper.advance(stepper.lift(macro), 1.0)
    ef.solve_projective(stepper, (0.0, 1.0), macro, ef.projective.Euler(0.5, 0.1))
    assert macro.tolist() == [1.0, 2.0]


def test_time_zero_reads_what_lift_made() -> None:
    burst = random_burst(samples=True)
    assert np.asarray(burst.samples)[:, 0].tolist() == [[1.0, 2.0]] * 20


def test_one_reading_later_is_the_burst_without_its_beginning_for_exact_transitions() -> None:
    stepper = ef.CoarseTimeStepper(decay())
    assert stepper([1.0], 0.7) == pytest.approx(np.exp(-0.7), rel=1e-15)


@pytest.mark.parametrize("times", [[], [1.0, 1.0], [2.0, 1.0], [[1.0]], [np.nan], [0.0, np.inf], [-1.0, 1.0]])
def test_times_that_no_burst_has_are_refused(times: Any) -> None:
    with pytest.raises(ValueError, match=r"must be increasing|finite and not negative"):
        ef.CoarseTimeStepper(decay()).burst([1.0], times)


def test_every_macro_state_needs_a_key() -> None:
    with pytest.raises(ValueError, match="2 macro states and 1 keys"):
        ef.CoarseTimeStepper(decay()).bursts([[1.0], [2.0]], [1.0], [()])


# Standard errors


def test_a_deterministic_model_runs_once_without_error() -> None:
    burst = ef.CoarseTimeStepper(decay(), replicas=50).burst([1.0], TIMES, observe=flow)
    assert burst.cost.bursts == 1
    assert burst.observed is not None
    assert not burst.stderr.any()
    assert not burst.observed.stderr.any()


def test_one_replica_of_a_random_model_knows_no_error() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=1)
    assert np.isnan(stepper.burst([1.0], TIMES).stderr).all()
    assert np.isnan(stepper.rate([1.0], 1.0).stderr).all()


def test_mean_and_stderr_of_an_ornstein_uhlenbeck_process_are_the_exact_ones() -> None:
    """Mean u exp(-t), variance (1 - exp(-2t))/2 (Uhlenbeck and Ornstein, Phys. Rev. 36 (1930) 823)."""
    model, replicas, times = OrnsteinUhlenbeck(), 4000, [0.1, 0.5, 2.0]
    burst = ef.CoarseTimeStepper(model, replicas=replicas, seed=3).burst([2.0], times)
    exact = np.sqrt([model.variance(time) / replicas for time in times])
    assert (np.abs(burst.mean[:, 0] - [model.mean(2.0, time) for time in times]) < 4 * exact).all()
    assert (np.abs(burst.stderr[:, 0] / exact - 1) < 4 / sqrt(2 * (replicas - 1))).all()


@pytest.mark.slow
def test_standard_errors_cover_the_exact_mean_as_often_as_student_says() -> None:
    """With 8 Gaussian replicas, |mean - exact| < 2.364624 stderr in 95 % of bursts (Student's t, 7 degrees)."""
    model, trials = OrnsteinUhlenbeck(), 1000
    stepper = ef.CoarseTimeStepper(model, replicas=8, seed=11)
    bursts = stepper.bursts([[1.0]] * trials, [0.5], [(trial,) for trial in range(trials)])
    covered = sum(abs(b.mean[0, 0] - model.mean(1.0, 0.5)) < 2.364624 * b.stderr[0, 0] for b in bursts)
    assert abs(covered / trials - 0.95) < 4 * sqrt(0.95 * 0.05 / trials)


@pytest.mark.slow
@pytest.mark.parametrize("readings", [2, 3, 11])
def test_the_error_of_a_slope_knows_the_correlations_in_time(readings: int) -> None:
    """Weights w on a Brownian path: variance = sum of (sum of the later w)**2 dt; for a chord, noise**2 / time."""
    noise, healing, burst, replicas = 0.7, 0.5, 2.5, 4000
    stepper = ef.CoarseTimeStepper(Brownian(1.5, noise), replicas=replicas, healing=healing, seed=5)
    rate = stepper.rate([0.0], burst, readings=readings)
    times = np.linspace(healing, burst, readings)
    weights = (times - times.mean()) / ((times - times.mean()) ** 2).sum()
    later = weights[::-1].cumsum()[::-1][1:]
    exact = noise * sqrt((later**2 * np.diff(times)).sum() / replicas)
    if readings == 2:
        assert exact == pytest.approx(noise / sqrt((burst - healing) * replicas))
    assert abs(rate.value[0] - 1.5) < 4 * exact
    assert abs(rate.stderr[0] / exact - 1) < 4 / sqrt(2 * (replicas - 1))


def test_the_slope_leaves_the_healing_out() -> None:
    stepper = ef.CoarseTimeStepper(decay(), healing=0.5)
    assert stepper.rate([2.0], 0.75).value[0] == pytest.approx(2 * (np.exp(-0.75) - np.exp(-0.5)) / 0.25, rel=1e-12)


def test_the_slope_of_a_straight_line_is_exact_however_it_is_read() -> None:
    for readings in (2, 3, 7):
        assert ef.CoarseTimeStepper(drift()).rate([1.0], 0.7, readings=readings).value == pytest.approx(2.0, rel=1e-13)
