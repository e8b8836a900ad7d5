"""A closure that remembers: asks on demand, interpolates, and knows its error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator, PPoly

from eqfree.ensemble import Key
from eqfree.hmm.closure import Answer, Closure, as_inputs
from eqfree.results import Cost

__all__ = ["Tabulated", "monotone", "smooth"]

Array: TypeAlias = NDArray[np.float64]
Interpolation: TypeAlias = Callable[[Array, Array], PPoly]

_FINEST = 2**20  # intervals that the table can tell apart
_SIGNIFICANT = 3.0  # standard errors by which a left-out node must miss before the interval is halved
_CONFIDENCE = 2.0  # standard errors in the error bound


def monotone(inputs: Array, values: Array) -> PPoly:
    """A cubic without overshoot: monotone wherever the data are; second order at extrema, third elsewhere.

    F. N. Fritsch and R. E. Carlson, SIAM J. Numer. Anal. 17 (1980) 238, doi:10.1137/0717021.

    >>> float(monotone(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0]))(0.5))
    0.0
    """
    return PchipInterpolator(inputs, values, axis=0)


def smooth(inputs: Array, values: Array) -> PPoly:
    """A cubic spline with two continuous derivatives, of fourth order; may overshoot at a kink.

    >>> grid = np.arange(5.0)
    >>> float(smooth(grid, grid**3)(1.5))
    3.375
    """
    return CubicSpline(inputs, values, axis=0)


class Tabulated(Closure):
    """A table of a closure of one input that fills itself where it is asked, to a tolerance.

    Nodes lie on a dyadic grid over ``bounds``. The error of an interval has two parts. Interpolation: how far
    the interpolant without every other node misses the nodes beside the interval, an upper bound once the
    table converges. Statistics: two standard errors of these nodes. Where the sum exceeds the tolerance, an
    interval whose miss is significant is halved; else its nodes are asked again with new noise and averaged.

    *How to choose.* `monotone` for fluxes with kinks, `smooth` where the closure is. ``rtol``: below what the
    macro solver tolerates; half of it costs four times the replicas where noise dominates.

    Parameters
    ----------
    closure
        What is asked; its inputs have shape (point, 1).
    bounds
        Smallest and largest input.
    rtol, atol
        The error wanted is ``atol + rtol * max |value|`` of each component over the table.
    interpolation
        `monotone`, `smooth`, or a function (inputs (node,), values (node, m)) -> ``scipy.interpolate.PPoly``.
    max_solves
        Micro-solves that the table may ask for; `error` says what was reached by then.
    key
        Which noise.

    Raises
    ------
    ValueError
        For bounds or tolerances that make no sense, or inputs outside the bounds.

    Examples
    --------
    >>> class Square(Closure):
    ...     def __call__(self, inputs, state=None, key=()):
    ...         value = np.asarray(inputs) ** 2
    ...         return Answer(value, np.zeros_like(value))
    >>> table = Tabulated(Square(), (0.0, 1.0), rtol=1e-3)
    >>> table([[0.3], [0.3]]).value.round(3)
    array([[0.09],
           [0.09]])
    """

    def __init__(
        self,
        closure: Closure,
        bounds: tuple[float, float],
        rtol: float,
        *,
        atol: float = 0.0,
        interpolation: Interpolation = monotone,
        max_solves: int = 10_000,
        key: Key = (),
    ) -> None:
        low, high = bounds
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(f"`bounds` must be (low, high), finite and increasing: got {tuple(bounds)}.")
        if not (rtol >= 0 and atol >= 0 and rtol + atol > 0):
            raise ValueError(f"`rtol` and `atol` must not be negative, nor both zero: got rtol={rtol}, atol={atol}.")
        self._closure = closure
        self._low, self._high = float(low), float(high)
        self._rtol, self._atol = rtol, atol
        self._interpolation = interpolation
        self._max_solves = max_solves
        self._key = key
        self._nodes: dict[int, _Node] = {}
        self.cost = Cost()  #: of all micro-solves so far
        self.solved = 0  #: micro-solves so far
        self.asked = 0  #: points that callers asked for so far

    @property
    def saved(self) -> int:
        """Points that were answered without a micro-solve of their own; negative while the table pays in."""
        return self.asked - self.solved

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """Interpolated values, their error estimates as ``stderr``, and the interpolant's derivative.

        ``key`` is not used: the table has its own noise, so that an answer does not depend on who asked first.
        """
        if state is not None:
            raise ValueError("A table has no memory of a micro-state: got a `state`. Pass None.")
        points = self._check(inputs)
        spent = self._refine(points)
        self.cost += spent
        self.asked += len(points)
        nodes, values, _ = self.nodes()
        spline = self._interpolation(nodes, values)
        miss, noise = self._errors(points)
        return Answer(
            value=spline(points[:, 0]),
            stderr=np.hypot(miss, noise),
            jacobian=spline(points[:, 0], 1)[:, :, np.newaxis],
            cost=spent,
        )

    def error(self, inputs: ArrayLike) -> Array:
        """The bound that is held against the tolerance, (point, m): interpolation plus two standard errors."""
        points = self._check(inputs)
        self.cost += self._refine(points)
        miss, noise = self._errors(points)
        return miss + _CONFIDENCE * noise

    def nodes(self) -> tuple[Array, Array, Array]:
        """What has been asked so far: inputs (node,), values and their standard errors (node, m)."""
        order = sorted(self._nodes)
        return (
            self._place(order),
            np.array([self._nodes[index].mean for index in order]),
            np.array([self._nodes[index].stderr for index in order]),
        )

    def __str__(self) -> str:
        return f"{self.asked} points asked, {self.solved} micro-solves made, {self.saved} saved"

    def _check(self, inputs: ArrayLike) -> Array:
        points = as_inputs(inputs)
        if points.shape[1] != 1:
            raise ValueError(f"A table has one input: got inputs of shape {points.shape}. Ask the closure itself.")
        if outside := points[(points < self._low) | (points > self._high)].tolist():
            raise ValueError(
                f"Inputs must lie within the table's bounds [{self._low:g}, {self._high:g}]: got {outside[0]:g}. "
                "Widen `bounds`."
            )
        return points

    def _place(self, indices: list[int]) -> Array:
        return self._low + (self._high - self._low) * (np.array(indices) / _FINEST)

    def _refine(self, points: Array) -> Cost:
        """Ask until every interval that holds a point is within the tolerance, or the budget is spent."""
        wanted = set(range(0, _FINEST + 1, _FINEST // 8)) - set(self._nodes)
        spent = Cost()
        while wanted and self.solved + len(wanted) <= self._max_solves:
            spent += self._ask(wanted)
            wanted = self._insufficient(points)
        return spent

    def _ask(self, indices: set[int]) -> Cost:
        """Micro-solve nodes in sorted order; a node that is there already gets new noise and is averaged."""
        cost = Cost()
        repeats = {index: self._nodes[index].repeats if index in self._nodes else 0 for index in sorted(indices)}
        for repeat in sorted(set(repeats.values())):
            group = [index for index, count in repeats.items() if count == repeat]
            answer = self._closure(self._place(group)[:, np.newaxis], key=(*self._key, repeat))
            if not np.isfinite(answer.stderr).all():
                raise ValueError("A table needs the standard errors of its closure: got NaN. Use two replicas or more.")
            for index, value, stderr in zip(group, answer.value, answer.stderr, strict=True):
                self._nodes.setdefault(index, _Node()).add(value, stderr)
            cost += answer.cost
        self.solved += len(indices)
        return cost

    def _insufficient(self, points: Array) -> set[int]:
        """The nodes to ask next: midpoints of intervals to halve, nodes whose noise is too large."""
        order = sorted(self._nodes)
        _, values, noise = self.nodes()
        miss = self._misses()
        tolerance = self._atol + self._rtol * np.abs(values).max(axis=0)
        wanted: set[int] = set()
        for left in np.unique(self._intervals(points)):
            ends = slice(left, left + 2)
            bound = miss[ends].max(axis=0) + _CONFIDENCE * noise[ends].max(axis=0)
            if (bound <= tolerance).all():
                continue
            if (miss[ends] <= _SIGNIFICANT * noise[ends])[:, bound > tolerance].all():
                wanted |= set(order[ends])
            elif order[left + 1] - order[left] > 1:
                wanted.add((order[left] + order[left + 1]) // 2)
        return wanted

    def _intervals(self, points: Array) -> NDArray[np.intp]:
        nodes = self.nodes()[0]
        return np.clip(np.searchsorted(nodes, points[:, 0], side="right") - 1, 0, len(nodes) - 2)

    def _misses(self) -> Array:
        """How far the interpolant of every other node misses the rest, (node, m); ends take their neighbour's."""
        nodes, values, _ = self.nodes()
        miss = np.zeros_like(values)
        last = len(nodes) - 1
        for first in (0, 1):
            kept = np.union1d([0, last], np.arange(first, last + 1, 2))
            left_out = np.setdiff1d(np.arange(last + 1), kept)
            spline = self._interpolation(nodes[kept], values[kept])
            miss[left_out] = np.abs(spline(nodes[left_out]) - values[left_out])
        miss[0], miss[-1] = miss[1], miss[-2]
        return miss

    def _errors(self, points: Array) -> tuple[Array, Array]:
        left = self._intervals(points)
        miss, noise = self._misses(), self.nodes()[2]
        return np.maximum(miss[left], miss[left + 1]), np.maximum(noise[left], noise[left + 1])


class _Node:
    """The mean of a node's answers."""

    def __init__(self) -> None:
        self.repeats = 0
        self._sum: Array | float = 0.0
        self._variance: Array | float = 0.0

    def add(self, value: Array, stderr: Array) -> None:
        self.repeats += 1
        self._sum = self._sum + value
        self._variance = self._variance + stderr**2

    @property
    def mean(self) -> Array:
        return np.asarray(self._sum) / self.repeats

    @property
    def stderr(self) -> Array:
        return np.sqrt(self._variance) / self.repeats
