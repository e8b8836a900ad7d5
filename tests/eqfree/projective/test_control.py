"""What Adaptive makes of the errors that a scheme tells it, to the number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

import eqfree as ef
from eqfree.projective import Adaptive, ProjectiveState, Step
from eqfree.projective.bursts import Bursts, Ensemble
from eqfree.projective.tableau import BOGACKI_SHAMPINE
from tests.eqfree.models import OrnsteinUhlenbeck, decay

Array = NDArray[np.float64]
TOLERANCE, SHARE, SPAN = 1.0, 0.5, 10.0
ALLOWED = SHARE * TOLERANCE / SPAN  # truncation error of a step of length 1


@dataclass(frozen=True)
class Told:
    """A scheme of third order that errs by what it is told, and whose replicas stand in pairs about the mean."""

    error: float = 0.0
    error_spread: float = 0.0
    end_spread: float = 0.0
    kept: float = 1.0

    step, burst, bursts, order, coefficients = 1.0, 1e-6, 6, 3, BOGACKI_SHAMPINE

    def advance(self, bursts: Bursts, state: ProjectiveState, duration: float) -> Step:
        pairs = np.tile([[1.0], [-1.0]], (len(state.sizes), int(bursts.sizes[0]) // 2, 1))
        return Step(
            duration,
            1 + self.kept * (state.groups - 1),
            error=np.full_like(state.groups, self.error * duration**3),
            errors=self.error_spread * duration**3 * pairs,
            ends=self.end_spread * pairs,
        )


def advance(told: Told, model: ef.MicroModel, spread: float = 0.0) -> Step:
    """A step of length 1 from 0 with 8 groups of two, half of them above 1 by the spread, half below."""
    stepper = ef.CoarseTimeStepper(model, replicas=16)
    state = ProjectiveState.begin(stepper, 0.0, [1.0], end=SPAN)
    signs = np.resize([1.0, -1.0], (len(state.sizes), 1))
    state = replace(state, groups=state.groups + (0.0 if state.exact else spread * signs))
    bursts = Bursts(Ensemble(stepper, np.array([1.0])), state.sizes, state.totals, (0,))
    return Adaptive(cast(Any, told), TOLERANCE, share=SHARE).advance(bursts, state, 1.0)


@pytest.mark.parametrize(("error", "shortened"), [(0.12, False), (0.14, True)])
def test_an_estimate_that_may_be_noise_shortens_no_step(error: float, shortened: bool) -> None:
    """Two standard errors of 0.04 above 0.05. Pairs at +-a have the variance 2 a**2, its mean over 16 a**2/8."""
    assert pytest.approx(0.05) == ALLOWED
    step = advance(Told(error, error_spread=0.04 * np.sqrt(8)), OrnsteinUhlenbeck())
    assert (step.duration < 1.0) == shortened


@pytest.mark.parametrize("ratio", [0.5, 0.2])
def test_the_next_step_is_that_of_a_second_order_estimate(ratio: float) -> None:
    """The estimate of a step goes as its cube and what it may be as its length: 0.9 ratio**(-1/2)."""
    step = advance(Told(ratio * ALLOWED), decay())
    assert step.proposed == pytest.approx(0.9 / np.sqrt(ratio))


def test_a_step_is_repeated_as_short_as_a_second_order_estimate_says() -> None:
    step = advance(Told(2 * ALLOWED), decay())
    assert step.duration == pytest.approx(0.9 / np.sqrt(2))


@pytest.mark.parametrize("kept", [1.0, 0.5])
def test_the_next_replicas_are_those_that_noise_and_what_the_flow_forgets_ask_for(kept: float) -> None:
    """The next step is 3, its replicas add (3/1)**2 times the 2 b**2 of pairs at +-b.

    They may add up to 0.75 (1 + 3)/10 by its end, less what is left of the variance of the groups, d**2/7 for +-d: it
    is multiplied by kept**2 in the step that was made and again in the next.
    """
    squares, before = 0.59, 0.28
    step = advance(Told(end_spread=np.sqrt(squares), kept=kept), OrnsteinUhlenbeck(), spread=np.sqrt(7 * before))
    allowed = max(0.75 * 0.4 - kept**4 * before, 0.75 * 0.3 / 2)
    assert step.proposed == pytest.approx(3.0)
    assert step.sizes is not None
    assert step.sizes.tolist() == [ceil(9 * 2 * squares / allowed / 8)] * 8
