from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import ArrayLike
from scipy.interpolate import PPoly

from eqfree.ensemble import Key
from eqfree.hmm import Answer, Closure, FluxCurve, flow_alone, monotone, smooth, smoothed
from tests.eqfree.roads import BACKWARD, FREE_SPEED, JAM, Array, Formula, greenshields, parabola, triangle, triangular


def humps(density: Array) -> Array:
    return density * (1 - density) * (1 + 0.9 * np.sin(9 * density))


def buckley_leverett(density: Array) -> Array:
    return density**2 / (density**2 + (1 - density) ** 2 / 2)


class Answering(Closure):
    """Drivers of one speed and length, and what is made of their flow (point, 1) for an answer."""

    def __init__(self, answer: Callable[[Array], Any]) -> None:
        self.answer = answer

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Any:
        density = np.asarray(inputs, dtype=np.float64)
        return self.answer(density * (1 - density))


# Riemann problems


def extremum_on_a_fine_grid(flow: Callable[[Array], Array], left: float, right: float) -> float:
    """Osher (1984), eq. (1.9): the smallest flow in between where the densities rise, else the largest."""
    between = flow(np.linspace(min(left, right), max(left, right), 4001))
    return float(between.min() if left <= right else between.max())


@pytest.mark.parametrize("interpolation", [smooth, monotone])
@pytest.mark.parametrize("flow", [humps, buckley_leverett, greenshields, triangular])
def test_godunov_demand_and_supply_are_exact_for_any_curve(
    flow: Callable[[Array], Array], interpolation: Callable[[Array, Array], PPoly]
) -> None:
    """Of the curve itself, against its extrema on 4001 points in between, which miss by at most h² |Q''|/8 each."""
    jam = 1.0 if flow in (humps, buckley_leverett) else JAM
    curve = FluxCurve.from_closure(Formula(flow), jam, 1e-3, interpolation=interpolation)
    left, right = jam * default_rng(1).random((2, 200))
    kink = curve.fastest * jam / 4000  # at a kink, the extremum lies within half an interval of the grid
    close = kink if flow is triangular else 1e-5 * curve.capacity
    for place in range(200):
        exact = extremum_on_a_fine_grid(curve, left[place], right[place])
        assert curve.godunov(left, right)[place] == pytest.approx(exact, abs=close)
        assert curve.demand(left)[place] == pytest.approx(extremum_on_a_fine_grid(curve, left[place], 0), abs=close)
        assert curve.supply(left)[place] == pytest.approx(extremum_on_a_fine_grid(curve, jam, left[place]), abs=close)


def test_the_flows_of_the_references() -> None:
    """references/cars.json, lwr_greenshields, flux_x0."""
    left, right = [0.03, 0.06, 0.02, 0.12, 0.15, 0.05], [0.10, 0.12, 0.06, 0.03, 0.0, 0.02]
    assert np.allclose(parabola().godunov(left, right), [0.72, 0.72, 0.52, 1.125, 1.125, 1.0], rtol=1e-14)


def test_a_concave_flux_passes_the_smaller_of_demand_and_supply() -> None:
    """Lebacque (1996): Godunov's flow of a flux with one maximum."""
    left, right = JAM * default_rng(2).random((2, 100))
    for curve in (parabola(), triangle()):
        smaller = np.minimum(curve.demand(left), curve.supply(right))
        assert np.allclose(curve.godunov(left, right), smaller, atol=1e-14)


def test_extrema_capacity_and_speeds_are_those_of_the_curve() -> None:
    assert parabola().extrema == pytest.approx([JAM / 2])
    assert parabola().capacity == pytest.approx(FREE_SPEED * JAM / 4)
    assert parabola().speed([0.0, JAM / 2, JAM]) == pytest.approx([FREE_SPEED, 0.0, -FREE_SPEED])
    assert triangle().extrema == pytest.approx([0.025])
    assert triangle().capacity == pytest.approx(0.75)
    assert triangle().fastest == FREE_SPEED
    assert len(FluxCurve.from_closure(Formula(humps), 1.0, 1e-3).extrema) == 3  # that many sign changes of its Q'


def test_shapes_are_kept() -> None:
    density = np.full((2, 3), 0.05)
    for read in (parabola(), parabola().speed, parabola().demand, parabola().supply):
        assert read(density).shape == (2, 3)
        assert read(0.05).shape == ()
    assert parabola().godunov(density, 0.1).shape == (2, 3)


# Asking


def test_a_flux_is_asked_to_its_tolerance_everywhere_and_counts_its_micro_solves() -> None:
    curve = FluxCurve.from_closure(Formula(greenshields), JAM, 1e-3)
    grid = np.linspace(0, JAM, 1001)
    assert np.abs(curve(grid) - greenshields(grid)).max() <= 1e-3 * curve.capacity
    assert 9 <= curve.cost.bursts <= 60
    assert 0 < curve.error <= 1e-3 * curve.capacity


def test_a_table_that_ran_out_of_its_budget_says_what_was_reached() -> None:
    curve = FluxCurve.from_closure(Formula(greenshields), JAM, 1e-6, max_solves=9)
    grid = np.linspace(0, JAM, 1001)
    assert np.abs(curve(grid) - greenshields(grid)).max() <= curve.error
    assert curve.error > 1e-6 * curve.capacity


def test_a_smooth_flux_of_a_parabola_is_the_parabola() -> None:
    curve = FluxCurve.from_closure(Formula(greenshields), JAM, 1e-6, interpolation=smooth)
    grid = np.linspace(0, JAM, 101)
    assert np.allclose(curve(grid), greenshields(grid), atol=1e-14)
    assert curve.cost.bursts == 9


def test_a_spline_that_dips_below_zero_gives_way_to_a_monotone_one() -> None:
    """Flow that breaks down to nothing at 0.3: a spline rings, and no one flows backwards."""
    curve = FluxCurve.from_closure(
        Formula(lambda density: np.where(density < 0.3, density, 0.0)), 1.0, 0.05, interpolation=smooth, max_solves=30
    )
    assert curve(np.linspace(0, 1, 2001)).min() >= 0


def test_the_gradient_coefficient_comes_with_the_flow_and_can_be_left_out() -> None:
    """Safe distance (methods.md, section 6): D = 1/(2τρ²) in congestion, none in free flow: a jump."""
    time_gap = 1 / (BACKWARD * JAM)
    closure = Formula(
        lambda density: np.column_stack(
            [triangular(density), np.where(density > 0.025, 1 / (2 * time_gap * np.maximum(density, 0.025) ** 2), 0.0)]
        )
    )
    curve = FluxCurve.from_closure(closure, JAM, 1e-2)
    assert curve.gradient is not None
    assert curve.gradient(0.1) == pytest.approx(1 / (2 * time_gap * 0.1**2), rel=0.02)
    assert curve.gradient(np.linspace(0, JAM, 1001)).min() == 0.0
    assert curve.without_gradient().gradient is None


# Noise


def test_smoothing_keeps_to_the_noise_and_beats_it() -> None:
    """On average a node is missed by its standard error at most, and by two at most, and the truth by much less."""
    grid = np.linspace(0, 1, 41)
    truth, stderr = np.sin(3 * grid), np.full(41, 0.05)
    chi_squares, gains = [], []
    for seed in range(20):
        noisy = truth + stderr * default_rng(seed).normal(size=41)
        line = smoothed(grid, noisy, stderr)
        misses = (noisy - line) / stderr
        assert np.abs(misses).max() <= 2
        chi_squares.append((misses**2).mean())
        gains.append(np.std(line - truth) / np.std(noisy - truth))
    assert max(chi_squares) <= 1
    assert np.mean(gains) < 0.6


def test_smoothing_keeps_what_has_no_noise() -> None:
    grid = np.linspace(0, 1, 11)
    values = default_rng(5).random(11)
    assert smoothed(grid, values, np.zeros(11)) is values
    stderr = np.where(np.arange(11) % 5 == 0, 0.0, 0.3)
    kept = smoothed(grid, values, stderr)
    assert np.allclose(kept[::5], values[::5], atol=1e-12)
    assert not np.allclose(kept, values, atol=1e-2)
    assert smoothed(grid, values, np.full(11, 0.3), chi_square=0.0) is values


@pytest.mark.slow
def test_the_error_of_a_smoothed_flux_covers_its_kink() -> None:
    """A spline cuts the corner of a triangle: capacity, and flows near it, are within the bound that the flux tells."""
    near = np.linspace(0.02, 0.03, 201)
    covered, capacities = [], []
    for seed in range(20):
        curve = FluxCurve.from_closure(Formula(triangular, stderr=0.003), JAM, 0.01, key=(seed,))
        covered.append((np.abs(curve(near) - triangular(near)) <= curve.error).mean())
        capacities.append(abs(curve.capacity - 0.75) <= curve.error)
        assert curve.error <= 0.01 * curve.capacity + (2 + 2) * 0.003  # the tolerance, and what smoothing may move
    assert np.mean(covered) >= 0.95
    assert np.mean(capacities) >= 0.95


def test_smoothing_keeps_straight_lines() -> None:
    grid = np.sort(default_rng(6).random(12))
    assert np.allclose(smoothed(grid, 2 * grid - 1, np.full(12, 0.1)), 2 * grid - 1, atol=1e-9)


@pytest.mark.slow
def test_a_noisy_flux_has_no_maxima_of_its_own_once_it_is_smoothed() -> None:
    """The triangle has one; of its table with a noise of 0.4 % of capacity, every seventh node turns."""
    rough, even = [], []
    for seed in range(10):
        closure, key = Formula(triangular, stderr=0.003), (seed,)
        rough.append(len(FluxCurve.from_closure(closure, JAM, 0.01, chi_square=0.0, key=key).extrema))
        even.append(len(FluxCurve.from_closure(closure, JAM, 0.01, key=key).extrema))
    assert np.mean(even) <= 1.2
    assert np.mean(rough) >= 2


# Refusals


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        (lambda density: density * (0.5 - density), r"A flow must not be negative: got .* at density 0\.\d+"),
        (lambda density: 1 - density, "Nobody flows where nobody is: got a flow of 1 at density 0"),
        (lambda density: 0 * density, "A flow must be positive somewhere: got zero from density 0 to 1"),
        (lambda density: np.where(density > 0.5, np.nan, density), r"finite.*at densities \[0.625 0.75"),
        (lambda density: np.column_stack([density] * 3), "flow, or flow and gradient coefficient: got 3 components"),
        (lambda density: -density, r"got -0.125 at density 0.125, -0.25 at density 0.25"),
        (
            lambda density: np.column_stack([density * (1 - density), np.where(density > 0.5, np.nan, 1.0)]),
            r"finite.*at densities \[0.625 0.75",
        ),
        (
            lambda density: np.column_stack([density * (1 - density), 0.1 - density]),
            r"The gradient coefficient must not be negative: got -0\.\d+ at density 0\.\d+.*string instability",
        ),
    ],
)
def test_a_flux_that_nobody_can_solve_is_refused(flow: Callable[[Array], Array], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FluxCurve.from_closure(Formula(flow), 1.0, 1e-2)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda q: Answer(q[:, 0], 0 * q), r"value and stderr of shape (9, m): got (9,) and (9, 1)"),
        (lambda q: Answer(q[:-1], 0 * q[:-1]), r"of shape (9, m): got (8, 1) and (8, 1)"),
        (lambda q: Answer(q, 0 * q[:, 0]), r"of shape (9, m): got (9, 1) and (9,)"),
        (lambda q: Answer(q, np.array(0.0)), r"of shape (9, m): got (9, 1) and ()"),
        (lambda q: Answer(q, 0 * q - 1), "standard errors that are not negative: got -1"),
        (lambda q: Answer(q, np.full_like(q, np.nan)), "needs the standard errors of its closure: got NaN"),
        (lambda q: q, "A closure must answer an `Answer`: got ndarray"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda closure: closure, flow_alone])
def test_answers_of_another_shape_are_refused(
    answer: Callable[[Array], Any], words: str, wrap: Callable[[Closure], Closure]
) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        FluxCurve.from_closure(wrap(Answering(answer)), 1.0, 1e-2)


def test_answers_may_be_lists() -> None:
    listed = Answering(lambda q: Answer(q.tolist(), (0 * q).tolist()))
    assert FluxCurve.from_closure(listed, 1.0, 1e-2).capacity == pytest.approx(0.25, rel=0.01)


def test_the_flow_of_unstable_drivers_can_be_asked_alone() -> None:
    closure = Formula(lambda density: np.column_stack([density * (1 - density), -density]))
    curve = FluxCurve.from_closure(flow_alone(closure), 1.0, 1e-2)
    assert curve.gradient is None
    assert curve.capacity == pytest.approx(0.25, rel=0.01)


def test_noise_below_zero_is_no_negative_flow() -> None:
    """Nothing moves beyond half the jam density, and half of the answers there are below zero."""
    closure = Formula(lambda density: np.maximum(density * (0.5 - density), 0.0), stderr=1e-4)
    curve = FluxCurve.from_closure(closure, 1.0, 1e-2)
    assert curve(np.linspace(0, 1, 1001)).min() >= 0
    assert curve([0.0, 1.0]).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("flow", "gradient", "words"),
    [
        (PPoly([[-1.0], [1.0], [0.0]], [0.1, 1.0]), None, "from density 0 on: got one from 0.1"),
        (PPoly([[np.nan, 1.0], [0.0, 1.0]], [0.0, 0.4, 1.0]), None, "densities from 0 to 0.4"),
        (PPoly([[-2.0], [1.0], [0.0]], [0.0, 1.0]), None, "A flow must not be negative: got -1 at density 1"),
        (
            PPoly([[30.0, -6.0], [0.0, 0.6]], [0.0, 0.025, 0.125]),
            None,
            "A flow must be continuous: got 0.75 and 0.6 at density 0.025. .* `capacity_drop`",
        ),
        (PPoly([[1.0], [-1.0], [0.0]], [1.0, 0.0]), None, "densities that increase: got breakpoints from 1 to 0"),
        (PPoly([[1.0], [0.0]], [0.0, 1.0]), PPoly([[1.0]], [0.0, 0.5]), r"known on \[0, 1\].*got \[0, 0.5\]"),
        (PPoly([[1.0], [0.0]], [0.0, 1.0]), PPoly([[-1.0]], [0.0, 1.0]), "gradient coefficient must not be negative"),
        (
            PPoly([[1.0, 1.0, -1.0], [0.0, 0.5, 0.5]], [0.0, 0.4, 0.5, 1.0]),
            None,
            "must be continuous: got 0.4 and 0.5 at density 0.4",
        ),
        (PPoly([[[1.0, 2.0]], [[0.0, 0.0]]], [0.0, 1.0]), None, "must be a single curve"),
        (PPoly([[1.0], [0.0], [0.0], [0.0], [0.0]], [0.0, 1.0]), None, "at most cubic.*degree 4"),
    ],
)
def test_a_curve_that_is_no_flux_is_refused(flow: PPoly, gradient: PPoly | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        FluxCurve(flow, gradient)


@pytest.mark.parametrize(
    ("jam", "chi_square", "words"),
    [(-1.0, 1.0, "`jam`.*got -1"), (np.inf, 1.0, "`jam`"), (1.0, -1.0, "`chi_square`.*got -1")],
)
def test_options_that_make_no_sense_are_refused(jam: float, chi_square: float, words: str) -> None:
    closure: Closure = Formula(greenshields)
    with pytest.raises(ValueError, match=words):
        FluxCurve.from_closure(closure, jam, 1e-2, chi_square=chi_square)


def test_a_jump_of_round_off_is_none() -> None:
    flow = PPoly([[1.0, -1.0], [0.0, 0.5 * (1 + 1e-12)]], [0.0, 0.5, 1.0])
    assert FluxCurve(flow).capacity == pytest.approx(0.5)


@pytest.mark.parametrize("interpolation", [monotone, smooth])
@pytest.mark.parametrize("rtol", [1e-2, 1e-3, 1e-4])
def test_a_flux_is_its_closure_to_the_tolerance_wherever_it_is_not_kinked(rtol: float, interpolation: Any) -> None:
    """Against the formulas; with the error that it tells within the tolerance."""
    grid = np.linspace(0, 1, 2001)
    for formula in (humps, buckley_leverett):
        curve = FluxCurve.from_closure(Formula(formula), 1.0, rtol, interpolation=interpolation)
        largest = formula(grid).max()
        assert np.abs(curve(grid) - formula(grid)).max() <= rtol * largest
        assert curve.error <= rtol * largest * (1 + 1e-12)
