"""A crystal and its barriers, as the tables of a file tell them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from agents.ions.crystal import Crystal, Hop, HopRule
from agents.ions.quantities import ENERGY, LENGTH, Table, coordinates

__all__ = ["read_crystal"]

_BALANCE = 1e-6  # eV; what rounding of barriers in a file may leave of the balance
_SHORTEST, _LONGEST = 1e-12, 1e-6  # m, of the edge of a cell
_MOST_SITES = 500  # of a cell: times and tables grow with their square


def read_crystal(top: Table) -> tuple[Crystal, dict[str, float], dict[str, float]]:
    """The crystal, the mean barrier of each kind of hop and the energy of each kind of site (eV).

    Raises
    ------
    ValueError
        For barriers that break detailed balance, and whatever is no table of a cell, of sites or of hops.

    Examples
    --------
    >>> known = {"status": "assumed"}
    >>> cell = {"edges": ["3 angstrom"], "source": known}
    >>> sites = {"site": {"positions": [[0.0]], "source": known}}
    >>> hop = {"between": ["site", "site"], "farthest": "3.5 angstrom", "barrier": "0.3 eV", "source": known}
    >>> read_crystal(Table("salt.toml", "", {"cell": cell, "sites": sites, "hops": {"jump": hop}}))[1:]
    ({'jump': 0.3}, {'site': 0.0})
    """
    vectors = _vectors(top.table("cell", "a table with the edges of the cell"))
    energies, positions, kinds = _sites(top, len(vectors))
    barriers, hops = _hops(top, energies, vectors, positions, kinds)
    return Crystal(vectors, positions, kinds, hops), barriers, energies


def _vectors(cell: Table) -> NDArray[np.float64]:
    """Edges of a right-angled cell, or any vectors."""
    cell.only("edges", "vectors")
    if ("edges" in cell.entries) == ("vectors" in cell.entries):
        raise ValueError(
            f"[cell] of {cell.file} must have either `edges`, the lengths of a right-angled cell, or `vectors`, rows "
            f"of lengths: got {'both' if 'edges' in cell.entries else 'neither'}."
        )
    key = "edges" if "edges" in cell.entries else "vectors"
    lengths = cell.numbers(key, LENGTH)
    rows = [len(row) if isinstance(row, list) else 0 for row in lengths]
    if not 1 <= len(lengths) <= 3 or rows != [len(lengths) if key == "vectors" else 0] * len(lengths):
        raise ValueError(
            f"{cell.where(key)} must be one to three lengths, or rows of as many: got {cell.entries[key]}."
        )
    vectors = np.diag(lengths) if key == "edges" else np.array(lengths)
    edges = np.linalg.norm(vectors, axis=1)
    if not ((edges >= _SHORTEST) & (edges <= _LONGEST)).all() or ((vectors.diagonal() <= 0).any() and key == "edges"):
        raise ValueError(
            f"{cell.where(key)} must be lengths of {_SHORTEST:g} to {_LONGEST:g} m: got {cell.entries[key]}."
        )
    return vectors


def _sites(top: Table, axes: int) -> tuple[dict[str, float], NDArray[np.float64], tuple[str, ...]]:
    """Energy of each kind, and positions and kinds of the sites, in the order of the file."""
    energies, positions, kinds = {}, [], []
    for kind, table in top.tables("sites", "tables of sites by kind").items():
        rows = table.only("positions", "energy").get("positions", list, "rows of shares of the edges")
        places = coordinates(rows, axes, table.where("positions"))
        table.keep("positions", "positions", float(len(places)), "sites")
        energies[kind] = table.number("energy", ENERGY, 0.0)
        positions += places
        kinds += [kind] * len(places)
        if len(kinds) > _MOST_SITES:
            raise ValueError(f"[sites] of {top.file} must be at most {_MOST_SITES} sites: got {len(kinds)} or more.")
    if not kinds:
        raise ValueError(f"[sites] of {top.file} must have a table for each kind of site: got none.")
    return energies, np.array(positions), tuple(kinds)


def _hops(
    top: Table,
    energies: Mapping[str, float],
    vectors: NDArray[np.float64],
    positions: NDArray[np.float64],
    kinds: tuple[str, ...],
) -> tuple[dict[str, float], tuple[Hop, ...]]:
    """Mean barrier of each kind of hop, and the hops."""
    barriers: dict[str, float] = {}
    hops: list[Hop] = []
    for kind, table in top.tables("hops", "tables of hops by kind").items():
        table.only("between", "farthest", "nearest", "list", "barrier", "reverse_barrier")
        ends = table.get("between", list, 'the kinds of sites that it joins, as ["site", "site"]')
        if len(ends) != 2 or not all(isinstance(end, str) and end in energies for end in ends):
            raise ValueError(f"{table.where('between')} must be two of {', '.join(energies)}: got {ends}.")
        barriers[kind] = _barrier(table, ends, energies)
        if "list" in table.entries:
            hops += _listed(table, kind, ends, kinds, len(vectors))
            continue
        farthest, nearest = table.number("farthest", LENGTH), table.number("nearest", LENGTH, 0.0)
        hops += HopRule(ends[0], ends[1], farthest, nearest, kind).hops(vectors, positions, kinds)
    return barriers, tuple(hops)


def _listed(table: Table, kind: str, ends: list[str], kinds: tuple[str, ...], axes: int) -> list[Hop]:
    """Hops one by one, as [site, site, [cells]]."""
    hops = []
    for row in table.get("list", list, "rows as [0, 1, [0, 0, 1]]: site, site, cells between them"):
        whole = isinstance(row, list) and len(row) == 3 and isinstance(row[2], list) and len(row[2]) == axes
        if not whole or not all(type(number) is int and abs(number) <= _MOST_SITES for number in (*row[:2], *row[2])):
            raise ValueError(
                f"{table.where('list')} must be rows of site, site and {axes} cells, as {[0, 1, [0] * axes]}: got "
                f"{row}."
            )
        start, end, offset = row
        if not (0 <= start < len(kinds) and 0 <= end < len(kinds)) or [kinds[start], kinds[end]] != ends:
            raise ValueError(
                f"{table.where('list')} must lead from {ends[0]} to {ends[1]} sites, numbered from 0 in the order of "
                f"the file: got {row}. Turn it round, or list it with another kind of hop."
            )
        hops.append(Hop(start, end, tuple(offset), kind))
    return hops


def _barrier(table: Table, ends: list[str], energies: Mapping[str, float]) -> float:
    """The mean of forward and backward, which must differ by as much as the sites do."""
    forward: float = table.number("barrier", ENERGY)
    rise = energies[ends[1]] - energies[ends[0]]
    backward: float = table.number("reverse_barrier", ENERGY, forward - rise)
    if abs(forward - backward - rise) > _BALANCE:
        raise ValueError(
            f"Barriers must keep detailed balance, barrier - reverse_barrier = energy of {ends[1]} - energy of "
            f"{ends[0]}: got {forward:g} - {backward:g} = {forward - backward:.6g} eV against {energies[ends[1]]:g} - "
            f"{energies[ends[0]]:g} = {rise:.6g} eV for [{table.name}] of {table.file}. Set reverse_barrier to "
            f'"{forward - rise:.6g} eV", or leave it out.'
        )
    if forward < 0 or backward < 0:
        raise ValueError(
            f"A barrier must not be lower than the sites on its two sides: got {forward:g} eV forward and "
            f"{backward:g} eV backward for [{table.name}] of {table.file}. Take at least {max(rise, 0.0):g} eV forward."
        )
    return (forward + backward) / 2
