"""What a model's lift must reproduce exactly, as the linear function of the macro state that it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Totals"]

Array: TypeAlias = NDArray[np.float64]

_UNITS = 2.0 ** np.arange(30, -32, -2)
"""Changes that show the weights of totals: so large that rounding does not matter, smaller where they are refused.

Powers of two, so that a weight that is not rounded comes out as it is.
"""


@dataclass(frozen=True, eq=False)
class Totals:
    """The totals of macro states, and the weights that make them.

    Parameters
    ----------
    shape
        Of a macro state.
    conserved
        ``conserved(macro)``, a linear function, rounded or not; or None. It may refuse states that no population has.
    inside : (...)
        A state that it does not refuse, where it refuses zero.

    Examples
    --------
    >>> Totals((3,), lambda macro: np.rint(100 * macro.sum(keepdims=True)), np.zeros(3)).weights
    array([[100., 100., 100.]])
    """

    shape: tuple[int, ...]
    conserved: Callable[[Array], Array] | None
    inside: Array

    def of(self, macro: Array) -> Array:
        """What is conserved of macro states (group, ...), as (group, total)."""
        if self.conserved is None:
            return np.empty((len(macro), 0))
        return np.array([np.ravel(self.conserved(one)) for one in macro], dtype=np.float64)

    @cached_property
    def weights(self) -> Array:
        """By how much the totals change with a number, (total, number); zero where the model refuses every change."""
        if self.conserved is None:
            return np.empty((0, prod(self.shape)))
        return np.array([self._weight(number) for number in range(prod(self.shape))]).reshape(prod(self.shape), -1).T

    def linear(self, macro: Array) -> Array:
        """The totals of a state without rounding, also of one that no population has."""
        state, totals = self._base
        return np.asarray(totals + self.weights @ (macro - state).ravel())

    @cached_property
    def _base(self) -> tuple[Array, Array]:
        """A state that the model does not refuse, and its totals: zero if it can be, where no rounding blurs them."""
        zero = np.zeros(self.shape)
        try:
            return zero, self.of(zero[None])[0]
        except ValueError:
            return self.inside, self.of(self.inside[None])[0]

    def _weight(self, number: int) -> Array:
        state, totals = self._base
        for unit in (sign * size for size in _UNITS for sign in (1, -1)):
            moved = state.copy()
            moved.flat[number] += unit
            try:
                return np.asarray((self.of(moved[None])[0] - totals) / unit)
            except ValueError:
                continue
        return np.zeros_like(totals)
