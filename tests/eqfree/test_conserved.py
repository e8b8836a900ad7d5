"""The weights of totals, out of functions that may round and may refuse."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from eqfree.conserved import Totals

Array = NDArray[np.float64]

WEIGHTS = np.array([[1.0, 0.25, -3.0, 1 / 3], [0.0, 1e-3, 2.0, 0.1]])


def test_weights_of_a_linear_function_are_its_matrix_to_round_off() -> None:
    found = Totals((2, 2), lambda macro: WEIGHTS @ macro.ravel(), np.zeros((2, 2)))
    assert found.weights == pytest.approx(WEIGHTS, rel=1e-12)


@pytest.mark.parametrize("per_unit", [1.0, 100.0, 6.02e5, 0.37])
def test_weights_of_rounded_totals_are_not_rounded(per_unit: float) -> None:
    """The change of 2^30 is rounded by half a unit: a weight is right to 2^-31."""
    found = Totals((3,), lambda macro: np.rint(per_unit * macro.sum(keepdims=True)), np.ones(3))
    assert found.weights == pytest.approx(np.full((1, 3), per_unit), abs=2.0**-31, rel=1e-12)


def test_weights_are_found_inside_of_what_a_model_does_not_refuse() -> None:
    def conserved(macro: Array) -> Array:
        if (macro <= 0).any() or (macro > 1).any():
            raise ValueError("no such population")
        return np.array([macro @ [2.0, 5.0]])

    found = Totals((2,), conserved, np.array([0.5, 0.25]))
    assert found.weights == pytest.approx(np.array([[2.0, 5.0]]), rel=1e-12)
    assert found.linear(np.array([-1.0, 3.0])) == pytest.approx(13.0)


def test_a_number_that_cannot_change_has_no_weight() -> None:
    def conserved(macro: Array) -> Array:
        if macro[1] != 7.0:
            raise ValueError("there are always seven")
        return np.asarray(macro.sum(keepdims=True))

    assert (Totals((2,), conserved, np.array([1.0, 7.0])).weights == [[1.0, 0.0]]).all()


def test_a_model_that_conserves_nothing_has_no_totals() -> None:
    found = Totals((2, 3), None, np.zeros((2, 3)))
    assert found.weights.shape == (0, 6)
    assert found.of(np.zeros((4, 2, 3))).shape == (4, 0)


def test_totals_of_many_states_are_those_of_each() -> None:
    found = Totals((4,), lambda macro: WEIGHTS @ macro, np.zeros(4))
    states = np.arange(12.0).reshape(3, 4)
    assert found.of(states) == pytest.approx(states @ WEIGHTS.T)
