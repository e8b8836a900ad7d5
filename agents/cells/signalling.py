"""Cells on a lattice in a field of molecules that they secrete, take up, follow and divide by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from agents.cells.fields import Medium, Solute
from agents.cells.lattice import LatticeCells
from agents.cells.population import Cells
from agents.cells.rules import Sweeps

__all__ = ["SignallingCells", "Tissue"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tissue:
    """Cells, and the molecules around them.

    Parameters
    ----------
    cells
        Where they are.
    signal
        And what they signal with.
    """

    cells: Cells
    signal: Solute

    def pack(self) -> dict[str, NDArray[Any]]:
        """Everything about both as named arrays."""
        cells, signal = self.cells.pack(), self.signal.pack()
        return {f"cells_{name}": value for name, value in cells.items()} | {
            f"signal_{name}": value for name, value in signal.items()
        }

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Tissue:
        """The tissue that was packed; it owns its arrays."""
        parts = {
            part: {name.removeprefix(part): value for name, value in packed.items() if name.startswith(part)}
            for part in ("cells_", "signal_")
        }
        return cls(Cells.unpack(parts["cells_"]), Solute.unpack(parts["signal_"]))

    def __deepcopy__(self, memo: object) -> Tissue:
        return self  # nobody writes into it: a method makes a new one


@dataclass(frozen=True, eq=False)
class SignallingCells:
    """Cells on a lattice in a field: the macro state is their densities and the signal, (types + 1, column).

    In each step first the field moves on, implicitly, among cells that stay where they are; then the cells move, divide
    and die in the field that has come of it: of first order in the step. The boxes of the medium are the sites of the
    lattice or, of a medium along x alone, its columns, each well mixed.

    *How to choose* the step: below the time in which a cell hops, 1 / motility, divided by the share of sites that are
    taken, and in which the signal changes, 1 / (decay + uptake); halve it, and see whether anything changes. A medium
    along x alone is for molecules that cross a column faster than cells there change.

    Parameters
    ----------
    cells
        Whose rules say how they follow the signal, and divide by it.
    medium
        Of as many boxes as there are sites or columns, of the size of a site.
    step
        Of time, between two looks at each other (h).
    secretion
        What a cell of each type adds to the concentration of its own site (concentration / h); one number is for all.
    uptake
        The rate at which a cell of each type clears its own site while the concentration is low (1/h); likewise.

    Raises
    ------
    ValueError
        If boxes and sites are not the same, rates are negative or of another number of types, or the step is not
        positive or no multiple of the cells' own.

    Examples
    --------
    >>> from agents.cells.rules import CellType
    >>> from agents.cells.sites import Sites
    >>> cells = LatticeCells(Sites((3, 10), spacing=20.0), (CellType(motility=1.0, chemotaxis=0.5),))
    >>> tissue = SignallingCells(cells, Medium((3,), 20.0, diffusion=900.0, decay=1.0), step=0.1, uptake=2.0)
    >>> tissue.restrict(tissue.lift(np.array([[0.5, 0.2, 0.0], [3.0, 2.0, 1.0]]), np.random.default_rng(0)))
    array([[0.5, 0.2, 0. ],
           [3. , 2. , 1. ]])
    """

    cells: LatticeCells
    medium: Medium
    step: float
    secretion: float | tuple[float, ...] = 0.0
    uptake: float | tuple[float, ...] = 0.0

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        sites, medium = self.cells.sites, self.medium
        if medium.shape not in (sites.shape, sites.shape[:1]) or medium.spacing != sites.spacing:
            raise ValueError(
                f"The medium must have a box for each site, {sites.shape}, or for each column, {sites.shape[:1]}, of "
                f"{sites.spacing:g}: got {medium.shape} of {medium.spacing:g}."
            )
        for name in ("secretion", "uptake"):
            rates = np.atleast_1d(np.asarray(getattr(self, name), dtype=np.float64))
            if rates.shape not in ((1,), (len(self.cells.types),)) or not ((rates >= 0) & (rates < inf)).all():
                raise ValueError(
                    f"`{name}` must be one rate or one for each of {len(self.cells.types)} types, finite and not "
                    f"negative: got {getattr(self, name)}."
                )
        if not 0 < self.step < inf:
            raise ValueError(f"`step` must be positive: got {self.step}.")
        timing = self.cells.timing
        if isinstance(timing, Sweeps) and not _is_multiple(self.step, timing.step):
            raise ValueError(
                f"`step` must be a multiple of the cells' time step {timing.step:g}: got {self.step:g}. Take "
                f"{max(round(self.step / timing.step), 1) * timing.step:g}."
            )

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The densities and the concentration, where their columns are, and what they may be."""
        signal = {"name": "signal", "unit": "nM", "coordinates": {"x": self.cells.sites.x}, "bounds": (0.0, inf)}
        return (*self.cells.fields, signal)

    @property
    def time_step(self) -> float:
        """Of which a duration must be a multiple."""
        return self.step

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Tissue:
        """Whole cells at these densities, in a field that is the same everywhere in a column.

        Raises
        ------
        ValueError
            If there is not one density per type and column, and a concentration; or as the cells' `lift`.
        """
        given = np.asarray(macro, dtype=np.float64)
        wanted = (len(self.cells.types) + 1, self.cells.sites.columns)
        if given.shape != wanted:
            raise ValueError(f"There must be densities of each type and the signal, {wanted}: got {given.shape}.")
        cells = self.cells.lift(given[:-1], rng)
        along = given[-1].reshape(-1, *[1] * (len(self.medium.shape) - 1))
        return Tissue(cells, self.medium.solute(np.broadcast_to(along, self.medium.shape)))

    def lift_steady(self, densities: NDArray[np.float64], rng: Generator) -> Tissue:
        """Whole cells at these densities, (type, column), in the field that is steady around them.

        For a signal that adjusts itself faster than the densities change.
        """
        cells = self.cells.lift(densities, rng)
        return Tissue(cells, self.medium.solute(self.medium.steady(*self._activity(cells))))

    def steady_signal(self, densities: ArrayLike) -> Array:
        """The field that is steady around cells at these mean densities, (type, column), along x, (column,)."""
        shares = np.asarray(densities, dtype=np.float64)
        line = replace(self.medium, shape=self.medium.shape[:1], sides=self.medium.sides[:1])
        secretion, uptake = (self._rates(name) @ shares for name in ("secretion", "uptake"))
        return line.steady(secretion, uptake)

    def evolve(self, micro: Tissue, duration: float, rng: Generator) -> Tissue:
        """The tissue after ``duration``.

        Raises
        ------
        ValueError
            If the duration is negative or no multiple of the step.
        """
        steps = round(duration / self.step)
        if not 0 <= duration < inf or not (steps == 0 == duration or _is_multiple(duration, self.step)):
            raise ValueError(
                f"A duration must be a multiple of the step {self.step:g}, not negative: got {duration:g}. Take "
                f"{max(steps, 0) * self.step:g} or {(max(steps, 0) + 1) * self.step:g}."
            )
        cells, signal = micro.cells, micro.signal
        for _ in range(steps):
            signal = self.medium.evolve(signal, self.step, *self._activity(cells))
            cells = self.cells.evolve(cells, self.step, rng, self.read(signal))
        return Tissue(cells, signal)

    def restrict(self, micro: Tissue) -> NDArray[np.float64]:
        """Densities of each type, and the mean concentration: (types + 1, column)."""
        concentration = micro.signal.concentration
        return np.vstack((self.cells.restrict(micro.cells), concentration.reshape(len(concentration), -1).mean(axis=1)))

    def read(self, signal: Solute) -> Array:
        """The concentration at each site, (site,)."""
        concentration = signal.concentration.ravel()
        return np.repeat(concentration, len(self.cells.sites) // concentration.size)

    def imbalance(self, micro: Tissue) -> float:
        """Molecules that are too many or missing, over all that ever were there."""
        return self.medium.imbalance(micro.signal)

    def pack(self, micro: Tissue) -> dict[str, NDArray[Any]]:
        """The tissue as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Tissue:
        """The tissue that was packed."""
        return Tissue.unpack(packed)

    def agent_updates(self, macro: NDArray[np.float64], duration: float) -> float:
        """Attempts of cells to do something while the macro state is evolved, as many as there are at the start."""
        return self.cells.agent_updates(np.asarray(macro)[:-1], duration)

    def warm(self) -> None:
        """Compile what `lift` and `evolve` need."""
        self.cells.warm()

    def _rates(self, name: str) -> Array:
        return np.broadcast_to(np.asarray(getattr(self, name), dtype=np.float64), len(self.cells.types))

    def _activity(self, cells: Cells) -> tuple[Array, Array]:
        """What the cells of each box secrete, and by what rate they clear it."""
        boxes = cells.occupied.reshape(*self.medium.shape, -1)
        given, cleared = np.zeros(self.medium.shape), np.zeros(self.medium.shape)
        for kind, (secretion, uptake) in enumerate(zip(self._rates("secretion"), self._rates("uptake"), strict=True)):
            share = (boxes == kind + 1).mean(axis=-1)
            given += secretion * share
            cleared += uptake * share
        return given, cleared


def _is_multiple(duration: float, step: float) -> bool:
    return round(duration / step) >= 1 and abs(round(duration / step) * step - duration) <= 1e-9 * duration
