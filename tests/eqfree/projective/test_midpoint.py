from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import eqfree as ef
from eqfree.projective import Euler, Method, Midpoint
from tests.eqfree.models import Brownian, OrnsteinUhlenbeck, decay, drift
from tests.eqfree.projective.slow_fast import linear, logistic

Array = NDArray[np.float64]
EPSILON = 1e-5


def last(stepper: ef.CoarseTimeStepper, end: float, macro: Any, method: Method) -> Array:
    result = ef.solve_projective(stepper, (0.0, end), macro, method)
    assert result.success
    return np.asarray(result.macro[-1])


def test_it_ends_on_the_slow_manifold() -> None:
    x, y = last(ef.CoarseTimeStepper(linear(EPSILON), healing=0.001), 1.0, [1.0, 5.0], Midpoint(0.1, 0.002))
    assert y == pytest.approx(x / (1 - EPSILON), rel=1e-6)
    u, v = last(ef.CoarseTimeStepper(logistic(EPSILON), healing=0.001), 1.0, [0.5, -0.26], Midpoint(0.1, 0.002))
    assert v == pytest.approx(u**2, rel=1e-2)  # off it by what a leap along a chord misses of a curve
    assert u == pytest.approx(0.2 / (0.2 + 0.8 / np.e), rel=1e-3)


def test_projective_midpoint_is_exact_on_motion_that_is_quadratic_in_time() -> None:
    """t' = 1, x' = t: every chord is the slope at its middle, and so is the leap's."""
    parabola = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: np.array([micro[0] + duration, micro[1] + duration * (micro[0] + duration / 2)]),
        lambda micro: micro,
        deterministic=True,
    )
    stepper = ef.CoarseTimeStepper(parabola, healing=0.03)
    result = ef.solve_projective(stepper, (0.0, 2.0), [0.0, 0.0], Midpoint(0.3, 0.1))
    assert result.macro[:, 1] == pytest.approx(result.times**2 / 2, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("healing", [0.0, 0.25, 0.5])
@pytest.mark.parametrize("rate", [0.1, 1.0, 5.0, 40.0])
def test_a_mode_is_multiplied_by_the_stability_polynomial(healing: float, rate: float) -> None:
    step, burst = 2.5, 0.75
    at_healing, at_burst = np.exp(-rate * healing), np.exp(-rate * burst)
    chord = (at_burst - at_healing) / (burst - healing)
    expected = at_burst + (step - burst) * chord * (at_burst + ((step - healing) / 2 - burst) * chord)
    found = last(ef.CoarseTimeStepper(decay(rate), healing=healing), step, [1.0], Midpoint(step, burst))[0]
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("rate", "damped"), [(1.95, True), (2.05, False)])
def test_slow_modes_are_stable_as_far_as_in_the_midpoint_rule(rate: float, damped: bool) -> None:
    """1 - z + z²/2 is 1 at z = 2: the limit of vanishing bursts."""
    after = abs(last(ef.CoarseTimeStepper(decay(rate)), 200.0, [1.0], Midpoint(1.0, 1e-4))[0])
    assert (after < 1) == damped


@pytest.mark.parametrize(("healing", "damped"), [(0.5, True), (0.01, False)])
def test_fast_modes_are_damped_once_they_are_healed(healing: float, damped: bool) -> None:
    """Leaps L, M over chords of 0.1: |G²| L M = exp(-2 r h)/0.01 L M, far above 1 without healing."""
    method = Midpoint(2.5, healing + 0.1)
    after = abs(last(ef.CoarseTimeStepper(decay(20.0), healing=healing), 25.0, [1.0], method)[0])
    assert (after < 1e-6) == damped


@pytest.mark.parametrize("end", [1.0, 0.95, 0.3, 0.01])
def test_the_last_step_lands_exactly_on_the_end(end: float) -> None:
    result = ef.solve_projective(ef.CoarseTimeStepper(drift(time_step=0.1)), (0.0, end), [0.0], Midpoint(0.3, 0.1))
    assert result.times[-1] == end
    assert result.macro[-1, 0] == pytest.approx(2 * end, rel=1e-12)


def test_two_bursts_a_step_are_all_that_is_simulated() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=3)
    cost = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Midpoint(0.25, 0.0625)).cost
    assert (cost.bursts, cost.micro_time) == (3 * 8, 3 * 8 * 0.0625)


def test_bursts_are_numbered_in_the_key_after_the_step_and_groups_after_them() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=4, healing=0.125)
    result = ef.solve_projective(stepper, (0.0, 2.0), [1.0], Midpoint(1.0, 0.25), (7,), groups=1)
    for number in (0, 1):
        at_healing, at_burst = stepper.burst(result.macro[number], [0.125, 0.25], (7, number, 0, 0)).mean
        middle = at_burst + (0.4375 - 0.25) * (at_burst - at_healing) / 0.125
        rate = stepper.rate(middle, 0.25, (7, number, 1, 0)).value
        assert result.macro[number + 1] == pytest.approx(at_burst + 0.75 * rate, rel=1e-12)


@pytest.mark.slow
def test_the_noise_of_a_step_over_diffusion_is_that_of_the_docstring() -> None:
    """Var = s² (b + L²/(b - h)) a step: the end of the first burst, and an independent chord of the second."""
    noise, healing, burst, step, steps, replicas = 0.5, 0.25, 0.75, 2.0, 40, 400
    stepper = ef.CoarseTimeStepper(Brownian(1.0, noise), replicas=replicas, healing=healing, seed=8)
    result = ef.solve_projective(stepper, (0.0, steps * step), [0.0], Midpoint(step, burst), groups=replicas)
    one = burst + (step - burst) ** 2 / (burst - healing)
    exact = noise**2 * one / replicas * np.arange(1, steps + 1)
    spread = sqrt(2 / (replicas - 1))
    assert (np.abs(result.stderr[1:, 0] ** 2 / exact - 1) < 4 * spread).all()
    assert (np.abs(result.macro[1:, 0] - result.times[1:]) < 4 * np.sqrt(exact)).all()


def test_it_beats_euler_at_the_same_cost() -> None:
    """Two bursts in twice the step, as many bursts in all."""
    stepper, exact = ef.CoarseTimeStepper(linear(EPSILON), healing=0.001), np.exp(-1.0)
    euler, midpoint = Euler(0.05, 0.002), Midpoint(0.1, 0.002)
    errors = [abs(last(stepper, 1.0, [1.0, 1.0], method)[0] - exact) for method in (euler, midpoint)]
    assert errors[1] < 0.1 * errors[0]


@pytest.mark.parametrize(
    ("step", "burst", "message"),
    [
        (0.1, 0.5, r"`step` must exceed the burst .* got step=0\.1 with burst=0\.5"),
        (0.5, 0.5, r"got step=0\.5 with burst=0\.5"),
        (1.0, 0.0, r"positive times: got step=1\.0, burst=0\.0"),
        (np.inf, 1.0, r"positive times: got step=inf"),
        (1.0, np.nan, r"burst=nan"),
    ],
)
def test_times_that_make_no_step_are_refused_with_both(step: float, burst: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Midpoint(step, burst)


def test_a_burst_shorter_than_the_healing_is_refused_with_both() -> None:
    with pytest.raises(ValueError, match=r"got burst=0\.125 with healing=0\.25"):
        ef.solve_projective(ef.CoarseTimeStepper(decay(), healing=0.25), (0.0, 1.0), [1.0], Midpoint(0.5, 0.125))


def test_a_step_that_its_bursts_cover_is_simulated_and_says_so() -> None:
    """Two bursts of 0.3 in a step of 0.5; simulation is exact, the midpoint rule is not."""
    result = ef.solve_projective(ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0], Midpoint(0.5, 0.3))
    assert result.macro[-1, 0] == pytest.approx(np.exp(-1.0), rel=1e-14)
    assert (result.simulated, result.cost) == (2, ef.Cost(2, 1.0))
    assert "2 of 2 steps were simulated plainly" in result.message
