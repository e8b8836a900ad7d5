"""Whole molecules from concentrations: as many of each as told, with what is conserved exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from agents.systematic import DIGITS, LARGEST, ROUNDING, floor_of, is_whole, systematic

__all__ = ["nearest", "place", "whole_totals"]

_SETTLED = 1e-6  # how close to whole numbers must be at the end of a walk


def whole_totals(expected: ArrayLike, laws: NDArray[np.int64]) -> NDArray[np.int64]:
    """What is conserved, rounded, (laws,): the totals that `place` keeps.

    >>> whole_totals([0.4, 1.7], np.array([[1, 1]]))
    array([2])
    """
    return np.rint(laws @ np.asarray(expected, dtype=np.float64)).astype(np.int64)


def place(expected: ArrayLike, laws: NDArray[np.int64], rng: Generator) -> NDArray[np.int64]:
    """Numbers of molecules, (species,), with the totals of `whole_totals`.

    Without laws this is `systematic` sampling. With laws the residues are rounded by the flight phase of the
    cube method: a random walk along what the laws leave free, until every number is whole. The mean over all
    ``rng`` is what is expected (moved onto the whole totals, in proportion to the numbers), and every number
    is within 1 of it. Where the walk ends in a corner that is not whole, as it can where a law has weights
    other than 0 and 1, the nearest whole numbers are taken, which costs the mean a fraction of a molecule.

    Parameters
    ----------
    expected
        (species,), not negative, not necessarily whole.
    laws
        Weights of the species in what is conserved, (laws, species).

    Raises
    ------
    ValueError
        If a number is negative or not finite, or no whole numbers have the totals.

    References
    ----------
    Deville & Tillé, Biometrika 91 (2004) 893, doi:10.1093/biomet/91.4.893.

    Examples
    --------
    >>> place([1.5, 3.5, 0.5], np.array([[1, 0, 1], [0, 1, 1]]), np.random.default_rng(1))
    array([2, 4, 0])
    """
    numbers = _checked(expected)
    if not len(laws):
        return systematic(numbers, rng)
    totals = whole_totals(numbers, laws)
    numbers = _move_onto(numbers, laws, totals)
    base = floor_of(numbers)
    counts = base + _flight(numbers - base, laws, rng)
    whole = np.rint(counts).astype(np.int64)
    settled = (np.abs(counts - whole) <= _SETTLED + DIGITS * numbers.max()).all()
    if settled and (whole >= 0).all() and np.array_equal(laws @ whole, totals):
        return whole
    return _nearest_whole(np.maximum(counts, 0.0), laws, totals)


def nearest(
    reference: NDArray[np.float64], fixed: NDArray[np.float64], values: NDArray[np.float64], species: Sequence[str] = ()
) -> NDArray[np.float64]:
    """The numbers nearest to a reference, not negative, with ``fixed @ numbers = values``.

    Minimises Σ (x - reference)² / (reference + 1), the distance in standard deviations of Poisson numbers, by
    non-negative least squares with a large weight on what is fixed (Lawson & Hanson 1995, *Solving Least Squares
    Problems*, chapters 22 and 23, doi:10.1137/1.9781611971217).

    Raises
    ------
    ValueError
        If there are none; says what cannot be, in terms of the names of the ``species``.

    Examples
    --------
    >>> nearest(np.array([6.0, 3.0, 1.0]), np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 1.0]]), np.array([10.0, 4.0]))
    array([4.09090909, 1.90909091, 4.        ])
    """
    from scipy.optimize import nnls

    tolerance = ROUNDING * (1.0 + np.abs(values).max(initial=0.0))
    deviation = np.sqrt(reference + 1.0)
    weight = 1e6 / np.maximum(np.abs(fixed * deviation).max(axis=1), 1e-300)  # so that what is fixed is, nearly
    rows = np.vstack((weight[:, None] * fixed * deviation, np.eye(len(reference))))
    scaled, _ = nnls(rows, np.append(weight * values, reference / deviation))
    numbers = np.asarray(scaled * deviation, dtype=np.float64)
    free = numbers > 0
    among = fixed[:, free] * deviation[free]
    numbers[free] += deviation[free] * (np.linalg.pinv(among, rcond=1e-12) @ (values - fixed @ numbers))
    numbers = np.asarray(np.maximum(numbers, 0.0), dtype=np.float64)
    if not np.allclose(fixed @ numbers, values, rtol=1e-7, atol=10 * tolerance):
        asked = ", ".join(
            f"{_sum_of(row, species)} = {value:.6g} (the nearest that can be: {reached:.6g})"
            for row, value, reached in zip(fixed, values, fixed @ numbers, strict=True)
        )
        raise ValueError(f"No numbers of molecules have {asked}. Choose a state that the conserved totals allow.")
    return numbers


def _sum_of(weights: NDArray[np.float64], species: Sequence[str]) -> str:
    names = species or [f"x{place}" for place in range(len(weights))]
    terms = [(weight, name) for weight, name in zip(weights, names, strict=True) if weight]
    return " + ".join(name if weight == 1 else f"{weight:g} {name}" for weight, name in terms)


def _checked(expected: ArrayLike) -> NDArray[np.float64]:
    numbers = np.asarray(expected, dtype=np.float64)
    if not (np.isfinite(numbers) & (numbers >= 0)).all():
        raise ValueError(f"Expected numbers of molecules must be finite and not negative: got {numbers}.")
    if not (numbers < LARGEST).all():
        raise ValueError(f"Expected numbers of molecules must be below 2^53, to be exact: got {numbers}.")
    return numbers


def _move_onto(numbers: NDArray[np.float64], laws: NDArray[np.int64], totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """The numbers with these totals, moved in proportion to themselves."""
    missing = totals - laws @ numbers
    if (np.abs(missing) <= ROUNDING * np.maximum(1.0, np.abs(totals))).all():
        return numbers
    force = np.linalg.pinv((laws * numbers) @ laws.T, rcond=1e-12) @ missing
    return np.maximum(numbers * (1.0 + laws.T @ force), 0.0)


def _flight(residues: NDArray[np.float64], laws: NDArray[np.int64], rng: Generator) -> NDArray[np.float64]:
    """0 or 1 with the residues as probabilities, and ``laws @`` them kept, as far as corners of the cube do."""
    point = residues.copy()
    while True:
        free = np.flatnonzero(~is_whole(point))[: len(laws) + 1]
        if not len(free):
            return np.asarray(np.rint(point))
        _, strength, directions = np.linalg.svd(laws[:, free].astype(np.float64), full_matrices=True)
        if (strength > 1e-9).sum() == len(free):
            return point
        way = np.where(np.abs(directions[-1]) > 1e-9, directions[-1], 0.0)
        here, moves = point[free], way != 0
        walls = [(np.where(sign * way > 0, 1.0, 0.0) - here)[moves] / (sign * way[moves]) for sign in (1.0, -1.0)]
        onward, back = (float(room.min()) for room in walls)
        step = onward if rng.random() * (onward + back) < back else -back
        point[free] = here + step * way


def _nearest_whole(
    numbers: NDArray[np.float64], laws: NDArray[np.int64], totals: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Whole numbers with these totals at the smallest sum of absolute distances.

    What is sought is the correction to the floors, within a reach that grows until there is one: small numbers in
    small bounds, with which the solver stays exact.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    count, one = len(numbers), np.eye(len(numbers))
    base = np.floor(numbers)
    residues, missing = numbers - base, totals - laws @ base.astype(np.int64)
    keep = LinearConstraint(np.hstack((laws, np.zeros_like(laws))), missing, missing)
    above = LinearConstraint(np.hstack((one, -one)), -np.inf, residues)
    below = LinearConstraint(np.hstack((one, one)), residues, np.inf)
    reach, farthest = 4.0, 4.0 * max(float(numbers.max()), float(np.abs(totals).max()), 1.0)
    while True:
        found = milp(
            np.repeat([0.0, 1.0], count),
            integrality=np.repeat([1, 0], count),
            bounds=Bounds(
                np.append(np.maximum(-base, -reach), np.zeros(count)),
                np.append(np.full(count, reach), np.full(count, reach + 1.0)),
            ),
            constraints=(keep, above, below),
        )
        if found.x is not None:
            whole = np.asarray(base + np.rint(found.x[:count])).astype(np.int64)
            if np.array_equal(laws @ whole, totals):
                return whole
        if reach > farthest:
            break
        reach *= 8.0
    raise ValueError(
        f"No whole numbers of molecules were found with the conserved totals {totals}, which weigh the species by "
        f"{laws.tolist()}: {found.message} Choose other totals."
    )
