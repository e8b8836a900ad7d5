"""Run and tumble: walkers that run straight, turn at random times, and turn less often while they run up a gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import exp, inf, pi, sqrt
from typing import Any

import numpy as np
from numba import njit
from numpy.random import PCG64, Generator
from numpy.typing import ArrayLike, NDArray
from scipy.special import ive

__all__ = ["RunAndTumble", "Walkers"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Walkers:
    """Walkers that know nothing of each other.

    Parameters
    ----------
    position
        µm, (walker, axis).
    heading
        Unit vectors, (walker, axis).
    tumbles
        Of each walker since it was made, (walker,).
    time
        Since then, h.

    Examples
    --------
    >>> Walkers(np.zeros((1, 1)), np.ones((1, 1)), np.zeros(1, dtype=np.int64)).time
    0.0
    """

    position: NDArray[np.float64]
    heading: NDArray[np.float64]
    tumbles: NDArray[np.int64]
    time: float = 0.0

    def __post_init__(self) -> None:
        for array in (self.position, self.heading, self.tumbles):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.position)

    def pack(self) -> dict[str, NDArray[Any]]:
        """Everything about them as named arrays."""
        return {one.name: np.array(getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Walkers:
        """The walkers that were packed; they own their arrays.

        >>> Walkers.unpack(RunAndTumble(20.0, 2.0).start(2, np.random.default_rng(0)).pack()).tumbles
        array([0, 0])
        """
        arrays: dict[str, Any] = {name: np.array(packed[name]) for name in ("position", "heading", "tumbles")}
        return cls(**arrays, time=float(packed["time"]))


@dataclass(frozen=True)
class RunAndTumble:
    """Walkers that run at one speed and tumble at exponential times, exactly: events, no time steps.

    In one dimension a tumble is a reversal; in two and three the new heading is any, all equally likely. In a linear
    gradient along x a walker of the heading h tumbles at the rate λ exp(-b h_x), with b = ``bias``, the sensitivity
    times the gradient: b > 0 lets it run longer up the gradient. The rate is constant along a run, so that its time
    is exactly exponential. Without bias, from random headings,

    <x²> = d 2 D (t - (1 - exp(-t/τ)) τ), D = s² τ / d, with τ = 1/2λ in one dimension and 1/λ else;

    with it, the drift is s tanh b in one dimension (which is s (λ₋ - λ₊) / (λ₊ + λ₋)), s I₁(b)/I₀(b) in two, and
    s (coth b - 1/b) in three.

    Parameters
    ----------
    speed
        s, µm/h.
    tumble_rate
        λ, 1/h.
    dimensions
        One, two or three.
    bias
        b, dimensionless.

    Raises
    ------
    ValueError
        If speed or rate is not positive, the dimensions are none of these, or the bias is not finite.

    References
    ----------
    The telegraph process: M. Kac, Rocky Mt. J. Math. 4 (1974) 497, doi:10.1216/RMJ-1974-4-3-497; with a biased rate:
    H. C. Berg & D. A. Brown, Nature 239 (1972) 500, doi:10.1038/239500a0.

    Examples
    --------
    >>> walk = RunAndTumble(speed=20.0, tumble_rate=2.0)
    >>> walk.diffusivity, round(walk.mean_square(1.0), 3)
    (100.0, 150.916)
    >>> walk.evolve(walk.start(3, np.random.default_rng(0)), 1.0, np.random.default_rng(1)).position.shape
    (3, 1)
    """

    speed: float
    tumble_rate: float
    dimensions: int = 1
    bias: float = 0.0

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        for name in ("speed", "tumble_rate"):
            if not 0 < getattr(self, name) < inf:
                raise ValueError(f"`{name}` must be positive and finite: got {getattr(self, name)}.")
        if self.dimensions not in (1, 2, 3):
            raise ValueError(f"`dimensions` must be 1, 2 or 3: got {self.dimensions}.")
        if not abs(self.bias) < 500:
            raise ValueError(f"`bias`, sensitivity times gradient, must lie between -500 and 500: got {self.bias}.")

    @property
    def memory(self) -> float:
        """How long a heading is remembered without bias, τ, h."""
        return 1 / (2 * self.tumble_rate if self.dimensions == 1 else self.tumble_rate)

    @property
    def diffusivity(self) -> float:
        """D without bias, µm²/h."""
        return self.speed**2 * self.memory / self.dimensions

    @property
    def drift(self) -> float:
        """Mean velocity along x in the long run, µm/h."""
        b = self.bias
        if self.dimensions == 1:
            return self.speed * float(np.tanh(b))
        if self.dimensions == 2:
            return self.speed * float(ive(1, b) / ive(0, b))
        small = abs(b) < 1e-3  # where the difference of two large numbers would be all round-off
        return self.speed * (b / 3 if small else float(1 / np.tanh(b) - 1 / b))

    def mean_square(self, time: float) -> float:
        """Squared distance from the start after this time, in the mean without bias, µm²."""
        return 2 * self.dimensions * self.diffusivity * float(time + self.memory * np.expm1(-time / self.memory))

    def start(self, count: int, rng: Generator, position: ArrayLike | None = None) -> Walkers:
        """Walkers with random headings, at the origin or where they are told, (walker, axis).

        Raises
        ------
        ValueError
            If the positions have another shape.
        """
        places = np.zeros((count, self.dimensions)) if position is None else np.array(position, dtype=np.float64)
        if places.shape != (count, self.dimensions):
            raise ValueError(f"Positions must have the shape {(count, self.dimensions)}: got {places.shape}.")
        drawn = rng.standard_normal((count, self.dimensions))
        heading = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        return Walkers(places, heading, np.zeros(count, dtype=np.int64))

    def evolve(self, micro: Walkers, duration: float, rng: Generator) -> Walkers:
        """The walkers after ``duration``, h.

        Raises
        ------
        ValueError
            If the duration is negative or not finite, or the walkers have other dimensions.
        """
        if not 0 <= duration < inf:
            raise ValueError(f"A duration must be finite and not negative, in h: got {duration}.")
        if micro.position.shape[1] != self.dimensions:
            raise ValueError(f"Walkers must have {self.dimensions} dimensions: got {micro.position.shape[1]}.")
        place, heading, tumbles = micro.position.copy(), micro.heading.copy(), micro.tumbles.copy()
        _run(place, heading, tumbles, self.speed, self.tumble_rate, self.bias, duration, rng)
        return replace(micro, position=place, heading=heading, tumbles=tumbles, time=micro.time + duration)

    def pack(self, micro: Walkers) -> dict[str, NDArray[Any]]:
        """The walkers as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Walkers:
        """The walkers that were packed."""
        return Walkers.unpack(packed)

    def warm(self) -> None:
        """Compile what `evolve` needs."""
        rng = Generator(PCG64(0))
        self.evolve(self.start(1, rng), 0.0, rng)


@njit(cache=True, nogil=True)
def _tumble(i: int, heading: Array, rng: Any) -> None:
    """A reversal, or a heading drawn evenly from the circle or the sphere."""
    if heading.shape[1] == 1:
        heading[i, 0] = -heading[i, 0]
        return
    angle, across = 2.0 * pi * rng.random(), 1.0
    if heading.shape[1] == 3:
        up = 2.0 * rng.random() - 1.0
        heading[i, 2] = up
        across = sqrt(1.0 - up * up)
    heading[i, 0] = across * np.cos(angle)
    heading[i, 1] = across * np.sin(angle)


@njit(cache=True, nogil=True)
def _run(
    place: Array, heading: Array, tumbles: Array, speed: float, rate: float, bias: float, duration: float, rng: Any
) -> None:
    for i in range(place.shape[0]):
        left = duration
        while left > 0.0:
            run = rng.standard_exponential() / (rate * exp(-bias * heading[i, 0]))
            ends = run < left
            time = run if ends else left
            for a in range(place.shape[1]):
                place[i, a] += speed * time * heading[i, a]
            left -= time
            if ends:
                _tumble(i, heading, rng)
                tumbles[i] += 1
            else:
                break
