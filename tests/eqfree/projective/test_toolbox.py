"""Beside the Equation-Free Toolbox, to round-off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.projective import Chord, Early, Heun, RungeKutta4, as_rhs
from tests.eqfree.projective import toolbox

Array = NDArray[np.float64]
Slope = Callable[[float, Array], Array]

SCHEMES = {"PIRK2": Heun, "PIRK4": RungeKutta4}


def runge_kutta(slope: Slope, time: float, state: Array, step: float) -> Array:
    first = slope(time, state)
    second = slope(time + step / 2, state + step / 2 * first)
    third = slope(time + step / 2, state + step / 2 * second)
    fourth = slope(time + step, state + step * third)
    return state + step / 6 * (first + 2 * second + 2 * third + fourth)


@dataclass(frozen=True)
class InnerRungeKutta:
    """A population is the time and the state; a call of ``evolve`` makes no more inner steps than a burst has."""

    slope: Slope
    inner: float
    most: int
    time: float = 0.0

    deterministic = True

    def at(self, time: float) -> InnerRungeKutta:
        return replace(self, time=time)

    def lift(self, macro: Array, rng: Generator) -> tuple[float, Array]:
        return self.time, macro

    def evolve(self, micro: tuple[float, Array], duration: float, rng: Generator) -> tuple[float, Array]:
        time, state = micro
        count = min(round(duration / self.inner), self.most)
        for number in range(count):
            state = runge_kutta(self.slope, time + number * duration / count, state, duration / count)
        return time + duration, state

    def restrict(self, micro: tuple[float, Array]) -> Array:
        return micro[1]


def michaelis_menten(epsilon: float, burst: float) -> ef.CoarseTimeStepper:
    def slope(time: float, state: Array) -> Array:
        x, y = state
        return np.array([-x + (x + 0.5) * y, (x - (x + 1) * y) / epsilon])

    return ef.CoarseTimeStepper(InnerRungeKutta(slope, burst / 20, 20), healing=burst * 19 / 20)


@pytest.mark.parametrize(("name", "epsilon", "burst", "states"), toolbox.MICHAELIS_MENTEN)
def test_heun_and_runge_kutta_with_early_slopes_are_the_toolboxs_schemes(
    name: str, epsilon: float, burst: float, states: Array
) -> None:
    """PIRK4 covers its first step with bursts of 0.2: both simulate it, in 20 inner steps."""
    result = ef.solve_projective(
        michaelis_menten(epsilon, burst),
        (0.0, 6.0),
        [1.0, 0.0],
        SCHEMES[name](step=1.0, burst=burst, slopes=Early(), estimator=Chord(at=1.0)),
        t_eval=range(7),
        preliminary=burst,
    )
    assert np.abs(result.macro - states).max() < 1e-12
    assert result.simulated == (name == "PIRK4" and burst == 0.2)


@pytest.mark.slow
@pytest.mark.parametrize("row", range(4))
def test_the_error_table_over_steps_and_bursts_is_the_toolboxs(row: int) -> None:
    """Bursts too short for their leaps amplify fast motion: errors above 1 for few steps and short bursts."""
    burst = toolbox.BURSTS[row]
    stepper = michaelis_menten(0.001, burst)
    errors = []
    for count in toolbox.STEPS:
        method = Heun(step=4 / count, burst=burst, slopes=Early(), estimator=Chord(at=1.0))
        times = np.linspace(0.0, 4.0, count + 1)
        result = ef.solve_projective(stepper, (0.0, 4.0), [1.0, 0.0], method, t_eval=times, preliminary=burst)
        errors.append(np.linalg.norm(result.macro[-1] - toolbox.END))
    assert np.abs(np.array(errors) - toolbox.ERRORS[row]).max() < 1e-9
    assert ((np.array(errors) > 1) == (toolbox.ERRORS[row] > 1)).all()


def pig_slope(time: float, state: Array) -> Array:
    x, y = state
    return np.array([np.cos(x) * np.sin(y) * np.cos(time), (np.cos(x) - y) / 0.001])


@dataclass(frozen=True)
class Remembering(InnerRungeKutta):
    """The macro state is the first number; the second is lifted as the last burst left it."""

    memory: Array = field(default_factory=lambda: np.zeros(2))

    def lift(self, macro: Array, rng: Generator) -> tuple[float, Array]:
        return self.time, np.append(macro, self.memory[1])

    def restrict(self, micro: tuple[float, Array]) -> Array:
        self.memory[:] = micro[1]
        return micro[1][:1]


@dataclass(frozen=True)
class Watched(InnerRungeKutta):
    """Remembers what the last burst left."""

    memory: Array = field(default_factory=lambda: np.zeros(2))

    def restrict(self, micro: tuple[float, Array]) -> Array:
        self.memory[:] = micro[1]
        return micro[1]


def stepper_of(model: InnerRungeKutta) -> ef.CoarseTimeStepper:
    return ef.CoarseTimeStepper(model, healing=toolbox.PIG_BURST * 39 / 40)


def integrate(slope: Slope, begin: float, state: Array, step: float) -> Array:
    """Every tenth of 60 steps of the classical scheme."""
    rows = []
    for number in range(60):
        state = runge_kutta(slope, begin + number * step, state, step)
        rows.append(state)
    return np.array(rows[9::10])


@pytest.mark.parametrize("size", [2, 1])
def test_slopes_as_they_are_in_any_integrator_are_the_toolboxs_without_correction(size: int) -> None:
    """A model that knows what time it is; of one number, lifted with what the last burst left of the other."""
    burst, kind = toolbox.PIG_BURST, InnerRungeKutta if size == 2 else Remembering
    stepper = stepper_of(kind(pig_slope, burst / 40, 40))
    begin = stepper.at(0.0).burst([1.0, 0.0][:size], [burst]).mean[-1]
    slope = as_rhs(stepper, burst, correct=False, estimator=Chord(at=1.0))
    found = integrate(slope, burst, begin, (6.0 - burst) / 60)
    assert np.abs(found - toolbox.PIG[size, False][1:]).max() < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 1])
def test_corrected_slopes_in_any_integrator_are_the_toolboxs(size: int) -> None:
    """The toolbox corrects the preliminary burst too, and both numbers at once; it lifts before it corrects."""
    burst = toolbox.PIG_BURST
    model = Watched(pig_slope, burst / 40, 40)
    stepper = stepper_of(model)
    before, after = stepper.at(0.0).burst([1.0, 0.0], [burst * 39 / 40, burst]).mean
    begin = stepper.at(-burst)(after - 2 * burst * (after - before) / (burst / 40), burst)
    corrected = as_rhs(stepper, burst, correct=True, estimator=Chord(at=1.0))

    def slope(time: float, macro: Array) -> Array:
        return corrected(time, np.append(macro, model.memory[size:]))[:size]

    found = integrate(slope, 0.0, begin[:size], 0.1)
    assert np.abs(found - toolbox.PIG[size, True][1:]).max() < 1e-9
