"""Unit cells and their hops, against counting and closed formulas."""

from itertools import product
from math import sqrt
from typing import Any

import numpy as np
import pytest

from agents.ions.crystal import Crystal, Hop, HopRule
from agents.ions.lattices import LATTICES, layered

# hops from a site, and sites in a volume of one spacing (textbook geometry of each lattice)
GEOMETRY = {
    "chain": (2, 1.0),
    "square": (4, 1.0),
    "triangular": (6, 2 / sqrt(3)),
    "honeycomb": (3, 4 / (3 * sqrt(3))),
    "simple_cubic": (6, 1.0),
    "body_centred_cubic": (8, 3 * sqrt(3) / 4),
    "face_centred_cubic": (12, sqrt(2)),
    "diamond": (4, 3 * sqrt(3) / 8),
}


@pytest.mark.parametrize("name", GEOMETRY)
def test_lattice_has_the_neighbours_and_the_density_of_the_textbook(name: str) -> None:
    ways, density = GEOMETRY[name]
    crystal = LATTICES[name](2.5e-10)
    basis = len(crystal.kinds)
    assert (crystal.ways, len(crystal.hops)) == (ways, basis * ways // 2)
    assert basis / crystal.volume == pytest.approx(density / 2.5e-10**crystal.axes, rel=1e-12)
    assert np.linalg.norm(crystal.displacements, axis=1) == pytest.approx(2.5e-10, rel=1e-12)


@pytest.mark.parametrize("name", GEOMETRY)
def test_hops_of_a_symmetric_lattice_spread_alike_along_all_axes(name: str) -> None:
    crystal = LATTICES[name](1.0)
    spread = crystal.displacements.T @ crystal.displacements
    assert spread == pytest.approx(np.eye(crystal.axes) * len(crystal.hops) / crystal.axes, abs=1e-12)


@pytest.mark.parametrize("name", LATTICES)
def test_columns_of_cells_lie_across_x(name: str) -> None:
    assert (LATTICES[name](1.0).vectors[1:, 0] == 0).all()


def test_layers_hop_shorter_in_plane_than_between() -> None:
    crystal = layered(3e-10, 7e-10)
    of_kind = {hop.kind: np.linalg.norm(crystal.displacements[i]) for i, hop in enumerate(crystal.hops)}
    assert of_kind == pytest.approx({"in_plane": 3e-10, "between": 7e-10})
    assert crystal.ways == 6
    assert crystal.volume == pytest.approx(63e-30)


def test_rule_finds_every_pair_in_a_skew_cell_once() -> None:
    vectors = np.array([[3.0, 0.4, -0.2], [0.9, 2.5, 0.3], [-1.1, 0.7, 2.8]])
    positions = np.random.default_rng(3).random((5, 3)) * 2 - 0.5  # sites may lie outside the cell
    kinds = ["a", "b", "a", "b", "b"]
    hops = HopRule("a", "b", 3.1, 1.2).hops(vectors, positions, kinds)
    counted = set()
    for start, end, *offset in product(range(5), range(5), *[range(-5, 6)] * 3):
        distance = np.linalg.norm((positions[end] + offset - positions[start]) @ vectors)
        if kinds[start] == "a" and kinds[end] == "b" and 1.2 <= distance <= 3.1:
            counted.add((start, end, tuple(offset)))
    found = [(hop if kinds[hop.start] == "a" else hop.reverse) for hop in hops]
    assert len(hops) > 20
    assert sorted((hop.start, hop.end, hop.offset) for hop in found) == sorted(counted)


def test_rule_lists_images_of_a_site_once() -> None:
    hops = HopRule("site", "site", 2.1).hops(np.eye(2), np.zeros((1, 2)), ["site"])
    assert len(hops) == 6  # (1, 0), (0, 1), (1, 1), (1, -1), (2, 0), (0, 2): half of the 12 within 2.1


def test_nets_that_interpenetrate_are_a_lattice() -> None:
    shifted = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]
    rules = [HopRule("one", "one", 1.0), HopRule("other", "other", 1.0)]
    assert Crystal.joined(np.eye(3), shifted, ["one", "other"], rules).ways == 6


def test_net_that_returns_shifted_is_followed_through_its_loops() -> None:
    steps = (Hop(0, 1, (0, 0)), Hop(1, 0, (1, 1)), Hop(1, 0, (1, -1)))
    assert Crystal(np.eye(2), np.array([[0.0, 0.0], [0.5, 0.0]]), ("a", "a"), steps).axes == 2
    with pytest.raises(ValueError, match=r"does not connect \(along 1 only\) at 2 of 2 sites: 0 \(a at \[0.0, 0.0\]\)"):
        Crystal(np.eye(2), np.array([[0.0, 0.0], [0.5, 0.0]]), ("a", "a"), steps[:2])


def test_lattice_that_does_not_connect_names_the_sites() -> None:
    hops = (Hop(0, 0, (1, 0)), Hop(0, 0, (0, 1)), Hop(1, 2, (0, 0)))
    places = np.array([[0.0, 0.0], [0.5, 0.25], [0.5, 0.5]])
    with pytest.raises(ValueError, match=r"at 2 of 3 sites: 1 \(trap at \[0.5, 0.25\]\), 2 \(trap at \[0.5, 0.5\]\)"):
        Crystal(np.eye(2), places, ("path", "trap", "trap"), hops)
    with pytest.raises(ValueError, match=r"does not connect \(along 2 only\) at 1 of 1 sites"):
        Crystal(np.eye(3), np.zeros((1, 3)), ("site",), (Hop(0, 0, (1, 0, 0)), Hop(0, 0, (0, 1, 0))))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hops": (Hop(0, 0, (1,)), Hop(0, 0, (-1,)))}, "listed once"),
        ({"hops": (Hop(0, 0, (1,)), Hop(0, 0, (1,), "other"))}, "listed once"),
        ({"hops": (Hop(0, 0, (0,)),)}, "another site"),
        ({"hops": (Hop(0, 1, (0,)),)}, "sites 0 to 0"),
        ({"hops": (Hop(0, 0, (1, 0)),)}, "each of 1 axes"),
        ({"hops": ()}, "does not connect"),
        ({"kinds": ("a", "b")}, "1 sites, one each: got 2"),
        ({"positions": [[0.0, 0.0]]}, "1 coordinates a site"),
        ({"positions": [[np.nan]]}, "finite shares"),
        ({"positions": [[0.0], [1.0]], "kinds": ("a", "b")}, r"sites 0 \(a at \[0.0\]\) and 1 \(b at \[1.0\]\)"),
        ({"vectors": [[0.0]]}, "span a cell"),
        ({"vectors": [[1.0, 0.0]]}, "rows of as many"),
    ],
)
def test_cell_that_is_none_is_refused(changes: dict[str, Any], said: str) -> None:
    told: dict[str, Any] = {
        "vectors": [[1.0]],
        "positions": [[0.0]],
        "kinds": ("a",),
        "hops": (Hop(0, 0, (1,)),),
    } | changes
    with pytest.raises(ValueError, match=said):
        Crystal(**told)


def test_flat_cell_in_space_is_refused() -> None:
    flat = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 1.0, 0.0]]
    with pytest.raises(ValueError, match="edges that are independent"):
        Crystal.joined(flat, [[0.0, 0.0, 0.0]], ["site"], [HopRule("site", "site", 1.0)])


@pytest.mark.parametrize(
    ("ends", "distances", "said"),
    [
        (("site", "sight"), (1.1, 0.0), "got 'sight' for 'hop' hops"),
        (("site", "site"), (0.9, 0.0), "join some sites: got none"),
        (("site", "site"), (1.0, 2.0), "range of distances"),
        (("site", "site"), (0.0, 0.0), "range of distances"),
    ],
)
def test_rule_that_joins_nothing_is_refused(ends: tuple[str, str], distances: tuple[float, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Crystal.joined(np.eye(1), [[0.0]], ["site"], [HopRule(*ends, *distances)])


@pytest.mark.parametrize("name", LATTICES)
def test_lattice_without_spacing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="must be positive: got -1"):
        LATTICES[name](-1.0)
