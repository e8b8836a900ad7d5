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
from eqfree.hmm import Answer, Closure
from eqfree.hmm.gridded import Gridded, chebyshev
from eqfree.hmm.gridded.levels import below, grid, place
from tests.eqfree.models import Brownian

Array = NDArray[np.float64]
Function = Callable[[Array], Array]
Bounds = list[tuple[float, float]]


class Known(Closure):
    """A function with Gaussian noise of a known size, measured by 16 replicas, or with an error that it states."""

    replicas = 16

    def __init__(self, function: Function, noise: float = 0.0, stated: float = 0.0) -> None:
        self.function, self.noise, self.stated = function, noise, stated
        self.asked: list[tuple[float, ...]] = []

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        points = np.array(inputs, dtype=np.float64)
        self.asked += map(tuple, points.tolist())
        exact = self.function(points)
        cost = ef.Cost(bursts=len(points))
        if not self.noise:
            return Answer(exact, np.full_like(exact, self.stated), cost=cost)
        samples = np.array([self._samples(point, key, exact.shape[1]) for point in points])
        return Answer(exact + samples.mean(axis=1), samples.std(axis=1, ddof=1) / sqrt(self.replicas), cost=cost)

    def _samples(self, point: Array, key: Key, width: int) -> Array:
        rng = default_rng(SeedSequence(9, spawn_key=(*key, *point.view(np.uint32).tolist())))
        return np.asarray(self.noise * sqrt(self.replicas) * rng.normal(size=(self.replicas, width)))


def laminate(points: Array) -> Array:
    """K = ka I + (kh - ka) n n^T of layers 1 and 10 with normal n: Wiener's arithmetic and harmonic means."""
    share, angle = points.T
    arithmetic, harmonic = 1 - share + 10 * share, 1 / (1 - share + share / 10)
    c, s = np.cos(angle), np.sin(angle)
    drop = harmonic - arithmetic
    return np.stack([arithmetic + drop * c * c, drop * c * s, arithmetic + drop * s * s], axis=1)


def laminate_slopes(points: Array) -> Array:
    """Its derivatives (point, 3, 2), by hand."""
    share, angle = points.T
    arithmetic, harmonic = 1 - share + 10 * share, 1 / (1 - share + share / 10)
    rise, lift = np.full_like(share, 9.0), 0.9 * harmonic**2
    c, s = np.cos(angle), np.sin(angle)
    drop, steeper = harmonic - arithmetic, lift - rise
    by_share = [rise + steeper * c * c, steeper * c * s, rise + steeper * s * s]
    by_angle = [-2 * drop * c * s, drop * (c * c - s * s), 2 * drop * c * s]
    return np.moveaxis(np.array([by_share, by_angle]), 2, 0).transpose(0, 2, 1)


def exponential(points: Array) -> Array:
    return np.asarray(np.exp(points.sum(axis=1, keepdims=True)))


def hill(points: Array) -> Array:
    """Narrow in the first input, wide in the second."""
    return np.asarray(np.exp(-8 * (points[:, :1] - 0.3) ** 2 - 0.1 * points[:, 1:] ** 2))


def ridge(points: Array) -> Array:
    return np.asarray(np.sin(4 * points[:, :1] + 3 * points[:, 1:]))


def plane_waves(points: Array) -> Array:
    return np.stack([np.cos(points @ [1.0, 2.0, 0.5]), 1000 + points.sum(axis=1)], axis=1)


def wave(points: Array) -> Array:
    return np.sin(5 * points)


SMOOTH: list[tuple[Function, Bounds]] = [
    (laminate, [(0.1, 0.9), (0.0, np.pi)]),
    (exponential, [(-1.0, 1.0), (-1.0, 1.0)]),
    (hill, [(-1.0, 1.0), (-1.0, 1.0)]),
    (ridge, [(-1.0, 1.0), (-1.0, 1.0)]),
    (plane_waves, [(0.0, 1.0), (0.0, 1.0), (-1.0, 1.0)]),
    (wave, [(0.0, 1.0)]),
]


def points_in(bounds: Bounds, count: int = 1000) -> Array:
    low, high = np.array(bounds).T
    return np.asarray(low + (high - low) * default_rng(1).random((count, len(bounds))))


# Interpolation


@pytest.mark.parametrize(("function", "bounds"), SMOOTH)
@pytest.mark.parametrize("rtol", [1e-2, 1e-4])
def test_the_tolerance_is_reached_and_the_bound_covers_the_true_error(
    function: Function, bounds: Bounds, rtol: float
) -> None:
    table = Gridded(Known(function), bounds, rtol)
    points = points_in(bounds)
    answer = table(points)
    bound = table.error(points)
    true = np.abs(answer.value - function(points))
    assert table.within_tolerance
    assert (bound <= rtol * np.abs(table.nodes()[1]).max(axis=0)).all()
    assert (true <= bound + 1e-13 * np.abs(answer.value).max()).all()
    assert np.allclose(answer.stderr, bound, rtol=1e-15, atol=0)


def test_an_analytic_closure_converges_geometrically() -> None:
    """Coefficients of 1/(1 + 4 x²) are 2/sqrt(5) ρ^-k for even k, ρ = (1 + sqrt(5))/2 (Trefethen, Approximation Theory
    and Approximation Practice, 2013, chapter 8). What the last level changes is their sum over its degrees and as
    much again that it takes from lower ones: 2.3e-2 for 17 nodes, 5.0e-4 for 33, 2.2e-7 for 65, 4.5e-14 for 129."""
    nodes = []
    for atol in (1e-3, 1e-6, 1e-9):
        closure = Known(lambda p: 1 / (1 + 4 * p**2))
        Gridded(closure, [(-1.0, 1.0)], 0.0, atol=atol)([[0.0]])
        nodes.append(len(closure.asked) - 4)  # the checks
    assert nodes == [33, 65, 129]


def test_a_polynomial_of_low_degree_is_exact_from_the_first_nodes() -> None:
    """Three nodes in each axis and its five in one hold 1 + x y: 21 nodes, and 8 checks."""
    closure = Known(lambda p: p[:, :1] * p[:, 1:] + 1)
    bounds = [(-1.0, 2.0), (0.0, 1.0)]
    table = Gridded(closure, bounds, 1e-9)
    points = points_in(bounds)
    assert np.allclose(table(points).value, points[:, :1] * points[:, 1:] + 1, rtol=1e-14)
    assert len(closure.asked) == len(set(closure.asked)) == table.solved == 29


def test_a_polynomial_is_refined_until_a_level_changes_nothing() -> None:
    """Five nodes hold x**4 but have just changed the table; nine change nothing, but for four checks it is done."""
    closure = Known(lambda p: p**4)
    table = Gridded(closure, [(-1.0, 1.0)], 1e-9)
    assert table([[0.3]]).value == pytest.approx(0.3**4, rel=1e-13)
    assert table.solved == 9 + 4


def test_an_axis_that_does_not_matter_is_not_refined() -> None:
    table = Gridded(Known(lambda p: np.sin(9 * p[:, :1]) + 0 * p[:, 1:]), [(0.0, 1.0), (0.0, 1.0)], 1e-8)
    table([[0.5, 0.5]])
    nodes, _, _ = table.nodes()
    shares = np.unique(nodes[:, 1])
    assert len(np.unique(nodes[:, 0])) > 33
    assert len(shares) <= 5 + 8  # the first five, and checks


def test_a_mixed_term_that_vanishes_on_both_axes_is_seen() -> None:
    bounds = [(-1.0, 1.0), (-1.0, 1.0)]
    points = points_in(bounds)
    product = Gridded(Known(lambda p: np.sin(3 * p[:, :1]) * np.sin(3 * p[:, 1:])), bounds, 1e-3)
    assert np.allclose(product(points).value, np.prod(np.sin(3 * points), axis=1, keepdims=True), atol=1e-3)


def test_what_the_first_nodes_miss_is_found_by_the_checks() -> None:
    """T_8 is 1 on each of the five first nodes, as if it were constant."""
    table = Gridded(Known(lambda p: 2 + np.cos(8 * np.arccos(np.clip(p, -1, 1)))), [(-1.0, 1.0)], 1e-3)
    points = points_in([(-1.0, 1.0)])
    exact = 2 + np.cos(8 * np.arccos(points))
    assert np.allclose(table(points).value, exact, atol=1e-12)
    assert table.within_tolerance


def test_the_jacobian_is_the_exact_derivative_of_the_laminate() -> None:
    bounds = [(0.1, 0.9), (0.0, np.pi)]
    points = points_in(bounds)
    jacobian = Gridded(Known(laminate), bounds, 1e-8)(points).jacobian
    assert jacobian is not None
    assert jacobian.shape == (1000, 3, 2)
    assert np.allclose(jacobian, laminate_slopes(points), atol=1e-5)


def test_nodes_are_answered_exactly() -> None:
    table = Gridded(Known(hill), [(-1.0, 1.0), (-1.0, 1.0)], 1e-2)
    table([[0.0, 0.0]])
    nodes, values, stderr = table.nodes()
    grid_nodes = np.abs(table(nodes).value - values)[:, 0] < 1e-14
    assert len(nodes) - grid_nodes.sum() <= 8 * 3  # but for checks
    assert not stderr.any()
    assert np.allclose(values, hill(nodes), rtol=1e-14)


@pytest.mark.parametrize("dense", [0, 8])
def test_a_sparse_interpolant_reproduces_what_is_on_its_levels(monkeypatch: pytest.MonkeyPatch, dense: int) -> None:
    monkeypatch.setattr(chebyshev, "_DENSE", dense)
    levels = below((3, 1)) | below((1, 2))
    rng = default_rng(3)
    values = {index: rng.normal(size=2) for level in sorted(levels) for index in grid(level)}
    changes = {level: chebyshev.change(level, np.array([values[index] for index in grid(level)])) for level in levels}
    indices = sorted(values)
    answered, _ = chebyshev.evaluate(chebyshev.together(changes), place(indices))
    assert np.allclose(answered, [values[index] for index in indices], atol=1e-13)


# Noise, and errors that the closure states


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "bounds", "rtol", "noise"), [(laminate, SMOOTH[0][1], 3e-2, 0.03), (wave, SMOOTH[5][1], 2e-2, 0.02)]
)
def test_the_bound_of_a_noisy_table_covers_the_true_error(
    function: Function, bounds: Bounds, rtol: float, noise: float
) -> None:
    """Two standard errors of Gaussian noise cover 95.45 %; a table counts once, since its errors are one."""
    points = points_in(bounds, 300)
    covered = []
    for seed in range(8):
        table = Gridded(Known(function, noise), bounds, rtol, key=(seed,))
        true = np.abs(table(points).value - function(points))
        assert table.within_tolerance
        covered.append((true <= table.error(points)).mean())
    assert np.mean(covered) > 0.9545 - 4 * np.std(covered, ddof=1) / sqrt(len(covered))
    assert np.mean(covered) > 0.9


def test_the_noise_of_an_interpolant_is_what_repetitions_scatter_by() -> None:
    levels = below((2, 1)) | below((1, 2))
    indices = sorted({index for level in levels for index in grid(level)})
    rng = default_rng(4)
    sizes = rng.random(len(indices))
    points = 2 * rng.random((5, 2)) - 1
    stated = chebyshev.noise(
        levels, {index: np.array([size**2]) for index, size in zip(indices, sizes, strict=True)}, points
    )
    draws = sizes * rng.normal(size=(4000, len(indices)))
    rows = {index: row for row, index in enumerate(indices)}
    changes = {level: chebyshev.change(level, draws.T[[rows[index] for index in grid(level)]]) for level in levels}
    answered, _ = chebyshev.evaluate(chebyshev.together(changes), points)
    assert np.allclose(answered.std(axis=1), stated[:, 0], rtol=4 / sqrt(2 * 4000))


def test_where_noise_dominates_the_same_nodes_are_asked_again() -> None:
    """Two standard errors of a constant within 0.02 need (2 * 0.05 / 0.02)**2 = 25 answers."""
    table = Gridded(Known(lambda p: 1 + 0 * p, 0.05), [(0.0, 1.0)], 0.02)
    table(points_in([(0.0, 1.0)]))
    assert table.within_tolerance
    assert len(table.nodes()[0]) <= 21
    assert 25 / 2 < table.solved / len(table.nodes()[0]) < 25 * 4


def test_an_error_that_the_closure_states_is_neither_averaged_nor_refined_away() -> None:
    """An answer that is the same under another key is no noise: asking it again would only flatter it."""
    closure = Known(exponential, stated=0.02)
    table = Gridded(closure, SMOOTH[1][1], 1e-2)
    answer = table(points_in(SMOOTH[1][1]))
    assert table.within_tolerance
    assert np.allclose(table.nodes()[2], 0.02)
    assert (answer.stderr >= 0.02 * (1 - 1e-12)).all()
    assert len(closure.asked) == len(set(closure.asked)) + 1  # the one that was tried
    coarse = Gridded(Known(exponential, stated=0.1), SMOOTH[1][1], 1e-2)
    assert (coarse.error([[0.0, 0.0]]) > 0.2 * (1 - 1e-12)).all()
    coarse([[0.0, 0.0]])
    assert not coarse.within_tolerance
    assert coarse.solved < 100


# Counting, budget, reproducibility


def test_asked_solved_and_saved_are_counted() -> None:
    bounds = [(0.0, 1.0), (0.0, 1.0)]
    closure = Known(lambda p: p[:, :1] - p[:, 1:])
    table = Gridded(closure, bounds, 1e-3)
    first = table(points_in(bounds))
    again = table(points_in(bounds, 10))
    assert (table.asked, table.solved, table.saved) == (1010, 29, 981)
    assert str(table) == "1010 points asked, 29 micro-solves made, 981 saved"
    assert first.cost.bursts == table.cost.bursts == len(closure.asked) == 29
    assert again.cost == ef.Cost()


@pytest.mark.parametrize(("inputs", "solved"), [(1, 5 + 4), (2, 21 + 8), (3, 81 + 12), (4, 297 + 16)])
def test_a_straight_closure_is_solved_at_the_first_nodes_and_checks(inputs: int, solved: int) -> None:
    table = Gridded(Known(lambda p: p.sum(axis=1, keepdims=True)), [(0.0, 1.0)] * inputs, 1e-6)
    assert table(np.full((1, inputs), 0.3)).value == pytest.approx(0.3 * inputs, rel=1e-14)
    assert table.solved == solved


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_a_table_whose_budget_is_spent_says_how_far_it_is(noise: float) -> None:
    table = Gridded(Known(ridge, noise), SMOOTH[3][1], 1e-3, max_solves=60)
    points = points_in(SMOOTH[3][1])
    true = np.abs(table(points).value - ridge(points))
    assert table.solved <= 60
    assert not table.within_tolerance
    assert table.error(points).max() > 1e-3
    assert (true <= table.error(points)).mean() >= 0.95
    solved = table.solved
    table(points)
    assert table.solved == solved


def test_a_component_that_is_zero_but_for_round_off_is_not_refined() -> None:
    table = Gridded(Known(lambda p: np.hstack([p[:, :1] + 1, 1e-16 * np.sin(1e6 * p[:, :1])])), SMOOTH[1][1], 1e-6)
    table([[0.0, 0.0]])
    assert table.solved == 29


def test_the_table_has_the_same_bits_on_every_executor_and_in_whatever_order_it_is_asked() -> None:
    bounds = [(0.0, 1.0), (0.0, 2.0)]

    def table(executor: int | None, points: Array) -> bytes:
        stepper = ef.CoarseTimeStepper(Brownian(1.0, 0.2), replicas=8, executor=executor)
        closure = Closure.from_stepper(
            stepper, lambda point: point[:1], lambda before, after, t: (after - before) / t + before**2, 0.5, 2.0
        )
        made = Gridded(closure, bounds, 0.1)
        made(points)
        made(points[:3])
        return b"".join(part.tobytes() for part in made.nodes())

    points = points_in(bounds, 20)
    assert table(None, points) == table(2, points[::-1]) == table(None, points[4:9])


def test_an_error_of_the_closure_leaves_the_table_usable() -> None:
    class Failing(Known):
        broken = True

        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
            if self.broken:
                raise OverflowError
            return super().__call__(inputs, state, key)

    closure = Failing(exponential)
    table = Gridded(closure, SMOOTH[1][1], 1e-3)
    with pytest.raises(OverflowError):
        table([[0.5, 0.5]])
    closure.broken = False
    assert table([[0.5, 0.5]]).value == pytest.approx(np.e, abs=1e-2)
    assert table.asked == 1


# What is refused


def test_the_ends_of_the_bounds_are_asked_exactly_and_round_off_beyond_them_is_cut() -> None:
    closure = Known(lambda p: p[:, :1] * p[:, 1:])
    table = Gridded(closure, [(0.1, 0.7), (0.0, np.pi)], 1e-3)
    value = table([[0.7 * (1 + 1e-13), 3.14159265359], [0.1, 0.0]]).value
    assert value == pytest.approx(np.array([[0.7 * np.pi], [0.0]]), rel=1e-12, abs=1e-14)
    assert np.min(closure.asked, axis=0).tolist() == [0.1, 0.0]
    assert np.max(closure.asked, axis=0).tolist() == [0.7, np.pi]


def test_an_input_outside_the_bounds_is_refused_with_both() -> None:
    with pytest.raises(ValueError, match=r"bounds \[0, 2\]: got 2\.01 for input 1\. Widen"):
        Gridded(Known(exponential), [(0.0, 1.0), (0.0, 2.0)], 1e-3)([[0.5, 1.0], [0.5, 2.01]])


def test_inputs_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2 inputs, as many as `bounds`: got inputs of shape \(1, 1\)"):
        Gridded(Known(exponential), SMOOTH[1][1], 1e-3)([[0.5]])


def test_a_closure_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="finite over its bounds"):
        Gridded(Known(lambda p: np.where(p[:, :1] > 0.5, np.nan, p[:, :1])), SMOOTH[1][1], 1e-3)([[0.0, 0.0]])


def test_a_closure_without_standard_errors_is_refused() -> None:
    with pytest.raises(ValueError, match=r"got NaN\. Use two replicas or more"):
        Gridded(Known(exponential, stated=np.nan), SMOOTH[1][1], 1e-3)([[0.0, 0.0]])


def test_a_state_is_refused_by_a_table() -> None:
    with pytest.raises(ValueError, match="no memory"):
        Gridded(Known(exponential), SMOOTH[1][1], 1e-3)([[0.1, 0.1]], state={})


@pytest.mark.parametrize(
    ("bounds", "rtol", "options", "message"),
    [
        ([(1.0, 1.0)], 1e-3, {}, r"`bounds` must be .* got \[\(1\.0, 1\.0\)\]"),
        ((0.0, 1.0), 1e-3, {}, r"`bounds` must be a \(low, high\) for each input"),
        ([(0.0, 1.0), (0.0,)], 1e-3, {}, "`bounds` must be"),
        ([], 1e-3, {}, "`bounds` must be"),
        ([(0.0, np.inf)], 1e-3, {}, "`bounds` must be"),
        ([(0.0, 1.0)], 0.0, {}, r"nor both zero: got rtol=0\.0, atol=0\.0"),
        ([(0.0, 1.0)], np.nan, {}, "got rtol=nan"),
        ([(0.0, 1.0)] * 2, 1e-3, {"max_solves": 29}, "first 30 micro-solves: got 29"),
        ([(0.0, 1.0)], 1e-3, {"max_solves": 20.0}, r"`max_solves` must be a whole number.*: got 20\.0"),
        ([(0.0, 1.0)], 1e-3, {"key": (-1,)}, "A key must be"),
    ],
)
def test_options_that_make_no_sense_are_refused_with_their_value(
    bounds: Any, rtol: float, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Gridded(Known(wave), bounds, rtol, **options)
