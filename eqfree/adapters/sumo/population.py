"""What is known of the vehicles of a SUMO simulation at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Generation", "Population", "gaps", "headways"]

Array = NDArray[np.float64]
Generation = tuple[int, int]
"""A process and the number of a state of its simulation: names what that process holds in SUMO's memory."""

_ARRAYS = ("name", "position", "speed", "vehicle_length", "kind", "laps", "driven", "spent")
_NUMBERS = ("length", "ring", "time", "entered", "left")


@dataclass(frozen=True, eq=False)
class Population:
    """n vehicles from the last to the first, as SUMO has them.

    It is a reading, and a name for what it was read from: the simulation that this process holds, as long as nothing
    else has been simulated, or a saved state.

    Attributes
    ----------
    name : (n,)
        SUMO's name of each.
    position : (n,)
        Front bumpers in m along the road, ascending; on a ring they are not wrapped.
    speed : (n,)
        In m/s.
    vehicle_length : (n,)
        In m.
    kind : (n,)
        Index of the type in the fleet; -1 for vehicles of the user's own files.
    laps : (n,)
        On a ring, laps that SUMO no longer knows of.
    length
        Of the road, in m.
    ring
        Whether the end of the road is its beginning.
    time
        In s since lifting.
    entered, left
        How many vehicles have come to the road and gone from it since lifting.
    driven, spent : (cells,)
        Distance in m that all have driven in each cell since lifting, and the time in s they spent there: what
        `edie` reads.
    generation
        Which simulation it is.
    saved
        SUMO's state, compressed, if it was saved.
    """

    name: NDArray[np.str_]
    position: Array
    speed: Array
    vehicle_length: Array
    kind: NDArray[np.int64]
    laps: NDArray[np.int64]
    length: float
    ring: bool
    driven: Array
    spent: Array
    time: float = 0.0
    entered: int = 0
    left: int = 0
    generation: Generation = (0, 0)
    saved: list[bytes] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.position)

    def __deepcopy__(self, memo: object) -> Population:
        return self  # nobody writes into it

    def pack(self, state: bytes) -> dict[str, NDArray[Any]]:
        """All of it as named arrays, the saved state among them."""
        arrays = {name: np.array(getattr(self, name)) for name in (*_ARRAYS, *_NUMBERS)}
        return {**arrays, "state": np.frombuffer(state, dtype=np.uint8).copy()}

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Population:
        """The vehicles that were packed."""
        known: dict[str, Any] = {name: np.array(packed[name]) for name in _ARRAYS}
        known |= {name: packed[name].item() for name in _NUMBERS}
        return cls(**known, saved=[packed["state"].tobytes()])


def headways(population: Population) -> Array:
    """Distances in m from front bumper to front bumper ahead, (n,); inf where nobody is ahead."""
    if not len(population):
        return np.empty(0)
    position = population.position
    closing = position[0] + population.length - position[-1] if population.ring else np.inf
    return np.append(np.diff(position), closing)


def gaps(population: Population) -> Array:
    """Distances in m from front bumper to the rear bumper ahead, (n,); inf where nobody is ahead."""
    return headways(population) - np.roll(population.vehicle_length, -1)
