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

from agents.cars.fleet import CAR, AnyFleet, Drivers, Fleet, Vehicle
from agents.cars.inflow import advance_open_road
from agents.cars.law import Law
from agents.cars.lifting import cumulative_count, place_at_density, place_on_profile, whole_cars
from agents.cars.readings import density_profile
from agents.cars.road import Cars, check, gaps, headways, pack, unpack

__all__ = ["CarModel", "RingAtDensity", "RingOfHeadways", "Road"]

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


@dataclass(frozen=True)
class RingAtDensity(CarModel):
    """A given number of cars on a ring as long as the density says: the macro state is that density, (1,).

    lift is `place_at_density`: steady flow, disturbed by a displacement of the cars where there is one. The
    density does not change; flow is what one observes.

    Parameters
    ----------
    law
        How they drive.
    fleet
        Who drives.
    cars
        How many.
    displacement
        Largest displacement of a car, as twice the fraction of the smaller gap beside it, in [0, 1).

    Raises
    ------
    ValueError
        If there is no car.

    Examples
    --------
    >>> from agents.cars import CAR, IDM, Fleet
    >>> ring = RingAtDensity(IDM(), Fleet.of(CAR), cars=8)
    >>> ring.restrict(ring.lift(np.array([0.05]), np.random.default_rng(0)))
    array([0.05])
    """

    law: Law
    fleet: AnyFleet
    cars: int
    displacement: float = 0.0

    def __post_init__(self) -> None:
        if self.cars < 1:
            raise ValueError(f"A ring needs at least one car: got {self.cars}.")

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The density, its unit and what fits."""
        occupied = float(self.fleet.deck(self.cars).length.sum())
        return ({"name": "density", "unit": "1/m", "bounds": (0.0, self.cars / occupied if occupied else inf)},)

    @property
    def deterministic(self) -> bool:
        """Whether no random number has an effect."""
        return self.law.deterministic and self.fleet.uniform and self.displacement == 0

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Cars:
        """Cars in steady, maybe disturbed flow."""
        density = float(np.asarray(macro).item())
        return place_at_density(self.law, self.fleet, self.cars, density, rng, displacement=self.displacement)

    def restrict(self, micro: Cars) -> NDArray[np.float64]:
        """Cars per metre, (1,)."""
        return np.array([len(micro) / micro.length])

    def _deck(self, _macro: NDArray[np.float64]) -> Drivers:
        return self.fleet.deck(self.cars)


@dataclass(frozen=True)
class RingOfHeadways(CarModel):
    """Equal cars on a ring: the macro state is all headways in m, (cars,), from the last car to the first.

    lift puts the cars where the headways say, at the steady speeds of their gaps.

    Parameters
    ----------
    law
        How they drive.
    vehicle
        The vehicle that all are.
    cars
        How many.
    length
        Of the ring, in m: the sum of the headways.

    Raises
    ------
    ValueError
        If the cars do not fit.

    Examples
    --------
    >>> from agents.cars import IDM, CAR
    >>> ring = RingOfHeadways(IDM(), CAR, cars=3, length=150.0)
    >>> ring.restrict(ring.lift(np.array([40.0, 50.0, 60.0]), np.random.default_rng(0)))
    array([40., 50., 60.])
    """

    law: Law
    vehicle: Vehicle
    cars: int
    length: float

    def __post_init__(self) -> None:
        if self.cars < 1 or not self.cars * self.vehicle.length < self.length < inf:
            raise ValueError(
                f"The cars must fit on the ring: got {self.cars} vehicles of {self.vehicle.length:g} m "
                f"and a ring of {self.length:g} m."
            )

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The headways, their unit, and what fits."""
        return (
            {
                "name": "headway",
                "unit": "m",
                "coordinates": {"car": np.arange(self.cars)},
                "bounds": (self.vehicle.length, self.length),
            },
        )

    @property
    def deterministic(self) -> bool:
        """Whether no random number has an effect."""
        return self.law.deterministic

    def conserved(self, macro: NDArray[np.float64]) -> NDArray[np.float64]:
        """The length of the ring, (1,)."""
        return np.array([macro.sum()])

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Cars:
        """Cars at these headways.

        Raises
        ------
        ValueError
            If there is not one headway per car, or they do not add up to the length of the ring.
        """
        ahead = np.asarray(macro, dtype=np.float64)
        if ahead.shape != (self.cars,) or not abs(ahead.sum() - self.length) <= 1e-9 * self.length:
            raise ValueError(
                f"There must be {self.cars} headways that add up to the ring of {self.length:g} m: "
                f"got {ahead.size} that add up to {ahead.sum():.12g} m."
            )
        drivers = Fleet.of(self.vehicle).deal(self.cars, rng)
        position = np.concatenate(([0.0], np.cumsum(ahead[:-1])))
        cars = check(Cars(position, np.zeros(self.cars), drivers, self.length))
        return self.law.prepare(replace(cars, speed=self.law.steady_speed(gaps(cars), drivers)))

    def restrict(self, micro: Cars) -> NDArray[np.float64]:
        """Distances from front bumper to front bumper ahead, (cars,)."""
        return headways(micro)

    def _deck(self, _macro: NDArray[np.float64]) -> Drivers:
        return Drivers.of([self.vehicle], [0] * self.cars)


def _generator(stream: SeedSequence) -> Generator:
    return Generator(PCG64(stream))
