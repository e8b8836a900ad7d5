"""Readings of windows have the values and the errors that constructed windows and known gases give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from agents.ions import Box, Hopping, Ions, Landscape, LatticeGas, NullEvent, RejectionFree, Species, Windows, selection
from agents.ions.arrhenius import fit_arrhenius
from agents.ions.constants import BOLTZMANN
from agents.ions.diffusion import chemical_diffusion, wave_decay, wave_number
from agents.ions.estimates import Estimate, by_blocks, jackknife
from agents.ions.lattices import chain, layered, simple_cubic, square, triangular
from agents.ions.readings import (
    charge_diffusion,
    conductivity,
    correlation_by_cosine,
    correlation_by_distance,
    haven_ratio,
    mean_current,
    tracer_diffusion,
)
from agents.ions.selection import Selection

Array = NDArray[np.float64]


def even(
    cells: tuple[int, ...] = (4, 4, 4), field: tuple[float, ...] = (), chosen: Selection | None = None
) -> LatticeGas:
    lattice = (chain, square, simple_cubic)[len(cells) - 1]
    return LatticeGas(Landscape(Box(lattice(1.0), cells), Hopping({"hop": 0.0}, 1.0)), 300.0, field, selection=chosen)


def moving(collective: Array, tracer: Array | None = None, duration: float = 2.0, count: int = 3) -> Windows:
    """Windows of one species in which so much happened."""
    windows, axes = collective.shape
    squares = np.zeros((windows, 1, axes, axes)) if tracer is None else tracer[:, np.newaxis]
    none = np.zeros((windows, 1))
    whole = none.astype(np.int64)
    return Windows(duration, np.array([count]), collective[:, np.newaxis], squares, whole, none, whole)


def test_the_jackknife_of_a_mean_is_the_standard_error() -> None:
    blocks = default_rng(0).normal(size=(40, 2, 3))
    estimate = jackknife(lambda mean: mean, blocks, "1")
    np.testing.assert_allclose(estimate.value, blocks.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(estimate.stderr, blocks.std(axis=0, ddof=1) / np.sqrt(40), rtol=1e-12)


def test_the_interval_of_a_ratio_covers_as_often_as_it_says() -> None:
    """95 % of 400, within 4 binomial standard errors; the parts of the ratio are correlated."""
    rng = default_rng(1)
    hits = 0
    for _ in range(400):
        below = rng.normal(2.0, 0.3, 30)
        above = 3 * below + rng.normal(0.0, 0.3, 30)
        low, high = jackknife(lambda mean: mean[1] / mean[0], np.stack([below, above], axis=1), "1").interval()
        hits += bool(low <= 3.0 <= high)
    assert abs(hits / 400 - 0.95) < 4 * np.sqrt(0.05 * 0.95 / 400)


def test_blocks_are_means_of_equal_parts_and_never_few() -> None:
    assert by_blocks(np.arange(100.0), 30)[:2].tolist() == [1.0, 4.0]
    assert len(by_blocks(np.zeros(1000))) == 50
    for windows, blocks in ((29, None), (100, 29), (100, 101)):
        with pytest.raises(ValueError, match="or errors mislead"):
            by_blocks(np.zeros(windows), blocks)
    with pytest.raises(ValueError, match="At least 30 blocks"):
        jackknife(lambda mean: mean, np.zeros((29, 1)), "1")


def test_blocks_that_are_too_short_are_told() -> None:
    noise = default_rng(2).normal(size=4000)
    slow = np.zeros(4000)
    for step in range(1, 4000):
        slow[step] = 0.98 * slow[step - 1] + noise[step]
    assert jackknife(lambda mean: mean, by_blocks(noise, 200), "1").settled
    assert not jackknife(lambda mean: mean, by_blocks(slow, 200), "1").settled
    assert jackknife(lambda mean: mean, by_blocks(slow, 30), "1").settled


def test_memory_of_a_window_in_the_next_is_added() -> None:
    """P_k = e_k - b e_(k-1): the variance grows by (1 - b)² a window, though that of one window is 1 + b²."""
    noise, kept = default_rng(3).normal(size=(40_001, 2)), 0.4
    windows = moving(noise[1:] - kept * noise[:-1])
    scale = 2 * 2.0 * 3
    for lags, expected in ((0, 1 + kept**2), (1, (1 - kept) ** 2), (3, (1 - kept) ** 2)):
        estimate = charge_diffusion(windows, lags=lags)
        off = np.abs(estimate.value - expected / scale * np.eye(2))
        assert (off < 4 * estimate.stderr).all()
        assert (estimate.stderr < 0.05 / scale).all()
    np.testing.assert_allclose(charge_diffusion(windows).value, charge_diffusion(windows).value.T)


def test_the_haven_ratio_knows_that_its_parts_are_correlated() -> None:
    moved = default_rng(4).normal(size=(300, 2))
    squares = np.einsum("wa,wb->wab", moved, moved)
    exact = haven_ratio(moving(moved, 0.25 * squares), lags=0)
    assert exact.value == pytest.approx(0.25)
    assert exact.stderr < 1e-12
    apart = tracer_diffusion(moving(moved, 0.25 * squares))
    assert (apart.stderr.diagonal() > 0.01 * apart.value.diagonal()).all()


@pytest.mark.parametrize("chosen", [RejectionFree(), NullEvent()], ids=["tree", "trials"])
def test_windows_lose_nothing_where_the_kernel_pauses(chosen: Selection, monkeypatch: pytest.MonkeyPatch) -> None:
    gas = even((3, 3, 3), chosen=chosen)
    start = gas.fill(0.5, default_rng(5))
    _, windows = gas.watch(start, 5, 20.0, default_rng(6))
    monkeypatch.setattr(selection, "_BUDGET", 100)
    again, paused = gas.watch(start, 5, 20.0, default_rng(6))
    np.testing.assert_allclose(paused.collective.sum(axis=(0, 1)), again.displacement.sum(axis=0), atol=1e-9)
    if isinstance(chosen, NullEvent):  # the tree adds its sums up anew, so that it may round otherwise
        np.testing.assert_allclose(paused.tracer, windows.tracer, atol=1e-9)
        np.testing.assert_allclose(paused.cosines, windows.cosines, atol=1e-9)
        assert paused.turns.tolist() == windows.turns.tolist()


def test_one_ion_alone_walks_at_random() -> None:
    """D = Gamma a², correlation factor 1 both ways, Haven ratio 1."""
    gas = even()
    ions = Ions.of(np.eye(1, 64, dtype=int)[0], axes=3)
    _, windows = gas.watch(ions, 4000, 5.0, default_rng(7))
    for estimate in (tracer_diffusion(windows), charge_diffusion(windows)):
        assert (np.abs(estimate.value - np.eye(3)) < 4 * estimate.stderr).all()
    for factor in (correlation_by_cosine(windows), correlation_by_distance(gas, windows)):
        assert abs(float(factor) - 1) < 4 * factor.stderr
    ratio = haven_ratio(windows, lags=0)
    assert abs(float(ratio) - 1) < 1e-12
    assert correlation_by_cosine(windows).stderr < correlation_by_distance(gas, windows).stderr


def test_conductivity_adds_up_charges_of_all_species() -> None:
    """Opposite charges that move together carry nothing; equal ones as much as one of twice the charge."""
    moved = default_rng(8).normal(size=(60, 1, 3))
    both = Windows(1.0, np.array([1, 1]), np.repeat(moved, 2, axis=1), *(np.zeros(0),) * 4)  # type: ignore[arg-type]
    one = replace(both, counts=np.array([1]), collective=moved)
    told = {
        charges: replace(even(), species=tuple(Species(str(q), q) for q in charges)) for charges in ((1, -1), (1, 1))
    }
    np.testing.assert_allclose(conductivity(told[1, -1], both).value, 0.0, atol=1e-30)
    twice = replace(even(), species=(Species("one", 2.0),))
    np.testing.assert_allclose(conductivity(told[1, 1], both).value, conductivity(twice, one).value)
    with pytest.raises(ValueError, match="without field"):
        conductivity(even(field=(1.0, 0.0, 0.0)), one)


def test_activation_energies_have_intervals_that_cover() -> None:
    """95 % of 400 fits to five noisy points, within 4 binomial standard errors; with errors told they cover no less."""
    rng, kelvin = default_rng(9), np.linspace(280.0, 400.0, 5)
    exact = 1e5 / kelvin * np.exp(-0.35 / (BOLTZMANN * kelvin))
    hits = {"told": 0, "found": 0}
    for _ in range(400):
        sigma = exact * np.exp(0.02 * rng.normal(size=5))
        for name, stderrs in (("told", 0.02 * sigma), ("found", None)):
            low, high = fit_arrhenius(kelvin, sigma, stderrs).energy.interval()
            hits[name] += bool(low <= 0.35 <= high)
    allowed = 4 * np.sqrt(0.05 * 0.95 / 400)
    assert abs(hits["found"] / 400 - 0.95) < allowed
    assert hits["told"] / 400 > 0.95 - allowed


def test_points_that_are_no_line_widen_the_interval() -> None:
    kelvin = np.linspace(280.0, 400.0, 5)
    sigma = 1e5 / kelvin * np.exp(-0.35 / (BOLTZMANN * kelvin) + np.array([0.0, 0.2, -0.2, 0.2, 0.0]))
    fit = fit_arrhenius(kelvin, sigma, 0.01 * sigma)
    straight = fit_arrhenius(kelvin, fit.conductivity(kelvin), 0.01 * sigma)
    assert fit.scatter > 50
    assert fit.energy.stderr > 5 * straight.energy.stderr
    low, high = fit.band(kelvin)
    assert (low < fit.conductivity(kelvin)).all()
    assert (fit.conductivity(kelvin) < high).all()
    assert float(straight.energy) == pytest.approx(float(fit.energy))


@pytest.mark.parametrize(
    ("lattice", "cells", "waves"), [(chain, (24,), 3), (square, (8, 6), 1), (triangular, (8, 6), 2)]
)
def test_short_waves_decay_as_the_lattice_has_it(
    lattice: Callable[..., object], cells: tuple[int, ...], waves: int
) -> None:
    """Exact for exclusion: D = Gamma a² z / 2d at every filling, if the wave number is that of the lattice."""
    crystal = lattice(1.0)
    gas = LatticeGas(Landscape(Box(crystal, cells), Hopping({"hop": 0.0}, 1.0)), 300.0)  # type: ignore[arg-type]
    exact = crystal.ways / (2 * crystal.axes)  # type: ignore[attr-defined]
    halved = np.log(2) / (exact * wave_number(gas.landscape.box, waves) ** 2)
    estimate = chemical_diffusion(gas, 0.4, 0.3, [0.0, halved], 200, default_rng(10), waves=waves)
    assert abs(float(estimate) - exact) < 4 * estimate.stderr
    assert estimate.stderr < 0.12 * exact


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: wave_decay(even((16,)), 0.5, 0.1, [0.0, 1.0], 29, default_rng(0)), "errors mislead"),
        (lambda: wave_decay(even((16,)), 0.5, 0.6, [0.0, 1.0], 30, default_rng(0)), "amplitude up to 0.5"),
        (lambda: wave_decay(even((16,)), 0.5, 0.1, [1.0, 1.0], 30, default_rng(0)), "two or more that rise"),
        (lambda: wave_decay(even((16,)), 0.5, 0.1, [0.0, 1.0], 30, default_rng(0), waves=5), "four columns long"),
        (lambda: wave_decay(even((16,), (1.0,)), 0.5, 0.1, [0.0, 1.0], 30, default_rng(0)), "without field"),
        (lambda: fit_arrhenius([300.0, 300.0, 310.0], np.ones(3)), "three different"),
        (lambda: fit_arrhenius([300.0, 310.0, 320.0], [1.0, -1.0, 1.0]), "must be positive"),
        (lambda: fit_arrhenius([300.0, 310.0, 320.0], [1.0, 1.0]), "each temperature"),
        (lambda: tracer_diffusion(moving(np.zeros((29, 1)))), "errors mislead"),
        (lambda: tracer_diffusion(moving(np.zeros((40, 1)), count=0)), "ions of the species"),
        (lambda: charge_diffusion(moving(np.zeros((40, 1))), species=1), "number from 0 to 0"),
        (lambda: charge_diffusion(moving(np.zeros((40, 1))), lags=-1), "`lags`"),
        (lambda: correlation_by_cosine(moving(np.zeros((40, 1)))), "hop twice"),
        (lambda: correlation_by_distance(even(), moving(np.zeros((40, 3)))), "Some ion must hop"),
        (lambda: Estimate(np.ones(1), np.ones(1), "1", 29).interval(1.0), "`confidence`"),
    ],
)
def test_what_cannot_be_read_is_refused(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()


def test_hops_of_several_lengths_have_no_factor_by_distance() -> None:
    land = Landscape(Box(layered(1.0), (3, 3, 3)), Hopping({"in_plane": 0.0, "between": 0.0}, 1.0))
    with pytest.raises(ValueError, match="all be of one length"):
        correlation_by_distance(LatticeGas(land, 300.0), moving(np.zeros((40, 3))))


def test_the_current_of_a_driven_gas_is_read_in_amperes() -> None:
    moved = np.full((60, 2), 4.0)
    expected = 1.602176634e-19 * 4.0 / (16.0 * 2.0)
    estimate = mean_current(even((4, 4)), moving(moved))
    np.testing.assert_allclose(estimate.value, expected)
    assert estimate.unit == "A/m"
