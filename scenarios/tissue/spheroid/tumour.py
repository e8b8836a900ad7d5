"""A tumour spheroid as a micro-model: cells off the lattice, and the nutrient that they live on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf, log, pi
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.cells.centre_based import CentreBased
from agents.cells.fields import Medium, Solute
from agents.cells.spheres import Spheres
from scenarios.tissue.spheroid.lifting import place_spheroid, settle
from scenarios.tissue.spheroid.profiles import GROUPS, Profile, shell_edges

__all__ = ["Spheroid", "Stirred", "Tumour"]

Array = NDArray[np.float64]

_SETTLING = 12, 4  # rounds of so many steps


@dataclass(frozen=True, eq=False)
class Spheroid:
    """The cells of a spheroid, around the origin, and the nutrient in the medium around and in it."""

    cells: Spheres
    nutrient: Solute

    def pack(self) -> dict[str, NDArray[Any]]:
        """Everything about it as named arrays."""
        parts = {"cells": self.cells.pack(), "nutrient": self.nutrient.pack()}
        return {f"{part}.{name}": array for part, arrays in parts.items() for name, array in arrays.items()}

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Spheroid:
        """The spheroid that was packed; it owns its arrays."""
        parts: dict[str, dict[str, NDArray[Any]]] = {"cells": {}, "nutrient": {}}
        for name, array in packed.items():
            part, _, own = name.partition(".")
            parts[part][own] = array
        return cls(Spheres.unpack(parts["cells"]), Solute.unpack(parts["nutrient"]))


@dataclass(frozen=True)
class Stirred:
    """Nutrient that cells take up, in a medium that is stirred: around the spheroid it is held near 1.

    Living cells clear the volume that they fill at the rate ``uptake``. Where cells fill less than ``sparse`` of a
    box, what is missing to 1 is made good at the rate ``exchange`` × (1 - filled / ``sparse``): beside the spheroid,
    but not in it.

    Parameters
    ----------
    medium
        The boxes; the origin is in their middle.
    uptake, exchange
        1/h.
    sparse
        Share of a box that cells fill.

    Raises
    ------
    ValueError
        By what it does, where a cell lies outside of the medium.

    Examples
    --------
    >>> stirred = Stirred(Medium((4, 4, 4), spacing=20.0, diffusion=4e5), uptake=100.0, exchange=2000.0)
    >>> alone = Spheres.at([[0.0, 0.0, 0.0]], diameter=20.0)
    >>> 0.9 < stirred.at(stirred.around(alone), alone)[0] < 1.0
    np.True_
    """

    medium: Medium
    uptake: float
    exchange: float
    sparse: float = 0.3

    def rates(self, cells: Spheres) -> tuple[Array, Array]:
        """Secretion (1/h, times the concentration 1) and uptake (1/h) in each box."""
        places = self._places(cells)
        weights = self.medium.weights(places)
        living, all_of_them = (
            (weights.T @ volume).reshape(self.medium.shape) / self.medium.volume
            for volume in (cells.volume * cells.alive, cells.volume)
        )
        stirred = self.exchange * np.clip(1 - all_of_them / self.sparse, 0.0, 1.0)
        return stirred, stirred + self.uptake * living

    def around(self, cells: Spheres) -> Solute:
        """The nutrient that has settled around these cells."""
        return self.medium.solute(self.medium.steady(*self.rates(cells)))

    def evolve(self, nutrient: Solute, cells: Spheres, duration: float) -> Solute:
        """The nutrient after a time in which the cells stay where they are."""
        return self.medium.evolve(nutrient, duration, *self.rates(cells))

    def at(self, nutrient: Solute, cells: Spheres) -> Array:
        """What each cell has of it, (cell,)."""
        return self.medium.sample(nutrient, self._places(cells))

    def _places(self, cells: Spheres) -> Array:
        middle = self.medium.spacing * np.array(self.medium.shape) / 2
        places = cells.position + middle
        if not ((places > 0) & (places < 2 * middle)).all():
            raise ValueError(
                f"The spheroid must fit into its medium, {2 * middle[0]:.4g} µm wide: got cells as far as "
                f"{np.abs(cells.position).max():.4g} µm from its middle. Take more boxes."
            )
        return np.asarray(places)


@dataclass(frozen=True, eq=False)
class Tumour:
    """A micro-model of a spheroid: the macro state is a radius, and what fills its shells, (1 + groups × shells,).

    It is that of a ball which the cells fill to the share ``packed`` in their order from the centre: how densely they
    are packed here and there follows from their volumes, by mechanics, and heals in hours; a leap that carried it along
    would blow up its noise. The shells grow with the radius, `shell_edges`, so that a front which moves with it stays
    where it is.

    Cells and nutrient take turns, every ``turn``: first the nutrient, implicitly, with the cells where they are, then
    the cells, each with the nutrient that it had.

    Parameters
    ----------
    tissue
        What cells do.
    stirred
        Their nutrient.
    turn
        How long a turn is (h).
    shells
        Of the macro state.
    packed
        Which share of a spheroid cells fill.

    Raises
    ------
    ValueError
        If the cells have no cycle.

    Examples
    --------
    >>> from scenarios.tissue.spheroid.settings import SpheroidSettings
    >>> from scenarios.tissue.spheroid.study import build_tumour
    >>> tumour = build_tumour(SpheroidSettings(radius_start=60.0, radius_end=80.0))
    >>> spheroid = tumour.lift(tumour.ball(60.0), np.random.default_rng(0))
    >>> tumour.restrict(spheroid).shape, round(float(tumour.restrict(spheroid)[0]))
    ((46,), 60)
    """

    tissue: CentreBased
    stirred: Stirred
    turn: float
    shells: int = 15
    packed: float = 0.75

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        if self.tissue.cycle is None:
            raise ValueError("The cells of a tumour must have a cycle: got none. Give `tissue` one.")

    @property
    def newborn(self) -> float:
        """Diameter of a newborn cell (µm)."""
        assert self.tissue.cycle is not None
        return self.tissue.cycle.newborn

    @property
    def time_step(self) -> float:
        """A turn."""
        return self.turn

    @cached_property
    def edges(self) -> Array:
        """Ends of the shells over the radius."""
        return shell_edges(self.shells)

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The radius, and the shares of the shells that growing, inhibited and necrotic cells fill."""
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        radius = {"name": "radius", "unit": "µm", "bounds": (self.newborn, inf)}
        profiles = [{"name": name, "coordinates": {"r/R": middles}, "bounds": (0.0, self.packed)} for name in GROUPS]
        return (radius, *profiles)

    def lift(self, macro: Array, rng: Generator) -> Spheroid:
        """A spheroid of that radius, filled like that; its cells have settled, and so has its nutrient."""
        radius, fractions = self.split(macro)
        cells = place_spheroid(radius * self.edges, fractions, self.newborn, rng)
        cells = settle(cells, self.tissue.mechanics, self.tissue.time_step, *_SETTLING)
        return Spheroid(cells, self.stirred.around(cells))

    def evolve(self, micro: Spheroid, duration: float, rng: Generator) -> Spheroid:
        """The spheroid after ``duration``, whole turns."""
        turns = round(duration / self.turn)
        if abs(turns * self.turn - duration) > 1e-9 * max(duration, self.turn):
            raise ValueError(f"A duration must be whole turns of {self.turn:g} h: got {duration:g} h.")
        cells, nutrient = micro.cells, micro.nutrient
        for _ in range(turns):
            nutrient = self.stirred.evolve(nutrient, cells, self.turn)
            cells = self.tissue.evolve(cells, self.turn, rng, nutrient=self.stirred.at(nutrient, cells))
        return Spheroid(cells, nutrient)

    def restrict(self, micro: Spheroid) -> Array:
        """Radius and shares."""
        radius, filled = Profile.of(micro.cells).filled(self.edges, self.packed)
        return np.concatenate(([radius], filled.ravel()))

    def split(self, macro: Array) -> tuple[float, Array]:
        """The radius (µm), and the shares, (group, shell)."""
        given = np.asarray(macro, dtype=np.float64)
        wanted = 1 + len(GROUPS) * self.shells
        if given.shape != (wanted,):
            raise ValueError(f"The macro state must be a radius and shares of shells, ({wanted},): got {given.shape}.")
        return float(given[0]), given[1:].reshape(len(GROUPS), self.shells)

    def ball(self, radius: float) -> Array:
        """The macro state of a ball of which every cell grows."""
        return np.concatenate(([radius], np.full(self.shells, self.packed), np.zeros(2 * self.shells)))

    def pack(self, micro: Spheroid) -> dict[str, NDArray[Any]]:
        """The spheroid as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Spheroid:
        """The spheroid that was packed."""
        return Spheroid.unpack(packed)

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Updates of single cells that it takes to evolve the macro state, as many as there are at the start."""
        radius, fractions = self.split(macro)
        volume = float((fractions * np.diff((radius * self.edges) ** 3)).sum()) * 4 * pi / 3
        newborn = pi / 6 * self.newborn**3
        return volume * log(2) / newborn * duration / self.tissue.time_step

    def warm(self) -> None:
        """Compile what `evolve` needs."""
        rng = Generator(PCG64(0))
        self.evolve(self.lift(self.ball(2 * self.newborn), rng), self.turn, rng)
