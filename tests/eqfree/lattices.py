"""Two lattices of which a density alone may or may not tell enough: growing cells, and a gas with repulsion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Sites: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True)
class GrowingCells:
    """Cells on a periodic square of side x side sites, at most one a site; the macro state is their density.

    Each tries to move to one of its four neighbours at the rate ``motility`` and to put a daughter on one of them
    at the rate 1; what is aimed at an occupied site fails. Lifting puts cells on random sites. With F the pair
    factor P(11)/density**2, density' = density (1 - F density): the slope needs F.
    """

    motility: float
    side: int = 100

    def lift(self, macro: Array, rng: Generator) -> Sites:
        sites = np.zeros(self.side**2, np.uint8)
        sites[rng.permutation(sites.size)[: round(macro[0] * sites.size)]] = 1
        return sites

    def evolve(self, micro: Sites, duration: float, rng: Generator) -> Sites:
        _grow(micro, self.side, self.motility, duration, rng)
        return micro

    def restrict(self, micro: Sites) -> Array:
        return np.array([micro.mean()])


@dataclass(frozen=True)
class RepulsiveGas:
    """The symmetric Katz-Lebowitz-Spohn gas on a ring; the macro state is the amplitude of its cosine wave.

    A particle hops to a free neighbour at the rate 1 + repulsion (behind - ahead), behind and ahead the occupation
    of the sites before and after the pair. Lifting aims at the density ``mean + amplitude cos(2 pi i/length)``,
    site by site and independently, or by systematic sampling: equally spaced quantiles of the cumulative density,
    from one random offset.
    """

    systematic: bool
    repulsion: float = 0.9
    length: int = 50
    mean: float = 0.5
    time_step: float = 1.0

    @cached_property
    def wave(self) -> Array:
        return np.asarray(np.cos(2 * np.pi * (np.arange(self.length) + 0.5) / self.length))

    def lift(self, macro: Array, rng: Generator) -> Sites:
        density = self.mean + macro[0] * self.wave
        if not self.systematic:
            return np.asarray(rng.random(self.length) < density, np.uint8)
        edges = np.floor(np.concatenate([[0.0], np.cumsum(density)]) + rng.random())
        return np.diff(edges).astype(np.uint8)

    def evolve(self, micro: Sites, duration: float, rng: Generator) -> Sites:
        _hop(micro, self.repulsion, rng.poisson(self.length * (1 + abs(self.repulsion)) * duration), rng)
        return micro

    def restrict(self, micro: Sites) -> Array:
        return np.array([_amplitude(micro, self.wave)])

    def burst_batch(self, macros: Array, times: Array, streams: Sequence[tuple[SeedSequence, SeedSequence]]) -> Array:
        """The same; one call of the kernel a replica."""
        paths, durations = np.empty((len(macros), len(times), 1)), np.diff(times, prepend=0.0)
        for path, macro, (lift, evolve) in zip(paths, macros, streams, strict=True):
            sites = self.lift(macro, Generator(PCG64(lift)))
            _follow(sites, self.repulsion, durations, self.wave, path, Generator(PCG64(evolve)))
        return paths


def _grow_kernel(sites: Any, side: int, motility: float, duration: float, rng: Any) -> None:
    cells = np.empty(sites.size, np.int64)
    count = 0
    for site in range(sites.size):
        if sites[site]:
            cells[count] = site
            count += 1
    rate = 1.0 + motility
    time = rng.standard_exponential() / (rate * count)
    while time < duration:
        number = int(rng.random() * count)
        row, column = divmod(cells[number], side)
        way = int(4 * rng.random())
        if way == 0:
            row = (row + 1) % side
        elif way == 1:
            row = (row - 1) % side
        elif way == 2:
            column = (column + 1) % side
        else:
            column = (column - 1) % side
        target = row * side + column
        if not sites[target]:
            if rate * rng.random() < motility:
                sites[cells[number]] = 0
                cells[number] = target
            else:
                cells[count] = target
                count += 1
            sites[target] = 1
        time += rng.standard_exponential() / (rate * count)


def _hop_kernel(sites: Any, repulsion: float, attempts: int, rng: Any) -> None:
    """Each attempt at a place of its own; what the uniform number leaves of the place decides."""
    length, fastest = sites.size, 1.0 + abs(repulsion)
    for _ in range(attempts):
        place = length * rng.random()
        left = int(place)
        right = left + 1 if left + 1 < length else 0
        if sites[left] != sites[right]:
            behind, ahead = sites[left - 1 if left else length - 1], sites[right + 1 if right + 1 < length else 0]
            if sites[right]:
                behind, ahead = ahead, behind
            if fastest * (place - left) < 1.0 + repulsion * (float(behind) - float(ahead)):
                sites[left], sites[right] = sites[right], sites[left]


def _amplitude_kernel(sites: Any, wave: Any) -> Any:
    total = 0.0
    for site in range(sites.size):
        if sites[site]:
            total += wave[site]
    return 2.0 * total / sites.size


_grow, _hop = njit(nogil=True)(_grow_kernel), njit(nogil=True)(_hop_kernel)
_amplitude = njit(nogil=True)(_amplitude_kernel)


def _follow_kernel(sites: Any, repulsion: float, durations: Any, wave: Any, path: Any, rng: Any) -> None:
    for index in range(durations.size):
        if durations[index] > 0:
            _hop(sites, repulsion, rng.poisson(sites.size * (1 + abs(repulsion)) * durations[index]), rng)
        path[index, 0] = _amplitude(sites, wave)


_follow = njit(nogil=True)(_follow_kernel)
