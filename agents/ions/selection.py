"""Which ion hops next, and when: two exact ways, and the choice between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.ions.hops import Rates, State, hop_by_tree, try_hops
from agents.ions.population import Ions, Windows

__all__ = ["NullEvent", "RejectionFree", "Selection", "choose"]

_BUDGET = 2**22  # events that a kernel simulates before it comes back to Python, where it can be interrupted
_TRIALS = 12.0  # of which an accepted hop may cost as many before the tree of sums is faster


class Selection(Protocol):
    """How hops are drawn: `RejectionFree` or `NullEvent`. Both are exact, and their statistics are the same."""

    def advance(
        self, rates: Rates, ions: Ions, windows: int, duration: float, rng: Generator, *, record: bool
    ) -> tuple[Ions, Windows | None]:
        """The ions after so many windows of this duration (s), and what was read in each of them."""
        ...


@dataclass(frozen=True)
class RejectionFree:
    """Every draw is a hop: rates of ions are the leaves of a tree of sums.

    A hop costs the logarithm of the number of ions, whatever the spread of the rates.

    References
    ----------
    A. B. Bortz, M. H. Kalos, J. L. Lebowitz, J. Comput. Phys. 17 (1975) 10, doi:10.1016/0021-9991(75)90060-1.
    """

    def advance(
        self, rates: Rates, ions: Ions, windows: int, duration: float, rng: Generator, *, record: bool
    ) -> tuple[Ions, Windows | None]:
        """The ions after so many windows of this duration (s), and what was read in each of them."""
        state = State.of(ions, rates.box, windows if record else 0)
        words, ends = _words(rng), duration * np.arange(1, windows + 1)
        tree, levels, clock = *_room(len(ions.site)), np.zeros(2)
        told: tuple[Any, ...] = (*rates.told, rates.inward, ends, _BUDGET, clock, tree, levels, *state.told)
        while not hop_by_tree(words, *told):
            pass
        return state.finish(ions, rates.box, windows, duration)


@dataclass(frozen=True)
class NullEvent:
    """A way is drawn evenly and taken with the share that its rate has of the largest.

    Where vacancies are fewer than ions, they are drawn instead. A draw costs little, so that this is the faster way
    where the rates are nearly equal; a wide spread makes most draws vain.

    References
    ----------
    D. T. Gillespie, J. Comput. Phys. 22 (1976) 403, doi:10.1016/0021-9991(76)90041-3 (thinning).
    """

    def advance(
        self, rates: Rates, ions: Ions, windows: int, duration: float, rng: Generator, *, record: bool
    ) -> tuple[Ions, Windows | None]:
        """The ions after so many windows of this duration (s), and what was read in each of them."""
        state = State.of(ions, rates.box, windows if record else 0)
        words, bound = _words(rng), rates.bound
        vacancies = np.flatnonzero(ions.who < 0).astype(np.int32)
        by_vacancy = len(vacancies) < len(ions.site)
        carriers = min(len(vacancies), len(ions.site))
        trials = rng.poisson(carriers * rates.ways * bound * duration, windows)
        progress = np.zeros(2, dtype=np.int64)
        drawn = (bound, rates.even, by_vacancy, vacancies, trials, _BUDGET, progress)
        told: tuple[Any, ...] = (*rates.told, *drawn, *state.told)
        while not try_hops(words, *told):
            pass
        return state.finish(ions, rates.box, windows, duration)


def choose(rates: Rates, ions: Ions) -> Selection:
    """The faster of the two: `NullEvent` as long as a hop takes no more than some twelve trials of it.

    How many it takes is told by where the ions are: in the cold they sit where they leave slowly.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape, LatticeGas, normal
    >>> from agents.ions.lattices import square
    >>> def chosen(spread):
    ...     land = Landscape(Box(square(1e-10), (8, 8)), Hopping({"hop": 0.3}, barrier_disorder=normal(spread)))
    ...     gas = LatticeGas(land, 300.0)
    ...     return choose(gas.rates, gas.fill(0.5, np.random.default_rng(0)))
    >>> chosen(0.0), chosen(0.2)
    (NullEvent(), RejectionFree())
    """
    there = rates.box.neighbours[ions.site]
    vacant = (there >= 0) & (ions.who[there] < 0)
    leaving = float((rates.base[ions.species, ions.site] * vacant).sum())
    carriers = min(len(ions.site), len(ions.who) - len(ions.site))
    trials = carriers * rates.ways * rates.bound
    return NullEvent() if leaving * _TRIALS > trials else RejectionFree()


def _room(leaves: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """An empty tree with eight branches a node, and where its levels begin; a node's branches lie side by side."""
    sizes = [1]
    while sizes[-1] < leaves:
        sizes.append(8 * sizes[-1])
    starts = np.concatenate(([0], np.cumsum([max(size, 8) for size in sizes])[:-1]))
    return np.zeros(starts[-1] + 8 * (leaves // 8 + 1)), starts


def _words(rng: Generator) -> NDArray[Any]:
    return rng.integers(2**64, size=4, dtype=np.uint64)
