"""Steady states of noisy models: intervals that cover, and no success that is none."""

from __future__ import annotations

from collections import Counter
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.stats import binom, chi2

import eqfree as ef
from eqfree.coarse_map import Rotation
from eqfree.fixed_points import Anderson, Newton, NewtonKrylov, RecursiveProjection, find_fixed_point
from eqfree.results import Status
from tests.eqfree.steady_models import PlaneWave, Shaken, WrongLift, brusselator, linear, runge_kutta

Array = NDArray[np.float64]

METHODS = [Newton(), NewtonKrylov(), Anderson(), RecursiveProjection()]
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda one: type(one).__name__)
newtons = pytest.mark.parametrize("method", METHODS[:2], ids=lambda one: type(one).__name__)


def solve(
    model: Any, start: Any, duration: float, method: Any = None, *, replicas: int = 32, seed: int = 0, **options: Any
) -> ef.FixedPoint:
    stepper = ef.CoarseTimeStepper(model, replicas=replicas, seed=seed, healing=options.pop("healing", 0.0))
    return find_fixed_point(stepper, start, duration, method=method, **options)


def errors(found: ef.FixedPoint, exact: Any) -> float:
    """The largest error in standard errors."""
    return float((np.abs(found.macro - exact) / found.stderr).max())


def deaf(flow: Any, noise: float, seed: int, **options: Any) -> Shaken:
    return Shaken(flow, noise=noise, deaf=np.random.default_rng(seed), **options)


# Standard errors


REPETITIONS = 40


def check_coverage(found: list[ef.FixedPoint], exact: Any) -> None:
    """Intervals of 95 %: of 40, fewer than 33 cover with probability 0.0007; that all do has 0.13, and is no fault."""
    assert all(one.success for one in found)
    inside = [((one.interval()[0] <= exact) & (exact <= one.interval()[1])).ravel() for one in found]
    covered = np.sum(inside, axis=0)
    print(f"\ncovered {covered.tolist()} of {REPETITIONS}")
    assert binom.cdf(32, REPETITIONS, 0.95) < 1e-3
    assert (covered >= 33).all()
    macros = np.array([one.macro for one in found]).reshape(REPETITIONS, -1)
    told = np.array([one.predicted**2 for one in found]).reshape(REPETITIONS, -1).mean(axis=0)
    ratio = macros.var(axis=0, ddof=1) / (told / len(found[0].estimates))
    print(f"variance of the answers over what replicas predict {ratio.round(3).tolist()}")
    assert (ratio * (REPETITIONS - 1) > chi2.ppf(1e-4, REPETITIONS - 1)).all()
    assert (ratio * (REPETITIONS - 1) < chi2.ppf(1 - 1e-4, REPETITIONS - 1)).all()
    bias = np.abs(macros.mean(axis=0) - exact) / np.sqrt(told / len(found[0].estimates) / REPETITIONS)
    assert (bias < 4).all()
    assert sum(bool(one.detail) for one in found) <= 2  # told at one in a thousand


@pytest.mark.slow
@every_method
def test_intervals_cover_the_steady_state_of_a_nonlinear_model(method: Any) -> None:
    """The Brusselator, from 5 % beside (1, 1.8)."""
    model = Shaken(brusselator(), noise=0.01)
    start = [1.05, 1.75]
    found = [solve(model, start, 0.5, method, replicas=16, seed=seed) for seed in range(REPETITIONS)]
    check_coverage(found, np.array([1.0, 1.8]))


@pytest.mark.slow
def test_intervals_cover_the_steady_state_that_is_read_after_healing() -> None:
    """A wrong lift, healed for 1: of its error exp(-10) is left."""
    model = WrongLift(noise=0.1)
    found = [solve(model, [2.0], 1.0, healing=1.0, replicas=16, seed=seed) for seed in range(REPETITIONS)]
    check_coverage(found, np.array([1.5]))


@pytest.mark.slow
def test_intervals_cover_the_unstable_steady_state_through_noise_that_does_not_follow_the_key() -> None:
    """x' = x² - 1, unstable at 1; additive noise after one interval leaves the mean exact."""
    flow = runge_kutta(lambda u: u * u - 1, 0.05)
    found = [solve(deaf(flow, 1e-3, seed), [1.1], 0.5, seed=seed) for seed in range(REPETITIONS)]
    check_coverage(found, np.array([1.0]))


def test_the_standard_error_of_a_linear_model_is_the_exact_one() -> None:
    """u' = -(u - 2): F = (e^-T - 1)(u - 2) + σ√T ξ/√n, four sets: σ √T/(1 - e^-T)/√(4 n)."""
    found = solve(Shaken(linear([[-1.0]], 2.0), noise=0.1), [1.0], 0.5, replicas=200, key_sets=8)
    exact = 0.1 * sqrt(0.5) / (1 - exp(-0.5)) / sqrt(200)
    assert found.predicted[0] == pytest.approx(exact, rel=4 / sqrt(2 * 200 * 8))
    assert found.estimates.std(ddof=1) == pytest.approx(exact, rel=4 / sqrt(2 * 7))
    assert abs(found.macro[0] - 2) < 4 * exact / sqrt(8)
    assert found.degrees == 8 * (200 - 1)


@pytest.mark.slow
@newtons
def test_a_wave_is_found_through_noise_with_its_period(method: Any) -> None:
    wave = PlaneWave()
    start = 1.02 * wave.state + 0.01 * np.random.default_rng(0).standard_normal(wave.state.shape)
    model = Shaken(wave.flow, noise=0.01)
    found = solve(model, start, 1.1 * wave.period, method, symmetry=Rotation(places=-1), replicas=64)
    assert found.success
    assert 0 < found.period_stderr < 0.01 * wave.period
    assert abs(found.duration - wave.period) < 4.5 * found.period_stderr  # t of three degrees: 2 %
    sizes = np.hypot(*found.macro.T)
    assert np.abs(sizes - wave.size).max() < 5 * np.hypot(*found.stderr.T).max()


# No success that is none


@pytest.mark.slow
@every_method
def test_independent_noise_is_never_mistaken_for_convergence(method: Any) -> None:
    """Starts 30 % around, noise from 1e-6 to 1e-2, another one in every burst: 60 of Newton, 25 of the others."""
    rng, told, worst = np.random.default_rng(7), Counter[str](), 0.0
    trials = 60 if isinstance(method, Newton) else 25
    for trial in range(trials):
        model = deaf(brusselator(), 10 ** rng.uniform(-6, -2), trial)
        start = np.array([1.0, 1.8]) * (1 + rng.uniform(-0.3, 0.3, 2))
        with np.errstate(all="ignore"):
            found = solve(model, start, 0.5, method, replicas=16, seed=trial)
        told[found.status.name] += 1
        if found.success:
            worst = max(worst, float((np.abs(found.macro - [1.0, 1.8]) / found.predicted).max()))
            assert (np.abs(found.macro - [1.0, 1.8]) < 5 * found.predicted).all()
    print(f"\n{type(method).__name__}: {dict(told)}, largest error {worst:.2f} predicted standard errors")
    assert told["STEADY"] >= (0.95 * trials if isinstance(method, Newton | NewtonKrylov) else 1)


@pytest.mark.slow
@every_method
@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_a_start_that_looks_steady_is_not_taken_for_the_steady_state(method: Any, noise: float) -> None:
    """u' = -0.02 (u - 1) from 0.9: it moves by 0.001, within the noise.

    With coupled noise the answer is as uncertain as it says; with independent noise the derivative drowns.
    """
    flow = linear([[-0.02]], 1.0)
    for seed in range(3):
        coupled = solve(Shaken(flow, noise=noise), [0.9], 0.5, method, seed=seed)
        exact = noise * sqrt(0.5) / (1 - exp(-0.01)) / sqrt(coupled.replicas)
        if coupled.success:
            assert coupled.predicted[0] > 0.7 * exact  # sets before had fewer replicas
            assert errors(coupled, 1.0) < 7
        independent = solve(deaf(flow, noise, seed), [0.9], 0.5, method, seed=seed)
        assert independent.status in (Status.DROWNED, Status.NOISE)
        assert "Raise `replicas`" in independent.message


@pytest.mark.slow
@every_method
@pytest.mark.parametrize("noise", [1e-5, 1e-3, 1e-2])
@pytest.mark.parametrize("listens", [True, False], ids=["coupled", "independent"])
def test_a_nearly_singular_derivative_makes_no_wrong_success(method: Any, noise: float, listens: bool) -> None:
    """u' = u² - 0.0001, just past its fold: ± 0.01, from -0.05."""
    flow = runge_kutta(lambda u: u * u - 1e-4, 0.05)
    for seed in range(2):
        model = Shaken(flow, noise=noise) if listens else deaf(flow, noise, seed)
        with np.errstate(all="ignore"):
            found = solve(model, [-0.05], 1.0, method, seed=seed, replicas=16)
        if found.success:
            assert min(errors(found, 0.01), errors(found, -0.01)) < 7  # t of three degrees: 0.6 %


@pytest.mark.slow
@every_method
@pytest.mark.parametrize("listens", [True, False], ids=["coupled", "independent"])
def test_where_nothing_is_steady_noise_makes_nothing_steady(method: Any, listens: bool) -> None:
    """u' = 1 + u²: it moves by at least 0.1, thirteen standard errors of 16 replicas."""
    flow = runge_kutta(lambda u: 1 + u * u, 0.05)
    model = Shaken(flow, noise=0.1) if listens else deaf(flow, 0.1, 3)
    with np.errstate(all="ignore"):
        found = solve(model, [0.5], 0.1, method, replicas=16)
    assert not found.success
    assert found.status in (Status.NOISE, Status.DROWNED, Status.NOT_FINITE)


@every_method
def test_a_last_step_out_of_bounds_is_told_and_not_raised(method: Any) -> None:
    """A steady state at 0.003, seen to ± 0.009, where no population is below zero."""
    told = set()
    for seed in range(5):
        model = Shaken(linear([[-1.0]], 0.003), noise=0.05, fields=({"name": "x", "bounds": (0.0, np.inf)},))
        found = solve(model, [0.1], 0.5, method, seed=seed)
        told.add(found.status)
        if not found.success:
            assert "x must lie in [0, inf]" in found.message
    assert told <= {Status.STEADY, Status.OUTSIDE}


@every_method
def test_a_noisy_model_that_breaks_beside_the_start_is_told_as_not_finite(method: Any) -> None:
    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        return micro + 1e-3 * rng.normal(size=1) if micro[0] == 1.0 else micro * np.nan

    model = ef.micro_model(lambda u, rng: u, evolve, lambda u: u)
    assert solve(model, [1.0], 1.0, method).status is Status.NOT_FINITE


# Replicas


class Watched(Shaken):
    """Notes which noise its replicas are given."""

    def burst_batch(self, macros: Array, times: Array, streams: Any) -> Array:
        seen.update({stream.spawn_key for _, stream in streams})
        return super().burst_batch(macros, times, streams)


seen: set[Any] = set()


def test_replicas_are_raised_where_the_derivative_drowns_and_those_there_keep_their_noise() -> None:
    """Differences of independent noise of 0.03 drown in 16 replicas of a slow decay, and not in 64 or 256."""
    flow = linear([[-0.3]], 1.0)
    found = solve(deaf(flow, 0.03, 0), [0.9], 1.0, replicas=16)
    assert found.success
    assert found.replicas in (64, 256)
    assert errors(found, 1.0) < 7
    seen.clear()
    drowned = solve(Watched(linear([[-0.02]], 1.0), noise=0.5, deaf=np.random.default_rng(0)), [0.9], 0.5, replicas=16)
    assert (drowned.status, drowned.replicas) == (Status.DROWNED, 256)
    assert seen == {(0, replica, 1) for replica in range(256)}  # one key, whatever how many there are


def test_no_set_fights_the_noise_with_more_than_sixteen_times_the_replicas() -> None:
    """However many sets have raised them before: under this seed some have."""
    model = Shaken(linear([[-0.02]], 1.0), noise=0.5)
    found = solve(model, [0.9], 0.5, NewtonKrylov(), replicas=8, seed=1, key_sets=6)
    assert found.replicas == 128


def test_most_replicas_is_kept() -> None:
    found = solve(deaf(linear([[-0.02]], 1.0), 0.5, 0), [0.9], 0.5, Newton(most_replicas=64))
    assert (found.status, found.replicas) == (Status.DROWNED, 32)


# Keys


@every_method
def test_the_same_key_gives_the_same_bits_and_another_key_others(method: Any) -> None:
    model = Shaken(brusselator(), noise=0.01)
    one, again, other = (solve(model, [1.05, 1.75], 0.5, method, key=key) for key in [(4,), (4,), (5,)])
    for name in ("macro", "stderr", "lifted", "residual", "estimates", "predicted"):
        assert (getattr(one, name) == getattr(again, name)).all()
        assert (getattr(one, name) != getattr(other, name)).all()
    assert one.cost == again.cost


def test_a_conserved_total_is_kept_through_noise() -> None:
    """Exchange between four boxes, shaken along differences only."""
    rates = np.array([[-1.0, 0.5, 0, 0], [1.0, -1.0, 0.7, 0], [0, 0.5, -1.2, 1.0], [0, 0, 0.5, -1.0]])
    flow = linear(rates)

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        kicks = 0.05 * rng.standard_normal(4)
        return np.asarray(flow(micro, duration) + kicks - kicks.mean())

    model = ef.micro_model(lambda u, rng: u, evolve, lambda u: u, conserved=lambda u: u.sum(keepdims=True))
    found = solve(model, [4.0, 0.0, 1.0, 3.0], 1.0)
    kernel = np.linalg.svd(rates)[2][-1]
    assert found.success
    assert found.lifted.sum() == pytest.approx(8.0, rel=1e-14)
    assert found.macro.sum() == pytest.approx(8.0, rel=1e-12)
    assert errors(found, 8 * kernel / kernel.sum()) < 7
