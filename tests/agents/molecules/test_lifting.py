"""Means are exact by construction: the samplers are martingales (Deville & Tillé 2004)."""

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from agents.molecules import Network, WellMixed, place, read_network, systematic
from agents.molecules.lifting import nearest, whole_totals

ENZYME = np.array([[1, 0, 1, 0], [0, 1, 1, 1]])


def within_four_errors(samples: NDArray[np.int64], expected: NDArray[np.float64]) -> None:
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    assert (np.abs(samples.mean(axis=0) - expected) <= 4 * error + 1e-12).all()


def test_systematic_sampling_is_right_on_average_and_within_one() -> None:
    expected = np.array([0.3, 2.0, 0.0, 1.9, 0.05, 3.5])
    samples = np.array([systematic(expected, default_rng(seed)) for seed in range(4000)])
    within_four_errors(samples, expected)
    assert (np.abs(samples - expected) < 1).all()
    assert (np.abs(samples.sum(axis=1) - expected.sum()) < 1).all()


def test_systematic_sampling_keeps_a_whole_total_and_whole_numbers() -> None:
    thirds = np.full(9, 1 / 3)
    assert {int(systematic(thirds, default_rng(seed)).sum()) for seed in range(200)} == {3}
    whole = np.array([0.1, 0.3, 0.6]) * 10  # 3.0000000000000004 among them
    assert all(systematic(whole, default_rng(seed)).tolist() == [1, 3, 6] for seed in range(200))


@pytest.mark.slow
def test_what_is_conserved_is_exact_and_the_rest_right_on_average() -> None:
    expected = np.array([6.4, 20.7, 3.6, 5.7])
    samples = np.array([place(expected, ENZYME, default_rng(seed)) for seed in range(4000)])
    assert (samples @ ENZYME.T == [10, 30]).all()
    assert (np.abs(samples - expected) < 1).all()
    within_four_errors(samples, expected)


def test_totals_that_are_not_whole_are_rounded_first() -> None:
    expected = np.array([6.4, 20.7, 3.4, 5.6])
    assert whole_totals(expected, ENZYME).tolist() == [10, 30]
    for seed in range(100):
        assert (ENZYME @ place(expected, ENZYME, default_rng(seed)) == [10, 30]).all()


@pytest.mark.slow
@pytest.mark.parametrize("monomers", [0.0, 0.3, 1.6, 2.4, 11.7])
def test_totals_are_exact_where_molecules_count_twice(monomers: float) -> None:
    law = np.array([[1, 2]])
    expected = np.array([monomers, (15 - monomers) / 2])
    for seed in range(50):
        counts = place(expected, law, default_rng(seed))
        assert law @ counts == [15]
        assert (counts >= 0).all()
        assert (np.abs(counts - expected) <= 2).all()


def test_random_states_of_every_carried_network_keep_their_totals() -> None:
    rng = default_rng(0)
    for name in ("michaelis_menten", "co_oxidation"):
        laws = read_network(name).conserved
        for _ in range(300):
            expected = rng.exponential(3.0, laws.shape[1]) * (rng.random(laws.shape[1]) < 0.8)
            counts = place(expected, laws, rng)
            assert (laws @ counts == whole_totals(expected, laws)).all()
            assert (counts >= 0).all()


def test_negative_and_undefined_numbers_are_refused() -> None:
    for wrong in (-1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="finite and not negative"):
            place([1.0, wrong], np.array([[1, 1]]), default_rng(0))
        with pytest.raises(ValueError, match="finite, not negative"):
            systematic([1.0, wrong], default_rng(0))


def test_nearest_is_the_constrained_least_squares_solution() -> None:
    """By hand: one sum is fixed, so that every number moves in proportion to its own number plus one."""
    reference, total = np.array([9.0, 4.0, 0.0]), np.ones((1, 3))
    assert nearest(reference, total, np.array([29.0])) == pytest.approx([19.0, 9.0, 1.0], rel=1e-12)


def test_nearest_stops_at_zero() -> None:
    numbers = nearest(
        np.array([100.0, 0.0, 50.0]), np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]), np.array([150.0, 148.0])
    )
    assert (numbers >= 0).all()
    assert numbers[[0, 1]].sum() == pytest.approx(2.0)
    with pytest.raises(ValueError, match=r"No numbers of molecules have x0 \+ x1 = 2 .*, x0 = 5 .*conserved totals"):
        nearest(np.array([1.0, 1.0]), np.array([[1.0, 1.0], [1.0, 0.0]]), np.array([2.0, 5.0]))


def test_what_is_rare_is_right_on_average_beside_what_is_abundant() -> None:
    expected = np.array([1e9, 0.3])
    within_four_errors(np.array([systematic(expected, default_rng(seed)) for seed in range(2000)]), expected)
    law = np.array([[1, 0, 0], [0, 1, 1]])
    expected = np.array([1e9, 0.3, 0.7])
    samples = np.array([place(expected, law, default_rng(seed)) for seed in range(2000)])
    within_four_errors(samples, expected)
    assert (samples @ law.T == [10**9, 1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("text", ["2A + 3B -> C, k=1", "N + 3H -> 2A, k=1", "3A + 5B -> C, k=1"])
def test_every_state_of_an_odd_stoichiometry_can_be_lifted(text: str) -> None:
    laws, rng = Network.parse(text).conserved, default_rng(0)
    for _ in range(100):
        expected = rng.uniform(10.0, 30.0, 3)
        counts = place(expected, laws, rng)
        assert (laws @ counts == whole_totals(expected, laws)).all()
        assert (counts >= 0).all()


def test_a_count_beyond_floats_is_refused() -> None:
    with pytest.raises(ValueError, match="below 2"):
        systematic([2.0**53], default_rng(0))
    with pytest.raises(ValueError, match="below 2"):
        place([2.0**53, 1.0, 1.0, 1.0], ENZYME, default_rng(0))


def test_nearest_finds_what_lets_a_number_come_back_from_zero() -> None:
    """(4.34, 9.12, 2.91), rounded, has these values; a number dropped too early made it look infeasible."""
    fixed, values = np.array([[2.0, 1.0, 0.0], [1.0, 1.0, 1.0]]), np.array([17.8011, 16.3682])
    numbers = nearest(np.array([0.0, 55.3, 3.9]), fixed, values)
    assert fixed @ numbers == pytest.approx(values, rel=1e-9)
    assert (numbers >= 0).all()


def test_nearest_refuses_no_state_that_there_is_and_finds_none_nearer() -> None:
    rng = default_rng(0)
    for _ in range(500):
        species = int(rng.integers(3, 7))
        fixed = rng.integers(0, 3, (int(rng.integers(1, species)), species)).astype(float)
        there = rng.exponential(5.0, species) * (rng.random(species) < 0.6)
        reference = rng.exponential(20.0, species) * (rng.random(species) < 0.7)
        found = nearest(reference, fixed, fixed @ there)
        far, farther = (((x - reference) ** 2 / (reference + 1)).sum() for x in (found, there))
        assert far <= farther * (1 + 1e-9) + 1e-9


def test_a_macro_state_beyond_the_totals_is_refused_with_the_names_of_what_cannot_be() -> None:
    model = WellMixed(read_network("michaelis_menten"), 1e9, species=("P",))
    with pytest.raises(ValueError, match=r"P = 900 .*S \+ C \+ P = 500 "):
        model.lift(np.array([9e-7]), default_rng(0))
