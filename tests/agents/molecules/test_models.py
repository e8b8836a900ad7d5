"""Values: renewal theory for one enzyme; conservation by hand."""

import numpy as np
import pytest
from numpy.random import default_rng

from agents.molecules import Network, WellMixed, mean_concentrations, mean_rates, read_network


def test_an_enzyme_turns_over_as_often_as_renewal_theory_says() -> None:
    """Exact at a constant concentration s: a turnover takes (K + s) / (k s), K = (k_back + k) / k_bind."""
    bind, back, convert, s = 3.0, 2.0, 5.0, 0.7
    text = f"E <-> C, k={bind * s}, k_back={back}\nconvert: C -> E, k={convert}"
    model, duration, rng = WellMixed(Network.parse(text), 1.0), 400.0, default_rng(0)
    michaelis = (back + convert) / bind
    expected = convert * s / (michaelis + s)
    before = model.lift(np.array([1.0, 0.0]), rng)
    before = model.evolve(before, 20.0, rng)
    counted, averaged = [], []
    for _ in range(200):
        after = model.evolve(before, duration, rng)
        counted.append(mean_rates(before, after, duration, 1.0)[2])
        averaged.append(convert * mean_concentrations(before, after, duration, 1.0)[1])
        before = after
    for rates in (counted, averaged):
        assert abs(np.mean(rates) - expected) < 4 * np.std(rates, ddof=1) / np.sqrt(200)


def test_a_slow_rate_is_read_far_better_from_the_time_averaged_complex_than_from_its_firings() -> None:
    model, rng = WellMixed(Network.parse("E <-> C, k=40, k_back=60\nconvert: C -> E, k=0.05"), 1.0), default_rng(0)
    before = model.lift(np.array([40.0, 60.0]), rng)
    counted, averaged = [], []
    for _ in range(300):
        after = model.evolve(before, 1.0, rng)
        counted.append(mean_rates(before, after, 1.0, 1.0)[2])
        averaged.append(0.05 * mean_concentrations(before, after, 1.0, 1.0)[1])
        before = after
    difference = np.subtract(counted, averaged)
    assert abs(difference.mean()) < 4 * difference.std(ddof=1) / np.sqrt(300)
    assert np.std(averaged) < 0.1 * np.std(counted)


def test_the_macro_state_may_be_some_species_where_conservation_gives_the_rest() -> None:
    model = WellMixed(read_network("co_oxidation"), 1000.0, species=("B", "A"))
    micro = model.lift(np.array([0.2, 0.3]), default_rng(0))
    assert dict(zip(model.network.species, micro.counts.tolist(), strict=True)) == {"F": 500, "A": 300, "B": 200}
    assert model.restrict(micro).tolist() == [0.2, 0.3]
    assert [field["name"] for field in model.fields] == ["B", "A"]
    assert model.conserved(np.array([0.2, 0.3])).tolist() == [1000.0]


def test_fast_species_outside_the_macro_state_start_from_the_network_or_from_a_population() -> None:
    model = WellMixed(read_network("michaelis_menten"), 6e8, species=("P",))
    fresh = model.lift(np.array([1e-7]), default_rng(0))
    assert fresh.counts.tolist() == [120, 240, 0, 60]
    healed = model.evolve(fresh, 4.0, default_rng(1))
    moved = model.relift(np.array([2e-7]), healed, default_rng(2))
    assert healed.counts[2] > 30
    assert abs(moved.counts[2] - healed.counts[2]) < 0.25 * healed.counts[2]
    assert moved.counts[3] == 120
    assert (model.network.conserved @ moved.counts == [120, 300]).all()


def test_a_state_against_the_totals_is_refused() -> None:
    model = WellMixed(read_network("co_oxidation"), 1000.0, species=("A", "B"))
    with pytest.raises(ValueError, match="Choose a state that the conserved totals allow"):
        model.lift(np.array([0.8, 0.3]), default_rng(0))
    with pytest.raises(ValueError, match="finite and not negative"):
        model.lift(np.array([0.8, -0.3]), default_rng(0))
    with pytest.raises(ValueError, match=r"one concentration for each of A, B: got shape \(3,\)"):
        model.lift(np.array([0.1, 0.1, 0.8]), default_rng(0))
    with pytest.raises(ValueError, match="The species of this network are F, A, B: got CO"):
        WellMixed(model.network, 1000.0, species=("CO",))
    with pytest.raises(ValueError, match="`volume` must be positive"):
        WellMixed(model.network, -1.0)


def test_a_field_says_the_unit_of_the_network() -> None:
    model = WellMixed(read_network("michaelis_menten"), 6e8)
    assert {field["unit"] for field in model.fields} == {"M"}
    assert {field["unit"] for field in WellMixed(read_network("brusselator"), 10.0).fields} == {"1"}


def test_a_species_named_twice_and_a_bare_name_are_refused() -> None:
    network = read_network("co_oxidation")
    with pytest.raises(ValueError, match="`species` must differ from each other: got A, A, B"):
        WellMixed(network, 1000.0, species=("A", "A", "B"))
    with pytest.raises(ValueError, match="`species` must be a sequence of names: got 'AB'"):
        WellMixed(network, 1000.0, species="AB")
