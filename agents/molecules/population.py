"""A population of molecules: how many there are, and what has happened to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agents.systematic import LARGEST

__all__ = ["Molecules"]


@dataclass(frozen=True, eq=False)
class Molecules:
    """Molecules, and what happened to them since they were made.

    Parameters
    ----------
    counts
        Of each species, (species,) or (species, voxel).
    integral
        Time integral of the counts, of their shape: the difference between two states over the time between them
        is the mean count, exactly.
    firings
        How often each reaction happened, (reaction,) or (reaction, voxel).
    time
        Since they were made.

    Examples
    --------
    >>> Molecules.of([3, 0], reactions=1).firings
    array([0])
    """

    counts: NDArray[np.int64]
    integral: NDArray[np.float64]
    firings: NDArray[np.int64]
    time: float = 0.0

    def __post_init__(self) -> None:
        for array in (self.counts, self.integral, self.firings):
            array.setflags(write=False)

    @classmethod
    def of(cls, counts: ArrayLike, reactions: int) -> Molecules:
        """Molecules to which nothing has happened yet.

        Raises
        ------
        ValueError
            If a count is negative, no whole number, or 2^53 or more.
        """
        given = np.asarray(counts)
        if not ((given >= 0) & (given < LARGEST)).all():
            raise ValueError(f"Counts of molecules must be whole numbers, not negative, below 2^53: got {given}.")
        whole = given.astype(np.int64)
        if not (whole == given).all():
            raise ValueError(f"Counts of molecules must be whole numbers, not negative: got {given}.")
        return cls(whole, np.zeros(whole.shape), np.zeros((reactions, *whole.shape[1:]), dtype=np.int64))

    def pack(self) -> dict[str, NDArray[Any]]:
        """Everything about them as named arrays."""
        return {name: np.array(value) for name, value in vars(self).items()}

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Molecules:
        """The molecules that were packed; they own their arrays.

        >>> Molecules.unpack(Molecules.of([3, 0], reactions=1).pack()).counts
        array([3, 0])
        """
        arrays = {name: np.array(packed[name]) for name in ("counts", "integral", "firings")}
        return cls(**arrays, time=float(packed["time"]))

    def __deepcopy__(self, memo: object) -> Molecules:
        return self  # nobody writes into molecules: a method makes new ones
