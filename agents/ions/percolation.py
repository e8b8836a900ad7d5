"""How high the barriers are that ions cannot avoid on a way through the whole box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from agents.ions.box import Box

__all__ = ["percolates", "percolation_barrier"]


def percolation_barrier(box: Box, barriers: NDArray[np.float64], axis: int = 0) -> float:
    """The smallest barrier up to which bonds must be open, so that they lead through the box along an axis.

    Where the box is periodic along the axis, a path leads through it that winds around it; where it is not, one from
    the first layer of cells to the last. At low temperature this barrier is the activation energy of the conductivity
    (V. Ambegaokar, B. I. Halperin, J. S. Langer, Phys. Rev. B 4 (1971) 2612, doi:10.1103/PhysRevB.4.2612).

    A tree that spans the box with the lowest barriers holds the lowest way between any two sites (T. C. Hu, Oper. Res.
    9 (1961) 898, doi:10.1287/opre.9.6.898). A loop is a sum of loops that one other bond each closes over the tree, of
    which it is the highest; a loop that winds has one that winds among them, so the lowest bond that closes one is
    what is looked for. Cost: sorting the bonds.

    Parameters
    ----------
    box
        The sites and bonds.
    barriers : (bond,)
        Of each bond (eV); infinite where it is closed.
    axis
        Along which axis of the crystal.

    Returns
    -------
    float
        In eV; infinite if the open bonds lead nowhere.

    Raises
    ------
    ValueError
        If there is not a barrier for each bond, one is no number, there is no such axis, or the box is not periodic
        along it and one cell long.

    Examples
    --------
    >>> from agents.ions.lattices import chain
    >>> percolation_barrier(Box(chain(1e-10), (4,)), np.array([0.3, 0.2, 0.5, 0.1]))
    0.5
    """
    count = int(np.prod(box.cells)) * len(box.crystal.hops)
    if np.shape(barriers) != (count,) or np.isnan(barriers).any():
        raise ValueError(f"`barriers` must be a number for each of {count} bonds: got shape {np.shape(barriers)}.")
    if not 0 <= axis < box.axes:
        raise ValueError(f"`axis` must be 0 to {box.axes - 1}: got {axis}.")
    bonds = _bonds(box, axis)
    bonds = bonds.at(np.flatnonzero(np.asarray(barriers)[bonds.number] < np.inf))
    bonds = bonds.at(np.argsort(np.asarray(barriers)[bonds.number], kind="stable"))
    highest = _winding(bonds, len(box)) if np.atleast_1d(box.periodic)[axis] else _crossing(bonds, box, axis)
    return float(barriers[bonds.number[highest]]) if highest is not None else np.inf


def percolates(box: Box, open_bonds: NDArray[np.bool_], axis: int = 0) -> bool:
    """Whether open bonds, (bond,), lead through the box along an axis.

    Raises
    ------
    ValueError
        As `percolation_barrier`.

    Examples
    --------
    >>> from agents.ions.lattices import chain
    >>> percolates(Box(chain(1e-10), (4,), periodic=False), np.array([True, True, True, False]))
    True
    """
    return percolation_barrier(box, np.where(open_bonds, 0.0, np.inf), axis) < np.inf


@dataclass(frozen=True, eq=False)
class _Bonds:
    """Bonds by number, the sites that they join, and how many cells they lead along the axis."""

    number: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    advance: NDArray[np.int64]

    def at(self, which: NDArray[np.int64]) -> _Bonds:
        return _Bonds(self.number[which], self.start[which], self.end[which], self.advance[which])

    def tree(self, sites: int) -> csr_array:
        """The spanning tree of the first of these bonds, with 1 + their place in the order."""
        pairs = np.sort(np.stack([self.start, self.end]), axis=0)
        _, first = np.unique(pairs[0] * sites + pairs[1], return_index=True)  # of bonds side by side, the lowest
        graph = coo_array((1.0 + first, (pairs[0, first], pairs[1, first])), shape=(sites, sites))
        return minimum_spanning_tree(graph.tocsr())


def _bonds(box: Box, axis: int) -> _Bonds:
    corners = np.indices(box.cells).reshape(box.axes, -1).T
    periodic, cells, hops = np.atleast_1d(box.periodic), np.arange(len(corners)), len(box.crystal.hops)
    parts = []
    for kind, hop in enumerate(box.crystal.hops):
        beyond = corners + np.array(hop.offset)
        inside = (((beyond >= 0) & (beyond < box.cells)) | periodic).all(axis=1)
        there = np.ravel_multi_index(tuple((beyond % box.cells).T), box.cells)
        ends = (cells * hops + kind, cells * box.basis + hop.start, there * box.basis + hop.end)
        parts.append([part[inside] for part in (*ends, np.full(len(cells), hop.offset[axis]))])
    return _Bonds(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _winding(bonds: _Bonds, sites: int) -> int | None:
    """Where in the order the first bond is that closes a loop around the box."""
    tree = bonds.tree(sites)
    _, part = connected_components(tree, directed=False)
    heads = np.unique(part, return_index=True)[1]
    held = tree.tocoo()
    graph = coo_array(  # a root outside holds every part of the forest
        (
            np.ones(held.nnz + len(heads)),
            (np.append(held.row, np.full(len(heads), sites)), np.append(held.col, heads)),
        ),
        shape=(sites + 1, sites + 1),
    ).tocsr()
    before = breadth_first_order(graph, sites, directed=False)[1]
    before[sites] = sites
    place = np.zeros(sites + 1, dtype=np.int64)
    which = held.data.astype(np.int64) - 1
    start, end, advance = bonds.start[which], bonds.end[which], bonds.advance[which]
    onward = before[end] == start
    place[np.where(onward, end, start)] = np.where(onward, advance, -advance)
    while (before != sites).any():  # twice as far up the tree each time
        place += place[before]
        before = before[before]
    around = np.flatnonzero(place[bonds.start] + bonds.advance != place[bonds.end])
    return int(around[0]) if len(around) else None


def _crossing(bonds: _Bonds, box: Box, axis: int) -> int | None:
    """Where in the order the highest bond of the lowest way from the first layer of cells to the last is."""
    if box.cells[axis] < 2:
        raise ValueError(
            f"A box that is not periodic along axis {axis} must be 2 cells long or more: got {box.cells}. Take more."
        )
    layer = np.repeat(np.indices(box.cells)[axis].ravel(), box.basis)
    first, last = np.flatnonzero(layer == 0), np.flatnonzero(layer == box.cells[axis] - 1)
    sites = len(box)
    starts = np.concatenate([np.full(len(first), sites), np.full(len(last), sites + 1), bonds.start])
    ends = np.concatenate([first, last, bonds.end])
    wires = len(first) + len(last)  # they come first in the order: free of charge
    wired = _Bonds(np.arange(len(starts)), starts, ends, np.zeros(len(starts), dtype=np.int64))
    tree = wired.tree(sites + 2).tocsr()
    ranks = (tree + tree.T).tocsr()
    before = breadth_first_order(ranks, sites, directed=False)[1]
    site, highest = sites + 1, -1
    while site != sites:
        if before[site] < 0:
            return None
        highest = max(highest, int(ranks[site, before[site]]) - 1)
        site = before[site]
    return highest - wires
