"""Steady states of a device over the voltage, followed through folds by the continuation of coarse steady states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import pi
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.results import Branch
from scenarios.battery.device import Bar, Plate

__all__ = ["HeatedDevice", "currents", "follow", "slow_time"]

Array: TypeAlias = NDArray[np.float64]

_FIRST_RISE = 4.0  # of the first steady state above the surroundings, K
_SCALE = 2.0  # change of the temperatures that counts as one, K
_FIRST, _LARGEST = 1.5, 5.0  # steps in these units
_SMALLEST = 0.4  # so that a branch does not creep up to its end
_SHARE = 0.3  # of the slow time between two readings: unstable states must not look stable to implicit steps
_SAME = 1e-6  # of the size: as far from the middle
_COLDER, _HOTTER = 0.97, 1.2  # of the temperatures of a branch, which solvers may try


@dataclass(frozen=True, eq=False)
class HeatedDevice:
    """A device at a voltage as a micro-model: the macro state is its temperature over the distance from its middle.

    A bar, and a film that is cooled at its faces, are their own mirror images, and so are the disturbances that grow
    first: nodes as far from the middle have one number, (distance,) in K. Cold faces are added when it is lifted, and
    it evolves by an implicit step of the device.

    Examples
    --------
    >>> from scenarios.battery.laws import Arrhenius
    >>> bar = Bar(length=0.01, conductivity=Arrhenius(0.01, 300.0, 0.35), thermal_conductivity=1.0, contact=50.0)
    >>> heated = HeatedDevice(bar, voltage=10.0, highest=400.0)
    >>> bool(heated.evolve(bar.cold, 10.0, np.random.default_rng(0)).max() > 300)
    True
    """

    device: Bar | Plate
    voltage: float
    highest: float

    deterministic = True
    thread_safe = True

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The temperature, how far from the middle (m), and what counts as a change of it."""
        bounds = (_COLDER * self.device.surroundings, self.highest)
        distances = self._distances[0]
        return (
            {
                "name": "temperature",
                "unit": "K",
                "coordinates": {"distance": distances},
                "bounds": bounds,
                "scale": _SCALE,
            },
        )

    def lift(self, macro: Array, rng: Generator) -> Array:
        """The temperatures at all nodes."""
        temperature = self.device.cold
        temperature[self.device.free] = np.asarray(macro, dtype=np.float64)[self._distances[1]]
        return temperature

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        """The temperatures after a duration (s)."""
        return self.device.advance(micro, self.voltage, duration) if duration else micro

    def restrict(self, micro: Array) -> Array:
        """The temperatures over the distance from the middle, the mean of nodes that are as far."""
        numbers = self._distances[1]
        return np.asarray(np.bincount(numbers, micro[self.device.free]) / np.bincount(numbers))

    @cached_property
    def _distances(self) -> tuple[Array, NDArray[np.intp]]:
        """The distances of free nodes from the middle, each once, and which of them each has."""
        along = 1 if _is_film(self.device) else 0
        whole = self.device.width if _is_film(self.device) else self.device.length
        apart = np.abs(self.device.places[self.device.free, along] - whole / 2)
        units = np.rint(apart / (_SAME * whole)).astype(np.int64)
        _, first, numbers = np.unique(units, return_index=True, return_inverse=True)
        return apart[first], numbers


def _is_film(device: Bar | Plate) -> bool:
    """Whether it is cooled at its faces alone, so that temperatures vary across it."""
    return isinstance(device, Plate) and device.side_cooling is None


def slow_time(device: Bar | Plate) -> float:
    """About how long the device takes to cool (s): by conduction to its cold faces and by its contacts.

    >>> from scenarios.battery.laws import Arrhenius
    >>> law = Arrhenius(0.01, 300.0, 0.35)
    >>> round(slow_time(Bar(length=0.01, conductivity=law, thermal_conductivity=1.0, contact=50.0)))
    220
    """
    across = device.width if _is_film(device) else device.length
    conducted = device.heat_capacity * across**2 / (pi**2 * device.thermal_conductivity)
    return conducted + (device.heat_capacity * device.length / (2 * device.contact) if device.contact else 0.0)


def follow(device: Bar | Plate, highest: float, points: int, progress: Callable[[object], None]) -> Branch:
    """The branch of steady states from cold on, up to a maximal temperature (K): its parameter is the voltage (V).

    The measure of its points is the maximal temperature. Where the device has no fold the voltage rises all along.
    """
    first = device.steady_at(device.surroundings + _FIRST_RISE)
    method = ef.continuation.PseudoArclength(
        duration=_SHARE * slow_time(device),
        span=(0.5 * first.voltage, 20 * first.voltage),
        steps=ef.continuation.Steps(
            first=_FIRST, smallest=_SMALLEST, largest=_LARGEST, unit=0.1 * first.voltage, points=points
        ),
        measure=np.max,
        domain=lambda macro, _: highest - float(macro.max()),
    )
    start = HeatedDevice(device, first.voltage, highest)
    hotter = device.surroundings + _HOTTER * (highest - device.surroundings)
    return ef.continue_branch(
        lambda voltage: ef.CoarseTimeStepper(HeatedDevice(device, float(voltage), hotter)),
        start.restrict(first.temperature),
        first.voltage,
        method,
        directions=(1,),
        progress=progress,
    )


def currents(device: Bar | Plate, branch: Branch) -> Array:
    """The current at each point of a branch, (point,) in A: that of a time step, which leaves a steady state as it is.

    >>> from scenarios.battery.laws import Exponential
    >>> law = Exponential(at=0.01, reference=300.0, steepness=0.0)  # Ohm's: 1 cm with a section of 0.1 cm²
    >>> bar = Bar(length=0.01, conductivity=law, thermal_conductivity=1.0, contact=50.0, elements=4)
    >>> branch = follow(bar, 310.0, 3, lambda _: None)
    >>> bool(np.allclose(currents(bar, branch), 1e-5 * branch.parameter))
    True
    """
    duration, found = _SHARE * slow_time(device), []
    for point in branch.points:
        heated = HeatedDevice(device, point.parameter, np.inf)
        state = heated.lift(point.macro, np.random.default_rng(0))
        found.append(device.transient(point.parameter, duration, 1, state).states[-1].current)
    return np.array(found)
