"""Cells that signal: molecules balance, cells follow gradients and divide by them, and lifting is undone by reading."""

import numpy as np
import pytest
from numpy.random import PCG64, Generator
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from agents.cells import CellType, LatticeCells, Sites, Sweeps
from agents.cells.fields import Closed, Held, Influx, Medium
from agents.cells.signalling import SignallingCells, Tissue

Array = NDArray[np.float64]

_CLOSED = (False, True)


def _tissue(width: int = 10, columns: int = 8, step: float = 0.5, line: bool = True, **rules: float) -> SignallingCells:
    """Two types of cells, one that secretes and one that takes up, between two sides."""
    cells = LatticeCells(
        Sites((columns, width), 20.0, _CLOSED),
        (
            CellType(motility=1.0, proliferation=0.2, death=0.1, name="senders"),
            CellType(motility=1.0, proliferation=0.2, death=0.1, half_signal=1.0, chemotaxis=0.5, name="readers"),
        ),
    )
    shape = (columns,) if line else (columns, width)
    medium = Medium(shape, 20.0, 900.0, decay=0.5, half_saturation=4.0, sides=((Influx(40.0), Held(0.2)),))
    return SignallingCells(cells, medium, step, secretion=(2.0, 0.0), uptake=(0.0, 3.0))


def _macro(columns: int = 8) -> Array:
    return np.stack((np.linspace(0.4, 0.1, columns), np.full(columns, 0.3), np.linspace(3.0, 1.0, columns)))


@pytest.mark.parametrize("line", [True, False])
def test_reading_undoes_lifting(line: bool) -> None:
    tissue = _tissue(line=line)
    lifted = tissue.restrict(tissue.lift(_macro(), Generator(PCG64(0))))
    one_cell = 1 / tissue.cells.sites.width
    assert np.abs((lifted - _macro())[:-1].sum(axis=0)).max() < one_cell
    assert np.abs((lifted - _macro())[:-1]).max() < 2 * one_cell  # rounded among the cells that were rounded
    np.testing.assert_allclose(lifted[-1], _macro()[-1], rtol=1e-14)


@pytest.mark.parametrize("line", [True, False])
def test_molecules_balance_while_cells_move_divide_and_die(line: bool) -> None:
    tissue = _tissue(line=line)
    after = tissue.evolve(tissue.lift(_macro(), Generator(PCG64(0))), 20.0, Generator(PCG64(1)))
    told = after.signal.ledger
    assert min(told.secreted, told.taken_up, told.decayed, told.entered, told.left) > 0
    assert tissue.imbalance(after) < 1e-12
    assert after.cells.births.min() > 0


def test_uptake_is_that_of_the_cells_that_are_there() -> None:
    sites = Sites((2, 4), 20.0, _CLOSED)
    tissue = SignallingCells(
        LatticeCells(sites, (CellType(motility=0.0),)),
        Medium((2,), 20.0, diffusion=0.0),
        0.5,
        secretion=1.0,
        uptake=2.0,
    )
    begun = tissue.lift(np.array([[0.25, 1.0], [3.0, 3.0]]), Generator(PCG64(0)))
    after = tissue.evolve(begun, 0.5, Generator(PCG64(1)))
    shares = np.array([0.25, 1.0])
    np.testing.assert_allclose(after.signal.concentration, (3.0 + 0.5 * shares) / (1 + 0.5 * 2.0 * shares))


def test_cells_that_cannot_hop_stay_in_the_field_that_is_steady_around_them() -> None:
    sites = Sites((8, 6), 20.0, _CLOSED)
    medium = Medium((8,), 20.0, 900.0, decay=0.3, sides=((Influx(40.0), Closed()),))
    tissue = SignallingCells(LatticeCells(sites, (CellType(motility=0.0),)), medium, 0.5, uptake=2.0)
    begun = tissue.lift_steady(np.linspace(0.5, 0.0, 8)[np.newaxis], Generator(PCG64(0)))
    after = tissue.evolve(begun, 10.0, Generator(PCG64(1)))
    np.testing.assert_allclose(after.signal.concentration, begun.signal.concentration, rtol=1e-10)
    density = tissue.restrict(begun)[:1]
    np.testing.assert_allclose(tissue.steady_signal(density), begun.signal.concentration, rtol=1e-12)


def test_a_cell_drifts_up_a_gradient_at_the_rate_of_its_rules() -> None:
    # One cell in every fourth row, far from all others and from the sides: hops up less hops down, per time, are
    # motility / 4 × (2 / (1 + exp(-g)) - 2 / (1 + exp(g))) = motility / 2 × tanh(g / 2) columns.
    motility, leaning, slope, hours = 2.0, 0.8, 1.5, 2.0
    sites = Sites((41, 4000), 20.0, _CLOSED)
    cell = CellType(motility=motility, chemotaxis=leaning)
    medium = Medium((41,), 20.0, diffusion=0.0)
    tissue = SignallingCells(LatticeCells(sites, (cell,)), medium, 0.5)
    occupied = np.zeros(sites.shape, dtype=np.int8)
    occupied[20, ::8] = 1
    begun = tissue.lift(np.stack((np.zeros(41), slope * np.arange(41.0))), Generator(PCG64(0)))
    begun = Tissue(type(begun.cells).of(occupied.ravel()), begun.signal)
    after = tissue.evolve(begun, hours, Generator(PCG64(3)))
    columns = np.nonzero(after.cells.occupied.reshape(sites.shape))[0]
    drift = columns.mean() - 20
    stderr = columns.std(ddof=1) / np.sqrt(len(columns))
    assert len(columns) == 500
    assert abs(drift - hours * motility / 2 * np.tanh(leaning * slope / 2)) < 4 * stderr


def test_a_signal_drives_division_as_the_logistic_law_says_where_cells_are_well_mixed() -> None:
    # Hops are 400 times as frequent as divisions, the signal is the same everywhere, and cells take it up:
    # dc/dt = λ s / (s + K) c (1 - c), ds/dt = σ - (k + u c) s.
    growth, half, decay, uptake, secretion = 0.05, 1.0, 0.5, 1.0, 2.0
    sites = Sites((20, 100), 20.0, True)
    cell = CellType(motility=20.0, proliferation=growth, half_signal=half)
    medium = Medium((20,), 20.0, 1e5, decay=decay)
    tissue = SignallingCells(LatticeCells(sites, (cell,)), medium, 0.25, secretion=secretion, uptake=uptake)
    hours, found = 30.0, []
    for number in range(8):
        rng = Generator(PCG64(number))
        begun = tissue.lift(np.stack((np.full(20, 0.2), np.full(20, 1.5))), rng)
        found.append(tissue.restrict(tissue.evolve(begun, hours, rng)).mean(axis=1))

    def law(_: float, state: Array) -> list[float]:
        c, s = state
        return [growth * s / (s + half) * c * (1 - c), secretion * c - (decay + uptake * c) * s]

    expected = solve_ivp(law, (0.0, hours), [0.2, 1.5], rtol=1e-8).y[:, -1]
    stderr = np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    # Neighbours of mother and daughter are correlated by about 2 proliferation / motility, 0.5 %; splitting is 0.25 h.
    assert np.all(np.abs(np.mean(found, axis=0) - expected) < 4 * stderr + 0.01 * expected)


def test_the_same_seed_gives_the_same_bits_and_nothing_given_is_changed() -> None:
    tissue = _tissue()
    begun = tissue.lift(_macro(), Generator(PCG64(0)))
    kept = begun.pack()
    one, two = (tissue.evolve(begun, 5.0, Generator(PCG64(1))) for _ in range(2))
    for name, value in one.pack().items():
        np.testing.assert_array_equal(value, two.pack()[name])
        np.testing.assert_array_equal(begun.pack()[name], kept[name])


def test_a_tissue_goes_on_from_its_pack() -> None:
    tissue = _tissue()
    half = tissue.evolve(tissue.lift(_macro(), Generator(PCG64(0))), 2.0, Generator(PCG64(1)))
    one = tissue.evolve(half, 2.0, Generator(PCG64(2)))
    two = tissue.evolve(tissue.unpack(tissue.pack(half)), 2.0, Generator(PCG64(2)))
    for name, value in one.pack().items():
        np.testing.assert_array_equal(value, two.pack()[name])


def test_a_step_is_refused_that_is_no_multiple() -> None:
    tissue = _tissue(step=0.5)
    begun = tissue.lift(_macro(), Generator(PCG64(0)))
    with pytest.raises(ValueError, match=r"multiple of the step 0\.5.*Take 1 or 1\.5"):
        tissue.evolve(begun, 1.2, Generator(PCG64(0)))
    with pytest.raises(ValueError, match="not negative"):
        tissue.evolve(begun, -0.5, Generator(PCG64(0)))


def test_a_macro_state_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the signal, \(3, 8\): got \(2, 8\)"):
        _tissue().lift(_macro()[:2], Generator(PCG64(0)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"medium": Medium((7,), 20.0, 900.0)}, "a box for each site"),
        ({"medium": Medium((8,), 10.0, 900.0)}, "a box for each site"),
        ({"uptake": -1.0}, "`uptake` must be one rate"),
        ({"secretion": (1.0, 2.0)}, "`secretion` must be one rate"),
        ({"step": 0.0}, "`step` must be positive"),
        ({"step": 0.25}, "multiple of the cells' time step 0.1: got 0.25. Take 0.2"),
    ],
)
def test_what_does_not_fit_together_is_refused(options: dict[str, object], message: str) -> None:
    cells = LatticeCells(Sites((8, 4), 20.0), (CellType(motility=1.0),), timing=Sweeps(0.1))
    arguments: dict[str, object] = {"cells": cells, "medium": Medium((8,), 20.0, 900.0), "step": 0.5} | options
    with pytest.raises(ValueError, match=message):
        SignallingCells(**arguments)  # type: ignore[arg-type]
