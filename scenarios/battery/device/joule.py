"""What Joule heating in a body needs once: numbers, prescribed nodes, constant matrices, and where entries go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from scenarios.battery.device.elements import Body, Numbers, Region
from scenarios.battery.laws import Conductivity

__all__ = ["ENDS", "Joule", "Physics", "add_up"]

Array: TypeAlias = NDArray[np.float64]

ENDS = (0.5, -0.5)  #: potentials of the electrodes over the voltage


@dataclass(frozen=True)
class Physics:
    """What a body is made of, and what is around it.

    Attributes
    ----------
    law
        Conductivity (S/m) at a temperature (K).
    thermal_conductivity, heat_capacity
        In W/(m K) and J/(m³ K).
    contact
        Heat transfer of the electrodes in W/(m² K); None if they are as cold as the surroundings.
    contact_resistance
        Of an electrode, in Ω m².
    surroundings
        Temperature in K.
    side_cooling
        Heat transfer of the sides in W/(m² K); None if they are as cold as the surroundings.
    bulk_cooling
        Heat transfer of what is not resolved, per volume, in W/(m³ K).
    """

    law: Conductivity
    thermal_conductivity: float
    heat_capacity: float
    contact: float | None
    contact_resistance: float
    surroundings: float
    side_cooling: float | None
    bulk_cooling: float


@dataclass(frozen=True, eq=False)
class Joule:
    """A body with its physics: all that is the same in every iteration.

    Attributes
    ----------
    body, physics
        Elements, and numbers.
    """

    body: Body
    physics: Physics

    @cached_property
    def electrode_nodes(self) -> tuple[Numbers, Numbers]:
        """Nodes that lie on the two electrodes."""
        first, last = (_touched(electrode) for electrode in self.body.electrodes)
        return first, last

    @cached_property
    def cold(self) -> Numbers:
        """Nodes whose temperature is prescribed."""
        touched = [*self.electrode_nodes] if self.physics.contact is None else []
        if self.physics.side_cooling is None:
            touched.append(_touched(self.body.sides))
        return np.unique(np.concatenate(touched)) if touched else np.empty(0, np.intp)

    @cached_property
    def cold_electrodes(self) -> NDArray[np.bool_]:
        """Which of the `cold` nodes lie on electrodes."""
        return np.isin(self.cold, np.concatenate(self.electrode_nodes)) & (self.physics.contact is None)

    @cached_property
    def free(self) -> Numbers:
        """Which of the temperatures and potentials, one after the other, are sought."""
        held = [self.cold]
        if self.physics.contact_resistance == 0:
            held += [self.body.count + nodes for nodes in self.electrode_nodes]
        return np.setdiff1d(np.arange(2 * self.body.count), np.concatenate(held))

    @cached_property
    def fall(self) -> Array:
        """The straight fall of the potential over the voltage, (node,)."""
        x = self.body.places[:, 0]
        return np.asarray(ENDS[0] + (ENDS[1] - ENDS[0]) * x / x.max())

    @cached_property
    def falling(self) -> float:
        """The gradient of the straight fall (1/m)."""
        return (ENDS[1] - ENDS[0]) / float(self.body.places[:, 0].max())

    @property
    def conductance(self) -> float:
        """Of an electrode's contact (S/m²); 0 where it has no resistance."""
        return 1 / self.physics.contact_resistance if self.physics.contact_resistance > 0 else 0.0

    @cached_property
    def blocks(self) -> tuple[Array, Array, list[Array]]:
        """Of elements: conduction of heat (W/K), and masses (m³); and of both electrodes and sides cooling (W/K)."""
        inside, physics = self.body.inside, self.physics
        transfers = [physics.contact or 0.0, physics.contact or 0.0, physics.side_cooling or 0.0]
        surfaces = [*self.body.electrodes, self.body.sides]
        return (
            physics.thermal_conductivity * inside.stiffnesses.sum(axis=1),
            inside.masses(),
            [h * surface.masses() for h, surface in zip(transfers, surfaces, strict=True)],
        )

    @cached_property
    def conduction(self) -> sparse.csr_array:
        """Heat that is conducted away from nodes, over their temperatures (W/K)."""
        return _matrix(self.body.inside, self.blocks[0], self.body.count)

    @cached_property
    def losses(self) -> sparse.csr_array:
        """Heat that nodes lose to the surroundings, over their temperatures above them (W/K)."""
        total = self.physics.bulk_cooling * self.mass
        for region, block in zip((*self.body.electrodes, self.body.sides), self.blocks[2], strict=True):
            total = total + _matrix(region, block, self.body.count)
        return sparse.csr_array(total)

    @cached_property
    def mass(self) -> sparse.csr_array:
        """Of products of shapes (m³)."""
        return _matrix(self.body.inside, self.blocks[1], self.body.count)

    @cached_property
    def pattern(self) -> Pattern:
        """Where entries go.

        In this order: of elements heat by temperature and by potential, charge by temperature and by potential; cooling
        of both electrodes and of the sides; of each contact heat by potential and charge by potential.
        """
        inside, sides, count = self.body.inside.nodes, self.body.sides.nodes, self.body.count
        first, last = (electrode.nodes for electrode in self.body.electrodes)
        pairs = [(inside, inside), (inside, inside + count), (inside + count, inside), (inside + count, inside + count)]
        pairs += [(nodes, nodes) for nodes in (first, last, sides)]
        for nodes in (first, last):
            pairs += [(nodes, nodes + count), (nodes + count, nodes + count)]
        rows = [np.repeat(row, row.shape[1], axis=1).ravel() for row, _ in pairs]
        columns = [np.tile(column, (1, column.shape[1])).ravel() for _, column in pairs]
        return Pattern.of(np.concatenate(rows), np.concatenate(columns), self.free, 2 * count)

    @cached_property
    def columns(self) -> tuple[Numbers, NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each element its column, and which of its corners lie on the column's two faces."""
        x = self.body.places[:, 0][self.body.inside.nodes]
        low, high = x.min(axis=1, keepdims=True), x.max(axis=1, keepdims=True)
        near = 1e-6 * (high - low)
        column = np.unique((low[:, 0] / x.max()).round(12), return_inverse=True)[1]
        return column, x <= low + near, x >= high - near


@dataclass(frozen=True, eq=False)
class Pattern:
    """Where the entries of elements go in a sparse matrix.

    Attributes
    ----------
    kept, slots : (kept entry,)
        Entries between free unknowns, and where in the matrix' data they are added.
    indices, starts
        Of the matrix, by columns.
    """

    kept: Numbers
    slots: Numbers
    indices: NDArray[np.int32]
    starts: NDArray[np.int32]

    @classmethod
    def of(cls, rows: Numbers, columns: Numbers, free: Numbers, size: int) -> Pattern:
        """Of entries at rows and columns, where of so many unknowns some are free."""
        place = np.full(size, -1)
        place[free] = np.arange(len(free))
        rows, columns = place[rows], place[columns]
        kept = np.flatnonzero((rows >= 0) & (columns >= 0))
        entries, slots = np.unique(columns[kept] * len(free) + rows[kept], return_inverse=True)
        starts = np.searchsorted(entries // len(free), np.arange(len(free) + 1))
        return cls(kept, slots, (entries % len(free)).astype(np.int32), starts.astype(np.int32))

    def fill(self, values: Array) -> sparse.csc_array:
        """The matrix of the entries' values, one element after the other."""
        size = len(self.starts) - 1
        data = np.bincount(self.slots, values[self.kept], len(self.indices))
        return sparse.csc_array((data, self.indices, self.starts), shape=(size, size))


def _touched(surface: Region) -> Numbers:
    """Nodes that lie on it: those whose shapes do not vanish there."""
    return np.unique(surface.nodes[np.abs(surface.shapes).max(axis=1) > 1e-9])


def add_up(region: Region, values: Array, count: int) -> Array:
    """Values of corners (element, corner) -> of nodes (node,)."""
    return np.asarray(np.bincount(region.nodes.ravel(), values.ravel(), count), dtype=np.float64)


def _matrix(region: Region, values: Array, count: int) -> sparse.csr_array:
    corners = region.nodes.shape[1]
    rows = np.repeat(region.nodes, corners, axis=1).ravel()
    columns = np.tile(region.nodes, (1, corners)).ravel()
    return sparse.csr_array((values.ravel(), (rows, columns)), shape=(count, count))
