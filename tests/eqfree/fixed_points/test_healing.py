"""How long to heal: a sweep over healing times on a lift that is wrong by a known amount."""

from __future__ import annotations

from math import exp, isnan
from typing import Any

import numpy as np
import pytest

import eqfree as ef
from eqfree.fixed_points import sweep_healing
from eqfree.results import Status
from tests.eqfree.steady_models import Shaken, WrongLift, linear, runge_kutta


def sweep(model: Any, start: Any, healings: Any, **options: Any) -> ef.HealingSweep:
    stepper = ef.CoarseTimeStepper(model, replicas=options.pop("replicas", 32))
    return sweep_healing(stepper, start, options.pop("duration", 1.0), healings, **options)


def test_the_error_of_the_steady_state_falls_at_the_fast_rate() -> None:
    """Rate 10: ln|error| over healing is a line of slope -10, once the lift, which knows the answer, hardly moves."""
    healings = np.array([0.6, 0.8, 1.0, 1.2])
    found = sweep(WrongLift(), [2.0], healings)
    errors = [abs(point.macro[0] - 1.5) for point in found.points]
    assert np.polyfit(healings, np.log(errors), 1)[0] == pytest.approx(-10.0, abs=0.15)


def test_the_shortest_healing_is_the_first_from_which_on_the_answer_stays() -> None:
    healings = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    found = sweep(WrongLift(), [2.0], healings, tolerance=0.02)
    values = np.array([point.macro[0] for point in found.points])
    apart = np.abs(values - values[-1]) > 0.02
    first = healings[int(np.flatnonzero(apart)[-1]) + 1]
    assert found.shortest == first
    assert 0 < first < 1.0
    assert found.words == f"The steady state is the same from a healing of {first:g} on."
    assert found.cost.bursts == sum(point.cost.bursts for point in found.points)
    assert found.to_pandas()["value"].tolist() == values.tolist()


@pytest.mark.slow
def test_noise_hides_what_healing_has_not_finished_and_no_more() -> None:
    """The error after 0.1 is some 0.3 and seen through 0.02, that after 0.8 is 1e-4 and not."""
    found = sweep(WrongLift(noise=0.1), [2.0], [0.1, 0.8, 1.6], replicas=64)
    assert found.shortest == 0.8
    for point, left in zip(found.points[1:], (exp(-8), exp(-16)), strict=True):
        assert abs(point.macro[0] - 1.5) < 5 * point.stderr[0] + left


def test_where_no_healing_suffices_the_sentence_says_what_to_do() -> None:
    """What lift leaves out is as slow as the rest: rates 1 and 1.2."""
    found = sweep(WrongLift(fast=1.2), [2.0], [0.0, 0.5, 1.0], tolerance=1e-3)
    assert isnan(found.shortest)
    assert found.words.startswith("A healing of 0.5 is too short: the steady state is another one after 1. Heal longer")
    assert "`relift`" in found.words


def test_where_nothing_is_steady_the_sentence_names_the_healings() -> None:
    flow = runge_kutta(lambda u: 1 + u * u, 0.02)
    found = sweep(Shaken(flow), [0.5], [0.0, 0.05], duration=0.1)
    assert [point.status for point in found.points] == [Status.NO_STEADY_STATE] * 2
    assert isnan(found.shortest)
    assert found.words == "No steady state was found after a healing of 0, 0.05."


@pytest.mark.parametrize("healings", [[1.0], [1.0, 1.0], [2.0, 1.0], [[0.0, 1.0]], []])
def test_healings_that_do_not_ascend_are_refused(healings: Any) -> None:
    with pytest.raises(ValueError, match="`healings` must ascend, and be at least two"):
        sweep(Shaken(linear([[-1.0]])), [1.0], healings)


def test_a_negative_healing_is_refused() -> None:
    with pytest.raises(ValueError, match="`healing` must be a finite time, not negative: got -1"):
        sweep(Shaken(linear([[-1.0]])), [1.0], [-1.0, 1.0])
