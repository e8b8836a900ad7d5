"""Hopf points of known steady states, their curves over two parameters, and oscillations that are too fast."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import pytest

import eqfree as ef
from eqfree.continuation import CurveSteps, EventOptions, PseudoArclength, Steps, trace_events
from tests.eqfree.continuation.branch_models import cusp, euler
from tests.eqfree.periodic.oscillators import OMEGA, NormalForm, normal_form


def rest(_: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.zeros(2)


@pytest.mark.parametrize("halves", [1.2, 2.3, 3.4, 4.7])
def test_more_than_half_a_turn_between_readings_is_refused_with_the_limit(halves: float) -> None:
    """π/ω = π/2 for ω = 2."""
    duration = halves * pi / OMEGA
    found = ef.find_hopf_point(normal_form(), rest, (-0.1, 0.15), duration)
    assert np.isnan(found.stderr)
    assert "must be read at least every π/ω = 1.5708" in found.detail
    how = PseudoArclength(duration=duration, span=(-0.1, 0.15), steps=Steps(first=0.1))
    (event,) = ef.continue_branch(normal_form(), [0.0, 0.0], -0.1, how, directions=(1,)).events
    assert np.isnan(event.stderr)
    assert "π/ω = 1.5708" in event.detail


def test_less_than_half_a_turn_is_not() -> None:
    found = ef.find_hopf_point(normal_form(), rest, (-0.1, 0.15), 0.95 * pi / OMEGA)
    assert found.parameter == pytest.approx(0.0, abs=1e-6)
    assert found.frequency == pytest.approx(OMEGA, abs=1e-5)
    assert not found.detail


def growing(noise: float, seed: int) -> Any:
    """dz = (p + 2i) z dt + noise z dW: E z(t) = z(0) exp((p + 2i) t), exactly."""

    def stepper_of(p: float) -> ef.CoarseTimeStepper:
        def evolve(z: complex, t: float, rng: np.random.Generator) -> complex:
            kick = noise * np.sqrt(t) * rng.standard_normal() - noise**2 * t / 2
            return complex(z * np.exp((p + OMEGA * 1j) * t + kick))

        model = ef.micro_model(lambda u, rng: complex(*u), evolve, lambda z: np.array([z.real, z.imag]))
        return ef.CoarseTimeStepper(model, replicas=16, seed=seed)

    return stepper_of


@pytest.mark.slow
def test_intervals_cover_the_hopf_point_through_noise() -> None:
    """At least 10 of 12 intervals of 95 %, from four sets of random numbers each: 11.4 are expected."""
    covered, scores = 0, []
    for seed in range(12):
        found = ef.find_hopf_point(growing(0.07, seed), rest, (-0.5, 0.5), 1.0, events=EventOptions(key_sets=4))
        low, high = found.interval()
        covered += low <= 0 <= high
        scores.append(found.parameter / (found.predicted / 2))
        assert found.predicted == pytest.approx(0.07 / np.sqrt(16), rel=0.5)
    assert covered >= 10
    assert 0.3 < np.mean(np.square(scores)) < 2.0  # of 12 squares: one, give or take 0.41


def test_a_point_that_noise_hides_is_not_declared() -> None:
    def stepper_of(p: float) -> ef.CoarseTimeStepper:
        return ef.CoarseTimeStepper(NormalForm(p, noise=1.0), replicas=8)

    found = ef.find_hopf_point(stepper_of, rest, (-0.02, 0.02), 1.0, events=EventOptions(key_sets=2))
    assert np.isnan(found.stderr)
    assert found.detail


def test_without_a_pair_it_says_so() -> None:
    found = ef.find_hopf_point(cusp(), lambda _: [0.0], (-0.1, 0.1), 0.1)
    assert "no pair of multipliers" in found.detail


def test_two_pairs_that_cross_one_after_the_other_are_two_hopf_points() -> None:
    """Eigenvalues p ± 1i and p - 0.2 ± 2i, by Euler's steps of 0.01: |1 + 0.01 (q + iω)| = 1."""
    turns = np.zeros((4, 4))
    turns[0, 1], turns[1, 0], turns[2, 3], turns[3, 2] = -1.0, 1.0, -2.0, 2.0
    off = np.array([0.0, 0.0, -0.2, -0.2])
    stepper_of = euler(lambda u, p: (p + off) * u + u @ turns - (u**2).sum(axis=-1, keepdims=True) * u)
    how = PseudoArclength(duration=0.01, span=(-0.15, 0.45), steps=Steps(first=0.06), multipliers=4)
    branch = ef.continue_branch(stepper_of, np.zeros(4), -0.15, how, directions=(1,))
    exact = [shift + (np.sqrt(1 - (0.01 * w) ** 2) - 1) / 0.01 for shift, w in ((0.0, 1.0), (0.2, 2.0))]
    assert [event.kind for event in branch.events] == ["Hopf", "Hopf"]
    assert [event.parameter for event in branch.events] == pytest.approx(exact, abs=1e-5)
    assert [event.frequency for event in branch.events] == pytest.approx([1.0, 2.0], abs=1e-3)


# Over two parameters


@pytest.mark.slow
def test_a_curve_of_hopf_points_goes_round_where_it_turns_back() -> None:
    """(x + iy)' = (p² + q² - 1 + 2i) z - |z|² z: the unit circle."""

    def find(line: Any, points: Any, key: Any) -> ef.BranchEvent:
        def stepper_of(distance: float) -> ef.CoarseTimeStepper:
            p, q = line(distance)
            return normal_form()(p**2 + q**2 - 1)

        return ef.find_hopf_point(stepper_of, rest, (-0.2, 0.2), 1.0, key)

    curve = trace_events(find, (1.0, 0.0), CurveSteps(first=0.3, points=24))
    assert curve.success
    assert np.hypot(curve.first, curve.second) == pytest.approx(np.ones(24), abs=1e-6)
    angle = np.unwrap(np.arctan2(curve.second, curve.first))
    assert angle[-1] - angle[0] > 2 * pi
    assert (curve.to_pandas()["frequency"] - OMEGA).abs().max() < 1e-5


def test_folds_are_followed_to_the_border_of_the_span() -> None:
    """u' = p + q u - u³: 27 p² = 4 q³."""

    def stepper_of(pair: tuple[float, float]) -> ef.CoarseTimeStepper:
        return euler(lambda u, p: p + pair[1] * u - u**3)(pair[0])

    how = PseudoArclength(duration=0.1, span=(-1.0, 1.0), steps=Steps(first=0.1))
    branch = ef.continue_branch(lambda p: stepper_of((p, 1.0)), [-1.2], -0.6, how, directions=(1,))
    steps = CurveSteps(first=0.1, largest=0.2, points=30, spans=((-2.0, 2.0), (0.3, 1.5)))
    for direction in (1, -1):
        curve = ef.continue_event(stepper_of, branch.folds()[0], 1.0, how, steps, direction=direction)
        assert curve.status is ef.Status.BORDER
        assert len(curve.points) >= 4
        assert 27 * curve.first**2 == pytest.approx(4 * curve.second**3, abs=1e-5)
        assert (np.diff(curve.second) * direction > 0).all()


def test_a_curve_is_refused_where_it_cannot_be() -> None:
    with pytest.raises(ValueError, match="0 < smallest <= first <= largest"):
        CurveSteps(first=0.1, largest=0.05)
    with pytest.raises(ValueError, match="`spans` of the parameters"):
        CurveSteps(spans=((1.0, 0.0), (0.0, 1.0)))
    seen = ef.continue_branch(
        cusp(), [-1.2], -0.6, PseudoArclength(duration=0.1, span=(-0.6, 0.6)), directions=(1,), events=None
    ).folds()[0]
    with pytest.raises(ValueError, match="must have been located: got a fold"):
        ef.continue_event(lambda _: cusp()(0.0), seen, 1.0, PseudoArclength(duration=0.1), CurveSteps())
