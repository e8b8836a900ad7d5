"""Drivers on rings: the closures that answer density with flow, and the growth of waves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import (
    IDM,
    TRUCK,
    Cars,
    Fleet,
    Law,
    NagelSchreckenberg,
    Newell,
    OptimalVelocity,
    RingAtDensity,
    RingOfHeadways,
    Road,
    SafeDistance,
    Vehicle,
    flow,
    largest_stable_ring,
    ring_growth,
)
from eqfree.burst import slope
from eqfree.ensemble import ExecutorLike
from scenarios.traffic.settings import FleetSettings, Settings

__all__ = [
    "Ring",
    "fleet_of",
    "growth_rate",
    "lattice_ring",
    "law_of",
    "long_ring",
    "pair",
    "short_ring",
    "standing_density",
    "vehicles_of",
]

_FEWEST_OF_A_MIXED_RING = 10
FINEST_SHARE = 200  # a truck share is taken as a fraction of at most so many vehicles
LATTICE_CELLS = 400  # of the ring for drivers on a lattice
_REPLICAS_TO_TRUST = 32  # the error bar of a few dawdling rings misleads: Student's tails
_PATIENCE = 2000  # headways in time that a ring is given to heal at most: free traffic hardly interacts
_SHORT_WINDOW = 10.0  # s over which steady flow is read
_WAVE = 1e-7  # height of each wave whose growth is read, in headways: linear also when it has grown
_WATCHED = (15.0, 60.0, 250.0)  # s, the next one if the wave has not grown by then
_GROWN = 8.0  # times its first height: if more, it would be no small wave after the next time
_DEAD = 1e-4  # of its first height, at which a wave is no longer told from round-off


def law_of(settings: Settings) -> Law:
    """The rule of the chosen model, with its options."""
    fleet = settings.fleet
    match settings.model:
        case "idm":
            return IDM()
        case "safe_distance":
            return SafeDistance()
        case "newell":
            return Newell()
        case "optimal_velocity":
            return OptimalVelocity(sensitivity=fleet.sensitivity)
        case "nagel_schreckenberg":
            cell = fleet.length + fleet.minimum_gap
            cells_per_second = max(1, round(fleet.desired_speed / 3.6 / cell))
            return NagelSchreckenberg(v_max=cells_per_second, slowdown=fleet.slowdown, cell=cell)
        case "sumo":
            raise ValueError("SUMO's drivers are no law of ours: got model='sumo'. Take the part diagram, or motorway.")


def fleet_of(settings: FleetSettings, truck_share: float) -> Fleet:
    """Cars and trucks, as a ring of at most `FINEST_SHARE` vehicles can hold them; a truck is no faster than a car."""
    car, trucks = settings.car, float(_fraction(truck_share))
    if trucks == 0:
        return Fleet.of(car)
    truck = replace(TRUCK, desired_speed=min(TRUCK.desired_speed, car.desired_speed))
    return Fleet((car, truck), (1 - trucks, trucks))


def _fraction(share: float) -> Fraction:
    return Fraction(str(share)).limit_denominator(FINEST_SHARE)


def standing_density(law: Law, fleet: Fleet) -> float:
    """Vehicles per metre when they stand at their minimum gaps, or in whole cells."""
    rooms = [vehicle.length + vehicle.minimum_gap for vehicle in fleet.vehicles]
    if law.cell is not None:
        rooms = [ceil(room / law.cell * (1 - 1e-12)) * law.cell for room in rooms]
    return 1 / sum(share * room for room, share in zip(rooms, fleet.shares, strict=True))


def vehicles_of(fleet: Fleet) -> int:
    """How many vehicles hold the shares of a fleet: one if all are alike, else ten or more."""
    smallest = _fraction(fleet.shares[-1]).denominator
    return smallest * ceil(_FEWEST_OF_A_MIXED_RING / smallest) if len(fleet.vehicles) > 1 else 1


@dataclass(frozen=True)
class Ring:
    """Drivers on a ring whose density is imposed and whose flow is read.

    Attributes
    ----------
    closure
        Density (1/m) -> flow (1/s).
    note
        How the ring was chosen, in words.
    """

    closure: ef.hmm.Closure
    note: str
    lattice: float | None = None  #: length of the ring (m) where densities are those of whole numbers of cars

    def possible(self, densities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The nearest densities (1/m) that the ring can have."""
        if self.lattice is None:
            return densities
        return np.unique(np.maximum(np.round(densities * self.lattice), 1)) / self.lattice

    def ask(self, densities: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], ef.Cost]:
        """Flows (1/s) and standard errors at possible densities (1/m), and what they cost."""
        answer = self.closure(densities[:, np.newaxis])
        return answer.value[:, 0], answer.stderr[:, 0], answer.cost


def short_ring(law: Law, fleet: Fleet, settings: Settings, executor: ExecutorLike) -> Ring:
    """A ring for the equilibrium branch.

    Equal drivers: so few of them that every wave the ring can hold dies out at every density; they are
    displaced, and what is left of that after healing is in the standard error. A mixed fleet needs more
    vehicles than that, and behind a delay waves never die: there the equilibrium is solved for when the
    drivers are lifted, and read before a wave can grow.
    """
    if len(fleet.vehicles) > 1 or isinstance(law, Newell):
        cars = max(vehicles_of(fleet), _FEWEST_OF_A_MIXED_RING)
        closure = _flow_closure(RingAtDensity(law, fleet, cars), settings, 0.0, _SHORT_WINDOW, executor)
        return Ring(closure, f"{cars} vehicles, whose common speed is solved for")
    vehicle = fleet.vehicles[0]
    densities = standing_density(law, fleet) * np.append(np.linspace(0.02, 0.98, 49), [0.99, 0.997, 0.999])
    cars = largest_stable_ring(law, vehicle, densities, at_most=8)
    slowest = max(ring_growth(law, vehicle, 1 / density, cars) for density in densities)
    healing = float(np.round(np.clip(30 / max(-slowest, 1e-6), 60.0, max(3000.0, _PATIENCE * vehicle.time_headway))))
    closure = _flow_closure(RingAtDensity(law, fleet, cars, 0.05), settings, healing, _SHORT_WINDOW, executor)
    return Ring(closure, f"{cars} cars, so few that every wave dies out at every density; healed for {healing:g} s")


def pair(law: Law, fleet: Fleet, settings: Settings) -> Ring:
    """Two equal drivers at their equilibrium: the cheapest ring, for a fit that asks thousands of them."""
    closure = _flow_closure(RingAtDensity(law, fleet, 2), settings, 0.0, 1.0, None)
    return Ring(closure, "2 cars at their equilibrium")


def lattice_ring(
    law: NagelSchreckenberg, fleet: Fleet, settings: Settings, executor: ExecutorLike, cells: int = LATTICE_CELLS
) -> Ring:
    """A ring of cells for drivers on a lattice, with the whole number of cars nearest to the density.

    Cars are lifted at equal distances, and such order takes about cells^(3/2) seconds to be forgotten (the dynamic
    exponent of these drivers, as of all that exclude one another): on 1000 cells at half filling the flow is 0.4 % too
    high from 1000 to 2000 s, and right within its error from 8000 s on. Half of cells^(3/2) is waited for.
    """
    model = Road(law, fleet, edges=np.array([0.0, cells * law.cell]))
    trusted = settings.model_copy(update={"replicas": max(settings.replicas, _REPLICAS_TO_TRUST)})
    healing = float(round(cells**1.5 / 2))
    closure = _flow_closure(model, trusted, healing, float(np.round(settings.road.window)), executor)
    return Ring(closure, f"{cells} cells of {law.cell:g} m, healed for {healing:g} s", lattice=cells * law.cell)


def long_ring(law: Law, fleet: Fleet, cars: int, settings: Settings, executor: ExecutorLike) -> Ring:
    """A ring long enough for stop-and-go; starts displaced, and gives waves time to form."""
    healing, window = (float(np.round(time)) for time in (settings.road.healing, settings.road.window))
    closure = _flow_closure(RingAtDensity(law, fleet, cars, 0.5), settings, healing, window, executor)
    return Ring(closure, f"{cars} vehicles, read over {window:g} s after {healing:g} s")


def _flow_closure(
    model: Any, settings: Settings, healing: float, window: float, executor: ExecutorLike
) -> ef.hmm.Closure:
    return ef.hmm.Closure.from_stepper(
        ef.CoarseTimeStepper(model, replicas=settings.replicas, executor=executor, seed=settings.seed),
        lift_input=np.asarray,
        observe=_flow,
        healing=healing,
        window=window,
    )


def _flow(before: Cars, after: Cars, duration: float) -> list[float]:
    return [flow(before, after, duration)]


def growth_rate(law: Law, vehicle: Vehicle, density: float, cars: int = 200) -> tuple[float, ef.Cost]:
    """How fast the fastest wave on a ring of equal drivers grows, or the slowest dies, in 1/s, read from the drivers.

    Small waves of every length are put on the headways; once the fast motion has died, the slope of the
    logarithm of a Fourier mode is its growth rate. Low modes are left out: they may be harmonics of high ones.

    >>> growth_rate(IDM(), Vehicle(), 0.015)[0] < 0 < growth_rate(IDM(), Vehicle(), 0.025)[0]
    True
    """
    headway, modes = 1 / density, np.arange(1, cars // 2 + 1)
    phases = np.pi * modes**2 / modes.size  # spread, so that the waves do not add up at one place
    waves = np.cos(2 * np.pi * np.outer(np.arange(cars), modes) / cars + phases).sum(axis=1)
    model = RingOfHeadways(law, vehicle, cars, cars * headway)
    stepper, cost = ef.CoarseTimeStepper(model), ef.Cost()
    for duration in _WATCHED:
        times = duration * np.linspace(0.4, 1.0, 4)
        burst = stepper.burst(headway * (1 + _WAVE * waves), times)
        cost += burst.cost
        heights = np.abs(np.fft.rfft(burst.mean, axis=1))[:, 1:] / (_WAVE * headway * cars / 2)
        highest = heights[-1].max()
        if highest > _GROWN:
            break
    if highest < _DEAD:  # round-off is left: every wave has died by then at the latest
        return float(np.log(_DEAD) / duration), cost
    return float(slope(times, np.log(heights[:, heights[-1] > highest / 2])).max()), cost
