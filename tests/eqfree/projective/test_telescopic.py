"""Telescopic projection beside the product of its levels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

import eqfree as ef
from eqfree.projective import Euler, Telescopic
from tests.eqfree.models import OrnsteinUhlenbeck, decay, drift

Array = NDArray[np.float64]
LEVELS = [(1, 4.0), (2, 7.0), (1, 3.5)]


def last(end: float, method: ef.projective.Method, rate: float = 1.0, begin: float = 0.0) -> float:
    return float(ef.solve_projective(ef.CoarseTimeStepper(decay(rate)), (begin, end), [1.0], method).macro[-1, 0])


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("rate", [0.01, 1.0, 30.0])
def test_a_level_makes_of_a_mode_what_its_polynomial_makes_of_the_level_below(count: int, rate: float) -> None:
    """s -> [(M + 1) s - M] s**k: Gear and Kevrekidis, J. Comput. Phys. 187 (2003) 95."""
    method = Telescopic(burst=0.1, levels=LEVELS[:count])
    factor = np.exp(-rate * 0.1)
    for damping, leap in LEVELS[:count]:
        factor = ((leap + 1) * factor - leap) * factor**damping
    assert last(method.step, method, rate) == pytest.approx(factor, rel=1e-9, abs=1e-14)


def test_one_level_is_projective_euler() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=4, healing=0.1)
    methods = (Telescopic(burst=0.1, levels=[(1, 4)]), Euler(0.6, 0.2))
    one, other = (ef.solve_projective(stepper, (0.0, 1.8), [1.0], method) for method in methods)
    assert one.macro == pytest.approx(other.macro, rel=1e-12)
    assert one.cost == other.cost


@pytest.mark.parametrize(
    ("damping", "leap", "stable"), [(1, 1.99, True), (1, 2.1, False), (2, 2.99, True), (2, 4.0, False)]
)
def test_motion_of_all_rates_is_stable_at_any_number_of_levels(damping: int, leap: float, stable: bool) -> None:
    """What an inner step makes of modes, [-d, 1], a step maps into itself up to leaps of 2 and 3.

    Its least value -d is at k M/((k + 1) (M + 1)); what it makes of -d must not be above 1 (k = 1) or below -d (k = 2).
    """
    factors = np.linspace(1e-3, 1.0, 4000)
    rates = -np.log(factors)
    model = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro * np.exp(-rates * duration),
        lambda micro: micro,
        deterministic=True,
    )
    method = Telescopic(burst=1.0, levels=[(damping, leap)] * 4)
    result = ef.solve_projective(ef.CoarseTimeStepper(model), (0.0, method.step), np.ones(len(factors)), method)
    assert (np.abs(result.macro[-1]).max() <= 1 + 1e-12) == stable
    bursts = (damping + 1) ** 3
    assert result.cost == ef.Cost(bursts, bursts * (damping + 1.0))


@pytest.mark.parametrize("end", [0.05, 0.3, 0.7, 2.5, 3.7, 9.0, -3.0])
def test_any_time_is_reached_exactly(end: float) -> None:
    result = ef.solve_projective(ef.CoarseTimeStepper(drift()), (0.0, end), [0.0], Telescopic(0.1, LEVELS))
    assert result.times[-1] == end
    assert result.macro[-1, 0] == pytest.approx(2 * end, rel=1e-9)


def test_a_step_within_the_burst_is_simulated() -> None:
    result = ef.solve_projective(ef.CoarseTimeStepper(decay()), (0.0, 0.15), [1.0], Telescopic(0.1, [(1, 4)]))
    assert result.simulated == 1
    assert result.macro[-1, 0] == pytest.approx(np.exp(-0.15), rel=1e-14)


@pytest.mark.parametrize(
    ("burst", "levels", "message"),
    [
        (0.0, [(1, 4)], r"`burst` must be a positive time: got 0\.0"),
        (0.1, [], "one .damping, leap. or more: got none"),
        (0.1, [(1, 4), (-1, 4)], r"got \(-1, 4\)"),
        (0.1, [(1, 0)], r"got \(1, 0\)"),
        (0.1, [(1.5, 4)], r"got \(1\.5, 4\)"),
    ],
)
def test_levels_that_make_no_step_are_refused(burst: float, levels: Sequence[tuple[int, float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Telescopic(burst, levels)


def test_damping_must_cover_the_healing() -> None:
    stepper = ef.CoarseTimeStepper(decay(), healing=0.25)
    with pytest.raises(ValueError, match=r"got 1 of 0\.1 with healing=0\.25"):
        ef.solve_projective(stepper, (0.0, 1.0), [1.0], Telescopic(0.1, [(1, 4)]))
