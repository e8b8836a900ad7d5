"""Walkers whose mean square displacement is read: the micro-model of a composite's conductivity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.walkers.media import Disks, Layers, Medium

__all__ = ["WalkerConductor", "Walkers"]

Array = NDArray[np.float64]
_FORGOTTEN = 0.1  # over the smaller conductivity (periods²): after it a walker has forgotten where it was, measured


@dataclass(frozen=True, eq=False)
class Walkers:
    """Walkers in a medium, and what was read of them so far; the difference of two of these is a reading.

    Attributes
    ----------
    parameters
        Of the medium: the macro state.
    place : (walker, 2)
        Where they are, unwrapped (periods).
    displacement : (walker, 2)
        Since they were lifted (periods).
    late : (walker,)
        What is left to each of them until now (periods² per unit of conductivity): they go from exit to exit.
    time
        Since they were lifted (periods² per unit of conductivity).
    grown : (2, 2)
        What their mean of displacement times displacement grew by, read by windows (periods²).
    """

    parameters: Array
    place: Array
    displacement: Array
    late: Array
    time: float
    grown: Array

    def __deepcopy__(self, memo: object) -> Walkers:
        return self  # nobody writes into it: evolving makes a new one


@dataclass(frozen=True, eq=False)
class WalkerConductor:
    """Random walkers in a periodic medium of two phases; the macro state is the parameters of the medium.

    They follow div(k grad) with one heat capacity, so that they are uniform in space, and the effective conductivity is
    K = lim <dx dx> / 2t. With J what a window w of time adds, it is read as

    K = (<J_k J_k> + <J_k J_k+1> + <J_k+1 J_k>) / 2w,

    which is rid of what the start of a window remembers; <dx dx> / 2t alone would need windows some ten times longer
    for the same bias. Walkers are read at the exits that are nearest to the end of a window, `agents.walkers.walk`, so
    that only in the mean is it that long; the first window after lifting is to be thrown away. Time is in periods² over
    the unit of the conductivities, K in the latter.

    *How to choose.* The relative standard error of K_xx is about sqrt(6 / windows of all walkers). ``window``: a walker
    must forget in it where it was; the default, 0.1 periods² over the smaller conductivity, is three times that long
    for 30 % of slow disks in a square array, in one of which memory is 0.29 R² / k. Twice as long must give the same,
    and has to be taken near touching. Of many disks in a cell the period is long: 0.1 squared distances between them
    will do. There is no time step.

    Parameters
    ----------
    conductivities
        Of the matrix and of the inclusions (any unit).
    medium_of
        The medium of a macro state.
    walkers
        How many.
    window
        Of time, or None for the default.

    Raises
    ------
    ValueError
        If a conductivity or the window is not positive and finite, or there are no walkers.

    Examples
    --------
    >>> model = WalkerConductor((1.0, 10.0), Layers.of, walkers=100)
    >>> start = model.lift(np.array([0.5, 0.0]), np.random.default_rng(0))
    >>> end = model.evolve(start, 2.0, np.random.default_rng(1))
    >>> model.restrict(end), bool(abs(model.observe(start, end, 2.0)[2] / 5.5 - 1) < 0.3)
    (array([0.5, 0. ]), True)
    """

    conductivities: tuple[float, float]
    medium_of: Callable[[Array], Medium]
    walkers: int = 500
    window: float | None = None

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        given = tuple(float(value) for value in self.conductivities)
        if len(given) != 2 or not all(0 < value < inf for value in given):
            raise ValueError(f"`conductivities` must be two positive numbers, matrix first: got {self.conductivities}.")
        if self.walkers < 1:
            raise ValueError(f"`walkers` must be 1 or more: got {self.walkers}.")
        if self.window is not None and not 0 < self.window < inf:
            raise ValueError(f"`window` must be positive and finite: got {self.window:g}.")
        object.__setattr__(self, "conductivities", given)

    @property
    def memory(self) -> float:
        """The window of time (periods² over the unit of the conductivities)."""
        return _FORGOTTEN / min(self.conductivities) if self.window is None else self.window

    def lift(self, macro: Array, rng: Generator) -> Walkers:
        """Walkers all over the cell, as evenly as they go: they are in equilibrium.

        Raises
        ------
        ValueError
            If there is no such medium.
        """
        place = self.medium_of(macro).scatter(self.walkers, rng)
        return Walkers(
            np.array(macro, dtype=np.float64), place, np.zeros_like(place), np.zeros(len(place)), 0.0, np.zeros((2, 2))
        )

    def evolve(self, micro: Walkers, duration: float, rng: Generator) -> Walkers:
        """The walkers after a ``duration``, in as many windows as fit in, and two at least."""
        if duration == 0:
            return micro
        windows = max(2, int(duration / self.memory + 1e-9))
        medium = self.medium_of(micro.parameters)
        window = duration / windows
        place, late, moved = medium.walk(micro.place, micro.late, self.conductivities, windows, window, rng)
        square = np.einsum("iwa,iwb->ab", moved, moved)
        later = np.einsum("iwa,iwb->ab", moved[:, :-1], moved[:, 1:]) * (windows / (windows - 1))
        return replace(
            micro,
            place=place,
            late=late,
            displacement=micro.displacement + moved.sum(axis=1),
            time=micro.time + duration,
            grown=micro.grown + (square + later + later.T) / self.walkers,
        )

    def restrict(self, micro: Walkers) -> Array:
        """The parameters of the medium."""
        return micro.parameters.copy()

    def observe(self, before: Walkers, after: Walkers, duration: float) -> Array:
        """K_xx, K_xy, K_yy, in the unit of the conductivities."""
        tensor = (after.grown - before.grown) / (2 * duration)
        return np.array([tensor[0, 0], tensor[0, 1], tensor[1, 1]])

    def pack(self, micro: Walkers) -> dict[str, NDArray[Any]]:
        """The walkers as named arrays."""
        return {name: np.array(value) for name, value in vars(micro).items()}

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Walkers:
        """The walkers that were packed; they own their arrays."""
        arrays = {name: np.array(packed[name]) for name in ("parameters", "place", "displacement", "late", "grown")}
        return Walkers(**arrays, time=float(packed["time"]))

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Windows of walkers."""
        return self.walkers * max(2, int(duration / self.memory + 1e-9))

    def warm(self) -> None:
        """Compile what is needed."""
        for medium in (Layers(0.5), Disks.square(0.1)):
            medium.walk(np.zeros((1, 2)), np.zeros(1), (1.0, 1.0), 1, 1e-9, Generator(PCG64(0)))
