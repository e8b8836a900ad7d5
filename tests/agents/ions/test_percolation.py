"""Percolation, against duality and against searching."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.ions.box import Box
from agents.ions.crystal import Crystal
from agents.ions.lattices import chain, diamond, honeycomb, simple_cubic, square
from agents.ions.percolation import percolates, percolation_barrier


def leads_through(box: Box, is_open: NDArray[np.bool_], axis: int) -> bool:
    """By walking: positions are carried along without wrapping, so that who comes back elsewhere has wound around."""
    layer = np.repeat(np.indices(box.cells)[axis].ravel(), box.basis)
    periodic = np.atleast_1d(box.periodic)[axis]
    across = np.linalg.inv(box.crystal.vectors)[:, axis]
    where: dict[int, NDArray[np.float64]] = {}
    for first in range(len(box)) if periodic else np.flatnonzero(layer == 0).tolist():
        if first in where:
            continue
        where[first] = box.positions[first]
        waiting = [first]
        while waiting:
            site = waiting.pop()
            if not periodic and layer[site] == box.cells[axis] - 1:
                return True
            for way, there in enumerate(box.neighbours[site].tolist()):
                if there < 0 or not is_open[box.bonds[site, way]]:
                    continue
                place = where[site] + box.displacements[site % box.basis, way]
                if there not in where:
                    where[there] = place
                    waiting.append(there)
                elif periodic and abs((place - where[there]) @ across) > 0.5:
                    return True
    return False


@pytest.mark.parametrize("periodic", [True, False, (True, False, True), (False, True, False)])
@pytest.mark.parametrize("lattice", [square, honeycomb, simple_cubic, diamond])
def test_barrier_is_where_a_walk_begins_to_lead_through(
    lattice: Callable[[float], Crystal], periodic: bool | tuple[bool, ...]
) -> None:
    crystal = lattice(1e-10)
    cells = (3, 2, 2)[: crystal.axes]
    box = Box(crystal, cells, periodic if isinstance(periodic, bool) else periodic[: crystal.axes])
    barriers = np.random.default_rng(5).random(int(np.prod(cells)) * len(crystal.hops))
    for axis in range(crystal.axes):
        highest = percolation_barrier(box, barriers, axis)
        assert highest in barriers
        assert leads_through(box, barriers <= highest, axis)
        assert not leads_through(box, barriers < highest, axis)


@pytest.mark.slow
def test_threshold_of_the_square_lattice_is_one_half() -> None:
    # H. Kesten, Commun. Math. Phys. 74 (1980) 41, doi:10.1007/BF01197577. With one more column than rows the lattice is
    # its own dual: either it leads from side to side, or the dual, of which as many are open, leads from top to bottom.
    # So the threshold spreads evenly about 1/2 in a box of any size, not in the limit only.
    rng = np.random.default_rng(11)
    box = Box(square(1e-10), (13, 12), periodic=False)
    thresholds = np.array([percolation_barrier(box, rng.random(2 * 13 * 12)) for _ in range(300)])
    error = thresholds.std(ddof=1) / np.sqrt(300)
    assert error < 0.005
    assert abs(thresholds.mean() - 0.5) < 4 * error


def test_barrier_of_a_chain_is_its_highest() -> None:
    barriers = np.random.default_rng(0).random(50)
    assert percolation_barrier(Box(chain(1e-10), (50,)), barriers) == barriers.max()
    opened = Box(chain(1e-10), (50,), periodic=False)
    assert percolation_barrier(opened, np.append(barriers[:-1], 9.0)) == barriers[:-1].max()  # the last is not there


def test_path_of_low_barriers_is_found_among_high_ones() -> None:
    box = Box(square(1e-10), (4, 3))
    barriers = np.full(24, 0.5)  # of each cell, the hop along x and that along y, in the order of the crystal
    along = {hop.offset: number for number, hop in enumerate(box.crystal.hops)}
    barriers[[2 * 3 * x + along[1, 0] for x in range(4)]] = 0.1
    barriers[along[1, 0]] = 0.2
    assert percolation_barrier(box, barriers, 0) == 0.2
    assert percolation_barrier(box, barriers, 1) == 0.5


def test_closed_bonds_lead_nowhere() -> None:
    box = Box(square(1e-10), (4, 4))
    assert not percolates(box, np.zeros(32, dtype=bool))
    assert percolates(box, np.ones(32, dtype=bool), axis=1)
    assert percolation_barrier(box, np.full(32, np.inf)) == np.inf
    assert percolation_barrier(Box(square(1e-10), (4, 4), periodic=False), np.full(32, np.inf)) == np.inf


@pytest.mark.parametrize(
    ("barriers", "axis", "said"),
    [
        (np.zeros(31), 0, "each of 32 bonds"),
        (np.full(32, np.nan), 0, "a number for each"),
        (np.zeros(32), 2, "0 to 1: got 2"),
    ],
)
def test_barriers_that_do_not_fit_are_refused(barriers: NDArray[np.float64], axis: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        percolation_barrier(Box(square(1e-10), (4, 4)), barriers, axis)


def test_box_of_one_layer_has_no_faces_to_lead_between() -> None:
    with pytest.raises(ValueError, match="2 cells long or more"):
        percolation_barrier(Box(square(1e-10), (1, 4), periodic=False), np.zeros(8))
