"""What a step does to a mode, found from the code itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.projective import Euler

Array = NDArray[np.float64]


def modes(rates: Array) -> ef.MicroModel:
    """u_i' = -r_i u_i, exactly."""

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        return np.asarray(micro * np.exp(-rates * duration))

    return ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro, deterministic=True)


@pytest.mark.parametrize(("damping", "largest"), [(1, 4.828427), (2, 8.443536), (3, 12.044577), (4, 15.641150)])
def test_the_largest_stable_leap_over_damping_steps(damping: int, largest: float) -> None:
    """By bisection on what a step makes of 20 000 modes, which the inner step multiplies by all of [0, 1].

    Expected: the root of (k M/((k + 1)(M + 1)))**k M/(k + 1) = 1, where the least amplification is -1 (Gear and
    Kevrekidis, SIAM J. Sci. Comput. 24 (2003) 1091).
    """
    factors = np.linspace(1e-4, 1.0, 20_000)
    stepper = ef.CoarseTimeStepper(modes(-np.log(factors)), healing=damping)
    low, high = 2.0, 20.0
    while high - low > 1e-4:
        leap = (low + high) / 2
        step = damping + 1 + leap
        result = ef.solve_projective(stepper, (0.0, step), np.ones_like(factors), Euler(step, damping + 1))
        stable = np.abs(result.macro[-1]).max() <= 1 + 1e-12
        low, high = (leap, high) if stable else (low, leap)
    assert low == pytest.approx(largest, abs=1e-3)
