"""Molecules of which some concentrations are the macro state, each with a change of it that counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.molecules import Molecules, WellMixed
from eqfree.fields import OutOfBoundsError

__all__ = ["Reduced"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reduced:
    """Well-mixed molecules without the one species that the others leave room for.

    The macro state is the concentrations of ``scales``' species, (species,); what they leave of ``total`` is that of
    the ``rest``. A state without room for it is refused as one that no population has, as a solver wants to be told.

    Parameters
    ----------
    model
        Of which all species are the macro state.
    scales
        Species -> a change of its concentration that counts.
    rest, total
        The species that takes what is left, if there is one, and of how much.

    Examples
    --------
    >>> from agents.molecules import read_network
    >>> surface = Reduced(WellMixed(read_network("co_oxidation"), 1000.0), {"A": 0.1, "B": 0.1}, "F")
    >>> surface.model.restrict(surface.lift(np.array([0.2, 0.3]), np.random.default_rng(0))).tolist()
    [0.5, 0.2, 0.3]
    """

    model: WellMixed
    scales: Mapping[str, float]
    rest: str | None = None
    total: float = 1.0

    thread_safe = True
    deterministic = False

    @property
    def fields(self) -> Sequence[Mapping[str, Any]]:
        """The concentrations: their unit, their bounds and scales."""
        unit, most = self.model.network.units.concentration or "1", inf if self.rest is None else self.total
        return [
            {"name": name, "unit": unit, "bounds": (0.0, most), "scale": scale} for name, scale in self.scales.items()
        ]

    def lift(self, macro: Array, rng: Generator) -> Molecules:
        """Whole molecules at these concentrations.

        Raises
        ------
        OutOfBoundsError
            If they leave no room.
        """
        return self.model.lift(self._all(macro), rng)

    def evolve(self, micro: Molecules, duration: float, rng: Generator) -> Molecules:
        """The molecules after ``duration``."""
        return self.model.evolve(micro, duration, rng)

    def restrict(self, micro: Molecules) -> Array:
        """Concentrations, (species,)."""
        return self.model.restrict(micro)[self._places]

    def trace(self, micro: Molecules, times: NDArray[np.float64], rng: Generator) -> tuple[Molecules, Array]:
        """The molecules after the last of the times, measured from now, and concentrations at each, (time, species)."""
        after, macros = self.model.trace(micro, times, rng)
        return after, macros[:, self._places]

    def pack(self, micro: Molecules) -> dict[str, NDArray[Any]]:
        """The molecules as named arrays."""
        return self.model.pack(micro)

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Molecules:
        """The molecules that were packed."""
        return self.model.unpack(packed)

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Reactions that it takes to evolve the macro state."""
        return self.model.agent_updates(self._all(macro), duration)

    def warm(self) -> None:
        """Compile what `evolve` needs."""
        self.model.warm()

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        return np.array([self.model.network.index(name) for name in self.scales])

    def _all(self, macro: Array) -> Array:
        whole = np.zeros(len(self.model.network.species))
        whole[self._places] = macro
        if self.rest is not None:
            left = self.total - float(np.sum(macro))
            if left < 0:
                raise OutOfBoundsError(
                    f"{' + '.join(self.scales)} must be at most {self.total:g}: got {self.total - left:g}. Choose a "
                    "macro state that a population can have."
                )
            whole[self.model.network.index(self.rest)] = left
        return whole
