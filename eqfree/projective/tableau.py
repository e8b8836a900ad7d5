"""Butcher tableaux: what Runge-Kutta schemes differ in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BOGACKI_SHAMPINE",
    "CLASSICAL",
    "DORMAND_PRINCE",
    "EULER",
    "HEUN",
    "MIDPOINT",
    "Tableau",
]

Array: TypeAlias = NDArray[np.float64]

_ROUND_OFF = 1e-12


@dataclass(frozen=True, eq=False)
class Tableau:
    """The coefficients of an explicit Runge-Kutta scheme.

    ``Y_i = U + L sum_j a_ij k_j`` with the slope ``k_i`` at ``Y_i`` and time ``c_i L``, and ``U + L sum_i w_i k_i`` at
    the end of the leap ``L``. Embedded weights give a second, less accurate end from the same slopes: the
    difference tells the error.

    Parameters
    ----------
    stages : (stage - 1, stage - 1)
        ``a``, lower triangle: row ``i`` are the shares of the slopes before stage ``i + 1``. The first stage has none.
    weights : (stage,)
        ``w``, which add up to one.
    order
        Of accuracy: the conditions of the first two are checked, those of higher ones are taken on trust.
    embedded : (stage,) or None
        Other weights.

    Raises
    ------
    ValueError
        For coefficients of shapes that do not fit or that are not finite, weights that do not add up to one, or an
        order above 1 that the first conditions rule out.

    References
    ----------
    J. Koellermeier and G. Samaey, J. Comput. Appl. Math. 454 (2025) 116147, arXiv:2210.08302.

    Examples
    --------
    >>> ralston = Tableau(stages=[[2 / 3]], weights=[1 / 4, 3 / 4], order=2)
    >>> ralston.nodes
    array([0.        , 0.66666667])
    """

    stages: Sequence[Sequence[float]] | Array
    weights: Sequence[float] | Array
    order: int
    embedded: Sequence[float] | Array | None = None

    def __post_init__(self) -> None:
        weights = np.array(self.weights, dtype=np.float64)
        if weights.ndim != 1 or not len(weights):
            raise ValueError(f"`weights` must be one number a stage: got shape {weights.shape}.")
        stages = _triangle(self.stages, len(weights) - 1)
        given = {"weights": weights}
        if self.embedded is not None:
            given["embedded"] = np.array(self.embedded, dtype=np.float64)
            if given["embedded"].shape != weights.shape:
                raise ValueError(f"`embedded` must be {len(weights)} weights: got shape {given['embedded'].shape}.")
        for name, row in given.items():
            if not abs(row.sum() - 1) <= _ROUND_OFF:
                raise ValueError(f"`{name}` must add up to 1: got {row.sum():.12g}.")
        if self.order < 1:
            raise ValueError(f"`order` must be 1 or more: got {self.order}.")
        middle = float(weights[1:] @ stages.sum(axis=1))
        if self.order > 1 and not abs(middle - 1 / 2) <= _ROUND_OFF:
            raise ValueError(f"`weights` must weigh the nodes to 1/2, as order 2 needs: got {middle:.12g}.")
        for name, row in {**given, "stages": stages}.items():
            object.__setattr__(self, name, row)

    @property
    def rows(self) -> Array:
        """The square matrix ``a``, (stage, stage)."""
        stages = np.asarray(self.stages)
        return np.pad(stages, ((1, 0), (0, 1)))

    @property
    def nodes(self) -> Array:
        """When the stages are, as shares of the leap, (stage,): the sums of the rows."""
        return np.asarray(self.rows.sum(axis=1))


def _triangle(stages: Sequence[Sequence[float]] | Array, size: int) -> Array:
    """The rows as a square matrix, if they are a lower triangle."""
    lengths = {np.size(row) for row in stages}
    if len(lengths) > 1:
        raise ValueError(
            f"`stages` must be a lower triangle of {size} rows, filled up with zeros to be of one length: got rows of "
            f"{sorted(lengths)} numbers."
        )
    rows = np.array(stages, dtype=np.float64) if len(stages) else np.empty((0, 0))
    if rows.shape != (size, size) or np.triu(rows, 1).any():
        raise ValueError(
            f"`stages` must be a lower triangle of {size} rows, one for each of {size + 1} stages but the first: got "
            f"shape {np.shape(stages)}."
        )
    if not np.isfinite(rows).all():
        raise ValueError(f"`stages` must be finite: got {rows.tolist()}.")
    return rows


EULER = Tableau([], [1], order=1)
MIDPOINT = Tableau([[1 / 2]], [0, 1], order=2)
HEUN = Tableau([[1]], [1 / 2, 1 / 2], order=2)
CLASSICAL = Tableau(
    [[1 / 2, 0, 0], [0, 1 / 2, 0], [0, 0, 1]],
    [1 / 6, 1 / 3, 1 / 3, 1 / 6],
    order=4,
)
"""W. Kutta, Z. Math. Phys. 46 (1901) 435."""
BOGACKI_SHAMPINE = Tableau(
    [[1 / 2, 0], [0, 3 / 4]],
    [2 / 9, 1 / 3, 4 / 9],
    order=3,
    embedded=[1 / 6, 1 / 2, 1 / 3],
)
"""P. Bogacki and L. F. Shampine, Appl. Math. Lett. 2 (1989) 321, doi:10.1016/0893-9659(89)90079-7.

The embedded weights are another choice than theirs. Theirs need a fourth stage, which costs bursts here, and their
estimate of u' = -u, z**3 (1 + z)/48 with z = -L, is zero for a leap of 1. That of the first three stages is z**3/24.
"""
DORMAND_PRINCE = Tableau(
    [
        [1 / 5, 0, 0, 0, 0, 0],
        [3 / 40, 9 / 40, 0, 0, 0, 0],
        [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    ],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0],
    order=5,
    embedded=[5179 / 57600, 0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40],
)
"""J. R. Dormand and P. J. Prince, J. Comput. Appl. Math. 6 (1980) 19, doi:10.1016/0771-050X(80)90013-3."""
