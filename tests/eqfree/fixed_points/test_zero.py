"""Whether a mean is zero: fair under the null, powerful beside it, with many replicas and with few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import binom, f, kstest

from eqfree.fixed_points.zero import zero_probability

Array = NDArray[np.float64]

SIZES = [(8, 1), (32, 3), (8, 3), (8, 4), (12, 30), (32, 15)]
REPETITIONS = 200


def correlated(replicas: int, numbers: int, rng: Generator) -> Array:
    """Normal numbers of correlation 0.9, and of sizes a thousand times apart."""
    shared = rng.standard_normal((replicas, 1))
    own = rng.standard_normal((replicas, numbers))
    return np.asarray((np.sqrt(0.9) * shared + np.sqrt(0.1) * own) * np.geomspace(1e-3, 1, numbers))


def the_same(replicas: int, numbers: int, rng: Generator) -> Array:
    """Of all numbers: the covariance is singular, whatever the number of replicas."""
    return np.outer(rng.standard_normal(replicas), np.arange(1, numbers + 1))


@pytest.mark.parametrize("law", [correlated, the_same])
@pytest.mark.parametrize(("replicas", "numbers"), SIZES)
def test_the_probability_is_uniform_where_the_mean_is_zero(replicas: int, numbers: int, law: Any) -> None:
    """Kolmogorov and Smirnov's test at 1e-4; of ties by signs there are as many as flips, and no more."""
    told = []
    for repetition in range(REPETITIONS):
        told.append(zero_probability(law(replicas, numbers, np.random.default_rng(repetition))))
    assert kstest(told, "uniform").pvalue > 1e-4
    rejected = int((np.array(told) < 0.05).sum())
    assert binom.cdf(rejected, REPETITIONS, 0.05) > 1e-4
    assert binom.sf(rejected - 1, REPETITIONS, 0.05) > 1e-4


def test_with_many_replicas_it_is_hotellings_law() -> None:
    """T² = n m' S⁻¹ m, (n - d)/(d (n - 1)) T² is F(d, n - d): by its textbook formula."""
    samples = correlated(40, 4, np.random.default_rng(0)) + 2e-4
    mean, covariance = samples.mean(axis=0), np.cov(samples.T)
    squared = 40 * mean @ np.linalg.solve(covariance, mean)
    assert zero_probability(samples) == pytest.approx(f.sf(squared * 36 / (4 * 39), 4, 36), rel=1e-6)


@pytest.mark.parametrize(("replicas", "numbers"), SIZES)
def test_means_of_five_standard_errors_are_not_zero(replicas: int, numbers: int) -> None:
    rejected = 0
    for repetition in range(40):
        samples = np.random.default_rng(repetition).standard_normal((replicas, numbers))
        samples += 5 / np.sqrt(replicas)
        rejected += zero_probability(samples) < 0.05
    assert rejected >= 38


def test_a_shift_small_beside_the_noise_is_seen_where_the_noise_is_shared() -> None:
    """Of correlation 0.9 the difference of two numbers has a fifth of the noise of each."""
    samples = correlated(200, 2, np.random.default_rng(1)) / np.geomspace(1e-3, 1, 2)
    assert zero_probability(samples + np.array([0.1, -0.1])) < 1e-3
    assert zero_probability(samples - samples.mean(axis=0) + 0.1) > 0.05


def test_a_combination_without_noise_must_be_zero_to_round_off() -> None:
    """Two numbers of the very same noise: that they differ by half of it is not noise."""
    samples = np.repeat(np.random.default_rng(2).standard_normal((32, 1)), 3, axis=1)
    assert zero_probability(samples) > 0.05
    assert zero_probability(samples + np.array([0.5, -0.5, 0.0])) == 0.0


@pytest.mark.parametrize("replicas", [8, 32])
def test_a_number_without_noise_must_be_zero_to_round_off(replicas: int) -> None:
    noisy = np.random.default_rng(3).standard_normal((replicas, 1))
    noisy -= noisy.mean()
    for still, wanted in ((0.0, True), (1e-10, True), (1e-6, False)):
        assert (zero_probability(np.hstack((noisy, np.full((replicas, 1), still)))) > 0.05) is wanted


def test_no_noise_at_all_is_zero_only_where_the_mean_is() -> None:
    assert zero_probability(np.zeros((8, 3))) == 1.0
    assert zero_probability(np.full((8, 3), 1e-3)) == 0.0
