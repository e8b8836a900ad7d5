"""The cells of a scratch assay: a lattice population whose macro state is the density in the strips of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cells.lattice import LatticeCells
from agents.cells.population import Cells
from agents.cells.rules import CellType
from agents.cells.sites import Sites
from scenarios.tissue.assay.equation import Law

__all__ = ["ScratchCells"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScratchCells:
    """Cells that move, and from the delay on divide, on sites of the area 1 / capacity.

    A column of sites is sqrt(1 / capacity) wide, but for what makes the field a whole number of them, and a hop along
    it goes that far; so motility is 4 D / width². No cell leaves the field; across it, it is periodic.

    Parameters
    ----------
    law
        Whether they wait, and how contact inhibits division.
    parameters
        ``diffusivity`` D (µm²/h), ``proliferation`` (1/h), ``capacity`` (cells/µm²), and
        ``delay`` (h) where they wait.
    strips
        How many there are.
    strip, height
        Width of a strip and height of the field (µm).

    Raises
    ------
    ValueError
        If the field is smaller than a cell.

    Examples
    --------
    >>> what = {"diffusivity": 500.0, "proliferation": 0.05, "capacity": 2e-3}
    >>> cells = ScratchCells(Law(delayed=False, inhibition=0.0), what, 8, 100.0, 1000.0)
    >>> cells.lattice.sites.shape, round(cells.motility, 2)
    ((36, 45), 4.05)
    """

    law: Law
    parameters: Mapping[str, float]
    strips: int
    strip: float
    height: float

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        if min(self._columns, self._rows) < 1:
            raise ValueError(
                f"The field must be larger than a cell: got {self.strips * self.strip:g} µm by {self.height:g} µm for "
                f"a capacity of {self.parameters['capacity']:g} cells/µm²."
            )

    @property
    def _columns(self) -> int:
        return round(self.strips * self.strip * sqrt(self.parameters["capacity"]))

    @property
    def _rows(self) -> int:
        return round(self.height * sqrt(self.parameters["capacity"]))

    @property
    def spacing(self) -> float:
        """Width of a column (µm)."""
        return self.strips * self.strip / self._columns

    @property
    def motility(self) -> float:
        """Hops that a cell tries in an hour (1/h)."""
        return 4 * self.parameters["diffusivity"] / self.spacing**2

    @cached_property
    def lattice(self) -> LatticeCells:
        """The cells from the delay on."""
        return self._lattice(self.parameters["proliferation"])

    @cached_property
    def waiting(self) -> LatticeCells:
        """The cells before it."""
        return self._lattice(0.0)

    def _lattice(self, proliferation: float) -> LatticeCells:
        sites = Sites((self._columns, self._rows), self.spacing, (False, True))
        return LatticeCells(sites, (CellType(self.motility, proliferation, inhibition=self.law.inhibition or 0.0),))

    @cached_property
    def overlap(self) -> Array:
        """The share of each column that lies in each strip, (column, strip)."""
        edges = np.arange(self._columns + 1) / self._columns * self.strips
        reach = np.clip(edges[:, np.newaxis] - np.arange(self.strips), 0.0, 1.0)
        return np.asarray(np.diff(reach, axis=0) * self._columns / self.strips)

    def lift(self, macro: Array, rng: Generator) -> Cells:
        """Whole cells at densities in strips (cells/µm²).

        Raises
        ------
        ValueError
            If a density is above the capacity.
        """
        occupancy = self.overlap @ np.asarray(macro, dtype=np.float64) / self.parameters["capacity"]
        return self.waiting.lift(occupancy[np.newaxis], rng)

    def evolve(self, micro: Cells, duration: float, rng: Generator) -> Cells:
        """The cells after ``duration`` (h)."""
        delay = self.parameters["delay"] if self.law.delayed else 0.0
        rest = min(max(delay - micro.time, 0.0), duration)
        moved = self.waiting.evolve(micro, rest, rng) if rest > 0 else micro
        return self.lattice.evolve(moved, duration - rest, rng)

    def restrict(self, micro: Cells) -> Array:
        """Densities in strips (cells/µm²)."""
        occupancy = self.lattice.restrict(micro)[0]
        return np.asarray(self.parameters["capacity"] * (occupancy @ self.overlap) / self.overlap.sum(axis=0))

    def pack(self, micro: Cells) -> dict[str, NDArray[Any]]:
        """The cells as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Cells:
        """The cells that were packed."""
        return Cells.unpack(packed)

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Attempts to move and to divide."""
        cells = float(np.sum(macro)) * self.strip * self.height
        return (self.motility + self.parameters["proliferation"]) * cells * duration

    def warm(self) -> None:
        """Compile what `lift` and `evolve` need."""
        self.lattice.warm()
