"""Systematic sampling: whole numbers from expected ones, with one random offset for all."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

__all__ = ["DIGITS", "LARGEST", "ROUNDING", "floor_of", "is_whole", "systematic"]

LARGEST = 2**53
"""Numbers stay below it: from there on floats, in which kernels count, leave out whole numbers."""

ROUNDING = 1e-9
"""A number this close to a whole one is taken for it, or as close as its last `DIGITS`."""

DIGITS = 8 * float(np.finfo(np.float64).eps)


def systematic(expected: ArrayLike, rng: Generator) -> NDArray[np.int64]:
    """Whole numbers that are the given ones on average: systematic sampling with one random offset.

    n_i = floor(E_1 + ... + E_i + u) - floor(E_1 + ... + E_{i-1} + u), with u uniform in [0, 1): every number is
    within 1 of what is expected, and so is every sum of neighbours. A whole total is kept exactly.

    Raises
    ------
    ValueError
        If a number is negative or not finite.

    Examples
    --------
    >>> int(systematic([0.5, 2.0, 1.5], np.random.default_rng(0)).sum())
    4
    """
    numbers = np.asarray(expected, dtype=np.float64)
    if not (np.isfinite(numbers) & (numbers >= 0) & (numbers < LARGEST)).all():
        raise ValueError(f"Expected numbers must be finite, not negative and below 2^53: got {numbers}.")
    base = floor_of(numbers)  # apart, so that what is rare is not rounded away beside what is not
    reached = np.concatenate(([0.0], np.cumsum(numbers - base)))
    whole = np.abs(reached - np.rint(reached)) <= ROUNDING + DIGITS * numbers.sum()
    reached = np.where(whole, np.rint(reached), reached)
    return (base + np.diff(np.floor(reached + rng.random()))).astype(np.int64)


def is_whole(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which numbers are whole, but for rounding.

    >>> is_whole(np.array([2.0, 0.3]))
    array([ True, False])
    """
    return np.asarray(np.abs(numbers - np.rint(numbers)) <= ROUNDING + DIGITS * np.abs(numbers))


def floor_of(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest whole numbers that are not larger, but for rounding.

    >>> floor_of(np.array([2.0 - 1e-12, 0.3]))
    array([2., 0.])
    """
    return np.where(is_whole(numbers), np.rint(numbers), np.floor(numbers))
