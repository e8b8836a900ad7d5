"""Multipliers of coarse maps whose spectra are known, and the standard errors that they are told with."""

from __future__ import annotations

from math import exp, log, pi, sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

import eqfree as ef
from eqfree.coarse_map import Rotation
from eqfree.results import Stability
from eqfree.stability import coarse_multipliers
from tests.eqfree.steady_models import (
    PlaneWave,
    RandomMatrices,
    Shaken,
    WrongLift,
    brusselator,
    diffusion_on_a_ring,
    linear,
)

Array = NDArray[np.float64]


def sort(values: Any) -> NDArray[np.complex128]:
    """The largest first, of a conjugate pair the upper."""
    return np.array(sorted(np.asarray(values, complex), key=lambda one: (-round(abs(one), 9), -one.imag)))


def conserving(model: Any, **options: Any) -> ef.MicroModel:
    """The model, with its sum conserved."""
    return ef.micro_model(
        model.lift,
        model.evolve,
        model.restrict,
        deterministic=model.deterministic,
        conserved=lambda macro: macro.sum(keepdims=True),
        **options,
    )


# Spectra that are known


@pytest.mark.parametrize("healing", [0.0, 0.3])
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_multipliers_of_a_linear_model_are_exponentials_of_its_eigenvalues(noise: float, healing: float) -> None:
    """Five numbers, a non-normal matrix: eigenvalues by NumPy. Additive noise under one key does not matter."""
    matrix = np.random.default_rng(3).standard_normal((5, 5)) - 1.5 * np.eye(5)
    stepper = ef.CoarseTimeStepper(Shaken(linear(matrix, 2.0), noise=noise), replicas=8, healing=healing)
    found = coarse_multipliers(stepper, np.full(5, 2.0), 0.5, count=5)
    exact = sort(np.exp(np.linalg.eigvals(matrix) * 0.5))
    assert sort(found.multipliers) == pytest.approx(exact, abs=1e-5)
    assert sort(np.exp(found.rates * 0.5)) == pytest.approx(exact, abs=1e-5)
    assert found.labels == ("",) * 5


def test_vectors_are_eigenvectors_of_the_propagator_in_the_shape_of_the_macro_state() -> None:
    matrix = np.array([[-1.0, 4.0, 0, 0], [0, -2.0, 1.0, 0], [0, 0, -0.5, 3.0], [0, 0, 0, -3.0]])
    flow = linear(matrix)
    square = ef.micro_model(
        lambda u, rng: u.ravel(), lambda x, t, rng: flow(x, t), lambda x: x.reshape(2, 2), deterministic=True
    )
    found = coarse_multipliers(ef.CoarseTimeStepper(square), np.zeros((2, 2)), 0.7, count=4)
    for value, vector in zip(found.multipliers, found.vectors, strict=True):
        assert vector.shape == (2, 2)
        assert np.linalg.norm(vector) == pytest.approx(1.0)
        assert flow(vector.ravel(), 0.7) == pytest.approx(value * vector.ravel(), abs=1e-5)


@pytest.mark.parametrize(("ratio", "growing"), [(1.8, 0), (2.5, 2)])
def test_a_spiral_is_stable_before_the_hopf_point_and_not_after(ratio: float, growing: int) -> None:
    """Brusselator: trace B - 1 - A², determinant A²."""
    found = coarse_multipliers(ef.CoarseTimeStepper(Shaken(brusselator(ratio=ratio))), [1.0, ratio], 1.0, count=2)
    half = (ratio - 2) / 2
    assert found.rates[0] == pytest.approx(half + 1j * sqrt(1 - half**2) * np.sign(found.rates[0].imag), abs=1e-4)
    assert found.rates[1] == pytest.approx(found.rates[0].conjugate())
    assert found.growing == growing
    assert found.stability is (Stability.UNSTABLE if growing else Stability.STABLE)


def test_an_oscillation_beyond_the_highest_frequency_is_taken_for_a_slower_one() -> None:
    """ω = 5, and π/duration = π: seen as 5 - 2π."""
    spiral = Shaken(linear([[-0.1, 5.0], [-5.0, -0.1]]))
    found = coarse_multipliers(ef.CoarseTimeStepper(spiral), [0.0, 0.0], 1.0, count=2)
    assert found.highest_frequency == pytest.approx(pi)
    assert np.abs(found.rates.imag) == pytest.approx(2 * pi - 5, abs=1e-5)
    shorter = coarse_multipliers(ef.CoarseTimeStepper(spiral), [0.0, 0.0], 0.5, count=2)
    assert shorter.highest_frequency > 5
    assert np.abs(shorter.rates.imag) == pytest.approx(5, abs=1e-5)


# Implicit lifting


def test_the_error_of_a_wrong_lift_falls_exponentially_with_healing() -> None:
    """DM(t) = exp(-t) + 0.5 · 3 exp(-10 t): μ is wrong by a multiple of exp(-9 healing), 9 the gap of the rates.

    Explicit lifting, without healing, has a rate of 1.9 in place of 1.
    """
    healings = np.array([0.0, 0.6, 0.8, 1.0, 1.2])
    errors = []
    for healing in healings:
        stepper = ef.CoarseTimeStepper(WrongLift(), healing=healing)
        (value,) = coarse_multipliers(stepper, [1.5], 1.0, count=1).multipliers
        derivative = [exp(-time) + 1.5 * exp(-10 * time) for time in (healing, healing + 1)]
        assert value == pytest.approx(derivative[1] / derivative[0], abs=1e-5)
        errors.append(abs(log(abs(value)) + 1))
    assert errors[0] > 0.9
    assert np.polyfit(healings[1:], np.log(errors[1:]), 1)[0] == pytest.approx(-9.0, abs=0.15)


def test_what_healing_has_erased_is_left_out_and_not_told_as_noise() -> None:
    """Rates 1 and 30, healing 1: of the second exp(-30) is left, less than the round-off of differences."""
    stepper = ef.CoarseTimeStepper(Shaken(linear([[-1.0, 3.0], [0.0, -30.0]])), healing=1.0)
    found = coarse_multipliers(stepper, [1.0, 1.0], 0.5, count=2)
    assert found.multipliers == pytest.approx([exp(-0.5)], abs=1e-5)


# Multipliers that are 1 whatever the state


def test_a_conserved_total_is_labelled_and_does_not_make_a_state_undecided() -> None:
    """Diffusion on a ring of six: rates 2 (cos(2 π k/6) - 1) = 0, -1, -1, -3, -3, -4."""
    stepper = ef.CoarseTimeStepper(conserving(Shaken(linear(diffusion_on_a_ring(6, 1.0)))))
    found = coarse_multipliers(stepper, np.ones(6), 0.5, count=5)
    assert found.labels == ("conservation", "", "", "", "", "")
    assert found.multipliers[0] == 1
    assert not found.vectors[0].any()
    assert np.sort(found.rates[1:].real)[::-1] == pytest.approx([-1, -1, -3, -3, -4], abs=1e-4)
    assert (found.growing, found.stability) == (0, Stability.STABLE)
    assert np.abs(found.vectors[1:].sum(axis=1)).max() < 1e-6


def test_a_sum_that_is_not_named_leaves_the_state_undecided() -> None:
    stepper = ef.CoarseTimeStepper(Shaken(linear(diffusion_on_a_ring(6, 1.0))))
    found = coarse_multipliers(stepper, np.ones(6), 0.5)
    assert found.multipliers[0] == pytest.approx(1.0, abs=1e-6)
    assert found.stability is Stability.UNDECIDED


@pytest.mark.parametrize(
    "wave", [PlaneWave(), PlaneWave(places=7, winding=2, coupling=0.1), PlaneWave(places=10, winding=2, coupling=0.3)]
)
def test_the_multipliers_of_a_travelling_wave_are_those_of_its_linear_theory(wave: PlaneWave) -> None:
    """The last of them is unstable: |k| is beyond Eckhaus' limit there."""
    stepper = ef.CoarseTimeStepper(Shaken(wave.flow))
    found = coarse_multipliers(stepper, wave.state, wave.period, count=9, symmetry=Rotation(places=-1))
    exact = wave.multipliers
    trivial = int(np.argmin(np.abs(exact - 1)))
    assert exact[trivial] == pytest.approx(1.0, abs=1e-12)
    exact = sort(np.delete(exact, trivial))
    assert found.labels[0] == "symmetry"
    assert len(found.labels) in (10, 11)  # a pair is not torn apart
    assert found.multipliers[0] == 1
    told = found.multipliers[found.own]
    for value in told:
        assert np.abs(exact - value).min() < 2e-5 * max(1.0, abs(value))
    assert np.abs(told) == pytest.approx(np.abs(exact[: len(told)]), abs=2e-5, rel=2e-5)
    grows = int((np.abs(exact) > 1 + 1e-6).sum())
    assert found.growing == grows
    assert found.stability is (Stability.UNSTABLE if grows else Stability.STABLE)


def test_a_noisy_wave_is_stable_although_its_own_multiplier_is_one() -> None:
    wave = PlaneWave()
    stepper = ef.CoarseTimeStepper(Shaken(wave.flow, noise=0.01), replicas=32)
    found = coarse_multipliers(stepper, wave.state, wave.period, count=2, symmetry=Rotation(places=-1))
    assert found.stability is Stability.STABLE
    exact = sort(wave.multipliers)[1:3]
    assert sort(found.multipliers[found.own]) == pytest.approx(exact, abs=0.01)


# Standard errors


@pytest.mark.slow
@pytest.mark.parametrize("matrix", [[[0.9, 0.3], [0.0, 0.4]], [[0.6, 0.5], [-0.5, 0.6]]], ids=["real", "complex"])
def test_standard_errors_of_multipliers_are_the_spread_over_keys(matrix: Any) -> None:
    """Of real and imaginary part, over 40 keys: 39 s²/σ² is chi-squared, told within its 1e-4 quantiles."""
    stepper = ef.CoarseTimeStepper(RandomMatrices(np.array(matrix), 0.1), replicas=64)
    made = [coarse_multipliers(stepper, [1.0, 1.0], 1.0, count=2, key=(i,)) for i in range(40)]
    upper = [one.multipliers[np.argmax(one.multipliers.imag + 1e-3 * one.multipliers.real)] for one in made]
    told = [one.covariance[np.argmax(one.multipliers.imag + 1e-3 * one.multipliers.real)] for one in made]
    exact = max(np.linalg.eigvals(matrix), key=lambda one: one.imag + 1e-3 * one.real)
    parts: list[Any] = [np.real, np.imag] if exact.imag else [np.real]
    for number, part in enumerate(parts):
        spread, mean = np.var(part(upper), ddof=1), np.mean([one[number, number] for one in told])
        print(f"\n{part.__name__}: spread over keys {sqrt(spread):.4g}, told {sqrt(mean):.4g}")
        assert chi2.ppf(1e-4, 39) < 39 * spread / mean < chi2.ppf(1 - 1e-4, 39)
        assert abs(np.mean(part(upper)) - part(exact)) < 4 * sqrt(mean / 40) + 4 * mean


def test_a_multiplier_within_two_standard_errors_of_the_circle_is_undecided() -> None:
    stepper = ef.CoarseTimeStepper(RandomMatrices(np.array([[0.99]]), 0.2), replicas=16)
    found = coarse_multipliers(stepper, [1.0], 1.0, count=1)
    assert found.stderr[0] == pytest.approx(0.05, rel=4 / sqrt(2 * 15))
    assert found.stability is Stability.UNDECIDED


def test_a_multiplier_away_from_the_circle_is_decided_through_its_noise() -> None:
    for size, wanted in ((0.7, Stability.STABLE), (1.3, Stability.UNSTABLE)):
        stepper = ef.CoarseTimeStepper(RandomMatrices(np.array([[size]]), 0.2), replicas=64)
        assert coarse_multipliers(stepper, [1.0], 1.0, count=1).stability is wanted


# Large states


def heat(points: int) -> tuple[Any, Array]:
    """The heat equation between cold walls, and its exact rates -4 (n+1)² sin²(π k/(2 (n+1)))."""
    second = (points + 1) ** 2 * (np.eye(points, k=1) - 2 * np.eye(points) + np.eye(points, k=-1))
    k = np.arange(1, points + 1)
    return linear(second), -4 * (points + 1) ** 2 * np.sin(pi * k / (2 * (points + 1))) ** 2


def test_leading_rates_of_the_heat_equation_on_128_points_take_fewer_bursts_than_points() -> None:
    flow, rates = heat(128)
    stepper = ef.CoarseTimeStepper(Shaken(flow))
    found = coarse_multipliers(stepper, np.ones(128), 0.05, count=3)
    assert found.rates[:2].real == pytest.approx(rates[:2], rel=1e-3)
    assert found.multipliers == pytest.approx(np.exp(rates[:3] * 0.05), abs=1e-5)
    assert found.cost.bursts < 40


@pytest.mark.slow
def test_arnoldi_and_the_whole_derivative_agree_on_either_side_of_100_points() -> None:
    for points in (100, 101):
        flow, rates = heat(points)
        found = coarse_multipliers(ef.CoarseTimeStepper(Shaken(flow)), np.zeros(points), 0.05, count=2)
        assert found.multipliers == pytest.approx(np.exp(rates[:2] * 0.05), abs=1e-5)


def test_arnoldi_finds_a_growing_oscillation_among_fast_decay() -> None:
    rates = -5.0 * np.eye(120) - np.diag(np.arange(120.0))
    rates[7:9, 7:9] = [[0.2, 2.0], [-2.0, 0.2]]
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((120, 120)))[0]
    stepper = ef.CoarseTimeStepper(Shaken(linear(turn @ rates @ turn.T)))
    found = coarse_multipliers(stepper, np.zeros(120), 1.0, count=2)
    assert sort(found.rates) == pytest.approx([0.2 + 2j, 0.2 - 2j], abs=1e-4)
    assert found.growing == 2


# Refusals, and what else is promised


@pytest.mark.parametrize("count", [0, -3])
def test_no_multipliers_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"`count` of multipliers must be at least 1: got {count}"):
        coarse_multipliers(ef.CoarseTimeStepper(WrongLift()), [1.0], 1.0, count=count)


def test_the_same_key_gives_the_same_bits_and_another_key_others() -> None:
    stepper = ef.CoarseTimeStepper(RandomMatrices(np.array([[0.5, 0.1], [0.2, 0.3]]), 0.1), replicas=8)
    one, again, other = (coarse_multipliers(stepper, [1.0, 1.0], 1.0, key=key) for key in [(1,), (1,), (2,)])
    assert (one.multipliers == again.multipliers).all()
    assert (one.covariance == again.covariance).all()
    assert (one.multipliers != other.multipliers).all()
