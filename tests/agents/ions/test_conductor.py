"""Ions whose conductivity is read, beside exact formulas and enumeration."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from agents.ions import Box, Crystal, Hop, Hopping, Landscape, LatticeGas, Species
from agents.ions.conductor import Conductor
from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.independent import Independent
from agents.ions.lattices import simple_cubic, square
from agents.ions.material import Material

SPACING, BARRIER, TEMPERATURE = 3e-10, 0.35, 300.0
INVERSE = 1 / (BOLTZMANN * TEMPERATURE)
CUBE = Landscape(Box(simple_cubic(SPACING), (3, 3, 3)), Hopping({"hop": BARRIER}, 1e13))


def test_a_fixed_number_of_ions_hops_as_often_as_the_first_order_says() -> None:
    """Against the sum over all configurations of a ring whose sites have two energies."""
    crystal = Crystal(2e-10 * np.eye(1), np.array([[0.0], [0.5]]), ("low", "high"), (Hop(0, 1, (0,)), Hop(1, 0, (1,))))
    box = Box(crystal, (7,))
    gas = LatticeGas(Landscape(box, Hopping({"hop": 0.1}, 1e13, {"high": 0.03})), TEMPERATURE)
    ions = 5
    energies = gas.landscape.energies / (BOLTZMANN * TEMPERATURE)
    weights = hops = 0.0
    for chosen in combinations(range(len(box)), ions):
        weight = np.exp(-energies[list(chosen)].sum())
        free = [[there not in chosen for there in box.neighbours[site]] for site in chosen]
        weights += weight
        hops += weight * float((gas.rates.base[0, list(chosen)] * free).sum())
    known = Independent.of(gas, ions)
    exact = hops / weights
    assert exact * known.period / ions == pytest.approx(known.excess, abs=0.1 * (known.excess - 1))


def test_conductivity_of_a_lattice_with_exclusion_is_that_of_the_infinite_one() -> None:
    """sigma = n q² Γ a² (1 - c)/kT, of ions of charge 2; in the box itself (L - N)/(L - 1) of n q² Γ a²/kT."""
    model = Conductor(CUBE, (Species(charge=2.0),), lags=0)
    rng = np.random.default_rng(1)
    read = []
    for _ in range(12):
        start = model.lift(np.array([INVERSE, 1 / 3]), rng)
        end = model.evolve(start, 500.0, rng)
        read.append([np.trace(one(start, end)) / 3 for one in (model.conductivity, model.box_conductivity)])
    mean, error = np.mean(read, axis=0), np.std(read, axis=0, ddof=1) / np.sqrt(len(read))
    rate = 1e13 * np.exp(-BARRIER * INVERSE)
    dense = 4 * ELEMENTARY_CHARGE / BOLTZMANN * 9 / (27 * SPACING**3) * rate * SPACING**2
    assert mean[0] == pytest.approx(dense * 2 / 3, abs=4 * error[0])
    assert mean[1] == pytest.approx(dense * 18 / 26, abs=4 * error[1])


def test_boxes_of_ions_that_interact_are_even_and_larger() -> None:
    """Order of two sublattices does not fit into an odd number of cells: conductivities were 2.7 times too large."""
    plain = Material("plain", simple_cubic(SPACING), Hopping({"hop": BARRIER}), 1 / 3, (Species(),))
    repelling = replace(plain, hopping=Hopping({"hop": BARRIER}, interaction=0.06))
    assert Conductor.of(plain).landscape.box.cells == (3, 3, 3)
    assert Conductor.of(repelling).landscape.box.cells == (6, 6, 6)
    assert Conductor.of(repelling, cells=5).landscape.box.cells == (5, 5, 5)
    plane = replace(repelling, crystal=square(SPACING))
    assert Conductor.of(plane).landscape.box.cells == (16, 16)


def test_shares_of_ions_are_right_in_the_mean() -> None:
    model, rng = Conductor(CUBE), np.random.default_rng(2)
    read = [model.restrict(model.lift(np.array([INVERSE, 0.345]), rng))[1] for _ in range(300)]
    assert {round(27 * one) for one in read} == {9, 10}
    assert np.mean(read) == pytest.approx(0.345, abs=4 * np.std(read) / np.sqrt(300))


def test_evolving_changes_nothing_that_was_given() -> None:
    model = Conductor(CUBE)
    start = model.lift(np.array([INVERSE, 1 / 3]), np.random.default_rng(3))
    site = start.ions.site.copy()
    one, other = (model.evolve(start, 30.0, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(start.ions.site, site)
    np.testing.assert_array_equal(one.charge, other.charge)
    assert start.hops == 0 < one.hops
    assert not start.charge.any()


def test_a_sample_of_the_disorder_is_drawn_with_each_lift_where_there_are_several() -> None:
    rng = np.random.default_rng(5)
    several, one = Conductor(CUBE, samples=1000), Conductor(CUBE)
    seeds = {several.lift(np.array([INVERSE, 1 / 3]), rng).gas.landscape.seed for _ in range(8)}
    assert len(seeds) > 1
    assert one.lift(np.array([INVERSE, 1 / 3]), rng).gas.landscape is CUBE


@pytest.mark.parametrize("share", [0.01, 0.99])
def test_a_full_or_empty_box_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="where there are ions and vacancies"):
        Conductor(CUBE).lift(np.array([INVERSE, share]), np.random.default_rng(0))


def test_options_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="`window` must be positive"):
        Conductor(CUBE, window=0.0)
    with pytest.raises(ValueError, match="`tracer_window` not shorter"):
        Conductor(CUBE, tracer_window=0.5)
    with pytest.raises(ValueError, match="must add up to 1"):
        Conductor(CUBE, shares=(0.5,))
    with pytest.raises(ValueError, match="`samples` must be 1 or more"):
        Conductor(CUBE, samples=0)
    with pytest.raises(ValueError, match="must be positive and finite"):
        Conductor(CUBE).gas(-1.0)
