"""Cars from a density: the right number, in the right places, at the speeds that belong there."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from agents.cars.equilibrium import equilibrium_gaps, equilibrium_speed
from agents.cars.fleet import AnyFleet
from agents.cars.law import Law
from agents.cars.road import Cars, gaps, spread

__all__ = ["cumulative_count", "limit_speeds", "place_at_density", "place_on_profile", "whole_cars"]


def cumulative_count(density: ArrayLike, edges: ArrayLike) -> NDArray[np.float64]:
    """The number of cars before each edge, (cells + 1,), from the density in each cell in 1/m.

    Raises
    ------
    ValueError
        If there is not one density per cell, or one is negative or not finite.

    Examples
    --------
    >>> cumulative_count([0.02, 0.05], [0.0, 100.0, 200.0])
    array([0., 2., 7.])
    """
    rho, places = np.asarray(density, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    if rho.shape != (len(places) - 1,):
        raise ValueError(f"There must be one density per cell, {len(places) - 1} of them: got shape {rho.shape}.")
    if not (np.isfinite(rho).all() and (rho >= 0).all()):
        raise ValueError(f"Densities must be finite and not negative, in 1/m: got {rho[~(rho >= 0)][:3]}.")
    return np.concatenate(([0.0], np.cumsum(rho * np.diff(places))))


def whole_cars(count_before: NDArray[np.float64]) -> int:
    """How many cars stand for a cumulative count: its end, rounded, half down, so that car k is at k - 1/2.

    >>> whole_cars(np.array([0.0, 2.0, 7.5]))
    7
    """
    return ceil(float(count_before[-1]) - 0.5)


def limit_speeds(speed: NDArray[np.float64], cars: Cars) -> NDArray[np.float64]:
    """The largest speeds (n,) in m/s, none above ``speed``, from which all can brake behind their leaders.

    v_i <= sqrt(v_{i+1}² + 2 b_i gap_i) with the driver's deceleration b: what keeps a profile that jumps from
    ending in a collision.

    >>> from agents.cars.fleet import CAR, Drivers
    >>> cars = Cars(np.array([0.0, 40.0]), np.zeros(2), Drivers.of([CAR], [0, 0]), 100.0, ring=False)
    >>> limit_speeds(np.array([30.0, 0.0]), cars).round(3)
    array([10.812,  0.   ])
    """
    if not len(cars):
        return speed
    laps = 2 if cars.ring else 1
    shed = np.tile(2 * cars.drivers.deceleration * np.maximum(0.0, gaps(cars)), laps)
    before = np.concatenate(([0.0], np.cumsum(shed[:-1])))
    reachable = np.minimum.accumulate((np.tile(speed**2, laps) + before)[::-1])[::-1] - before
    limited: NDArray[np.float64] = np.minimum(speed, np.sqrt(np.maximum(0.0, reachable[: len(speed)])))
    return limited


def place_on_profile(
    law: Law,
    fleet: AnyFleet,
    density: ArrayLike,
    edges: ArrayLike,
    rng: Generator,
    *,
    speed: ArrayLike | None = None,
    ring: bool = True,
) -> Cars:
    """Cars on a road whose density is given cell by cell.

    The number of cars N is the integral I of the density, rounded (half down). Car k is where the cumulative count
    passes k - 1/2: there, and nowhere else, the count of cars is within 1/2 of it everywhere. Where vehicles would
    overlap they are moved apart by the least largest displacement. Equal cars need not be moved, up to a density of
    one per length, but at the seam of a ring: if N was rounded up, the first car may be too close to the last one by
    N - I of its length, and the count is right to (1 + N - I)/2 <= 3/4. In a mixed fleet those are moved
    who are longer than the room they got, and their neighbours.
    Types come from the shuffled deck; speeds are the steady ones for the gaps, or the given ones, and not above
    those from which drivers can brake behind their leaders.

    Parameters
    ----------
    law
        How they drive.
    fleet
        Who drives.
    density
        In 1/m, (cells,).
    edges
        Of the cells in m, (cells + 1,), from 0 to the length of the road.
    rng
        Shuffles the deck.
    speed
        In m/s, (cells,): of the cars in each cell; by default the steady speeds.
    ring
        Whether the end of the road is its beginning.

    Raises
    ------
    ValueError
        If the cars do not fit on the road, or a profile is not as said above.

    Examples
    --------
    >>> from agents.cars import CAR, IDM, Fleet
    >>> rng = np.random.default_rng(0)
    >>> cars = place_on_profile(IDM(), Fleet.of(CAR), [0.02, 0.04], [0.0, 200.0, 400.0], rng)
    >>> cars.position
    array([ 25. ,  75. , 125. , 175. , 212.5, 237.5, 262.5, 287.5, 312.5, 337.5, 362.5, 387.5])
    """
    places = np.asarray(edges, dtype=np.float64)
    count_before = cumulative_count(density, places)
    number = whole_cars(count_before)
    position = np.interp(np.arange(number) + 0.5, count_before, places)
    drivers = fleet.deal(number, rng)
    length = float(places[-1])
    cars = Cars(spread(position, drivers.length, length, ring), np.zeros(number), drivers, length, ring)
    if speed is None:
        wanted = np.broadcast_to(law.steady_speed(gaps(cars), drivers), (number,))
    else:
        profile = np.asarray(speed, dtype=np.float64)
        if profile.shape != (len(places) - 1,) or not (profile >= 0).all():
            raise ValueError(
                f"`speed` must have one value per cell, not negative, in m/s: got {profile} "
                f"for {len(places) - 1} cells."
            )
        wanted = profile[np.clip(np.searchsorted(places, position, side="right") - 1, 0, len(profile) - 1)]
    return law.prepare(replace(cars, speed=limit_speeds(wanted, cars)))


def place_at_density(
    law: Law, fleet: AnyFleet, count: int, density: float, rng: Generator, *, displacement: float = 0.0
) -> Cars:
    """``count`` cars in steady flow on a ring of the length count/density (to the nearest cell of a lattice).

    Gaps and speed solve the steady flow of the mixture, see `agents.cars.equilibrium`. With a displacement
    each car is moved by up to half that fraction of the smaller gap beside it, uniformly distributed, and
    drives at the steady speed of its new gap.

    Raises
    ------
    ValueError
        If the density is not positive or the cars do not fit, or the displacement is outside [0, 1).

    Examples
    --------
    >>> from agents.cars import CAR, IDM, Fleet
    >>> cars = place_at_density(IDM(), Fleet.of(CAR), 4, 0.02, np.random.default_rng(0))
    >>> cars.position.round(9), cars.length
    (array([  0.,  50., 100., 150.]), 200.0)
    """
    if not (density > 0 and np.isfinite(density)):
        raise ValueError(f"The density on a ring must be positive and finite, in 1/m: got {density}.")
    if not 0 <= displacement < 1:
        raise ValueError(f"`displacement` must be at least 0 and below 1: got {displacement}.")
    length = count / density if law.cell is None else max(1, round(count / density / law.cell)) * law.cell
    drivers = fleet.deal(count, rng)
    lengths = drivers.length
    if fleet.uniform and length >= lengths.sum():  # equal drivers share the road alike: nothing to solve for
        ahead = np.full(count, (length - lengths.sum()) / count)
        common = float(law.steady_speed(ahead, drivers)[0])
    else:
        common = equilibrium_speed(law, drivers, length)
        ahead = equilibrium_gaps(law, drivers, length, common)
    position = np.concatenate(([0.0], np.cumsum(ahead[:-1] + lengths[1:])))
    cars = Cars(position, np.full(count, common), drivers, length)
    if displacement:
        reach = displacement / 2 * np.minimum(ahead, np.roll(ahead, 1))
        cars = replace(cars, position=position + rng.uniform(-1, 1, count) * reach)
        cars = replace(cars, speed=limit_speeds(law.steady_speed(gaps(cars), drivers), cars))
    return law.prepare(cars)
