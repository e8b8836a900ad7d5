"""Roads for SUMO's vehicles: what a macro state says of them, and where it puts the vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, inf
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from eqfree.adapters.sumo.files import check_additional, check_network
from eqfree.adapters.sumo.layout import Layout, straight, survey, write_road
from eqfree.adapters.sumo.population import Population, headways

__all__ = ["Network", "OpenRoad", "Ring", "RingAtDensity", "RingOfHeadways", "Road"]

Array = NDArray[np.float64]


@runtime_checkable
class Road(Protocol):
    """A road: where its macro state puts vehicles, and how SUMO gets to know it."""

    @property
    def ring(self) -> bool:
        """Whether its end is its beginning."""
        ...

    @property
    def demand(self) -> float:
        """Vehicles that arrive at its beginning per second."""
        ...

    @property
    def additional(self) -> Sequence[str | Path]:
        """Files for SUMO to load besides."""
        ...

    @property
    def exact(self) -> bool:
        """Whether SUMO does on it what the vehicles' types say, and nothing else."""
        ...

    def fields(self, shortest: float) -> tuple[dict[str, Any], ...]:
        """Names, units and bounds of the macro state, for vehicles of that length or longer, in m."""
        ...

    def count(self, macro: Array) -> int:
        """How many vehicles the macro state has; a ValueError if it has none."""
        ...

    def length(self, macro: Array) -> float:
        """Of the road, in m."""
        ...

    def place(self, macro: Array, vehicle_length: Array, rng: Generator) -> Array:
        """Front bumpers in m, ascending, (n,)."""
        ...

    def read(self, population: Population) -> Array:
        """The macro state of a population."""
        ...

    def network(self, folder: Path, length: float) -> Path:
        """The network's file; it may be written into the folder."""
        ...

    def way(self, simulation: Any, length: float) -> Layout:
        """The way on the network, which SUMO has loaded."""
        ...


class _Written:
    """A road that is written here."""

    ring = True
    demand = 0.0
    additional: Sequence[str | Path] = ()
    exact = True

    def network(self, folder: Path, length: float) -> Path:
        """The network's file, written."""
        file = folder / "road.net.xml"
        write_road(file, straight(length, ring=self.ring))
        return file

    def way(self, simulation: Any, length: float) -> Layout:
        """The way, which need not be asked for."""
        return straight(length, ring=self.ring)


class _Cells:
    """A road whose macro state is the density in its cells, in 1/m, (cells,)."""

    edges: Array | Sequence[float]

    def fields(self, shortest: float) -> tuple[dict[str, Any], ...]:
        """The density, its unit, the middles of the cells, and what fits in a lane."""
        edges = np.asarray(self.edges)
        return (
            {
                "name": "density",
                "unit": "1/m",
                "coordinates": {"x": (edges[1:] + edges[:-1]) / 2},
                "coordinate_units": {"x": "m"},
                "bounds": (0.0, self._lanes() / shortest),
            },
        )

    def length(self, macro: Array) -> float:
        """Of the cells, in m."""
        return float(np.asarray(self.edges)[-1])

    def count(self, macro: Array) -> int:
        """The integral of the density, rounded half down."""
        return ceil(float(self._count_before(macro)[-1]) - 0.5)

    def place(self, macro: Array, vehicle_length: Array, rng: Generator) -> Array:
        """Vehicle k where the cumulative count passes k - 1/2."""
        middles = np.arange(len(vehicle_length)) + 0.5
        position: Array = np.interp(middles, self._count_before(macro), np.asarray(self.edges))
        return position

    def read(self, population: Population) -> Array:
        """Vehicles per metre in each cell, by their front bumpers."""
        edges = np.asarray(self.edges)
        place = np.mod(population.position, population.length) if population.ring else population.position
        cell = np.searchsorted(edges, place, side="right")
        counts = np.bincount(cell, minlength=len(edges) + 1)[1:-1].astype(np.float64)
        density: Array = counts / np.diff(edges)
        return density

    def _count_before(self, macro: Array) -> Array:
        return np.concatenate(([0.0], np.cumsum(np.asarray(macro) * np.diff(np.asarray(self.edges)))))

    def _lanes(self) -> float:
        return 1.0

    def _check(self) -> None:
        edges = np.array(self.edges, dtype=np.float64)
        if edges.ndim != 1 or len(edges) < 2 or edges[0] != 0 or not (np.diff(edges) > 0).all() or edges[-1] == inf:
            raise ValueError(f"`edges` must ascend from 0 to the length of the road, in m: got {edges}.")
        object.__setattr__(self, "edges", edges)


@dataclass(frozen=True, eq=False)
class Ring(_Cells, _Written):
    """A ring of one lane; its macro state is the density in its cells, in 1/m, (cells,).

    The number of vehicles is the integral of the density, rounded; vehicle k is where the cumulative count passes
    k - 1/2, so that a cell of n vehicles comes back right to one vehicle.

    Parameters
    ----------
    edges : (cells + 1,)
        Of the cells in m, ascending from 0 to the length of the ring.

    Raises
    ------
    ValueError
        If the edges do not ascend from 0.
    """

    edges: Array | Sequence[float]

    def __post_init__(self) -> None:
        self._check()

    def conserved(self, macro: Array) -> Array:
        """The number of vehicles, (1,)."""
        return np.array([float(self.count(macro))])


@dataclass(frozen=True, eq=False)
class OpenRoad(_Cells, _Written):
    """A road of one lane with a beginning, where vehicles arrive, and an end, where they leave; its macro state is
    that of a `Ring`.

    Parameters
    ----------
    edges : (cells + 1,)
        Of the cells in m, ascending from 0 to the length of the road.
    demand
        Vehicles that arrive per second, equally far apart in time; who finds no room waits before the road.

    Raises
    ------
    ValueError
        If the edges do not ascend from 0, or the demand is negative.
    """

    edges: Array | Sequence[float]
    demand: float = 0.0
    ring = False

    def __post_init__(self) -> None:
        self._check()
        if not 0 <= self.demand < inf:
            raise ValueError(f"`demand` must be finite and not negative, in 1/s: got {self.demand}.")


@dataclass(frozen=True, eq=False)
class Network(_Cells):
    """A way through a network of the user's; its macro state is the density in cells along the way, (cells,) in 1/m.

    All lanes together. Lifting puts vehicles on the way, the k-th on lane k modulo the lanes there, and none where a
    junction is: those go to the nearest edge. Vehicles, lights and detectors of the files besides do what these say;
    who comes to the way is counted, who drives elsewhere is not.

    Parameters
    ----------
    file
        A network, ``.net.xml`` or ``.net.xml.gz``.
    route
        The edges of the way, in order, each once.
    edges : (cells + 1,)
        Of the cells in m along the way, junctions included, from 0 on; what is beyond them is not looked at.
    additional
        Files with routes, flows, types, lights and so on, loaded after the network.
    lanes
        The largest number of lanes, which bounds densities.

    Raises
    ------
    ValueError
        If a file does not exist, is broken or lacks an edge of the route, or the edges do not ascend from 0.
    """

    file: str | Path
    route: Sequence[str]
    edges: Array | Sequence[float]
    additional: Sequence[str | Path] = ()
    lanes: int = 1
    ring: bool = field(default=False, init=False)
    demand: float = field(default=0.0, init=False)
    exact: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._check()
        if len(set(self.route)) < len(self.route) or not self.route:
            raise ValueError(f"`route` must pass an edge or more, each once: got {' '.join(self.route)}.")
        check_network(self.file, tuple(self.route))
        for file in self.additional:
            check_additional(file)

    def _lanes(self) -> float:
        return float(self.lanes)

    def network(self, folder: Path, length: float) -> Path:
        """The user's file."""
        return Path(self.file).resolve()

    def way(self, simulation: Any, length: float) -> Layout:
        """The way on the network that SUMO has loaded."""
        way = survey(simulation, self.route)
        longest = float(np.asarray(self.edges)[-1])
        if longest > way.length * (1 + 1e-9):
            raise ValueError(f"Cells must lie on the way, which is {way.length:.10g} m long: got {longest:.10g} m.")
        return way


@dataclass(frozen=True)
class RingAtDensity(_Written):
    """A given number of vehicles on a ring as long as the density says: the macro state is that density, (1,) in 1/m.

    Vehicles are placed at equal gaps. The density does not change; flow is what one observes.

    Parameters
    ----------
    vehicles
        How many.
    displacement
        Largest displacement of a vehicle, as twice the fraction of the smaller gap beside it, in [0, 1).

    Raises
    ------
    ValueError
        If the vehicles are no whole number, or fewer than two: SUMO's driver would follow itself.
    """

    vehicles: int
    displacement: float = 0.0

    def __post_init__(self) -> None:
        _check_vehicles(self.vehicles)
        if not 0 <= self.displacement < 1:
            raise ValueError(f"`displacement` must be at least 0 and below 1: got {self.displacement}.")

    def fields(self, shortest: float) -> tuple[dict[str, Any], ...]:
        """The density, its unit and what fits."""
        return ({"name": "density", "unit": "1/m", "bounds": (0.0, 1 / shortest)},)

    def count(self, macro: Array) -> int:
        """As many as there are."""
        return self.vehicles

    def length(self, macro: Array) -> float:
        """Vehicles over density, in m."""
        density = float(np.asarray(macro).item())
        if not 0 < density < inf:
            raise ValueError(f"The density on a ring must be positive and finite, in 1/m: got {density}.")
        return self.vehicles / density

    def place(self, macro: Array, vehicle_length: Array, rng: Generator) -> Array:
        """Vehicles at equal gaps, displaced."""
        gap = (self.length(macro) - float(vehicle_length.sum())) / self.vehicles
        position = np.concatenate(([0.0], np.cumsum(gap + vehicle_length[1:])))
        if self.displacement and gap > 0:
            position += self.displacement / 2 * gap * rng.uniform(-1, 1, self.vehicles)
            position += -min(0.0, float(position[0]))  # nobody begins before the beginning
        return position

    def read(self, population: Population) -> Array:
        """Vehicles per metre, (1,)."""
        return np.array([len(population) / population.length])


@dataclass(frozen=True)
class RingOfHeadways(_Written):
    """Vehicles on a ring of a given length: the macro state is all headways in m, (vehicles,), from the last to the
    first.

    Parameters
    ----------
    vehicles
        How many.
    around
        Length of the ring in m, the sum of the headways.

    Raises
    ------
    ValueError
        If the vehicles are no whole number, or fewer than two, or the ring has no length.
    """

    vehicles: int
    around: float

    def __post_init__(self) -> None:
        _check_vehicles(self.vehicles)
        if not 0 < self.around < inf:
            raise ValueError(f"`around` must be positive and finite, in m: got {self.around}.")

    def fields(self, shortest: float) -> tuple[dict[str, Any], ...]:
        """The headways, their unit, and what fits."""
        cars = {"car": np.arange(self.vehicles)}
        return ({"name": "headway", "unit": "m", "coordinates": cars, "bounds": (shortest, self.around)},)

    def conserved(self, macro: Array) -> Array:
        """The length of the ring, (1,)."""
        return np.array([macro.sum()])

    def count(self, macro: Array) -> int:
        """As many as there are."""
        return self.vehicles

    def length(self, macro: Array) -> float:
        """That of the ring; a ValueError if the headways add up to another."""
        if np.shape(macro) != (self.vehicles,) or not abs(macro.sum() - self.around) <= 1e-9 * self.around:
            raise ValueError(
                f"There must be {self.vehicles} headways that add up to the ring of {self.around:g} m: "
                f"got {np.size(macro)} that add up to {np.sum(macro):.12g} m."
            )
        return self.around

    def place(self, macro: Array, vehicle_length: Array, rng: Generator) -> Array:
        """Vehicles where the headways say, the last at 0."""
        return np.concatenate(([0.0], np.cumsum(macro[:-1])))

    def read(self, population: Population) -> Array:
        """Distances from front bumper to front bumper ahead, (vehicles,)."""
        return headways(population)


def _check_vehicles(vehicles: int) -> None:
    if isinstance(vehicles, bool) or not isinstance(vehicles, Integral):
        raise ValueError(
            f"`vehicles` must be a whole number: got {vehicles!r}. The macro state says how dense they are."
        )
    if vehicles < 2:
        raise ValueError(f"A ring needs two vehicles or more, or a driver follows itself: got {vehicles}.")
