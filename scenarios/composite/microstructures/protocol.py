"""What a microstructure must tell."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scenarios.composite.cell.cell import Cell

__all__ = ["Microstructure"]


class Microstructure(Protocol):
    """One period of a two-phase medium: implement these three, and the cell problem gives its conductivity."""

    @property
    @abstractmethod
    def volume_fraction(self) -> float:
        """Share of the area that is inclusion (phase 1)."""
        ...

    @abstractmethod
    def cell(self, refinement: int) -> Cell:
        """The period, meshed with elements of about 1/``refinement`` periods."""
        ...

    @abstractmethod
    def outline(self) -> list[NDArray[np.float64]]:
        """Closed polygons (corner, 2) of the inclusions in the unit square, for pictures."""
        ...


def fraction_below(volume_fraction: float, limit: float, what: str) -> None:
    """Raise a ValueError unless 0 < ``volume_fraction`` < ``limit``."""
    if not 0 < volume_fraction < limit:
        raise ValueError(
            f"`volume_fraction` of {what} must lie above 0 and below {limit:.9g}"
            f"{', where they touch' if limit < 1 else ''}: got {volume_fraction:g}."
        )


def at_least(refinement: int, least: int) -> None:
    """Raise a ValueError unless ``refinement`` is a whole number of at least ``least``."""
    if refinement != int(refinement) or refinement < least:
        raise ValueError(
            f"`refinement` must be a whole number of at least {least} (elements along a period): got {refinement}."
        )
