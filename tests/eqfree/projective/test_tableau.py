"""Tableaux: their conditions of order, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from eqfree.projective import Tableau
from eqfree.projective.tableau import BOGACKI_SHAMPINE, CLASSICAL, DORMAND_PRINCE, EULER, HEUN, MIDPOINT

Array = NDArray[np.float64]


def errors(tableau: Tableau, weights: Any) -> list[float]:
    """By how much the conditions of order 1, 2, 3, 4 are missed (Hairer, Norsett and Wanner I, table II.2.1)."""
    a, c, b = tableau.rows, tableau.nodes, np.asarray(weights)
    conditions = [
        [b.sum() - 1],
        [b @ c - 1 / 2],
        [b @ c**2 - 1 / 3, b @ a @ c - 1 / 6],
        [b @ c**3 - 1 / 4, (b * c) @ a @ c - 1 / 8, b @ a @ c**2 - 1 / 12, b @ a @ a @ c - 1 / 24],
    ]
    return [float(np.abs(row).max()) for row in conditions]


@pytest.mark.parametrize(
    ("tableau", "order", "embedded"),
    [
        (EULER, 1, None),
        (MIDPOINT, 2, None),
        (HEUN, 2, None),
        (BOGACKI_SHAMPINE, 3, 2),
        (CLASSICAL, 4, None),
        (DORMAND_PRINCE, 5, 4),
    ],
)
def test_conditions_of_order_hold_and_the_next_ones_do_not(tableau: Tableau, order: int, embedded: int | None) -> None:
    assert tableau.order == order
    rows = {order: tableau.weights} | ({embedded: tableau.embedded} if embedded else {})
    for number, weights in rows.items():
        missed = errors(tableau, weights)
        assert max(missed[:number]) < 1e-14
        assert all(error > 1e-4 for error in missed[number:])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tableau([[1.0]], [0.5, 0.6], order=2), r"`weights` must add up to 1: got 1\.1"),
        (lambda: Tableau([[1.0]], [1.0], order=1), r"a lower triangle of 0 rows.* got shape \(1, 1\)"),
        (lambda: Tableau([], [0.5, 0.5], order=1), r"a lower triangle of 1 rows"),
        (lambda: Tableau([[0.5, 0.1], [0.0, 1.0]], [0.2, 0.3, 0.5], order=1), r"got shape \(2, 2\)"),
        (lambda: Tableau([[1.0]], [0.5, 0.5], order=0), "`order` must be 1 or more: got 0"),
        (lambda: Tableau([[0.5], [0.0, 0.75]], [0.2, 0.3, 0.5], order=1), "a lower triangle of 2 rows.* of one length"),
        (
            lambda: Tableau(np.array([0.5, 0.0, 0.0, 0.75]), [0.2, 0.3, 0.5], order=1),
            r"a lower triangle of 2 rows.*shape \(4,\)",
        ),
        (lambda: Tableau([[np.nan]], [0.5, 0.5], order=1), "`stages` must be finite"),
        (lambda: Tableau([[1.0]], [np.nan, 0.5], order=1), "`weights` must add up to 1: got nan"),
        (lambda: Tableau([[1.0]], [1.0, 0.0], order=2), r"must weigh the nodes to 1/2, as order 2 needs: got 0\b"),
        (lambda: Tableau([[1.0]], [0.5, 0.5], order=2, embedded=[1.0]), r"`embedded` must be 2 weights"),
        (lambda: Tableau([[1.0]], [0.5, 0.5], order=2, embedded=[1.0, 0.1]), r"`embedded` must add up to 1"),
        (lambda: Tableau([[1.0]], np.full((1, 2), 0.5), order=2), r"one number a stage: got shape \(1, 2\)"),
    ],
)
def test_coefficients_of_no_explicit_scheme_are_refused(make: Callable[[], Tableau], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
