"""Events, times to tell, what is recorded, progress, and time that runs back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.projective import Euler, Heun, Method, Midpoint, ProjectiveState, RungeKutta4
from eqfree.projective.estimators import Estimate
from eqfree.projective.events import Cubic
from tests.eqfree.models import OrnsteinUhlenbeck, decay, drift
from tests.eqfree.projective.slow_fast import linear, rotation

Array = NDArray[np.float64]
EPSILON = 1e-6


class Level:
    """Zero where the first number of the macro state is at a level."""

    def __init__(self, level: float = 0.0, *, terminal: int = 0, direction: float = 0.0) -> None:
        self.level, self.terminal, self.direction = level, terminal, direction

    def __call__(self, time: float, macro: Array) -> float:
        return float(macro[0]) - self.level


def turn(end: float, events: Sequence[Level], method: Method | None = None, begin: float = 0.0) -> ef.Trajectory:
    """The plane that turns once in 2 pi, from (cos, sin) at the beginning."""
    stepper = ef.CoarseTimeStepper(rotation(EPSILON), healing=40 * EPSILON)
    start = [np.cos(begin), np.sin(begin), np.cos(begin)]
    method = method or RungeKutta4(0.1, 80 * EPSILON)
    return ef.solve_projective(stepper, (begin, end), start, method, events=events)


def test_events_are_found_where_they_are() -> None:
    result = turn(6.0, [Level()])
    assert [one.time for one in result.crossings] == pytest.approx([np.pi / 2, 3 * np.pi / 2], abs=2e-5)
    assert result.crossings[0].macro[:2] == pytest.approx([0.0, 1.0], abs=2e-5)
    assert [one.stderr for one in result.crossings] == [0.0, 0.0]


def test_events_are_found_to_fourth_order_in_the_step() -> None:
    steps = np.array([0.4, 0.2, 0.1])
    errors = [
        abs(turn(2.0, [Level()], RungeKutta4(step, 80 * EPSILON)).crossings[0].time - np.pi / 2) for step in steps
    ]
    assert np.polyfit(np.log(steps), np.log(errors), 1)[0] > 3.5


@pytest.mark.parametrize(("direction", "expected"), [(0, [1, 3]), (1, [3]), (-1, [1])])
def test_an_event_asks_for_its_direction(direction: float, expected: list[int]) -> None:
    found = [one.time for one in turn(6.0, [Level(direction=direction)]).crossings]
    assert found == pytest.approx(np.array(expected) * np.pi / 2, abs=2e-5)


@pytest.mark.parametrize("terminal", [1, 2])
def test_a_terminal_event_ends_the_run_there(terminal: int) -> None:
    result = turn(20.0, [Level(0.5), Level(terminal=terminal)])
    assert result.status is ef.Status.EVENT
    assert result.success
    assert result.times[-1] == result.crossings[-1].time == pytest.approx((2 * terminal - 1) * np.pi / 2, abs=5e-5)
    assert result.macro[-1, 0] == pytest.approx(0.0, abs=1e-12)
    assert [one.event for one in result.crossings] == [0, 1, 1][: terminal + 1]


def test_events_are_found_back_in_time() -> None:
    result = turn(0.0, [Level(direction=1.0)], begin=2.0)
    assert [one.time for one in result.crossings] == pytest.approx([np.pi / 2], abs=2e-5)


def test_an_event_in_a_step_that_is_simulated_is_found_too() -> None:
    """Two bursts of 0.06 cover a step of 0.1; the path is a cubic with slopes from bursts at both ends."""
    result = ef.solve_projective(
        ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0], Midpoint(0.1, 0.06), events=Level(0.5)
    )
    assert result.simulated == 10
    assert result.crossings[0].time == pytest.approx(np.log(2), abs=1e-5)
    assert result.cost.bursts == 12


def test_finding_an_event_takes_one_burst_more() -> None:
    stepper = ef.CoarseTimeStepper(decay())
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Midpoint(0.1, 0.01), events=Level(0.5))
    assert result.cost.bursts == 21


@pytest.mark.slow
def test_the_standard_error_of_an_event_is_that_of_the_state_over_its_speed() -> None:
    """x' = -x from 1 reaches 0.5 with speed 0.5: beside the spread of the times in 100 runs."""
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(0.02), replicas=32)
    runs = [
        ef.solve_projective(stepper, (0.0, 1.0), [1.0], Midpoint(0.25, 0.05), (run,), events=Level(0.5)).crossings[0]
        for run in range(100)
    ]
    doubt = np.sqrt(np.mean([one.stderr**2 for one in runs]))
    spread = float(np.std([one.time for one in runs], ddof=1))
    assert doubt == pytest.approx(spread, rel=4 * np.sqrt(1 / (2 * 99) + 1 / (2 * 99 * 7)))
    assert np.mean([one.time for one in runs]) == pytest.approx(np.log(2), abs=4 * spread / 10 + 2e-3)


@pytest.mark.parametrize("scheme", [Euler, Midpoint])
def test_an_event_at_a_bound_is_found_where_the_state_would_cross_it(scheme: Callable[..., Method]) -> None:
    """u = 1 - t with u >= 0 leaves what it may be at 1, inside a step from 0.9 to 1.2."""
    result = ef.solve_projective(
        ef.CoarseTimeStepper(falling(fields=[ef.Field("height", bounds=(0.0, np.inf))])),
        (0.0, 2.0),
        [1.0],
        scheme(0.3, 0.05),
        events=Level(terminal=1),
    )
    assert result.status is ef.Status.EVENT
    assert result.times[-1] == pytest.approx(1.0, abs=1e-9)
    assert result.macro[-1, 0] == pytest.approx(0.0, abs=1e-9)


def test_an_event_that_only_the_nearest_possible_state_crosses_is_found_too() -> None:
    """A leap from (1, 0.5, 0.5) to (-1, 2.5, 0.5) becomes (0, 2, 0): the third number falls in restoring alone."""
    model = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro + duration * np.array([-2.0, 2.0, 0.0]),
        lambda micro: micro,
        deterministic=True,
        fields=[ef.Field("mass", coordinates={"x": [0, 1, 2]}, bounds=(0.0, np.inf))],
        conserved=lambda macro: macro.sum(keepdims=True),
    )
    result = ef.solve_projective(
        ef.CoarseTimeStepper(model),
        (0.0, 1.0),
        [1.0, 0.5, 0.5],
        Euler(1.0, 0.1),
        events=lambda time, macro: macro[2] - 0.2,
    )
    assert result.macro[-1] == pytest.approx([0.0, 2.0, 0.0], abs=1e-9)
    assert len(result.crossings) == 1


def falling(limit: float = -np.inf, **options: object) -> ef.MicroModel:
    """u' = -1; not a number below a limit."""
    return ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro - duration,
        lambda micro: np.where(micro < limit, np.nan, micro),
        **{"deterministic": True} | options,
    )


@pytest.mark.parametrize("method", [Euler(0.2, 0.05), Midpoint(0.2, 0.15), Euler(0.13, 0.12)])
def test_an_event_is_found_where_the_model_fails_soon_after(method: Method) -> None:
    """No burst is possible at the end of the step in which 0.5 is crossed: what its beginning says is enough."""
    stepper = ef.CoarseTimeStepper(falling(limit=0.4), replicas=2)
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0], method, events=Level(0.5, terminal=1))
    assert result.status is ef.Status.EVENT
    assert result.times[-1] == pytest.approx(0.5, abs=1e-9)
    assert result.macro[-1, 0] == pytest.approx(0.5, abs=1e-9)


def test_without_the_burst_at_the_end_the_path_is_a_parabola() -> None:
    """u = 1 - t**2, up to the square of the burst, whose slope is that at its middle; a line without any burst."""
    stepper = ef.CoarseTimeStepper(decay())
    before, after = (ProjectiveState.begin(stepper, time, [1 - time]) for time in (0.0, 1.0))
    first = Estimate(np.array([[0.96]]), np.array([[-0.2]]), duration=0.2, middle=0.1)
    path, line = (Cubic.through(before, one, after, None) for one in (first, None))
    times = np.linspace(0.0, 1.0, 5)
    assert [path(time)[0, 0] for time in times] == pytest.approx(1 - times**2, abs=0.2**2)
    assert [line(time)[0, 0] for time in times] == pytest.approx(1 - times)


def test_an_event_during_the_preliminary_burst_is_found() -> None:
    for terminal in (0, 1):
        result = ef.solve_projective(
            ef.CoarseTimeStepper(decay()),
            (0.0, 1.0),
            [1.0],
            Midpoint(0.1, 0.01),
            preliminary=0.3,
            events=Level(0.8, terminal=terminal),
        )
        assert [one.time for one in result.crossings] == pytest.approx([-np.log(0.8)], abs=1e-4)
        assert result.times[-1] == (result.crossings[0].time if terminal else 1.0)


def test_an_event_must_be_a_number() -> None:
    with pytest.raises(ValueError, match=r"`events` must return one number.* got shape \(1,\) of event 0"):
        ef.solve_projective(
            ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0], Euler(0.1, 0.01), events=lambda time, macro: macro - 0.5
        )


def test_an_event_that_is_zero_at_the_beginning_is_reported_there() -> None:
    """As `scipy.integrate.solve_ivp` does, of a motion that leaves zero in the direction asked for."""
    method = Euler(0.1, 0.01)
    for direction, times in ((0.0, [0.0]), (-1.0, [0.0]), (1.0, [])):
        result = ef.solve_projective(
            ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0], method, events=Level(1.0, direction=direction)
        )
        assert [one.time for one in result.crossings] == times


def test_a_terminal_event_at_a_time_asked_for_is_told() -> None:
    """u = 1 + 2 t is at 2 at a half, where a step ends."""
    result = ef.solve_projective(
        ef.CoarseTimeStepper(drift()),
        (0.0, 1.0),
        [1.0],
        Euler(0.25, 0.01),
        t_eval=[0.0, 0.5, 1.0],
        events=Level(2.0, terminal=1),
    )
    assert result.status is ef.Status.EVENT
    assert result.times.tolist() == pytest.approx([0.0, 0.5])


# Times to tell


@pytest.mark.parametrize("times", [[0.0, 0.33, 1.0], [0.5], [0.1, 0.2, 0.9]])
def test_only_the_times_asked_for_are_told_and_steps_end_there(times: list[float]) -> None:
    stepper = ef.CoarseTimeStepper(linear(EPSILON), healing=40 * EPSILON)
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0, 1.0], RungeKutta4(0.1, 80 * EPSILON), t_eval=times)
    assert result.times.tolist() == times
    assert result.macro[:, 0] == pytest.approx(np.exp(-result.times), abs=1e-6)


@pytest.mark.parametrize("times", [[], [0.5, 0.4], [-0.1, 0.5], [0.5, 1.5], [[0.5]]])
def test_times_that_do_not_go_on_are_refused(times: list[float]) -> None:
    with pytest.raises(ValueError, match=r"`t_eval` must go from 0 towards 1, and not beyond"):
        ef.solve_projective(ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0], Euler(0.1, 0.01), t_eval=times)


@pytest.mark.parametrize("preliminary", [-0.1, 0.5, np.nan])
def test_a_preliminary_burst_beyond_the_first_time_is_refused(preliminary: float) -> None:
    with pytest.raises(ValueError, match=r"`preliminary` must be a time, and end before"):
        ef.solve_projective(
            ef.CoarseTimeStepper(decay()),
            (0.0, 1.0),
            [1.0],
            Euler(0.1, 0.01),
            t_eval=[0.0, 0.5, 1.0],
            preliminary=preliminary,
        )


def test_the_caller_records_what_it_wants_at_every_time_that_is_told() -> None:
    result = ef.solve_projective(
        ef.CoarseTimeStepper(decay()),
        (0.0, 1.0),
        [1.0, 2.0],
        Midpoint(0.1, 0.01),
        t_eval=[0.0, 0.5, 1.0],
        record=lambda time, macro: [time, macro.sum()],
    )
    assert result.records is not None
    assert result.records[:, 0].tolist() == [0.0, 0.5, 1.0]
    assert result.records[:, 1] == pytest.approx(result.macro.sum(axis=1))


@pytest.mark.parametrize("t_span", [(0.0, 1.0), (1.0, 0.0)])
def test_progress_goes_from_nothing_to_all(t_span: tuple[float, float]) -> None:
    shares: list[float] = []
    ef.solve_projective(ef.CoarseTimeStepper(decay()), t_span, [1.0], Euler(0.25, 0.01), progress=shares.append)
    assert shares == pytest.approx([0.25, 0.5, 0.75, 1.0])


# Back in time


@pytest.mark.parametrize("scheme", [Euler, Midpoint, Heun, RungeKutta4])
def test_bursts_that_go_forward_lead_back_in_time(scheme: Callable[..., Method]) -> None:
    """Slow motion is followed back; fast motion, which would grow back in time, dies in every burst."""
    stepper = ef.CoarseTimeStepper(linear(EPSILON), healing=40 * EPSILON)
    method = scheme(step=0.05, burst=80 * EPSILON)
    result = ef.solve_projective(stepper, (1.0, 0.0), [1.0, 5.0], method)
    assert result.times[-1] == 0.0
    assert (np.diff(result.times) < 0).all()
    assert result.macro[-1, 0] == pytest.approx(np.e, rel=2 * 0.05**method.order)


def test_back_in_time_leads_to_an_unstable_state() -> None:
    """x' = x (x - 1/2): from 0.4, the source at 1/2 is where the motion comes from."""

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        ratio = (micro - 0.5) / micro * np.exp(duration / 2)
        return np.asarray(0.5 / (1 - ratio))

    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro, deterministic=True)
    result = ef.solve_projective(ef.CoarseTimeStepper(model), (0.0, -40.0), [0.4], RungeKutta4(0.5, 0.01))
    assert result.macro[-1, 0] == pytest.approx(0.5, abs=1e-6)
