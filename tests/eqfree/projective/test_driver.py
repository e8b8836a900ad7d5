from __future__ import annotations

from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import NotFiniteError
from eqfree.projective import Euler, Method, Midpoint, ProjectiveState, RungeKutta4, Telescopic, iter_projective
from tests.eqfree.models import Brownian, OrnsteinUhlenbeck, decay, drift

Array = NDArray[np.float64]


def last(stepper: ef.CoarseTimeStepper, end: float, macro: Any, method: Euler) -> Array:
    result = ef.solve_projective(stepper, (0.0, end), macro, method)
    assert result.success
    return np.asarray(result.macro[-1])


def test_projective_euler_is_exact_on_motion_that_is_linear_in_time() -> None:
    result = ef.solve_projective(ef.CoarseTimeStepper(drift()), (0.5, 2.0), [1.0], Euler(0.4, 0.1))
    assert np.allclose(result.macro[:, 0], 1 + 2 * (result.times - 0.5), rtol=1e-13)


@pytest.mark.parametrize("damping", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("ratio", [0.05, 0.5, 0.9])
def test_a_mode_is_damped_by_the_stability_polynomial(damping: int, ratio: float) -> None:
    """A mode exp(-rate t) over a step: sigma = exp(-rate b) + L (exp(-rate b) - exp(-rate h)) / (b - h).

    With rho = exp(-rate (b - h)), h = k (b - h) and leap L = M (b - h) this is [(M + 1) rho - M] rho**k, the
    polynomial of Gear and Kevrekidis, SIAM J. Sci. Comput. 24 (2003) 1091, of k damping steps and one for the chord.
    """
    chord, leap_factor = 0.125, 6
    burst, step = (damping + 1) * chord, (damping + 1 + leap_factor) * chord
    stepper = ef.CoarseTimeStepper(decay(-np.log(ratio) / chord), healing=damping * chord)
    expected = ((leap_factor + 1) * ratio - leap_factor) * ratio**damping
    assert last(stepper, step, [1.0], Euler(step, burst))[0] == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("leap_factor", "damped"), [(4.8, True), (4.86, False)])
def test_one_damping_step_is_stable_up_to_a_leap_of_two_plus_two_root_two_chords(
    leap_factor: float, damped: bool
) -> None:
    """sigma = (M + 1) rho**2 - M rho is least at rho = M/(2 (M + 1)), and is -1 there for M = 2 + 2 sqrt(2)."""
    rho, chord = leap_factor / (2 * (leap_factor + 1)), 0.1
    stepper = ef.CoarseTimeStepper(decay(-np.log(rho) / chord), healing=chord)
    step = (2 + leap_factor) * chord
    after = abs(last(stepper, 200 * step, [1.0], Euler(step, 2 * chord))[0])
    assert after == pytest.approx((leap_factor**2 / (4 * (leap_factor + 1))) ** 200, rel=1e-6)
    assert (after < 1) == damped


@pytest.mark.parametrize("end", [1.0, 0.95, 0.3, 0.01])
def test_the_last_step_lands_exactly_on_the_end(end: float) -> None:
    result = ef.solve_projective(ef.CoarseTimeStepper(drift(time_step=0.1)), (0.0, end), [0.0], Euler(0.3, 0.1))
    assert result.times[-1] == end
    assert result.macro[-1, 0] == pytest.approx(2 * end, rel=1e-12)


@pytest.mark.parametrize("count", [10, 1000, pytest.param(3000, marks=pytest.mark.slow)])
def test_round_off_of_the_time_makes_no_step_of_its_own(count: int) -> None:
    step = 0.1
    result = ef.solve_projective(ef.CoarseTimeStepper(drift()), (0.0, count * step), [0.0], Euler(step, 0.01))
    assert len(result.times) == count + 1
    assert result.times[-1] == count * step
    assert result.cost.bursts == count


def test_one_burst_a_step_is_all_that_is_simulated() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=3)
    cost = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Euler(0.25, 0.0625)).cost
    assert (cost.bursts, cost.micro_time) == (3 * 4, 3 * 4 * 0.0625)


def test_the_state_of_the_driver_goes_through_a_file_and_a_resumed_run_has_the_same_bits(tmp_path: Path) -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=4)
    method, key, end = Euler(0.25, 0.0625), (5,), 2.1
    start = ProjectiveState.begin(stepper, 0.0, [[1.0], [2.0]])
    whole = list(iter_projective(stepper, end, start, method, key))
    saved: dict[str, Any] = whole[3].to_arrays()
    np.savez(tmp_path / "state.npz", **saved)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as arrays:
        resumed = list(iter_projective(stepper, end, ProjectiveState.from_arrays(arrays), method, key))
    assert len(resumed) == len(whole) - 4
    for before, after in zip(whole[4:], resumed, strict=True):
        expected, found = before.to_arrays(), after.to_arrays()
        assert list(expected) == list(found)
        assert all(expected[name].tobytes() == found[name].tobytes() for name in expected if name != "wall")


def test_steps_have_their_number_as_key() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=4)
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Euler(0.5, 0.25), (7,), groups=1)
    for number in (0, 1):
        path = stepper.burst(result.macro[number], [0.0, 0.25], (7, number, 0, 0)).mean
        assert result.macro[number + 1] == pytest.approx(path[1] + 0.25 * (path[1] - path[0]) / 0.25, rel=1e-13)


def test_the_preliminary_burst_has_a_number_of_its_own_and_is_no_step() -> None:
    """Number 0; the first step from its end has number 1, and no noise in common with it."""
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=4)
    result = ef.solve_projective(stepper, (0.0, 0.6), [1.0], Euler(0.5, 0.25), (7,), groups=1, preliminary=0.1)
    begin = stepper.burst([1.0], [0.1], (7, 0, 0, 0)).mean[0]
    path = stepper.burst(begin, [0.0, 0.25], (7, 1, 0, 0)).mean
    assert result.times.tolist() == [0.0, 0.6]
    assert result.macro[-1] == pytest.approx(path[1] + 0.25 * (path[1] - path[0]) / 0.25, rel=1e-13)
    covered = ef.solve_projective(stepper, (0.0, 0.6), [1.0], Midpoint(0.25, 0.2), (7,), preliminary=0.1)
    assert "2 of 2 steps were simulated plainly" in covered.message


@pytest.mark.parametrize("method", [Euler(0.5, 0.25), RungeKutta4(0.9, 0.1), Telescopic(0.1, [(1, 2)])])
def test_threads_give_the_same_bits(method: Method) -> None:
    results = [
        ef.solve_projective(
            ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=10, executor=executor), (0.0, 1.0), [1.0], method
        )
        for executor in (None, 2)
    ]
    assert results[0].macro.tobytes() == results[1].macro.tobytes()
    assert results[0].stderr.tobytes() == results[1].stderr.tobytes()


# Noise


@pytest.mark.slow
def test_the_noise_of_a_step_over_diffusion_is_that_of_its_increments() -> None:
    """x_h + (1 + a)(x_b - x_h) with independent increments: s**2 (h + (b - h)(1 + a)**2), a = leap/(b - h)."""
    noise, healing, burst, step, steps, replicas = 0.5, 0.25, 0.75, 2.0, 40, 400
    stepper = ef.CoarseTimeStepper(Brownian(1.0, noise), replicas=replicas, healing=healing, seed=8)
    result = ef.solve_projective(stepper, (0.0, steps * step), [0.0], Euler(step, burst), groups=replicas)
    gain = 1 + (step - burst) / (burst - healing)
    exact = noise**2 * (healing + (burst - healing) * gain**2) / replicas * np.arange(1, steps + 1)
    spread = sqrt(2 / (replicas - 1))
    assert (np.abs(result.stderr[1:, 0] ** 2 / exact - 1) < 4 * spread).all()
    assert (np.abs(result.macro[1:, 0] - result.times[1:]) < 4 * np.sqrt(exact)).all()


@pytest.mark.slow
def test_the_noise_of_a_step_with_independent_readings_is_that_of_the_docstring() -> None:
    """Variance [(1 + a)**2 + a**2] s**2, a = leap/chord (methods, section 2)."""
    noise, replicas, healing, burst, step = 0.5, 4000, 0.25, 0.75, 2.0
    model = ef.micro_model(
        lambda macro, rng: (macro, macro),
        lambda micro, duration, rng: (micro[0], micro[0] + noise * rng.standard_normal(1)),
        lambda micro: micro[1],
    )
    stepper = ef.CoarseTimeStepper(model, replicas=replicas, healing=healing, seed=2)
    (_, stderr) = ef.solve_projective(stepper, (0.0, step), [1.0], Euler(step, burst), groups=replicas).stderr
    factor = (step - burst) / (burst - healing)
    exact = noise**2 * ((1 + factor) ** 2 + factor**2) / replicas
    assert abs(stderr[0] ** 2 / exact - 1) < 4 * sqrt(2 / (replicas - 1))


# Failures: what was computed is kept


def breaking_below(limit: float) -> ef.MicroModel:
    """u' = -1; not a number below a limit."""
    return ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro - duration,
        lambda micro: np.where(micro < limit, np.nan, micro),
    )


def test_a_value_that_is_not_finite_ends_the_run_keeps_its_part_and_says_how_to_replay() -> None:
    stepper = ef.CoarseTimeStepper(breaking_below(0.55), replicas=2)
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Euler(0.25, 0.125), (6,), groups=1)
    assert not result.success
    assert result.status is ef.Status.NOT_FINITE
    assert result.times.tolist() == [0.0, 0.25, 0.5]
    assert result.macro[:, 0].tolist() == [1.0, 0.75, 0.5]
    assert "replica 0 with key=(6, 2, 0, 0), seed=0, times=[0.    0.125], from the macro state [0.5]" in result.message
    with pytest.raises(NotFiniteError):
        stepper.burst(result.macro[-1], [0.0, 0.125], (6, 2, 0, 0))


def bounded(low: float) -> ef.MicroModel:
    return drift(fields=[ef.Field("density", bounds=(low, 1.9))])


def test_a_first_macro_state_out_of_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="density must lie in"):
        ef.solve_projective(ef.CoarseTimeStepper(bounded(0.5)), (0.0, 1.0), [0.0], Euler(0.5, 0.125))


@pytest.mark.parametrize("t_span", [(1.0, 1.0), (0.0, np.inf), (np.nan, 1.0)])
def test_a_time_span_without_two_ends_is_refused(t_span: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="`t_span` must be"):
        ef.solve_projective(ef.CoarseTimeStepper(decay()), t_span, [1.0], Euler(0.5, 0.125))


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
        Euler(step, burst)


def test_a_burst_shorter_than_the_healing_is_refused_with_both() -> None:
    with pytest.raises(ValueError, match=r"got burst=0\.125 with healing=0\.25"):
        ef.solve_projective(ef.CoarseTimeStepper(decay(), healing=0.25), (0.0, 1.0), [1.0], Euler(0.5, 0.125))


def test_a_model_where_a_stepper_is_needed_is_refused() -> None:
    model: Any = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u)
    with pytest.raises(ValueError, match="A coarse time-stepper is needed"):
        ef.solve_projective(model, (0.0, 1.0), [1.0], ef.projective.Euler(0.1, 0.01))
