"""An even population told by its density, or by its density and its pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cells import Cells, LatticeCells, pair_probability, with_pairs

__all__ = ["DensityAlone", "DensityAndPairs"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DensityAlone:
    """Cells whose macro state is their mean density, (1,).

    Examples
    --------
    >>> from agents.cells import CellType, Sites
    >>> model = DensityAlone(LatticeCells(Sites((10, 10)), (CellType(1.0, 1.0),)))
    >>> model.restrict(model.lift(np.array([0.2]), np.random.default_rng(0)))
    array([0.2])
    """

    cells: LatticeCells

    thread_safe = True
    deterministic = False

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The density."""
        return ({"name": "density", "unit": "1", "bounds": (0.0, 1.0)},)

    def lift(self, macro: Array, rng: Generator) -> Cells:
        """Cells as many on every column."""
        return self.cells.lift(np.full((1, self.cells.sites.columns), macro[0]), rng)

    def evolve(self, micro: Cells, duration: float, rng: Generator) -> Cells:
        """The cells after ``duration``."""
        return self.cells.evolve(micro, duration, rng)

    def restrict(self, micro: Cells) -> Array:
        """Their mean density."""
        return np.array([(micro.occupied > 0).mean()])

    def pack(self, micro: Cells) -> dict[str, NDArray[Any]]:
        """The cells as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Cells:
        """The cells that were packed."""
        return Cells.unpack(packed)

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Attempts of cells while the macro state is evolved."""
        return self.cells.agent_updates(np.full((1, self.cells.sites.columns), macro[0]), duration)

    def warm(self) -> None:
        """Compile what is needed."""
        self.cells.warm()


@dataclass(frozen=True, eq=False)
class DensityAndPairs:
    """Cells whose macro state is their mean density and how often neighbouring sites are both occupied, (2,).

    Lifting anneals the cells until there are as many pairs: see `agents.cells.with_pairs`.

    Examples
    --------
    >>> from agents.cells import CellType, Sites
    >>> model = DensityAndPairs(LatticeCells(Sites((50, 50)), (CellType(1.0, 1.0),)))
    >>> model.restrict(model.lift(np.array([0.2, 0.08]), np.random.default_rng(0))).round(3)
    array([0.2 , 0.08])
    """

    cells: LatticeCells

    thread_safe = True
    deterministic = False

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The density and the pair probability."""
        return tuple({"name": name, "unit": "1", "bounds": (0.0, 1.0)} for name in ("density", "pairs"))

    def lift(self, macro: Array, rng: Generator) -> Cells:
        """Cells as many on every column, with as many pairs, as near to that as pairs can be."""
        density, pairs = float(macro[0]), float(macro[1])
        possible = min(max(pairs, 2 * density - 1, 0.0), density)
        even = np.full((1, self.cells.sites.columns), density)
        return Cells.of(with_pairs(even, possible, self.cells.sites, rng))

    def evolve(self, micro: Cells, duration: float, rng: Generator) -> Cells:
        """The cells after ``duration``."""
        return self.cells.evolve(micro, duration, rng)

    def restrict(self, micro: Cells) -> Array:
        """Their mean density and pair probability."""
        return np.array([(micro.occupied > 0).mean(), pair_probability(micro.occupied, self.cells.sites)])

    def pack(self, micro: Cells) -> dict[str, NDArray[Any]]:
        """The cells as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Cells:
        """The cells that were packed."""
        return Cells.unpack(packed)

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Attempts of cells while the macro state is evolved."""
        return self.cells.agent_updates(np.full((1, self.cells.sites.columns), macro[0]), duration)

    def warm(self) -> None:
        """Compile what is needed."""
        self.cells.warm()
        self.restrict(self.lift(np.array([0.5, 0.25]), np.random.default_rng(0)))
