"""A population of cells on a lattice: where they are, and how many were born and died."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cells"]


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells on sites, at most one on each.

    Parameters
    ----------
    occupied
        Of each site, (site,): 0 where it is free, else 1 + the number of the cell's type.
    births, deaths
        Of each type since the population was made, (type,).
    time
        Since it was made.

    Examples
    --------
    >>> Cells.of(np.array([0, 1, 0, 2]), types=2).counts
    array([1, 1])
    """

    occupied: NDArray[np.int8]
    births: NDArray[np.int64]
    deaths: NDArray[np.int64]
    time: float = 0.0

    def __post_init__(self) -> None:
        for array in (self.occupied, self.births, self.deaths):
            array.setflags(write=False)

    @classmethod
    def of(cls, occupied: NDArray[Any], types: int = 1) -> Cells:
        """Cells to which nothing has happened yet.

        Raises
        ------
        ValueError
            If a site holds something else than nothing or a cell of one of the types.
        """
        given = np.asarray(occupied)
        if given.size and not ((given >= 0) & (given <= types)).all():
            raise ValueError(f"A site must be free, 0, or hold a cell of types 1 to {types}: got {np.unique(given)}.")
        nobody = np.zeros(types, dtype=np.int64)
        return cls(given.astype(np.int8), nobody, nobody.copy())

    @property
    def counts(self) -> NDArray[np.int64]:
        """Cells of each type, (type,)."""
        return np.bincount(self.occupied, minlength=len(self.births) + 1)[1:]

    def pack(self) -> dict[str, NDArray[Any]]:
        """Everything about them as named arrays."""
        return {name: np.array(value) for name, value in vars(self).items()}

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Cells:
        """The cells that were packed; they own their arrays.

        >>> Cells.unpack(Cells.of(np.array([0, 1])).pack()).occupied
        array([0, 1], dtype=int8)
        """
        arrays = {name: np.array(packed[name]) for name in ("occupied", "births", "deaths")}
        return cls(**arrays, time=float(packed["time"]))

    def __deepcopy__(self, memo: object) -> Cells:
        return self  # nobody writes into cells: a method makes new ones
