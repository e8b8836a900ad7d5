"""Reaction networks as tables, which is how compiled kernels read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from agents.molecules.network import Network

__all__ = ["Tables"]


@dataclass(frozen=True, eq=False)
class Tables:
    """A network in a volume as the kernels read it.

    A propensity is ``rate[r]`` times the product over k of ``count[factor[r, k]] - offset[r, k]``: a species that
    is taken twice stands there twice, with the offsets 0 and 1. Rows are filled up with a last, made-up
    species, of which there is always one. ``affected[r, : affects[r]]`` are the reactions whose propensities
    change when r happens. ``species`` is how many there are without the made-up one.

    Examples
    --------
    >>> tables = Tables.of(Network.parse("2X -> 3X, k=1"), volume=10.0)
    >>> tables.rate, tables.factor, tables.offset, tables.changed, tables.change
    (array([0.1]), array([[0, 0]]), array([[0., 1.]]), array([[0]]), array([[1.]]))
    """

    rate: NDArray[np.float64]
    factor: NDArray[np.int64]
    offset: NDArray[np.float64]
    changed: NDArray[np.int64]
    change: NDArray[np.float64]
    affected: NDArray[np.int64]
    affects: NDArray[np.int64]
    species: int

    @classmethod
    def of(cls, network: Network, volume: float) -> Tables:
        """The tables of a network in a volume.

        Raises
        ------
        ValueError
            If the volume is not positive, or a rate in it not finite.
        """
        if not 0 < volume < inf:
            raise ValueError(f"`volume` must be positive: got {volume}.")
        with np.errstate(over="ignore", invalid="ignore"):
            rate = network.rates * np.power(volume, 1.0 - network.orders)
        if not np.isfinite(rate).all():
            wrong = int(np.flatnonzero(~np.isfinite(rate))[0])
            raise ValueError(
                f"The rate of `{network.names[wrong]}` must be finite in the volume: got the constant "
                f"{network.rates[wrong]:g} in the volume {volume:g}. Choose other units."
            )
        nobody = len(network.species)
        factors = [
            [(s, float(taken)) for s, count in enumerate(row) for taken in range(count)]
            for row in network.reactants.tolist()
        ]
        changes = [[(s, float(made)) for s, made in enumerate(row) if made] for row in network.change.tolist()]
        needs = network.reactants > 0
        affected = [np.flatnonzero(needs[:, row != 0].any(axis=1)).tolist() for row in network.change]
        return cls(
            rate,
            *_filled(factors, (nobody, 0.0)),
            *_filled(changes, (nobody, 0.0)),
            _filled([[(r, 0.0) for r in row] for row in affected], (0, 0.0))[0],
            np.array([len(row) for row in affected]),
            nobody,
        )


def _filled(
    rows: Sequence[Sequence[tuple[int, float]]], filling: tuple[int, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The pairs of every row, filled up to the longest row, one entry at least."""
    width = max(1, *(len(row) for row in rows))
    filled = [[*row, *[filling] * (width - len(row))] for row in rows]
    indices = np.array([[index for index, _ in row] for row in filled], dtype=np.int64)
    return indices, np.array([[number for _, number in row] for row in filled])
