"""The coarse map read twice: charts, differences with their noise, and the coupling of both."""

from __future__ import annotations

from math import exp, expm1, inf, sqrt
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.sparse import diags_array
from scipy.sparse.linalg import expm_multiply

import eqfree as ef
from agents.molecules import Direct, Method, RandomTimeChange, WellMixed, read_network
from eqfree.coarse_map import Chart, CoarseMap, Rotation, check_map
from eqfree.fields import OutOfBoundsError
from tests.eqfree.models import OrnsteinUhlenbeck
from tests.eqfree.steady_models import RandomMatrices, Shaken, WrongLift, diffusion_on_a_ring, linear

Array = NDArray[np.float64]

RATES = np.array([[-1.0, 2.0, 0.0], [0.3, -2.0, 0.5], [0.0, 0.7, -0.1]])


def still(macro: Array, **options: Any) -> ef.MicroModel:
    return ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u, deterministic=True, **options)


# Charts


@pytest.mark.parametrize("number", [1.0, 1e4])
@pytest.mark.parametrize("rounded", [False, True])
def test_no_step_of_a_chart_changes_what_is_conserved(rounded: bool, number: float) -> None:
    """Two weighted sums of six numbers with scales a thousand times apart, rounded or not."""
    weights = np.array([[1.0, 1, 1, 0, 0, 0], [0, 0, 2, 1, 0.5, 3]]) * number
    fields = [
        {"name": "a", "coordinates": {"x": [0, 1, 2]}},
        {"name": "b", "coordinates": {"y": [0, 1, 2]}, "scale": 1e-3},
    ]

    def conserved(macro: Array) -> Array:
        totals = weights @ macro.ravel()
        return np.rint(totals) if rounded else totals

    origin = np.array([1.0, 2.0, 7.0, 1e-3, 2e-3, 0.0])
    chart = Chart.of(ef.CoarseTimeStepper(still(origin, conserved=conserved, fields=fields)), origin)
    assert (chart.size, chart.conserved) == (4, 2)
    places = np.random.default_rng(0).standard_normal((50, 4))
    for place in places:
        change = weights @ (chart.macro(place) - origin)
        assert np.abs(change).max() < (1e-8 if rounded else 1e-14) * np.abs(weights).max() * 7


def test_the_length_of_a_place_is_the_root_mean_square_of_its_change_in_scales() -> None:
    fields = [{"name": "a", "scale": 10.0}, {"name": "b", "coordinates": {"x": [0, 1]}}, {"name": "c"}]
    origin = np.array([3.0, -4.0, 2.0, 0.0])
    chart = Chart.of(ef.CoarseTimeStepper(still(origin, fields=fields)), origin)
    place = np.array([0.1, -0.2, 0.3, 0.4])
    parts = (chart.macro(place) - origin) / [10.0, 4.0, 4.0, 1.0]
    assert np.linalg.norm(place) == pytest.approx(sqrt((parts**2).mean()))


def test_projecting_a_change_is_the_inverse_of_making_it() -> None:
    origin = np.arange(6.0).reshape(3, 2)
    model = still(origin, conserved=lambda macro: macro.sum(keepdims=True))
    chart = Chart.of(ef.CoarseTimeStepper(model), origin)
    places = np.random.default_rng(1).standard_normal((2, 3, chart.size))
    assert chart.project(chart.change(places)) == pytest.approx(places)
    assert chart.macro(places[0, 0]).shape == (3, 2)


# Derivatives


def derivative(stepper: ef.CoarseTimeStepper, macro: Any, duration: float, key: Any = (), **options: Any) -> Any:
    state = np.array(macro, dtype=np.float64)
    chart, coarse = Chart.of(stepper, state), CoarseMap(stepper, duration, **options)
    (look,) = coarse.looks([state], [key])
    made = coarse.differentiate(chart, np.zeros(chart.size), np.eye(chart.size), look, key)
    return made, chart


def matrices(made: Any, chart: Chart) -> tuple[Array, Array]:
    """Derivatives of flattened macro states by macro states."""
    back = chart.basis.T @ (chart.basis / chart.scale)
    return made.healed @ chart.basis / chart.scale @ np.eye(len(back)), made.later @ chart.basis / chart.scale


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_differences_of_a_linear_model_are_its_propagators(noise: float) -> None:
    """Additive noise under one key cancels to round-off: 1e-16 of the state over the step of 1e-3 or 1e-7."""
    stepper = ef.CoarseTimeStepper(Shaken(linear(RATES, [1.0, 2.0, 3.0]), noise=noise), replicas=8, healing=0.2)
    healed, later = matrices(*derivative(stepper, [2.0, 0.5, -1.0], 0.5))
    for made, time in ((healed, 0.2), (later, 0.7)):
        assert made == pytest.approx(np.broadcast_to(expm(RATES * time), made.shape), abs=1e-7)


def test_differences_are_one_sided_where_a_bound_forbids_the_other_side() -> None:
    """Of a cubic, whose differences tell the sides apart: (f(h) - f(0))/h = 1 + h², (f(2) - f(2 - h))/h = ..."""
    seen = []

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        seen.append(micro[0])
        return micro + micro**2 + 0 * rng.normal()

    def slope(at: float) -> float:
        seen.clear()
        model = ef.micro_model(
            lambda u, rng: u, evolve, lambda u: u, fields=[{"name": "u", "bounds": (0.0, 2.0), "scale": 1.0}]
        )
        made, _ = derivative(ef.CoarseTimeStepper(model, replicas=8), [at], 1.0, difference=0.5)
        return float(made.later.mean())

    assert slope(0.0) == pytest.approx(1 + 0.5)
    assert min(seen) == 0.0
    assert slope(1.0) == pytest.approx(1 + 2.0)
    assert slope(2.0) == pytest.approx(1 + 3.5)
    assert max(seen) == 2.0


def test_a_state_between_two_bounds_closer_than_the_step_is_refused_with_the_bound() -> None:
    model = ef.micro_model(
        lambda u, rng: u, lambda u, t, rng: u, lambda u: u, fields=[{"name": "u", "bounds": (0.9, 1.1), "scale": 1.0}]
    )
    with pytest.raises(OutOfBoundsError, match=r"u must lie in \[0.9, 1.1\]: got 1.5"):
        derivative(ef.CoarseTimeStepper(model, replicas=8), [1.0], 1.0, difference=0.5)


def test_a_deterministic_model_takes_one_burst_a_direction_and_a_noisy_one_two() -> None:
    made, _ = derivative(ef.CoarseTimeStepper(Shaken(linear(RATES))), np.ones(3), 1.0)
    assert made.cost.bursts == 3
    made, _ = derivative(ef.CoarseTimeStepper(Shaken(linear(RATES), noise=0.1), replicas=8), np.ones(3), 1.0)
    assert made.cost.bursts == 2 * 3 * 8


def test_the_step_of_a_noisy_model_is_that_of_the_formula_within_its_limits() -> None:
    for noise, wanted in ((1e-12, 1e-3), (1e-3, (9 * 1e-3**2 / 32) ** (1 / 6)), (100.0, 0.1)):
        stepper = ef.CoarseTimeStepper(Shaken(linear([[-1.0]]), noise=noise), replicas=32)
        coarse = CoarseMap(stepper, 1.0)
        (look,) = coarse.looks([np.ones(1)], [()])
        ratio = coarse.step(Chart.of(stepper, np.ones(1)), look) / wanted
        assert abs(ratio - 1) < 4 * sqrt(2 / 31) / 6 + 1e-12  # a sixth of the relative error of the variance


# Coupling


@pytest.mark.parametrize("duration", [0.01, 0.1])
def test_both_readings_come_from_one_path(duration: float) -> None:
    """Var[x(h+T) - x(h)] = v(h) (1 - e^-T)² + v(T) on one path, v(h) + v(h + T) on two (Uhlenbeck & Ornstein 1930)."""
    model, healing, replicas = OrnsteinUhlenbeck(), 1.0, 2000
    (look,) = CoarseMap(ef.CoarseTimeStepper(model, replicas=replicas, healing=healing), duration).looks(
        [np.array([1.0])], [()]
    )
    measured = float((look.later - look.healed).var(ddof=1))
    exact = model.variance(healing) * expm1(-duration) ** 2 + model.variance(duration)
    two = model.variance(healing) + model.variance(healing + duration)
    print(f"\nduration {duration}: variance of the change on one path {measured:.4g}, on two {two:.4g}")
    assert abs(measured / exact - 1) < 4 * sqrt(2 / (replicas - 1))
    assert measured < (0.25 if duration > 0.05 else 0.025) * two


def test_the_derivative_of_a_noisy_map_has_the_noise_of_the_map() -> None:
    """u -> (M + s G) u: every entry of the derivative is normal with standard deviation s."""
    matrix, noise, replicas = np.array([[0.8, 0.1], [-0.2, 0.5]]), 0.2, 300
    stepper = ef.CoarseTimeStepper(RandomMatrices(matrix, noise), replicas=replicas)
    _, later = matrices(*derivative(stepper, [2.0, 3.0], 1.0))
    assert np.abs(later.mean(axis=0) - matrix).max() < 4 * noise / sqrt(replicas)
    assert np.abs(later.std(axis=0, ddof=1) / noise - 1).max() < 4 / sqrt(2 * replicas)


def schlogl(method: Method, *, replicas: int) -> CoarseMap:
    model = WellMixed(read_network("schlogl"), volume=1.0, method=method)
    return CoarseMap(ef.CoarseTimeStepper(model, replicas=replicas, seed=20), duration=0.1, difference=2 / 248)


def exact_schlogl_difference(low: int, high: int, duration: float) -> float:
    """(E[n(T) | high] - E[n(T) | low]) / (high - low) by the backward equation, on 0 to 1000 molecules."""
    n = np.arange(1001.0)
    birth, death = 0.015 * n * (n - 1) + 200, n * (n - 1) * (n - 2) / 6e4 + 3.5 * n
    birth[-1] = 0.0
    generator = diags_array([death[1:], -(birth + death), birth[:-1]], offsets=[-1, 0, 1]).tocsr()
    means = expm_multiply(duration * generator, n)
    return float(means[high] - means[low]) / (high - low)


@pytest.mark.slow
def test_coupled_and_independent_products_agree_and_coupling_pays() -> None:
    """Schlögl's network at its saddle, 248 ± 2 molecules for 0.1: all means are the master equation's."""
    replicas, state = 1000, np.array([248.0])
    exact = exact_schlogl_difference(246, 250, 0.1)
    told: dict[str, Array] = {}
    for name, method in (("one stream", Direct()), ("a stream a reaction", RandomTimeChange())):
        coarse = schlogl(method, replicas=replicas)
        chart = Chart.of(coarse.stepper, state)
        (look,) = coarse.looks([state], [(0,)])
        made = coarse.differentiate(chart, np.zeros(1), np.eye(1), look, (0,))
        told[name] = made.later[:, 0, 0] / 248
    right, left = schlogl(Direct(), replicas=replicas).looks([state + 2, state - 2], [(2,), (3,)])
    told["independent"] = (right.later - left.later)[:, 0] / 4
    print(f"\nSchlögl, T = 0.1, 248 ± 2: exact {exact:.4f}")
    for name, samples in told.items():
        ratio = samples.var(ddof=1) / told["independent"].var(ddof=1)
        stderr = samples.std(ddof=1) / sqrt(replicas)
        print(f"  {name}: {samples.mean():.4f} ± {stderr:.4f}, variance {samples.var(ddof=1):.4g}, ratio {ratio:.3f}")
        assert abs(samples.mean() - exact) < 4 * stderr
    for one, other in (("one stream", "independent"), ("a stream a reaction", "one stream")):
        # the logarithm of a ratio of variances is known to √(κ/n) each, κ = 2 for normal numbers
        excess = [((x - x.mean()) ** 4).mean() / x.var() ** 2 - 1 for x in (told[one], told[other])]
        drop = np.log(told[other].var() / told[one].var())
        assert drop > 4 * sqrt(sum(excess) / replicas)


def test_reads_after_healing_what_a_wrong_lift_left() -> None:
    model = WrongLift()
    (look,) = CoarseMap(ef.CoarseTimeStepper(model, healing=0.3), duration=0.4).looks([np.array([2.0])], [()])
    for made, time in ((look.healed, 0.3), (look.later, 0.7)):
        slow, fast = 1 + 0.5 * exp(-time), 1 + 5 * exp(-10 * time)
        assert made == pytest.approx(slow + 0.5 * fast, rel=1e-12)


# Rotation


def test_a_rotation_turns_a_wave_that_moved_back_and_its_generator_is_the_derivative() -> None:
    place = 2 * np.pi * np.arange(9) / 9

    def wave(shift: float) -> Array:
        return np.stack((np.sin(place + shift), np.cos(3 * (place + shift))), axis=-1)

    unit = 2 * np.pi / 9
    assert Rotation(places=2).turn(wave(2 * unit)) == pytest.approx(wave(0.0))
    slope = np.stack((np.cos(place), -3 * np.sin(3 * place)), axis=-1) * unit
    assert Rotation(places=2).generator(wave(0.0)) == pytest.approx(slope)


def test_the_generator_of_the_wave_of_every_second_place_is_zero() -> None:
    assert Rotation(places=1).generator(np.array([1.0, -1.0, 1.0, -1.0])) == pytest.approx(0.0)


# Refusals


@pytest.mark.parametrize("duration", [0.0, -1.0, inf, float("nan")])
def test_a_duration_that_is_none_is_refused(duration: float) -> None:
    with pytest.raises(ValueError, match="`duration`, between the two readings of a burst, must be positive"):
        check_map(ef.CoarseTimeStepper(Shaken(linear(RATES))), duration)


def test_seven_replicas_of_a_noisy_model_are_too_few_and_of_another_enough() -> None:
    with pytest.raises(ValueError, match=r"at least 8 `replicas`.*got 7"):
        check_map(ef.CoarseTimeStepper(Shaken(linear(RATES), noise=1.0), replicas=7), 1.0)
    check_map(ef.CoarseTimeStepper(Shaken(linear(RATES), noise=1.0), replicas=8), 1.0)
    check_map(ef.CoarseTimeStepper(Shaken(linear(RATES)), replicas=1), 1.0)


def test_conserved_directions_are_not_asked() -> None:
    model = Shaken(linear(diffusion_on_a_ring(5, 1.0)))
    kept = ef.micro_model(
        model.lift, model.evolve, model.restrict, deterministic=True, conserved=lambda u: u.sum(keepdims=True)
    )
    made, chart = derivative(ef.CoarseTimeStepper(kept), np.ones(5), 1.0)
    assert (chart.size, made.cost.bursts) == (4, 4)
    assert np.abs(made.later.sum(axis=1)).max() < 1e-8
