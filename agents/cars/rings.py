"""Micro-models of cars on a ring: by their density, by all their headways, by the spread of these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.cars.fleet import AnyFleet, Drivers, Fleet, Vehicle
from agents.cars.law import Law
from agents.cars.lifting import place_at_density
from agents.cars.models import CarModel
from agents.cars.road import ROUNDING, Cars, check, gaps, headways

__all__ = ["RingAtDensity", "RingOfHeadways", "RingOfSpread"]

_UNIFORM = 1e-12  # of the ring's length: a spread that is round-off


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
        _check_sum(ahead, self.cars, self.length)
        drivers = Fleet.of(self.vehicle).deal(self.cars, rng)
        position = np.concatenate(([0.0], np.cumsum(ahead[:-1])))
        cars = check(Cars(position, np.zeros(self.cars), drivers, self.length))
        return self.law.prepare(replace(cars, speed=self.law.steady_speed(gaps(cars), drivers)))

    def restrict(self, micro: Cars) -> NDArray[np.float64]:
        """Distances from front bumper to front bumper ahead, (cars,)."""
        return headways(micro)

    def _deck(self, _macro: NDArray[np.float64]) -> Drivers:
        return Drivers.of([self.vehicle], [0] * self.cars)


@dataclass(frozen=True, eq=False)
class RingOfSpread(CarModel):
    """Equal cars on a ring: the macro state is the standard deviation of their headways in m, (1,).

    It is that of a sample, sqrt(Σ(h - mean)²/(cars - 1)), as in Marschler et al. 2014: how strong a jam is. lift
    stretches a reference profile about its mean until it has the wanted spread, and puts the cars there at the steady
    speeds of their gaps. Where a profile heals slowly, `relift` does better: it stretches the profile of a population
    that has healed, and what its speeds differ by from the steady ones.

    Parameters
    ----------
    law
        How they drive.
    vehicle
        The vehicle that all are.
    reference
        Headways of a jam in m, (cars,), from the last car to the first.
    length
        Of the ring, in m: the sum of the headways.

    Raises
    ------
    ValueError
        If the reference does not add up to the length, is uniform, or has less room than the vehicles.

    References
    ----------
    Marschler, Sieber, Berkemer, Kawamoto & Starke, SIAM J. Appl. Dyn. Syst. 13 (2014) 1202.

    Examples
    --------
    >>> from agents.cars import IDM, CAR
    >>> ring = RingOfSpread(IDM(), CAR, reference=[40.0, 50.0, 60.0], length=150.0)
    >>> ring.lift(np.array([2.0]), np.random.default_rng(0)).position
    array([ 0., 48., 98.])
    """

    law: Law
    vehicle: Vehicle
    reference: NDArray[np.float64] | Sequence[float]
    length: float

    def __post_init__(self) -> None:
        reference = np.array(self.reference, dtype=np.float64)
        object.__setattr__(self, "reference", reference)
        _check_sum(reference, self._ring.cars, self.length)
        if not _spread(reference) > _UNIFORM * self.length:
            raise ValueError(
                f"`reference` must be a jam: got {len(reference)} equal headways of {reference[0]:g} m. "
                "Give the headways of cars that jam."
            )

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The spread, its unit, and how far the reference can be stretched."""
        shape = np.asarray(self.reference) - np.mean(self.reference)
        room = self.length / len(shape) - self.vehicle.length
        largest = _spread(shape) * room / -float(shape.min())
        return ({"name": "headway_spread", "unit": "m", "bounds": (0.0, largest)},)

    @property
    def deterministic(self) -> bool:
        """Whether no random number has an effect."""
        return self.law.deterministic

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Cars:
        """Cars at the headways of the reference, stretched to this spread.

        Raises
        ------
        ValueError
            If the spread is negative, or so large that the vehicles would overlap.
        """
        reference = np.asarray(self.reference)
        return self._ring.lift(self._stretched(reference, _one(macro) / _spread(reference)), rng)

    def relift(self, macro: NDArray[np.float64], previous: Cars, rng: Generator) -> Cars:
        """Cars at the headways of a population, stretched to this spread, as is what its speeds differ by from V.

        u' = max(0, V(gap') + c (u - V(gap))), with the steady speed V and the factor c by which the headways are
        stretched about their mean: the population itself at its own spread.

        Raises
        ------
        ValueError
            As `lift` does, or if the population is no ring of these cars, or in uniform flow.
        """
        ahead = headways(previous)
        _check_sum(ahead, self._ring.cars, self.length)
        spread = _spread(ahead)
        if not spread > _UNIFORM * self.length:
            raise ValueError(f"`previous` must be a jam: its headways spread by {spread:g} m. Use `lift` instead.")
        factor = _one(macro) / spread
        cars = self._ring.lift(self._stretched(ahead, factor), rng)
        excess = previous.speed - self.law.steady_speed(gaps(previous), previous.drivers)
        return self.law.prepare(replace(cars, speed=np.maximum(0.0, cars.speed + factor * excess)))

    def restrict(self, micro: Cars) -> NDArray[np.float64]:
        """Standard deviation of the headways, (1,)."""
        return np.array([_spread(headways(micro))])

    @property
    def _ring(self) -> RingOfHeadways:
        return RingOfHeadways(self.law, self.vehicle, np.size(self.reference), self.length)

    def _stretched(self, ahead: NDArray[np.float64], factor: float) -> NDArray[np.float64]:
        stretched: NDArray[np.float64] = self.length / len(ahead) + factor * (ahead - ahead.mean())
        if not stretched.min() >= self.vehicle.length - ROUNDING:
            raise ValueError(
                f"The jam must have room for its cars: a spread of {factor * _spread(ahead):g} m leaves a headway of "
                f"{stretched.min():g} m to vehicles of {self.vehicle.length:g} m. Take a smaller spread."
            )
        return stretched

    def _deck(self, _macro: NDArray[np.float64]) -> Drivers:
        return Drivers.of([self.vehicle], [0] * np.size(self.reference))


def _check_sum(ahead: NDArray[np.float64], cars: int, length: float) -> None:
    if ahead.shape != (cars,) or not abs(ahead.sum() - length) <= 1e-9 * length:
        raise ValueError(
            f"There must be {cars} headways that add up to the ring of {length:g} m: "
            f"got {ahead.size} that add up to {ahead.sum():.12g} m."
        )


def _spread(ahead: NDArray[np.float64]) -> float:
    return float(np.std(ahead, ddof=1))


def _one(macro: NDArray[np.float64]) -> float:
    spread = float(np.asarray(macro).item())
    if not 0 <= spread < inf:
        raise ValueError(f"The spread of the headways must be finite and not negative, in m: got {spread:g}.")
    return spread
