"""The tissue beside a source: its cells and its morphogen as a micro-model of a few modes of density."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cells import CellType, LatticeCells, Sites
from agents.cells.fields import Closed, Influx, Medium
from agents.cells.signalling import SignallingCells, Tissue
from scenarios.tissue.morphogen.settings import MorphogenSettings
from scenarios.tissue.wound.modes import CosineModes

__all__ = ["Gradient"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gradient:
    """Cells in the gradient of a source; the macro state is the first cosine modes of their density.

    Morphogen diffuses through the tissue in an hour or so, densities change in days: the field is lifted as the one
    that is steady around the cells, and then follows them. What is finer than the modes decays within the healing.

    Parameters
    ----------
    options
        Of cells and morphogen.
    source
        Source strength (nM µm/h).
    """

    options: MorphogenSettings
    source: float

    thread_safe = True
    deterministic = False

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The amplitudes: the mean density first."""
        waves = {"mode": np.arange(1.0, self.options.modes)}
        mean = {"name": "mean density", "bounds": (0.0, 1.0), "scale": 0.1}
        return (mean, {"name": "amplitude", "coordinates": waves, "scale": 0.1}) if self.options.modes > 1 else (mean,)

    @property
    def time_step(self) -> float:
        """Of which a duration must be a multiple (h)."""
        return self.options.step

    @cached_property
    def tissue(self) -> SignallingCells:
        """Cells on their lattice, and the morphogen along it."""
        given = self.options
        sites = Sites((given.columns, given.width), given.diameter, (False, True))
        cell = CellType(
            given.motility,
            given.proliferation,
            given.death,
            chemotaxis=given.chemotaxis,
            half_signal=given.half_signal,
        )
        sides = ((Influx(self.source), Closed()),)
        medium = Medium((given.columns,), given.diameter, given.diffusion, given.decay, sides=sides)
        return SignallingCells(LatticeCells(sites, (cell,)), medium, given.step, uptake=given.uptake)

    @cached_property
    def modes(self) -> CosineModes:
        """What turns densities into modes and back."""
        return CosineModes(self.tissue.cells, self.options.modes)

    def lift(self, macro: Array, rng: Generator) -> Tissue:
        """Cells with a density of these modes, and the morphogen that is steady around them."""
        return self.tissue.lift_steady(self.modes.densities(macro)[np.newaxis], rng)

    def evolve(self, micro: Tissue, duration: float, rng: Generator) -> Tissue:
        """The tissue after so many hours."""
        return self.tissue.evolve(micro, duration, rng)

    def restrict(self, micro: Tissue) -> Array:
        """The modes of the density."""
        return self.modes.restrict(micro.cells)

    def profiles(self, before: Tissue, after: Tissue, duration: float) -> Array:
        """Density and signal in each column afterwards, (2, column): for ``observe``."""
        return self.tissue.restrict(after)

    def pack(self, micro: Tissue) -> dict[str, NDArray[Any]]:
        """The tissue as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Tissue:
        """The tissue that was packed."""
        return Tissue.unpack(packed)

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Attempts of cells while the macro state is evolved."""
        return self.modes.agent_updates(macro, duration)

    def warm(self) -> None:
        """Compile what is needed."""
        self.tissue.warm()
