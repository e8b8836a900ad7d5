"""The tissue beside a source: its mean field, its readings without noise, its steady state and its branch."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.random import PCG64, Generator
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from agents.cells import independent
from agents.cells.lattice import LatticeCells
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.tissue.morphogen.draw import draw_morphogen
from scenarios.tissue.morphogen.mean_field import critical_source, mean_field_rates, mean_field_steady
from scenarios.tissue.morphogen.settings import QUICK, MorphogenSettings
from scenarios.tissue.morphogen.study import run_morphogen
from scenarios.tissue.morphogen.tissue import Gradient

Array = NDArray[np.float64]

_SMALL = MorphogenSettings(width=40)


@pytest.fixture(scope="module")
def quick() -> Part:
    return run_morphogen(MorphogenSettings(**QUICK), Context(executor=2), seed=3)


def test_the_mean_field_is_the_mean_rate_of_cells_on_independent_sites() -> None:
    gradient = Gradient(_SMALL, 400.0)
    density, signal = np.linspace(0.7, 0.1, 15), np.linspace(4.0, 0.2, 15)
    given = gradient.tissue.cells
    cells = LatticeCells(given.sites, given.types, sampler=independent)
    found = []
    for number in range(200):
        lifted = cells.lift(density[np.newaxis], Generator(PCG64(number)))
        found.append(cells.drift(lifted, np.repeat(signal, _SMALL.width))[0])
    stderr = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    assert np.all(np.abs(np.mean(found, axis=0) - mean_field_rates(gradient, density, signal)) < 4 * stderr)


def test_the_steady_mean_field_is_what_its_rates_come_to() -> None:
    gradient = Gradient(_SMALL, 400.0)

    def rates(_: float, density: Array) -> Array:
        return mean_field_rates(gradient, density, gradient.tissue.steady_signal(density[np.newaxis]))

    path = solve_ivp(rates, (0.0, 800.0), np.full(15, 0.3), method="LSODA", rtol=1e-9, atol=1e-11)
    density, signal = mean_field_steady(gradient)
    np.testing.assert_allclose(density, path.y[:, -1], rtol=1e-6)
    np.testing.assert_allclose(signal, gradient.tissue.steady_signal(path.y[np.newaxis, :, -1]), rtol=1e-6)


@pytest.mark.parametrize(("share", "grows"), [(0.9, False), (1.1, True)])
def test_a_few_cells_grow_above_the_critical_source_and_vanish_below(share: float, grows: bool) -> None:
    gradient = Gradient(_SMALL, share * critical_source(_SMALL, 400.0))
    signal = gradient.tissue.steady_signal(np.zeros((1, 15)))
    few = np.full(15, 1e-8)
    path = solve_ivp(lambda _, c: mean_field_rates(gradient, c, signal), (0.0, 1500.0), few, method="LSODA", atol=1e-16)
    late = path.y.sum(axis=0)[-3:]
    assert (late[-1] > late[0]) == grows


def test_what_is_taken_from_the_modes_is_noise_of_mean_zero_and_most_of_their_noise() -> None:
    gradient = Gradient(_SMALL, 400.0)
    macro = np.array([0.19, 0.18, 0.08])
    raw, read = [], []
    for number in range(60):
        after = gradient.evolve(
            gradient.lift(macro, Generator(PCG64((1, number)))), 24.0, Generator(PCG64((2, number)))
        )
        raw.append(gradient.modes.restrict(after.tissue.cells))
        read.append(gradient.restrict(after))
    noise = np.array(raw) - read
    assert np.all(np.abs(noise.mean(axis=0)) < 4 * noise.std(axis=0, ddof=1) / np.sqrt(len(noise)))
    assert np.all(np.var(read, axis=0) < 0.35 * np.var(raw, axis=0))


def test_reading_undoes_lifting() -> None:
    gradient = Gradient(_SMALL, 400.0)
    macro = np.array([0.19, 0.18, 0.08])
    np.testing.assert_allclose(gradient.restrict(gradient.lift(macro, Generator(PCG64(0)))), macro, atol=2 / 600)


def test_a_tissue_goes_on_from_its_pack() -> None:
    gradient = Gradient(_SMALL, 400.0)
    half = gradient.evolve(gradient.lift(np.array([0.2, 0.1, 0.0]), Generator(PCG64(0))), 8.0, Generator(PCG64(1)))
    again = gradient.unpack(gradient.pack(half))
    one, two = (gradient.evolve(micro, 8.0, Generator(PCG64(2))) for micro in (half, again))
    for name, value in gradient.pack(one).items():
        np.testing.assert_array_equal(value, gradient.pack(two)[name])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 60.0}, "at least 4 cells long"),
        ({"death": 0.2}, "`death` must be below `proliferation`"),
        ({"weakest": 500.0}, "`weakest` must be below"),
        ({"duration": 21.0}, "`duration` must be a multiple of the step 4 h: got 21. Take 20"),
        ({"step": 10.0, "duration": 20.0, "healing": 10.0}, "`step` must be at most 4.8 h"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MorphogenSettings(**options)


def test_a_source_that_feeds_no_tissue_is_refused() -> None:
    with pytest.raises(ValueError, match=r"strong enough for a tissue to live: got 50 .* it dies out below 62"):
        run_morphogen(MorphogenSettings(source=50.0, weakest=40.0), Context(), seed=0)


@pytest.mark.slow
def test_the_coarse_steady_state_is_where_the_cells_stay(quick: Part) -> None:
    checks = {check.quantity: check for check in quick.checks}
    assert {"mean density of the steady state", "mode 1 of its density", "mode 2 of its density"} <= set(checks)
    assert [name for name, check in checks.items() if not check.ok] == []
    assert list(quick.failures) == []


@pytest.mark.slow
def test_the_branch_falls_with_the_source(quick: Part) -> None:
    branch = quick.tables["morphogen_branch"].sort_values("parameter")
    assert branch["parameter"].iloc[[0, -1]].tolist() == [200.0, 400.0]
    assert np.all(np.diff(branch["measure"]) > 0)
    assert set(branch["stability"]) == {"stable"}


@pytest.mark.slow
def test_the_mean_field_lies_above_the_cells_where_their_neighbours_are_in_the_way(quick: Part) -> None:
    reference = quick.tables["morphogen_reference"]
    ends = reference[reference["parameter"].isin([200.0, 400.0])].pivot(
        index="parameter", columns="name", values=["measure", "stderr"]
    )
    gap = ends["measure"]["mean field"] - ends["measure"]["long run of all cells"]
    assert np.all(gap > 0)


@pytest.mark.slow
def test_everything_is_drawn(quick: Part) -> None:
    figures = draw_morphogen(quick.tables)
    assert list(figures) == ["morphogen", "morphogen_multipliers", "morphogen_branch"]
    profiles = figures["morphogen"]
    assert isinstance(profiles, Figure)
    assert profiles.axes[0].get_ylabel() == "density (cells per site)"
