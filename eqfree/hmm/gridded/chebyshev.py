"""Interpolation on sparse grids of Chebyshev extrema: differences between levels, sizes, evaluation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from eqfree.hmm.gridded.levels import Index, Level, combination, fresh, grid

__all__ = ["change", "evaluate", "largest", "noise", "together"]

Array: TypeAlias = NDArray[np.float64]

_UNUSUAL = 4.0  # standard deviations above the mean square of noise: a change that noise explains
_DENSE = 8  # times the numbers of all changes: up to there, one polynomial over the whole box is faster
_CHUNK = 2**21  # numbers held at once in an evaluation


@cache
def _coefficients(level: int) -> Array:
    """Values at the nodes of a level -> coefficients of Chebyshev polynomials."""
    size = 2**level
    if level == 0:
        return np.ones((1, 1))
    numbers = np.arange(size + 1)
    halved = np.where((numbers == 0) | (numbers == size), 0.5, 1.0)
    # reduced modulo the period, or the cosine of a large number loses digits; nodes ascend, hence the sign
    cosines = np.cos(np.pi / size * (np.outer(numbers, numbers) % (2 * size)))
    return np.asarray(2 / size * halved[:, np.newaxis] * cosines * halved * (-1.0) ** numbers[:, np.newaxis])


@cache
def _difference(level: int) -> Array:
    """The same for what the interpolant of a level adds to that of the level before."""
    matrix = _coefficients(level).copy()
    if level == 1:
        matrix[0, 1] -= 1
    elif level > 1:
        matrix[: 2 ** (level - 1) + 1, ::2] -= _coefficients(level - 1)
    return matrix


def change(level: Level, values: Array) -> Array:
    """Coefficients (*degree, m) of what a level adds to all that are not finer, from the values (node, m) of its grid.

    >>> change((1,), np.array([[1.0], [0.0], [1.0]])).ravel()  # x**2 on [-1, 1] is (1 + T_2) / 2
    array([0.5, 0. , 0.5])
    """
    tensor = values.reshape(*(_sizes(level)), -1)
    for axis, part in enumerate(level):
        tensor = np.moveaxis(np.tensordot(_difference(part), tensor, (1, axis)), 0, axis)
    return tensor


def largest(level: Level, change: Array, variances: Array) -> Array:
    """The largest value that a change (*degree, m) may have anywhere, (m,), less what noise explains.

    Sizes of coefficients are summed. Noise of ``variances`` (node, m) at the nodes of the level makes a mean square of
    known expectation (in the Chebyshev measure); about as many squares are in it as the level has new nodes.
    """
    axes = tuple(range(len(level)))
    squares = change**2
    noise = variances.reshape(*_sizes(level), -1)
    for axis, part in enumerate(level):
        measure = np.where(np.arange(_sizes(level)[axis]) == 0, 1.0, 0.5)
        aside = [-1 if other == axis else 1 for other in range(change.ndim)]
        squares = squares * measure.reshape(aside)
        noise = noise * (measure @ _difference(part) ** 2).reshape(aside)
    mean, expected = squares.sum(axis=axes), noise.sum(axis=axes)
    explained = (1 + _UNUSUAL * np.sqrt(2 / fresh(level))) * expected
    share = np.divide(explained, mean, out=np.ones_like(mean), where=mean > 0)
    return np.asarray(np.abs(change).sum(axis=axes) * np.sqrt(np.maximum(1 - share, 0)))


def together(changes: Mapping[Level, Array]) -> dict[Level, Array]:
    """The sum of all changes, as few polynomials: those of the finest levels hold the others, or one holds all."""
    finest = tuple(np.max(list(changes), axis=0).tolist())
    if np.prod(_sizes(finest)) <= _DENSE * sum(change[..., 0].size for change in changes.values()):
        boxes = {finest: np.zeros((*_sizes(finest), next(iter(changes.values())).shape[-1]))}
    else:
        boxes = {}
    for level in sorted(changes, key=lambda level: (-sum(level), level)):
        home = next((box for box in boxes if all(np.less_equal(level, box))), None)
        if home is None:
            boxes[level] = changes[level].copy()
        else:
            boxes[home][tuple(map(slice, _sizes(level)))] += changes[level]
    return boxes


def evaluate(boxes: Mapping[Level, Array], points: Array) -> tuple[Array, Array]:
    """A sum of polynomials and its derivatives at points of [-1, 1] to the n: (point, m), (point, m, n)."""
    width = max(box.size // box.shape[0] for box in boxes.values())
    step = max(_CHUNK // width, 1)
    parts = [_evaluate(boxes, points[start : start + step].T) for start in range(0, len(points), step)]
    return np.concatenate([value.T for value, _ in parts]), np.concatenate(
        [slope.transpose(2, 1, 0) for _, slope in parts]
    )


def _evaluate(boxes: Mapping[Level, Array], columns: Array) -> tuple[Array, Array]:
    """The same for (n, point): (m, point), (n, m, point). Points come last, so that the innermost loops are long."""
    finest = np.max(list(boxes), axis=0).tolist()
    bases = [_basis(column, part) for column, part in zip(columns, finest, strict=True)]
    slopes = [_derivative(part).T @ basis for basis, part in zip(bases, finest, strict=True)]
    value: Array | float = 0.0
    jacobian: list[Array | float] = [0.0] * len(bases)
    for box in boxes.values():
        value = value + _contract(box, bases)
        for axis, slope in enumerate(slopes):
            jacobian[axis] = jacobian[axis] + _contract(box, [*bases[:axis], slope, *bases[axis + 1 :]])
    return np.asarray(value), np.stack([np.asarray(part) for part in jacobian])


def _basis(column: Array, level: int) -> Array:
    """Chebyshev polynomials up to the degree of a level, (degree, point)."""
    return np.ascontiguousarray(chebyshev.chebvander(column, _sizes((level,))[0] - 1).T)


@cache
def _derivative(level: int) -> Array:
    """The derivatives of Chebyshev polynomials in terms of these, (degree, polynomial)."""
    size = _sizes((level,))[0]
    derivative = np.zeros((size, size))
    derivative[: max(size - 1, 1)] = chebyshev.chebder(np.eye(size))
    return derivative


def _contract(box: Array, bases: Sequence[Array]) -> Array:
    first, *others = (basis[:size] for basis, size in zip(bases, box.shape, strict=False))
    rest = box.reshape(len(box), -1).T @ first
    for basis in others:
        rest = np.einsum("kp,krp->rp", basis, rest.reshape(len(basis), -1, basis.shape[1]))
    return rest


def noise(levels: Collection[Level], variances: Mapping[Index, Array], points: Array) -> Array:
    """Standard error (point, m) of the sparse interpolant whose nodes are answered with these variances (m,) each."""
    rows = {index: row for row, index in enumerate(sorted(set().union(*map(grid, levels))))}
    table = np.array([variances[index] for index in rows])
    parts = [
        (number, level, np.array([rows[index] for index in grid(level)]))
        for level, number in combination(levels).items()
    ]
    step = max(_CHUNK // len(rows), 1)
    return np.concatenate(
        [np.sqrt(_weights(parts, len(rows), points[at : at + step]) ** 2 @ table) for at in range(0, len(points), step)]
    )


def _weights(parts: Sequence[tuple[int, Level, NDArray[np.intp]]], count: int, points: Array) -> Array:
    """What each node counts for at each point, (point, node)."""
    weights = np.zeros((count, len(points)))  # a node a row: adding rows is fast
    for number, level, rows in parts:
        factor = np.full((1, len(points)), float(number))
        for column, part in zip(points.T, level, strict=True):
            basis = _coefficients(part).T @ _basis(column, part)
            factor = (factor[:, np.newaxis] * basis).reshape(-1, len(points))
        weights[rows] += factor
    return weights.T


def _sizes(level: Level) -> tuple[int, ...]:
    return tuple(2**part + 1 if part else 1 for part in level)
