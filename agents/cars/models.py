"""Micro-models: cars with lift, evolve and restrict, as equation-free methods want them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from agents.cars.fleet import CAR, AnyFleet, Drivers
from agents.cars.inflow import advance_open_road
from agents.cars.law import Law
from agents.cars.lifting import cumulative_count, place_on_profile, whole_cars
from agents.cars.readings import density_profile
from agents.cars.road import Cars, pack, unpack

__all__ = ["CarModel", "Road"]

_QUEUE = 100  # cards in the deck from which an open road is entered, shares exact to 1 %


class CarModel(ABC):
    """What all micro-models of cars have in common: all but `lift` and `restrict`."""

    law: Law
    thread_safe = True

    @abstractmethod
    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Cars:
        """Cars consistent with the macro state."""

    @abstractmethod
    def restrict(self, micro: Cars) -> NDArray[np.float64]:
        """The macro state of the cars."""

    @abstractmethod
    def _deck(self, macro: NDArray[np.float64]) -> Drivers:
        """The drivers of a macro state, in any order."""

    @property
    def time_step(self) -> float | None:
        """A duration must be a multiple of it, in s."""
        return self.law.time_step

    def evolve(self, micro: Cars, duration: float, rng: Generator) -> Cars:
        """The cars after ``duration`` seconds; raises `Collision` if something went wrong on the way."""
        return self.law.advance(micro, duration, rng)

    def pack(self, micro: Cars) -> dict[str, NDArray[Any]]:
        """The cars as named arrays."""
        return pack(micro)

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Cars:
        """The cars that were packed."""
        return unpack(packed)

    def agent_updates(self, macro: NDArray[np.float64], duration: float) -> float:
        """Car updates that it takes to evolve the macro state; on an open road, those of the cars at the start."""
        drivers = self._deck(macro)
        return float(len(drivers) * self.law.steps(drivers, duration))

    def burst_batch(
        self,
        macros: NDArray[np.float64],
        times: NDArray[np.float64],
        streams: Sequence[tuple[SeedSequence, SeedSequence]],
    ) -> NDArray[np.float64]:
        """Readings (replica, time, ...), bit for bit those of the loop; the cars move in one compiled call."""
        micros = [self.lift(macro, _generator(own[0])) for macro, own in zip(macros, streams, strict=True)]
        rngs = [_generator(own[1]) for own in streams]
        readings = []
        for duration in np.diff(times, prepend=0.0).tolist():
            micros = self._evolve_all(micros, duration, rngs)
            readings.append([self.restrict(micro) for micro in micros])
        return np.array(readings).swapaxes(0, 1)

    def warm(self) -> None:
        """Compile what `evolve` needs."""
        alone = Cars(np.zeros(1), np.zeros(1), Drivers.of([CAR], [0]), 1e3, ring=False)
        self.law.advance(self.law.prepare(alone), self.law.time_step or 1.0, Generator(PCG64(0)))

    def _evolve_all(self, micros: Sequence[Cars], duration: float, rngs: Sequence[Generator]) -> list[Cars]:
        return self.law.advance_all(micros, duration, rngs)


@dataclass(frozen=True, eq=False)
class Road(CarModel):
    """A road whose macro state is the density in its cells, in 1/m, (cells,).

    lift is `place_on_profile`: the integral of the density, rounded, is the number of cars, exactly;
    restrict counts the cars in each cell. How well a profile comes back is a matter of cars per cell:
    a cell of n cars is right to one car.

    Parameters
    ----------
    law
        How they drive.
    fleet
        Who drives.
    edges
        Of the cells in m, (cells + 1,), ascending from 0 to the length of the road.
    ring
        Whether the end of the road is its beginning; an open road has inflow at its beginning and free
        outflow at its end, see `advance_open_road`.
    demand
        Cars that arrive at an open road per second.

    Raises
    ------
    ValueError
        If the edges do not ascend from 0, or a ring has a demand.

    Examples
    --------
    >>> from agents.cars import CAR, IDM, Fleet
    >>> road = Road(IDM(), Fleet.of(CAR), edges=[0.0, 500.0, 1000.0])
    >>> road.restrict(road.lift(np.array([0.02, 0.05]), np.random.default_rng(0)))
    array([0.02, 0.05])
    """

    law: Law
    fleet: AnyFleet
    edges: NDArray[np.float64] | Sequence[float]
    ring: bool = True
    demand: float = 0.0

    def __post_init__(self) -> None:
        edges = np.array(self.edges, dtype=np.float64)
        if edges.ndim != 1 or len(edges) < 2 or edges[0] != 0 or not (np.diff(edges) > 0).all():
            raise ValueError(f"`edges` must ascend from 0 to the length of the road, in m: got {edges}.")
        if self.ring and self.demand:
            raise ValueError(f"A ring has no beginning where {self.demand:g} cars/s could enter: set ring=False.")
        object.__setattr__(self, "edges", edges)

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The density, its unit, the middles of the cells, and what fits."""
        edges = np.asarray(self.edges)
        fullest = 1 / self.fleet.shortest if self.fleet.shortest else inf
        return (
            {
                "name": "density",
                "unit": "1/m",
                "coordinates": {"x": (edges[1:] + edges[:-1]) / 2},
                "coordinate_units": {"x": "m"},
                "bounds": (0.0, fullest),
            },
        )

    @property
    def deterministic(self) -> bool:
        """Whether no random number has an effect."""
        return self.law.deterministic and self.fleet.uniform

    def conserved(self, macro: NDArray[np.float64]) -> NDArray[np.float64]:
        """The number of cars, (1,)."""
        return np.array([float(self._count(macro))])

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Cars:
        """Cars on the profile; on an open road with a deck of those who enter."""
        cars = place_on_profile(self.law, self.fleet, macro, self.edges, rng, ring=self.ring)
        return cars if self.ring else self.law.prepare(replace(cars, queue=self.fleet.deal(_QUEUE, rng)))

    def evolve(self, micro: Cars, duration: float, rng: Generator) -> Cars:
        """The cars after ``duration`` seconds; raises `Collision` if something went wrong on the way."""
        if self.ring:
            return super().evolve(micro, duration, rng)
        return advance_open_road(self.law, micro, self.demand, duration, rng)

    def restrict(self, micro: Cars) -> NDArray[np.float64]:
        """Cars per metre in each cell, (cells,)."""
        return density_profile(micro, self.edges)

    def _evolve_all(self, micros: Sequence[Cars], duration: float, rngs: Sequence[Generator]) -> list[Cars]:
        if self.ring:
            return super()._evolve_all(micros, duration, rngs)
        return [self.evolve(micro, duration, rng) for micro, rng in zip(micros, rngs, strict=True)]

    def _count(self, macro: NDArray[np.float64]) -> int:
        return whole_cars(cumulative_count(macro, self.edges))

    def _deck(self, macro: NDArray[np.float64]) -> Drivers:
        return self.fleet.deck(self._count(macro))


def _generator(stream: SeedSequence) -> Generator:
    return Generator(PCG64(stream))
