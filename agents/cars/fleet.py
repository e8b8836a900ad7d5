"""Who drives: vehicles, fleets, and the decks of drivers that are dealt from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isfinite
from typing import Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["BRISK", "CAR", "CAUTIOUS", "TRUCK", "AnyFleet", "DistributedFleet", "Drivers", "Fleet", "Vehicle"]

_PARAMETERS = ("length", "time_headway", "desired_speed", "minimum_gap", "acceleration", "deceleration")
_MAY_BE_ZERO = ("length", "minimum_gap")


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    """One type of vehicle and driver; the laws read from it what they need.

    The defaults are the car of Treiber, Hennecke & Helbing, Phys. Rev. E 62 (2000) 1805, Table I,
    doi:10.1103/PhysRevE.62.1805.

    Parameters
    ----------
    name
        What to call it in tables and legends.
    length
        Bumper to bumper, in m.
    time_headway
        Time in s that the driver keeps to the vehicle ahead: T of the IDM, the reaction time τ of
        safe-distance and Newell drivers, and 1/T is the largest slope of the optimal velocity.
    desired_speed
        Speed on an empty road, in m/s.
    minimum_gap
        Room that the driver leaves when standing, in m.
    acceleration, deceleration
        Largest acceleration and comfortable braking, in m/s².

    Raises
    ------
    ValueError
        If a parameter is not finite, negative, or zero where only ``length`` and ``minimum_gap`` may be.

    Examples
    --------
    >>> van = Vehicle(name="van", length=7.0)
    >>> van.length, van.time_headway
    (7.0, 1.6)
    """

    name: str = "car"
    length: float = 5.0
    time_headway: float = 1.6
    desired_speed: float = 120 / 3.6
    minimum_gap: float = 2.0
    acceleration: float = 0.73
    deceleration: float = 1.67

    def __post_init__(self) -> None:
        for name in _PARAMETERS:
            value = getattr(self, name)
            zero = name in _MAY_BE_ZERO
            if not (isfinite(value) and (value > 0 or (zero and value == 0))):
                wanted = "not negative" if zero else "positive"
                raise ValueError(
                    f"`{name}` of vehicle {self.name!r} must be finite and {wanted}, in SI units: got {value}."
                )


CAR = Vehicle()
"""The car of Treiber, Hennecke & Helbing (2000)."""
TRUCK = Vehicle(name="truck", length=12.0, time_headway=2.0, desired_speed=80 / 3.6, acceleration=0.5, deceleration=1.5)
"""A truck; illustrative values."""
CAUTIOUS = Vehicle(name="cautious", time_headway=2.2, desired_speed=100 / 3.6, acceleration=0.6, deceleration=1.3)
"""A driver who keeps more distance than `CAR`; illustrative values."""
BRISK = Vehicle(name="brisk", time_headway=1.1, desired_speed=140 / 3.6, acceleration=1.2, deceleration=2.2)
"""A driver who keeps less distance than `CAR`; illustrative values."""


@dataclass(frozen=True, eq=False)
class Drivers:
    """The parameters of n vehicles, one array of shape (n,) each, SI units as in `Vehicle`.

    ``kind`` is the index of the vehicle's type in its fleet.

    Examples
    --------
    >>> drivers = Drivers.of([CAR, TRUCK], [0, 1, 0])
    >>> drivers.length
    array([ 5., 12.,  5.])
    """

    length: NDArray[np.float64]
    time_headway: NDArray[np.float64]
    desired_speed: NDArray[np.float64]
    minimum_gap: NDArray[np.float64]
    acceleration: NDArray[np.float64]
    deceleration: NDArray[np.float64]
    kind: NDArray[np.int64]

    @classmethod
    def of(cls, vehicles: Sequence[Vehicle], kind: Sequence[int] | NDArray[np.int64]) -> Drivers:
        """The drivers whose types are ``vehicles[kind[0]], vehicles[kind[1]], ...``."""
        index = np.asarray(kind, dtype=np.int64)
        columns = {
            name: np.array([getattr(vehicle, name) for vehicle in vehicles], dtype=np.float64)[index]
            for name in _PARAMETERS
        }
        return cls(**columns, kind=index)

    def __len__(self) -> int:
        return len(self.length)

    def take(self, index: NDArray[np.int64] | slice) -> Drivers:
        """The drivers at these places, in this order."""
        return Drivers(**{item.name: getattr(self, item.name)[index] for item in fields(self)})

    @staticmethod
    def join(decks: Sequence[Drivers]) -> Drivers:
        """All drivers of several decks, one deck after the other."""
        return Drivers(
            **{item.name: np.concatenate([getattr(deck, item.name) for deck in decks]) for item in fields(Drivers)}
        )


@dataclass(frozen=True)
class Fleet:
    """A table of vehicle types and their shares.

    Parameters
    ----------
    vehicles
        The types.
    shares
        The share of each, adding up to 1.

    Raises
    ------
    ValueError
        If there are not as many shares as vehicles, or they do not add up to 1.

    Examples
    --------
    >>> fleet = Fleet((CAR, TRUCK), (0.9, 0.1))
    >>> np.bincount(fleet.deal(30, np.random.default_rng(0)).kind)
    array([27,  3])
    """

    vehicles: tuple[Vehicle, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.vehicles) != len(self.shares) or not self.vehicles:
            raise ValueError(
                f"A fleet needs one share per vehicle: got {len(self.vehicles)} vehicles and {len(self.shares)} shares."
            )
        if min(self.shares) < 0 or not abs(sum(self.shares) - 1) < 1e-9:
            raise ValueError(f"The shares of a fleet must be not negative and add up to 1: got {self.shares}.")

    @classmethod
    def of(cls, vehicle: Vehicle) -> Fleet:
        """The fleet in which all are equal."""
        return cls((vehicle,), (1.0,))

    @property
    def uniform(self) -> bool:
        """Whether all vehicles are of one type."""
        return max(self.shares) == 1.0

    @property
    def shortest(self) -> float:
        """Length of the shortest vehicle, in m."""
        return min(v.length for v, share in zip(self.vehicles, self.shares, strict=True) if share > 0)

    def deck(self, count: int) -> Drivers:
        """``count`` drivers, type after type, in exact shares: the remainders go to the largest ones."""
        exact = np.array(self.shares) * count
        numbers = np.floor(exact + 1e-9).astype(np.int64)
        missing = count - numbers.sum()
        numbers[np.argsort(numbers - exact, kind="stable")[:missing]] += 1
        return Drivers.of(self.vehicles, np.repeat(np.arange(len(numbers)), numbers))

    def deal(self, count: int, rng: Generator) -> Drivers:
        """A shuffled deck; ``rng`` is left alone where all are equal."""
        deck = self.deck(count)
        return deck if self.uniform else deck.take(rng.permutation(count))


class Distribution(Protocol):
    """What a fleet needs of a distribution: its quantiles, as ``scipy.stats`` has them."""

    def ppf(self, q: NDArray[np.float64]) -> NDArray[np.float64]:
        """The quantiles at probabilities ``q``."""
        ...


class DistributedFleet:
    """A fleet whose parameters are distributed independently of each other.

    ``count`` drivers receive the quantiles at (k + 1/2)/count of each distribution, each shuffled by
    itself: the mean of a deck is right to O(1/count), whatever the shuffle.

    Parameters
    ----------
    base
        The vehicle whose other parameters all share.
    distributions
        Parameter of `Vehicle` -> a frozen distribution of ``scipy.stats``.

    Raises
    ------
    ValueError
        If a parameter is unknown or its quantiles are no vehicle's.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> fleet = DistributedFleet(CAR, time_headway=uniform(1.0, 0.8))
    >>> fleet.deck(4).time_headway
    array([1.1, 1.3, 1.5, 1.7])
    """

    uniform = False

    def __init__(self, base: Vehicle, **distributions: Distribution) -> None:
        if unknown := sorted(set(distributions) - set(_PARAMETERS)):
            raise ValueError(f"A vehicle has the parameters {', '.join(_PARAMETERS)}: got {', '.join(unknown)}.")
        self.base = base
        self.distributions = distributions

    @property
    def shortest(self) -> float:
        """Length of the shortest vehicle, in m; 0 if the distribution says no better."""
        if "length" not in self.distributions:
            return self.base.length
        return max(0.0, float(self.distributions["length"].ppf(np.zeros(1))[0]))

    def deck(self, count: int) -> Drivers:
        """``count`` drivers, every parameter in ascending order."""
        middles = (np.arange(count) + 0.5) / count
        drawn = {name: np.asarray(d.ppf(middles), dtype=np.float64) for name, d in self.distributions.items()}
        shared = Drivers.of([self.base], np.zeros(count, dtype=np.int64))
        for ends in ({name: values[i] for name, values in drawn.items()} for i in (0, -1) if count):
            Vehicle(**{**vars(self.base), **ends})  # a vehicle checks what it is made of
        return Drivers(**{**vars(shared), **drawn})

    def deal(self, count: int, rng: Generator) -> Drivers:
        """A deck in which every distributed parameter is shuffled by itself."""
        deck = self.deck(count)
        shuffled = {name: rng.permutation(getattr(deck, name)) for name in self.distributions}
        return Drivers(**{**vars(deck), **shuffled})


AnyFleet = Fleet | DistributedFleet
