"""The walk along a branch: written down and gone on from, stopped, carried, told, refused."""

from __future__ import annotations

from io import BytesIO
from itertools import pairwise
from math import exp
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

import eqfree as ef
from analysis import draw_branch
from eqfree.continuation import BranchState, EventOptions, PseudoArclength, Steps, Sweep
from eqfree.results import Branch, Status
from tests.eqfree.continuation.branch_models import SlowHidden, StepperOf, cusp, euler, fold, labels, line, method
from tests.eqfree.steady_models import Array

CUSP_FOLD = 2 / (3 * np.sqrt(3))


# Written down and gone on from


def hidden(healing: float = 2.0, **options: float) -> StepperOf:
    return lambda parameter: ef.CoarseTimeStepper(SlowHidden(parameter, **options), healing=healing)


def through_a_file(state: BranchState) -> BranchState:
    file = BytesIO()
    np.savez(file, allow_pickle=False, **state.to_arrays())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return BranchState.from_arrays(dict(arrays))


def same(one: Any, other: Any) -> bool:
    left, right = (
        {name: array for name, array in state.to_arrays().items() if "wall" not in name} for state in (one, other)
    )
    return left.keys() == right.keys() and all(
        left[name].dtype == right[name].dtype and left[name].tobytes() == right[name].tobytes() for name in left
    )


walks = pytest.mark.parametrize(
    ("stepper_of", "start", "how"),
    [
        (cusp(), [-1.2], method((-0.6, 0.6), first=0.1, points=20)),
        (fold(0.1), [-0.75], method((-0.6, 0.5), 0.5, first=0.2, points=8)),
        (fold(), [-0.75], method((-0.6, 0.5), points=8, multipliers=0)),
        (hidden(), [-1.2], method((-0.6, 0.6), 1.0, first=0.1, carry=2, points=8)),
    ],
    ids=["deterministic", "noisy", "without multipliers", "carried"],
)


@walks
def test_a_walk_goes_on_from_a_file_to_the_same_bits(stepper_of: StepperOf, start: list[float], how: Any) -> None:
    walk = ef.iter_branch(stepper_of, start, -0.55, how, (3,))
    whole = list(walk)
    assert len(whole) >= 8
    for kept in (0, 3, len(whole) - 1):
        again = ef.iter_branch(stepper_of, start, -0.55, how, (3,), state=through_a_file(whole[kept]))
        rest = list(again)
        assert len(rest) == len(whole) - kept - 1
        assert all(same(one, other) for one, other in zip(rest, whole[kept + 1 :], strict=True))
        assert again.status is walk.status


@walks
def test_a_state_comes_back_from_its_arrays(stepper_of: StepperOf, start: list[float], how: Any) -> None:
    *_, state = ef.iter_branch(stepper_of, start, -0.55, how)
    back = through_a_file(state)
    assert same(back, state)
    for name in ("number", "step", "candidate", "last", "since", "replicas", "heading", "folded", "spent"):
        assert type(getattr(back, name)) is type(getattr(state, name))
        assert getattr(back, name) == getattr(state, name)
    assert back.point.stability is state.point.stability


def test_events_of_a_walk_that_goes_on_from_a_file_are_seen_at_the_same_points() -> None:
    how = method((-0.6, 0.6), first=0.1)
    whole = list(ef.iter_branch(cusp(), [-1.2], -0.6, how))
    halfway = [state.candidate for state in whole].index("fold") - 1
    rest = ef.iter_branch(cusp(), [-1.2], -0.6, how, state=through_a_file(whole[halfway]))
    assert [state.candidate for state in rest] == [state.candidate for state in whole[halfway + 1 :]]


def test_an_iterator_gives_the_points_of_the_branch() -> None:
    how = method()
    branch = ef.continue_branch(fold(), [-1.0], -1.0, how, directions=(1,))
    told = [state.point.parameter for state in ef.iter_branch(fold(), [-1.0], -1.0, how)]
    assert told == branch.parameter.tolist()


# Stopped


def test_a_budget_stops_a_branch_and_keeps_it() -> None:
    whole = ef.continue_branch(cusp(), [-1.2], -0.6, method((-0.6, 0.6)), directions=(1,), events=None)
    budget = 0.4 * whole.cost.micro_time
    branch = ef.continue_branch(cusp(), [-1.2], -0.6, method((-0.6, 0.6), budget=budget), directions=(1,), events=None)
    assert branch.status is Status.BUDGET
    assert not branch.success
    assert "Raise `budget`" in branch.message
    assert branch.parameter.tolist() == whole.parameter[: len(branch.points)].tolist()
    most = max(point.cost.micro_time for point in branch.points)
    assert budget <= branch.cost.micro_time < budget + most + 1e-9


def test_a_budget_counts_what_was_spent_before_the_walk_was_written_down() -> None:
    how = method((-0.6, 0.6), budget=4.0)
    walk = ef.iter_branch(cusp(), [-1.2], -0.6, how)
    whole = list(walk)
    assert walk.status is Status.BUDGET
    again = ef.iter_branch(cusp(), [-1.2], -0.6, how, state=through_a_file(whole[3]))
    assert len(list(again)) == len(whole) - 4
    assert again.status is Status.BUDGET


@pytest.mark.parametrize(("start", "parameter", "directions"), [(-1.2, -0.6, (1,)), (0.0, 0.0, (1, -1))])
def test_the_cost_of_a_branch_is_that_of_all_its_bursts(
    start: float, parameter: float, directions: tuple[int, ...]
) -> None:
    bursts = 0

    def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
        def flow(state: Array, duration: float, rng: Any) -> Array:
            nonlocal bursts
            bursts += duration > 0
            return np.asarray(state + duration * (parameter + state - state**3))

        return ef.CoarseTimeStepper(ef.micro_model(lambda u, rng: u, flow, lambda u: u, deterministic=True))

    branch = ef.continue_branch(stepper_of, [start], parameter, method((-0.6, 0.6)), directions=directions)
    assert branch.status is Status.FOLLOWED
    assert branch.cost.bursts == bursts


@pytest.mark.parametrize("points", [1, 5])
def test_a_branch_has_as_many_points_as_were_asked(points: int) -> None:
    branch = ef.continue_branch(line(), [0.0], 0.0, method((-1.0, 1.0), points=points))
    assert len(branch.points) == 2 * points - 1
    assert branch.status is Status.FOLLOWED


def test_progress_is_told_of_every_point() -> None:
    told: list[float] = []
    branch = ef.continue_branch(
        line(), [0.0], 0.0, method((0.0, 0.2)), directions=(1,), progress=lambda point: told.append(point.parameter)
    )
    assert told == branch.parameter.tolist()


def test_steps_stay_between_their_limits_and_turns_below_theirs() -> None:
    how = method((-0.6, 0.6), first=0.05, largest=0.2, turn=0.3)
    states = list(ef.iter_branch(cusp(), [-1.2], -0.6, how))
    z = np.array([[state.point.macro[0] / 1.2, state.point.parameter] for state in states])
    steps = np.diff(z, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    assert lengths.max() < 0.2 / np.cos(0.3)
    angles = [np.arccos(np.clip(a.tangent @ b.tangent, -1, 1)) for a, b in pairwise(states[:-1])]
    assert max(angles) <= 0.3
    assert lengths[:8].max() > 0.12  # they grow where nothing happens


# Carried along


def lifted_anew(parameter: float, healing: float, duration: float, slow: float = 0.25, gain: float = 1.0) -> float:
    """What is read of `SlowHidden` after healing, where M(healing + duration) u = M(healing) u, with h = 0 lifted.

    u(t) = c + (u - c) exp(-t) + d (exp(-s t) - exp(-t))/(1 - s), with c = (1 + gain) p and d = -gain p.
    """
    c, d = (1 + gain) * parameter, -gain * parameter
    start, end = healing, healing + duration
    driven = [d * (exp(-slow * t) - exp(-t)) / (1 - slow) for t in (start, end)]
    away = (driven[1] - driven[0]) / (exp(-start) - exp(-end))
    return c + away * exp(-start) + driven[0]


@pytest.mark.parametrize("parameter", [0.2, 0.7])
def test_a_lift_that_does_not_know_a_slow_variable_is_off_by_what_is_computed(parameter: float) -> None:
    branch = ef.continue_branch(hidden(2.0), [0.6], parameter, method((-1.0, 1.0), 1.0, first=0.3), directions=(1,))
    assert branch.parameter[-1] == 1.0
    for point in branch.points:
        assert point.macro[0] == pytest.approx(lifted_anew(point.parameter, 2.0, 1.0), abs=1e-6)
    assert branch.macro[-1, 0] < 1.6  # where 2 is right


def test_a_population_that_is_carried_along_gives_the_right_branch() -> None:
    """The slow variable is the less off the shorter the steps: by those of the last points, and not by all of it."""

    def wrong(first: float) -> float:
        how = method((-1.0, 1.0), 1.0, first=first, carry=1, points=500)
        branch = ef.continue_branch(hidden(), [0.6], 0.3, how, directions=(1,))
        assert branch.status is Status.FOLLOWED
        assert branch.parameter[-1] == 1.0
        assert not branch.events
        return float(2 * branch.parameter[-2] - branch.macro[-2, 0])

    short, long = wrong(0.05), wrong(0.1)
    anew = 2 - lifted_anew(1.0, 2.0, 1.0)
    assert 0 < short < 0.1 * anew
    assert short / long == pytest.approx(0.5, abs=0.1)


@pytest.mark.slow
def test_arms_of_a_crossing_are_lifted_near_a_population_that_was_healed() -> None:
    """u' = h u - u³, h' = -(h - p)/4, and h lifted as -1: nothing crosses there. Carried, h lags behind p by a step."""

    def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
        def evolve(micro: Array, duration: float, rng: Any) -> Array:
            steps = max(round(duration / 0.1), 1)
            for _ in range(steps):
                u, h = micro
                later = parameter + (h - parameter) * exp(-0.25 * duration / steps)
                micro = np.array([u + duration / steps * (h * u - u**3), later])
            return micro

        model = ef.micro_model(
            lambda u, rng: np.array([u[0], -1.0]),
            evolve,
            lambda micro: micro[:1],
            relift=lambda u, previous, rng: np.array([u[0], previous[1]]),
            pack=lambda micro: {"micro": micro},
            unpack=lambda packed: np.array(packed["micro"]),
            deterministic=True,
        )
        return ef.CoarseTimeStepper(model, healing=8.0)

    how = method((-0.32, 0.3), 1.0, first=0.02, carry=1, points=200)
    (event,) = ef.continue_branch(stepper_of, [0.0], -0.32, how, directions=(1,)).events
    assert event.kind == "branch point"
    assert abs(event.parameter) < 0.01
    arms = ef.switch_branch(stepper_of, event, how, distance=0.1)
    assert np.abs(arms.macro[:, 0] ** 2 - arms.parameter).max() < 0.01
    assert arms.parameter[[0, -1]].tolist() == [0.3, 0.3]


# Told


def told_branch() -> Branch:
    fields = (ef.Field("height", "m", scale=1.0),)
    return ef.continue_branch(cusp(fields=fields), [-1.2], -0.6, method((-0.6, 0.6), first=0.1), directions=(1,))


def test_tables_of_a_branch_hold_what_the_branch_holds() -> None:
    branch = told_branch()
    points, events = branch.to_pandas("lower"), branch.events_to_pandas("lower", level=0.9)
    assert points.columns.tolist() == [
        *("branch", "parameter", "parameter_stderr", "measure", "measure_stderr", "covariance", "stability"),
        *("growing", "largest", "duration"),
    ]
    assert events.columns.tolist() == [
        *("branch", "kind", "parameter", "stderr", "low", "high", "measure", "frequency", "frequency_stderr")
    ]
    assert set(points["branch"]) == set(events["branch"]) == {"lower"}
    assert points["measure"].tolist() == branch.macro[:, 0].tolist()
    assert "".join(word[0] for word in points["stability"]) == labels(branch)
    assert (points["growing"] == (points["stability"] == "unstable")).all()
    exact = 1 + 0.1 * (1 - 3 * branch.macro[:, 0] ** 2)
    assert np.abs(points["largest"] - exact).max() < 2e-6
    assert (events["kind"] == "fold").all()
    assert np.abs(events["parameter"].abs() - CUSP_FOLD).max() < 1e-9
    assert (events["low"] == events["parameter"]).all()  # there is no noise


def test_labelled_arrays_of_a_branch_have_names_units_and_coordinates() -> None:
    fields = (
        ef.Field("height", "m", {"x": [0.5, 1.5]}, {"x": "km"}, scale=1.0),
        ef.Field("depth", "1", scale=1.0),
    )
    branch = ef.continue_branch(line(fields=fields), [0.0, 0.0, 0.0], 0.0, method((-0.2, 0.2)))
    dataset = branch.to_xarray()
    assert dataset["height"].dims == ("point", "x")
    assert dataset["height"].attrs["units"] == dataset["height_stderr"].attrs["units"] == "m"
    assert dataset["x"].to_numpy().tolist() == [0.5, 1.5]
    assert dataset["x"].attrs["units"] == "km"
    assert dataset["depth"].dims == ("point",)
    assert dataset["depth"].to_numpy().tolist() == branch.macro[:, 2].tolist()
    assert dataset["parameter"].to_numpy().tolist() == branch.parameter.tolist()
    assert set(dataset["stability"].to_numpy()) == {"stable"}
    plain = ef.continue_branch(line(), [0.0, 0.0], 0.0, method((-0.2, 0.2))).to_xarray()
    assert plain["macro"].dims == ("point", "macro_0")


def test_a_branch_and_its_events_are_drawn() -> None:
    branch = told_branch()
    swept = ef.sweep(cusp(), [-1.2], np.linspace(-0.6, 0.6, 7), 5.0).to_pandas()
    made = draw_branch(
        branch.to_pandas(), branch.events_to_pandas(), swept, parameter_label="push (1)", measure_label="height (m)"
    )
    assert isinstance(made, Figure)


def test_events_that_were_not_located_are_drawn_too() -> None:
    """Whether nobody looked, or nothing was found in a window that is far too narrow for the noise."""
    how = method((-0.6, 0.5), 0.5, first=0.2, points=9)
    for events in (None, EventOptions(key_sets=1, window=1e-9)):
        branch = ef.continue_branch(fold(0.1), [-0.75], -0.55, how, directions=(1,), events=events)
        table = branch.events_to_pandas()
        assert len(table)
        assert np.isfinite(table[["parameter", "measure"]].to_numpy(np.float64)).all()
        made = draw_branch(branch.to_pandas(), table, parameter_label="push (1)", measure_label="height (m)")
        assert isinstance(made, Figure)


def test_a_measure_is_what_the_caller_reads() -> None:
    how = method((-0.2, 0.2), measure=lambda u: [u.sum(), u[0] ** 2])
    branch = ef.continue_branch(line(), [0.0, 0.0], 0.0, how)
    assert branch.measure == pytest.approx(np.stack((2 * branch.parameter, branch.parameter**2), axis=-1), abs=1e-7)
    assert branch.to_pandas(measure=1)["measure"].tolist() == branch.measure[:, 1].tolist()


# Swept


def hysteresis(steps: int = 61) -> Sweep:
    up = np.linspace(-0.6, 0.6, steps)
    return ef.sweep(cusp_flow, [-1.2], np.concatenate((up, up[-2::-1])), 40.0)


def cusp_flow(parameter: float) -> ef.CoarseTimeStepper:
    """In steps of 0.1, which leave the steady states of the cusp where they are."""

    def flow(state: Array, duration: float, rng: Any) -> Array:
        for _ in range(round(duration / 0.1)):
            state = state + 0.1 * (parameter + state - state**3)
        return state

    return ef.CoarseTimeStepper(ef.micro_model(lambda u, rng: u, flow, lambda u: u, deterministic=True))


def test_a_sweep_up_and_down_jumps_beyond_the_folds() -> None:
    """The first place beyond a fold is 0.005 to 0.015 away: a bottleneck of length π/√(√3 · 0.015) = 19 at the most."""
    table = hysteresis().to_pandas()
    for direction, sign in (("up", 1), ("down", -1)):
        way = table[table["direction"] == direction]
        behind = way[way["parameter"] * sign < CUSP_FOLD]
        beyond = way[way["parameter"] * sign > CUSP_FOLD + 0.035]
        late = behind[behind["parameter"] * sign > -CUSP_FOLD]
        assert len(late) > 20
        assert (late["measure"] * sign < 0).all()
        assert (beyond["measure"] * sign > 0.5).all()
    middle = table[np.isclose(table["parameter"], 0.0)]
    assert middle["measure"].to_numpy() == pytest.approx([-1.0, 1.0], abs=1e-6)


def test_a_continuation_starts_from_a_sweep() -> None:
    swept = hysteresis()
    parameter, macro = swept.at(-0.317)
    assert parameter == pytest.approx(-0.32)
    assert macro[0] == pytest.approx(np.roots([-1.0, 0.0, 1.0, parameter]).real.min(), abs=1e-6)
    branch = ef.continue_branch(cusp(), macro, parameter, method((-0.6, 0.6), first=0.1))
    assert [event.kind for event in branch.events] == ["fold", "fold"]


def test_a_sweep_counts_and_repeats() -> None:
    shares: list[float] = []
    made = ef.sweep(fold(0.01), [-0.7], [-0.5, -0.4], 1.0, (2,), progress=shares.append)
    again = ef.sweep(fold(0.01), [-0.7], [-0.5, -0.4], 1.0, (2,))
    other = ef.sweep(fold(0.01), [-0.7], [-0.5, -0.4], 1.0, (3,))
    assert np.array_equal(made.macro, again.macro)
    assert not np.array_equal(made.macro, other.macro)
    assert shares == [0.5, 1.0]
    assert (made.cost.bursts, made.cost.micro_time) == (32, 32.0)
    assert (made.stderr > 0).all()


def test_replicas_of_a_sweep_carry_their_populations() -> None:
    """Two stays are one of twice the length; lifted anew, the slow variable would start at zero again."""
    swept = ef.sweep(hidden(), [1.0], [0.5, 0.5], 4.0)
    micro = np.array([1.0, 0.0])
    model = SlowHidden(0.5)
    for _ in range(2):
        micro = model.evolve(micro, 4.0, np.random.default_rng(0))
    assert swept.macro[-1, 0] == pytest.approx(micro[0], abs=1e-12)


# Refused


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"first": 0.1, "smallest": 0.2}, "0 < smallest <= first <= largest: got smallest=0.2, first=0.1"),
        ({"first": 0.0}, "0 < smallest <= first <= largest: got smallest=0, first=0"),
        ({"first": 0.1, "largest": np.inf}, "largest=inf"),
        ({"first": np.nan}, "first=nan"),
        ({"unit": 0.0}, "`unit` of the parameter must be positive: got 0.0"),
        ({"unit": np.inf}, "`unit` of the parameter must be positive: got inf"),
        ({"turn": 0.0}, "`turn` must lie between 0 and 1.5 radians: got 0.0"),
        ({"turn": 2.0}, "`turn` must lie between 0 and 1.5 radians: got 2.0"),
        ({"points": 0}, "at least one of its `points`, a whole number: got 0"),
        ({"budget": 0.0}, "`budget` must be positive: got 0.0"),
        ({"budget": np.nan}, "`budget` must be positive: got nan"),
    ],
)
def test_steps_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Steps(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"span": (1.0, 1.0)}, r"`span` of the parameter must be \(smallest, largest\): got \(1.0, 1.0\)"),
        ({"span": (np.nan, 1.0)}, "`span` of the parameter must be"),
        ({"carry": 0}, "carried for at least one point: got carry=0"),
        ({"multipliers": -1}, "`multipliers` cannot be negative: got -1"),
    ],
)
def test_methods_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PseudoArclength(duration=1.0, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key_sets": 0}, "`key_sets` must be at least 1, a whole number: got 0"),
        ({"replicas": 0}, "`replicas` must be at least 1, a whole number: got 0"),
        ({"window": 0.0}, "`window` must be positive: got 0.0"),
    ],
)
def test_event_options_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EventOptions(**options)


@pytest.mark.parametrize(
    ("stepper_of", "start", "at", "options", "message"),
    [
        (fold(), [-1.0], 2.0, {}, r"`parameter0` must lie in the span \(-1.0, 0.5\): got 2"),
        (fold(), [-1.0], np.nan, {}, "`parameter0` must lie in the span"),
        (fold(), [-1.0], -1.0, {"directions": (2,)}, "A direction along a branch is 1 or -1: got 2"),
        (fold(), [-1.0], -1.0, {"directions": ()}, r"`directions` must be 1, -1 or both: got \(\)"),
        (fold(), [-1.0], -1.0, {"directions": (1, 1)}, r"`directions` must be 1, -1 or both: got \(1, 1\)"),
        (fold(0.1, replicas=7), [-1.0], -1.0, {}, "at least 8 `replicas`, so that its noise is known: got 7"),
        (fold(0.1), [-1.0], -1.0, {"events": EventOptions(replicas=2)}, "at least 8 `replicas`.*: got 2"),
        (fold(), [np.nan], -1.0, {}, "A macro state must be finite"),
    ],
)
def test_branches_that_make_no_sense_are_refused(
    stepper_of: StepperOf, start: list[float], at: float, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ef.continue_branch(stepper_of, start, at, method(), **options)


@pytest.mark.parametrize("duration", [0.0, -1.0, np.nan])
def test_a_duration_is_positive(duration: float) -> None:
    with pytest.raises(ValueError, match="`duration`, between the two readings, must be positive"):
        ef.continue_branch(fold(), [-1.0], -1.0, method(duration=duration))


def test_populations_are_carried_by_models_with_relift() -> None:
    with pytest.raises(ValueError, match="carried by models with `relift`, `pack` and `unpack`"):
        ef.continue_branch(fold(), [-1.0], -1.0, method(carry=1))


def test_a_direction_of_an_iterator_is_one_or_minus_one() -> None:
    with pytest.raises(ValueError, match="is 1 or -1: got 0"):
        ef.iter_branch(fold(), [-1.0], -1.0, method(), direction=0)


@pytest.mark.parametrize(
    ("parameters", "duration", "message"),
    [
        ([], 1.0, "`parameters` must be one finite number or more"),
        ([np.nan], 1.0, "`parameters` must be one finite number or more"),
        ([0.0], 0.0, "`duration` at each parameter must be positive: got 0.0"),
    ],
)
def test_sweeps_that_make_no_sense_are_refused(parameters: list[float], duration: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ef.sweep(fold(), [-1.0], parameters, duration)


def test_a_parameter_that_a_model_has_not_is_its_own_error() -> None:
    """It passes through as it is."""

    def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
        raise KeyError(parameter)

    with pytest.raises(KeyError):
        ef.continue_branch(stepper_of, [0.0], 0.0, method())


def test_a_step_of_the_euler_models_is_what_they_say() -> None:
    model = euler(lambda u, p: p - u)(2.0)
    assert model([1.0], 0.1)[0] == pytest.approx(1.1)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_nobody_is_asked_for_a_parameter_beyond_the_span(noise: float) -> None:
    """u' = p - u with p in [0, 1]: derivatives at both ends are one-sided there, and the branch is the same."""

    def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
        assert -1e-8 <= parameter <= 1 + 1e-8

        def evolve(u: Array, duration: float, rng: np.random.Generator) -> Array:
            return np.asarray(parameter + (u - parameter) * exp(-duration) + noise * rng.standard_normal(u.shape))

        model = ef.micro_model(lambda u, rng: u, evolve, lambda u: u, deterministic=noise == 0)
        return ef.CoarseTimeStepper(model, replicas=16)

    branch = ef.continue_branch(
        stepper_of, [0.0], 0.0, PseudoArclength(duration=1.0, span=(0.0, 1.0), steps=Steps(first=0.2)), directions=(1,)
    )
    assert branch.success, branch.message
    assert branch.parameter[[0, -1]].tolist() == [0.0, 1.0]
    one = noise / (1 - exp(-1.0)) / 4  # standard error of 16 replicas
    assert branch.macro[:, 0] == pytest.approx(branch.parameter, abs=1e-7 + 5 * one)


@pytest.mark.parametrize(
    ("stepper_of", "how", "message"),
    [
        (lambda p: None, method(), "`stepper_of` must make a coarse time-stepper"),
        (fold()(0.0), method(), "`stepper_of` must be a function of the parameter"),
        (fold(), Steps, "`method` must be a PseudoArclength"),
        (fold(), method(measure=lambda u: np.nan), "`measure` must return finite numbers"),
        (fold(), method(domain=lambda u, p: -1.0), "must begin inside its `domain`"),
    ],
)
def test_other_objects_than_are_asked_are_refused(stepper_of: Any, how: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ef.continue_branch(stepper_of, [-1.0], -1.0, how)


def test_a_solver_of_branches_is_newtons() -> None:
    with pytest.raises(ValueError, match="`solver` must be a Newton"):
        method(solver=ef.fixed_points.Anderson())


def test_a_branch_that_used_up_its_points_says_so() -> None:
    branch = ef.continue_branch(fold(), [-1.0], -1.0, method(first=0.05, points=3), directions=(1,))
    assert branch.success
    assert "All the points that `steps` allows are made" in branch.message
