"""Newton, Newton-Krylov, Anderson and recursive projection on models without noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.optimize import fsolve

import eqfree as ef
from eqfree.coarse_map import Rotation
from eqfree.fixed_points import Anderson, Newton, NewtonKrylov, RecursiveProjection, find_fixed_point
from eqfree.results import Status
from tests.eqfree.steady_models import (
    PlaneWave,
    Shaken,
    bratu,
    brusselator,
    diffusion_on_a_ring,
    linear,
    runge_kutta,
)

Array = NDArray[np.float64]

METHODS = [Newton(), NewtonKrylov(), Anderson(), RecursiveProjection()]
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda one: type(one).__name__)
newtons = pytest.mark.parametrize("method", METHODS[:2], ids=lambda one: type(one).__name__)


def solve(model: Any, start: Any, duration: float, method: Any = None, **options: Any) -> ef.FixedPoint:
    return find_fixed_point(ef.CoarseTimeStepper(model), start, duration, method=method, **options)


def solve_bratu(start: Array, strength: float = 3.0) -> Array:
    """The discrete equation on 15 points, by SciPy's hybrid Powell method."""

    def equation(u: Array) -> Array:
        return 256 * np.diff(np.concatenate(([0.0], u, [0.0])), 2) + strength * np.exp(u)

    found, _, flag, _ = fsolve(equation, start, full_output=True, xtol=1e-12)
    assert flag == 1
    return np.asarray(found)


X = np.arange(1, 16) / 16


# Steady states that are known


@every_method
def test_bratus_stable_solution_is_scipys(method: Any) -> None:
    found = solve(Shaken(bratu(15, 3.0)), np.zeros(15), 0.1, method)
    assert found.status is Status.STEADY
    assert found.macro == pytest.approx(solve_bratu(np.zeros(15)), abs=1e-7)
    assert not found.stderr.any()
    assert np.abs(found.residual).max() < 1e-7
    assert found.interval()[0] == pytest.approx(found.macro, abs=0)


@every_method
def test_bratus_unstable_solution_is_scipys(method: Any) -> None:
    """From two per cent beside it, from where the equation itself blows up or falls to the stable one."""
    exact = solve_bratu(2.0 * np.sin(np.pi * X) ** 0.9 * 1.1)
    assert exact.max() > 1.9
    found = solve(Shaken(bratu(15, 3.0)), 1.02 * exact, 0.1, method)
    assert found.success
    assert found.macro == pytest.approx(exact, abs=1e-7)


@every_method
@pytest.mark.parametrize("ratio", [1.8, 2.5])
def test_a_focus_is_found_stable_or_not(method: Any, ratio: float) -> None:
    found = solve(Shaken(brusselator(ratio=ratio)), [1.2, 0.9 * ratio], 0.5, method)
    assert found.success
    assert found.macro == pytest.approx([1.0, ratio], abs=1e-7)


@every_method
def test_a_saddle_is_found(method: Any) -> None:
    """x' = x - x³, y' = -2 y + x: the saddle (0, 0), from beside it."""
    flow = runge_kutta(lambda u: np.stack((u[..., 0] - u[..., 0] ** 3, u[..., 0] - 2 * u[..., 1]), axis=-1), 0.05)
    found = solve(Shaken(flow), [0.1, 0.2], 0.5, method)
    assert found.success
    assert found.macro == pytest.approx(0.0, abs=1e-8)


@every_method
def test_a_conserved_total_is_kept_to_round_off(method: Any) -> None:
    """Diffusion with decay to a profile of its own: the steady state of the same sum is a multiple of the kernel."""
    matrix = diffusion_on_a_ring(6, 1.0) @ np.diag([1.0, 2.0, 3.0, 1.0, 0.5, 1.0])
    model = Shaken(linear(matrix))
    kept = ef.micro_model(
        model.lift, model.evolve, model.restrict, deterministic=True, conserved=lambda u: u.sum(keepdims=True)
    )
    start = np.array([5.0, 1.0, 0.0, 2.0, 1.0, 3.0])
    found = solve(kept, start, 0.5, method)
    kernel = 1 / np.array([1.0, 2.0, 3.0, 1.0, 0.5, 1.0])
    assert found.success
    assert found.lifted.sum() == pytest.approx(12.0, rel=1e-14)
    assert found.macro == pytest.approx(12 * kernel / kernel.sum(), abs=1e-6)


@newtons
@pytest.mark.parametrize("guess", [0.6, 1.1, 1.5])
def test_a_wave_is_found_with_its_period(method: Any, guess: float) -> None:
    wave = PlaneWave()
    start = 1.02 * wave.state + 0.02 * np.random.default_rng(0).standard_normal(wave.state.shape)
    found = solve(Shaken(wave.flow), start, guess * wave.period, method, symmetry=Rotation(places=-1))
    assert found.success
    assert found.duration == pytest.approx(wave.period, rel=1e-7)
    sizes = np.hypot(*found.macro.T)
    assert sizes == pytest.approx(wave.size, rel=1e-6)
    phases = np.unwrap(np.arctan2(found.macro[:, 1], found.macro[:, 0]))
    assert np.diff(phases) == pytest.approx(wave.number, rel=1e-6)


@newtons
def test_a_start_that_is_steady_is_left_as_it_is(method: Any) -> None:
    found = solve(Shaken(linear([[-1.0, 0.5], [0.0, -2.0]], [1.0, 3.0])), [1.0, 3.0], 1.0, method)
    assert (found.status, found.macro.tolist(), found.iterations) == (Status.STEADY, [1.0, 3.0], 1)


# Where there is nothing to find


@every_method
def test_where_nothing_is_steady_nothing_is_found(method: Any) -> None:
    """u' = 1 + u² moves everywhere, and is infinite after a while."""
    flow = runge_kutta(lambda u: 1 + u * u, 0.02)
    with np.errstate(all="ignore"):
        found = solve(Shaken(flow), [0.5], 0.1, method)
    assert found.status is Status.NO_STEADY_STATE
    assert "evaluations did not suffice" in found.message
    assert not found.success
    assert np.isnan(found.stderr).all()


@every_method
def test_a_model_that_breaks_is_told_as_not_finite(method: Any) -> None:
    """At the start, and on the way: u' = -1 has no steady state above 0, and the model none below 0.5."""
    broken = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.nan, lambda u: u, deterministic=True)
    found = solve(broken, [1.0], 1.0, method)
    assert found.status is Status.NOT_FINITE
    assert "`restrict` must return finite numbers" in found.message
    assert found.macro.tolist() == [1.0]

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        return micro - duration if micro[0] > 0.5 else micro * np.nan

    falls = ef.micro_model(lambda u, rng: u, evolve, lambda u: u, deterministic=True)
    assert solve(falls, [1.0], 0.01, method).status in (Status.NOT_FINITE, Status.NO_STEADY_STATE)


@every_method
def test_a_model_that_breaks_beside_the_start_is_told_as_not_finite(method: Any) -> None:
    """The start has a later state, its neighbours have none."""

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        return micro - 1e-3 if micro[0] == 1.0 else micro * np.nan

    model = ef.micro_model(lambda u, rng: u, evolve, lambda u: u, deterministic=True)
    assert solve(model, [1.0], 1.0, method).status is Status.NOT_FINITE


@every_method
def test_a_solver_that_is_led_out_of_bounds_says_so(method: Any) -> None:
    """u' = -(u + 1) is steady at -1, where no population is."""
    model = Shaken(linear([[-1.0]], -1.0), fields=({"name": "density", "bounds": (0.0, 3.0)},))
    found = solve(model, [0.5], 1.0, method)
    assert found.status is Status.OUTSIDE
    assert "led to macro states that no population has" in found.message
    assert "density must lie in [0, 3]" in found.message
    assert 0 <= found.macro[0] <= 3


@newtons
def test_a_corner_that_no_difference_leaves_is_told_as_outside(method: Any) -> None:
    """Bounds 1e-9 apart, and differences of 1e-7."""
    model = Shaken(linear([[-1.0]], 2.0), fields=({"name": "u", "bounds": (1.0, 1.0 + 1e-9), "scale": 1.0},))
    assert solve(model, [1.0], 1.0, method).status is Status.OUTSIDE


@newtons
def test_what_does_not_move_at_all_is_steady(method: Any) -> None:
    found = solve(Shaken(lambda u, t: u), [0.3, 0.2], 1.0, method)
    assert found.status in (Status.STEADY, Status.NO_STEADY_STATE)  # every state is: the derivative is zero
    assert found.macro.tolist() == [0.3, 0.2]


def test_a_period_is_never_sought_below_zero() -> None:
    """From these starts, far off, some steps lead there: they are halved, or told."""
    wave = PlaneWave()
    for seed in (4, 8, 10):
        rng = np.random.default_rng(seed)
        start = (1 + 0.2 * rng.standard_normal()) * wave.state + 0.3 * rng.standard_normal(wave.state.shape)
        found = solve(Shaken(wave.flow), start, 0.2 * wave.period, symmetry=Rotation(places=-1))
        assert found.status in (Status.STEADY, Status.NO_STEADY_STATE, Status.NO_WAVE, Status.OUTSIDE)
        assert found.duration > 0


def test_a_state_that_is_no_wave_has_no_period() -> None:
    """All places alike: it turns into itself after any time, and the derivative in the period is zero."""
    wave = PlaneWave()
    model = Shaken(runge_kutta(lambda u: -u, 0.1))
    found = solve(model, np.ones((wave.places, 2)), 1.0, symmetry=Rotation(places=1))
    assert not found.success


# Refusals, and what else is promised


@pytest.mark.parametrize("kind", [Newton, NewtonKrylov, Anderson, RecursiveProjection])
@pytest.mark.parametrize("value", [0, -1.0, np.nan, np.inf])
def test_options_that_are_not_positive_are_refused_by_name(kind: Any, value: float) -> None:
    for name in vars(kind()):
        with pytest.raises(ValueError, match=f"`{name}` must be positive: got {value}"):
            kind(**{name: value})


def test_recursive_projection_refuses_to_leave_growing_directions_to_the_iteration() -> None:
    with pytest.raises(ValueError, match=r"`slow` must be below 1.*got 1.5"):
        RecursiveProjection(slow=1.5)


@pytest.mark.parametrize("method", METHODS[2:], ids=lambda one: type(one).__name__)
def test_methods_without_a_derivative_refuse_waves(method: Any) -> None:
    wave = PlaneWave()
    with pytest.raises(ValueError, match=r"got a branch or a wave. Take `Newton` or `NewtonKrylov`"):
        solve(Shaken(wave.flow), wave.state, wave.period, method, symmetry=Rotation(places=-1))


def test_a_start_that_cannot_be_lifted_is_refused() -> None:
    model = Shaken(linear([[-1.0]]), fields=({"name": "density", "bounds": (0.0, 1.0)},))
    with pytest.raises(ValueError, match=r"density must lie in \[0, 1\]: got 2"):
        solve(model, [2.0], 1.0)
    with pytest.raises(ValueError, match="must be finite"):
        solve(Shaken(linear([[-1.0]])), [np.nan], 1.0)


@pytest.mark.parametrize("duration", [0.0, -1.0, np.nan])
def test_a_duration_that_is_none_is_refused(duration: float) -> None:
    with pytest.raises(ValueError, match="`duration`, between the two readings"):
        solve(Shaken(linear([[-1.0]])), [1.0], duration)


@pytest.mark.parametrize(("deterministic", "sets", "least"), [(True, 0, 1), (False, 1, 2)])
def test_too_few_key_sets_are_refused(deterministic: bool, sets: int, least: int) -> None:
    model = Shaken(linear([[-1.0]]), noise=0.0 if deterministic else 0.1)
    with pytest.raises(ValueError, match=f"`key_sets` must be at least {least}.*got {sets}"):
        solve(model, [1.0], 1.0, key_sets=sets)


def test_a_level_that_is_no_probability_is_refused() -> None:
    found = solve(Shaken(linear([[-1.0]])), [1.0], 1.0)
    with pytest.raises(ValueError, match="`level` must lie between 0 and 1: got 1"):
        found.interval(1.0)


def test_a_state_that_does_not_move_is_no_wave() -> None:
    """The flat state of a ring is itself, however it is turned, at any period."""
    wave = PlaneWave()
    found = solve(Shaken(wave.flow), 0.01 * wave.state, wave.period, symmetry=Rotation(places=1))
    assert found.status is Status.NO_WAVE
    assert not found.success


@pytest.mark.parametrize("places", [0, 1.5, "1"])
def test_a_rotation_by_no_whole_number_of_places_is_refused(places: Any) -> None:
    with pytest.raises(ValueError, match="`places` must be a whole number that is not zero"):
        Rotation(places)


def test_a_method_that_is_none_and_a_difference_that_is_none_are_refused() -> None:
    with pytest.raises(ValueError, match="`method` must be one of"):
        solve(Shaken(linear([[-1.0]], [1.0])), [0.5], 1.0, Newton)
    with pytest.raises(ValueError, match="`difference` must be a positive number: got 0"):
        solve(Shaken(linear([[-1.0]], [1.0])), [0.5], 1.0, difference=0.0)
