"""Values: by hand; the number of laws is the number of species less the rank of the stoichiometric matrix."""

import numpy as np
import pytest

from agents.molecules import CARRIED, Network, read_network


@pytest.mark.parametrize(
    ("text", "laws"),
    [
        ("X -> Y, k=1", [[1, 1]]),
        ("2A <-> B, k=1, k_back=1", [[1, 2]]),
        ("2A + 3B -> C, k=1", [[1, 0, 2], [0, 1, 3]]),
        ("0 -> X, k=1", []),
        ("E -> E, k=1", [[1]]),
        ("A + B -> C, k=1", [[1, 0, 1], [0, 1, 1]]),
        ("N + 3H -> 2A, k=1", [[2, 0, 1], [0, 2, 3]]),
        (
            "E + S <-> C, k=1, k_back=1\nC -> E + P, k=1\nE + I <-> D, k=1, k_back=1",
            [[1, 0, 1, 0, 0, 1], [0, 1, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1]],
        ),
    ],
)
def test_laws_are_those_one_finds_by_hand(text: str, laws: list[list[int]]) -> None:
    found = Network.parse(text).conserved
    wanted = np.array(laws, dtype=np.int64).reshape(-1, found.shape[1])
    assert len(found) == len(wanted)
    assert (found >= 0).all()
    assert np.linalg.matrix_rank(np.vstack((found, wanted))) == len(wanted) or not len(wanted)
    assert np.gcd.reduce(found, axis=1).tolist() == [1] * len(found)


@pytest.mark.parametrize("name", CARRIED)
def test_no_reaction_changes_what_is_conserved(name: str) -> None:
    network = read_network(name)
    rank = int(np.linalg.matrix_rank(network.change))
    assert network.conserved.shape == (len(network.species) - rank, len(network.species))
    assert not (network.change @ network.conserved.T).any()


def test_enzyme_and_substrate_are_counted_with_weights_that_are_not_negative() -> None:
    network = read_network("michaelis_menten")
    assert network.species == ("E", "S", "C", "P")
    assert network.conserved.tolist() == [[1, 0, 1, 0], [0, 1, 1, 1]]


@pytest.mark.parametrize("text", ["2A + 3B -> C, k=1", "N + 3H -> 2A, k=1", "3A + 5B -> C, k=1", "4A + 6B -> 9C, k=1"])
def test_every_integer_law_is_an_integer_combination(text: str) -> None:
    """Exact: the largest minors of the basis of a kernel have no common divisor."""
    laws = Network.parse(text).conserved
    minors = [round(np.linalg.det(laws[:, list(pair)])) for pair in ((0, 1), (0, 2), (1, 2))]
    assert np.gcd.reduce(minors) == 1


def test_a_chain_of_a_thousand_reactions_keeps_its_sum() -> None:
    chain = Network.parse("\n".join(f"X{i} -> X{i + 1}, k=1" for i in range(1000)))
    assert chain.conserved.tolist() == [[1] * 1001]


def test_weights_beyond_64_bits_are_refused() -> None:
    doublings = Network.parse("\n".join(f"2A{i} -> A{i + 1}, k=1" for i in range(70)))
    with pytest.raises(ValueError, match="weights within 64 bits"):
        _ = doublings.conserved
