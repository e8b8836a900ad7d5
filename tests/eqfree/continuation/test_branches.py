"""Branches, folds and crossings of deterministic models, at their exact places."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.linalg import eigvals
from scipy.optimize import root

import eqfree as ef
from eqfree.fixed_points import NewtonKrylov
from eqfree.results import Branch, BranchEvent, Status
from tests.eqfree.continuation.branch_models import Array, StepperOf, cusp, euler, fold, labels, line, method, runs
from tests.eqfree.steady_models import Shaken, bratu

BRATU_FOLD = 3.506681116784885  # 15 inner points, second-order differences: the discretised equations at 30 digits
CUSP_FOLD = 2 / (3 * np.sqrt(3))


# Bratu's equation


@cache
def bratu_branch(krylov: bool) -> Branch:
    solver: Any = {"solver": NewtonKrylov()} if krylov else {}
    how = method((2.0, 4.0), 0.05, first=0.3, largest=1.0, measure=np.max, **solver)
    return ef.continue_branch(bratu_of, np.zeros(15), 2.0, how, directions=(1,))


def bratu_of(strength: float) -> ef.CoarseTimeStepper:
    return ef.CoarseTimeStepper(Shaken(bratu(15, strength)))


def bratu_residual(state: Array, strength: float) -> Array:
    """The discretised equations, not their time-stepper."""
    return np.asarray(256.0 * np.diff(np.concatenate(([0.0], state, [0.0])), 2) + strength * np.exp(state))


too_far = [pytest.mark.filterwarnings(f"ignore:{what}:RuntimeWarning") for what in ("overflow", "invalid value")]
krylov_or_dense = pytest.mark.parametrize("krylov", [False, pytest.param(True, marks=[pytest.mark.slow, *too_far])])


@pytest.mark.slow
@krylov_or_dense
def test_the_fold_of_bratus_equation_is_that_of_its_discretisation(krylov: bool) -> None:
    branch = bratu_branch(krylov)
    assert branch.status is Status.FOLLOWED
    assert [event.kind for event in branch.events] == ["fold"]
    assert branch.events[0].parameter == pytest.approx(BRATU_FOLD, abs=1e-7)
    assert branch.parameter[-1] == 2.0


@krylov_or_dense
def test_both_sides_of_bratus_branch_solve_the_discretised_equations(krylov: bool) -> None:
    branch = bratu_branch(krylov)
    for point in branch.points:
        exact = root(bratu_residual, point.macro, args=(point.parameter,), tol=1e-13).x
        assert np.abs(bratu_residual(exact, point.parameter)).max() < 1e-9
        assert np.abs(point.macro - exact).max() < 1e-7
    assert branch.measure[-1, 0] > 2.8  # the upper of the two states at 2
    assert branch.measure[0, 0] < 0.4


@krylov_or_dense
def test_bratus_branch_changes_from_stable_to_unstable_once_and_at_the_fold(krylov: bool) -> None:
    branch = bratu_branch(krylov)
    told = labels(branch)
    after = branch.events[0].after
    assert told == "s" * (after + 1) + "u" * (len(told) - after - 1)


@krylov_or_dense
def test_multipliers_along_bratus_branch_are_those_of_the_discretised_equations(krylov: bool) -> None:
    """The time-stepper's are exp(0.05 λ), but for the error of Runge's and Kutta's method."""
    laplacian = 256.0 * (np.eye(15, k=1) - 2 * np.eye(15) + np.eye(15, k=-1))
    for point in bratu_branch(krylov).points:
        exact = np.exp(0.05 * eigvals(laplacian + point.parameter * np.diag(np.exp(point.macro))).real.max())
        assert point.spectrum is not None
        assert np.abs(point.spectrum.multipliers).max() == pytest.approx(exact, rel=2e-5)


# The cusp


@cache
def cusp_branch() -> Branch:
    return ef.continue_branch(cusp(), [-1.2], -0.6, method((-0.6, 0.6), first=0.1))


def test_both_folds_of_the_cusp_are_found_in_one_go() -> None:
    branch = cusp_branch()
    assert [event.kind for event in branch.events] == ["fold", "fold"]
    places = [event.parameter for event in branch.events]
    assert np.abs(np.array(places) - [CUSP_FOLD, -CUSP_FOLD]).max() < 1e-10
    states = [event.macro[0] for event in branch.events]
    assert states == pytest.approx([-1 / np.sqrt(3), 1 / np.sqrt(3)], abs=1e-5)


def test_the_cusp_is_stable_then_unstable_then_stable() -> None:
    branch = cusp_branch()
    assert runs(branch) == "sus"
    u = branch.macro[:, 0]
    assert (np.array(list(labels(branch))) == np.where(3 * u**2 > 1, "s", "u")).all()
    assert np.abs(branch.parameter - (u**3 - u)).max() < 1e-7


def test_events_lie_between_the_points_that_they_say() -> None:
    branch = cusp_branch()
    for event, state in zip(branch.events, (-1 / np.sqrt(3), 1 / np.sqrt(3)), strict=True):
        before, after = branch.macro[event.after : event.after + 2, 0]
        assert before < state < after


@pytest.mark.parametrize("start", [-0.5, 0.0, 0.55])
def test_both_directions_from_a_start_in_the_middle_are_one_branch_in_order(start: float) -> None:
    """Also ``after`` of the events on the way that is told backwards."""
    u = {-0.5: -1.1914878, 0.0: 0.0, 0.55: 1.2076}[start]
    branch = ef.continue_branch(cusp(), [u], start, method((-0.6, 0.6), first=0.1))
    told = branch.macro[:, 0]
    assert (np.diff(told) * np.sign(told[-1] - told[0]) > 0).all()
    assert set(branch.parameter[[0, -1]]) == {-0.6, 0.6}
    for event in branch.events:
        around = np.sort(told[event.after : event.after + 2])
        assert around[0] < event.macro[0] < around[1]
    assert len(branch.events) == 2


def test_events_can_be_left_where_they_were_seen() -> None:
    branch = ef.continue_branch(cusp(), [-1.2], -0.6, method((-0.6, 0.6)), directions=(1,), events=None)
    assert [event.kind for event in branch.events] == ["fold", "fold"]
    for event in branch.events:
        assert abs(abs(event.parameter) - CUSP_FOLD) < 0.02
        assert np.isnan(event.stderr)
        assert "not located" in event.detail


# Crossings


E, N = np.array([0.6, 0.8]), np.array([-0.8, 0.6])


def oblique(crossing: Any) -> StepperOf:
    """A crossing along (3, 4)/5, and across it a distance 0.7 + x²/4 to which all relaxes at the rate 2."""

    def slope(state: Array, parameter: float) -> Array:
        x, y = state @ E, state @ N - 0.7
        return np.asarray(crossing(x, parameter)[..., None] * E + (x**2 / 2 - 2 * y)[..., None] * N)

    return euler(slope)


def trunk_of(stepper_of: StepperOf) -> tuple[Branch, BranchEvent]:
    branch = ef.continue_branch(stepper_of, 0.7 * N, -0.32, method((-0.32, 0.3)), directions=(1,))
    (event,) = branch.events
    assert event.kind == "branch point"
    return branch, event


def test_a_pitchfork_of_two_numbers_is_found_and_its_arms_are_followed() -> None:
    """x² = p, whichever way x points."""
    stepper_of = oblique(lambda x, p: p * x - x**3)
    trunk, event = trunk_of(stepper_of)
    assert abs(event.parameter) < 1e-7
    assert runs(trunk) == "su"
    assert abs(event.direction @ N) < 1e-6 * np.linalg.norm(event.direction)
    arms = ef.switch_branch(stepper_of, event, method((-0.32, 0.3)))
    x = arms.macro @ E
    assert np.abs(x**2 - arms.parameter).max() < 1e-7
    assert np.abs(arms.macro @ N - 0.7 - x**2 / 4).max() < 1e-7
    assert x[[0, -1]] == pytest.approx([-np.sqrt(0.3), np.sqrt(0.3)])
    assert runs(arms) == "s"
    assert not arms.events


def test_arms_that_mirror_each_other_keep_all_of_their_points() -> None:
    stepper_of = oblique(lambda x, p: p * x - x**3)
    _, event = trunk_of(stepper_of)
    both = ef.switch_branch(stepper_of, event, method((-0.32, 0.3)))
    one = ef.switch_branch(stepper_of, event, method((-0.32, 0.3)), directions=(1,))
    other = ef.switch_branch(stepper_of, event, method((-0.32, 0.3)), directions=(-1,))
    assert np.array_equal(both.macro, np.concatenate((other.macro[::-1], one.macro)))


def test_arms_are_measured_in_the_scales_of_their_trunk() -> None:
    """The trunk lies at 1e-3; were that the scale, the arms would take 500 steps."""
    c = 1e-3
    stepper_of = euler(lambda u, p: p * (u - c) - (u - c) ** 3)
    trunk = ef.continue_branch(stepper_of, [0.0], -0.32, method((-0.32, 0.3)), directions=(1,))
    arms = ef.switch_branch(stepper_of, trunk.events[0], method((-0.32, 0.3)))
    assert arms.status is Status.FOLLOWED
    assert len(arms.points) < 40
    assert np.abs((arms.macro[:, 0] - c) ** 2 - arms.parameter).max() < 1e-7


def test_a_transcritical_crossing_exchanges_its_stability() -> None:
    stepper_of = oblique(lambda x, p: p * x - x**2)
    trunk, event = trunk_of(stepper_of)
    assert abs(event.parameter) < 1e-6
    assert runs(trunk) == "su"
    other = ef.switch_branch(stepper_of, event, method((-0.32, 0.3)))
    assert np.abs(other.macro @ E - other.parameter).max() < 1e-6
    assert (np.diff(other.parameter) > 0).all()
    assert other.parameter[[0, -1]].tolist() == [-0.32, 0.3]
    assert runs(other) == "us"


def logistic() -> StepperOf:
    """One step of u = p u (1 - u) each unit of time: steady at 1 - 1/p, with the multiplier 2 - p."""
    return euler(lambda u, p: p * u * (1 - u) - u)


def test_a_period_doubling_is_found_where_the_logistic_map_doubles_its_period() -> None:
    branch = ef.continue_branch(logistic(), [0.6], 2.5, method((2.2, 3.4), 1.0))
    (event,) = branch.events
    assert event.kind == "period doubling"
    assert event.parameter == pytest.approx(3.0, abs=1e-6)
    assert np.abs(branch.macro[:, 0] - (1 - 1 / branch.parameter)).max() < 1e-8
    assert runs(branch) == "su"
    for point in branch.points:
        assert point.spectrum is not None
        assert point.spectrum.multipliers[0] == pytest.approx(2 - point.parameter, abs=2e-6)


def test_a_pair_of_multipliers_that_leaves_the_circle_is_a_hopf_point() -> None:
    turn = np.array([[0.0, -3.0], [3.0, 0.0]])
    stepper_of = euler(lambda u, p: p * u - u @ turn - (u**2).sum(axis=-1, keepdims=True) * u)
    branch = ef.continue_branch(stepper_of, [0.0, 0.0], -0.32, method((-0.32, 0.3), 0.01), directions=(1,))
    assert runs(branch) == "su"
    (event,) = branch.hopf_points()
    exact = (np.sqrt(1 - 0.03**2) - 1) / 0.01  # |1 + 0.01 (p + 3i)| = 1
    assert event.parameter == pytest.approx(exact, abs=1e-6)
    assert event.frequency == pytest.approx(np.arctan2(0.03, 1 + 0.01 * exact) / 0.01, abs=1e-5)
    assert not event.detail
    assert np.abs(event.direction.imag).max() > 0.1  # the way into the cycles turns


def test_two_real_multipliers_that_meet_outside_the_circle_are_no_hopf_point() -> None:
    """Eigenvalues 1 ± √(-p): real below p = 0, a pair above, growing all the way."""
    stepper_of = euler(lambda u, p: u @ np.array([[1.0, -p], [1.0, 1.0]]) - (u**2).sum(axis=-1, keepdims=True) * u)
    branch = ef.continue_branch(stepper_of, [0.0, 0.0], -0.3, method((-0.3, 0.3), 0.01), directions=(1,))
    spectra = [point.spectrum for point in branch.points]
    assert [None if one is None else bool(one.multipliers[0].imag) for one in (spectra[0], spectra[-1])] == [0, 1]
    assert runs(branch) == "u"
    assert not branch.events


@pytest.mark.parametrize("kind", ["fold", "period doubling"])
def test_no_branch_crosses_at_a_fold_or_a_period_doubling(kind: str) -> None:
    stepper_of, start, at, how = (
        (fold(), [-1.0], -1.0, method()) if kind == "fold" else (logistic(), [0.6], 2.5, method((2.2, 3.4), 1.0))
    )
    event = ef.continue_branch(stepper_of, start, at, how, directions=(1,)).events[0]
    assert event.kind == kind
    with pytest.raises(ValueError, match=f"at a branch point: got a {kind} at .*Give one of"):
        ef.switch_branch(stepper_of, event, how)


def test_a_branch_point_that_was_only_seen_is_refused() -> None:
    stepper_of = euler(lambda u, p: p * u - u**3)
    how = method((-0.32, 0.3))
    trunk = ef.continue_branch(stepper_of, [0.0], -0.32, how, directions=(1,), events=None)
    with pytest.raises(ValueError, match="must have been located: got one that was only seen near"):
        ef.switch_branch(stepper_of, trunk.events[0], how)


def test_a_distance_is_positive() -> None:
    stepper_of = euler(lambda u, p: p * u - u**3)
    how = method((-0.32, 0.3))
    trunk = ef.continue_branch(stepper_of, [0.0], -0.32, how, directions=(1,))
    with pytest.raises(ValueError, match=r"`distance` must be positive: got -0\.1"):
        ef.switch_branch(stepper_of, trunk.events[0], how, distance=-0.1)
    near = ef.switch_branch(stepper_of, trunk.events[0], how, distance=0.2, directions=(1,))
    assert near.macro[0, 0] == pytest.approx(0.2)


# Where branches end


def test_the_last_parameter_is_the_end_of_the_span_to_the_last_bit() -> None:
    branch = ef.continue_branch(line(), [0.0], -1.0 / 3, method((-1.1, 0.1)))
    assert branch.status is Status.FOLLOWED
    assert branch.parameter[[0, -1]].tolist() == [-1.1, 0.1]
    assert (np.diff(branch.parameter) > 0).all()
    assert np.abs(branch.parameter - branch.macro[:, 0]).max() < 1e-8


@pytest.mark.parametrize("start", [-1.0, 0.5])
def test_a_branch_from_the_end_of_the_span_has_its_first_point_once(start: float) -> None:
    branch = ef.continue_branch(line(), [start], start, method((-1.0, 0.5)))
    assert branch.status is Status.FOLLOWED
    assert branch.parameter[[0, -1]].tolist() == [-1.0, 0.5]
    assert (np.diff(branch.parameter) > 0).all()


def test_a_branch_that_bends_out_of_the_span_within_a_step_ends_at_it() -> None:
    """u² = p from p = 1e-4: along the tangent the parameter grows by 0.02 a unit, on the parabola it reaches 0.0625."""
    stepper_of = euler(lambda u, p: p - u**2)
    steps = {"first": 0.25, "turn": 1.4}
    branch = ef.continue_branch(stepper_of, [0.01], 1e-4, method((-1.0, 0.03), **steps), directions=(1,))
    assert branch.parameter[-1] == 0.03
    assert (np.diff(branch.parameter) > 0).all()
    assert branch.macro[-1, 0] == pytest.approx(np.sqrt(0.03))


def test_the_domain_ends_a_branch_without_a_change_of_its_label() -> None:
    how = method((-1.0, 2.0), domain=lambda macro, parameter: 0.3 - macro[0])
    branch = ef.continue_branch(line(), [0.0], 0.0, how, directions=(1,))
    assert branch.status is Status.BORDER
    assert branch.success
    assert 0.29 < branch.macro[-1, 0] <= 0.3
    assert runs(branch) == "s"
    assert not branch.events


def test_the_bounds_of_a_field_end_a_branch_as_its_domain_does() -> None:
    fields = (ef.Field("height", bounds=(-1.0, 0.3), scale=1.0),)
    branch = ef.continue_branch(line(fields=fields), [0.0], 0.0, method((-1.0, 2.0)), directions=(1,))
    assert branch.status is Status.BORDER
    assert "height must lie in [-1, 0.3]" in branch.message
    assert 0.29 < branch.macro[-1, 0] <= 0.3
    assert runs(branch) == "s"
    assert not branch.events


def test_a_fold_whose_other_side_is_out_of_bounds_is_told_and_nothing_is_lost() -> None:
    """Bounds 0.02 beyond the fold at u = 0: too near for seven places on either side of it."""
    fields = (ef.Field("height", bounds=(-2.0, 0.02), scale=1.0),)
    branch = ef.continue_branch(fold(fields=fields), [-1.0], -1.0, method(), directions=(1,))
    assert branch.status is Status.BORDER
    assert len(branch.points) > 10
    (event,) = branch.events
    assert event.kind == "fold"
    assert abs(event.parameter) < 1e-3
    assert np.isnan(event.stderr)
    assert "could not be solved for anew around it. height must lie in [-2, 0.02]" in event.detail
    assert np.isfinite(event.measure).all()


def test_a_model_that_has_no_numbers_beyond_some_parameter_ends_the_branch_there() -> None:
    stepper_of = euler(lambda u, p: np.where(p > 0.2, np.nan, p - u))
    branch = ef.continue_branch(stepper_of, [0.0], 0.0, method())
    assert branch.status in (Status.STUCK, Status.NOT_FINITE)
    assert not branch.success
    assert branch.parameter[0] == -1.0
    assert 0.199 < branch.parameter[-1] <= 0.2
    assert "The last of the steps that were tried" in branch.message
    assert "`restrict` must return finite numbers" in branch.message


@pytest.mark.parametrize(
    ("slope", "status"),
    [
        (lambda u, p: 1 + u**2, Status.NO_STEADY_STATE),
        (lambda u, p: 1 + 0 * u, Status.NO_STEADY_STATE),
        (lambda u, p: np.nan * u, Status.NOT_FINITE),
        (lambda u, p: np.where(p > 0, np.nan, p - u), Status.NOT_FINITE),
    ],
    ids=["none", "singular", "NaN", "NaN beside it"],
)
def test_a_start_without_a_steady_state_is_an_empty_branch_with_a_message(slope: Any, status: Status) -> None:
    branch = ef.continue_branch(euler(slope), [0.3], 0.0, method())
    assert branch.status is status
    assert status.value in branch.message
    assert len(branch.points) == 0
    assert branch.cost.bursts > 0 or status is Status.NOT_FINITE
    assert len(branch.to_pandas()) == len(branch.events_to_pandas()) == 0
    assert branch.to_xarray().sizes["point"] == 0


def test_without_multipliers_folds_are_found_all_the_same() -> None:
    branch = ef.continue_branch(cusp(), [-1.2], -0.6, method((-0.6, 0.6), multipliers=0), directions=(1,))
    assert [event.kind for event in branch.events] == ["fold", "fold"]
    assert np.abs([abs(event.parameter) - CUSP_FOLD for event in branch.events]).max() < 1e-9
    assert runs(branch) == "?"
    assert (branch.to_pandas()["growing"] == -1).all()


def test_a_conserved_total_is_kept_along_a_branch() -> None:
    """Three numbers whose sum is conserved, the first pair driven apart by p: u = (m + p/3, m - p/3, m)."""
    ring = np.array([[-2.0, 1.0, 1.0], [1.0, -2.0, 1.0], [1.0, 1.0, -2.0]])

    def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
        def flow(state: Array, duration: float, rng: Any) -> Array:
            return np.asarray(state + duration * (ring @ state + parameter * np.array([1.0, -1.0, 0.0])))

        return ef.CoarseTimeStepper(
            ef.micro_model(
                lambda u, rng: u, flow, lambda u: u, deterministic=True, conserved=lambda u: u.sum(keepdims=True)
            )
        )

    branch = ef.continue_branch(stepper_of, [5.0, 1.0, 0.0], 0.0, method((-2.0, 2.0), first=0.2))
    assert np.abs(branch.macro.sum(axis=1) - 6).max() < 1e-12
    exact = 2 + branch.parameter[:, None] * np.array([1.0, -1.0, 0.0]) / 3
    assert np.abs(branch.macro - exact).max() < 1e-7
    assert runs(branch) == "s"  # the multiplier of the total, 1, is none of its own
    assert not branch.events
    assert branch.points[0].spectrum is not None
    assert branch.points[0].spectrum.labels[0] == "conservation"
