from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import pytest
from numpy.random import SeedSequence, default_rng
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from eqfree.ensemble import Key
from eqfree.hmm import Answer, Closure, Tabulated, monotone, smooth
from tests.eqfree.models import Brownian

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


class Known(Closure):
    """A function with Gaussian noise of a known size, measured by 16 replicas as agents would be."""

    replicas = 16

    def __init__(self, function: Function, noise: float = 0.0) -> None:
        self.function, self.noise = function, noise
        self.asked: list[float] = []

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        points = np.array(inputs, dtype=np.float64)
        self.asked += points[:, 0].tolist()
        exact = self.function(points)
        samples = np.array([self._samples(point, key, exact.shape[1]) for point in points])
        return Answer(
            exact + samples.mean(axis=1),
            samples.std(axis=1, ddof=1) / sqrt(self.replicas),
            cost=ef.Cost(bursts=len(points)),
        )

    def _samples(self, point: Array, key: Key, width: int) -> Array:
        rng = default_rng(SeedSequence(9, spawn_key=(*key, *point.view(np.uint32).tolist())))
        return np.asarray(self.noise * sqrt(self.replicas) * rng.normal(size=(self.replicas, width)))


def triangle(x: Array) -> Array:
    """The flux of safe-distance drivers: min(v rho, (1 - l rho)/tau), here with its kink at 1.3/4.3."""
    return np.minimum(3 * x, 1.3 * (1 - x))


def bump(x: Array) -> Array:
    return np.asarray(1 / (1 + 25 * (2 * x - 1) ** 2))


def wave(x: Array) -> Array:
    return np.sin(5 * x)


def front(x: Array) -> Array:
    return np.tanh(15 * (x - 0.37))


FUNCTIONS = [wave, bump, front, triangle]
POINTS = default_rng(1).random((1000, 1))


# Interpolation


def test_a_smooth_table_of_a_cubic_is_exact_from_the_first_nine_nodes() -> None:
    """A not-a-knot spline reproduces cubics (de Boor, A Practical Guide to Splines, 1978, chapter IV)."""
    closure = Known(lambda x: np.hstack([x**3 - x, 2 - x**2]))
    table = Tabulated(closure, (-1.0, 2.0), 1e-9, interpolation=smooth)
    points = 3 * POINTS - 1
    answer = table(points)
    assert np.allclose(answer.value, closure.function(points), atol=1e-13)
    assert answer.jacobian is not None
    assert np.allclose(answer.jacobian, np.stack([3 * points**2 - 1, -2 * points], axis=1), atol=1e-11)
    assert table.solved == 9


def test_a_monotone_table_does_not_overshoot_a_kink() -> None:
    table = Tabulated(Known(triangle), (0.0, 1.0), 0.1)
    values = table(POINTS).value
    _, nodes, _ = table.nodes()
    assert values.min() >= nodes.min()
    assert values.max() <= nodes.max()
    grid = np.linspace(0, 1, 1001)[:, np.newaxis]
    turns = np.diff(np.sign(np.diff(table(grid).value[:, 0])))
    assert np.count_nonzero(turns) <= 2


def test_the_nodes_are_answered_exactly() -> None:
    table = Tabulated(Known(bump), (0.0, 1.0), 1e-2)
    table(POINTS)
    nodes, values, _ = table.nodes()
    assert np.allclose(table(nodes[:, np.newaxis]).value, values, rtol=1e-13)
    assert np.allclose(values, bump(nodes[:, np.newaxis]), rtol=1e-15)


@pytest.mark.parametrize(("interpolation", "within"), [(smooth, 1e-3), (monotone, 5e-2)])
def test_the_jacobian_is_the_derivative(interpolation: Any, within: float) -> None:
    """The derivative of an interpolant with error e on nodes h apart is wrong by O(e/h)."""
    table = Tabulated(Known(wave), (0.0, 1.0), 1e-5, interpolation=interpolation)
    jacobian = table(POINTS).jacobian
    assert jacobian is not None
    assert jacobian.shape == (1000, 1, 1)
    assert np.allclose(jacobian[:, :, 0], 5 * np.cos(5 * POINTS), atol=5 * within)


# The error that it knows


@pytest.mark.parametrize("interpolation", [monotone, smooth])
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("rtol", [1e-2, 1e-3])
def test_the_bound_covers_the_true_error_and_is_within_the_tolerance(
    function: Function, rtol: float, interpolation: Any
) -> None:
    table = Tabulated(Known(function), (0.0, 1.0), rtol, interpolation=interpolation)
    true = np.abs(table(POINTS).value - function(POINTS))
    bound = table.error(POINTS)
    tolerance = rtol * np.abs(table.nodes()[1]).max()
    assert (bound <= tolerance).all()
    assert (true <= bound + 1e-13).mean() >= 0.95
    assert (true <= tolerance).mean() >= 0.95
    assert table.solved < 100


@pytest.mark.slow
@pytest.mark.parametrize("interpolation", [monotone, smooth])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_bound_of_a_noisy_table_covers_the_true_error(function: Function, interpolation: Any) -> None:
    covered = []
    for seed in range(4):
        table = Tabulated(Known(function, 0.003), (0.0, 1.0), 1e-2, interpolation=interpolation, key=(seed,))
        true = np.abs(table(POINTS).value - function(POINTS))
        assert (table.error(POINTS) <= 1e-2 * np.abs(table.nodes()[1]).max()).all()
        covered.append((true <= table.error(POINTS)).mean())
    assert np.mean(covered) >= 0.95


def test_where_noise_dominates_the_same_nodes_are_asked_again() -> None:
    """A straight line has no interpolation error; two standard errors within 0.02 need (2 * 0.05 / 0.02)**2 answers."""
    closure = Known(lambda x: 1 + 0 * x, 0.05)
    table = Tabulated(closure, (0.0, 1.0), 0.02)
    table(POINTS)
    nodes, values, stderr = table.nodes()
    assert len(nodes) <= 11
    assert 2 * stderr.max() <= 0.02 * np.abs(values).max()
    assert 25 / 2 < table.solved / len(nodes) < 25 * 4
    assert (table.error(POINTS) <= 0.02 * np.abs(table.nodes()[1]).max()).all()


def test_answers_that_are_asked_again_are_averaged_with_new_noise() -> None:
    closure = Known(lambda x: 1 + 0 * x, 0.05)
    table = Tabulated(closure, (0.0, 1.0), 0.02)
    table(POINTS)
    nodes, values, stderr = table.nodes()
    repeats = closure.asked.count(nodes[3])
    answers = [closure([[nodes[3]]], key=(repeat,)) for repeat in range(repeats)]
    assert repeats > 1
    assert values[3] == pytest.approx(np.mean([answer.value[0] for answer in answers], axis=0), rel=1e-13)
    assert stderr[3] == pytest.approx(sqrt(sum(answer.stderr[0, 0] ** 2 for answer in answers)) / repeats, rel=1e-13)


def test_where_curvature_dominates_intervals_are_halved() -> None:
    closure = Known(bump)
    table = Tabulated(closure, (0.0, 1.0), 1e-3, interpolation=smooth)
    table(POINTS)
    assert len(closure.asked) == len(set(closure.asked)) == len(table.nodes()[0]) == table.solved > 20


def test_a_table_refines_only_near_where_it_is_asked() -> None:
    table = Tabulated(Known(wave), (0.0, 1.0), 1e-6, interpolation=smooth)
    table([[0.81], [0.83]])
    widths = np.diff(table.nodes()[0])
    fine = table.nodes()[0][1:][widths < 1 / 64]
    assert fine.min() > 0.7
    assert widths[:3].tolist() == [0.125] * 3
    assert (table.error([[0.82]]) <= 1e-6).all()
    ratios = widths[1:] / widths[:-1]
    assert set(ratios.tolist()) <= {0.5, 1.0, 2.0}


def test_a_table_goes_on_asking_in_later_calls_and_remembers_the_earlier_ones() -> None:
    closure = Known(wave)
    table = Tabulated(closure, (0.0, 1.0), 1e-5, interpolation=smooth)
    first = table([[0.1]])
    solved = table.solved
    elsewhere = table([[0.9]])
    assert table.solved > solved
    assert elsewhere.cost.bursts == table.solved - solved
    assert (table.error([[0.1], [0.9]]) <= 1e-5).all()
    again = table([[0.1]])
    assert again.cost == ef.Cost()
    assert again.value == pytest.approx(first.value, abs=2e-5)
    assert table.cost.bursts == table.solved == len(closure.asked)


def test_asked_solved_and_saved_are_counted() -> None:
    table = Tabulated(Known(lambda x: 1 - x), (0.0, 1.0), 1e-3)
    table(POINTS)
    table(POINTS[:10])
    assert (table.asked, table.solved, table.saved) == (1010, 9, 1001)
    assert str(table) == "1010 points asked, 9 micro-solves made, 1001 saved"


@pytest.mark.parametrize(("function", "noise"), [(bump, 0.0), (wave, 0.1)], ids=["curved", "noisy"])
def test_a_table_whose_budget_is_spent_says_how_far_it_is(function: Function, noise: float) -> None:
    closure = Known(function, noise)
    table = Tabulated(closure, (0.0, 1.0), 1e-3, max_solves=20)
    true = np.abs(table(POINTS).value - function(POINTS))
    assert len(closure.asked) == table.solved == 20
    assert not table.within_tolerance
    assert table.error(POINTS).max() > 1e-3
    assert (true <= table.error(POINTS)).mean() >= 0.95


def test_the_last_micro_solves_go_where_the_error_is_worst() -> None:
    closure = Known(front)
    first = Tabulated(closure, (0.0, 1.0), 1e-3, max_solves=9)
    middles = np.arange(1 / 16, 1, 1 / 8)[:, np.newaxis]
    bound = first.error(middles)
    closure.asked.clear()
    Tabulated(closure, (0.0, 1.0), 1e-3, max_solves=11)(POINTS)
    last = np.searchsorted(middles[:, 0], closure.asked[9:])
    assert len(last) == 2
    assert (bound[last] == bound.max()).all()


def test_a_table_says_whether_the_last_call_met_the_tolerance() -> None:
    table = Tabulated(Known(front), (0.0, 1.0), 1e-3, interpolation=smooth, max_solves=20)
    met = []
    for point in (0.9, 0.37, 0.9):
        table([[point]])
        met.append(table.within_tolerance)
    assert met == [True, False, True]


def test_a_jump_ends_at_the_finest_interval() -> None:
    table = Tabulated(Known(lambda x: np.where(x < 1 / 3, 0.0, 1.0)), (0.0, 1.0), 1e-3)
    table(POINTS)
    table([[1 / 3]])
    assert table.solved < 200
    assert table.error([[1 / 3]]) > 1e-3
    assert not table.within_tolerance


def test_each_component_is_held_to_its_own_scale() -> None:
    table = Tabulated(Known(lambda x: np.hstack([1000 * wave(x), bump(x)])), (0.0, 1.0), 1e-3, interpolation=smooth)
    error = np.abs(table(POINTS).value - np.hstack([1000 * wave(POINTS), bump(POINTS)]))
    assert (error.max(axis=0) <= 1e-3 * np.abs(table.nodes()[1]).max(axis=0)).all()


def test_an_absolute_tolerance_serves_a_closure_that_is_zero() -> None:
    table = Tabulated(Known(lambda x: 0 * x, 1e-3), (0.0, 1.0), 0.0, atol=0.01)
    assert (table.error(POINTS) <= 0.01).all()


def test_the_table_has_the_same_bits_on_every_executor() -> None:
    def table(executor: int | None) -> bytes:
        stepper = ef.CoarseTimeStepper(Brownian(1.0, 0.2), replicas=8, executor=executor)
        closure = Closure.from_stepper(
            stepper, lambda point: point, lambda before, after, t: (after - before) / t + before**2, 0.5, 2.0
        )
        made = Tabulated(closure, (0.0, 1.0), 0.1, interpolation=smooth)
        made(POINTS)
        return b"".join(part.tobytes() for part in made.nodes())

    assert table(None) == table(2) == table(3)


def test_the_ends_of_the_bounds_are_asked_exactly() -> None:
    low, high = 0.1, 0.7
    closure = Known(lambda x: x)
    Tabulated(closure, (low, high), 1e-3)([[low], [high]])
    assert min(closure.asked) == low
    assert max(closure.asked) == high


# What is refused


def test_an_error_of_the_closure_leaves_the_table_as_it_was() -> None:
    class Failing(Known):
        broken = True

        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
            if self.broken:
                raise OverflowError
            return super().__call__(inputs, state, key)

    closure = Failing(wave)
    table = Tabulated(closure, (0.0, 1.0), 1e-3)
    with pytest.raises(OverflowError):
        table([[0.5]])
    closure.broken = False
    assert table([[0.5]]).value == pytest.approx(np.sin(2.5), abs=1e-3)
    assert table.asked == 1


@pytest.mark.parametrize("point", [-0.01, 1.01])
def test_an_input_outside_the_bounds_is_refused_with_both(point: float) -> None:
    with pytest.raises(ValueError, match=rf"bounds \[0, 1\]: got {point}"):
        Tabulated(Known(wave), (0.0, 1.0), 1e-3)([[0.5], [point]])


def test_a_closure_without_standard_errors_is_refused() -> None:
    stepper = ef.CoarseTimeStepper(Brownian(), replicas=1)
    closure = Closure.from_stepper(stepper, lambda u: u, lambda before, after, t: after - before, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"got NaN\. Use two replicas or more"):
        Tabulated(closure, (0.0, 1.0), 1e-3)([[0.5]])


def test_a_closure_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite over its bounds"):
        Tabulated(Known(lambda x: np.where(x > 0.5, np.nan, x)), (0.0, 1.0), 1e-3)([[0.1]])


def test_an_answer_of_another_shape_is_refused() -> None:
    class Flat(Known):
        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
            answer = super().__call__(inputs, state, key)
            return Answer(answer.value[:, 0], answer.stderr)

    with pytest.raises(ValueError, match=r"of shape \(9, m\): got \(9,\) and \(9, 1\)"):
        Tabulated(Flat(wave), (0.0, 1.0), 1e-3)([[0.1]])


def test_inputs_of_two_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match=r"one input: got inputs of shape \(1, 2\)"):
        Tabulated(Known(wave), (0.0, 1.0), 1e-3)([[0.1, 0.2]])


def test_a_state_is_refused_by_a_table() -> None:
    with pytest.raises(ValueError, match="no memory"):
        Tabulated(Known(wave), (0.0, 1.0), 1e-3)([[0.1]], state={})


@pytest.mark.parametrize(
    ("bounds", "rtol", "options", "message"),
    [
        ((1.0, 1.0), 1e-3, {}, r"`bounds` must be .* got \(1\.0, 1\.0\)"),
        ((0.0, np.inf), 1e-3, {}, "`bounds` must be"),
        ((0.0, 1.0), 0.0, {}, r"nor both zero: got rtol=0\.0, atol=0\.0"),
        ((0.0, 1.0), -1e-3, {"atol": 1.0}, "must not be negative"),
        ((0.0, 1.0), np.nan, {}, "got rtol=nan"),
        ((0.0, 1.0), 1e-3, {"max_solves": 8}, "first 9 nodes: got 8"),
        ((0.0, 1.0), 1e-3, {"max_solves": 20.0}, r"`max_solves` must be a whole number.*: got 20\.0"),
        ((0.0, 1.0), 1e-3, {"key": (-1,)}, "A key must be"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_their_value(
    bounds: tuple[float, float], rtol: float, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Tabulated(Known(wave), bounds, rtol, **options)
