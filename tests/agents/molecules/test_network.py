"""Values: by hand from the law of mass action; Higham, SIAM Review 50 (2008) 347 for the enzyme."""

from pathlib import Path

import numpy as np
import pytest

from agents.molecules import CARRIED, Network, Units, read_network

NANO = "unit concentration = nM\nunit time = s\n"


def test_a_network_is_read_one_reaction_a_line() -> None:
    network = Network.parse(
        "# a remark\nX = 2\n\n2X + Y -> 3X, k=1.5 # more\nbind: X + X <-> Z, k=2, k_back=.5\n∅ -> Y, k=3\n"
    )
    assert network.species == ("X", "Y", "Z")
    assert network.names == ("2 X + Y -> 3 X", "bind", "bind_back", "0 -> Y")
    assert network.reactants.tolist() == [[2, 1, 0], [2, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert network.products.tolist() == [[3, 0, 0], [0, 0, 1], [2, 0, 0], [0, 1, 0]]
    assert network.rates.tolist() == [1.5, 2.0, 0.5, 3.0]
    assert network.initial.tolist() == [2.0, 0.0, 0.0]


def test_a_species_may_be_named_like_a_keyword_or_an_exponent() -> None:
    network = Network.parse("unit -> E2, k=1\n2E2 -> k, k=1\nunit = 3")
    assert network.species == ("unit", "E2", "k")
    assert network.reactants[1].tolist() == [0, 2, 0]
    assert network.initial.tolist() == [3.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("text", "line", "column", "what"),
    [
        ("X -> Y", 1, 7, "expected `, k=...`, got the end of the line"),
        ("X -> Y, k=1\nX + -> Y, k=1", 2, 5, "expected a species, a whole number or `0`, got `->`"),
        ("X = Y, k=1", 1, 5, "expected a number, got `Y,`"),
        ("X Y -> Z, k=1", 1, 3, "expected `+`, `->` or `<->`, got `Y`"),
        ("X -> Y Z, k=1", 1, 8, "expected `+` or `, k=...`, got `Z,`"),
        ("-> X, k=1", 1, 1, "expected a species, a whole number or `0`"),
        ("0 -> 0, k=1", 1, 1, "a species on one side"),
        ("0.5 X -> Y, k=1", 1, 1, "a whole number"),
        ("X -> 0 Y, k=1", 1, 6, "at least once: got 0"),
        ("X -> Y, k=-1", 1, 11, "not negative: got -1"),
        ("X <-> Y, k=1, k_back=-2e-3", 1, 22, "not negative: got -0.002"),
        ("X -> Y, k=1e999", 1, 11, "finite"),
        ("X -> Y, k=nan", 1, 11, "expected a number, got `nan`"),
        ("X -> Y, rate=1", 1, 9, "expected `k=...`, got `rate=1`"),
        ("X <-> Y, k=1", 1, 13, "expected `, k_back=...`"),
        ("X -> Y, k=1, k_back=1", 1, 12, "`k_back` belongs to `<->`"),
        ("X -> Y, k=1\nX -> Y, k=2", 2, 1, "given before"),
        ("X -> Y, k=1\nX = -3", 2, 5, "not negative: got -3"),
        ("X -> Y, k=1\nX = 3\nX = 3", 3, 1, "given before"),
        ("X -> Y, k=1\n\nA = 3", 3, 1, "a species that reacts, got A"),
        ("unit length = m", 1, 6, "expected `concentration` or `time`, got `length`"),
        ("X -> Y, k=1\nunit time = s", 2, 1, "before the first reaction"),
        ("X -> Y, k=1 1/s", 1, 15, "`s` is no unit here"),
        (NANO + "X -> Y, k=1", 3, 12, "needs its unit, 1/s: got none"),
        (NANO + "X + Y -> Z, k=1 1/s", 3, 17, "order 2 must be in 1/(nM s): got 1/s"),
        (NANO + "X + Y -> Z, k=1 1/nM s", 3, 17, "must be in 1/(nM s)"),
        (NANO + "0 -> Z, k=1 1/s", 3, 13, "order 0 must be in nM/s"),
        (NANO + "X + Y -> Z, k=1 1/(nM s", 3, 24, "expected `)`, got the end of the line"),
        (NANO + "X -> Y, k=1 1/kg", 3, 15, "`kg` is no unit here: the units of this network are nM, s"),
        (NANO + "X -> Y, k=1 1/s\nX = 2", 4, 6, "needs its unit, nM: got none"),
        (NANO + "X -> Y, k=1 11/s", 3, 13, "expected a unit, got `11/s`"),
        ("99999999999999999999X -> Y, k=1", 1, 1, "at most 99 molecules"),
        ("9" * 5000 + "X -> Y, k=1", 1, 1, "at most 99 molecules"),
        ("300000000X -> Y, k=1", 1, 1, "at most 99 molecules"),
        (NANO + "X -> Y, k=1 uM^1000", 3, 16, "a whole exponent, 99 at most"),
        (NANO + "X -> Y, k=1 M^99", 3, 15, "a power of a unit that is a number"),
        (NANO + "X -> Y, k=1 " + "(" * 3000 + "s", 3, 13, "more than 99 parentheses"),
        (NANO + "X -> Y, k=1e308 1/us", 3, 17, "must be finite in 1/s"),
        ("0 + X -> Y, k=1", 1, 3, "a side without species is `0` alone"),
        ("X -> 0 + Y, k=1", 1, 8, "a side without species is `0` alone"),
        ("X -> Y, k=1\n  A = 3", 2, 3, "a species that reacts, got A"),
        ("X -> Y, k=1\n  unit time = s", 2, 3, "before the first reaction"),
        ("unit time = s\nunit time = min", 2, 1, "the unit of time was given before"),
        ("unit time = nM", 1, 13, "`nM` is a unit of concentration, not of time"),
        ("unit concentration = s", 1, 22, "`s` is a unit of time, not of concentration"),
        ("X -> Y, k=1\fX -> Z, k=1", 1, 13, "`X` is no unit here"),
        ("A + B -> C, k=1\nB + A -> C, k=1", 2, 1, "given before"),
    ],
)
def test_what_cannot_be_read_is_refused_with_line_and_column(text: str, line: int, column: int, what: str) -> None:
    with pytest.raises(ValueError, match=rf"^Line {line}, column {column}: ") as refused:
        Network.parse(text)
    assert what in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_empty_text_is_no_network() -> None:
    with pytest.raises(ValueError, match="must have a reaction"):
        Network.parse("# nothing\n")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3 1/(nM s)", 3.0),
        ("3 nM^-1 s^-1", 3.0),
        ("3 1/nM/s", 3.0),
        ("3 1/(uM s)", 3e-3),
        ("3e9 1/(M*s)", 3.0),
        ("180 1/(nM min)", 3.0),
        ("3e-3 1/(nM ms)", 3.0),
    ],
)
def test_units_are_checked_against_the_order_and_converted(written: str, expected: float) -> None:
    assert Network.parse(f"{NANO}X + Y -> Z, k={written}").rates[0] == pytest.approx(expected, rel=1e-14)


def test_a_unit_of_ones_own_is_known_by_itself() -> None:
    network = Network.parse("unit concentration = monolayer\n2A -> 0, k=2 1/monolayer\nA = 0.5 monolayer")
    assert network.units == Units("monolayer", "")
    assert network.rates.tolist() == [2.0]


def test_a_propensity_counts_ordered_groups_of_different_molecules() -> None:
    network = Network.parse("0 -> X, k=2\nX -> 0, k=3\nX + Y -> 0, k=5\n2X + Y -> 3X, k=7\n3X -> 0, k=11")
    x, y, volume = 4.0, 6.0, 10.0
    expected = [
        2 * volume,
        3 * x,
        5 * x * y / volume,
        7 * x * (x - 1) * y / volume**2,
        11 * x * (x - 1) * (x - 2) / volume**2,
    ]
    assert network.propensities([x, y], volume) == pytest.approx(expected, rel=1e-14)
    assert network.propensities([[1, 0], [2, 9]], volume)[:, 4].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", CARRIED)
def test_a_network_that_is_written_is_read_again(name: str) -> None:
    network = read_network(name)
    again = Network.parse(str(network))
    assert (again.species, again.names, again.units) == (network.species, network.names, network.units)
    for part in ("reactants", "products", "rates", "initial"):
        assert np.array_equal(getattr(again, part), getattr(network, part))


def test_the_carried_enzyme_has_the_published_constants() -> None:
    network = read_network("michaelis_menten")
    assert network.units == Units("M", "s")
    assert dict(zip(network.names, network.rates.tolist(), strict=True)) == {
        "bind": 1e6,
        "bind_back": 1e-4,
        "convert": 0.1,
    }


def test_a_file_is_read_and_named_where_it_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("X -> Y, k=1")
    assert read_network(file).names == ("X -> Y",)
    file.write_text("X -> Y, k=1\nX => Y, k=1")
    with pytest.raises(ValueError, match=r"^mine\.txt: Line 2, column 3: "):
        read_network(file)
    with pytest.raises(
        ValueError, match="brusselator, co_oxidation, co_oxidation_inert, michaelis_menten, schlogl: got yours"
    ):
        read_network("yours")


def test_constants_are_changed_by_the_names_of_reactions() -> None:
    network = read_network("brusselator")
    assert network.with_rates({"convert": 1.5}).rates.tolist() == [1.0, 1.0, 1.5, 1.0]
    assert network.rates.tolist() == [1.0, 1.0, 3.0, 1.0]
    with pytest.raises(ValueError, match="The reactions of this network are feed, catalyse, convert, remove: got B"):
        network.with_rates({"B": 1.0})
    with pytest.raises(ValueError, match="`rates` must be finite and not negative"):
        network.with_rates({"feed": -1.0})


def test_a_network_from_arrays_is_checked() -> None:
    into, out, one = np.array([[1, 0]]), np.array([[0, 1]]), np.array([1.0])
    assert Network(("X", "Y"), into, out, one, ("move",)).change.tolist() == [[-1, 1]]
    with pytest.raises(ValueError, match=r"`products` of 1 reactions among 2 species must have the shape \(1, 2\)"):
        Network(("X", "Y"), into, out.T, one, ("move",))
    with pytest.raises(ValueError, match="`reactants` must be finite and not negative"):
        Network(("X", "Y"), -into, out, one, ("move",))
    with pytest.raises(ValueError, match="`species` must differ"):
        Network(("X", "X"), into, out, one, ("move",))
    with pytest.raises(ValueError, match="`reactants` must be whole numbers of molecules"):
        Network(("X", "Y"), np.array([[1.7, 0.0]]), out, one, ("move",))


def test_marks_and_blanks_of_editors_are_no_text() -> None:
    assert Network.parse("\ufeffX\u00a0-> Y, k=1\r\n\u00a0Y -> X, k=2").names == ("X -> Y", "Y -> X")


def test_micro_is_a_sign_or_a_letter() -> None:
    for micro in "u\u00b5\u03bc":
        assert Network.parse(f"{NANO}X -> Y, k=1 1/{micro}s").rates[0] == pytest.approx(1e6, rel=1e-14)


def test_a_reaction_whose_species_come_in_another_order_is_read_again() -> None:
    network = Network.parse("A -> B, k=1\nB + A -> C, k=1")
    assert network.names == ("A -> B", "A + B -> C")
    assert Network.parse(str(network)).names == network.names


def test_a_folder_is_no_network(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="A network is a file, or one of"):
        read_network(tmp_path)


def test_a_propensity_is_never_negative() -> None:
    """Of 2X at 0.5 expected molecules: no pair."""
    assert Network.parse("2X -> 0, k=1").propensities([0.5], 10.0).tolist() == [0.0]
