"""Growth of an even population: exact laws, what density misses, and pairs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.integrate import solve_ivp

from agents.cells import CellType, LatticeCells, Sites, pair_factor, pair_probability, with_pairs
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.tissue.growth.exact import line_from_equal_distances, line_from_independent, logistic
from scenarios.tissue.growth.settings import QUICK, GrowthSettings
from scenarios.tissue.growth.study import run_growth


def test_the_logistic_law_solves_its_equation() -> None:
    solution = solve_ivp(lambda _, c: c * (1 - c), (0, 4), [0.05], rtol=1e-10, atol=1e-12)
    assert logistic(0.05, 4.0) == pytest.approx(solution.y[0, -1], abs=1e-8)


def test_the_line_fills_from_what_it_starts_with() -> None:
    assert line_from_independent(0.05, 0.0) == pytest.approx(0.05)
    assert line_from_equal_distances(0.05, 0.0) == pytest.approx(0.05)
    assert line_from_equal_distances(0.3, 0.0) == pytest.approx(0.3)
    assert line_from_equal_distances(0.05, 200.0) == pytest.approx(1.0)


def test_a_line_of_equal_distances_fills_by_a_cell_a_gap_and_time_at_first() -> None:
    """dC/dt = c: both ends of every gap move at rate 1/2, and there are as many gaps as cells."""
    assert (line_from_equal_distances(0.05, 1e-4) - 0.05) / 1e-4 == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize(("density", "factor"), [(0.21, 2.08), (0.05, 6.0), (0.5, 0.6), (0.5, 1.4)])
def test_annealing_reaches_the_wanted_pairs_and_keeps_densities(density: float, factor: float) -> None:
    sites = Sites((60, 60))
    cells = with_pairs(np.full((1, 60), density), factor * density**2, sites, default_rng(1))
    assert pair_factor(cells, sites) == pytest.approx(factor, rel=2e-3)
    assert (np.abs((cells.reshape(60, 60) > 0).sum(axis=1) - 60 * density) <= 1).all()


def test_pairs_that_cannot_be_are_refused() -> None:
    sites = Sites((10, 10))
    for pairs, message in ((0.6, "must lie between 0 and 0.5"), (-0.1, "must lie between")):
        with pytest.raises(ValueError, match=message):
            with_pairs(np.full((1, 10), 0.5), pairs, sites, default_rng(0))
    with pytest.raises(ValueError, match="was not reached"):
        with_pairs(np.full((1, 10), 0.5), 0.5, sites, default_rng(0))
    with pytest.raises(ValueError, match="one type, in columns of two sites or more"):
        with_pairs(np.full((1, 10), 0.5), 0.3, Sites((10,)), default_rng(0))


def test_the_growth_rate_is_what_pairs_leave() -> None:
    """dC/dt = λ (C - P), exactly: a division succeeds where the drawn neighbour is free."""
    sites = Sites((50, 50))
    model = LatticeCells(sites, (CellType(1.0, 1.0),))
    cells = model.evolve(model.lift(np.full((1, 50), 0.1), default_rng(2)), 1.5, default_rng(3))
    density = float((cells.occupied > 0).mean())
    assert model.drift(cells).mean() == pytest.approx(density - pair_probability(cells.occupied, sites), abs=1e-12)


@pytest.fixture(scope="module")
def quick() -> Part:
    return run_growth(GrowthSettings(**QUICK), ("density", "density_and_pairs"), Context(2), seed=1)


@pytest.mark.slow
def test_the_small_version_holds_its_checks(quick: Part) -> None:
    assert all(check.ok for check in quick.checks), [check for check in quick.checks if not check.ok]
    assert not quick.failures


@pytest.mark.slow
def test_pairs_repair_most_of_what_density_alone_misses(quick: Part) -> None:
    last = quick.tables["growth_projected"].groupby("coarse").last()
    missed = last["density"] - last["all_cells"]
    assert missed["density_and_pairs"] + 4 * last["stderr"]["density_and_pairs"] < 0.7 * missed["density"]


def test_settings_with_hardly_a_cell_are_refused() -> None:
    with pytest.raises(ValueError, match=r"about 50 cells at the start: got density=0\.0005 on side=20, 0\.2"):
        GrowthSettings(density=5e-4, side=20)
    with pytest.raises(ValueError, match="each ratio once"):
        GrowthSettings(ratios=(1.0, 1.0))
