"""Dissolved molecules: where they are, and what became of those that were ever there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ledger", "Solute"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ledger:
    """What has happened to the molecules since the beginning, in concentration × µm^d.

    Parameters
    ----------
    start
        How many there were.
    secreted, taken_up
        By cells.
    decayed
        By themselves.
    entered, left
        Through the sides.

    Examples
    --------
    >>> Ledger(start=5.0, secreted=2.0, decayed=3.0).imbalance(4.0)
    0.0
    """

    start: float
    secreted: float = 0.0
    taken_up: float = 0.0
    decayed: float = 0.0
    entered: float = 0.0
    left: float = 0.0

    @property
    def expected(self) -> float:
        """How many there must be now."""
        return self.start + self.secreted + self.entered - self.taken_up - self.decayed - self.left

    def imbalance(self, present: float) -> float:
        """How many are too many or missing where so many are present, over all that ever were there."""
        ever = self.start + self.secreted + self.entered
        return abs(present - self.expected) / ever if ever else abs(present)


@dataclass(frozen=True, eq=False)
class Solute:
    """Molecules dissolved in a medium.

    Parameters
    ----------
    concentration
        In each box, (boxes along each axis).
    ledger
        What became of them.
    """

    concentration: Array
    ledger: Ledger

    def __post_init__(self) -> None:
        self.concentration.setflags(write=False)

    def pack(self) -> dict[str, NDArray[Any]]:
        """Everything about them as named arrays."""
        return {"concentration": np.array(self.concentration), "ledger": np.array(list(vars(self.ledger).values()))}

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Solute:
        """The molecules that were packed; they own their array.

        >>> Solute.unpack(Solute(np.array([1.0, 2.0]), Ledger(start=3.0)).pack()).ledger.start
        3.0
        """
        return cls(np.array(packed["concentration"]), Ledger(*(float(number) for number in packed["ledger"])))

    def __deepcopy__(self, memo: object) -> Solute:
        return self  # nobody writes into it: a method makes a new one
