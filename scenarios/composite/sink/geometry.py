"""The part: its outline, its layers, what they are made of, and what surrounds them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, radians, tan
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Sink"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Sink:
    """A part of layers that stand upright at its foot and lean over the more the higher they are.

    Layers follow phi(x, y) = x + bend · y² / 2, from phi = 0 on the left side to phi = width on the right one. Their
    normal grad phi turns from the x axis at the foot to ``turning`` at the top, where they are thinner by its cosine;
    and the share of the inclusion grows from the lower left corner to the upper right one. A chip heats the left
    side; the others are cooled. In the coordinates (phi / width, y / height) the part is a unit square, and since
    the map to them is quadratic, curved quadratic triangles fit its outline and its layers exactly.

    The defaults are of copper with layers of steel, cooled by a fast flow of air or a slow one of water.

    Parameters
    ----------
    width, height
        Of the part at its foot, and upwards (m).
    turning
        Angle of the layers' normal to the x axis at the top (degrees, anticlockwise), 0 to below 90.
    fractions
        Share of the inclusion at the lower left and at the upper right, between 0 and 1, not decreasing.
    conductivities
        Of matrix and inclusion (W/(m K)); the chip touches matrix.
    capacities
        Of matrix and inclusion (J/(m³ K)).
    inflow
        Of heat from the chip (W/m²).
    exchange
        Coefficient of the cooling (W/(m² K)).
    ambient
        Temperature around (K).

    Raises
    ------
    ValueError
        For a number that no part has.

    Examples
    --------
    >>> sink = Sink(turning=45.0)
    >>> top = sink.places([[0.0, 1.0]])
    >>> top.round(12).tolist(), np.degrees(sink.angle(top)).round(12).tolist(), sink.fraction(top).tolist()
    ([[-0.05, 0.1]], [45.0], [0.5])
    """

    width: float = 0.1
    height: float = 0.1
    turning: float = 60.0
    fractions: tuple[float, float] = (0.3, 0.7)
    conductivities: tuple[float, float] = (401.0, 50.0)
    capacities: tuple[float, float] = (3.45e6, 3.85e6)
    inflow: float = 5e4
    exchange: float = 300.0
    ambient: float = 300.0

    def __post_init__(self) -> None:
        for name in ("width", "height", "exchange", "inflow", "ambient"):
            if not 0 < getattr(self, name) < inf:
                raise ValueError(f"`{name}` must be positive and finite: got {getattr(self, name)}.")
        for name in ("conductivities", "capacities"):
            pair = getattr(self, name)
            if len(pair) != 2 or not all(0 < value < inf for value in pair):
                raise ValueError(f"`{name}` must be two numbers, positive and finite, matrix first: got {pair}.")
        if not 0 <= self.turning < 90:
            raise ValueError(f"`turning` must be 0 to below 90 degrees: got {self.turning:g}.")
        if len(self.fractions) != 2 or not 0 < self.fractions[0] <= self.fractions[1] < 1:
            raise ValueError(
                "`fractions` must be two numbers between 0 and 1, the second no smaller than the first: "
                f"got {self.fractions}. Exchange the phases for the other order."
            )

    def coordinates(self, places: ArrayLike) -> Array:
        """Positions (point, 2) in m -> phi / width across the layers and y / height along them, (point, 2)."""
        x, y = np.asarray(places, dtype=np.float64).T
        along = y / self.height
        return np.column_stack([x / self.width + self._lean * along**2, along])

    def places(self, coordinates: ArrayLike) -> Array:
        """The inverse of `coordinates`."""
        across, along = np.asarray(coordinates, dtype=np.float64).T
        return np.column_stack([self.width * (across - self._lean * along**2), self.height * along])

    def fraction(self, places: ArrayLike) -> Array:
        """Share of the inclusion around positions (point, 2) -> (point,)."""
        low, high = self.fractions
        return np.asarray(low + (high - low) * self.coordinates(places).mean(axis=1))

    def angle(self, places: ArrayLike) -> Array:
        """Of the layers' normal to the x axis at positions (point, 2) -> (point,), radians."""
        return np.asarray(np.arctan(tan(radians(self.turning)) * np.asarray(places)[:, 1] / self.height))

    def mixed(self, pair: tuple[float, float], places: ArrayLike) -> Array:
        """The mean of what matrix and inclusion have, such as a capacity, at positions (point, 2) -> (point,)."""
        fraction = self.fraction(places)
        return np.asarray((1 - fraction) * pair[0] + fraction * pair[1])

    def layered(self, pair: tuple[float, float], places: ArrayLike, periods: int) -> Array:
        """What matrix or inclusion has, whichever is at positions (point, 2), in so many periods -> (point,)."""
        across = self.coordinates(places)[:, 0] * periods
        return np.where(across % 1 > 1 - self.fraction(places), pair[1], pair[0])

    def interfaces(self, along: ArrayLike, periods: int) -> Array:
        """Where matrix meets inclusion in each period, across at ``along`` (row,) -> (row, period)."""
        low, high = self.fractions
        slope = (high - low) / 2
        # periods · across - period = 1 - fraction, of which the fraction is linear in across and along
        ends = np.arange(periods) + 1 - low - slope * np.asarray(along, dtype=np.float64)[:, np.newaxis]
        return np.asarray(ends / (periods + slope))

    @property
    def _lean(self) -> float:
        return self.height / self.width * tan(radians(self.turning)) / 2
