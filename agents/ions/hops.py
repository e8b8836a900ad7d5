"""The kernels by which ions hop: by a tree of sums, and by trials of which some are in vain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, log
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from agents.ions.box import Box
from agents.ions.population import Ions, Windows

__all__ = ["Rates", "State", "hop_by_tree", "try_hops"]

Array = NDArray[Any]

_FALLEN = 1e-6  # share of the largest sum since all were made anew, below which what was rounded off would count


@dataclass(frozen=True, eq=False)
class Rates:
    """How fast ions hop, as the kernels read it.

    Parameters
    ----------
    box
        Where to.
    base
        Rate of each way, (species, site, way) in 1/s, without what neighbours add.
    tilt
        Rise of energy in kT, of that shape, where the heat bath needs it beside neighbours; else empty.
    coupling
        Interactions in kT, (species, species).
    heat_bath
        Whether neighbours enter by the rule of the heat bath, or of the midpoint.
    """

    box: Box
    base: NDArray[np.float64]
    tilt: NDArray[np.float64]
    coupling: NDArray[np.float64]
    heat_bath: bool

    @property
    def ways(self) -> int:
        """The largest number of ways from a site."""
        return int(self.base.shape[2])

    @property
    def interacting(self) -> bool:
        """Whether neighbours matter."""
        return bool(self.coupling.any())

    @cached_property
    def told(self) -> tuple[Any, ...]:
        """What both kernels are told."""
        box = self.box
        vectors = box.displacements.reshape(-1, box.axes)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        directions = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
        places = (box.neighbours, box.local, box.steps, box.reverse, box.crossings, box.positions, box.edges)
        energies = (self.base, self.tilt, self.coupling, self.interacting, self.heat_bath)
        return (*places, *energies, directions)

    @cached_property
    def inward(self) -> NDArray[np.float64]:
        """Rate of each way from its end, in the order in which a site sees them; `base` itself where it is the same."""
        ways, sites = self.ways, np.arange(len(self.box))[:, np.newaxis]
        back = self.box.reverse.reshape(-1, ways)[np.arange(len(self.box)) % self.box.basis] % ways
        there = np.where(self.box.neighbours >= 0, self.box.neighbours, sites)
        inward = np.ascontiguousarray(self.base[:, there, back])
        return self.base if np.array_equal(inward, self.base) else inward

    @cached_property
    def bound(self) -> float:
        """No way is faster than this, whatever the neighbours (1/s)."""
        largest = float(self.base.max(initial=0.0))
        if not self.interacting:
            return largest
        if self.heat_bath:
            return 2 * largest
        return largest * exp(0.5 * self.ways * float(np.abs(self.coupling).max()))

    @cached_property
    def even(self) -> bool:
        """Whether all ways are as fast, so that none needs to be looked up."""
        those = self.base[:, self.box.neighbours >= 0]
        return not self.interacting and bool((those == self.bound).all())


@dataclass(frozen=True, eq=False)
class State:
    """What the kernels write into."""

    who: Array
    """Kept only where ions are looked up by their sites; `finish` makes it anew."""
    occupied: Array
    """Of each site 0 where it is vacant, else 1 + the species: small enough to stay in the cache."""
    site: Array
    species: Array
    image: Array
    """Of each ion, how often it left through the faces of the box, (ion, axis)."""
    hops: Array
    last: Array
    """Of each ion its last hop in these windows, as the number of the way, or -1."""
    begun: Array
    """Where each ion was when its window began, (ion, axis) in m."""
    read: tuple[Array, ...]

    @classmethod
    def of(cls, ions: Ions, box: Box, windows: int) -> State:
        """A copy of the ions, and room for what is read in so many windows; with none, nothing is read."""
        species, axes = len(ions.hops), ions.displacement.shape[1]
        shapes = ((axes,), (axes, axes), (), (), ())
        kinds = (np.float64, np.float64, np.int64, np.float64, np.int64)
        read = tuple(np.zeros((windows, species, *shape), kind) for shape, kind in zip(shapes, kinds, strict=True))
        image = np.zeros(ions.displacement.shape, dtype=np.int32)
        last, begun = np.full(len(ions.site), -1, dtype=np.int32), box.positions[ions.site]
        populated = (ions.who.copy(), ions.occupied, ions.site.copy(), ions.species)
        return cls(*populated, image, ions.hops.copy(), last, begun, read)

    @property
    def told(self) -> tuple[Array, ...]:
        """What both kernels are told."""
        populated = (self.who, self.occupied, self.site, self.species)
        return (*populated, self.last, self.image, self.hops, self.begun, *self.read)

    def finish(self, ions: Ions, box: Box, windows: int, duration: float) -> tuple[Ions, Windows | None]:
        """The ions afterwards, and what was read."""
        moved = box.positions[self.site] - box.positions[ions.site] + self.image @ box.edges
        who = np.full_like(ions.who, -1)
        who[self.site] = np.arange(len(self.site))
        after = replace(
            ions,
            who=who,
            site=self.site,
            displacement=ions.displacement + moved,
            hops=self.hops,
            time=ions.time + windows * duration,
        )
        collective, tracer, hops, cosines, turns = self.read
        if not len(hops):
            return after, None
        fresh = np.diff(hops, axis=0, prepend=ions.hops[np.newaxis])
        return after, Windows(duration, ions.counts, collective, tracer, fresh, cosines, turns)


@njit(cache=True, nogil=True, inline="always")
def _word(words: Array) -> Any:
    """xoshiro256++ (Blackman & Vigna 2021, doi:10.1145/3460772)."""
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


@njit(cache=True, nogil=True, inline="always")
def _beside(here: int, way: int, neighbours: Array, local: Array, steps: Array) -> Any:
    """The site to which a way leads, or -1. Away from the faces it is the same step everywhere: no table is read."""
    b = local[here]
    if b < 0:
        return neighbours[here, way]
    step = steps[b, way]
    return here + step if step != 0 else -1


@njit(cache=True, nogil=True, inline="always")
def _code(here: int, way: int, local: Array, ways: int) -> Any:
    """The number of a way among all that begin in a cell."""
    b = local[here]
    return (b if b >= 0 else -1 - b) * ways + way


@njit(cache=True, nogil=True)
def _share(
    here: int,
    way: int,
    kind: int,
    neighbours: Array,
    tilt: Array,
    coupling: Array,
    heat_bath: bool,
    occupied: Array,
) -> float:
    """What neighbours make of the rate of a hop to a vacant site, as a factor."""
    there, change = neighbours[here, way], 0.0
    for w in range(neighbours.shape[1]):
        beside = neighbours[there, w]
        if beside >= 0 and beside != here and occupied[beside] > 0:
            change += coupling[kind, occupied[beside] - 1]
        beside = neighbours[here, w]
        if beside >= 0 and occupied[beside] > 0:
            change -= coupling[kind, occupied[beside] - 1]
    if heat_bath:
        return 2.0 / (1.0 + exp(tilt[kind, here, way] + change))
    return exp(-0.5 * change)


@njit(cache=True, nogil=True, inline="always")
def _hop(
    ion: int,
    here: int,
    there: int,
    code: int,
    local: Array,
    crossings: Array,
    occupied: Array,
    site: Array,
    image: Array,
    hops: Array,
) -> None:
    kind = occupied[here]
    occupied[here] = 0
    occupied[there] = kind
    site[ion] = there
    hops[kind - 1] += 1
    if local[here] < 0:
        for a in range(image.shape[1]):
            image[ion, a] += crossings[here, code % crossings.shape[1], a]


@njit(cache=True, nogil=True, inline="always")
def _turn(
    ion: int, code: int, window: int, species: Array, last: Array, directions: Array, cosines: Array, turns: Array
) -> None:
    """Read the angle between this hop of an ion and its last one."""
    before = last[ion]
    if before >= 0:
        kind = species[ion]
        for a in range(directions.shape[1]):
            cosines[window, kind] += directions[before, a] * directions[code, a]
        turns[window, kind] += 1
    last[ion] = code


@njit(cache=True, nogil=True)
def _place(ion: int, positions: Array, edges: Array, site: Array, image: Array, axis: int) -> float:
    """Where an ion is along an axis, through all faces of the box."""
    place: float = positions[site[ion], axis]
    for a in range(image.shape[1]):
        place += image[ion, a] * edges[a, axis]
    return place


@njit(cache=True, nogil=True)
def _close(
    window: int,
    positions: Array,
    edges: Array,
    site: Array,
    species: Array,
    image: Array,
    hops: Array,
    begun: Array,
    collective: Array,
    tracer: Array,
    hops_read: Array,
) -> None:
    """Write down how far ions came in a window, and hops until its end; the next begins where they are."""
    moved = np.empty(image.shape[1])
    for ion in range(site.shape[0]):
        kind = species[ion]
        for a in range(moved.size):
            place = _place(ion, positions, edges, site, image, a)
            moved[a] = place - begun[ion, a]
            begun[ion, a] = place
        for a in range(moved.size):
            collective[window, kind, a] += moved[a]
            for b in range(moved.size):
                tracer[window, kind, a, b] += moved[a] * moved[b]
    hops_read[window] = hops


@njit(cache=True, nogil=True, error_model="numpy")
def try_hops(
    words: Array,
    neighbours: Array,
    local: Array,
    steps: Array,
    reverse: Array,
    crossings: Array,
    positions: Array,
    edges: Array,
    base: Array,
    tilt: Array,
    coupling: Array,
    interacting: bool,
    heat_bath: bool,
    directions: Array,
    bound: float,
    even: bool,
    by_vacancy: bool,
    vacancies: Array,
    trials: Array,
    budget: int,
    progress: Array,
    who: Array,
    occupied: Array,
    site: Array,
    species: Array,
    last: Array,
    image: Array,
    hops: Array,
    begun: Array,
    collective: Array,
    tracer: Array,
    hops_read: Array,
    cosines: Array,
    turns: Array,
) -> bool:
    """Draw carriers and ways evenly, so many times in each window; what is left of the uniform number accepts."""
    ways = neighbours.shape[1]
    carriers = vacancies.shape[0] if by_vacancy else site.shape[0]
    reading = collective.shape[0] > 0
    while progress[0] < trials.shape[0]:
        window = progress[0]
        todo = min(trials[window] - progress[1], budget)
        first, second, third, fourth = words[0], words[1], words[2], words[3]  # as `_word`, but kept in registers
        for _ in range(todo):
            number = ((first + fourth) << np.uint64(23) | (first + fourth) >> np.uint64(41)) + first
            shifted = second << np.uint64(17)
            third ^= first
            fourth ^= second
            second ^= third
            first ^= fourth
            third ^= shifted
            fourth = fourth << np.uint64(45) | fourth >> np.uint64(19)
            drawn = (number >> np.uint64(11)) * 2.0**-53 * carriers
            carrier = int(drawn)
            drawn = (drawn - carrier) * ways
            way = min(int(drawn), ways - 1)  # rounding may carry it there
            drawn = (drawn - way) * bound
            here = vacancies[carrier] if by_vacancy else site[carrier]
            there = _beside(here, way, neighbours, local, steps)
            if there < 0 or (occupied[there] > 0) != by_vacancy:
                continue
            ion = carrier
            code = _code(here, way, local, ways)
            if by_vacancy:
                code = reverse[code]
                here, there = there, here
                ion = who[here]
            if not even:
                way, kind = code % ways, occupied[here] - 1
                rate = base[kind, here, way]
                if interacting:
                    rate *= _share(here, way, kind, neighbours, tilt, coupling, heat_bath, occupied)
                if drawn >= rate:
                    continue
            if by_vacancy:
                vacancies[carrier] = here
                who[here], who[there] = -1, ion
            _hop(ion, here, there, code, local, crossings, occupied, site, image, hops)
            if reading:
                _turn(ion, code, window, species, last, directions, cosines, turns)
        words[0], words[1], words[2], words[3] = first, second, third, fourth
        budget -= todo
        progress[1] += todo
        if progress[1] < trials[window]:
            return False
        if reading:
            _close(window, positions, edges, site, species, image, hops, begun, collective, tracer, hops_read)
        progress[0] += 1
        progress[1] = 0
    return True


@njit(cache=True, nogil=True)
def _leaving(
    ion: int,
    neighbours: Array,
    base: Array,
    tilt: Array,
    coupling: Array,
    interacting: bool,
    heat_bath: bool,
    occupied: Array,
    site: Array,
) -> float:
    """How fast an ion leaves its site."""
    rate, here = 0.0, site[ion]
    kind = occupied[here] - 1
    for way in range(neighbours.shape[1]):
        there = neighbours[here, way]
        if there >= 0 and occupied[there] == 0:
            if interacting:
                share = _share(here, way, kind, neighbours, tilt, coupling, heat_bath, occupied)
                rate += base[kind, here, way] * share
            else:
                rate += base[kind, here, way]
    return rate


@njit(cache=True, nogil=True)
def _see(centre: int, neighbours: Array, who: Array, seen: Array, count: int) -> int:
    """Note the ions next to a site and next to those: where ions interact, their rates depend on who is there."""
    for w in range(neighbours.shape[1]):
        beside = neighbours[centre, w]
        if beside >= 0:
            if who[beside] >= 0:
                seen[count] = who[beside]
                count += 1
            for v in range(neighbours.shape[1]):
                beyond = neighbours[beside, v]
                if beyond >= 0 and who[beyond] >= 0:
                    seen[count] = who[beyond]
                    count += 1
    return count


@njit(cache=True, nogil=True, inline="always")
def _add(ion: int, change: float, tree: Array, levels: Array) -> None:
    """Add to the rate of an ion, and to all sums that it is part of."""
    k = ion
    for level in range(levels.shape[0] - 1, -1, -1):
        tree[levels[level] + k] += change
        k >>= 3


@njit(cache=True, nogil=True)
def _plant(
    neighbours: Array,
    base: Array,
    tilt: Array,
    coupling: Array,
    interacting: bool,
    heat_bath: bool,
    occupied: Array,
    site: Array,
    tree: Array,
    levels: Array,
) -> None:
    """All rates and all sums anew, so that rounding does not pile up."""
    tree[:] = 0.0
    leaves = levels[levels.shape[0] - 1]
    for ion in range(site.shape[0]):
        tree[leaves + ion] = _leaving(ion, neighbours, base, tilt, coupling, interacting, heat_bath, occupied, site)
    for level in range(levels.shape[0] - 1, 0, -1):
        for k in range(1 << (3 * level)):
            if levels[level] + k >= tree.shape[0]:
                break
            tree[levels[level - 1] + (k >> 3)] += tree[levels[level] + k]


@njit(cache=True, nogil=True, error_model="numpy")
def hop_by_tree(
    words: Array,
    neighbours: Array,
    local: Array,
    steps: Array,
    reverse: Array,
    crossings: Array,
    positions: Array,
    edges: Array,
    base: Array,
    tilt: Array,
    coupling: Array,
    interacting: bool,
    heat_bath: bool,
    directions: Array,
    inward: Array,
    ends: Array,
    budget: int,
    clock: Array,
    tree: Array,
    levels: Array,
    who: Array,
    occupied: Array,
    site: Array,
    species: Array,
    last: Array,
    image: Array,
    hops: Array,
    begun: Array,
    collective: Array,
    tracer: Array,
    hops_read: Array,
    cosines: Array,
    turns: Array,
) -> bool:
    """Hops one after the other; ``clock`` holds the time and the number of windows that are done.

    The tree has eight branches a node; ``levels`` says where each of its levels begins, the root first.
    """
    ways, ions, deepest = neighbours.shape[1], site.shape[0], levels.shape[0] - 1
    seen = np.empty(2 * ways * (ways + 1) + 1, dtype=np.int32)
    reading, time = collective.shape[0] > 0, clock[0]
    _plant(neighbours, base, tilt, coupling, interacting, heat_bath, occupied, site, tree, levels)
    highest = tree[0]
    while clock[1] < ends.shape[0]:
        window = int(clock[1])
        while True:
            if budget == 0:
                clock[0] = time
                return False
            budget -= 1
            if budget & 65535 == 0 or tree[0] < _FALLEN * highest:
                _plant(neighbours, base, tilt, coupling, interacting, heat_bath, occupied, site, tree, levels)
                highest = tree[0]
            elif tree[0] > highest:
                highest = tree[0]
            wait = -log(((_word(words) >> np.uint64(11)) + np.uint64(1)) * 2.0**-53)
            if not time * tree[0] + wait < ends[window] * tree[0]:  # nor if nothing can hop
                break
            time += wait / tree[0]
            drawn = (_word(words) >> np.uint64(11)) * 2.0**-53 * tree[0]
            ion = 0
            for level in range(1, deepest + 1):
                ion <<= 3
                node = levels[level] + ion
                for _ in range(7):
                    if drawn < tree[node]:
                        break
                    drawn -= tree[node]
                    node += 1
                ion = node - levels[level]
            if ion >= ions:  # where sums are not quite what they are of
                continue
            here, chosen, goal = site[ion], -1, -1
            kind = occupied[here] - 1
            for way in range(ways):
                there = _beside(here, way, neighbours, local, steps)
                if there >= 0 and occupied[there] == 0:
                    chosen, goal = way, there
                    rate = base[kind, here, way]
                    if interacting:
                        rate *= _share(here, way, kind, neighbours, tilt, coupling, heat_bath, occupied)
                    drawn -= rate
                    if drawn < 0.0:
                        break
            if chosen < 0:
                continue
            code = _code(here, chosen, local, ways)
            who[here], who[goal] = -1, ion
            _hop(ion, here, goal, code, local, crossings, occupied, site, image, hops)
            if reading:
                _turn(ion, code, window, species, last, directions, cosines, turns)
            if interacting:
                seen[0] = ion
                count = _see(goal, neighbours, who, seen, _see(here, neighbours, who, seen, 1))
                for k in range(count):
                    rate = _leaving(seen[k], neighbours, base, tilt, coupling, interacting, heat_bath, occupied, site)
                    _add(seen[k], rate - tree[levels[deepest] + seen[k]], tree, levels)
                continue
            rate = 0.0
            for way in range(ways):
                there = _beside(goal, way, neighbours, local, steps)
                if there >= 0:
                    other = occupied[there]
                    if other == 0:
                        rate += base[kind, goal, way]
                    else:
                        _add(who[there], -inward[other - 1, goal, way], tree, levels)
                there = _beside(here, way, neighbours, local, steps)
                if there >= 0 and there != goal and occupied[there] > 0:
                    _add(who[there], inward[occupied[there] - 1, here, way], tree, levels)
            _add(ion, rate - tree[levels[deepest] + ion], tree, levels)
        time = ends[window]  # waiting has no memory: what was drawn beyond is drawn anew
        if reading:
            _close(window, positions, edges, site, species, image, hops, begun, collective, tracer, hops_read)
        clock[1] += 1.0
    clock[0] = time
    return True
