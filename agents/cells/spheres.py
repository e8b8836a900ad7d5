"""Cells off the lattice: discs or spheres, as a struct of arrays.

`Spheres` is the population, `CentreBased` (in `centre_based`) what it does:

>>> from agents.cells.centre_based import CentreBased
>>> from agents.cells.mechanics import Mechanics
>>> from agents.cells.cycle import Cycle
>>> from agents.cells.region import Region
>>> tissue = CentreBased(Region.unbounded(3), Mechanics(repulsion=2.0), Cycle(24.0, newborn=16.0), time_step=0.1)
>>> cells = Spheres.at(np.zeros((1, 3)), diameter=16.0)
>>> grown = tissue.evolve(cells, 49.0, np.random.default_rng(0))
>>> len(grown), grown.births
(4, 3)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import pi
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

__all__ = ["ARRESTED", "DEAD", "NECROTIC", "PROLIFERATING", "Spheres", "content", "directions", "radius_of"]

PROLIFERATING, ARRESTED, NECROTIC, DEAD = 0, 1, 2, 3  # NECROTIC died of hunger, DEAD at the rate of death

_ARRAYS = ("position", "volume", "phase", "cycle", "heading", "state", "type", "id")


@dataclass(frozen=True, eq=False)
class Spheres:
    """Discs (in 2-D) or spheres (in 3-D), and how many were born and died. The order of the cells means nothing.

    Parameters
    ----------
    position
        Of the centres, µm, (cell, axis).
    volume
        Of each cell, (cell,): µm³ in 3-D, in 2-D its area in µm².
    phase
        How much of its cycle a cell has behind it, (cell,): 0 newborn, 1 about to divide.
    cycle
        How long the cell's own cycle lasts where nothing hinders it, h, (cell,); drawn at birth. 0 where it has not
        been drawn yet, ``inf`` for a cell that never divides.
    heading
        Unit vector along which the cell moves, and divides where the cycle says so, (cell, axis).
    state
        PROLIFERATING 0, ARRESTED 1, NECROTIC 2 (died of hunger), DEAD 3 (died at the rate of death), (cell,).
    type
        A label that daughters inherit, (cell,).
    id
        The cell's name, (cell,): of the two daughters of a division one keeps the mother's.
    births, deaths, removed
        Divisions, deaths, and dead cells gone since the population was made.
    time
        Since it was made, h.

    Examples
    --------
    >>> cells = Spheres.at([[0.0, 0.0], [10.0, 0.0]], diameter=8.0)
    >>> cells.radius, cells.counts
    (array([4., 4.]), array([2, 0, 0, 0]))
    """

    position: NDArray[np.float64]
    volume: NDArray[np.float64]
    phase: NDArray[np.float64]
    cycle: NDArray[np.float64]
    heading: NDArray[np.float64]
    state: NDArray[np.int8]
    type: NDArray[np.int8]
    id: NDArray[np.int64]
    births: int = 0
    deaths: int = 0
    removed: int = 0
    time: float = 0.0

    def __post_init__(self) -> None:
        for name in _ARRAYS:
            getattr(self, name).setflags(write=False)

    @classmethod
    def at(
        cls,
        position: ArrayLike,
        diameter: float | ArrayLike,
        *,
        phase: float | ArrayLike = 0.0,
        state: int | ArrayLike = PROLIFERATING,
        type: int | ArrayLike = 0,
        rng: Generator | None = None,
    ) -> Spheres:
        """Cells at these places, to which nothing has happened yet.

        Parameters
        ----------
        position : (cell, axis)
            Of their centres, µm; two or three axes.
        diameter
            Of a newborn cell, µm, one for all or one for each; its volume is (1 + ``phase``) times that of a newborn.
        phase, state, type
            One for all or one for each. A population that has grown for long has the phases
            ``steady_phases(count, rng)``.
        rng
            Draws the headings; without it all are along x.

        Raises
        ------
        ValueError
            If the positions are not finite or not of that shape, a diameter is not positive, a phase lies outside
            [0, 1), or a state is none of 0 to 3.
        """
        places = np.array(position, dtype=np.float64)
        if places.ndim != 2 or places.shape[1] not in (2, 3) or not np.isfinite(places).all():
            raise ValueError(f"Positions must be finite, (cell, 2) or (cell, 3), in µm: got the shape {places.shape}.")
        count, dimensions = places.shape
        wide = np.broadcast_to(np.asarray(diameter, dtype=np.float64), (count,))
        phases = np.array(np.broadcast_to(np.asarray(phase, dtype=np.float64), (count,)))
        states = np.array(np.broadcast_to(np.asarray(state), (count,)).astype(np.int8))
        if not ((wide > 0) & np.isfinite(wide)).all():
            raise ValueError(f"A cell's diameter must be positive, in µm: got {np.unique(wide)}.")
        if not ((phases >= 0) & (phases < 1)).all():
            raise ValueError(f"A phase must lie in [0, 1): got {phases.min()} to {phases.max()}.")
        if not ((states >= PROLIFERATING) & (states <= DEAD)).all():
            raise ValueError(f"A state must be one of 0, 1, 2, 3: got {np.unique(states)}.")
        along = np.zeros((count, dimensions))
        along[:, 0] = 1.0
        return cls(
            position=places,
            volume=content(wide / 2, dimensions) * (1 + phases),
            phase=phases,
            cycle=np.zeros(count),
            heading=along if rng is None else directions(count, dimensions, rng),
            state=states,
            type=np.array(np.broadcast_to(np.asarray(type), (count,)).astype(np.int8)),
            id=np.arange(count, dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.position)

    @property
    def dimensions(self) -> int:
        """Two or three."""
        return int(self.position.shape[1])

    @property
    def radius(self) -> NDArray[np.float64]:
        """Of each cell, µm, (cell,)."""
        return radius_of(self.volume, self.dimensions)

    @property
    def alive(self) -> NDArray[np.bool_]:
        """Which cells are alive, (cell,)."""
        return self.state < NECROTIC

    @property
    def counts(self) -> NDArray[np.int64]:
        """Cells in each state, (state,): proliferating, arrested, necrotic, dead."""
        return np.bincount(self.state, minlength=DEAD + 1)

    def pack(self) -> dict[str, NDArray[Any]]:
        """Everything about them as named arrays."""
        return {one.name: np.array(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Spheres:
        """The cells that were packed; they own their arrays.

        >>> Spheres.unpack(Spheres.at([[0.0, 1.0]], diameter=8.0).pack()).position
        array([[0., 1.]])
        """
        arrays: dict[str, Any] = {name: np.array(packed[name]) for name in _ARRAYS}
        numbers: dict[str, Any] = {name: int(packed[name]) for name in ("births", "deaths", "removed")}
        return cls(**arrays, **numbers, time=float(packed["time"]))

    def __deepcopy__(self, memo: object) -> Spheres:
        return self  # nobody writes into cells: a method makes new ones


def content(radius: ArrayLike, dimensions: int) -> NDArray[np.float64]:
    """Volume of a sphere, or area of a disc, of this radius.

    >>> content(1.0, 2) / np.pi, content(1.0, 3) / np.pi
    (np.float64(1.0), np.float64(1.3333333333333333))
    """
    return np.asarray(_unit_ball(dimensions) * np.asarray(radius, dtype=np.float64) ** dimensions)[()]


def radius_of(volume: ArrayLike, dimensions: int) -> NDArray[np.float64]:
    """Radius of a sphere of this volume, or of a disc of this area.

    >>> radius_of(content(2.0, 3), 3)
    np.float64(2.0)
    """
    ratio = np.asarray(volume, dtype=np.float64) / _unit_ball(dimensions)
    return np.asarray(np.sqrt(ratio) if dimensions == 2 else np.cbrt(ratio))[()]


def directions(count: int, dimensions: int, rng: Generator) -> NDArray[np.float64]:
    """Unit vectors in random directions, all equally likely, (count, axis).

    >>> directions(5, 3, np.random.default_rng(0)).shape
    (5, 3)
    """
    if dimensions == 2:
        angle = rng.uniform(0.0, 2 * pi, count)
        return np.stack((np.cos(angle), np.sin(angle)), axis=1)
    drawn = rng.standard_normal((count, dimensions))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def _unit_ball(dimensions: int) -> float:
    return pi if dimensions == 2 else 4 * pi / 3
