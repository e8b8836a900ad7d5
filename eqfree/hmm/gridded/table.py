"""A closure of several inputs that remembers: a sparse Chebyshev table that is filled to a tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import Key
from eqfree.hmm.closure import Answer, Closure, as_inputs
from eqfree.hmm.gridded import chebyshev
from eqfree.hmm.gridded.levels import (
    FINEST,
    FIRST,
    Index,
    Level,
    below,
    finer,
    first_levels,
    fresh,
    grid,
    nodes_of,
    place,
    walk,
)
from eqfree.hmm.memory import Memory
from eqfree.results import Cost

__all__ = ["Gridded"]

Array: TypeAlias = NDArray[np.float64]

_CHECKS = 4  # new points per input that a table is verified at
_CONFIDENCE = 2.0  # standard errors in the error bound
_EXPLAINED = 8.0  # times its variance: what a single point is missed by for noise alone
_SAMPLE = 256  # points where the noise between nodes is looked at
_MARGIN = 1.05  # of the largest noise there: it is larger still in between
_TOGETHER = 0.5  # of the largest change: what is refined in the same round
_SLACK = 1e-11  # of the bounds: what an input may lie outside for round-off
_ROUND_OFF = 1e-12  # of the largest component: smaller errors are not told from round-off


class Gridded(Closure):
    """A table of a closure of one to about four inputs, over a whole box and to a tolerance from the first call on.

    An interpolant on a sparse grid of Chebyshev extrema: the sum of differences between successive levels, each axis
    with 1, 3, 5, 9, 17, ... nested nodes. Where a difference is largest the table is refined, axis by axis, and only
    as finely together as their products matter; analytic closures converge geometrically. The error of interpolation
    is what the last refinements changed, summed over all directions (an upper bound where differences fall, often
    a hundred times the true error), and at least what the table misses at points that are new to it, four per input,
    asked when it seems good enough. To this, two standard errors of the answers are added, propagated through the
    weights of the nodes. The larger of the two parts is lowered first: noise by new answers, interpolation by
    refinement of what noise does not explain. Whether the error that a closure states is noise is tried once: an
    answer that comes back the same under another key bounds a systematic error, which is interpolated like the values
    and never averaged. The nodes are the same whatever is asked, in which order and on which executor.

    *How to choose.* For a closure that is smooth in several parameters, such as a conductivity over volume fraction,
    angle and temperature. Kinks and jumps are not its business: there the error falls like 1/nodes in each axis, and
    what lies wholly between the nodes is not seen; use `Tabulated` with `monotone` for one input with kinks, and the
    closure itself where fewer points are asked than the table begins with (29 for two inputs, 93 for three, 313 for
    four). ``bounds``: as tight as the macro solver allows. ``rtol``: what the macro solver tolerates; a closure's own
    error bound must be below half of it. Two inputs of which only a combination matters should be one.

    Parameters
    ----------
    closure
        What is asked; its inputs have shape (point, n).
    bounds
        Smallest and largest value of each input; round-off beyond them is cut.
    rtol, atol
        The error wanted is ``atol + rtol * max |value|`` of each component over the table.
    max_solves
        Micro-solves that the table may ask for, those it begins with or more. `error` says what was reached by
        then, `within_tolerance` whether that is enough.
    key
        Which noise.

    Raises
    ------
    ValueError
        For bounds, tolerances or a budget that make no sense, inputs outside the bounds, or a closure whose values
        or standard errors are not finite.

    References
    ----------
    T. Gerstner & M. Griebel, Computing 71 (2003) 65, doi:10.1007/s00607-003-0015-5 (the refinement; here a level is
    added with all that it needs, so that none is stuck).

    Examples
    --------
    >>> class Product(Closure):
    ...     def __call__(self, inputs, state=None, key=()):
    ...         value = np.prod(inputs, axis=1, keepdims=True)
    ...         return Answer(value, np.zeros_like(value))
    >>> table = Gridded(Product(), [(0.0, 1.0), (1.0, 3.0)], rtol=1e-3)
    >>> table([[0.5, 3.0], [0.1, 1.0]]).value.round(9)
    array([[1.5],
           [0.1]])
    """

    def __init__(
        self,
        closure: Closure,
        bounds: Sequence[tuple[float, float]],
        rtol: float,
        *,
        atol: float = 0.0,
        max_solves: int = 10_000,
        key: Key = (),
    ) -> None:
        box = np.array(bounds, dtype=np.float64) if len({np.shape(pair) for pair in bounds}) == 1 else np.empty(0)
        if not (box.ndim == 2 and box.shape[1:] == (2,) and np.isfinite(box).all() and (box[:, 0] < box[:, 1]).all()):
            raise ValueError(
                f"`bounds` must be a (low, high) for each input, finite and increasing: got {list(bounds)}."
            )
        if not (rtol >= 0 and atol >= 0 and rtol + atol > 0):
            raise ValueError(f"`rtol` and `atol` must not be negative, nor both zero: got rtol={rtol}, atol={atol}.")
        self._low, self._high = box.T
        self._first = first_levels(len(box))
        needed = len(nodes_of(self._first)) + 1 + self._checks_at_once
        if not (isinstance(max_solves, int | np.integer) and max_solves >= needed):
            raise ValueError(
                f"`max_solves` must be a whole number that allows the first {needed} micro-solves: got {max_solves!r}."
            )
        self._rtol, self._atol = rtol, atol
        self._max_solves = max_solves
        self._memory: Memory[Index] = Memory(closure, key, self._place)
        self._levels: set[Level] = set()
        self._settled: set[Level] = set()  # those that have been refined: their difference is no error any more
        self._checks: list[Index] = []
        self._verified = False
        self._noisy = False  # whether a new answer has new noise
        self.cost = Cost()  #: of all micro-solves so far
        self.asked = 0  #: points that callers asked for so far
        self.within_tolerance = False  #: whether all that the last call asked for is within the tolerance

    @property
    def solved(self) -> int:
        """Micro-solves so far."""
        return self._memory.solved

    @property
    def saved(self) -> int:
        """Points that were answered without a micro-solve of their own; negative while the table pays in."""
        return self.asked - self.solved

    @property
    def _checks_at_once(self) -> int:
        return _CHECKS * len(self._low)

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """Interpolated values, their error estimates as ``stderr``, and the interpolant's derivative.

        ``key`` is not used: the table has its own noise.
        """
        if state is not None:
            raise ValueError("A table has no memory of a micro-state: got a `state`. Pass None.")
        points = self._check_inputs(inputs)
        spent = self._fill()
        self.asked += len(points)
        value, jacobian, noise = self._evaluate(points)
        self.within_tolerance = bool((self._miss + _CONFIDENCE * noise <= self._tolerance()).all())
        return Answer(value, np.hypot(self._miss, noise), jacobian, cost=spent)

    def error(self, inputs: ArrayLike) -> Array:
        """The bound that is held against the tolerance, (point, m): interpolation plus two standard errors.

        It fills the table if nothing has been asked before.
        """
        points = self._check_inputs(inputs)
        self._fill()
        return np.asarray(self._miss + _CONFIDENCE * self._evaluate(points)[2])

    def nodes(self) -> tuple[Array, Array, Array]:
        """What has been asked so far, checks included: inputs (node, n), values and their standard errors (node, m)."""
        indices = self._memory.indices()
        return self._place(indices), self._memory.values(indices), self._memory.stderr(indices)

    def __repr__(self) -> str:
        return f"{self.asked} points asked, {self.solved} micro-solves made, {self.saved} saved"

    def _check_inputs(self, inputs: ArrayLike) -> Array:
        points = as_inputs(inputs)
        if points.shape[1] != len(self._low):
            raise ValueError(
                f"This table has {len(self._low)} inputs, as many as `bounds`: got inputs of shape {points.shape}."
            )
        slack = _SLACK * np.maximum(np.abs(self._low), np.abs(self._high))
        outside = (points < self._low - slack) | (points > self._high + slack)
        if outside.any():
            row, axis = np.argwhere(outside)[0].tolist()
            raise ValueError(
                f"Inputs must lie within the table's bounds [{self._low[axis]:g}, {self._high[axis]:g}]: "
                f"got {points[row, axis]:.10g} for input {axis}. Widen `bounds`."
            )
        return np.asarray(np.clip(points, self._low, self._high))

    def _place(self, indices: Sequence[Index]) -> Array:
        share = (1 + place(indices)) / 2
        return np.asarray(self._low * (1 - share) + self._high * share)

    def _unit(self, points: Array) -> Array:
        unit: Array = (2 * points - self._low - self._high) / (self._high - self._low)
        return np.clip(unit, -1, 1)

    def _fill(self) -> Cost:
        """Ask until the whole box is within the tolerance and verified, or the budget is spent."""
        spent = Cost()
        while (cost := self._improve()) is not None:
            spent += cost
            self.cost += cost
            self._update()
        return spent

    def _improve(self) -> Cost | None:
        """What the table needs most; None where it needs nothing or can afford nothing."""
        if not self._levels:
            return self._begin()
        tolerance, noise = self._tolerance(), _CONFIDENCE * self._loudest
        allowed = tolerance - noise
        if not self._noisy:  # a bound that the closure states cannot be lowered, interpolation still can
            allowed = np.maximum(allowed, tolerance / 2)
        excess = self._miss > allowed
        if not excess.any():
            return None if self._verified else self._verify()
        loud = self._noisy and bool((noise >= self._miss)[excess].all())  # the larger part of the error first
        cost = self._average(excess) if loud else self._refine(excess)
        return self._verify() if cost is None and not self._verified else cost

    def _begin(self) -> Cost:
        cost = self._memory.ask(nodes_of(self._first))
        indices = self._memory.indices()
        stderr = self._memory.stderr(indices)
        if stderr.any():
            self._noisy, again = self._memory.varies(indices[int(stderr.max(axis=1).argmax())])
            cost += again
        self._levels = set(self._first)
        self._settled = {level for level in self._first if max(level) < FIRST}
        return cost

    def _verify(self) -> Cost | None:
        """Ask at points that are new."""
        if self._left() < self._checks_at_once:
            return None
        checks = walk(len(self._low), len(self._checks), self._checks_at_once)
        cost = self._memory.ask(checks)
        self._checks += checks
        self._verified = True
        return cost

    def _average(self, excess: NDArray[np.bool_]) -> Cost | None:
        """New answers where those there are contribute most of the noise."""
        indices = self._memory.indices()
        stderr = self._memory.stderr(indices)
        loud = (stderr > stderr.max(axis=0) / 2)[:, excess].any(axis=1)
        wanted = [index for index, again in zip(indices, loud, strict=True) if again]
        affordable = wanted[: self._left() - self._reserve()]
        return self._memory.ask(affordable) if affordable else None

    def _refine(self, excess: NDArray[np.bool_]) -> Cost | None:
        """Add the levels beyond those whose difference is largest; beyond all if only the checks are missed."""
        scale = np.where(excess, np.maximum(self._tolerance(), np.finfo(float).tiny), np.inf)
        open_levels = [level for level in self._levels - self._settled if max(level) < FINEST]
        sizes = {level: float((self._sizes[level] / scale).max()) for level in open_levels}
        largest = max(sizes.values(), default=0.0)
        everywhere = bool((self._missed > self._surplus)[excess].any()) and self._verified
        levels, settled, count = set(self._levels), set(self._settled), 0
        for level in sorted(sizes, key=lambda level: (-sizes[level], level)):
            if not everywhere and sizes[level] < _TOGETHER * largest:
                break
            beyond = set().union(*(below(next_level) for next_level in finer(level))) - levels
            count += sum(map(fresh, beyond))
            if count > self._left() - self._checks_at_once:
                break
            levels |= beyond
            settled.add(level)
        if settled == self._settled:
            return None
        cost = self._memory.ask([index for index in nodes_of(levels - self._levels) if index not in self._memory])
        self._verified = self._verified and levels == self._levels
        self._levels, self._settled = levels, settled
        return cost

    def _left(self) -> int:
        return self._max_solves - self.solved

    def _reserve(self) -> int:
        return 0 if self._verified else self._checks_at_once

    def _update(self) -> None:
        """The interpolant, its error (m,), and what each level changes, (m,)."""
        indices = self._memory.indices()
        values, stderr = self._memory.values(indices), self._memory.stderr(indices)
        rows = {index: row for row, index in enumerate(indices)}
        self._loudest = stderr.max(axis=0)
        bounded = bool(self._loudest.any()) and not self._noisy
        answers = np.hstack([values, stderr]) if bounded else values  # a bound is interpolated beside the values
        changes: dict[Level, Array] = {}
        self._sizes: dict[Level, Array] = {}
        for level in sorted(self._levels):
            nodes = [rows[index] for index in grid(level)]
            changes[level] = chebyshev.change(level, answers[nodes])
            self._sizes[level] = chebyshev.largest(level, changes[level][..., : values.shape[1]], stderr[nodes] ** 2)
        self._boxes = chebyshev.together(changes)
        if self._noisy:
            between = self._evaluate(self._place(walk(len(self._low), 0, _SAMPLE)))[2]
            self._loudest = np.maximum(self._loudest, _MARGIN * between.max(axis=0))
        self._surplus = np.sum([self._sizes[level] for level in sorted(self._levels - self._settled)], axis=0)
        self._missed = self._missed_at_checks() if self._checks else np.zeros_like(self._surplus)
        self._miss = np.maximum(self._surplus, self._missed)

    def _missed_at_checks(self) -> Array:
        value, _, noise = self._evaluate(self._place(self._checks))
        squared = (value - self._memory.values(self._checks)) ** 2
        explained = _EXPLAINED * (noise**2 + self._memory.stderr(self._checks) ** 2)
        return np.asarray(np.sqrt(np.maximum(squared - explained, 0)).max(axis=0))

    def _evaluate(self, points: Array) -> tuple[Array, Array, Array]:
        """Value (point, m), jacobian (point, m, n) and standard error (point, m) of the answers' own errors."""
        unit = self._unit(points)
        answered, slopes = chebyshev.evaluate(self._boxes, unit)
        width = len(self._loudest)
        jacobian = slopes[:, :width] * (2 / (self._high - self._low))
        if self._noisy:
            nodes = nodes_of(self._levels)
            variances = dict(zip(nodes, self._memory.stderr(nodes) ** 2, strict=True))
            return answered, jacobian, chebyshev.noise(self._levels, variances, unit)
        stated = np.abs(answered[:, width:]) if self._loudest.any() else np.zeros_like(answered)
        return answered[:, :width], jacobian, stated

    def _tolerance(self) -> Array:
        largest = np.abs(self._memory.values(self._memory.indices())).max(axis=0)
        return np.asarray(self._atol + np.maximum(self._rtol * largest, _ROUND_OFF * largest.max()))
