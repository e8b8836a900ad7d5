"""Materials from files, against the papers that they cite and against what files must not say."""

from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.ions.box import Box
from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.landscape import Landscape, Rule
from agents.ions.material import MATERIALS, Material, read_material
from agents.ions.quantities import CONDUCTIVITY, ENERGY, FREQUENCY, LENGTH, SHARE, Dimension, parse

SALT = """
title = "Rock salt with two kinds of sites"

[sources]
guess = { status = "assumed", note = "a guess" }
paper = { status = "read", doi = "10.1000/182" }

[cell]
edges = ["4 angstrom", "4 angstrom"]
source = "paper"

[sites.low]
positions = [[0.0, 0.0]]
source = "guess"

[sites.high]
positions = [[0.5, 0.5]]
energy = "0.1 eV"
source = "guess"

[hops.jump]
between = ["low", "high"]
farthest = "3 angstrom"
barrier = "0.40 eV"
reverse_barrier = "0.30 eV"
source = "paper"

[hopping]
attempt_frequency = "5 THz"
source = "guess"

[ions]
concentration = "1/2"
source = "guess"

[ions.species.Na]
charge = "1 e"
source = "guess"

[[measured]]
conductivity = "2 mS/cm"
temperature = "300 K"
source = "paper"
"""


def read(folder: Path, *changes: tuple[str, str]) -> Material:
    text = SALT
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    (folder / "salt.toml").write_text(text, encoding="utf-8")
    return read_material(folder / "salt.toml")


Place: TypeAlias = tuple[float, ...]


def images(x: float, y: float, z: float) -> list[Place]:
    """What the generators of the space group Ia-3d make of a place (International Tables A, no. 230)."""
    return [
        (0.5 - x, -y, 0.5 + z),
        (-x, 0.5 + y, 0.5 - z),
        (z, x, y),
        (0.75 + y, 0.25 + x, 0.25 - z),
        (-x, -y, -z),
        (0.5 + x, 0.5 + y, 0.5 + z),
    ]


def orbit(place: Place) -> set[Place]:
    """All places that the group makes of one; multiples of 1/16 are exact."""
    found, waiting = {place}, [place]
    while waiting:
        for image in images(*waiting.pop()):
            other = tuple(coordinate % 1.0 for coordinate in image)
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


@pytest.mark.parametrize("name", MATERIALS)
def test_every_number_of_a_material_says_where_it_is_from(name: str) -> None:
    material = read_material(name)
    told = {one.quantity: one for one in material.sources}
    assert {"cell.edges[0]", "hopping.attempt_frequency", "ions.concentration"} <= told.keys()
    for kind in material.hopping.barriers:
        assert f"hops.{kind}.barrier" in told
    for one in material.sources:
        assert one.status in ("read", "assumed")
        assert one.doi or one.status == "assumed"
        assert one.doi or one.note
    assert any(one.status == "read" for one in material.sources)
    assert material.measured
    assert material.thermal_conductivity is not None


# room-temperature conductivities (S/cm) with the doi of the measurement, as in the table OBELiX (CC-BY-4.0)
OBELIX = {
    ("llzo_like", "10.1002/anie.200701144"): 5.11e-4,
    ("llzo_like", "10.1016/j.ssi.2015.04.011"): 2.1e-4,
    ("llzto_like", "10.1039/c2jm31413d"): 1.0e-3,
    ("lgps_like", "10.1038/nmat3066"): 1.2e-2,
    ("lgps_like", "10.1016/j.ssi.2017.01.014"): 1.43e-3,
    ("lgps_like", "10.1021/acs.chemmater.8b00266"): 2.46e-2,
    ("latp_like", "10.1149/1.2086597"): 7.22e-4,
    ("latp_like", "10.1016/j.ssi.2012.03.045"): 1.13e-3,
    ("llto_like", "10.1016/s0167-2738(98)00070-8"): 1.3e-3,
    ("llto_like", "10.1016/j.jallcom.2013.04.195"): 1.65e-4,
}


def test_published_conductivities_are_those_of_the_table() -> None:
    found = {(name, one.doi): one.conductivity for name in MATERIALS for one in read_material(name).measured}
    del found["llzo_like", "10.1039/c4ra15972a"]
    assert found == pytest.approx({key: 100 * value for key, value in OBELIX.items()})


def test_diffusion_in_garnet_conducts_by_nernst_and_einstein() -> None:
    # M. M. Ahmad 2015, doi:10.1039/c4ra15972a: n = 3.17e21 1/cm3, D = 1.33e-8 cm2/s; by hand with q = 1.602177e-19 C
    # and kT = 4.116405e-21 J at 298.15 K
    (ahmad,) = [one for one in read_material("llzo_like").measured if one.doi == "10.1039/c4ra15972a"]
    by_hand = 3.17e27 * 1.602177e-19**2 * 1.33e-12 / 4.116405e-21
    assert ahmad.conductivity == pytest.approx(by_hand, rel=1e-6)
    assert ahmad.conductivity == pytest.approx(2.629e-2, rel=1e-3)


def test_mobile_ions_of_garnet_are_the_published_share_of_all() -> None:
    # the same abstract: 3.17e21 1/cm3 are 12.3 % of the lithium; 1 % is what 0.04 angstrom of lattice constant make
    assert 3.17e27 / read_material("llzo_like").density == pytest.approx(0.123, rel=0.01)


@pytest.mark.parametrize("name", ["llzo_like", "llzto_like"])
def test_garnet_sites_are_those_of_its_space_group(name: str) -> None:
    crystal = read_material(name).crystal
    places: dict[str, set[Place]] = {kind: set() for kind in set(crystal.kinds)}
    for kind, place in zip(crystal.kinds, crystal.positions.tolist(), strict=True):
        places[kind].add(tuple(place))
    assert places == {"tetrahedral": orbit((0.375, 0.0, 0.25)), "octahedral": orbit((0.125, 0.6875, 0.5625))}
    assert (len(places["tetrahedral"]), len(places["octahedral"])) == (24, 48)


def test_garnet_octahedra_are_midway_between_neighbouring_tetrahedra() -> None:
    crystal = read_material("llzo_like").crystal
    ends = np.array([(hop.start, hop.end) for hop in crystal.hops])
    count = np.bincount(ends.ravel(), minlength=72)
    assert {kind: set(count[np.array(crystal.kinds) == kind]) for kind in set(crystal.kinds)} == {
        "tetrahedral": {4},
        "octahedral": {2},
    }
    assert np.linalg.norm(crystal.displacements, axis=1) == pytest.approx(12.97e-10 * np.sqrt(6) / 16, rel=1e-12)


def symmetric_exclusion(material: Material, temperature: float) -> NDArray[np.float64]:
    """Conductivity tensor (S/m) of ions that only keep out of each other's way, sites all alike: c (1 - c) q^2 / kT V
    times the sum of rate d d^T over the hops of a cell. Exact where the hops from every site sum to nothing."""
    crystal, thermal = material.crystal, BOLTZMANN * temperature
    pull = np.zeros((len(crystal.kinds), 3))
    sigma = np.zeros((3, 3))
    for hop, step in zip(crystal.hops, crystal.displacements, strict=True):
        rate = material.hopping.frequency(temperature) * np.exp(-material.hopping.barriers[hop.kind] / thermal)
        sigma += rate * np.outer(step, step)
        pull[hop.start] += rate * step
        pull[hop.end] -= rate * step
    assert abs(pull).max() < 1e-6 * abs(sigma).max() / 1e-10  # rounding of thirds in the file
    filling = material.concentration * (1 - material.concentration)
    return sigma * filling * ELEMENTARY_CHARGE / (thermal * crystal.volume)


@pytest.mark.parametrize("name", ["latp_like", "lgps_like"])
def test_conductivity_without_fit_has_the_published_order_of_magnitude(name: str) -> None:
    material = read_material(name)
    sigma = np.trace(symmetric_exclusion(material, 298.15)) / 3
    assert min(abs(np.log10(sigma / one.conductivity)) for one in material.measured) < 1


def test_thiophosphate_conducts_along_its_channels() -> None:
    sigma = np.diag(symmetric_exclusion(read_material("lgps_like"), 300.0))
    assert sigma[0] == pytest.approx(sigma[1], rel=1e-12)
    assert sigma[2] > 30 * sigma[0]


def test_rates_of_a_file_are_those_of_its_barriers(tmp_path: Path) -> None:
    material = read(tmp_path)
    landscape = Landscape(Box(material.crystal, (2, 2)), material.hopping)
    (na,) = material.species
    bare, rises = landscape.bare_rates(na, 350.0), landscape.rises(na, np.zeros(2))
    rates = bare * np.exp(-rises / (2 * BOLTZMANN * 350.0))
    kinds = landscape.box.site_kinds
    for kind, barrier in ((0, 0.40), (1, 0.30)):
        assert rates[kinds == kind] == pytest.approx(5e12 * np.exp(-barrier / (BOLTZMANN * 350.0)), rel=1e-12)


def test_barrier_back_follows_from_the_sites(tmp_path: Path) -> None:
    left_out = read(tmp_path, ('reverse_barrier = "0.30 eV"\n', ""))
    assert left_out.hopping.barriers == pytest.approx({"jump": 0.35})


def test_hops_by_list_are_those_by_rule(tmp_path: Path) -> None:
    listed = "list = [[0, 1, [0, 0]], [0, 1, [-1, 0]], [0, 1, [0, -1]], [0, 1, [-1, -1]]]"
    assert set(read(tmp_path, ('farthest = "3 angstrom"', listed)).crystal.hops) == set(read(tmp_path).crystal.hops)


def test_vectors_make_a_skew_cell(tmp_path: Path) -> None:
    skew = 'vectors = [["4 angstrom", "0 angstrom"], ["0.1 nm", "400 pm"]]'
    material = read(tmp_path, ('edges = ["4 angstrom", "4 angstrom"]', skew), ("3 angstrom", "3.3 angstrom"))
    assert material.crystal.vectors == pytest.approx(np.array([[4e-10, 0.0], [1e-10, 4e-10]]))


def test_species_disorder_and_prefactor_are_read(tmp_path: Path) -> None:
    more = """
[ions.species.K]
charge = "1 e"
extra_barrier = "50 meV"
share = "25 %"
source = "guess"

[disorder.energies]
exponential = "0.02 eV"
source = { status = "assumed" }
"""
    material = read(
        tmp_path,
        ('charge = "1 e"', 'share = "3/4"\ncharge = "1 e"'),
        ("\n[[measured]]", more + "\n[[measured]]"),
        ('"5 THz"', '"5 THz"\nreference_temperature = "300 K"\nrule = "heat_bath"'),
        ('"1/2"', '"1/2"\ninteraction = [["0.02 eV", "10 meV"], ["10 meV", "0 eV"]]'),
    )
    assert [(one.name, one.extra_barrier) for one in material.species] == [("Na", 0.0), ("K", pytest.approx(0.05))]
    assert material.shares == (0.75, 0.25)
    assert material.hopping.rule is Rule.HEAT_BATH
    assert material.hopping.frequency(600.0) == pytest.approx(1e13)
    assert material.hopping.couplings(2) == pytest.approx(np.array([[0.02, 0.01], [0.01, 0.0]]))
    assert material.hopping.barrier_disorder is None
    assert material.hopping.energy_disorder is not None
    drawn = material.hopping.energy_disorder(np.random.default_rng(0), 40_000)
    assert drawn.mean() == pytest.approx(0.02, abs=4 * 0.02 / 200)
    assert {"ions.interaction[0][1]", "disorder.energies.exponential"} <= {one.quantity for one in material.sources}


def test_pair_that_breaks_detailed_balance_is_named_with_both_sides(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="detailed balance") as refused:
        read(tmp_path, ('"0.30 eV"', '"0.25 eV"'))
    said = str(refused.value)
    for part in ("energy of high - energy of low", "0.4 - 0.25 = 0.15 eV", "0.1 - 0 = 0.1 eV", "[hops.jump]"):
        assert part in said
    assert 'Set reverse_barrier to "0.3 eV"' in said


UNITS = [("4 angstrom", "4"), ("3 angstrom", "3"), ("0.1 eV", "0.1"), ("0.40 eV", "0.40"), ("0.30 eV", "0.30")]
UNITS += [("5 THz", "5"), ("1 e", "1"), ("2 mS/cm", "2"), ("300 K", "300")]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("quoted", [True, False])
def test_number_without_unit_is_refused_with_an_example(tmp_path: Path, unit: tuple[str, str], quoted: bool) -> None:
    told, bare = unit
    with pytest.raises(
        ValueError, match=r"`.+` in \[.+\] of salt.toml must be .+ with its unit .+, as \".+\": got"
    ) as refused:
        read(tmp_path, (f'"{told}"', f'"{bare}"' if quoted else bare))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('barrier = "0.40 eV"', 'barier = "0.40 eV"', r"got `barier` in \[hops.jump\] of salt.toml. Did you mean `bar"),
        ("[hopping]", "[hoping]", "got `hoping` of salt.toml. Did you mean `hopping`"),
        ('"1/2"', '"1"', "nothing can hop"),
        ('"1/2"', "0.0", "nothing can hop"),
        ('"1/2"', '"1/0"', "must be finite"),
        ('"1/2"', '"50 angstrom"', "must be a share"),
        ('"0.1 eV"', '"0.1 angstrom"', "an energy with its unit"),
        ('source = "paper"', "", r"must have a source, one of .sources. \(guess, paper\).+got none for `edges` in"),
        ('source = "paper"', 'source = "papier"', "got 'papier' for"),
        ('doi = "10.1000/182"', 'note = "somewhere"', "there must be one where a number was read"),
        ('status = "read"', 'status = "measured"', "'read' or 'assumed': got 'measured'"),
        ('"low", "high"', '"low", "heigh"', "must be two of low, high: got"),
        ('"3 angstrom"', '"2 angstrom"', "join some sites: got none for 'jump'"),
        ('"0.30 eV"', '"0.30 eV"\nlist = [[1, 0, [0, 0]]]', "Turn it round"),
        ('"0.30 eV"', '"0.30 eV"\nlist = [[0, 1, [0]]]', "2 cells"),
        ('"0.30 eV"', '"0.30 eV"\nlist = [[0, 1, [0, 0]]]', "does not connect"),
        ('"5 THz"', '"5 THz"\nrule = "metropolis"', "one of midpoint, heat_bath"),
        ("[[0.5, 0.5]]", "[[0.5]]", "rows of 2 shares"),
        ("[[0.5, 0.5]]", "[]", "at least one row"),
        ("[[0.5, 0.5]]", "[[0.5, 0.5], [0.5, -0.5]]", "at one place"),
        ("[ions.species.Na]", '[ions.species.Na]\nshare = "0.5"', "add up to 1: got 0.5"),
        ("[hopping]", '[disorder.barriers]\nnormal = "-1 eV"\nsource = "guess"\n[hopping]', "not be negative"),
        ("[hopping]", '[disorder.barriers]\nsource = "guess"\n[hopping]', "got none"),
        ("[cell]", "[cell", "must be a file in TOML"),
        ('edges = ["4 angstrom", "4 angstrom"]', "", "got neither"),
        ('"2 mS/cm"', '"-2 mS/cm"', "positive conductivity"),
        ('"4 angstrom", "4 angstrom"', '"4 angstrom", ["4 angstrom"]', "one to three lengths"),
        ('"1/2"', '"1/2"\ninteraction = [["1 eV"], "1 eV"]', "one energy, or 1 rows"),
    ],
)
def test_file_that_says_something_wrong_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        read(tmp_path, (old, new))
    assert "\n" not in str(refused.value)


def test_barrier_below_its_sites_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"got 0.05 eV forward and -0.05 eV backward.+Take at least 0.1 eV"):
        read(tmp_path, ('"0.40 eV"\nreverse_barrier = "0.30 eV"', '"0.05 eV"'))


@pytest.mark.parametrize("given", ["lzo_like", "salt", "nowhere.toml"])
def test_material_that_is_not_there_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"must be one of .*lgps_like, llto_like, llzo_like"):
        read_material(given)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("12.5 angstrom", LENGTH, 1.25e-9),
        ("96.48533212331 kJ/mol", ENERGY, 1.0),  # Faraday's constant, CODATA 2018
        ("1.602176634e-19 J", ENERGY, 1.0),
        ("0.5 THz", FREQUENCY, 5e11),
        ("2e-4 S/cm", CONDUCTIVITY, 0.02),
        ("56/72", SHARE, 7 / 9),
        ("12.5 %", SHARE, 0.125),
        (0.25, SHARE, 0.25),
    ],
)
def test_unit_is_read(text: str | float, dimension: Dimension, value: float) -> None:
    assert parse(text, dimension, "it")[0] == pytest.approx(value, rel=1e-10)


def test_hop_may_be_told_from_either_end(tmp_path: Path) -> None:
    turned = read(
        tmp_path,
        ('between = ["low", "high"]', 'between = ["high", "low"]'),
        ('"0.40 eV"\nreverse_barrier = "0.30 eV"', '"0.30 eV"\nreverse_barrier = "0.40 eV"'),
    )
    assert turned.hopping.barriers == pytest.approx({"jump": 0.35})
    assert set(turned.crystal.hops) == set(read(tmp_path).crystal.hops)
