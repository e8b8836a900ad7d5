"""How a road of ours is written for SUMO, and how a place along a road is one on SUMO's lanes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["LAPS", "Layout", "Part", "route_name", "straight", "survey", "write_road"]

_FAST = 1000.0  # m/s, the limit of our lanes: vehicles have speeds of their own
LAPS = 400
"""That the routes of a ring hold."""


@dataclass(frozen=True)
class Part:
    """An edge on the way: where it begins and how long it is, in m, how many lanes it has, and its limit in m/s."""

    edge: str
    begin: float
    length: float
    lanes: int = 1
    limit: float = inf


@dataclass(frozen=True)
class Layout:
    """The way along which a road is measured.

    Attributes
    ----------
    parts
        Its edges, in order.
    lanes
        Name of each lane on the way, of junctions too -> where it begins along the road, in m.
    length
        In m, junctions included.
    ring
        Whether the way goes round.
    """

    parts: tuple[Part, ...]
    lanes: dict[str, float]
    length: float
    ring: bool

    def locate(self, place: float) -> tuple[int, float]:
        """The part and the place on it, in m, of a place along the road; from within a junction, the nearest.

        >>> way = Layout((Part("a", 0.0, 50.0), Part("b", 60.0, 40.0)), {}, 100.0, False)
        >>> way.locate(54.0), way.locate(57.0), way.locate(70.0)
        ((0, 50.0), (1, 0.0), (1, 10.0))
        """
        distances = [max(part.begin - place, place - part.begin - part.length, 0.0) for part in self.parts]
        number = len(distances) - 1 - int(np.argmin(distances[::-1]))  # the later one, where one ends at the next
        part = self.parts[number]
        return number, min(max(place - part.begin, 0.0), part.length)

    def route(self, number: int) -> list[str]:
        """The edges from a part on: to the end, or round and round."""
        edges = [part.edge for part in self.parts]
        return (edges[number:] + edges[:number]) * LAPS if self.ring else edges[number:]


def route_name(number: int) -> str:
    """The name of the route that begins with a part."""
    return f"eqfree_from_{number}"


def straight(length: float, *, ring: bool) -> Layout:
    """The way on a road of one lane that is written here: a ring has two edges, which nothing lies between.

    >>> straight(100.0, ring=True).lanes
    {'out_0': 0.0, 'back_0': 50.0}
    """
    names = ("out", "back") if ring else ("road",)
    each = length / len(names)
    parts = tuple(Part(name, number * each, each) for number, name in enumerate(names))
    return Layout(parts, {f"{part.edge}_0": part.begin for part in parts}, length, ring)


def write_road(file: Path, way: Layout) -> None:
    """Write such a way as a SUMO network.

    SUMO is told to leave out lanes within junctions, so that lengths add up exactly and leaders are seen across joints.
    """
    names = [part.edge for part in way.parts]
    end = way.parts[0].length
    directions = [("start", "end", f"0,0 {end!r},0"), ("end", "start", f"{end!r},0 0,0")]
    edges = [
        f'<edge id="{name}" from="{begin}" to="{stop}"><lane id="{name}_0" index="0" speed="{_FAST}" length="{end!r}" '
        f'shape="{shape}"/></edge>'
        for name, (begin, stop, shape) in zip(names, directions, strict=False)
    ]
    kind = "priority" if way.ring else "dead_end"
    request = '<request index="0" response="0" foes="0" cont="0"/>' if way.ring else ""
    junctions = [
        f'<junction id="{name}" type="{kind}" x="{x!r}" y="0" incLanes="{into}" intLanes="" shape="{x!r},0">'
        f"{request}</junction>"
        for name, x, into in (("start", 0.0, "back_0" if way.ring else ""), ("end", end, f"{names[0]}_0"))
    ]
    joints = [
        f'<connection from="{one}" to="{other}" fromLane="0" toLane="0" dir="s" state="M"/>'
        for one, other in zip(names, names[1:] + names[:1], strict=True)
        if way.ring
    ]
    box = f"0,0,{end!r},0"
    where = f'<location netOffset="0,0" convBoundary="{box}" origBoundary="{box}" projParameter="!"/>'
    file.write_text("\n".join(['<net version="1.20">', where, *edges, *junctions, *joints, "</net>"]), "utf-8")


def survey(simulation: Any, route: Sequence[str]) -> Layout:
    """The way along the edges of a network that SUMO has loaded, junctions included.

    Raises
    ------
    ValueError
        If two edges that follow each other are not connected.
    """
    parts: list[Part] = []
    lanes: dict[str, float] = {}
    begin = 0.0
    for edge, following in zip(route, [*route[1:], None], strict=True):
        own = [f"{edge}_{number}" for number in range(simulation.edge.getLaneNumber(edge))]
        lanes |= dict.fromkeys(own, begin)
        limit = min(map(simulation.lane.getMaxSpeed, own))
        parts.append(Part(edge, begin, simulation.lane.getLength(own[0]), len(own), limit))
        begin += parts[-1].length
        if following is not None:
            crossed = max(_cross(simulation, lane, following, begin, lanes) for lane in own)
            if crossed < 0:
                raise ValueError(f"The route must be connected: no lane leads from {edge} to {following}.")
            begin += crossed
    return Layout(tuple(parts), lanes, begin, ring=False)


def _cross(simulation: Any, lane: str, following: str, begin: float, lanes: dict[str, float]) -> float:
    """The length in m of the longest way within a junction from a lane to an edge, -1 if none; notes its lanes."""
    longest = -1.0
    for link in simulation.lane.getLinks(lane):
        if simulation.lane.getEdgeID(link[0]) == following:
            inner, at = link[4], begin
            while inner:
                lanes[inner] = at
                at += simulation.lane.getLength(inner)
                inner = next((onward[4] for onward in simulation.lane.getLinks(inner)), "")
            longest = max(longest, at - begin)
    return longest
