"""Circular cylinders in a square array."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from scenarios.composite.cell import Cell
from scenarios.composite.microstructures.ellipses import ellipse_cell, ellipse_outline
from scenarios.composite.microstructures.protocol import fraction_below

__all__ = ["Cylinders"]

_NARROWEST = 0.01  # gap between two cylinders, in periods
_DENSEST = pi * ((1 - _NARROWEST) / 2) ** 2 - 5e-4  # volume fraction with such a gap, cut to three digits


@dataclass(frozen=True)
class Cylinders:
    """Parallel circular cylinders, one per period of a square array, meshed by rings with curved edges on the circle.

    *How to choose* the refinement: with elements of degree 2, 16 gives four digits and 48 six, up to a volume fraction
    of one half; narrow gaps between good conductors ask for more, which ``EffectiveTensor.error`` tells.

    Parameters
    ----------
    volume_fraction
        Of the cylinders, below π/4, where they touch; up to 0.769 they can be meshed.

    Raises
    ------
    ValueError
        For a volume fraction of zero or beyond touching; for a refinement below 4 or too coarse for the gap.

    Examples
    --------
    >>> Cylinders(0.3).cell(8).areas().round(12)
    array([0.7, 0.3])
    """

    volume_fraction: float

    def __post_init__(self) -> None:
        fraction_below(self.volume_fraction, pi / 4, "cylinders in a square array")

    def cell(self, refinement: int) -> Cell:
        """The period, meshed with elements of about 1/``refinement``, rounded up to a multiple of 4.

        Raises
        ------
        ValueError
            For another refinement, or cylinders that all but touch: no mesh fits between them.
        """
        gap = 1 - 2 * sqrt(self.volume_fraction / pi)
        if gap < _NARROWEST:
            raise ValueError(
                f"Cylinders closer than a hundredth of a period cannot be meshed: got volume_fraction="
                f"{self.volume_fraction:g}, which leaves {gap:.2g}. Take at most {_DENSEST:.3f}."
            )
        return ellipse_cell(self.volume_fraction, np.eye(2), refinement)

    def outline(self) -> list[NDArray[np.float64]]:
        """The circle in the middle of the unit square, as a polygon (corner, 2)."""
        return ellipse_outline(self.volume_fraction, np.eye(2))
