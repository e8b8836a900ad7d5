"""A crystal as ions see it: a unit cell with the sites where they can be, and the hops that join them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

__all__ = ["Crystal", "Hop", "HopRule"]

_TOUCH = 1e-6  # share of a distance that rounding of coordinates may take from it or add to it
_MOST_PAIRS = 2_000_000  # of sites of a cell and of any cell, whose distances are looked at
_MOST_HOPS = 20_000  # of a cell


@dataclass(frozen=True)
class Hop:
    """A way between two sites, open in both directions, and listed once.

    Parameters
    ----------
    start, end
        Which sites of the unit cell it joins.
    offset : (axis,)
        How many cells away from the cell of ``start`` the cell of ``end`` is.
    kind
        What barriers are told by.

    Examples
    --------
    >>> Hop(0, 1, (0, 0, -1), "in_plane").reverse
    Hop(start=1, end=0, offset=(0, 0, 1), kind='in_plane')
    """

    start: int
    end: int
    offset: tuple[int, ...]
    kind: str = "hop"

    @property
    def reverse(self) -> Hop:
        """The same way, told from its other end."""
        return Hop(self.end, self.start, tuple(-count for count in self.offset), self.kind)


@dataclass(frozen=True)
class HopRule:
    """Hops told by what they join and how far: every such pair of sites, images in other cells included, is one.

    *How to choose* the distances: between two shells of neighbours, not on one. Half-way to the next shell is safe.

    Parameters
    ----------
    start_kind, end_kind
        Which kinds of sites they join.
    farthest
        The longest such hop (m).
    nearest
        The shortest (m).
    kind
        Kind of these hops.

    Raises
    ------
    ValueError
        If the distances are no range.

    Examples
    --------
    >>> HopRule("site", "site", 3e-10).kind
    'hop'
    """

    start_kind: str
    end_kind: str
    farthest: float
    nearest: float = 0.0
    kind: str = "hop"

    def __post_init__(self) -> None:
        if not 0 <= self.nearest <= self.farthest < np.inf or self.farthest == 0:
            raise ValueError(
                f"`nearest` and `farthest` of a hop must be a range of distances in m: got {self.nearest:g} to "
                f"{self.farthest:g} for {self.kind!r}. Take `farthest` above 0 and above `nearest`."
            )

    def hops(
        self, vectors: NDArray[np.float64], positions: NDArray[np.float64], kinds: Sequence[str]
    ) -> tuple[Hop, ...]:
        """Every pair of sites that it joins, once: told from the site of the lower number, or to the later cell.

        Raises
        ------
        ValueError
            If it names a kind that no site has, or joins no sites.

        Examples
        --------
        >>> HopRule("site", "site", 3.1e-10).hops(np.array([[3e-10]]), np.array([[0.0]]), ["site"])
        (Hop(start=0, end=0, offset=(1,), kind='hop'),)
        """
        named = np.array(kinds)
        for kind in (self.start_kind, self.end_kind):
            if kind not in kinds:
                raise ValueError(
                    f"A hop must join kinds of sites that are there, {', '.join(sorted(set(kinds)))}: got {kind!r} for "
                    f"{self.kind!r} hops. Correct the name."
                )
        vectors, positions = _cell(vectors, positions, kinds)
        heights = 1 / np.linalg.norm(np.linalg.inv(vectors), axis=0)  # distances of opposite faces of the cell
        reaches = np.ceil(self.farthest * (1 + _TOUCH) / heights + np.ptp(positions, axis=0))
        pairs = np.logical_and.outer(named == self.start_kind, named == self.end_kind)
        if (2 * reaches + 1).prod() * pairs.sum() > _MOST_PAIRS:
            raise ValueError(
                f"A hop must lead to sites nearby: got {self.kind!r} hops of up to {self.farthest:g} m, over "
                f"{reaches.max():g} cells. Give it in the right unit."
            )
        offsets = np.array(list(product(*(range(-reach, reach + 1) for reach in reaches.astype(int)))))
        hops = []
        for start, end in zip(*np.nonzero(np.triu(pairs | pairs.T)), strict=True):
            distance = np.linalg.norm((positions[end] - positions[start] + offsets) @ vectors, axis=1)
            within = (distance <= self.farthest * (1 + _TOUCH)) & (distance >= self.nearest * (1 - _TOUCH))
            for offset in offsets[within & (distance > 0)].tolist():
                if start < end or offset > [0] * len(offset):
                    hops.append(Hop(int(start), int(end), tuple(offset), self.kind))
        if not hops:
            raise ValueError(
                f"A hop must join some sites: got none for {self.kind!r} hops from {self.start_kind!r} to "
                f"{self.end_kind!r} between {self.nearest:g} and {self.farthest:g} m. Widen the distances."
            )
        return tuple(hops)


@dataclass(frozen=True, eq=False)
class Crystal:
    """A unit cell, repeated without end along each axis.

    *How to choose* the vectors: where every vector but the first has no x component, all sites of one cell number
    along x form a plane across x, and profiles along x are sharp.

    Parameters
    ----------
    vectors : (axis, axis)
        The edges of the cell, a row each (m).
    positions : (basis, axis)
        Where its sites are, in shares of the edges.
    kinds
        Kind of each site, which energies are told by.
    hops
        Each way between two sites once.

    Raises
    ------
    ValueError
        For a cell without volume, two sites at one place, a hop from or to a site that is not there or listed twice,
        and sites from which hops do not lead on along every axis; says which.

    Examples
    --------
    >>> ring = Crystal([[2e-10]], [[0.0], [0.5]], ("site", "site"), (Hop(0, 1, (0,)), Hop(1, 0, (1,))))
    >>> ring.axes, ring.ways, ring.displacements.tolist()
    (1, 2, [[1e-10], [1e-10]])
    """

    vectors: NDArray[np.float64]
    positions: NDArray[np.float64]
    kinds: tuple[str, ...]
    hops: tuple[Hop, ...]

    def __post_init__(self) -> None:
        vectors, positions = _cell(self.vectors, self.positions, self.kinds)
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "kinds", tuple(self.kinds))
        object.__setattr__(self, "hops", tuple(self.hops))
        _check_apart(self)
        _check_hops(self)
        _check_connected(self)

    @classmethod
    def joined(
        cls,
        vectors: ArrayLike,
        positions: ArrayLike,
        kinds: Sequence[str],
        rules: Iterable[HopRule],
    ) -> Crystal:
        """A crystal whose hops are told by rules: which kinds of sites, and how far apart.

        Raises
        ------
        ValueError
            If a rule names a kind that no site has, joins no sites, or joins two that another rule joins already.

        Examples
        --------
        >>> cube = Crystal.joined(np.eye(3) * 4e-10, [[0.0, 0.0, 0.0]], ["site"], [HopRule("site", "site", 4.1e-10)])
        >>> len(cube.hops), cube.ways
        (3, 6)
        """
        edges, places = _cell(vectors, positions, kinds)
        hops = tuple(hop for rule in rules for hop in rule.hops(edges, places, kinds))
        return cls(edges, places, tuple(kinds), hops)

    @property
    def axes(self) -> int:
        """How many dimensions it has."""
        return len(self.vectors)

    @property
    def volume(self) -> float:
        """Of a cell (m to the power of the axes)."""
        return float(abs(np.linalg.det(self.vectors)))

    @cached_property
    def ways(self) -> int:
        """The largest number of hops from a site."""
        ends = [end for hop in self.hops for end in (hop.start, hop.end)]
        return int(np.bincount(ends, minlength=len(self.kinds)).max())

    @cached_property
    def displacements(self) -> NDArray[np.float64]:
        """From the start of each hop to its end, (hop, axis), in m."""
        starts, ends = (np.array([getattr(hop, end) for hop in self.hops]) for end in ("start", "end"))
        shares = self.positions[ends] + np.array([hop.offset for hop in self.hops]) - self.positions[starts]
        return np.asarray(shares @ self.vectors)


def _cell(
    vectors: ArrayLike, positions: ArrayLike, kinds: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Edges and sites as arrays that stay as they are, if they are a cell."""
    edges, places = np.array(vectors, dtype=np.float64), np.array(positions, dtype=np.float64)
    if edges.ndim != 2 or edges.shape[0] != edges.shape[1] or not 1 <= len(edges) <= 3:
        raise ValueError(f"`vectors` must be one, two or three rows of as many lengths in m: got {edges.shape}.")
    size = np.linalg.norm(edges, axis=1).prod()
    if not np.isfinite(edges).all() or abs(np.linalg.det(edges)) <= 1e-9 * size:
        raise ValueError(f"`vectors` must span a cell: got {edges.tolist()}. Give edges that are independent.")
    if places.ndim != 2 or places.shape[1] != len(edges) or not len(places):
        raise ValueError(
            f"`positions` must be (basis, axis), with {len(edges)} coordinates a site: got {places.shape}."
        )
    if not np.isfinite(places).all():
        raise ValueError(f"`positions` must be finite shares of the edges: got {places.tolist()}.")
    if len(kinds) != len(places):
        raise ValueError(f"`kinds` must name {len(places)} sites, one each: got {len(kinds)} names.")
    for array in (edges, places):
        array.setflags(write=False)
    return edges, places


def _site(crystal: Crystal, number: int) -> str:
    return f"{number} ({crystal.kinds[number]} at {np.round(crystal.positions[number], 6).tolist()})"


def _check_apart(crystal: Crystal) -> None:
    """No two sites at one place, in this cell or the next."""
    shares = crystal.positions[:, None] - crystal.positions[None]
    distance = np.linalg.norm((shares - np.round(shares)) @ crystal.vectors, axis=2)
    size = np.linalg.norm(crystal.vectors, axis=1).min()
    one, other = np.nonzero(np.triu(distance < _TOUCH * size, k=1))
    if len(one):
        raise ValueError(
            f"Two sites must not be at one place: got sites {_site(crystal, one[0])} and {_site(crystal, other[0])}. "
            "List each site of the cell once."
        )


def _check_hops(crystal: Crystal) -> None:
    if len(crystal.hops) > _MOST_HOPS:
        raise ValueError(
            f"There must be at most {_MOST_HOPS} hops in a cell: got {len(crystal.hops)}. Let them be shorter."
        )
    listed = set()
    for hop in crystal.hops:
        if not (0 <= hop.start < len(crystal.kinds) and 0 <= hop.end < len(crystal.kinds)):
            raise ValueError(f"A hop must join sites 0 to {len(crystal.kinds) - 1} of the cell: got {hop}.")
        if len(hop.offset) != crystal.axes:
            raise ValueError(
                f"`offset` of a hop must be a number of cells along each of {crystal.axes} axes: got {hop}."
            )
        if hop.start == hop.end and not any(hop.offset):
            raise ValueError(f"A hop must lead to another site: got {hop}. Give the `offset` of the cell it leads to.")
        one, other = (hop.start, hop.end, tuple(hop.offset)), (hop.end, hop.start, hop.reverse.offset)
        if one in listed or other in listed:
            raise ValueError(
                f"A hop is open in both directions and must be listed once: got {hop} twice. Leave one out; if rules "
                "made them, let their distances not overlap."
            )
        listed.add(one)


def _check_connected(crystal: Crystal) -> None:
    """From each site, hops must lead as far as one likes along every axis.

    Hops within a spanning tree give each site a number of cells by which its tree leads away; what the other hops add
    to that are the periods of the net, and they must span all axes.
    """
    count = len(crystal.kinds)
    starts = np.array([hop.start for hop in crystal.hops], dtype=int)
    ends = np.array([hop.end for hop in crystal.hops], dtype=int)
    offsets = np.array([hop.offset for hop in crystal.hops], dtype=int).reshape(len(crystal.hops), crystal.axes)
    graph = coo_matrix((np.ones(len(starts)), (starts, ends)), shape=(count, count)).tocsr()
    _, part = connected_components(graph, directed=False)
    step = {(start, end): offset for start, end, offset in zip(starts, ends, offsets, strict=True)}
    step |= {(end, start): -offset for (start, end), offset in list(step.items())}
    for number in np.unique(part):
        members = np.flatnonzero(part == number)
        order, before = breadth_first_order(graph, members[0], directed=False)
        cell = np.zeros((count, crystal.axes), dtype=int)
        for site in order[1:]:
            cell[site] = cell[before[site]] + step[before[site], site]
        own = part[starts] == number
        periods = cell[starts[own]] + offsets[own] - cell[ends[own]]
        reach = np.linalg.matrix_rank(periods) if own.any() else 0
        if reach < crystal.axes:
            names = ", ".join(_site(crystal, site) for site in members[:4])
            raise ValueError(
                f"Hops must lead on from every site along all {crystal.axes} axes: got a lattice that does not connect "
                f"(along {reach} only) at {len(members)} of {count} sites: {names}{', ...' * (len(members) > 4)}. Add "
                "hops that join them to the others or to their images, or allow longer ones."
            )
