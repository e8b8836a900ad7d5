"""Cells on a lattice: they move, divide and die, and no two are on one site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import floor
from typing import Any

import numpy as np
from numba import njit
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.cells.lifting import Sampler, by_column, check_densities
from agents.cells.population import Cells
from agents.cells.rules import CellType, Events, Rules, Sweeps, Timing
from agents.cells.sites import Sites

__all__ = ["LatticeCells"]

Array = NDArray[Any]

_EVENTS = Events()

_BUDGET = 2**22  # events that a kernel simulates before it comes back to Python, where it can be interrupted


@dataclass(frozen=True, eq=False)
class LatticeCells:
    """Cells that exclude each other on a lattice: the macro state is the density of each type, (type, column).

    A density is cells per site, averaged over the column of all sites of one x. What cells do is told by `CellType`.

    *How to choose* the width of the columns: with N sites in a column the standard deviation of a density c is about
    sqrt(c (1 - c) / N) for one replica; replicas and width trade one for one.

    Parameters
    ----------
    sites
        Where cells can be; one cell wide.
    types
        What they do.
    sampler
        How `lift` places them: `by_column` or `independent`.
    timing
        `Events`, exact, or `Sweeps` of a time step.

    Raises
    ------
    ValueError
        For types that do not fit together, or a time step in which more than one thing would happen to a cell; names
        the largest that can be.

    References
    ----------
    M. J. Simpson, K. A. Landman, B. D. Hughes, Physica A 389 (2010) 3779, doi:10.1016/j.physa.2010.05.020.

    Examples
    --------
    >>> tissue = LatticeCells(Sites((3, 40)), (CellType(motility=1.0),))
    >>> tissue.restrict(tissue.lift(np.array([[0.5, 0.25, 0.0]]), np.random.default_rng(0)))
    array([[0.5 , 0.25, 0.  ]])
    """

    sites: Sites
    types: tuple[CellType, ...]
    sampler: Sampler = by_column
    timing: Timing = _EVENTS

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        rates = Rules.of(self.types).rates
        if isinstance(self.timing, Sweeps):
            largest = 1 / max(rates.max() * (2.0 if self._biased else 1.0), 1e-300)
            if self.timing.step > largest:
                raise ValueError(
                    f"`step` must be at most {largest:.6g}, so that a cell tries no more than once in it: got "
                    f"{self.timing.step:g}. Take that or less, or `Events`."
                )

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The densities, where their columns are, and that they lie between 0 and 1."""
        return tuple(
            {"name": one.name, "unit": "1", "coordinates": {"x": self.sites.x}, "bounds": (0.0, 1.0)}
            for one in self.types
        )

    @property
    def time_step(self) -> float | None:
        """Of which a duration must be a multiple; None where time is continuous."""
        return self.timing.step if isinstance(self.timing, Sweeps) else None

    @cached_property
    def rules(self) -> Rules:
        """The rules as the kernel reads them."""
        return Rules.of(self.types)

    @property
    def _biased(self) -> bool:
        return any(one.chemotaxis for one in self.types)

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Cells:
        """Whole cells at these densities.

        Raises
        ------
        ValueError
            If there is not one density per type and column, or there are more cells than sites.
        """
        densities = check_densities(macro, self.sites, len(self.types))
        return Cells.of(self.sampler(densities, self.sites, rng), len(self.types))

    def evolve(
        self, micro: Cells, duration: float, rng: Generator, forcing: NDArray[np.float64] | None = None
    ) -> Cells:
        """The cells after ``duration``.

        Parameters
        ----------
        forcing : (site,)
            The signal that the cells read, where they read one; it stays as it is for the duration.

        Raises
        ------
        ValueError
            If the cells are on other sites or of other types, the duration is negative or no multiple of the time
            step, or the types read a signal and there is none.
        """
        self._check(micro, duration, forcing)
        alive, clock = np.array([0]), np.zeros(1)
        occupied, births, deaths = micro.occupied.copy(), micro.births.copy(), micro.deaths.copy()
        where = np.zeros(len(occupied), dtype=np.int32)
        standing = np.flatnonzero(occupied)
        where[: len(standing)] = standing
        alive[0] = len(standing)
        told = self._told(forcing)
        state = (occupied, where, alive, births, deaths)
        if isinstance(self.timing, Sweeps):
            step = self.timing.step
            for _ in range(round(duration / step)):
                _sweep(*told, step, *state, rng)
        else:
            bound = max(one.fastest for one in self.types)
            while not _happen(*told, bound, duration, _BUDGET, *state, clock, rng):
                pass
        return Cells(occupied, births, deaths, micro.time + duration)

    def restrict(self, micro: Cells) -> NDArray[np.float64]:
        """Densities, (type, column)."""
        columns = micro.occupied.reshape(self.sites.columns, -1)
        return np.array([(columns == kind).mean(axis=1) for kind in range(1, len(self.types) + 1)])

    def drift(self, micro: Cells, forcing: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """How fast the densities change on average from these cells on, (type, column): every rate at its place.

        It has the noise of where cells are, but none of which of them happened to hop: what slopes are best read from.
        """
        self._check(micro, 0.0, forcing)
        change = np.zeros((len(self.types), self.sites.columns))
        _expect(*self._told(forcing), micro.occupied, self.sites.width, change)
        return change / self.sites.width

    def pack(self, micro: Cells) -> dict[str, NDArray[Any]]:
        """The cells as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Cells:
        """The cells that were packed."""
        return Cells.unpack(packed)

    def agent_updates(self, macro: NDArray[np.float64], duration: float) -> float:
        """Attempts of cells to do something while the macro state is evolved, as many as there are at the start."""
        attempts = np.array([one.motility + one.proliferation + one.death for one in self.types])
        return float(attempts @ np.asarray(macro).sum(axis=1) * self.sites.width * duration)

    def warm(self) -> None:
        """Compile what `lift` and `evolve` need."""
        rng = Generator(PCG64(0))
        nobody = self.lift(np.zeros((len(self.types), self.sites.columns)), rng)
        signal = np.zeros(len(self.sites)) if self._reads else None
        self.drift(self.evolve(nobody, 0.0, rng, signal), signal)

    def _told(self, forcing: NDArray[np.float64] | None) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
        """What every kernel is told: who is beside whom, the rules, and the signal, empty where there is none."""
        rules = self.rules
        signal = np.zeros(0) if forcing is None else np.ascontiguousarray(forcing, dtype=np.float64)
        rates, reading = (rules.rates, rules.adhesion, rules.inhibition), (rules.chemotaxis, rules.half_signal)
        return (self.sites.neighbours, *rates, *reading, signal)

    @property
    def _reads(self) -> bool:
        return self._biased or any(one.half_signal for one in self.types)

    def _check(self, micro: Cells, duration: float, signal: NDArray[np.float64] | None) -> None:
        if micro.occupied.shape != (len(self.sites),) or len(micro.births) != len(self.types):
            raise ValueError(
                f"The cells must be on {len(self.sites)} sites and of {len(self.types)} types: got "
                f"{micro.occupied.size} sites and {len(micro.births)} types. Lift them with this model."
            )
        if not 0 <= duration < np.inf:
            raise ValueError(f"`duration` must be finite and not negative: got {duration}.")
        if isinstance(self.timing, Sweeps):
            step = self.timing.step
            if abs(round(duration / step) * step - duration) > 1e-9 * max(step, duration):
                below = floor(duration / step)
                raise ValueError(
                    f"A duration must be a multiple of the time step {step:g}: got {duration:g}. Take "
                    f"{below * step:g} or {(below + 1) * step:g}."
                )
        if signal is None and self._reads:
            raise ValueError("These cells read a signal: give `forcing`, its concentration at each site.")
        if signal is None:
            return
        if np.shape(signal) != (len(self.sites),):
            raise ValueError(f"`forcing` must be a signal at each of {len(self.sites)} sites: got {np.shape(signal)}.")
        if not np.isfinite(signal).all() or (np.min(signal) < 0 and self.rules.half_signal.any()):
            raise ValueError(
                "`forcing` must be finite, and not negative where cells need it to divide: got "
                f"{np.min(signal):g} to {np.max(signal):g}."
            )


@njit(cache=True, nogil=True)
def _grip(site: int, kind: int, neighbours: Array, adhesion: Array, occupied: Array) -> float:
    """The share of its motility that the cells next to it leave a cell."""
    share = 1.0
    for d in range(neighbours.shape[1]):
        beside = neighbours[site, d]
        if beside >= 0 and occupied[beside] > 0:
            share *= 1.0 - adhesion[kind, occupied[beside] - 1]
    return share


@njit(cache=True, nogil=True)
def _license(
    site: int, kind: int, neighbours: Array, inhibition: Array, half_signal: Array, signal: Array, occupied: Array
) -> float:
    """The share of its proliferation that contact and the signal leave a cell."""
    share = 1.0
    if inhibition[kind] > 0.0:
        free = 0
        for d in range(neighbours.shape[1]):
            beside = neighbours[site, d]
            if beside >= 0 and occupied[beside] == 0:
                free += 1
        share = (free / neighbours.shape[1]) ** inhibition[kind]
    if half_signal[kind] > 0.0:
        share *= signal[site] / (signal[site] + half_signal[kind])
    return share


@njit(cache=True, nogil=True)
def _leaning(site: int, there: int, kind: int, chemotaxis: Array, signal: Array) -> float:
    """How much likelier than unbiased a hop is, between 0 and 2."""
    if chemotaxis[kind] == 0.0:
        return 1.0
    leaning: float = 2.0 / (1.0 + np.exp(-chemotaxis[kind] * (signal[there] - signal[site])))
    return leaning


@njit(cache=True, nogil=True)
def _die(cell: int, occupied: Array, where: Array, alive: Array, deaths: Array) -> None:
    site = where[cell]
    deaths[occupied[site] - 1] += 1
    occupied[site] = 0
    alive[0] -= 1
    where[cell] = where[alive[0]]


@njit(cache=True, nogil=True)
def _divide(there: int, kind: int, occupied: Array, where: Array, alive: Array, births: Array) -> None:
    occupied[there] = kind + 1
    where[alive[0]] = there
    alive[0] += 1
    births[kind] += 1


@njit(cache=True, nogil=True)
def _is_sticky(adhesion: Array) -> bool:
    for one in range(adhesion.shape[0]):  # not by `max`, which takes numba many times as long to compile
        for other in range(adhesion.shape[1]):
            if adhesion[one, other] > 0.0:
                return True
    return False


@njit(cache=True, nogil=True)
def _happen(
    neighbours: Array,
    rates: Array,
    adhesion: Array,
    inhibition: Array,
    chemotaxis: Array,
    half_signal: Array,
    signal: Array,
    bound: float,
    duration: float,
    budget: int,
    occupied: Array,
    where: Array,
    alive: Array,
    births: Array,
    deaths: Array,
    clock: Array,
    rng: Generator,
) -> bool:
    """Events one after the other; rates below the bound are met by rejection, by what is left of a uniform number."""
    ways = neighbours.shape[1]
    sticky = _is_sticky(adhesion)
    time = clock[0]
    for _ in range(budget):
        if alive[0] == 0 or bound == 0.0:
            return True
        time += rng.standard_exponential() / (alive[0] * bound)
        if time >= duration:
            return True
        drawn = rng.random() * alive[0]
        cell = int(drawn)
        drawn = (drawn - cell) * bound
        site = where[cell]
        kind = occupied[site] - 1
        hop = rates[kind, 0] if chemotaxis[kind] == 0.0 else 2.0 * rates[kind, 0]
        if drawn < hop:
            drawn *= ways / hop
            d = min(int(drawn), ways - 1)  # rounding may carry it there
            there = neighbours[site, d]
            if there >= 0 and occupied[there] == 0:
                share = _grip(site, kind, neighbours, adhesion, occupied) if sticky else 1.0
                if chemotaxis[kind] != 0.0:
                    share *= 0.5 * _leaning(site, there, kind, chemotaxis, signal)
                if drawn - d < share:
                    occupied[there] = occupied[site]
                    occupied[site] = 0
                    where[cell] = there
            continue
        drawn -= hop
        if drawn < rates[kind, 1]:
            drawn *= ways / rates[kind, 1]
            d = min(int(drawn), ways - 1)  # rounding may carry it there
            there = neighbours[site, d]
            if (
                there >= 0
                and occupied[there] == 0
                and drawn - d < _license(site, kind, neighbours, inhibition, half_signal, signal, occupied)
            ):
                _divide(there, kind, occupied, where, alive, births)
            continue
        if drawn - rates[kind, 1] < rates[kind, 2]:
            _die(cell, occupied, where, alive, deaths)
    clock[0] = time
    return False


@njit(cache=True, nogil=True)
def _sweep(
    neighbours: Array,
    rates: Array,
    adhesion: Array,
    inhibition: Array,
    chemotaxis: Array,
    half_signal: Array,
    signal: Array,
    step: float,
    occupied: Array,
    where: Array,
    alive: Array,
    births: Array,
    deaths: Array,
    rng: Generator,
) -> None:
    """A step: as many draws of cells as there are, to move; as many again, to divide; and to die."""
    for _ in range(alive[0]):
        cell, site, there, chance = _draw(alive[0], where, neighbours, rng)
        if there >= 0 and occupied[there] == 0:
            kind = occupied[site] - 1
            share = rates[kind, 0] * step * _grip(site, kind, neighbours, adhesion, occupied)
            if chance < share * _leaning(site, there, kind, chemotaxis, signal):
                occupied[there] = occupied[site]
                occupied[site] = 0
                where[cell] = there
    for _ in range(alive[0]):
        cell, site, there, chance = _draw(alive[0], where, neighbours, rng)
        if there >= 0 and occupied[there] == 0:
            kind = occupied[site] - 1
            share = _license(site, kind, neighbours, inhibition, half_signal, signal, occupied)
            if chance < rates[kind, 1] * step * share:
                _divide(there, kind, occupied, where, alive, births)
    for _ in range(alive[0]):
        cell, site, there, chance = _draw(alive[0], where, neighbours, rng)
        if chance < rates[occupied[site] - 1, 2] * step:
            _die(cell, occupied, where, alive, deaths)
            if alive[0] == 0:
                break


@njit(cache=True, nogil=True)
def _draw(alive: int, where: Array, neighbours: Array, rng: Generator) -> tuple[int, int, int, float]:
    """A cell, its site, a site beside it or -1, and what is left of the uniform number that chose them."""
    drawn = rng.random() * alive
    cell = int(drawn)
    drawn = (drawn - cell) * neighbours.shape[1]
    d = int(drawn)
    return cell, where[cell], neighbours[where[cell], d], drawn - d


@njit(cache=True, nogil=True)
def _expect(
    neighbours: Array,
    rates: Array,
    adhesion: Array,
    inhibition: Array,
    chemotaxis: Array,
    half_signal: Array,
    signal: Array,
    occupied: Array,
    width: int,
    change: Array,
) -> None:
    """The rates of all that can happen, added up where they would change a column."""
    ways = neighbours.shape[1]
    sticky = _is_sticky(adhesion)
    for site in range(occupied.size):
        kind = occupied[site] - 1
        if kind < 0:
            continue
        here = site // width
        hop = rates[kind, 0] / ways
        if sticky:
            hop *= _grip(site, kind, neighbours, adhesion, occupied)
        daughter = rates[kind, 1] / ways
        if inhibition[kind] > 0.0 or half_signal[kind] > 0.0:
            daughter *= _license(site, kind, neighbours, inhibition, half_signal, signal, occupied)
        change[kind, here] -= rates[kind, 2]
        for d in range(ways):
            there = neighbours[site, d]
            if there >= 0 and occupied[there] == 0:
                if d < 2:  # along x: into another column
                    rate = hop * _leaning(site, there, kind, chemotaxis, signal)
                    change[kind, here] -= rate
                    change[kind, there // width] += rate + daughter
                else:
                    change[kind, here] += daughter
