"""Putting vehicles into SUMO's simulation, and reading where they are."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eqfree.adapters.sumo.layout import LAPS, Layout, route_name
from eqfree.adapters.sumo.population import Population, gaps
from eqfree.adapters.sumo.readings import split_paths

__all__ = ["TOUCH", "add_routes", "advance", "check_order", "insert", "observe"]

Array = NDArray[np.float64]

TOUCH = 1e-6
"""m of overlap that is round-off."""
_MISPLACED = 1e-3  # m by which a vehicle may be read elsewhere than it was put
_NAMED = 5  # vehicles that an error names


def add_routes(sumo: Any, way: Layout) -> None:
    """Make the routes that begin with each part of the way known to SUMO, if they are not from its saved state."""
    known = set(sumo.route.getIDList())
    for number in range(len(way.parts)):
        if route_name(number) not in known:
            sumo.route.add(route_name(number), way.route(number))


def insert(sumo: Any, way: Layout, population: Population) -> None:
    """Insert every vehicle where the population has it, in one step in which nobody moves, and count them.

    Raises
    ------
    RuntimeError
        If SUMO left vehicles out, or put them elsewhere: how many, and which.
    """
    routes = [route_name(number) for number in range(len(way.parts))]
    wanted = {}
    types = [f"eqfree_{kind}" for kind in population.kind]
    for index, (name, place, speed, kind) in enumerate(
        zip(population.name.tolist(), population.position.tolist(), population.speed.tolist(), types, strict=True)
    ):
        number, rest = way.locate(place)
        wanted[name] = way.parts[number].begin + rest
        sumo.vehicle.add(
            name,
            routes[number],
            typeID=kind,
            depart="now",
            departLane=str(index % way.parts[number].lanes),
            departPos=repr(rest),
            departSpeed=repr(min(speed, way.parts[number].limit)),
        )
    sumo.simulationStep()
    inside = set(sumo.vehicle.getIDList())
    if missing := [name for name in wanted if name not in inside]:
        raise RuntimeError(
            f"SUMO inserted {len(wanted) - len(missing)} of {len(wanted)} vehicles; missing are {_some(missing)}. "
            "Do its lanes admit them, and is there room?"
        )
    places = {name: way.lanes.get(sumo.vehicle.getLaneID(name), inf) for name in wanted}
    misplaced = [
        name
        for name, place in wanted.items()
        if not abs(places[name] + sumo.vehicle.getLanePosition(name) - place) < _MISPLACED
    ]
    if misplaced:
        raise RuntimeError(f"SUMO put {len(misplaced)} of {len(wanted)} vehicles elsewhere: {_some(misplaced)}.")


def observe(sumo: Any, way: Layout, before: Population) -> Population:
    """The vehicles that are on the way now; on a ring the same as before, in the same order.

    Raises
    ------
    RuntimeError
        If one is missing on a ring.
    """
    vehicle = sumo.vehicle
    present = vehicle.getIDList()
    if way.ring:
        if missing := sorted(set(before.name.tolist()).difference(present)):
            raise RuntimeError(f"{len(missing)} of {len(before)} vehicles are gone from the ring: {_some(missing)}.")
        names = before.name.tolist()
        places = [way.lanes[vehicle.getLaneID(one)] + vehicle.getLanePosition(one) for one in names]
        position = np.array(places) + way.length * (before.laps + [_turns(vehicle, way, one) for one in names])
        return replace(before, position=position, speed=np.array([vehicle.getSpeed(one) for one in names]))
    found = []
    for one in present:
        begin = way.lanes.get(vehicle.getLaneID(one))
        if begin is not None:
            found.append((begin + vehicle.getLanePosition(one), one))
    found.sort()
    names = [one for _, one in found]
    return replace(
        before,
        name=np.array(names, dtype=np.str_),
        position=np.array([place for place, _ in found]),
        speed=np.array([vehicle.getSpeed(one) for one in names]),
        vehicle_length=np.array([vehicle.getLength(one) for one in names]),
        kind=np.array([_kind(vehicle.getTypeID(one)) for one in names], dtype=np.int64),
        laps=np.zeros(len(names), dtype=np.int64),
    )


def advance(sumo: Any, way: Layout, micro: Population, steps: int, step: float, cells: Array | None) -> Population:
    """The vehicles after so many steps; with cells, distance and time in them are added up."""
    if not way.ring:
        return observe(sumo, way, _step_by_step(sumo, way, micro, steps, step, cells))
    fastest = max(map(sumo.vehicle.getMaxSpeed, micro.name.tolist()), default=1.0)
    at_once = max(1, int(LAPS // 2 * way.length / (fastest * step)))
    while steps:
        some = min(steps, at_once)
        micro = _begin_laps(sumo, way, micro)
        if cells is None:
            sumo.simulationStep(sumo.simulation.getTime() + some * step)
            micro = observe(sumo, way, micro)
        else:
            micro = _step_by_step(sumo, way, micro, some, step, cells)
        steps -= some
    return micro


def _step_by_step(
    sumo: Any, way: Layout, micro: Population, steps: int, step: float, cells: Array | None
) -> Population:
    for _ in range(steps):
        sumo.simulationStep()
        came, went = sumo.simulation.getDepartedNumber(), sumo.simulation.getArrivedNumber()
        micro = replace(micro, entered=micro.entered + came, left=micro.left + went)
        if cells is not None:
            after = observe(sumo, way, micro)
            driven, spent = _count(micro, after, step, cells)
            micro = replace(after, driven=micro.driven + driven, spent=micro.spent + spent)
    return micro


def _begin_laps(sumo: Any, way: Layout, population: Population) -> Population:
    """Give the vehicles of a ring new laps to drive, if half of theirs are driven."""
    vehicle, names = sumo.vehicle, population.name.tolist()
    turns = np.array([_turns(vehicle, way, name) for name in names], dtype=np.int64)
    if turns.max(initial=0) < LAPS // 2 - 1:
        return population
    for name in names:
        edge = vehicle.getRoadID(name)
        number = next(number for number, part in enumerate(way.parts) if part.edge == edge)
        vehicle.setRouteID(name, route_name(number))
    again = np.array([_turns(vehicle, way, name) for name in names], dtype=np.int64)
    return replace(population, laps=population.laps + turns - again)


def check_order(population: Population) -> None:
    """Refuse vehicles of one lane that overlap.

    Raises
    ------
    RuntimeError
        Names the two.
    """
    room = gaps(population)
    if (room < -TOUCH).any():
        worst = int(np.argmin(room))
        ahead = population.name[(worst + 1) % len(room)]
        raise RuntimeError(
            f"SUMO's drivers collided: {population.name[worst]} overlaps {ahead} by {-room[worst]:.3g} m at "
            f"{population.time:g} s. Take a shorter step, or lift them slower."
        )


def _count(before: Population, after: Population, step: float, cells: Array) -> tuple[Array, Array]:
    """Distance and time in each cell in one step, in which vehicles drive at constant speed."""
    if before.ring:
        duration = np.full(len(before), step)
        return split_paths(before.position, after.position, duration, cells, before.length)
    ends = dict(zip(after.name.tolist(), after.position.tolist(), strict=True))
    out = before.position + np.maximum(before.speed, TOUCH) * step  # who is gone has left at this speed
    end = np.array([ends.get(name, place) for name, place in zip(before.name.tolist(), out.tolist(), strict=True)])
    last = np.minimum(end, before.length)
    duration = step * np.divide(last - before.position, end - before.position, out=np.ones(len(end)), where=end > last)
    return split_paths(before.position, last, duration, cells, inf)


def _turns(vehicle: Any, way: Layout, name: str) -> int:
    """How often a vehicle of a ring has passed its beginning, on its present route."""
    first = int(vehicle.getRouteID(name).rpartition("_")[2])
    return int((first + vehicle.getRouteIndex(name)) // len(way.parts))


def _kind(name: str) -> int:
    ours, _, number = name.partition("_")
    return int(number) if ours == "eqfree" else -1


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
