"""Exact stochastic simulation of well-mixed molecules: every reaction, one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, log
from typing import Any, Protocol

import numpy as np
from numba import njit
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from agents.molecules.limits import BUDGET, check_burst, run_to_the_end
from agents.molecules.population import Molecules
from agents.molecules.tables import Tables
from agents.systematic import LARGEST

__all__ = ["Direct", "Method", "RandomTimeChange", "passage_time", "path", "trace"]

Array = NDArray[Any]


class Method(Protocol):
    """How molecules react: `Direct`, `RandomTimeChange` or `TauLeaping`."""

    def advance(self, tables: Tables, molecules: Molecules, duration: float, rng: Generator) -> Molecules:
        """The molecules after ``duration``."""
        ...


@dataclass(frozen=True)
class Direct:
    """The direct method: when the next reaction happens, then which, from two random numbers (Gillespie 1977).

    Cost: one logarithm, two random numbers and the propensities that changed per reaction (all of them where there
    are few); the choice looks at every reaction of the network.

    References
    ----------
    Gillespie, J. Phys. Chem. 81 (1977) 2340, doi:10.1021/j100540a008. Random numbers: xoshiro256++ (Blackman
    & Vigna 2021, doi:10.1145/3460772), seeded anew from ``rng`` at every call.

    Examples
    --------
    >>> from agents.molecules import Network
    >>> tables = Tables.of(Network.parse("X -> 0, k=1"), volume=1.0)
    >>> after = Direct().advance(tables, Molecules.of([100], reactions=1), 1.0, np.random.default_rng(0))
    >>> int(after.counts[0] + after.firings[0])
    100
    """

    def advance(self, tables: Tables, molecules: Molecules, duration: float, rng: Generator) -> Molecules:
        """The molecules after ``duration``."""
        words = rng.integers(2**64, size=4, dtype=np.uint64)
        return _advance(_direct, tables, molecules, duration, (words,))


@dataclass(frozen=True)
class RandomTimeChange:
    """Exact, with a random stream for every reaction: what couples two populations tightly.

    Reaction r happens when its integrated propensity passes the next point of a Poisson process of unit rate of
    its own (Kurtz's random time change; the modified next reaction method). Two populations under the same
    key then share these processes (common reaction paths), and their difference has a smaller variance than with
    the two interleaved numbers of `Direct`.

    *How to choose*: for differences of short bursts under one key, such as coarse Jacobian-vector products;
    otherwise `Direct` is as exact and faster. Once the paths have parted, neither coupling helps.

    References
    ----------
    Anderson, J. Chem. Phys. 127 (2007) 214107, doi:10.1063/1.2799998, algorithm 3. Rathinam, Sheppard &
    Khammash, J. Chem. Phys. 132 (2010) 034103, doi:10.1063/1.3280166.

    Examples
    --------
    >>> from agents.molecules import Network
    >>> tables = Tables.of(Network.parse("X -> 0, k=1"), volume=1.0)
    >>> after = RandomTimeChange().advance(tables, Molecules.of([100], reactions=1), 1.0, np.random.default_rng(0))
    >>> int(after.counts[0] + after.firings[0])
    100
    """

    def advance(self, tables: Tables, molecules: Molecules, duration: float, rng: Generator) -> Molecules:
        """The molecules after ``duration``."""
        words = rng.integers(2**64, size=(len(tables.rate), 4), dtype=np.uint64)
        return _advance(_random_time_change, tables, molecules, duration, (words, np.full(len(tables.rate), np.nan)))


def path(tables: Tables, counts: ArrayLike, times: ArrayLike, rng: Generator) -> NDArray[np.int64]:
    """Counts at the times, (time, species), of one exact path in one compiled call, by the direct method.

    Parameters
    ----------
    tables
        What reacts.
    counts
        At time 0, (species,).
    times
        Ascending, not negative.

    Raises
    ------
    ValueError
        If the times do not ascend from 0 on or are not finite, or there is not one count per species.

    Examples
    --------
    >>> from agents.molecules import Network
    >>> tables = Tables.of(Network.parse("X -> 0, k=1"), volume=1.0)
    >>> path(tables, [100], [0.0, 50.0], np.random.default_rng(0)).tolist()
    [[100], [0]]
    """
    when = np.asarray(times, dtype=np.float64)
    if not (np.diff(when, prepend=0.0) >= 0).all() or np.isinf(when).any():
        raise ValueError(f"`times` must ascend from 0 on and be finite: got {when}.")
    return trace(tables, Molecules.of(counts, len(tables.rate)), when, rng)[1]


def trace(
    tables: Tables, molecules: Molecules, times: ArrayLike, rng: Generator
) -> tuple[Molecules, NDArray[np.int64]]:
    """The molecules after the last of the times, measured from now, and counts at each, (time, species).

    As `Direct` makes them, in one compiled call.

    Examples
    --------
    >>> from agents.molecules import Network
    >>> tables = Tables.of(Network.parse("X -> 0, k=1"), volume=1.0)
    >>> after, counts = trace(tables, Molecules.of([100], reactions=1), [0.0, 50.0], np.random.default_rng(0))
    >>> counts.tolist(), after.counts.tolist(), after.time
    ([[100], [0]], [0], 50.0)
    """
    words = rng.integers(2**64, size=4, dtype=np.uint64)
    return _trace(_direct, tables, molecules, np.asarray(times, dtype=np.float64), (words,))


def passage_time(
    tables: Tables, counts: ArrayLike, species: int, target: float, rng: Generator, longest: float = inf
) -> float:
    """When the number of a species first is the target, exactly; inf if that is later than ``longest``.

    Parameters
    ----------
    tables
        What reacts.
    counts
        At time 0, (species,).
    species, target
        Which one, and how many; a reaction that makes or takes several at once may jump over it.
    longest
        When to give up; by default never.

    Raises
    ------
    ValueError
        If there is no such species, the target is no number of molecules, or ``longest`` is negative.

    Examples
    --------
    >>> from agents.molecules import Network
    >>> tables = Tables.of(Network.parse("X -> 0, k=1"), volume=1.0)
    >>> 0 < passage_time(tables, [3], species=0, target=0, rng=np.random.default_rng(0)) < 30
    True
    """
    if species not in range(tables.species):
        raise ValueError(f"`species` must be one of 0 to {tables.species - 1}: got {species}.")
    if not 0 <= target < LARGEST or target != int(target):
        raise ValueError(f"`target` must be a whole number of molecules, not negative: got {target}.")
    if not longest >= 0:
        raise ValueError(f"`longest` must not be negative: got {longest}.")
    start = Molecules.of(counts, len(tables.rate))
    state, samples = _State.of(tables, start, 0.0), np.empty((1, tables.species + 1))
    if start.counts[species] == target:
        return 0.0
    words = rng.integers(2**64, size=4, dtype=np.uint64)
    _run(_direct, tables, state, np.array([longest]), samples, (int(species), float(target)), (words,))
    return float(state.clock[0]) if state.count[species] == target else inf


_NOBODY = (-1, 0.0)  # the made-up species, which stands last, is never 0


@dataclass(frozen=True)
class _State:
    """What a kernel writes into: counts with the made-up species last, firings, Σ change × time, how far it is."""

    count: NDArray[np.float64]
    firings: NDArray[np.int64]
    moment: NDArray[np.float64]
    clock: NDArray[np.float64]
    """Time, and how many samples are taken."""

    @classmethod
    def of(cls, tables: Tables, molecules: Molecules, duration: float) -> _State:
        check_burst(molecules, tables.species, len(tables.rate), (), duration)
        count = np.append(molecules.counts.astype(np.float64), 1.0)
        return cls(count, molecules.firings.copy(), np.zeros(len(count)), np.zeros(2))


def _advance(kernel: Any, tables: Tables, molecules: Molecules, duration: float, noise: tuple[Array, ...]) -> Molecules:
    return _trace(kernel, tables, molecules, np.array([duration], dtype=np.float64), noise)[0]


def _trace(
    kernel: Any, tables: Tables, molecules: Molecules, times: Array, noise: tuple[Array, ...]
) -> tuple[Molecules, NDArray[np.int64]]:
    duration = float(times[-1]) if len(times) else 0.0
    state = _State.of(tables, molecules, duration)
    samples = np.empty((len(times), len(state.count)))
    _run(kernel, tables, state, times, samples, _NOBODY, noise)
    # By parts: ∫ n dt = n(T) T - Σ change × time.
    integral = state.count * duration - state.moment
    after = replace(
        molecules,
        counts=state.count[:-1].astype(np.int64),
        integral=molecules.integral + integral[:-1],
        firings=state.firings,
        time=molecules.time + duration,
    )
    return after, samples[:, :-1].astype(np.int64)


def _run(
    kernel: Any,
    tables: Tables,
    state: _State,
    times: Array,
    samples: Array,
    stop: tuple[int, float],
    noise: tuple[Array, ...],
) -> None:
    def some_events() -> bool:
        done: bool = kernel(
            *noise,
            tables.rate,
            tables.factor,
            tables.offset,
            tables.changed,
            tables.change,
            tables.affected,
            tables.affects,
            times,
            *stop,
            BUDGET,
            state.count,
            state.firings,
            state.moment,
            state.clock,
            samples,
        )
        return done

    run_to_the_end(some_events, state.clock, state.count)


@njit(cache=True, nogil=True)
def _word(words: Array) -> Any:
    total = words[0] + words[3]
    result = ((total << np.uint64(23)) | (total >> np.uint64(41))) + words[0]
    shifted = words[1] << np.uint64(17)
    words[2] ^= words[0]
    words[3] ^= words[1]
    words[1] ^= words[2]
    words[0] ^= words[3]
    words[2] ^= shifted
    words[3] = (words[3] << np.uint64(45)) | (words[3] >> np.uint64(19))
    return result


@njit(cache=True, nogil=True)
def _exponential(words: Array) -> float:
    return -log(((_word(words) >> np.uint64(11)) + np.uint64(1)) * 2.0**-53)


@njit(cache=True, nogil=True)
def _propensity(r: int, rate: Array, factor: Array, offset: Array, count: Array) -> float:
    propensity: float = rate[r]
    for k in range(factor.shape[1]):
        propensity *= count[factor[r, k]] - offset[r, k]
    return propensity


@njit(cache=True, nogil=True, error_model="numpy")
def _direct(
    words: Array,
    rate: Array,
    factor: Array,
    offset: Array,
    changed: Array,
    change: Array,
    affected: Array,
    affects: Array,
    times: Array,
    watched: int,
    target: float,
    budget: int,
    count: Array,
    firings: Array,
    moment: Array,
    clock: Array,
    samples: Array,
) -> bool:
    reactions = rate.size
    few = reactions <= 6  # then taking all propensities anew is faster than looking up which have changed
    propensity, cumulative = np.empty(reactions), np.empty(reactions)
    for r in range(reactions):
        propensity[r] = _propensity(r, rate, factor, offset, count)
    time = clock[0]
    for i in range(int(clock[1]), times.size):
        while True:
            if budget == 0:
                clock[0] = time
                return False
            budget -= 1
            total = 0.0
            for r in range(reactions):
                if few:
                    total += _propensity(r, rate, factor, offset, count)
                else:
                    total += propensity[r]
                cumulative[r] = total
            after = time + _exponential(words) / total
            if not after < times[i]:  # nor if nothing can happen any more: inf or nan
                break
            time = after
            drawn = (_word(words) >> np.uint64(11)) * 2.0**-53 * total
            fired = 0
            for r in range(reactions - 1):
                fired += drawn >= cumulative[r]
            firings[fired] += 1
            for k in range(changed.shape[1]):
                count[changed[fired, k]] += change[fired, k]
                moment[changed[fired, k]] += change[fired, k] * time
            if count[watched] == target:
                clock[0] = time
                return True
            if not few:
                for k in range(affects[fired]):
                    r = affected[fired, k]
                    propensity[r] = _propensity(r, rate, factor, offset, count)
        if not total < np.inf:
            clock[0] = np.nan
            return True
        time = times[i]  # waiting has no memory: what was drawn beyond is drawn anew
        for s in range(count.size):  # not by assigning the row, which takes numba many times as long to compile
            samples[i, s] = count[s]
        clock[0], clock[1] = time, i + 1
    return True


@njit(cache=True, nogil=True, error_model="numpy")
def _random_time_change(
    words: Array,
    left: Array,
    rate: Array,
    factor: Array,
    offset: Array,
    changed: Array,
    change: Array,
    affected: Array,
    affects: Array,
    times: Array,
    watched: int,
    target: float,
    budget: int,
    count: Array,
    firings: Array,
    moment: Array,
    clock: Array,
    samples: Array,
) -> bool:
    reactions = rate.size
    propensity = np.empty(reactions)
    for r in range(reactions):
        propensity[r] = _propensity(r, rate, factor, offset, count)
        if np.isnan(left[r]):  # at the first call
            left[r] = _exponential(words[r])
    time = clock[0]
    for i in range(int(clock[1]), times.size):
        while True:
            if budget == 0:
                clock[0] = time
                return False
            budget -= 1
            wait, fired = np.inf, 0
            for r in range(reactions):
                if propensity[r] > 0.0 and left[r] < wait * propensity[r]:
                    wait, fired = left[r] / propensity[r], r
            short = not time + wait < times[i]
            if short:
                wait = times[i] - time
            for r in range(reactions):
                left[r] = max(0.0, left[r] - wait * propensity[r])
            if short:
                break
            time += wait
            left[fired] = _exponential(words[fired])
            firings[fired] += 1
            for k in range(changed.shape[1]):
                count[changed[fired, k]] += change[fired, k]
                moment[changed[fired, k]] += change[fired, k] * time
            if count[watched] == target:
                clock[0] = time
                return True
            for k in range(affects[fired]):
                r = affected[fired, k]
                propensity[r] = _propensity(r, rate, factor, offset, count)
        if not propensity.max() < np.inf:
            clock[0] = np.nan
            return True
        time = times[i]
        for s in range(count.size):  # not by assigning the row, which takes numba many times as long to compile
            samples[i, s] = count[s]
        clock[0], clock[1] = time, i + 1
    return True
