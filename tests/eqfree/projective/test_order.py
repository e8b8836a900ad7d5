"""Every scheme has the order that it declares, on slow-fast systems whose slow motion is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

import eqfree as ef
from eqfree.projective import (
    Corrected,
    Early,
    Embedded32,
    Embedded54,
    Euler,
    Heun,
    LeastSquares,
    Midpoint,
    Plain,
    RungeKutta,
    RungeKutta4,
    Tableau,
    Telescopic,
)
from eqfree.projective.slopes import Slopes
from tests.eqfree.projective.slow_fast import logistic, rotation

Array = NDArray[np.float64]

EPSILON, HEALING, BURST = 1.25e-7, 5e-6, 1e-5  # healing leaves exp(-40) of fast motion, a leap multiplies it by 1e5
END, X = 5.0, 0.02
PROBLEMS = {
    "linear": (rotation(EPSILON), [1.0, 0.0, 5.0], [np.cos(END), np.sin(END)]),
    "nonlinear": (logistic(EPSILON), [X + 0.3, X**2 - 0.3], [X / (X + (1 - X) * np.exp(-END))]),
}
SCHEMES: dict[Callable[..., ef.projective.Method], Sequence[int]] = {
    Euler: (80, 160, 320),
    Midpoint: (40, 80, 160),
    Heun: (40, 80, 160),
    Embedded32: (20, 30, 40, 60),
    RungeKutta4: (20, 30, 40, 60),
    Embedded54: (10, 15, 20, 30),
}


def fitted(
    problem: str,
    method: Callable[[float], ef.projective.Method],
    counts: Sequence[int],
    healing: Callable[[float], float],
) -> float:
    model, start, exact = PROBLEMS[problem]
    errors = []
    for count in counts:
        stepper = ef.CoarseTimeStepper(model, healing=healing(END / count))
        result = ef.solve_projective(stepper, (0.0, END), start, method(END / count))
        assert result.success
        errors.append(np.linalg.norm(result.macro[-1, : len(exact)] - exact))
    return float(-np.polyfit(np.log(counts), np.log(errors), 1)[0])


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_default_of_every_scheme_has_its_declared_order(
    scheme: Callable[..., ef.projective.Method], problem: str
) -> None:
    order = fitted(problem, lambda step: scheme(step=step, burst=BURST), SCHEMES[scheme], lambda _: HEALING)
    assert abs(order - scheme(step=1.0, burst=BURST).order) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS)
def test_telescopic_projection_is_first_order(problem: str) -> None:
    """A step of 60 bursts."""
    levels = [(1, 4), (2, 7)]
    order = fitted(problem, lambda step: Telescopic(burst=step / 60, levels=levels), (160, 320, 640), lambda _: 0.0)
    assert abs(order - Telescopic(1.0, levels).order) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_tableau_of_the_users_has_its_declared_order(problem: str) -> None:
    """Kutta's third-order scheme."""
    kutta = Tableau([[1 / 2, 0], [-1, 2]], [1 / 6, 2 / 3, 1 / 6], order=3)
    order = fitted(
        problem, lambda step: RungeKutta(step=step, burst=BURST, tableau=kutta), (40, 60, 80, 120), lambda _: HEALING
    )
    assert abs(order - 3) < 0.15


@pytest.mark.parametrize("problem", PROBLEMS)
def test_midpoint_is_second_order_however_long_its_bursts(problem: str) -> None:
    """Bursts are a fixed part of the step, so that their length is felt."""
    orders = fitted(problem, lambda step: Midpoint(step=step, burst=step / 5), (40, 80, 160), lambda step: step / 10)
    assert abs(orders - 2) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize(("slopes", "floor"), [(Plain(), 1), (Early(), 1), (Corrected(), 2)])
def test_correction_lowers_the_floor_from_the_length_of_the_burst_to_its_square(slopes: Slopes, floor: int) -> None:
    """Steps so short that fourth order errs by less than the bursts do."""
    model, start, exact = PROBLEMS["nonlinear"]
    errors, bursts = [], np.array([2e-3, 1e-3, 5e-4])
    for burst in bursts:
        method = RungeKutta4(step=1 / 50, burst=burst, slopes=slopes)
        result = ef.solve_projective(ef.CoarseTimeStepper(model, healing=HEALING), (0.0, END), start, method)
        assert result.simulated == 0
        errors.append(abs(result.macro[-1, 0] - exact[0]))
    assert np.polyfit(np.log(bursts), np.log(errors), 1)[0] == pytest.approx(floor, abs=0.15)


@pytest.mark.slow
def test_slopes_by_least_squares_are_centred_too() -> None:
    order = fitted(
        "nonlinear",
        lambda step: RungeKutta4(step=step, burst=BURST, estimator=LeastSquares(5)),
        SCHEMES[RungeKutta4],
        lambda _: HEALING,
    )
    assert abs(order - 4) < 0.15
