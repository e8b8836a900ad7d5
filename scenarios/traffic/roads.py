"""A long ring road with a jam and a Riemann step, and the simulation of every single car on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from time import perf_counter

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import ArrayLike, NDArray

from agents.cars import AnyFleet, Cars, Drivers, Law, check, count_at, gaps
from agents.cars.road import spread

__all__ = [
    "EveryCar",
    "Profile",
    "drive",
    "drive_shuffles",
    "l1_difference",
    "mean_travel_times",
    "place",
    "spread_of",
    "travel_times",
]

Array = NDArray[np.float64]

_GRID = 100_000  # intervals in which the cumulative count is inverted: car places are right to 1e-5 m at 20 km


@dataclass(frozen=True)
class Profile:
    """The density of a ring of ``length`` at the beginning: free flow with a smooth jam and a step in it.

    Free flow everywhere but for a jam, free + (jam - free) cos² with its peak at a fifth of the ring and half a
    width of 3/40 of it, and a plateau at ``step`` from 2/5 to 13/20 of the ring, whose two edges are Riemann problems:
    a shock where one drives into it, a fan where one drives out. The defaults, in 1/m, lie on both branches of the
    usual drivers (safe distance: capacity at 0.0166; IDM: at 0.0261), well below their jam density of 0.143; jam and
    plateau are both still there after 20 minutes on 20 km. The whole is scaled by half a car per ring or less, so
    that the cars are a whole number.

    Parameters
    ----------
    length
        Of the ring, in m.
    free, jam, step
        Densities in 1/m.

    Raises
    ------
    ValueError
        Unless 0 < free < step, free < jam, and the ring is longer than nothing.

    Examples
    --------
    >>> road = Profile()
    >>> road.cars, road.count([10_000.0, 20_000.0]).round(3)
    (482, array([272.218, 482.   ]))
    >>> road.density([0.0, 4000.0, 10_000.0]).round(4)
    array([0.015 , 0.0699, 0.035 ])
    """

    length: float = 20_000.0
    free: float = 0.015
    jam: float = 0.070
    step: float = 0.035

    def __post_init__(self) -> None:
        if not (0 < self.free < min(self.jam, self.step) and 0 < self.length < np.inf):
            raise ValueError(
                "The jam and the step must be denser than free flow, which is not empty, on a ring of some length: "
                f"got free={self.free:g}, jam={self.jam:g}, step={self.step:g} 1/m on {self.length:g} m."
            )

    @property
    def cars(self) -> int:
        """How many cars are on the ring."""
        return round(float(self._raw_count(np.array(self.length))))

    def count(self, places: ArrayLike) -> Array:
        """The cumulative count at ``places`` from 0 to the length, in m."""
        return self._raw_count(np.asarray(places, dtype=np.float64)) * self._scale

    def density(self, places: ArrayLike) -> Array:
        """In 1/m at ``places`` from 0 to the length, in m."""
        x = np.asarray(places, dtype=np.float64) / self.length
        bump = np.where(np.abs(x - 0.2) < 0.075, np.cos(np.pi * (x - 0.2) / 0.15) ** 2, 0.0)
        plateau = np.where((x >= 0.4) & (x < 0.65), 1.0, 0.0)
        return (self.free + (self.jam - self.free) * bump + (self.step - self.free) * plateau) * self._scale

    @property
    def _scale(self) -> float:
        return self.cars / float(self._raw_count(np.array(self.length)))

    def _raw_count(self, places: Array) -> Array:
        x = places / self.length
        u = np.clip(x - 0.2, -0.075, 0.075)
        bump = (u + 0.075) / 2 + 0.0375 / np.pi * np.sin(u / 0.075 * np.pi)
        plateau = np.clip(x - 0.4, 0.0, 0.25)
        whole: Array = self.length * (self.free * x + (self.jam - self.free) * bump + (self.step - self.free) * plateau)
        return whole


def place(law: Law, drivers: Drivers, profile: Profile) -> Cars:
    """Every car where the profile's count is its number, at the steady speed of its gap.

    Vehicles that would overlap, long ones in a dense jam, are moved apart by the least that is needed.

    Raises
    ------
    ValueError
        If there are not as many drivers as cars in the profile, or they do not fit.

    Examples
    --------
    >>> from agents.cars import CAR, SafeDistance, Fleet
    >>> road = Profile()
    >>> cars = place(SafeDistance(), Fleet.of(CAR).deck(road.cars), road)
    >>> cars.position[:3].round(2)
    array([  0.  ,  66.74, 133.47])
    """
    if len(drivers) != profile.cars:
        raise ValueError(f"There must be a driver per car: got {len(drivers)} drivers for {profile.cars} cars.")
    grid = np.linspace(0.0, profile.length, _GRID + 1)
    position = np.interp(np.arange(len(drivers)), profile.count(grid), grid)
    cars = Cars(position, np.zeros(len(drivers)), drivers, profile.length)
    if (gaps(cars) < 0).any():
        cars = replace(cars, position=spread(position, drivers.length, profile.length, ring=True))
    return law.prepare(replace(cars, speed=law.steady_speed(gaps(cars), drivers)))


@dataclass(frozen=True, eq=False)
class EveryCar:
    """A road on which every car was simulated.

    Attributes
    ----------
    times : (time,)
        In s.
    edges : (cells + 1,)
        In m.
    counts : (time, cells + 1)
        The cumulative count at the edges, linear between cars.
    start, end
        The cars at the first and at the last time.
    vehicle_seconds
        What was simulated.
    wall
        Seconds on the clock for it.
    """

    times: Array
    edges: Array
    counts: Array
    start: Cars
    end: Cars
    vehicle_seconds: float
    wall: float

    @property
    def densities(self) -> Array:
        """Cars per metre in each cell, (time, cells)."""
        return np.diff(self.counts, axis=1) / np.diff(self.edges)


def drive(law: Law, cars: Cars, times: ArrayLike, edges: ArrayLike, rng: Generator) -> EveryCar:
    """Simulate every car of a ring, and count at the edges of its cells at ``times`` (from the first one on).

    >>> from agents.cars import CAR, SafeDistance, Fleet
    >>> road, edges = Profile(), np.linspace(0.0, 20_000.0, 101)
    >>> cars = place(SafeDistance(), Fleet.of(CAR).deck(road.cars), road)
    >>> every = drive(SafeDistance(), cars, [0.0, 60.0], edges, np.random.default_rng(0))
    >>> np.diff(every.counts[:, [0, -1]]).ravel(), every.vehicle_seconds
    (array([482., 482.]), 28920.0)
    """
    instants, places = np.asarray(times, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    now, counts, wall = cars, [count_at(cars, places)], 0.0
    for earlier, later in pairwise(instants.tolist()):
        began = perf_counter()
        now = check(law.advance(now, later - earlier, rng))
        wall += perf_counter() - began
        counts.append(count_at(now, places))
    simulated = len(cars) * float(instants[-1] - instants[0])
    return EveryCar(instants, places, np.array(counts), cars, now, simulated, wall)


def drive_shuffles(
    law: Law, fleet: AnyFleet, profile: Profile, times: ArrayLike, edges: ArrayLike, shuffles: int, seed: int = 0
) -> list[EveryCar]:
    """The same vehicles in ``shuffles`` orders, each simulated; shuffle k has random numbers of its own.

    >>> from agents.cars import CAR, TRUCK, SafeDistance, Fleet
    >>> fleet, edges = Fleet((CAR, TRUCK), (0.85, 0.15)), np.linspace(0.0, 20_000.0, 41)
    >>> one, other = drive_shuffles(SafeDistance(), fleet, Profile(), [0.0, 60.0], edges, shuffles=2)
    >>> bool(l1_difference(one.densities[-1], other.densities[-1], edges) > 0)
    True
    """
    roads = []
    for shuffle in range(shuffles):
        deal, go = (Generator(PCG64(SeedSequence(seed, spawn_key=(shuffle, use)))) for use in (0, 1))
        cars = place(law, fleet.deal(profile.cars, deal), profile)
        roads.append(drive(law, cars, times, edges, go))
    return roads


def l1_difference(densities: ArrayLike, reference: ArrayLike, edges: ArrayLike) -> Array:
    """∫ |density - reference| dx / ∫ reference dx of densities in cells, (..., cells).

    >>> l1_difference([1.0, 2.0], [1.0, 3.0], [0.0, 1.0, 2.0])
    array(0.25)
    """
    width, exact = np.diff(np.asarray(edges, dtype=np.float64)), np.asarray(reference, dtype=np.float64)
    difference = np.abs(np.asarray(densities, dtype=np.float64) - exact)
    return np.asarray((difference * width).sum(axis=-1) / (exact * width).sum(axis=-1))


def travel_times(times: ArrayLike, counts: ArrayLike, edges: ArrayLike, cells: int) -> Array:
    """How long from each edge, passed at the first time, to the edge ``cells`` further on, (cells of the ring,), in s.

    By Newell's curves: who passes an edge when its count is c arrives when the count there is c. Between the times
    counts are linear; NaN where nobody has arrived by the last of them.

    Parameters
    ----------
    times : (time,)
        In s.
    counts : (time, cells + 1)
        Cumulative counts of a ring at its edges; the last is the first and all cars.
    edges : (cells + 1,)
        In m.
    cells
        How many cells to drive.

    Raises
    ------
    ValueError
        If there is not one count per time and edge.

    References
    ----------
    G. F. Newell, Transp. Res. B 27 (1993) 281, doi:10.1016/0191-2615(93)90038-C.

    Examples
    --------
    >>> edges = np.array([0.0, 100.0, 200.0])
    >>> counts = np.array([[0.0, 1.0, 2.0], [-1.0, 0.0, 1.0], [-2.0, -1.0, 0.0]])  # all drive 100 m in 5 s
    >>> travel_times([0.0, 5.0, 10.0], counts, edges, cells=2)
    array([10., 10.])
    """
    instants, curves = np.asarray(times, dtype=np.float64), np.asarray(counts, dtype=np.float64)
    size = len(np.asarray(edges)) - 1
    if curves.shape != (len(instants), size + 1):
        raise ValueError(f"Counts must have shape {(len(instants), size + 1)}: got {curves.shape}.")
    cars = curves[0, -1] - curves[0, 0]
    arrivals = np.full(size, np.nan)
    for cell in range(size):
        laps, at = divmod(cell + cells, size)
        there = curves[:, at] + laps * cars
        if there[-1] <= curves[0, cell]:
            arrivals[cell] = np.interp(-curves[0, cell], -there, instants) - instants[0]
    return arrivals


def mean_travel_times(times: ArrayLike, several: Sequence[Array], edges: ArrayLike) -> list[float]:
    """The mean time to half the ring, in s, for each of several counts of the same road.

    Over the edges from which everybody arrives, whichever way it was counted; NaN where from none.

    >>> edges = np.array([0.0, 100.0, 200.0])
    >>> counts = np.array([[0.0, 1.0, 2.0], [-1.0, 0.0, 1.0]])  # all drive 100 m in 5 s
    >>> mean_travel_times([0.0, 5.0], [counts], edges)
    [5.0]
    """
    half = (len(np.asarray(edges)) - 1) // 2
    arrivals = np.array([travel_times(times, counts, edges, half) for counts in several])
    arrived = arrivals[:, np.isfinite(arrivals).all(axis=0)]
    return [float(mean) for mean in (arrived.mean(axis=1) if arrived.size else np.full(len(arrivals), np.nan))]


def spread_of(roads: Sequence[EveryCar]) -> tuple[Array, Array]:
    """Mean and standard deviation over shuffles of the density in each cell at the last time, (cells,) each.

    >>> from agents.cars import CAR, SafeDistance, Fleet
    >>> edges = np.linspace(0.0, 20_000.0, 41)
    >>> roads = drive_shuffles(SafeDistance(), Fleet.of(CAR), Profile(), [0.0, 60.0], edges, shuffles=2)
    >>> float(spread_of(roads)[1].max())  # equal drivers are the same in any order
    0.0
    """
    last = np.array([road.densities[-1] for road in roads])
    return last.mean(axis=0), last.std(axis=0, ddof=1)
