"""The lattice gas transports what theory says: exact values of boxes, chains and rings, each within its own errors."""

from __future__ import annotations

from collections.abc import Callable
from math import log

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from agents.ions import (
    Box,
    Crystal,
    Hopping,
    Landscape,
    LatticeGas,
    NullEvent,
    RejectionFree,
    Rule,
    gibbs,
    independent,
    normal,
)
from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.correlation import box_correlation
from agents.ions.diffusion import chemical_diffusion, wave_number
from agents.ions.estimates import jackknife
from agents.ions.exact import KatzLebowitzSpohn, exclusion_conductivity, ring_current, series_diffusion, square_order
from agents.ions.lattices import chain, face_centred_cubic, simple_cubic, square
from agents.ions.lifting import Places, Sampler
from agents.ions.pair_law import pair_law
from agents.ions.readings import charge_diffusion, conductivity, correlation_by_cosine, mean_current, tracer_diffusion
from agents.ions.selection import Selection
from tests.agents.ions.pair_closure import coefficient_by_pairs

KELVIN = 300.0
THERMAL = BOLTZMANN * KELVIN
BARE = Hopping({"hop": 0.0}, 1.0)
Array = NDArray[np.float64]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lattice", "cells", "exact", "infinite"),
    [
        (simple_cubic, (6, 6, 6), 0.6580985833585336, 0.6531088387480293),
        (face_centred_cubic, (4, 4, 4), 0.785453337761541, 0.7814514219559564),
        (square, (16, 16), 0.4711828143824295, 0.46694220692425986),
    ],
    ids=["simple cubic", "face-centred cubic", "square"],
)
def test_tracers_beside_one_vacancy_take_back_what_is_exact(
    lattice: Callable[[float], Crystal], cells: tuple[int, ...], exact: float, infinite: float
) -> None:
    """Expected: an independent program, for the box; less what the box adds, for the infinite lattice."""
    box = Box(lattice(1.0), cells)
    gas = LatticeGas(Landscape(box, BARE), KELVIN)
    start = gas.fill(1 - 1 / len(box), default_rng(0))
    _, windows = gas.watch(start, 50, 3.5e7 / 50 / box.crystal.ways, default_rng(1))
    factor = correlation_by_cosine(windows)
    assert factor.stderr < 2e-4
    assert factor.settled
    assert abs(float(factor) - exact) < 4 * factor.stderr
    assert abs(float(factor) - (box_correlation(box) - infinite) - infinite) < 4 * factor.stderr


@pytest.mark.slow
@pytest.mark.parametrize("filling", [0.25, 0.5, 0.75])
def test_conductivity_with_exclusion_is_that_of_the_box(filling: float) -> None:
    """n q² Gamma a² (L - N)/(L - 1) / kT; no memory, so that windows may be as short as a fifth of a hop of an ion."""
    spacing, rate = 3e-10, 1e10
    box = Box(simple_cubic(spacing), (3, 3, 3))
    gas = LatticeGas(Landscape(box, Hopping({"hop": 0.0}, rate)), KELVIN)
    _, windows = gas.watch(gas.fill(filling, default_rng(2)), 500_000, 0.15 / rate, default_rng(3))
    sigma = conductivity(gas, windows, lags=0)
    exact = exclusion_conductivity(box, round(27 * filling), rate, KELVIN)
    assert (np.abs(sigma.value - exact) < 4 * sigma.stderr).all()
    mean, stderr = np.trace(sigma.value) / 3, np.sqrt(np.trace(sigma.stderr**2)) / 3
    assert stderr < 0.0015 * exact[0, 0]
    assert abs(mean - exact[0, 0]) < min(4 * stderr, 0.005 * exact[0, 0])


@pytest.mark.parametrize("chosen", [RejectionFree(), NullEvent()], ids=["tree", "trials"])
@pytest.mark.parametrize("ions", [1, 6])
def test_random_barriers_of_a_ring_are_in_series(ions: int, chosen: Selection) -> None:
    """N / sum(1/k) of the sample for lognormal(0, 1) rates, times the share of vacancies (L - N)/(L - 1).

    A lone tracer's windows say more, since the last hops in them are not yet taken back: exactly so much that its
    displacement squared is 2 D w + 2 <drift, generator^-2 drift>, for windows that are longer than the memory.
    """
    sites, window = 12, 40.0
    land = Landscape(Box(chain(1.0), (sites,)), Hopping({"hop": 0.0}, 1.0, barrier_disorder=normal(THERMAL)), seed=4)
    rates = np.exp(-land.barriers / THERMAL)
    exact = series_diffusion(rates) * (sites - ions) / (sites - 1)
    gas = LatticeGas(land, KELVIN, selection=chosen)
    _, windows = gas.watch(gas.fill(ions / sites, default_rng(5)), 12_000 // ions, window, default_rng(6))
    charge, tracer = charge_diffusion(windows), tracer_diffusion(windows)
    assert abs(charge.value[0, 0] - exact) < 4 * charge.stderr[0, 0]
    assert charge.stderr[0, 0] < 0.08 * exact
    if ions == 1:
        bonds = np.stack([np.arange(sites), np.roll(np.arange(sites), -1)], axis=1)
        generator = np.zeros((sites, sites))
        for rate, pair in zip(rates, bonds, strict=True):
            generator[np.ix_(pair, pair)] += rate * np.array([[-1, 1], [1, -1]])
        once = np.linalg.pinv(generator) @ (rates - np.roll(rates, 1))
        more = float(once @ once) / sites / window
        assert abs(tracer.value[0, 0] - exact - more) < 4 * tracer.stderr[0, 0]


def test_a_driven_ring_carries_its_current() -> None:
    """(p - q) N (L - N) / (L (L - 1)) = 0.1894736842 for L = 20, N = 8, p = 1, q = 0.25."""
    field = THERMAL * log(4.0)  # p/q over one site of 1 m
    gas = LatticeGas(Landscape(Box(chain(1.0), (20,)), Hopping({"hop": 0.0}, 0.5)), KELVIN, (field,))
    _, windows = gas.watch(gas.fill(0.4, default_rng(7)), 2000, 40.0, default_rng(8))
    current = mean_current(gas, windows).scaled(1 / ELEMENTARY_CHARGE, "1/s")
    assert ring_current(20, 8, 1.0, 0.25) == pytest.approx(0.1894736842)
    assert abs(current.value[0] - 0.1894736842) < 4 * current.stderr[0]
    assert current.stderr[0] < 0.002


def repelling(box: Box, repulsion: float, sampler: Sampler, columns: int | None = None) -> LatticeGas:
    """Ions that repel each other by so many kT and hop by the heat bath."""
    hopping = Hopping({"hop": 0.0}, 1.0, interaction=repulsion * THERMAL, rule=Rule.HEAT_BATH)
    return LatticeGas(Landscape(box, hopping), KELVIN, sampler=sampler, selection=NullEvent(), columns=columns)


def wave_of(filling: float, amplitude: float, length: float, sampler: Sampler, replicas: int) -> tuple[float, float]:
    """D of the interacting chain over its exact value, and the standard error, by waves of about so many sites.

    What the height and the length of the wave do is taken off, as pairs by the Gibbs law have it: below 4 %.
    """
    gas = KatzLebowitzSpohn(0.9)
    box = Box(chain(1.0), (2000,))
    waves, exact = round(2000 / length), float(gas.diffusion(filling))
    times = np.linspace(1.0, 1.0 + 0.4 / exact / wave_number(box, waves) ** 2, 3)
    model = repelling(box, gas.interaction, sampler, columns=250)
    read = chemical_diffusion(model, filling, amplitude, times, replicas, default_rng(1), waves=waves)
    by_pairs = coefficient_by_pairs(0.9, filling, amplitude, round(2000 / waves), times)
    assert abs(by_pairs / exact - 1) < 0.04
    return float(read) / by_pairs, float(read.stderr) / by_pairs


@pytest.mark.parametrize(("filling", "exact"), [(0.5, 3.0908991), (0.2, 1.5550864)])
def test_what_waves_are_corrected_by_vanishes_for_long_and_low_ones(filling: float, exact: float) -> None:
    """As the square of the length: the exact coefficient comes out of two lengths, so that nothing is hidden."""
    read = [
        coefficient_by_pairs(0.9, filling, 0.001, length, np.array([0.0, 0.1 / exact * (length / (2 * np.pi)) ** 2]))
        for length in (40, 80)
    ]
    assert read[1] == pytest.approx(exact, rel=2e-3)
    assert (4 * read[1] - read[0]) / 3 == pytest.approx(exact, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("filling", "amplitude", "length", "replicas"),
    [(0.5, 0.1, 60.6, 500), (0.2, 0.15, 48.8, 360)],
    ids=["half", "fifth"],
)
def test_a_wave_in_a_chain_that_repels_decays_by_the_exact_coefficient(
    filling: float, amplitude: float, length: float, replicas: int
) -> None:
    """D(0.5) = 3.0908991 and D(0.2) = 1.5550864 (Katz, Lebowitz, Spohn; eps = 0.9), within 2 %, by a million sites."""
    ratio, stderr = wave_of(filling, amplitude, length, pair_law, replicas)
    assert abs(ratio - 1) < min(0.02, 4 * stderr)
    assert stderr < 0.011


@pytest.mark.slow
def test_independent_lifting_biases_the_decay_of_a_wave() -> None:
    """It has 4.4 times the fluctuations of the equilibrium, which do not heal while the wave decays."""
    ratio, stderr = wave_of(0.5, 0.1, 60.6, independent, 160)
    assert ratio - 1 < -4 * stderr
    assert ratio - 1 < -0.05


def sublattice_order(edge: int, repulsion: float, blocks: int, each: int) -> tuple[float, float]:
    """<m²> L^(1/4) and its standard error, m the difference of the shares of the sublattices."""
    gas = repelling(Box(square(1.0), (edge, edge)), repulsion, gibbs(100.0), columns=1)
    rng, sign = default_rng(2), (-1.0) ** np.indices((edge, edge)).sum(axis=0).ravel()
    every = edge**2 / 16  # about the time in which the order of a box forgets
    ions = gas.evolve(gas.fill(0.5, rng), 10 * every, rng)
    squares = np.empty((blocks, each))
    for block in range(blocks):
        for sample in range(each):
            ions = gas.evolve(ions, every, rng)
            squares[block, sample] = (2 * sign[ions.site].sum() / edge**2) ** 2
    order = jackknife(lambda mean: mean, squares.mean(axis=1) * edge**0.25, "1")
    return float(order), float(order.stderr)


@pytest.mark.slow
@pytest.mark.parametrize(("share", "blocks", "each"), [(0.98, 30, 8), (1.02, 60, 10)], ids=["below", "above"])
def test_a_square_lattice_at_half_filling_orders_where_onsager_says(share: float, blocks: int, each: int) -> None:
    """<m²> L^(1/4) falls with the size of the box below V/kT = 1.7627472 and grows above: bracketed to 2 %.

    At the transition it does not depend on the size (two-dimensional Ising class: 2 beta/nu = 1/4).
    """
    small, error = sublattice_order(8, share * square_order(), 50, 20 if share < 1 else 40)
    large, larger_error = sublattice_order(24, share * square_order(), blocks, each)
    change, stderr = large - small, np.hypot(error, larger_error)
    assert change < -4 * stderr if share < 1 else change > 2 * stderr


@pytest.mark.parametrize(
    ("places", "shares", "message"),
    [
        (Places(np.zeros((4, 4), np.int32), 4, np.zeros((1, 4)), np.zeros((1, 1))), [[0.5]], "for a chain"),
        (
            Places(Box(chain(1.0), (4,)).neighbours, 4, np.arange(4.0)[np.newaxis], np.zeros((1, 1))),
            [[0.5]],
            "one energy",
        ),
        (
            Places(Box(chain(1.0), (4,)).neighbours, 2, np.zeros((1, 4)), np.zeros((1, 1))),
            [[0.5, 1.0]],
            "between 0 and 1",
        ),
    ],
)
def test_the_law_of_pairs_refuses_what_is_no_chain(places: Places, shares: list[list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pair_law(np.array(shares), places, default_rng(0))


@pytest.mark.parametrize(("repulsion", "filling"), [(2.944438979166, 0.5), (2.944438979166, 0.2), (-1.0, 0.3)])
def test_the_law_of_pairs_has_the_fluctuations_of_the_equilibrium(repulsion: float, filling: float) -> None:
    """Mean, pairs and the variance of the number of ions, by the closed form of the Ising chain; 4 standard errors."""
    length, rng = 1000, default_rng(3)
    places = Places(Box(chain(1.0), (length,)).neighbours, length, np.zeros((1, length)), np.full((1, 1), repulsion))
    drawn = np.array([pair_law(np.full((1, 1), filling), places, rng) for _ in range(400)], dtype=float)
    numbers = drawn.sum(axis=1)
    chi = float(KatzLebowitzSpohn(np.tanh(repulsion / 2)).susceptibility(filling))
    assert abs(numbers.mean() / length - filling) < 4 * np.sqrt(chi / length / 400)
    assert numbers.var(ddof=1) / length == pytest.approx(chi, rel=4 * np.sqrt(2 / 400))
