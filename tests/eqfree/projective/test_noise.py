"""Standard errors and intervals of projected trajectories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.burst import Burst
from eqfree.projective import Chord, Euler, LeastSquares, Method, Midpoint, Observed, RungeKutta4
from eqfree.projective.estimators import Estimator
from tests.eqfree.models import OrnsteinUhlenbeck, decay

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NoisyLogistic:
    """x' = x (1 - x), exactly, and a Brownian motion on top: the noise of the start goes through the nonlinear flow."""

    noise: float = 0.003

    def lift(self, macro: Array, rng: Generator) -> Array:
        return macro

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        moved = micro / (micro + (1 - micro) * np.exp(-duration))
        return np.asarray(moved + self.noise * sqrt(duration) * rng.standard_normal(micro.shape))

    def restrict(self, micro: Array) -> Array:
        return micro


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "start", "exact", "method"),
    [
        pytest.param(OrnsteinUhlenbeck(0.1), 1.0, np.exp(-1.0), RungeKutta4(0.5, 0.02), id="decay"),
        pytest.param(OrnsteinUhlenbeck(0.1), 1.0, np.exp(-1.0), Midpoint(0.1, 0.02), id="decay, midpoint"),
        pytest.param(NoisyLogistic(), 0.2, 0.2 / (0.2 + 0.8 / np.e), RungeKutta4(0.5, 0.02), id="logistic"),
    ],
)
def test_intervals_of_95_percent_cover_the_truth_in_95_of_100_runs(
    model: ef.MicroModel, start: float, exact: float, method: Method
) -> None:
    """400 runs, 40 of each of 10 keys side by side: three binomial standard deviations are 3.3 %.

    The numbers of a macro state move by themselves, each with noise of its own, and steps are the same for all: every
    number is a run.
    """
    stepper = ef.CoarseTimeStepper(model, replicas=20)
    covered = 0
    for key in range(10):
        result = ef.solve_projective(stepper, (0.0, 1.0), np.full(40, start), method, (key,))
        low, high = (end[-1] for end in result.interval(0.95))
        covered += int(np.count_nonzero((low <= exact) & (exact <= high)))
    assert 0.92 <= covered / 400 <= 0.98


@pytest.mark.slow
def test_the_standard_error_knows_that_the_flow_shrinks_and_stretches_earlier_noise() -> None:
    """A mode of which a step makes s, and to which it adds variance v: s**2 V + v.

    Over decay with diffusion, chord from lifting on: s = e + L (e - 1)/b with e = exp(-b), and the noise of the end
    point is multiplied by 1 + L/b.
    """
    replicas, noise, burst, step, steps = 2000, 0.3, 0.1, 0.5, 6
    model = OrnsteinUhlenbeck(noise)
    stepper = ef.CoarseTimeStepper(model, replicas=replicas, seed=4)
    result = ef.solve_projective(stepper, (0.0, steps * step), [1.0], Euler(step, burst), groups=replicas)
    ratio = (step - burst) / burst
    factor = np.exp(-burst) * (1 + ratio) - ratio
    variance, expected = 0.0, []
    for _ in range(steps):
        variance = factor**2 * variance + (1 + ratio) ** 2 * model.variance(burst) / replicas
        expected.append(variance)
    assert (np.abs(result.stderr[1:, 0] ** 2 / expected - 1) < 4 * sqrt(2 / (replicas - 1))).all()


@pytest.mark.parametrize(("replicas", "groups", "degrees"), [(32, None, 7), (5, None, 4), (10, 4, 3), (32, 2, 1)])
def test_degrees_of_freedom_are_the_groups_but_one(replicas: int, groups: int | None, degrees: int) -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=replicas)
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Euler(0.5, 0.1), groups=groups)
    assert result.degrees == degrees
    assert result.cost.bursts == 2 * replicas


def test_groups_of_unequal_size_weigh_as_many_replicas_as_they_have() -> None:
    """5 replicas in groups of 3 and 2: the mean is that of all five single ones, the model being linear."""
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=5)
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Euler(1.0, 0.5), (3,), groups=2)
    ends = []
    for group, size in enumerate((3, 2)):
        path = stepper.with_replicas(size).burst([1.0], [0.0, 0.5], (3, 0, 0, group), samples=True).samples
        ends += [2 * one[1, 0] - one[0, 0] for one in np.asarray(path)]
    assert result.macro[-1, 0] == pytest.approx(np.mean(ends), rel=1e-12)
    means = np.array([np.mean(ends[:3]), np.mean(ends[3:])])
    assert result.stderr[-1, 0] ** 2 == pytest.approx(np.array([0.6, 0.4]) @ (means - np.mean(ends)) ** 2, rel=1e-9)


def test_a_deterministic_model_has_no_standard_error_and_one_replica_of_a_random_one_no_known_one() -> None:
    sure = ef.solve_projective(ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0], Euler(0.5, 0.1))
    assert (sure.stderr == 0).all()
    assert sure.degrees == np.inf
    assert all((end == sure.macro).all() for end in sure.interval())
    unknown = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=1)
    assert np.isnan(ef.solve_projective(unknown, (0.0, 1.0), [1.0], Euler(0.5, 0.1)).stderr[-1]).all()


def test_the_beginning_is_known_however_few_groups_there_are() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=4)
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Euler(0.5, 0.1), groups=1)
    assert result.stderr[0, 0] == 0.0
    assert np.isnan(result.stderr[1:]).all()


@pytest.mark.parametrize("groups", [0, 5, 2.5])
def test_groups_that_are_no_number_up_to_the_replicas_are_refused(groups: Any) -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=4)
    with pytest.raises(ValueError, match=f"`groups` must be .* got groups={groups} with replicas=4"):
        ef.solve_projective(stepper, (0.0, 1.0), [1.0], Euler(0.5, 0.1), groups=groups)


# Slopes


@dataclass(frozen=True)
class NoisyReadings:
    """x' = -x, exactly, read with independent noise whose deviation grows with time."""

    noise: float = 1e-3

    def lift(self, macro: Array, rng: Generator) -> Array:
        return np.stack([macro, macro])

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        state = micro[0] * np.exp(-duration)
        return np.stack([state, state + self.noise * rng.standard_normal(state.shape)])

    def restrict(self, micro: Array) -> Array:
        return np.asarray(micro[1])


@dataclass(frozen=True)
class Births:
    """A number that grows by a Poisson process of rate 100 a unit of time, counted in hundredths."""

    def lift(self, macro: Array, rng: Generator) -> Array:
        return macro

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        return np.asarray(micro + 0.01 * rng.poisson(100 * duration, micro.shape))

    def restrict(self, micro: Array) -> Array:
        return micro


def spread(model: ef.MicroModel, estimator: Estimator) -> float:
    stepper = ef.CoarseTimeStepper(model, replicas=400, healing=0.05)
    method = Euler(1.0, 0.25, estimator=estimator)
    return float(ef.solve_projective(stepper, (0.0, 1.0), [1.0], method, groups=100).stderr[-1, 0])


def test_least_squares_beats_the_chord_where_readings_err_independently() -> None:
    """Variance of the leapt end: (1 + a)**2 + a**2 for a chord T, a = L/T.

    A line through n readings has s = 12 (n - 1)/(n (n + 1)) for 2 of its slope, and the last reading weighs s/2 in it.
    """
    ratio, count, sigma = 0.75 / 0.2, 9, 1e-3 / sqrt(400)
    chord = sqrt((1 + ratio) ** 2 + ratio**2)
    squares = 12 * (count - 1) / (count * (count + 1))
    last = 1 + ratio * squares + ratio**2 * squares
    doubt = 4 / sqrt(2 * 99)
    assert spread(NoisyReadings(), Chord()) == pytest.approx(sigma * chord, rel=doubt)
    assert spread(NoisyReadings(), LeastSquares(count)) == pytest.approx(sigma * sqrt(last), rel=doubt)


def test_least_squares_weighs_readings_by_their_variance() -> None:
    """Beside numpy's weighted fit; the middle is where a parabola has the slope of the line."""
    times, errors = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3, 0.7])
    means = np.array([[0.0, 0.0], [1.0, 1.0], [7.0, 4.0], [8.0, 9.0]])
    burst = Burst(times, means, np.outer(errors, [1.0, 10.0]), ef.Cost())
    found = LeastSquares(4).estimate([burst])
    expected, _ = np.polyfit(times, means, 1, w=1 / errors)
    assert found.slope[0] == pytest.approx(expected, rel=1e-12)
    assert expected[1] == pytest.approx(2 * found.middle, rel=1e-12)
    assert found.end.tolist() == [[8.0, 9.0]]


def test_observed_rates_are_surer_than_increments() -> None:
    """The rate is known without noise: what is left is the noise of the burst's end, 0.1 sqrt(0.25/100) a replica."""
    known = Observed(lambda before, after, duration: np.ones_like(before))
    increments, rates = spread(Births(), Chord()), spread(Births(), known)
    doubt = 4 / sqrt(2 * 99)
    assert rates == pytest.approx(0.1 * sqrt(0.25 / 400), rel=doubt)
    assert increments == pytest.approx(0.1 * sqrt((0.05 + 0.2 * (1 + 0.75 / 0.2) ** 2) / 400), rel=doubt)


def test_rates_are_averaged_over_the_readings() -> None:
    stepper = ef.CoarseTimeStepper(decay(), healing=0.1)
    trapezium = Observed(lambda before, after, duration: -(before + after) / 2, readings=5)
    ends = np.linspace(0.1, 0.3, 5)
    slope = -np.trapezoid(np.exp(-ends), ends) / 0.2
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Euler(1.0, 0.3, estimator=trapezium))
    assert result.macro[-1, 0] == pytest.approx(np.exp(-0.3) + 0.7 * slope, rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Chord(at=1.5), r"`at` must lie in \[0, 1\].* got 1\.5"),
        (lambda: LeastSquares(1), "two `readings` or more: got 1"),
        (lambda: Observed(lambda *_: 0.0, readings=1), "two `readings` or more: got 1"),
    ],
)
def test_estimators_that_have_no_slope_are_refused(make: Callable[[], Estimator], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_rate_of_another_shape_is_refused() -> None:
    method = Euler(0.5, 0.1, estimator=Observed(lambda *_: np.zeros(2)))
    with pytest.raises(ValueError, match=r"macro state's shape \(1,\): got \(2,\)"):
        ef.solve_projective(ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0], method)
