"""Media of two phases that repeat: layers, and disks in a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, inf, pi, sin, sqrt
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from agents.walkers.walk import walk_disks, walk_layers

__all__ = ["Disks", "Layers", "Medium"]

Array = NDArray[np.float64]
_PACES = 16  # that a window has at least: of how long an exit takes only the mean is known
_ROOTS = (0.7548776662466927, 0.5698402909980532)  # 1/g, 1/g² with g³ = g + 1: multiples of it fill a square evenly


class Medium(Protocol):
    """Two phases that walkers can walk through: 0 is the matrix, 1 the inclusions. Lengths are in periods."""

    @property
    def volume_fraction(self) -> float:
        """Of the inclusions."""
        ...

    def phase(self, points: ArrayLike) -> NDArray[np.int64]:
        """The phase at points (point, 2)."""
        ...

    def scatter(self, count: int, rng: Generator) -> Array:
        """Places all over a period, (walker, 2): each is uniform, and together they are even."""
        ...

    def walk(
        self,
        place: Array,
        late: Array,
        conductivities: tuple[float, float],
        windows: int,
        window: float,
        rng: Generator,
    ) -> tuple[Array, Array, Array]:
        """Where walkers (walker, 2) are after so many windows of time, unwrapped; what is still left to each of them,
        (walker,), as ``late`` is from before; and what each window added to their place, (walker, window, 2)."""
        ...


@dataclass(frozen=True)
class Layers:
    """Flat layers of period 1 along their normal; the inclusion is where the distance along it is below its share.

    Parameters
    ----------
    volume_fraction
        Of the inclusion, more than 0 and less than 1.
    angle
        Of the normal to the x axis (rad).

    Raises
    ------
    ValueError
        For another fraction, or an angle that is not finite.

    Examples
    --------
    >>> Layers(0.4).phase([[0.1, 0.7], [0.5, 0.7], [1.3, 0.0]])
    array([1, 0, 1])
    """

    volume_fraction: float
    angle: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.volume_fraction < 1:
            raise ValueError(
                f"`volume_fraction` of layers must lie between 0 and 1: got {self.volume_fraction:g}. "
                "At 0 and 1 there is one phase, and nothing to compute."
            )
        if not abs(self.angle) < inf:
            raise ValueError(f"`angle` must be finite (rad): got {self.angle:g}.")

    @classmethod
    def of(cls, parameters: Array) -> Layers:
        """Those of a macro state: volume fraction, and angle (rad) where it is there.

        Raises
        ------
        ValueError
            As for the two.
        """
        return cls(*(float(value) for value in parameters))

    @property
    def _axes(self) -> Array:
        """Unit vectors along the normal and along the layers, as columns."""
        c, s = cos(self.angle), sin(self.angle)
        return np.array([[c, -s], [s, c]])

    def phase(self, points: ArrayLike) -> NDArray[np.int64]:
        """The phase at points (point, 2)."""
        along = np.asarray(points, dtype=np.float64) @ self._axes[:, 0]
        return (along - np.floor(along) < self.volume_fraction).astype(np.int64)

    def scatter(self, count: int, rng: Generator) -> Array:
        """Places all over a period, (walker, 2)."""
        return _scatter(count, rng) @ self._axes.T

    def walk(
        self,
        place: Array,
        late: Array,
        conductivities: tuple[float, float],
        windows: int,
        window: float,
        rng: Generator,
    ) -> tuple[Array, Array, Array]:
        """As `Medium.walk`."""
        inside = place @ self._axes
        inside[:, 0] -= np.floor(inside[:, 0])
        late, moved = late.copy(), np.empty((len(place), windows, 2))
        walk_layers(inside, self.volume_fraction, *conductivities, window, window / _PACES, late, moved, rng)
        moved = moved @ self._axes.T
        return place + moved.sum(axis=1), late, moved


@dataclass(frozen=True)
class Disks:
    """Disks in a matrix that repeats with the unit cell [0, 1)²; seen from above, cylinders.

    Parameters
    ----------
    centres
        (disk, 2), as tuples.
    radii
        (disk,).

    Raises
    ------
    ValueError
        If they are no such numbers, or disks overlap or touch, be it their own images.

    Examples
    --------
    >>> round(Disks.square(0.3).radii[0], 6), round(Disks.square(0.3).volume_fraction, 12)
    (0.309019, 0.3)
    """

    centres: tuple[tuple[float, float], ...]
    radii: tuple[float, ...]

    def __post_init__(self) -> None:
        centres, radii = np.array(self.centres, dtype=np.float64), np.array(self.radii, dtype=np.float64)
        if centres.shape != (len(radii), 2) or not len(radii) or not np.isfinite(centres).all():
            raise ValueError(
                f"Disks need a finite centre (x, y) and a radius each: got {centres.shape}, {radii.shape}."
            )
        if not (radii > 0).all():
            raise ValueError(f"`radii` must be positive: got {radii.min():g}.")
        apart = centres[:, np.newaxis] - centres
        apart = np.linalg.norm(apart - np.rint(apart), axis=2) + np.eye(len(radii))
        gaps = apart - radii[:, np.newaxis] - radii
        if not (gaps > 0).all():
            one, other = np.unravel_index(int(gaps.argmin()), gaps.shape)
            raise ValueError(
                f"Disks must neither overlap nor touch: the gap between disk {one} and disk {other} or its image is "
                f"{gaps.min():.3g} periods. Take smaller radii."
            )

    @classmethod
    def square(cls, volume_fraction: float) -> Disks:
        """The square array: one disk in the middle of the cell.

        Raises
        ------
        ValueError
            If the fraction is not positive, or disks would touch: from pi/4 on.
        """
        if not 0 < volume_fraction < pi / 4:
            raise ValueError(
                "`volume_fraction` of a square array of disks must lie between 0 and pi/4 = 0.785398, where they "
                f"touch: got {volume_fraction:g}."
            )
        return cls(((0.5, 0.5),), (sqrt(volume_fraction / pi),))

    @classmethod
    def of(cls, parameters: Array) -> Disks:
        """The square array of a macro state: its volume fraction.

        Raises
        ------
        ValueError
            As for `square`.
        """
        return cls.square(float(parameters[0]))

    @property
    def volume_fraction(self) -> float:
        """Of the disks."""
        return float(pi * np.square(self.radii).sum())

    def phase(self, points: ArrayLike) -> NDArray[np.int64]:
        """The phase at points (point, 2)."""
        apart = np.asarray(points, dtype=np.float64)[:, np.newaxis] - np.array(self.centres)
        inside = np.linalg.norm(apart - np.rint(apart), axis=2) < np.array(self.radii)
        return np.asarray(inside.any(axis=1).astype(np.int64))

    def scatter(self, count: int, rng: Generator) -> Array:
        """Places all over a period, (walker, 2)."""
        return _scatter(count, rng)

    def walk(
        self,
        place: Array,
        late: Array,
        conductivities: tuple[float, float],
        windows: int,
        window: float,
        rng: Generator,
    ) -> tuple[Array, Array, Array]:
        """As `Medium.walk`."""
        inside = place - np.floor(place)
        late, moved = late.copy(), np.empty((len(place), windows, 2))
        disks = np.column_stack((self.centres, self.radii))
        walk_disks(inside, disks, *conductivities, window, window / _PACES, late, moved, rng)
        return place + moved.sum(axis=1), late, moved


def _scatter(count: int, rng: Generator) -> Array:
    """Points in the unit square, (count, 2), even as a lattice is: M. Roberts' R2 sequence, shifted at random."""
    places = np.arange(count)[:, np.newaxis] * np.array(_ROOTS) + rng.random(2)
    return np.asarray(places - np.floor(places))
