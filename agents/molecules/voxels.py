"""Molecules in voxels: they react where they are, and hop to the voxels next to theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numba import njit
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from agents.molecules.grid import Grid
from agents.molecules.lifting import place, whole_totals
from agents.molecules.limits import BUDGET, check_burst, run_to_the_end
from agents.molecules.network import Network
from agents.molecules.population import Molecules
from agents.molecules.rate_equations import hop_rates
from agents.molecules.tables import Tables
from agents.systematic import systematic

__all__ = ["Voxels"]

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Voxels:
    """Molecules that react and diffuse, exactly: the macro state is concentrations, (species, voxel).

    The reaction-diffusion master equation: within a voxel the network is well mixed; a molecule hops to each
    neighbour at the rate D / spacing². The next event is found by the direct method over a binary tree of the
    voxels' totals, so that one event costs the reactions of its voxel and log2(voxels).

    lift makes the totals of all species whole as `place` does, with what the network conserves exact, and
    distributes each species over the voxels by `systematic` sampling; restrict divides by the volume.

    *How to choose* the spacing: well below the length sqrt(D × lifetime) of every species, and in two and three
    dimensions well above the reaction radius of a bimolecular reaction: the master equation does not converge as
    the voxels shrink (Isaacson 2009, doi:10.1137/070705039).

    Parameters
    ----------
    network
        What reacts.
    volume
        Molecules per concentration of 1, in one voxel.
    grid
        Where the voxels lie.
    diffusion
        Diffusion coefficients by the names of the species, length² / time; 0 for those not named.

    Raises
    ------
    ValueError
        If the volume is not positive, or a coefficient is negative or of no species.

    References
    ----------
    Elf & Ehrenberg, Systems Biology 1 (2004) 230, doi:10.1049/sb:20045021. Random numbers: xoshiro256++
    (Blackman & Vigna 2021, doi:10.1145/3460772), seeded anew from ``rng`` at every call.

    Examples
    --------
    >>> voxels = Voxels(Network.parse("X -> 0, k=1"), 100.0, Grid((4,), spacing=0.25), {"X": 1.0})
    >>> voxels.restrict(voxels.lift(np.array([[1.0, 2.0, 0.0, 0.5]]), np.random.default_rng(0)))
    array([[1. , 2. , 0. , 0.5]])
    """

    network: Network
    volume: float
    grid: Grid
    diffusion: Mapping[str, float] = field(default_factory=dict)

    thread_safe = True
    deterministic = False

    def __post_init__(self) -> None:
        Tables.of(self.network, self.volume)
        hop_rates(self.network, self.grid, self.diffusion)

    @property
    def fields(self) -> tuple[dict[str, Any], ...]:
        """The concentrations, their unit, the middles of the voxels, and that they are not negative."""
        unit = self.network.units.concentration or "1"
        return tuple(
            {"name": name, "unit": unit, "coordinates": self.grid.coordinates, "bounds": (0.0, inf)}
            for name in self.network.species
        )

    @cached_property
    def tables(self) -> Tables:
        """The network in a voxel as the kernels read it."""
        return Tables.of(self.network, self.volume)

    def conserved(self, macro: NDArray[np.float64]) -> NDArray[np.float64]:
        """The totals that the network's laws weigh, over all voxels, in molecules, (laws,)."""
        totals = self._expected(macro).sum(axis=1)
        return whole_totals(totals, self.network.conserved).astype(np.float64)

    def lift(self, macro: NDArray[np.float64], rng: Generator) -> Molecules:
        """Whole molecules at these concentrations.

        Raises
        ------
        ValueError
            If there is not one concentration per species and voxel, or one is negative or not finite.
        """
        expected = self._expected(macro)
        totals = expected.sum(axis=1)
        whole = place(totals, self.network.conserved, rng)
        evenly = np.full_like(expected, 1.0 / len(self.grid))  # where conservation makes some of what is not there
        share = np.divide(expected, totals[:, None], out=evenly, where=totals[:, None] > 0)
        counts = [systematic(row, rng) for row in whole[:, None] * share]
        return Molecules.of(counts, len(self.network.names))

    def evolve(self, micro: Molecules, duration: float, rng: Generator) -> Molecules:
        """The molecules after ``duration``."""
        species, voxels = len(self.network.species), len(self.grid)
        check_burst(micro, species, len(self.network.names), (voxels,), duration)
        count, clock = np.ones((voxels, species + 1)), np.zeros(1)
        count[:, :-1] = micro.counts.T
        firings, moment = micro.firings.T.copy(), np.zeros(count.shape)
        words = rng.integers(2**64, size=4, dtype=np.uint64)
        tables = self.tables

        def some_events() -> bool:
            done: bool = _react_and_hop(
                tables.rate,
                tables.factor,
                tables.offset,
                tables.changed,
                tables.change,
                *self._affected,
                *self._hops,
                duration,
                BUDGET,
                words,
                count,
                firings,
                moment,
                clock,
            )
            return done

        run_to_the_end(some_events, clock, count)
        return replace(
            micro,
            counts=count[:, :-1].T.astype(np.int64),
            integral=micro.integral + (count * duration - moment)[:, :-1].T,
            firings=firings.T.copy(),
            time=micro.time + duration,
        )

    def restrict(self, micro: Molecules) -> NDArray[np.float64]:
        """Concentrations, (species, voxel)."""
        return np.asarray(micro.counts / self.volume)

    def pack(self, micro: Molecules) -> dict[str, NDArray[Any]]:
        """The molecules as named arrays."""
        return micro.pack()

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> Molecules:
        """The molecules that were packed."""
        return Molecules.unpack(packed)

    def agent_updates(self, macro: NDArray[np.float64], duration: float) -> float:
        """Reactions and hops that it takes to evolve the macro state, at the rate at which they happen at the start."""
        expected = self._expected(macro)
        hop, _, degree = self._hops
        reactions = self.network.propensities(expected.T, self.volume).sum()
        return float((reactions + (hop @ expected) @ degree) * duration)

    def warm(self) -> None:
        """Compile what `evolve` needs."""
        nobody = np.zeros((len(self.network.species), len(self.grid)))
        self.evolve(Molecules.of(nobody, len(self.network.names)), 0.0, Generator(PCG64(0)))

    @cached_property
    def _hops(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Hops per time to each neighbour (species,), neighbours (voxel, most) and how many there are (voxel,)."""
        missing = self.grid.neighbours < 0
        first = np.take_along_axis(self.grid.neighbours, np.argsort(missing, axis=1, kind="stable"), axis=1)
        return hop_rates(self.network, self.grid, self.diffusion), first, (~missing).sum(axis=1)

    @cached_property
    def _affected(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The reactions that each event changes, and how many: reactions, hops of a species, and the start."""
        needs = self.network.reactants.T > 0
        change = (self.network.change != 0).astype(np.int64)
        table = np.vstack((change @ needs > 0, needs, np.ones((1, len(self.network.names)), dtype=bool)))
        return np.argsort(~table, axis=1, kind="stable"), table.sum(axis=1)

    def _expected(self, macro: NDArray[np.float64]) -> NDArray[np.float64]:
        numbers = np.asarray(np.asarray(macro, dtype=np.float64) * self.volume)
        wanted = (len(self.network.species), len(self.grid))
        if numbers.shape != wanted:
            raise ValueError(f"There must be a concentration per species and voxel, {wanted}: got {numbers.shape}.")
        if not (np.isfinite(numbers) & (numbers >= 0)).all():
            raise ValueError("Concentrations must be finite and not negative: got one that is not.")
        return numbers


# The generator stands in `ssa` as well: a cached kernel does not notice an edit in a helper of another file.
@njit(cache=True, nogil=True)
def _uniform(words: Array) -> float:
    total = words[0] + words[3]
    result = ((total << np.uint64(23)) | (total >> np.uint64(41))) + words[0]
    shifted = words[1] << np.uint64(17)
    words[2] ^= words[0]
    words[3] ^= words[1]
    words[1] ^= words[2]
    words[0] ^= words[3]
    words[2] ^= shifted
    words[3] = (words[3] << np.uint64(45)) | (words[3] >> np.uint64(19))
    uniform: float = (result >> np.uint64(11)) * 2.0**-53
    return uniform


@njit(cache=True, nogil=True)
def _total(v: int, propensity: Array, hop: Array, degree: Array, count: Array) -> float:
    """How often anything happens in a voxel."""
    hops, reactions = 0.0, 0.0
    for s in range(hop.size):
        hops += hop[s] * count[v, s]
    for r in range(propensity.shape[1]):
        reactions += propensity[v, r]
    total: float = reactions + degree[v] * hops
    return total


@njit(cache=True, nogil=True)
def _grow(tree: Array, leaf: int, value: float) -> None:
    """Put a value at a leaf, and the sums above it right; every sum is that of its two children, without drift."""
    tree[leaf] = value
    node = leaf >> 1
    while node > 0:
        tree[node] = tree[2 * node] + tree[2 * node + 1]
        node >>= 1


@njit(cache=True, nogil=True)
def _descend(tree: Array, drawn: float) -> tuple[int, float]:
    """The leaf in which a number below the sum of all lies, and how far into it."""
    node, leaves = 1, tree.size // 2
    while node < leaves:
        node *= 2
        right = (drawn >= tree[node]) & (tree[node + 1] > 0.0)
        drawn -= right * tree[node]
        node += right
    return node, drawn


@njit(cache=True, nogil=True)
def _which(v: int, propensity: Array, hop: Array, degree: Array, count: Array, drawn: float) -> int:
    """The event of a voxel in which a number lies: a reaction, or one of the species, after the reactions."""
    chosen, reactions = -1, propensity.shape[1]
    for event in range(reactions + hop.size):
        s = event - reactions
        size = propensity[v, event] if s < 0 else degree[v] * hop[s] * count[v, s]
        if size > 0.0:
            chosen = event
            drawn -= size
            if drawn < 0.0:
                break
    return chosen


@njit(cache=True, nogil=True)
def _refresh(
    v: int,
    cause: int,
    affected: Array,
    affects: Array,
    rate: Array,
    factor: Array,
    offset: Array,
    hop: Array,
    degree: Array,
    count: Array,
    propensity: Array,
    tree: Array,
) -> None:
    """What an event changes in a voxel: the propensities that it affects, and the total."""
    for k in range(affects[cause]):
        r = affected[cause, k]
        value = rate[r]
        for f in range(factor.shape[1]):
            value *= count[v, factor[r, f]] - offset[r, f]
        propensity[v, r] = value
    _grow(tree, tree.size // 2 + v, _total(v, propensity, hop, degree, count))


@njit(cache=True, nogil=True, error_model="numpy")
def _react_and_hop(
    rate: Array,
    factor: Array,
    offset: Array,
    changed: Array,
    change: Array,
    affected: Array,
    affects: Array,
    hop: Array,
    neighbours: Array,
    degree: Array,
    duration: float,
    budget: int,
    words: Array,
    count: Array,
    firings: Array,
    moment: Array,
    clock: Array,
) -> bool:
    voxels, reactions, species = count.shape[0], rate.size, hop.size
    leaves = 1
    while leaves < voxels:
        leaves *= 2
    tree, propensity = np.zeros(2 * leaves), np.zeros((voxels, reactions))
    for v in range(voxels):
        _refresh(v, reactions + species, affected, affects, rate, factor, offset, hop, degree, count, propensity, tree)
    time = clock[0]
    for _ in range(budget):
        after = time - np.log(1.0 - _uniform(words)) / tree[1]
        if not after < duration:  # nor if nothing can happen any more: inf or nan
            clock[0] = time if tree[1] < np.inf else np.nan
            return True
        time = after
        node, drawn = _descend(tree, _uniform(words) * tree[1])
        v = node - leaves
        event = _which(v, propensity, hop, degree, count, drawn)
        if event < reactions:
            firings[v, event] += 1
            for k in range(changed.shape[1]):
                count[v, changed[event, k]] += change[event, k]
                moment[v, changed[event, k]] += change[event, k] * time
        else:
            s = event - reactions
            there = neighbours[v, int(_uniform(words) * degree[v])]
            count[v, s] -= 1.0
            moment[v, s] -= time
            count[there, s] += 1.0
            moment[there, s] += time
            _refresh(there, event, affected, affects, rate, factor, offset, hop, degree, count, propensity, tree)
        _refresh(v, event, affected, affects, rate, factor, offset, hop, degree, count, propensity, tree)
    clock[0] = time
    return False
