"""Cycles: by shooting, by a section, through noise; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from math import exp, pi, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import eqfree as ef
from eqfree.fields import OutOfBoundsError
from tests.eqfree.periodic.oscillators import OMEGA, FoldOfCycles, NormalForm, normal_form

PERIOD = 2 * pi / OMEGA
SECTION = ef.Section(lambda macro: float(macro[0]), level=0.0, rearm=-0.2, sampling=0.05)


def brusselator() -> ef.CoarseTimeStepper:
    def flow(state: NDArray[np.float64], duration: float, _: object) -> NDArray[np.float64]:
        if duration == 0:
            return state
        return np.asarray(
            solve_ivp(
                lambda _, u: [1 + u[0] ** 2 * u[1] - 4 * u[0], 3 * u[0] - u[0] ** 2 * u[1]],
                (0.0, duration),
                state,
                method="DOP853",
                rtol=1e-12,
                atol=1e-13,
            ).y[:, -1]
        )

    return ef.CoarseTimeStepper(ef.micro_model(lambda u, rng: u, flow, lambda u: u, deterministic=True))


def test_shooting_finds_the_cycle_of_the_brusselator() -> None:
    """Period 7.15691992118, Floquet multiplier 2.5163758e-4, extremes: an independent solution at A = 1, B = 3."""
    orbit = ef.find_periodic_orbit(brusselator(), [1.0, 4.4], period0=7.0)
    assert orbit.success
    assert orbit.period == pytest.approx(7.15691992118, abs=1e-8)
    assert orbit.spectrum is not None
    assert orbit.spectrum.labels == ("symmetry", "")
    assert orbit.spectrum.multipliers[1].real == pytest.approx(2.5163758e-4, abs=2e-6)
    assert orbit.path.min(axis=0) == pytest.approx([0.37055239, 0.8523255], abs=1e-3)
    assert orbit.path.max(axis=0) == pytest.approx([3.75177391, 4.72212467], abs=2e-3)
    assert orbit.stability is ef.Stability.STABLE


@pytest.mark.slow
def test_a_section_finds_the_same_cycle() -> None:
    section = ef.Section(lambda macro: float(macro[0]), level=2.0, rearm=0.8, sampling=0.02)
    orbit = ef.find_periodic_orbit(brusselator(), [1.0, 4.4], period0=7.0, section=section)
    assert orbit.period == pytest.approx(7.15691992118, abs=3e-6)
    assert orbit.spectrum is not None
    assert np.abs(orbit.spectrum.multipliers[0]) < 1e-3


@pytest.mark.parametrize("section", [None, SECTION])
def test_the_normal_form_has_its_cycle_whichever_way(section: ef.Section | None) -> None:
    """Radius √p, period 2π/ω, Floquet multiplier exp(-4πp/ω)."""
    orbit = ef.find_periodic_orbit(normal_form()(0.2), [0.1, -0.4], 3.0, section=section)
    assert orbit.success
    assert np.linalg.norm(orbit.macro) == pytest.approx(sqrt(0.2), abs=1e-6)
    assert orbit.period == pytest.approx(PERIOD, abs=1e-6)
    assert orbit.spectrum is not None
    own = orbit.spectrum.multipliers[orbit.spectrum.own].real
    assert own[0] == pytest.approx(exp(-4 * pi * 0.2 / OMEGA), abs=1e-5)
    assert np.linalg.norm(orbit.path, axis=1) == pytest.approx(np.full(len(orbit.times), sqrt(0.2)), abs=1e-3)


def test_an_unstable_cycle_is_found_too() -> None:
    """r² = (1 - √(1 + 4p))/2 at p = -0.1; dr'/dr = 2r² (1 - 2r²) there, over π."""
    stepper = ef.CoarseTimeStepper(FoldOfCycles(-0.1))
    square = (1 - sqrt(0.6)) / 2
    orbit = ef.find_periodic_orbit(stepper, [0.36, 0.0], 3.0)
    assert np.linalg.norm(orbit.macro) == pytest.approx(sqrt(square), abs=1e-6)
    assert orbit.stability is ef.Stability.UNSTABLE
    assert orbit.spectrum is not None
    assert orbit.spectrum.multipliers[1].real == pytest.approx(exp(2 * square * (1 - 2 * square) * pi), abs=1e-5)


def test_a_steady_state_is_no_cycle() -> None:
    orbit = ef.find_periodic_orbit(normal_form()(0.2), [1e-9, 0.0], 3.0)
    assert not orbit.success
    assert orbit.status in (ef.Status.NO_CYCLE, ef.Status.NO_STEADY_STATE)


def test_a_population_that_does_not_come_back_is_told() -> None:
    section = replace(SECTION, level=3.0, rearm=2.0)
    orbit = ef.find_periodic_orbit(normal_form()(0.2), [0.1, -0.4], 3.0, section=section)
    assert orbit.status is ef.Status.NO_RETURN
    assert "must come back to the section: got none within 15" in orbit.message


@pytest.mark.slow
def test_through_noise_period_and_radius_are_as_far_off_as_they_say() -> None:
    """12 seeds: mean squared distances in standard errors of about one; the phase diffuses, the orbit does not shrink.

    Noise of 0.021 makes the mean radius smaller by about s²/(2r) in a relaxation time: less than 0.001.
    """
    scores = []
    for seed in range(12):
        stepper = normal_form(noise=0.021, replicas=8, seed=seed)(0.25)
        orbit = ef.find_periodic_orbit(
            stepper, [0.0, -0.5], 3.1, section=SECTION, key_sets=2, multipliers=0, returns=8, difference=0.1
        )
        assert orbit.success
        scores.append(
            [
                (orbit.period - PERIOD) / orbit.period_stderr,
                (abs(orbit.macro[1]) - 0.5) / max(orbit.stderr[1], 1e-3),
            ]
        )
        assert np.linalg.norm(orbit.macro) > 0.48
    squares = (np.array(scores) ** 2).mean(axis=0)
    assert (squares < 2.3).all()  # twelve squares have a standard deviation of 0.41
    assert squares[0] > 0.2


def test_the_same_key_gives_the_same_cycle_on_two_threads() -> None:
    told = [
        ef.find_periodic_orbit(
            ef.CoarseTimeStepper(NormalForm(0.25, 0.03), replicas=8, executor=executor),
            [0.0, -0.5],
            3.1,
            section=SECTION,
            key_sets=2,
            multipliers=0,
            returns=2,
            difference=0.1,
        )
        for executor in (None, 2)
    ]
    assert told[0].macro.tobytes() == told[1].macro.tobytes()
    assert told[0].period == told[1].period
    assert told[0].cost.micro_time > 100 * PERIOD  # in time, not in returns


# The section


def test_noise_that_crosses_the_level_to_and_fro_makes_no_cycles() -> None:
    """A reading that trembles about the level by 0.1, and swings by one: one return a swing."""

    def evolve(time: float, duration: float, _: object) -> float:
        return time + duration

    def restrict(time: float) -> NDArray[np.float64]:
        return np.array([np.sin(time) + 0.1 * np.sin(40 * time), time])

    model = ef.micro_model(lambda u, rng: float(u[1]), evolve, restrict)
    section = ef.Section(lambda macro: float(macro[0]), level=0.0, rearm=-0.5, sampling=0.01)
    returning = section.of(ef.CoarseTimeStepper(model, replicas=1))
    times = returning.burst([0.0, 0.0], [1.0, 2.0, 3.0]).mean[:, 1]
    assert np.diff(times) == pytest.approx([2 * pi, 2 * pi], abs=0.05)


def test_crossings_downwards_are_read_where_rearm_is_above() -> None:
    section = ef.Section(lambda macro: float(macro[0]), level=0.0, rearm=0.2, sampling=0.05)
    orbit = ef.find_periodic_orbit(normal_form()(0.2), [0.1, 0.4], 3.0, section=section)
    assert orbit.macro == pytest.approx([0.0, sqrt(0.2)], abs=1e-5)


@pytest.mark.parametrize(("noise", "order"), [(0.0, 4), (1e-12, 2)])
def test_crossings_are_interpolated_with_the_order_that_is_said(noise: float, order: int) -> None:
    """Root mean square over starts on the cycle at many phases between samples."""
    errors = []
    for sampling in (0.1, 0.05):
        section = replace(SECTION, sampling=sampling)
        returning = section.of(ef.CoarseTimeStepper(NormalForm(0.25, noise), replicas=1))
        starts = [
            0.5 * np.array([np.cos(angle), np.sin(angle)]) for angle in np.linspace(-1.0, -0.8, 20, endpoint=False)
        ]
        errors.append(np.sqrt(np.mean([(returning(start, 1.0)[1] + 0.5) ** 2 for start in starts])))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.3)


def test_a_sampling_that_is_no_multiple_of_the_time_step_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.05"):
        SECTION.of(ef.CoarseTimeStepper(NormalForm(0.2, time_step=0.04)))


def test_a_state_that_never_comes_back_is_out_of_bounds() -> None:
    section = replace(SECTION, level=3.0, rearm=2.0, longest=10.0)
    with pytest.raises(OutOfBoundsError, match="within 10, of which it was beyond `rearm`"):
        section.of(normal_form()(0.2))([0.1, -0.4], 1.0)


# Refusals


def test_what_cannot_be_is_refused() -> None:
    noisy = ef.CoarseTimeStepper(NormalForm(0.2, 0.1), replicas=8)
    with pytest.raises(ValueError, match="Give `section`"):
        ef.find_periodic_orbit(noisy, [0.1, 0.4], 3.0)
    with pytest.raises(ValueError, match="`period0` must be a positive time: got -3"):
        ef.find_periodic_orbit(noisy, [0.1, 0.4], -3.0, section=SECTION)
    with pytest.raises(ValueError, match="`returns` must be a whole number, at least 1: got 0"):
        ef.find_periodic_orbit(noisy, [0.1, 0.4], 3.0, section=SECTION, returns=0)
    with pytest.raises(ValueError, match="The period of a wave is an unknown"):
        ef.find_periodic_orbit(ef.CoarseTimeStepper(NormalForm(0.2, time_step=0.05)), [0.1, 0.4], 3.0)
    with pytest.raises(ValueError, match=r"got level=1\.0, rearm=1\.0"):
        ef.Section(lambda macro: 0.0, level=1.0, rearm=1.0, sampling=0.1)
    with pytest.raises(ValueError, match="`sampling` must be a positive time: got 0"):
        ef.Section(lambda macro: 0.0, level=1.0, rearm=0.0, sampling=0)
