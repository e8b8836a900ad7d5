"""The first cosine modes of density: the macro state of a field without flux at its ends, and its noise filter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cells import Cells, LatticeCells

__all__ = ["CosineModes"]

Array = NDArray[np.float64]

_NEAR = 1e-5  # of the density: far below what a cell more or less in a column is
_PROJECTIONS = 60


@dataclass(frozen=True, eq=False)
class CosineModes:
    """Cells on a lattice whose macro state is the first modes of their density: c(x) = Σ a_k cos(k π x / L).

    Lifting adds the modes up; where that is below 0 or above 1, the waves that are no modes are changed until it is not
    and the modes are still what they were, as nearly as they can be: cutting it off alone would make cells, in every
    burst. Restricting projects the densities of the columns on the modes. Densities of the columns themselves are no
    macro state to project: their noise is leapt over with them, and the finest waves set the step.

    *How to choose* the number: a wave of two front widths sqrt(D / λ) must be among them, K = 1.27 L sqrt(λ / D); the
    fastest mode decays at D (K - 1)² π² / L², and a step is stable up to 2.78 over that by Runge and Kutta's method.

    Parameters
    ----------
    cells
        The lattice and its cells, of one type.
    count
        How many modes.

    Raises
    ------
    ValueError
        If there are more modes than columns, or several types.

    Examples
    --------
    >>> from agents.cells import CellType, Sites
    >>> model = CosineModes(LatticeCells(Sites((40, 100), periodic=(False, True)), (CellType(1.0),)), 3)
    >>> model.restrict(model.lift(np.array([0.5, 0.3, 0.0]), np.random.default_rng(0))).round(2) + 0.0
    array([0.5, 0.3, 0. ])
    """

    cells: LatticeCells
    count: int

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        if len(self.cells.types) != 1:
            raise ValueError(f"Modes are those of one type of cells: got {len(self.cells.types)}.")
        if not 1 <= self.count <= self.cells.sites.columns:
            raise ValueError(
                f"There must be between 1 and {self.cells.sites.columns} modes, as many as columns: got {self.count}."
            )

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The amplitudes."""
        return ({"name": "amplitude", "unit": "1", "coordinates": {"mode": np.arange(self.count, dtype=np.float64)}},)

    @cached_property
    def waves(self) -> Array:
        """The modes at the columns, (mode, column)."""
        columns = self.cells.sites.columns
        return np.cos(np.pi * np.outer(np.arange(self.count), np.arange(columns) + 0.5) / columns)

    def profile(self, modes: Array) -> Array:
        """Densities of the columns, (..., mode) -> (..., column)."""
        return np.asarray(modes @ self.waves)

    def modes(self, profile: Array) -> Array:
        """Amplitudes of the modes, (..., column) -> (..., mode)."""
        amplitudes = 2 * profile @ self.waves.T / self.cells.sites.columns
        amplitudes[..., 0] /= 2
        return np.asarray(amplitudes)

    def densities(self, modes: Array) -> Array:
        """Densities of the columns with these modes, between 0 and 1: alternating projections on the two conditions.

        L. M. Bregman, Sov. Math. Dokl. 6 (1965) 688; it ends at a point of both where there is one.
        """
        densities = self.profile(modes)
        for _ in range(_PROJECTIONS):
            within = np.clip(densities, 0.0, 1.0)
            missing = modes - self.modes(within)
            if np.abs(missing).max() < _NEAR:
                break
            densities = within + self.profile(missing)
        return np.clip(densities, 0.0, 1.0)

    def lift(self, macro: Array, rng: Generator) -> Cells:
        """Cells with a density of these modes."""
        return self.cells.lift(self.densities(macro)[np.newaxis], rng)

    def evolve(self, micro: Cells, duration: float, rng: Generator) -> Cells:
        """The cells after ``duration``."""
        return self.cells.evolve(micro, duration, rng)

    def restrict(self, micro: Cells) -> Array:
        """The modes of their density."""
        return self.modes(self.cells.restrict(micro)[0])

    def drift(self, before: Cells, after: Cells, duration: float) -> Array:
        """The mean rate at which the modes change between two populations, for `eqfree.projective.Observed`."""
        return self.modes((self.cells.drift(before)[0] + self.cells.drift(after)[0]) / 2)

    def pack(self, micro: Cells) -> dict[str, NDArray[Any]]:
        """The cells as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Cells:
        """The cells that were packed."""
        return Cells.unpack(packed)

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Attempts of cells while the macro state is evolved."""
        return self.cells.agent_updates(np.clip(self.profile(macro), 0.0, 1.0)[np.newaxis], duration)

    def warm(self) -> None:
        """Compile what is needed."""
        self.cells.warm()
