"""What two phases conduct, at a temperature."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Phases"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Phases:
    """k(T) = k · (1 + slope · (T - reference)) of matrix and inclusion.

    Parameters
    ----------
    conductivities
        At the reference, matrix first (W/(m K)).
    slopes
        Relative, per kelvin (1/K).
    reference
        Temperature (K).

    Raises
    ------
    ValueError
        For conductivities that are not positive and finite, and when one is asked where it is not.

    Examples
    --------
    >>> Phases((0.2, 401.0), (5e-3, -2e-4)).at(400.0).round(4).tolist()
    [0.3, 392.98]
    """

    conductivities: tuple[float, float]
    slopes: tuple[float, float] = (0.0, 0.0)
    reference: float = 300.0

    def __post_init__(self) -> None:
        if len(self.conductivities) != 2 or not all(0 < value < inf for value in self.conductivities):
            raise ValueError(
                "`conductivities` must be two numbers, positive and finite, matrix first: "
                f"got {tuple(self.conductivities)} W/(m K)."
            )

    def at(self, temperature: float) -> Array:
        """Of matrix and inclusion at a temperature in K, (2,) in W/(m K)."""
        told = np.array(self.conductivities) * (1 + np.array(self.slopes) * (temperature - self.reference))
        if not (told > 0).all():
            raise ValueError(
                f"Both phases must conduct: got {told.round(6).tolist()} W/(m K) at {temperature:g} K. "
                "Make `slopes` smaller, or the range of temperatures."
            )
        return np.asarray(told)

    @property
    def derivative(self) -> Array:
        """By temperature, (2,) in W/(m K²)."""
        return np.asarray(np.array(self.conductivities) * np.array(self.slopes))
