"""What a reaction network conserves."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["conservation_laws"]


def conservation_laws(change: NDArray[np.int64]) -> NDArray[np.int64]:
    """A basis of what no reaction changes: integer weights of the species, (laws, species).

    The left null space of the stoichiometric matrix in exact arithmetic, row by row without a common
    divisor. Laws are added to each other until their weights are not negative, where that can be had so:
    then each counts something, an enzyme or an atom.

    Parameters
    ----------
    change
        Molecules of each species that a reaction makes, (reaction, species).

    Examples
    --------
    E + S <-> C -> E + P keeps the enzyme, E + C, and the substrate, S + C + P.

    >>> conservation_laws(np.array([[-1, -1, 1, 0], [1, 1, -1, 0], [1, 0, -1, 1]]))
    array([[1, 0, 1, 0],
           [0, 1, 1, 1]])
    """
    reduced, pivots = _echelon([[Fraction(int(entry)) for entry in row] for row in change])
    species = change.shape[1]
    laws = []
    for free in (s for s in range(species) if s not in pivots):
        law = [Fraction(0)] * species
        law[free] = Fraction(1)
        for row, pivot in zip(reduced, pivots, strict=True):
            law[pivot] = -row[free]
        laws.append(_whole(law))
    return np.array(_without_negatives(laws), dtype=np.int64).reshape(len(laws), species)


def _echelon(rows: list[list[Fraction]]) -> tuple[list[list[Fraction]], list[int]]:
    """The non-zero rows of the reduced echelon form, and their pivots."""
    pivots: list[int] = []
    for column in range(len(rows[0]) if rows else 0):
        rank = len(pivots)
        found = next((r for r in range(rank, len(rows)) if rows[r][column]), None)
        if found is None:
            continue
        rows[rank], rows[found] = rows[found], rows[rank]
        rows[rank] = [entry / rows[rank][column] for entry in rows[rank]]
        for r, row in enumerate(rows):
            if r != rank and row[column]:
                rows[r] = [mine - row[column] * theirs for mine, theirs in zip(row, rows[rank], strict=True)]
        pivots.append(column)
    return rows[: len(pivots)], pivots


def _whole(law: list[Fraction]) -> list[int]:
    common = lcm(*(weight.denominator for weight in law))
    weights = [int(weight * common) for weight in law]
    divisor = gcd(*weights)
    sign = -1 if sum(weights) < 0 else 1
    return [sign * weight // divisor for weight in weights]


def _without_negatives(laws: list[list[int]]) -> list[list[int]]:
    """The laws with others added to them, as long as that leaves fewer negative weights."""

    def negatives(law: list[Any]) -> int:
        return sum(weight < 0 for weight in law)

    improved = True
    while improved:
        improved = False
        for i, law in enumerate(laws):
            for j, other in enumerate(laws):
                total = [mine + theirs for mine, theirs in zip(law, other, strict=True)]
                if i != j and negatives(total) < negatives(law):
                    law = laws[i] = total
                    improved = True
    return laws
