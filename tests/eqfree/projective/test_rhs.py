"""The unknown right-hand side in SciPy's integrators."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.integrate import BDF, DOP853, LSODA, RK23, RK45, OdeSolver, Radau, solve_ivp

import eqfree as ef
from eqfree.projective import LeastSquares, as_rhs
from tests.eqfree.models import OrnsteinUhlenbeck, decay
from tests.eqfree.projective.slow_fast import logistic

Array = NDArray[np.float64]
EPSILON = 1e-5


@pytest.mark.parametrize("method", [RK23, RK45, DOP853, LSODA])
def test_any_method_of_scipy_integrates_it(method: type[OdeSolver]) -> None:
    slope = as_rhs(ef.CoarseTimeStepper(logistic(EPSILON), healing=30 * EPSILON), burst=60 * EPSILON)
    solution = solve_ivp(slope, (0.0, 5.0), [0.02, 0.0004], method=method, rtol=1e-6, atol=1e-8)
    assert solution.success
    assert solution.y[0, -1] == pytest.approx(0.02 / (0.02 + 0.98 * np.exp(-5.0)), rel=1e-5)


def test_correction_takes_the_burst_out_of_the_slope() -> None:
    """Slope of exp(-t): the middle of the burst without correction, the state itself with it, to second order."""
    bursts = np.array([0.04, 0.02, 0.01])
    stepper = ef.CoarseTimeStepper(decay())
    plain, corrected = (
        [abs(as_rhs(stepper, burst, correct)(0.0, [1.0])[0] + 1) for burst in bursts] for correct in (False, True)
    )
    assert plain == pytest.approx(bursts / 2, rel=0.05)
    assert np.polyfit(np.log(bursts), np.log(corrected), 1)[0] == pytest.approx(2, abs=0.05)


class Clock:
    """x' = cos t, whose populations know what time it is."""

    deterministic = True

    def __init__(self, time: float = 0.0) -> None:
        self.time = time

    def at(self, time: float) -> Clock:
        return Clock(time)

    def lift(self, macro: Array, rng: Generator) -> tuple[float, Array]:
        return self.time, macro

    def evolve(self, micro: tuple[float, Array], duration: float, rng: Generator) -> tuple[float, Array]:
        time, state = micro
        return time + duration, state + np.sin(time + duration) - np.sin(time)

    def restrict(self, micro: tuple[float, Array]) -> Array:
        return micro[1]


def test_a_model_may_know_what_time_it_is() -> None:
    stepper = ef.CoarseTimeStepper(Clock())
    solution = solve_ivp(as_rhs(stepper, burst=0.001), (1.0, 4.0), [0.0], rtol=1e-8, atol=1e-8)
    assert solution.y[0, -1] == pytest.approx(np.sin(4.0) - np.sin(1.0), abs=1e-6)


@pytest.mark.parametrize("t_span", [(1.0, 4.0), (4.0, 1.0)])
@pytest.mark.parametrize("scheme", [ef.projective.Midpoint, ef.projective.Heun, ef.projective.RungeKutta4])
def test_so_it_may_in_a_projective_scheme(scheme: type[ef.projective.RungeKutta4], t_span: tuple[float, float]) -> None:
    result = ef.solve_projective(ef.CoarseTimeStepper(Clock()), t_span, [0.0], scheme(step=0.1, burst=0.001))
    exact = np.sin(t_span[1]) - np.sin(t_span[0])
    assert result.macro[-1, 0] == pytest.approx(exact, abs=2e-3 if result.cost.bursts < 200 else 1e-5)


def test_a_model_that_knows_the_time_is_warmed_once_for_all_times() -> None:
    calls: list[float] = []

    class Compiled(Clock):
        def at(self, time: float) -> Compiled:
            return Compiled(time)

        def warm(self) -> None:
            calls.append(self.time)

    ef.solve_projective(ef.CoarseTimeStepper(Compiled()), (1.0, 2.0), [0.0], ef.projective.Heun(0.25, 0.01))
    assert calls == [0.0]


def test_the_same_noise_in_every_call_makes_it_a_function() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(), replicas=4)
    slope, other = as_rhs(stepper, 0.1, key=(3,)), as_rhs(stepper, 0.1, key=(4,))
    assert slope(0.0, [1.0]) == slope(5.0, [1.0])
    assert slope(0.0, [1.0]) != other(0.0, [1.0])
    difference = slope(0.0, [1.0 + 1e-6]) - slope(0.0, [1.0])
    assert difference[0] == pytest.approx(-1e-6, rel=0.05)  # as of u' = -u, without noise


def test_a_macro_state_of_any_shape_is_flat_outside() -> None:
    slope = as_rhs(ef.CoarseTimeStepper(decay()), 0.001, estimator=LeastSquares(3), shape=(2, 2))
    assert slope(0.0, [1.0, 2.0, 3.0, 4.0]) == pytest.approx([-1.0, -2.0, -3.0, -4.0], rel=1e-5)


def test_healing_must_leave_something_of_the_burst() -> None:
    with pytest.raises(ValueError, match=r"got burst=0\.1 with healing=0\.1"):
        as_rhs(ef.CoarseTimeStepper(decay(), healing=0.1), 0.1)


@pytest.mark.parametrize("method", [RK45, Radau, BDF, LSODA])
def test_integrators_may_ask_for_states_that_no_population_has(method: type[OdeSolver]) -> None:
    """u' = -10 u with u >= 0: stages and differences go below zero, where the slope is that of the nearest state."""
    stepper = ef.CoarseTimeStepper(decay(10.0, fields=[ef.Field("mass", bounds=(0.0, np.inf))]))
    solution = solve_ivp(as_rhs(stepper, 1e-4), (0.0, 5.0), [1.0], method=method, rtol=1e-4, atol=1e-6)
    assert solution.success
    assert solution.y[0] == pytest.approx(np.exp(-10 * solution.t), abs=2e-3)
    assert as_rhs(stepper, 1e-4)(0.0, [-1.0]) == 0.0


def test_what_is_asked_of_a_state_is_asked_of_the_nearest_with_its_totals() -> None:
    """(-0.5, 2) has the mass of (0, 1.5), of which u' = -u is asked."""
    model = decay(
        fields=[ef.Field("mass", coordinates={"x": [0, 1]}, bounds=(0.0, np.inf))],
        conserved=lambda macro: macro.sum(keepdims=True),
    )
    slope = as_rhs(ef.CoarseTimeStepper(model), 1e-4)
    assert slope(0.0, [-0.5, 2.0]) == pytest.approx([0.0, -1.5], abs=1e-6)
