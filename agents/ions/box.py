"""A box of a crystal: its sites, and where an ion can hop from each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from agents.ions.crystal import Crystal

__all__ = ["Box"]

NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Box:
    """Cells of a crystal side by side.

    Site ``cell * basis + b`` is the b-th of a cell; cells are numbered in C order, the first axis slowest. A *column*
    holds the sites of all cells that have one number along the first axis: it is contiguous.

    Parameters
    ----------
    crystal
        The unit cell.
    cells
        How many of them along each axis.
    periodic
        Whether ions that leave at one face enter at the other; of all axes, or of each.

    Raises
    ------
    ValueError
        If there is not a number of cells for each axis, or a hop would lead to where it began.

    Examples
    --------
    >>> from agents.ions.lattices import square
    >>> box = Box(square(1e-10), (4, 3))
    >>> len(box), box.columns, box.neighbours[0].tolist()
    (12, 4, [1, 2, 3, 9])
    """

    crystal: Crystal
    cells: tuple[int, ...]
    periodic: bool | tuple[bool, ...] = True

    def __post_init__(self) -> None:
        axes = self.crystal.axes
        numbers = tuple(int(number) for number in self.cells if number == int(number))
        if len(numbers) != axes or len(self.cells) != axes or min(numbers) < 1:
            raise ValueError(f"`cells` must be {axes} whole numbers, 1 or more, one for each axis: got {self.cells}.")
        wrapped = (self.periodic,) * axes if isinstance(self.periodic, bool) else tuple(self.periodic)
        if len(wrapped) != axes:
            raise ValueError(f"`periodic` must be told for each of {axes} axes, or for all: got {self.periodic}.")
        object.__setattr__(self, "cells", numbers)
        object.__setattr__(self, "periodic", wrapped)
        if (self.neighbours == np.arange(len(self))[:, np.newaxis]).any():
            raise ValueError(
                f"A hop must lead to another site: got one that goes around the box of {numbers} cells to where it "
                "began. Take more cells."
            )
        for array in (self.neighbours, self.bonds):
            array.setflags(write=False)

    def __len__(self) -> int:
        return int(np.prod(self.cells)) * self.basis

    @property
    def basis(self) -> int:
        """Sites in a cell."""
        return len(self.crystal.positions)

    @property
    def axes(self) -> int:
        """Dimensions of space."""
        return self.crystal.axes

    @property
    def columns(self) -> int:
        """Cells along the first axis."""
        return self.cells[0]

    @property
    def width(self) -> int:
        """Sites in a column."""
        return len(self) // self.columns

    @property
    def volume(self) -> float:
        """Of the box (m in the power of its axes)."""
        return float(np.prod(self.cells)) * self.crystal.volume

    @property
    def x(self) -> NDArray[np.float64]:
        """Where the centres of the columns are along the first lattice vector (m)."""
        centres = np.arange(self.columns, dtype=np.float64) + 0.5
        return centres * float(np.linalg.norm(self.crystal.vectors[0]))

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """Of every site, (site, axis) in m."""
        corners = np.indices(self.cells).reshape(self.axes, -1).T
        fractional = corners[:, np.newaxis, :] + np.asarray(self.crystal.positions)
        return np.asarray(fractional.reshape(-1, self.axes) @ self.crystal.vectors)

    @cached_property
    def kind_names(self) -> tuple[str, ...]:
        """The kinds of sites there are."""
        return tuple(dict.fromkeys(self.crystal.kinds))

    @cached_property
    def site_kinds(self) -> NDArray[np.int64]:
        """Of every site, its kind by number, (site,)."""
        of_cell = [self.kind_names.index(kind) for kind in self.crystal.kinds]
        return np.tile(np.array(of_cell), int(np.prod(self.cells)))

    @cached_property
    def hop_names(self) -> tuple[str, ...]:
        """The kinds of hops there are."""
        return tuple(dict.fromkeys(hop.kind for hop in self.crystal.hops))

    @cached_property
    def bond_kinds(self) -> NDArray[np.int64]:
        """Of every bond, the kind of its hop by number, (bond,)."""
        of_cell = [self.hop_names.index(hop.kind) for hop in self.crystal.hops]
        return np.tile(np.array(of_cell), int(np.prod(self.cells)))

    @cached_property
    def _ways(self) -> tuple[tuple[_Way, ...], ...]:
        """From each site of a cell, the hops that begin there."""
        leaving: list[list[_Way]] = [[] for _ in range(self.basis)]
        for number, hop in enumerate(self.crystal.hops):
            there, back = len(leaving[hop.start]), len(leaving[hop.end]) + (hop.start == hop.end)
            leaving[hop.start].append(_Way(hop.end, np.array(hop.offset), number, True, back))
            leaving[hop.end].append(_Way(hop.start, -np.array(hop.offset), number, False, there))
        return tuple(tuple(those) for those in leaving)

    @cached_property
    def reverse(self) -> NDArray[np.int32]:
        """The way back of each way, both as numbers basis * ways + way, (basis * ways,)."""
        ways = self.crystal.ways
        table = np.zeros((self.basis, ways), dtype=np.int32)
        for b, those in enumerate(self._ways):
            table[b, : len(those)] = [way.end * ways + way.back for way in those]
        return table.ravel()

    @cached_property
    def steps(self) -> NDArray[np.int32]:
        """By how much the number of a site grows along each way, away from the faces, (basis, way); 0 for no way."""
        strides = np.array([int(np.prod(self.cells[axis + 1 :])) for axis in range(self.axes)])
        table = np.zeros((self.basis, self.crystal.ways), dtype=np.int32)
        for b, those in enumerate(self._ways):
            table[b, : len(those)] = [int(way.offset @ strides) * self.basis + way.end - b for way in those]
        return table

    @cached_property
    def local(self) -> NDArray[np.int16]:
        """Of each site its number b in the cell where its ways are the `steps`, else -1 - b, (site,)."""
        numbers = np.arange(len(self)) % self.basis
        steps = self.steps[numbers]
        regular = np.where(steps == 0, NOWHERE, np.arange(len(self))[:, np.newaxis] + steps)
        return np.where((regular == self.neighbours).all(axis=1), numbers, -1 - numbers).astype(np.int16)

    @cached_property
    def displacements(self) -> NDArray[np.float64]:
        """How far the ways lead, (basis, way, axis) in m; 0 where there is no way."""
        positions, vectors = np.asarray(self.crystal.positions), np.asarray(self.crystal.vectors)
        table = np.zeros((self.basis, self.crystal.ways, self.axes))
        for b, those in enumerate(self._ways):
            for w, way in enumerate(those):
                table[b, w] = (positions[way.end] + way.offset - positions[b]) @ vectors
        return table

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """Of the box, a row each (m)."""
        return np.asarray(np.array(self.cells)[:, np.newaxis] * self.crystal.vectors)

    @cached_property
    def crossings(self) -> NDArray[np.int8]:
        """Through which faces each way leaves the box, (site, way, axis): 1 upwards, -1 downwards, else 0."""
        numbers = np.arange(len(self)) % self.basis
        there = np.where(self.neighbours >= 0, self.neighbours, np.arange(len(self))[:, np.newaxis])
        beyond = self.positions[:, np.newaxis] + self.displacements[numbers] - self.positions[there]
        beyond[self.neighbours < 0] = 0.0
        return np.rint(beyond @ np.linalg.inv(self.edges)).astype(np.int8)

    @property
    def neighbours(self) -> NDArray[np.int32]:
        """The sites next to each, (site, way); -1 where there is none."""
        return self._places[0]

    @property
    def bonds(self) -> NDArray[np.int32]:
        """Which bond each way is, (site, way), the same in both directions; -1 where there is none."""
        return self._places[1]

    @cached_property
    def _places(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        shape, hops = np.array(self.cells), len(self.crystal.hops)
        corners = np.indices(self.cells).reshape(self.axes, -1).T
        neighbours = np.full((len(corners), self.basis, self.crystal.ways), NOWHERE, dtype=np.int32)
        bonds = neighbours.copy()
        wraps = np.array(self.periodic)
        for b, those in enumerate(self._ways):
            for w, way in enumerate(those):
                beyond = corners + way.offset
                inside = (((beyond >= 0) & (beyond < shape)) | wraps).all(axis=1)
                cells = np.ravel_multi_index(tuple((beyond % shape).T), self.cells)
                owner = np.arange(len(corners)) if way.forward else cells
                neighbours[:, b, w] = np.where(inside, cells * self.basis + way.end, NOWHERE)
                bonds[:, b, w] = np.where(inside, owner * hops + way.bond, NOWHERE)
        flat = (len(self), self.crystal.ways)
        return neighbours.reshape(flat), bonds.reshape(flat)


@dataclass(frozen=True, eq=False)
class _Way:
    """A hop as one of its two sites sees it."""

    end: int
    offset: NDArray[np.int64]
    bond: int
    forward: bool
    back: int
    """The number of this hop at its end."""
