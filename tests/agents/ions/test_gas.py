"""The lattice gas hops as its master equation says, by either selection, and lifts what it is told to."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.stats import chi2, chisquare

from agents.ions import (
    Box,
    Crystal,
    Hop,
    Hopping,
    Ions,
    Landscape,
    LatticeGas,
    NullEvent,
    RejectionFree,
    Rule,
    Species,
    by_column,
    gibbs,
    independent,
    normal,
)
from agents.ions.constants import BOLTZMANN
from agents.ions.lattices import chain, honeycomb, simple_cubic, square
from agents.ions.lifting import Sampler
from agents.ions.selection import Selection
from tests.agents.ions.master_equation import MasterEquation

A = 3e-10
THERMAL = BOLTZMANN * 300.0
SELECTIONS = [RejectionFree(), NullEvent()]
PAIR = (Species("Li"), Species("Na", charge=2.0, extra_barrier=0.02))
REPEL = np.array([[0.03, 0.01], [0.01, -0.02]])


def rough(rule: Rule = Rule.MIDPOINT, interaction: float | NDArray[np.float64] = REPEL) -> LatticeGas:
    """Two species over disordered barriers and sites, which interact and are driven: all that a rate can depend on."""
    hopping = Hopping(
        {"hop": 0.3},
        1e13,
        interaction=interaction,
        barrier_disorder=normal(0.02),
        energy_disorder=normal(0.02),
        rule=rule,
    )
    return LatticeGas(Landscape(Box(square(A), (3, 3)), hopping, seed=5), 300.0, (2e7, -1e7), PAIR)


def even(cells: tuple[int, ...] = (6, 6), periodic: bool | tuple[bool, ...] = True) -> LatticeGas:
    return LatticeGas(Landscape(Box(square(A), cells, periodic), Hopping({"hop": 0.3})), 300.0)


FEW = np.array([1, 0, 0, 0, 2, 0, 0, 0, 0], dtype=np.int8)
MANY = np.array([1, 1, 2, 1, 1, 1, 0, 0, 1], dtype=np.int8)


@pytest.mark.slow
@pytest.mark.parametrize("selection", SELECTIONS, ids=["tree", "trials"])
@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize("interaction", [REPEL, 0.0], ids=["interacting", "free"])
@pytest.mark.parametrize("start", [FEW, MANY], ids=["few", "many"])
def test_ions_are_where_the_master_equation_says(
    start: NDArray[np.int8], interaction: float | NDArray[np.float64], rule: Rule, selection: Selection
) -> None:
    gas = replace(rough(rule, interaction), selection=selection)
    equation = MasterEquation(gas, start)
    duration = 0.7 / -np.diag(equation.generator).mean()
    rng, ions = default_rng(11), Ions.of(start, 2, species=2)
    seen = np.zeros(len(equation.states))
    for _ in range(1000):
        seen[equation.number[tuple(gas.evolve(ions, duration, rng).occupied.tolist())]] += 1
    expected = equation.after(start, duration) * seen.sum()
    often = expected > 5
    statistic = ((seen - expected)[often] ** 2 / expected[often]).sum()
    rest = expected[~often].sum()
    statistic += (seen[~often].sum() - rest) ** 2 / rest
    assert chi2.sf(statistic, often.sum()) > 1e-3


@pytest.mark.parametrize("rule", Rule)
def test_rates_keep_detailed_balance(rule: Rule) -> None:
    gas = replace(rough(rule), field=())
    equation = MasterEquation(gas, FEW)
    flow = equation.gibbs()[:, np.newaxis] * equation.generator
    assert np.allclose(flow, flow.T, rtol=1e-12, atol=0)


@pytest.mark.slow
@pytest.mark.parametrize("selection", SELECTIONS, ids=["tree", "trials"])
def test_time_is_spent_as_the_gibbs_law_says(selection: Selection) -> None:
    hopping = Hopping({"hop": 0.3}, interaction=0.04, energy_disorder=normal(0.02))
    gas = LatticeGas(Landscape(Box(square(A), (3, 3)), hopping, seed=2), 300.0, selection=selection)
    start = (FEW > 0).astype(np.int8)
    equation = MasterEquation(gas, start)
    slowest = np.sort(np.abs(np.linalg.eigvals(equation.generator).real))[1]
    rng, ions, seen = default_rng(3), Ions.of(start, 2), np.zeros(len(equation.states))
    for _ in range(3000):
        ions = gas.evolve(ions, 6 / slowest, rng)  # then what is left of the past is below 1/400
        seen[equation.number[tuple(ions.occupied.tolist())]] += 1
    assert chisquare(seen, equation.gibbs() * seen.sum()).pvalue > 1e-3


@pytest.mark.parametrize("selection", SELECTIONS, ids=["tree", "trials"])
def test_windows_add_up_to_what_happened(selection: Selection) -> None:
    gas = replace(rough(), selection=selection)
    before = Ions.of(FEW, 2, species=2)
    after, read = gas.watch(before, 50, 1e-8, default_rng(0))
    assert len(read) == 50
    assert np.array_equal(read.hops.sum(axis=0), after.hops)
    moved = after.displacement - before.displacement
    for kind in range(2):
        assert np.allclose(read.collective[:, kind].sum(axis=0), moved[after.species == kind].sum(axis=0), atol=1e-18)
    one = read.collective[:, 0]  # of the only ion of its species
    assert np.allclose(read.tracer[:, 0], one[:, :, np.newaxis] * one[:, np.newaxis, :])
    assert after.time == pytest.approx(50e-8)
    assert (read.turns.sum(axis=0) == after.hops - 1).all()


@pytest.mark.parametrize("selection", SELECTIONS, ids=["tree", "trials"])
def test_displacements_lead_through_the_faces_to_where_ions_are(selection: Selection) -> None:
    land = Landscape(Box(honeycomb(A), (3, 4)), Hopping({"hop": 0.3}))
    gas = LatticeGas(land, 300.0, selection=selection)
    before = gas.fill(0.4, default_rng(0))
    after = gas.evolve(before, 20 / gas.rates.bound, default_rng(1))
    positions, edges = land.box.positions, land.box.edges
    apart = (positions[before.site] + after.displacement - positions[after.site]) @ np.linalg.inv(edges)
    assert np.allclose(apart, np.rint(apart), atol=1e-9)
    assert np.abs(np.rint(apart)).max() >= 1  # some went through a face
    assert (after.who[after.site] == np.arange(len(after.site))).all()


def test_a_lone_ion_diffuses_as_its_rate_says() -> None:
    gas = LatticeGas(Landscape(Box(simple_cubic(A), (4, 4, 4)), Hopping({"hop": 0.3}, 1e13)), 300.0)
    ion = Ions.of(np.eye(1, 64, dtype=np.int8)[0], 3)
    rate = 1e13 * np.exp(-0.3 / THERMAL)  # per way, exact
    _, read = gas.watch(ion, 20_000, 1 / rate, default_rng(0))
    squares = np.trace(read.tracer[:, 0], axis1=1, axis2=2) / (6 * A**2)
    assert abs(squares.mean() - 1) < 4 * squares.std(ddof=1) / np.sqrt(len(squares))


def test_the_field_drives_a_lone_ion_with_the_ratio_of_its_rates() -> None:
    field = 2 * THERMAL / A * 0.5
    gas = LatticeGas(Landscape(Box(chain(A), (8,)), Hopping({"hop": 0.3}, 1e13)), 300.0, (field,))
    rate = 1e13 * np.exp(-0.3 / THERMAL)
    _, read = gas.watch(Ions.of([1] + [0] * 7, 1), 20_000, 1 / rate, default_rng(0))
    way = read.collective[:, 0, 0] / A
    assert abs(way.mean() - 2 * np.sinh(0.5)) < 4 * way.std(ddof=1) / np.sqrt(len(way))  # exp(x/2) - exp(-x/2), x = 1


def test_the_faster_selection_is_chosen_and_can_be_overridden() -> None:
    narrow, wide = even(), rough()
    assert np.array_equal(
        narrow.evolve(narrow.fill(0.5, default_rng(0)), 1e-8, default_rng(1)).who,
        replace(narrow, selection=NullEvent()).evolve(narrow.fill(0.5, default_rng(0)), 1e-8, default_rng(1)).who,
    )
    assert np.array_equal(
        wide.evolve(Ions.of(FEW, 2, species=2), 1e-8, default_rng(1)).who,
        replace(wide, selection=RejectionFree()).evolve(Ions.of(FEW, 2, species=2), 1e-8, default_rng(1)).who,
    )


@pytest.mark.parametrize(("ions", "interaction"), [(1, 0.0), (3, 0.0), (1, 0.03)])
def test_ions_leave_traps_however_fast_they_fell_into_them(ions: int, interaction: float) -> None:
    """Of rates that differ by exp(40) the slow ones count, though beside the fast ones a double holds nothing of them.

    Every escape, at twice the slow rate of an ion, is followed by a fall: Poisson's number, within 4 of its roots.
    """
    crystal = Crystal(2 * A * np.eye(1), np.array([[0.0], [0.5]]), ("trap", "top"), (Hop(0, 1, (0,)), Hop(1, 0, (1,))))
    hopping = Hopping({"hop": 0.0}, 1.0, {"top": 40 * THERMAL}, interaction=interaction)
    gas = LatticeGas(Landscape(Box(crystal, (9,)), hopping), 300.0, selection=RejectionFree())
    start = np.zeros(18, dtype=np.int8)
    start[:: 18 // ions] = 1
    escapes = 400 * ions
    after = gas.evolve(Ions.of(start, 1), 200 * np.exp(20.0), default_rng(0))
    assert abs(after.hops[0] / 2 - escapes) < 4 * np.sqrt(escapes)


def test_a_model_that_lifts_by_the_gibbs_law_can_be_sent_to_another_process() -> None:
    gas = replace(rough(), sampler=gibbs(5.0))
    told = np.full((2, 3), 1 / 3)
    sent = pickle.loads(pickle.dumps(gas))
    assert np.array_equal(sent.lift(told, default_rng(0)).who, gas.lift(told, default_rng(0)).who)


def test_species_whose_numbers_are_not_whole_leave_the_vacancy() -> None:
    gas = replace(even((8, 8)), species=PAIR)
    assert gas.fill(63 / 64, default_rng(0)).counts.tolist() == [32, 31]
    four = LatticeGas(Landscape(Box(chain(A), (3,)), Hopping({"hop": 0.3})), 300.0, species=PAIR + PAIR, columns=1)
    assert four.lift(np.full((4, 1), 0.2), default_rng(0)).counts.sum() == 2  # of 2.4 on three sites


@pytest.mark.parametrize("sampler", [by_column, gibbs(5.0)], ids=["by column", "gibbs"])
def test_lifted_ions_are_as_many_as_told(sampler: Sampler) -> None:
    gas = LatticeGas(Landscape(Box(square(A), (4, 10)), Hopping({"hop": 0.3}, interaction=0.05)), 300.0)
    gas = replace(gas, sampler=sampler)
    told = np.array([[0.5, 0.3, 1.0, 0.0]])
    assert np.array_equal(gas.restrict(gas.lift(told, default_rng(0))), told)
    totals = {gas.lift(np.array([[0.5, 0.33, 0.97, 0.02]]), default_rng(seed)).counts[0] for seed in range(20)}
    assert totals == {18}  # of 18.2


@pytest.mark.slow
def test_pairs_of_lifted_ions_follow_the_gibbs_law() -> None:
    """On a ring, n ions that form k clusters have the weight exp(V k / kT) times the number of ways to do so."""
    from math import comb

    sites, n, strength = 24, 12, 1.5
    hopping = Hopping({"hop": 0.3}, interaction=strength * THERMAL)
    gas = LatticeGas(Landscape(Box(chain(A), (sites,)), hopping), 300.0, sampler=gibbs(), columns=1)
    clusters = np.arange(1, n + 1)
    ways = np.array([sites / n * comb(n, k) * comb(sites - n - 1, k - 1) for k in clusters], dtype=float)
    weights = ways * np.exp(strength * clusters)
    expected = (weights * (n - clusters)).sum() / weights.sum()
    rng = default_rng(1)
    lifted = [gas.lift(np.array([[n / sites]]), rng).occupied for _ in range(400)]
    pairs = np.array([(one & np.roll(one, 1)).sum() for one in lifted])
    assert abs(pairs.mean() - expected) < 4 * pairs.std(ddof=1) / np.sqrt(len(pairs))
    plain = LatticeGas(gas.landscape, 300.0, sampler=independent, columns=1)
    wrong = np.array(
        [(one & np.roll(one, 1)).sum() for one in (plain.lift(np.array([[0.5]]), rng).occupied for _ in range(400))]
    )
    assert wrong.mean() > expected + 4 * wrong.std(ddof=1) / np.sqrt(len(wrong))


def test_no_ion_passes_a_blocking_face() -> None:
    gas = even((4, 3), periodic=(False, True))
    ions = gas.lift(np.array([[1.0, 0.0, 0.0, 0.0]]), default_rng(0))
    after = gas.evolve(ions, 20 / gas.rates.bound, default_rng(0))
    positions = gas.landscape.box.positions
    assert np.allclose(positions[ions.site, 0] + after.displacement[:, 0], positions[after.site, 0], atol=1e-6 * A)
    assert after.hops[0] > 0


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: even().fill(1.0, default_rng(0)), "ions and vacancies"),
        (lambda: even().fill(0.001, default_rng(0)), "ions and vacancies"),
        (lambda: replace(even(), temperature=-1.0), "`temperature` must be positive"),
        (lambda: replace(even(), field=(1.0,)), "`field` must have 2"),
        (lambda: replace(even(), columns=4), "`columns` must divide the 6 cells"),
        (lambda: even().lift(np.full((1, 6), 1.5), default_rng(0)), "shares of sites"),
        (lambda: even().lift(np.full((2, 6), 0.5), default_rng(0)), "for each species and column"),
        (lambda: even().evolve(Ions.of([1, 0], 2), 1.0, default_rng(0)), "Lift them with this model"),
        (lambda: Box(square(A), (1, 4)), "Take more cells"),
        (lambda: Landscape(Box(square(A), (3, 3)), Hopping({"jump": 0.3})), "got the barrier of jump"),
        (lambda: Landscape(Box(square(A), (3, 3)), Hopping({})), "got none for hop"),
        (lambda: Hopping({"hop": 0.3}, attempt_frequency=0.0), "attempt frequency must be positive"),
        (lambda: Hopping({"hop": np.nan}), "barriers must be finite"),
        (lambda: gibbs(-1.0), "`sweeps` must be finite"),
    ],
)
def test_bad_input_is_told_clearly(make: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()  # type: ignore[operator]
