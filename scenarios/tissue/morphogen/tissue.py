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
from scenarios.tissue.modes import CosineModes
from scenarios.tissue.morphogen.settings import MorphogenSettings

__all__ = ["Gradient", "Observed"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Observed:
    """A tissue, and the noise in its modes.

    Parameters
    ----------
    tissue
        Cells and morphogen.
    noise : (mode,)
        A number of mean zero that its modes have to do with.
    """

    tissue: Tissue
    noise: Array

    def __deepcopy__(self, memo: object) -> Observed:
        return self  # nobody writes into it: a method makes a new one


@dataclass(frozen=True, eq=False)
class Gradient:
    """Cells in the gradient of a source; the macro state is the first cosine modes of their density.

    Morphogen diffuses through the tissue in an hour or so, densities change in days: the field is lifted as the one
    that is steady around the cells, and then follows them. What is finer than the modes decays within the healing.

    The modes a are read without most of their noise. With the mean rates r of all hops, births and deaths that the
    cells could make, M = a - ∫ r dt is a martingale: the noise of which of these happened. What has become of it,
    N' = M' - γ N with the rate γ at which a mode decays, has mean zero whatever γ is, and a - N has the mean of a;
    where rates are linear in the modes it has no other noise than that of the lift.

    Parameters
    ----------
    options
        Of cells and morphogen.
    source
        Source strength (nM µm/h).

    References
    ----------
    The martingale: S. N. Ethier & T. G. Kurtz, Markov Processes (1986), prop. 4.1.7 (Dynkin's formula).
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

    @cached_property
    def decay(self) -> Array:
        """About how fast disturbances of the modes die, (mode,) (1/h): the cells' lives, and their hops."""
        given = self.options
        waves = np.pi * np.arange(given.modes) / given.length
        return np.asarray(given.death + given.motility * given.diameter**2 / 4 * waves**2)

    def lift(self, macro: Array, rng: Generator) -> Observed:
        """Cells with a density of these modes, and the morphogen that is steady around them."""
        tissue = self.tissue.lift_steady(self.modes.densities(macro)[np.newaxis], rng)
        return Observed(tissue, np.zeros(self.options.modes))

    def evolve(self, micro: Observed, duration: float, rng: Generator) -> Observed:
        """The tissue after so many hours; rates by the trapezoidal rule over each step."""
        tissue, noise, step = micro.tissue, micro.noise, self.options.step
        cells, fades = self.tissue.cells, np.exp(-self.decay * step / 2)
        for _ in range(round(duration / step)):
            before, tissue = tissue, self.tissue.evolve(tissue, step, rng)
            signal = self.tissue.read(tissue.signal)  # the one that the cells read in this step
            rates = (cells.drift(before.cells, signal) + cells.drift(tissue.cells, signal)) / 2
            changes = cells.restrict(tissue.cells) - cells.restrict(before.cells) - step * rates
            noise = fades * (fades * noise + self.modes.modes(changes[0]))
        return Observed(tissue, noise)

    def restrict(self, micro: Observed) -> Array:
        """The modes of the density, without their noise."""
        return self.modes.restrict(micro.tissue.cells) - micro.noise

    def pack(self, micro: Observed) -> dict[str, NDArray[Any]]:
        """The tissue as named arrays."""
        return micro.tissue.pack() | {"noise": np.array(micro.noise)}

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Observed:
        """The tissue that was packed."""
        tissue = {name: value for name, value in packed.items() if name != "noise"}
        return Observed(Tissue.unpack(tissue), np.array(packed["noise"]))

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Attempts of cells while the macro state is evolved."""
        return self.modes.agent_updates(macro, duration)

    def warm(self) -> None:
        """Compile what is needed."""
        self.tissue.warm()
