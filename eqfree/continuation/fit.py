"""Polynomials through a signal along a line: where it is special, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fit", "nearest_root"]

Array: TypeAlias = NDArray[np.float64]

_FLOOR = 1e-3  # of the largest standard error: a smaller one gives no more weight
_NOTHING = 1e-13  # of the largest coefficient: a leading one that is smaller is round-off, and its root is lost in it
_FAR = 3.0  # windows from the middle: what lies beyond was not seen


@dataclass(frozen=True, eq=False)
class Fit:
    """A polynomial through values at places, weighted by their standard errors.

    Attributes
    ----------
    nodes, values, errors : (place,)
        Places from -1 to 1, values, and their standard errors, which are zero without noise.
    curve : (power,)
    """

    nodes: Array
    values: Array
    errors: Array
    curve: Array

    @classmethod
    def of(cls, nodes: Array, values: Array, errors: Array, degree: int) -> Fit:
        """By least squares.

        >>> Fit.of(np.array([-1.0, 0.0, 1.0]), np.array([1.0, 2.0, 3.0]), np.zeros(3), degree=1).curve.round(9)
        array([2., 1.])
        """
        curve = np.polynomial.polynomial.polyfit(nodes, values, degree, w=_weights(errors))
        return cls(nodes, values, errors, np.asarray(curve, dtype=np.float64))

    def __call__(self, place: float) -> float:
        """The value at a place."""
        return float(np.polynomial.polynomial.polyval(place, self.curve))

    def stderr(self, place: float) -> float:
        """Its standard error: what the errors do not have in common, and what they do, since one key is under all."""
        weights = _weights(self.errors)
        if weights is None:
            return 0.0
        powers = np.vander(self.nodes, len(self.curve), increasing=True)
        covariance = np.linalg.inv((powers * weights[:, None] ** 2).T @ powers)
        here = place ** np.arange(len(self.curve))
        return hypot(sqrt(float(here @ covariance @ here)), float(np.sqrt(np.mean(self.errors**2))))

    def slope(self, place: float) -> float:
        """The derivative at a place."""
        return float(np.polynomial.polynomial.polyval(place, np.polynomial.polynomial.polyder(self.curve)))

    def crosses(self, errors: float) -> bool:
        """Whether it is on two sides of zero at the two ends, by so many standard errors at either."""
        left, right = self(-1.0), self(1.0)
        apart = all(abs(self(end)) > errors * self.stderr(end) for end in (-1.0, 1.0))
        return left * right < 0 and apart


def nearest_root(curve: Array) -> float | None:
    """The real root of a polynomial that is nearest to zero, within three windows.

    >>> nearest_root(np.array([-0.5, 1.0])), nearest_root(np.array([1.0, 0.0, 1.0]))
    (0.5, None)
    >>> round(nearest_root(np.array([-0.5, 1.0, 1e-17])), 12)
    0.5
    """
    roots = np.polynomial.polynomial.polyroots(np.polynomial.polynomial.polytrim(curve, _NOTHING * np.abs(curve).max()))
    real = roots.real[(np.abs(roots.imag) < 1e-9) & (np.abs(roots.real) < _FAR)]
    return float(real[np.argmin(np.abs(real))]) if len(real) else None


def _weights(errors: Array) -> Array | None:
    return 1 / np.maximum(errors, _FLOOR * errors.max() + 1e-300) if errors.any() else None
