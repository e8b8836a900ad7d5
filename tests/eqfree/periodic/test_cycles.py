"""Branches of cycles: from Hopf points, through folds, with what happens to them."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.continuation import PseudoArclength, Steps
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
