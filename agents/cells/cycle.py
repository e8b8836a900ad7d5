"""What a cell off the lattice does in its life: it grows, rests, divides, moves and dies."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

__all__ = ["Cycle", "Death", "Motility", "steady_phases"]


@dataclass(frozen=True)
class Cycle:
    """Growth and division.

    At birth a cell draws how long its cycle will last, from a gamma distribution of mean ``duration`` (an Erlang
    distribution where ``shape`` is whole: the time of so many exponential stages). While nothing hinders it, its phase
    runs from 0 to 1 in that time, and its volume grows at a constant rate by the volume of a newborn. Then it divides:
    both daughters have half of its volume, on either side of its centre within its outline, and what the phase has
    run beyond 1 in the last step they have behind them. A cell that is pressed or starved does not grow.

    With a fixed duration T the steady growth rate is ln 2 / T, and with the shape k it is (2^(1/k) - 1) k / T.

    Parameters
    ----------
    duration
        Mean, h.
    newborn
        Diameter of a newborn cell, µm.
    shape
        Of the gamma distribution: 1 is exponential (divisions at the rate 1 / duration), inf is a fixed duration.
    largest_compression
        A cell rests where the overlaps with its neighbours together, in units of its own radius, exceed this.
    most_neighbours
        A cell rests where more than so many cells touch it.
    least_nutrient
        A cell rests where it has less of the nutrient.
    along_heading
        Whether the axis of division is the cell's heading; else it is drawn at random.

    Raises
    ------
    ValueError
        If the duration, the diameter or the shape is not positive, or a threshold is negative.

    Examples
    --------
    >>> round(Cycle(24.0, newborn=16.0).growth_rate, 6), round(Cycle(24.0, newborn=16.0, shape=1.0).growth_rate, 6)
    (0.028881, 0.041667)
    """

    duration: float
    newborn: float
    shape: float = inf
    largest_compression: float = inf
    most_neighbours: float = inf
    least_nutrient: float = 0.0
    along_heading: bool = False

    def __post_init__(self) -> None:
        for name in ("duration", "newborn", "shape"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` of the cycle must be positive: got {getattr(self, name)}.")
        for name in ("largest_compression", "most_neighbours", "least_nutrient"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"`{name}` must not be negative: got {getattr(self, name)}.")

    @property
    def growth_rate(self) -> float:
        """At which the number of unhindered cells grows in the long run, 1/h."""
        if np.isinf(self.shape):
            return float(np.log(2) / self.duration)
        return float((2 ** (1 / self.shape) - 1) * self.shape / self.duration)

    def durations(self, count: int, rng: Generator) -> NDArray[np.float64]:
        """How long the cycles of newborn cells will last, h, (count,).

        >>> Cycle(24.0, newborn=16.0).durations(2, np.random.default_rng(0))
        array([24., 24.])
        """
        if np.isinf(self.shape) or np.isinf(self.duration):
            return np.full(count, self.duration)
        return rng.gamma(self.shape, self.duration / self.shape, count)


@dataclass(frozen=True)
class Death:
    """How cells die, and what becomes of them.

    Parameters
    ----------
    rate
        At which a living cell dies, 1/h.
    least_nutrient
        A living cell that has less of the nutrient dies.
    dissolution
        Rate at which the volume of what has died shrinks, 1/h; 0: it stays.
    smallest
        What has died and shrunk to this diameter, µm, is removed.

    Raises
    ------
    ValueError
        If a number is negative or a rate not finite.

    Examples
    --------
    >>> Death(least_nutrient=0.2).dissolution
    0.0
    """

    rate: float = 0.0
    least_nutrient: float = 0.0
    dissolution: float = 0.0
    smallest: float = 5.0

    def __post_init__(self) -> None:
        for name in ("rate", "least_nutrient", "dissolution", "smallest"):
            if not 0 <= getattr(self, name) < inf:
                raise ValueError(f"`{name}` of death must be finite and not negative: got {getattr(self, name)}.")


@dataclass(frozen=True)
class Motility:
    """Cells that move along their heading, which turns gradually, at once, or both.

    With the rotational diffusion D_r and the tumble rate λ, alone and without chemotaxis, a cell spreads in d
    dimensions with D = speed² / (d ((d - 1) D_r + λ)).

    Parameters
    ----------
    speed
        µm/h.
    rotational_diffusion
        Of the heading, 1/h: the mean cosine of the turn decays at (d - 1) times it.
    tumble_rate
        At which a cell takes a new heading, all equally likely, 1/h.
    sensitivity
        A cell tumbles at the rate ``tumble_rate`` × exp(-``sensitivity`` × heading · gradient): less while it runs up
        the gradient of the signal. µm / unit of the signal.

    Raises
    ------
    ValueError
        If speed or a rate is negative, or a number is not finite.

    Examples
    --------
    >>> Motility(speed=20.0, tumble_rate=2.0).diffusivity(2)
    100.0
    """

    speed: float
    rotational_diffusion: float = 0.0
    tumble_rate: float = 0.0
    sensitivity: float = 0.0

    def __post_init__(self) -> None:
        for name in ("speed", "rotational_diffusion", "tumble_rate"):
            if not 0 <= getattr(self, name) < inf:
                raise ValueError(f"`{name}` must be finite and not negative: got {getattr(self, name)}.")
        if not np.isfinite(self.sensitivity):
            raise ValueError(f"`sensitivity` must be finite: got {self.sensitivity}.")

    def diffusivity(self, dimensions: int) -> float:
        """Of one cell alone without chemotaxis, µm²/h."""
        return self.speed**2 / (dimensions * ((dimensions - 1) * self.rotational_diffusion + self.tumble_rate))


def steady_phases(count: int, rng: Generator) -> NDArray[np.float64]:
    """Phases of a population that has long been growing with a fixed duration of the cycle, (count,).

    Their density is 2 ln 2 × 2^(-phase): more cells are young than old.

    >>> phases = steady_phases(1000, np.random.default_rng(0))
    >>> round(float((2.0 ** phases).mean()), 1)  # 2 ln 2
    1.4
    """
    return np.asarray(-np.log2(1 - rng.random(count) / 2))
