"""Branches of cycles: from Hopf points, through folds, with what happens to them; travelling waves."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.continuation import PseudoArclength, Steps
from eqfree.periodic.wave import shift
from tests.eqfree.periodic.oscillators import FoldOfCycles, normal_form

Array = NDArray[np.float64]


def method(span: tuple[float, float], **options: Any) -> PseudoArclength:
    return PseudoArclength(duration=3.0, span=span, steps=Steps(first=0.1, points=60), **options)


def hopf(stepper_of: Any) -> ef.BranchEvent:
    return ef.find_hopf_point(stepper_of, lambda p: np.zeros(2), (-0.2, 0.25), duration=1.0)


@pytest.mark.parametrize("level", [None, 0.0])
def test_cycles_begin_at_a_hopf_point_with_the_root_of_the_parameter(level: float | None) -> None:
    stepper_of = normal_form()
    section = None if level is None else ef.Section(lambda macro: float(macro[0]), level, -0.05, 0.05)
    cycles = ef.switch_to_cycles(stepper_of, hopf(stepper_of), method((-0.3, 0.3)), section=section, distance=0.1)
    assert cycles.success
    assert np.linalg.norm(cycles.macro, axis=1) ** 2 == pytest.approx(cycles.parameter, abs=1e-6)
    assert cycles.parameter[0] < 0.05 < 0.3 == cycles.parameter[-1]
    assert [point.duration for point in cycles.points] == pytest.approx([np.pi] * len(cycles.points), abs=1e-5)
    table = cycles.cycles_to_pandas()
    assert (table["stability"] == "stable").all()
    assert table["high"].to_numpy() == pytest.approx(np.sqrt(table["parameter"]), abs=2e-3)


@pytest.mark.slow
def test_cycles_are_followed_through_their_fold() -> None:
    """r² = (1 ± √(1 + 4p))/2 meet at p = -1/4; the larger is stable."""
    start = sqrt((1 + sqrt(1.4)) / 2)
    branch = ef.continue_cycles(
        lambda p: ef.CoarseTimeStepper(FoldOfCycles(p)),
        [start, 0.0],
        0.1,
        method((-0.3, 0.1), domain=lambda macro, _: float(np.linalg.norm(macro)) - 0.4),
        directions=(-1,),
    )
    (fold,) = branch.folds()
    assert fold.parameter == pytest.approx(-0.25, abs=1e-6)
    squares = (branch.macro**2).sum(axis=1)
    assert squares - squares**2 == pytest.approx(-branch.parameter, abs=1e-6)
    for point, square in zip(branch.points, squares, strict=True):
        assert (point.stability is ef.Stability.STABLE) == (square > 0.5)


def forced(p: float) -> ef.CoarseTimeStepper:
    """A return map given as such: (x + iy) becomes (1 + p) exp(i) z - |z|² z, whose pair leaves the circle at p = 0."""

    def step(z: complex, returns: float, rng: Generator) -> complex:
        for _ in range(round(returns)):
            z = (1 + p) * np.exp(1j) * z - abs(z) ** 2 * z
        return z

    return ef.CoarseTimeStepper(
        ef.micro_model(
            lambda u, rng: complex(u[0], u[1]),
            step,
            lambda z: np.array([z.real, z.imag]),
            deterministic=True,
            time_step=1.0,
        )
    )


@pytest.mark.parametrize(("cycles", "kind"), [(True, "torus"), (False, "Hopf")])
def test_a_pair_of_floquet_multipliers_that_leaves_the_circle_is_a_torus(cycles: bool, kind: str) -> None:
    how = PseudoArclength(duration=1.0, span=(-0.3, 0.3), steps=Steps(first=0.1), cycles=cycles)
    branch = ef.continue_branch(forced, [0.0, 0.0], -0.3, how, directions=(1,))
    (event,) = branch.events
    assert event.kind == kind
    assert event.parameter == pytest.approx(0.0, abs=1e-6)
    assert event.frequency == pytest.approx(1.0, abs=1e-5)


def test_what_is_no_located_hopf_point_begins_no_cycles() -> None:
    stepper_of = normal_form()
    event = hopf(stepper_of)
    far = ef.Section(lambda macro: float(macro[0]), 1.0, 0.5, 0.05)
    for wrong, words, section in (
        (ef.BranchEvent(**(vars(event) | {"kind": "fold"})), "Cycles begin at a Hopf point: got a fold", None),
        (ef.BranchEvent(**(vars(event) | {"stderr": np.nan})), "must have been located", None),
        (event, "must cut the first cycle", far),
    ):
        with pytest.raises(ValueError, match=words):
            ef.switch_to_cycles(stepper_of, wrong, method((-0.3, 0.3)), section=section)


# Waves


def drifting(noise: float = 0.0, humps: int = 1, **options: Any) -> Any:
    """A cosine of amplitude one that moves by 0.3 places a unit of time, all else dies; noise moves phase and size."""
    places = 16

    def evolve(u: Array, t: float, rng: Generator) -> Array:
        modes = np.fft.rfft(u)
        main = modes[humps] * (1 + (places / 2 / abs(modes[humps]) - 1) * (1 - np.exp(-t)))
        modes *= np.exp(-t)
        modes[humps] = main * np.exp(0.02 * np.sqrt(t) * rng.standard_normal()) if noise else main
        grown = np.fft.irfft(modes, places)
        wander = noise * np.sqrt(t) * rng.standard_normal() if noise else 0.0
        return shift(grown, (0.3 * t + wander) / places)

    return ef.micro_model(lambda u, rng: u, evolve, lambda u: u, deterministic=noise == 0, **options)


@pytest.mark.parametrize("humps", [1, 2])
def test_a_wave_and_its_speed_are_found_with_a_time_step_too(humps: int) -> None:
    start = 0.7 * np.cos(2 * np.pi * humps * np.arange(16) / 16)
    model = drifting(humps=humps, time_step=0.5)
    wave = ef.find_travelling_wave(ef.CoarseTimeStepper(model), start, duration=2.0)
    assert wave.success
    assert 16 * wave.speed == pytest.approx(0.3, abs=1e-6)
    assert wave.macro == pytest.approx(start / 0.7, abs=1e-6)


@pytest.mark.slow
def test_a_phase_that_diffuses_does_not_blur_the_wave() -> None:
    """The speed of 64 replicas is off by noise/√(64 duration), as they say; a mean without alignment would shrink."""
    start = np.cos(2 * np.pi * np.arange(16) / 16)
    stepper = ef.CoarseTimeStepper(drifting(noise=1.0), replicas=64)
    wave = ef.find_travelling_wave(stepper, start, duration=4.0, key_sets=2)
    assert wave.success
    assert wave.macro.max() == pytest.approx(1.0, abs=4 * wave.stderr.max() + 1e-3)  # 2e-4 of it is the mean of exp
    assert 16 * wave.speed_stderr == pytest.approx(1.0 / np.sqrt(64 * 4.0), rel=0.4)  # known to 9 %
    assert abs(16 * wave.speed - 0.3) < 4 * 16 * wave.speed_stderr
    assert stepper(start, 4.0).max() < 0.8  # exp(-(2π/16)² 4/2) = 0.73


def test_a_uniform_state_holds_no_wave_in_place() -> None:
    with pytest.raises(ValueError, match="needs a template that is not uniform"):
        ef.find_travelling_wave(ef.CoarseTimeStepper(drifting()), np.ones(16), duration=1.0)
