"""Adaptive projection: two errors controlled apart, within a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, cast

import numpy as np
import pytest
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import NotFiniteError
from eqfree.projective import (
    Adaptive,
    Embedded32,
    Embedded54,
    ProjectiveState,
    RungeKutta,
    RungeKutta4,
    Tableau,
    Telescopic,
    iter_projective,
)
from eqfree.projective.bursts import Bursts, Ensemble
from tests.eqfree.models import Brownian, OrnsteinUhlenbeck, decay

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SideBySide(OrnsteinUhlenbeck):
    """The same, bit for bit, with the replicas in one array."""

    def burst_batch(self, macros: Array, times: Array, streams: Sequence[tuple[SeedSequence, SeedSequence]]) -> Array:
        durations = np.diff(times, prepend=0.0)
        shape = (np.count_nonzero(durations), *macros.shape[1:])
        normals = iter(np.stack([Generator(PCG64(stream)).standard_normal(shape) for _, stream in streams], axis=1))
        paths, micro = np.empty((len(macros), len(times), *macros.shape[1:])), macros
        for index, duration in enumerate(durations.tolist()):
            if duration > 0:
                spread = self.noise * np.sqrt((1 - np.exp(-2 * duration)) / 2)
                micro = micro * np.exp(-duration) + spread * next(normals)
            paths[:, index] = micro
        return paths


@pytest.mark.parametrize("times", [[0.0, 0.1, 0.5], [0.1, 0.5]])
def test_replicas_side_by_side_are_those_in_a_loop(times: list[float]) -> None:
    batch, loop = (
        ef.CoarseTimeStepper(model, replicas=5).burst([1.0, 2.0], times, samples=True).samples
        for model in (SideBySide(0.3), OrnsteinUhlenbeck(0.3))
    )
    np.testing.assert_array_equal(batch, loop, strict=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tolerance", "noise", "burst"), [(1e-2, 0.02, 0.02), (1e-3, 0.0014, 0.01), (1e-4, 1.2e-4, 0.003)]
)
def test_on_noisy_linear_decay_the_wanted_error_is_achieved_within_a_factor_of_two(
    tolerance: float, noise: float, burst: float
) -> None:
    """Root mean square over 12 runs, whose own standard error is 20 %.

    The noise is so strong that replicas have to be added: where those that there are suffice, the error is smaller.
    """
    stepper = ef.CoarseTimeStepper(SideBySide(noise), replicas=16)
    method = Adaptive(Embedded32(step=0.5, burst=burst), tolerance)
    runs = [ef.solve_projective(stepper, (0.0, 1.0), [1.0], method, (run,)) for run in range(12)]
    assert all(run.success for run in runs)
    errors = np.array([run.macro[-1, 0] for run in runs]) - np.exp(-1.0)
    achieved = sqrt(np.mean(errors**2))
    print(
        f"wanted {tolerance:g}, achieved {achieved:.3g}, {np.mean([run.cost.bursts for run in runs]):.0f} bursts a run"
    )
    assert tolerance / 2 <= achieved <= 2 * tolerance
    for run in runs:
        assert run.truncation is not None
        assert run.truncation[-1, 0] <= tolerance / 2 * 1.1


@pytest.mark.parametrize("scheme", [Embedded32, Embedded54])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, pytest.param(1e-6, marks=pytest.mark.slow)])
def test_truncation_stays_below_its_share_and_steps_grow_where_motion_dies(
    scheme: type[Embedded32], tolerance: float
) -> None:
    """Without noise the estimate is that of the less accurate scheme, and the error smaller."""
    stepper = ef.CoarseTimeStepper(decay())
    result = ef.solve_projective(stepper, (0.0, 5.0), [1.0], Adaptive(scheme(step=0.5, burst=1e-5), tolerance))
    assert result.truncation is not None
    errors = np.abs(result.macro[:, 0] - np.exp(-result.times))
    assert (result.truncation[:, 0] <= 0.5 * tolerance * result.times / 5 * (1 + 1e-9)).all()
    assert errors.max() < tolerance
    steps = np.diff(result.times)
    assert steps[-2] > 1.5 * steps[0]


@pytest.mark.slow
def test_steps_are_as_many_as_the_order_of_the_estimate_says() -> None:
    """The estimate per time goes as the square of the step: sqrt(1000) = 32 times as many, where steps do not grow."""
    counts = []
    for tolerance in (1e-3, 1e-6):
        method = Adaptive(Embedded32(step=0.1, burst=1e-6), tolerance)
        counts.append(len(ef.solve_projective(ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0], method).times) - 1)
    assert counts[1] / counts[0] == pytest.approx(sqrt(1000), rel=0.25)


def test_back_in_time_steps_are_no_shorter_than_their_bursts() -> None:
    """A tolerance below what the bursts leave: it ends, and the estimate says that it was not kept."""
    method = Adaptive(Embedded32(step=0.5, burst=0.01), tolerance=1e-9)
    result = ef.solve_projective(ef.CoarseTimeStepper(decay()), (0.0, -1.0), [1.0], method)
    assert result.success
    assert result.truncation is not None
    assert np.abs(np.diff(result.times)).min() > 0.01
    assert result.truncation[-1, 0] > 1e-9
    assert result.macro[-1, 0] == pytest.approx(np.e, rel=1e-3)


@pytest.mark.slow
def test_noise_is_met_by_replicas_and_not_by_shorter_steps() -> None:
    """A straight line has no truncation error: steps grow to the end; 5 times the noise, 25 times the replicas.

    Noise may have sqrt(1 - 1/4) of the wanted error. Four runs of 8 groups know their standard error to 4/sqrt(2*7*4).
    """
    found = {}
    for noise in (0.014, 0.07):
        stepper = ef.CoarseTimeStepper(Brownian(1.0, noise), replicas=8, seed=3)
        method = Adaptive(Embedded32(step=0.5, burst=0.05), tolerance=0.05)
        runs = [ef.solve_projective(stepper, (0.0, 4.0), [0.0], method, (run,)) for run in range(4)]
        achieved = sqrt(np.mean([run.stderr[-1, 0] ** 2 for run in runs]))
        assert achieved == pytest.approx(0.05 * sqrt(3 / 4), rel=4 / sqrt(2 * 7 * 4))
        found[noise] = runs[0]
    assert len(found[0.07].times) == len(found[0.014].times)
    assert 5 < found[0.07].cost.bursts / found[0.014].cost.bursts < 50


@pytest.mark.slow
def test_noise_of_steps_that_are_simulated_is_met_by_replicas_too() -> None:
    """Six bursts of 0.1 cover a step of 0.5: 16 replicas would leave 0.5 sqrt((1 - exp(-2))/2/16) = 0.08."""
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(0.5), replicas=16)
    wanted = 0.02
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0], Adaptive(Embedded32(0.5, 0.1), wanted))
    assert result.simulated > 0
    squares = [
        ef.solve_projective(stepper, (0.0, 1.0), [1.0], Adaptive(Embedded32(0.5, 0.1), wanted), (run,)).stderr[-1, 0]
        for run in range(4)
    ]
    assert np.sqrt(np.mean(np.square(squares))) < 1.25 * wanted


@pytest.mark.parametrize(
    "options",
    [{}, {"fields": [ef.Field("mass", bounds=(0.0, np.inf))], "conserved": lambda macro: macro}],
    ids=["not finite", "without a state that can be lifted"],
)
def test_a_trial_that_fails_is_repeated_shorter(options: dict[str, Any]) -> None:
    """u' = -10 u, of which nothing is known far below zero, where a step of 1 leaps to."""
    result = ef.solve_projective(
        ef.CoarseTimeStepper(known_above(**options)), (0.0, 1.0), [1.0], Adaptive(Embedded32(1.0, 0.001), 1e-2)
    )
    assert result.success, result.message
    assert result.macro[-1, 0] == pytest.approx(np.exp(-10.0), abs=1e-2)
    assert result.restored == 0


def known_above(**options: Any) -> ef.MicroModel:
    """u' = -10 u; not a number below -0.1."""
    return ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro * np.exp(-10 * duration),
        lambda micro: np.where(micro >= -0.1, micro, np.nan),
        **{"deterministic": True} | options,
    )


def test_what_failed_is_paid_for_and_a_model_that_always_fails_ends_the_run() -> None:
    never = ef.CoarseTimeStepper(
        ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.nan, lambda u: u, deterministic=True)
    )
    method = Adaptive(Embedded32(1.0, 0.001), 1e-2)
    result = ef.solve_projective(never, (0.0, 1.0), [1.0], method)
    assert result.status is ef.Status.NOT_FINITE
    assert result.times.tolist() == [0.0]
    failing = Bursts(Ensemble(never, np.array([1.0])), np.array([1]), np.empty((1, 0)), (0,))
    with pytest.raises(NotFiniteError):
        failing.read(np.array([[1.0]]), 0.0, np.array([0.25]))
    assert (failing.cost.bursts, failing.cost.micro_time) == (1, 0.25)


@pytest.mark.parametrize("limit", ["bursts", "micro_time"])
def test_a_budget_is_never_exceeded_and_what_was_computed_with_it_is_kept(limit: str) -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(0.03), replicas=32)
    amounts = {"bursts": 900, "micro_time": 18.0}
    budget = ef.Cost(bursts=900) if limit == "bursts" else ef.Cost(micro_time=18.0)
    method = Adaptive(Embedded32(step=0.5, burst=0.02), tolerance=0.03, budget=budget)
    result = ef.solve_projective(stepper, (0.0, 2.0), [1.0], method)
    assert result.status is ef.Status.BUDGET
    assert not result.success
    assert "The budget is spent" in result.message
    assert 0 < result.times[-1] < 2.0
    assert amounts[limit] / 4 < getattr(result.cost, limit) <= amounts[limit]


def test_a_budget_that_suffices_changes_nothing() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(0.01), replicas=32)
    free, bound = (
        ef.solve_projective(
            stepper, (0.0, 1.0), [1.0], Adaptive(Embedded32(step=0.2, burst=0.02), tolerance=0.05, budget=budget)
        )
        for budget in (None, ef.Cost(bursts=10**6))
    )
    assert free.macro.tobytes() == bound.macro.tobytes()


def test_times_asked_for_shorten_a_step_and_not_those_after_it() -> None:
    steps = []
    for times in ([10.0], [0.6, 10.0]):
        shares: list[float] = []
        ef.solve_projective(
            ef.CoarseTimeStepper(decay()),
            (0.0, 10.0),
            [1.0],
            Adaptive(Embedded32(step=0.5, burst=1e-4), tolerance=0.1),
            t_eval=times,
            progress=shares.append,
        )
        steps.append(len(shares))
    assert steps[0] <= steps[1] <= steps[0] + 1


@pytest.mark.slow
def test_step_and_replicas_are_carried_in_the_state() -> None:
    stepper = ef.CoarseTimeStepper(OrnsteinUhlenbeck(0.05), replicas=16)
    method = Adaptive(Embedded32(step=0.2, burst=0.02), tolerance=0.02)
    start = ProjectiveState.begin(stepper, 0.0, [1.0])
    whole = list(iter_projective(stepper, 1.0, start, method, (5,)))
    resumed = list(iter_projective(stepper, 1.0, ProjectiveState.from_arrays(whole[0].to_arrays()), method, (5,)))
    assert len(resumed) == len(whole) - 1 > 0
    assert [one.macro.tobytes() for one in resumed] == [one.macro.tobytes() for one in whole[1:]]
    assert whole[0].sizes.sum() != 16


def test_a_run_that_goes_on_divides_its_error_over_the_longer_time() -> None:
    stepper, method = ef.CoarseTimeStepper(decay()), Adaptive(Embedded32(step=0.2, burst=0.001), tolerance=0.02)
    states = list(iter_projective(stepper, 0.5, ProjectiveState.begin(stepper, 0.0, [1.0]), method))
    assert states[-1].span.tolist() == [0.0, 0.5]
    assert list(iter_projective(stepper, 2.0, states[-1], method))[-1].span.tolist() == [0.0, 2.0]
    assert list(iter_projective(stepper, 0.5, states[0], method))[-1].span.tolist() == [0.0, 0.5]


def pair(tableau: Tableau) -> RungeKutta:
    return RungeKutta(1.0, 0.1, tableau=tableau)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adaptive(RungeKutta4(1.0, 0.1), 0.1), "`method` must have embedded weights.* got RungeKutta4"),
        (lambda: Adaptive(Embedded32(1.0, 0.1), 0.0), r"`tolerance` must be positive: got 0\.0"),
        (lambda: Adaptive(Embedded32(1.0, 0.1), 0.1, ef.Cost()), "`budget` must limit bursts or micro_time"),
        (lambda: Adaptive(Embedded32(1.0, 0.1), np.nan), r"`tolerance` must be positive: got nan"),
        (
            lambda: Adaptive(Embedded32(1.0, 0.1), 0.1, ef.Cost(bursts=9, wall=1.0)),
            "`budget` must limit bursts or micro_time, and nothing else",
        ),
        (
            lambda: Adaptive(cast(Any, Telescopic(0.1, [(1, 2)])), 0.1),
            "`method` must have embedded weights.* got Telescopic",
        ),
        (
            lambda: Adaptive(pair(Tableau([[1.0]], [1, 0], order=1, embedded=[0.5, 0.5])), 0.1),
            "`method` must be of order 2 or more.* got order 1",
        ),
        (
            lambda: Adaptive(pair(Tableau([[1.0]], [0.5, 0.5], order=2, embedded=[0.5, 0.5])), 0.1),
            "embedded weights of `method` must differ",
        ),
        (lambda: Adaptive(Embedded32(1.0, 0.1), 0.1, share=1.0), r"`share` must lie between 0 and 1: got 1\.0"),
    ],
)
def test_options_that_control_nothing_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_one_group_of_a_random_model_is_refused() -> None:
    stepper, method = ef.CoarseTimeStepper(OrnsteinUhlenbeck()), Adaptive(Embedded32(0.5, 0.1), 0.1)
    with pytest.raises(ValueError, match="two `groups` or more: got 1"):
        ef.solve_projective(stepper, (0.0, 1.0), [1.0], method, groups=1)


@pytest.mark.parametrize("tolerance", [[0.1, 0.1, 0.1], [[0.1], [0.1]]])
def test_tolerances_that_do_not_fit_the_macro_state_are_refused(tolerance: Any) -> None:
    method = Adaptive(Embedded32(0.5, 0.1), tolerance)
    with pytest.raises(ValueError, match=r"`tolerance` must be one, or fit the macro state's shape \(2,\): got shape"):
        ef.solve_projective(ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0, 2.0], method)


def test_a_number_whose_error_does_not_matter_is_not_controlled() -> None:
    """The second number is all noise, and bursts are as few as without it."""
    model = ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro * np.exp(-duration) + [0.0, np.sqrt(duration) * rng.normal()],
        lambda micro: micro,
    )
    stepper = ef.CoarseTimeStepper(model, replicas=16)
    method = Adaptive(Embedded32(0.5, 0.02), [0.01, np.inf])
    result = ef.solve_projective(stepper, (0.0, 1.0), [1.0, 0.0], method)
    assert result.success
    assert result.macro[-1, 0] == pytest.approx(np.exp(-1.0), abs=0.01)
    assert result.cost.bursts <= 6 * 16 * len(result.times)


def test_a_method_with_an_array_of_tolerances_can_be_compared_and_be_a_key() -> None:
    first, second = (Adaptive(Embedded32(0.5, 0.1), np.array([0.1, 0.2])) for _ in range(2))
    assert len({first, second, first}) == 2


def test_a_budget_that_ends_before_the_first_step_leaves_no_truncation_error() -> None:
    method = Adaptive(Embedded32(0.5, 0.1), 0.1, ef.Cost(bursts=1))
    result = ef.solve_projective(ef.CoarseTimeStepper(decay()), (0.0, 1.0), [1.0], method)
    assert result.status is ef.Status.BUDGET
    assert result.times.tolist() == [0.0]
    assert result.truncation is not None
    assert result.truncation.tolist() == [[0.0]]
