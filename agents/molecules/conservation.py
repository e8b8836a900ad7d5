"""What a reaction network conserves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["conservation_laws"]

_Row = dict[int, int]
"""The entries of a row that are not 0."""


def conservation_laws(change: NDArray[np.int64]) -> NDArray[np.int64]:
    """A basis of what no reaction changes: integer weights of the species, (laws, species).

    Every integer law is an integer combination of these, so that whole totals of theirs are those of whole numbers
    of molecules: the left kernel of the stoichiometric matrix by integer row operations of determinant 1, exactly.
    Laws are then added to each other as long as fewer weights are negative, or they are smaller: mostly each counts
    something in the end, an enzyme or an atom.

    Parameters
    ----------
    change
        Molecules of each species that a reaction makes, (reaction, species).

    Raises
    ------
    ValueError
        If a weight is beyond 64 bits.

    References
    ----------
    Cohen, *A Course in Computational Algebraic Number Theory* (1993), section 2.4.

    Examples
    --------
    E + S <-> C -> E + P keeps the enzyme, E + C, and the substrate, S + C + P.

    >>> conservation_laws(np.array([[-1, -1, 1, 0], [1, 1, -1, 0], [1, 0, -1, 1]]))
    array([[1, 0, 1, 0],
           [0, 1, 1, 1]])
    """
    reactions, species = change.shape
    rows = [{int(r): int(column[r]) for r in np.flatnonzero(column)} for column in change.T]
    laws = _simpler(_kernel(rows, reactions))
    if any(abs(weight) >= 2**63 for law in laws for weight in law.values()):
        raise ValueError("The conservation laws of a network must have weights within 64 bits: got larger ones.")
    table = np.zeros((len(laws), species), dtype=np.int64)
    for i, law in enumerate(laws):
        table[i, list(law)] = list(law.values())
    return np.asarray(table[np.lexsort(-table.T[::-1])])


def _kernel(rows: list[_Row], columns: int) -> list[_Row]:
    """A basis of the integer combinations of the rows that vanish, by Euclid's algorithm in every column."""
    combined: list[_Row] = [{i: 1} for i in range(len(rows))]
    holders: list[set[int]] = [set() for _ in range(columns)]
    for i, row in enumerate(rows):
        for column in row:
            holders[column].add(i)
    for column in range(columns):
        while len(holders[column]) > 1:
            pivot = min(holders[column], key=lambda i: (abs(rows[i][column]), len(combined[i]), i))
            for i in sorted(holders[column] - {pivot}):
                factor = -(rows[i][column] // rows[pivot][column])
                for other in rows[pivot]:
                    holders[other].add(i)
                combined[i] = _sum(combined[i], combined[pivot], factor)
                rows[i] = _sum(rows[i], rows[pivot], factor)
                for other in rows[pivot].keys() - rows[i].keys():
                    holders[other].discard(i)
        for i in holders[column]:
            for other in rows[i].keys() - {column}:
                holders[other].discard(i)
    return [law for law, row in zip(combined, rows, strict=True) if not row]


def _sum(one: _Row, other: _Row, factor: int) -> _Row:
    total = {place: one.get(place, 0) + factor * weight for place, weight in other.items()}
    return {place: weight for place, weight in (one | total).items() if weight}


def _cost(law: _Row) -> tuple[int, int]:
    """Negative weights, then the size of all."""
    return sum(weight < 0 for weight in law.values()), sum(map(abs, law.values()))


def _simpler(laws: list[_Row]) -> list[_Row]:
    """The laws with others added or taken away, as long as that leaves a cheaper one."""
    laws = [min(law, _sum({}, law, -1), key=_cost) for law in laws]
    improved = True
    while improved:
        improved = False
        for i, j in ((i, j) for i in range(len(laws)) for j in range(len(laws)) if i != j):
            if laws[i].keys().isdisjoint(laws[j]) and min(laws[j].values()) > 0:
                continue
            for sign in (1, -1):
                total = _sum(laws[i], laws[j], sign)
                if _cost(total) < _cost(laws[i]):
                    laws[i], improved = total, True
    return laws
