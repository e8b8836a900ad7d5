"""Ions on the sites of a crystal: where they are, how far they came, and what was read on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Ions", "Windows"]


@dataclass(frozen=True, eq=False)
class Ions:
    """Ions, at most one on a site, each known by its number.

    Parameters
    ----------
    who
        Of each site the ion that is there, (site,), or -1.
    site, species
        Of each ion where it is, and of what kind by number, (ion,).
    displacement
        Of each ion since the population was made, through all faces of the box, (ion, axis) in m.
    hops
        Of each species since then, (species,).
    time
        Since it was made (s).

    Examples
    --------
    >>> Ions.of([0, 1, 0, 1], axes=1).site
    array([1, 3], dtype=int32)
    """

    who: NDArray[np.int32]
    site: NDArray[np.int32]
    species: NDArray[np.int32]
    displacement: NDArray[np.float64]
    hops: NDArray[np.int64]
    time: float = 0.0

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)

    @classmethod
    def of(cls, occupied: ArrayLike, axes: int, species: int = 1) -> Ions:
        """Ions that have not hopped yet.

        Parameters
        ----------
        occupied
            Of each site, (site,): 0 where it is vacant, else 1 + the number of the species.
        axes
            Dimensions of space.
        species
            How many there are.

        Raises
        ------
        ValueError
            If a site holds something else than nothing or an ion of one of the species.
        """
        given = np.asarray(occupied)
        if given.size and not ((given >= 0) & (given <= species)).all():
            raise ValueError(f"A site must be vacant, 0, or hold an ion of 1 to {species}: got {np.unique(given)}.")
        site = np.flatnonzero(given).astype(np.int32)
        who = np.full(len(given), -1, dtype=np.int32)
        who[site] = np.arange(len(site))
        return cls(
            who=who,
            site=site,
            species=(given[site] - 1).astype(np.int32),
            displacement=np.zeros((len(site), axes)),
            hops=np.zeros(species, dtype=np.int64),
        )

    @property
    def counts(self) -> NDArray[np.int64]:
        """Ions of each species, (species,)."""
        return np.bincount(self.species, minlength=len(self.hops))

    @property
    def occupied(self) -> NDArray[np.int8]:
        """Of each site 0 where it is vacant, else 1 + the number of the species, (site,)."""
        return np.where(self.who < 0, 0, np.append(self.species, 0)[self.who] + 1).astype(np.int8)

    def pack(self) -> dict[str, NDArray[Any]]:
        """Everything about them as named arrays."""
        return {name: np.array(value) for name, value in vars(self).items()}

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Ions:
        """The ions that were packed; they own their arrays.

        >>> Ions.unpack(Ions.of([0, 1], axes=1).pack()).who
        array([-1,  0], dtype=int32)
        """
        arrays = {one.name: np.array(packed[one.name]) for one in fields(cls) if one.name != "time"}
        return cls(**arrays, time=float(packed["time"]))

    def __deepcopy__(self, memo: object) -> Ions:
        return self  # nobody writes into ions: evolving makes new ones


@dataclass(frozen=True, eq=False)
class Windows:
    """What was read in consecutive windows of time.

    Parameters
    ----------
    duration
        Of one of them (s).
    counts
        Ions of each species, (species,).
    collective
        Sum of the displacements of all ions of a species, (window, species, axis) in m.
    tracer
        Sum over the ions of a species of displacement times displacement, (window, species, axis, axis) in m².
    hops
        (window, species).
    cosines, turns
        Sum of cosines between consecutive hops of the same ion, and how many pairs of them, (window, species).
    """

    duration: float
    counts: NDArray[np.int64]
    collective: NDArray[np.float64]
    tracer: NDArray[np.float64]
    hops: NDArray[np.int64]
    cosines: NDArray[np.float64]
    turns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.collective)
