"""Micro-models: molecules with lift, evolve and restrict, as equation-free methods want them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.molecules.lifting import nearest, place, whole_totals
from agents.molecules.network import Network
from agents.molecules.population import Molecules
from agents.molecules.ssa import Direct, Method, RandomTimeChange, trace
from agents.molecules.tables import Tables

__all__ = ["WellMixed"]


@dataclass(frozen=True, eq=False)
class WellMixed:
    """Molecules in a well-mixed volume: the macro state is concentrations, (species,).

    lift rounds concentration × volume to whole molecules with what the network conserves exact, see `place`;
    restrict divides the counts by the volume. Where ``species`` names some only, they alone are the macro
    state: the others are lifted as near to the network's concentrations at the start as its conservation laws
    and the macro state allow, see `nearest`, and it is these concentrations that say what the totals are. Fast
    ones among them heal; ``relift`` starts from those of a population instead.

    Parameters
    ----------
    network
        What reacts.
    volume
        Molecules per concentration of 1.
    species
        Names of those whose concentrations are the macro state; all, if there is none.
    method
        How they react.

    Raises
    ------
    ValueError
        If the volume is not positive, the network has no such species, or one is named twice.

    Examples
    --------
    >>> from agents.molecules import read_network
    >>> model = WellMixed(read_network("brusselator"), volume=1000.0)
    >>> model.restrict(model.lift(np.array([1.0, 3.0]), np.random.default_rng(0)))
    array([1., 3.])
    """

    network: Network
    volume: float
    species: Sequence[str] = ()
    method: Method = field(default_factory=Direct)

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        Tables.of(self.network, self.volume)
        if isinstance(self.species, str):
            raise ValueError(f"`species` must be a sequence of names: got {self.species!r}. Write ({self.species!r},).")
        names = tuple(self.species) or tuple(self.network.species)
        for name in names:
            self.network.index(name)
        if len(set(names)) < len(names):
            raise ValueError(f"`species` must differ from each other: got {', '.join(names)}.")
        object.__setattr__(self, "species", names)

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The concentrations, their unit, and that they are not negative."""
        unit = self.network.units.concentration or "1"
        return tuple({"name": name, "unit": unit, "bounds": (0.0, inf)} for name in self.species)

    @cached_property
    def tables(self) -> Tables:
        """The network in this volume as the kernels read it."""
        return Tables.of(self.network, self.volume)

    def conserved(self, macro: NDArray[np.float64]) -> NDArray[np.float64]:
        """The totals that the network's laws weigh, in molecules, (laws,)."""
        return whole_totals(self._expected(macro), self.network.conserved).astype(np.float64)

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Molecules:
        """Whole molecules at these concentrations.

        Raises
        ------
        ValueError
            If there is not one concentration per species of the macro state, one is negative or not finite, or the
            totals do not allow them.
        """
        return self._place(self._expected(macro), rng)

    def relift(self, macro: NDArray[np.float64], previous: Molecules, rng: Generator) -> Molecules:
        """Molecules at these concentrations, the other species as near as may be to those of a population.

        Raises
        ------
        ValueError
            As `lift` does.
        """
        return self._place(self._expected(macro, previous.counts.astype(np.float64)), rng)

    def evolve(self, micro: Molecules, duration: float, rng: Generator) -> Molecules:
        """The molecules after ``duration``."""
        return self.method.advance(self.tables, micro, duration, rng)

    def restrict(self, micro: Molecules) -> NDArray[np.float64]:
        """Concentrations, (species,)."""
        return np.asarray(micro.counts[self._places] / self.volume)

    def trace(
        self, micro: Molecules, times: NDArray[np.float64], rng: Generator
    ) -> tuple[Molecules, NDArray[np.float64]]:
        """The molecules after the last of the times, measured from now, and concentrations at each, (time, species).

        An exact method is traced by `Direct`, which has the same law, in one compiled call.
        """
        if isinstance(self.method, (Direct, RandomTimeChange)):
            after, counts = trace(self.tables, micro, times, rng)
            return after, np.asarray(counts[:, self._places] / self.volume)
        macros = []
        for duration in np.diff(times, prepend=0.0).tolist():
            micro = self.evolve(micro, duration, rng)
            macros.append(self.restrict(micro))
        return micro, np.array(macros)

    def pack(self, micro: Molecules) -> dict[str, NDArray[Any]]:
        """The molecules as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Molecules:
        """The molecules that were packed."""
        return Molecules.unpack(packed)

    def agent_updates(self, macro: NDArray[np.float64], duration: float) -> float:
        """Reactions that it takes to evolve the macro state, at the rate at which they happen at the start."""
        return float(self.network.propensities(self._expected(macro), self.volume).sum() * duration)

    def warm(self) -> None:
        """Compile what `evolve` needs."""
        nobody = Molecules.of(np.zeros(len(self.network.species)), len(self.network.names))
        self.method.advance(self.tables, nobody, 0.0, Generator(PCG64(0)))

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        return np.array([self.network.index(name) for name in self.species])

    def _place(self, expected: NDArray[np.float64], rng: Generator) -> Molecules:
        return Molecules.of(place(expected, self.network.conserved, rng), len(self.network.names))

    def _expected(
        self, macro: NDArray[np.float64], reference: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Expected numbers of all species, (species,)."""
        numbers = np.asarray(np.asarray(macro, dtype=np.float64) * self.volume)
        if numbers.shape != (len(self.species),):
            raise ValueError(
                f"There must be one concentration for each of {', '.join(self.species)}: got shape {numbers.shape}."
            )
        if not (np.isfinite(numbers) & (numbers >= 0)).all():
            raise ValueError(f"Concentrations must be finite and not negative: got {macro}.")
        count = len(self.network.species)
        if len(numbers) == count:
            ordered = np.empty(count)
            ordered[self._places] = numbers
            return ordered
        near = self.network.initial * self.volume if reference is None else reference
        laws = self.network.conserved
        fixed = np.vstack((np.eye(count)[self._places], laws.astype(np.float64)))
        totals = whole_totals(near, laws).astype(np.float64)
        return nearest(near, fixed, np.concatenate((numbers, totals)), self.network.species)
