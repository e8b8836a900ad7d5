"""A closure that remembers: asks on demand, interpolates, and knows its error."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator, PPoly

from eqfree.ensemble import Key
from eqfree.hmm.closure import Answer, Closure, as_inputs
from eqfree.hmm.memory import Memory
from eqfree.results import Cost

__all__ = ["Tabulated", "monotone", "smooth"]

Array: TypeAlias = NDArray[np.float64]
Interpolation: TypeAlias = Callable[[Array, Array], PPoly]

_FINEST = 2**20  # intervals that the table can tell apart
_COARSEST = 8  # intervals that it begins with
_APART = 4  # nodes from one that is left out to the next: too far to feel it
_SLACK = 1e-11  # of the bounds: what an input may lie outside for round-off
_CONFIDENCE = 2.0  # standard errors in the error bound
_SIGNIFICANT = 3.0  # standard errors that an interpolation error must exceed before its interval is halved
_QUIET = 0.25  # share of the tolerance that the noise must be below before
_EXPLAINED = 8.0  # times the variance of a node: what it is missed by at two standard errors, interpolation included


def monotone(inputs: Array, values: Array) -> PPoly:
    """A cubic without overshoot: monotone wherever the data are; second order at extrema, third elsewhere.

    F. N. Fritsch and J. Butland, SIAM J. Sci. Stat. Comput. 5 (1984) 300, doi:10.1137/0905021.

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

    Nodes lie on a dyadic grid over ``bounds``, nine to begin with. The error of an interval has two parts.
    Interpolation: how far the interpolant misses the four nodes around the interval where each is left out of it,
    less what their noise explains; an upper bound once the table resolves the closure, whatever its smoothness.
    Statistics: two standard errors, the largest of these nodes. Where the sum exceeds the tolerance, the noise is
    averaged away with new answers until an interpolation error is significant, and then the interval is halved,
    with neighbours that are larger. The table's nodes, and so its last digits, depend on what was asked of it and
    in which order, never on the executor. What happens entirely between the first nine nodes is not seen.

    *How to choose.* `monotone` for fluxes with kinks, `smooth` where the closure is. ``rtol``: below what the
    macro solver tolerates; half of it costs four times the replicas where noise dominates. Replicas of the closure:
    eight or more, since the table believes the standard errors that it is told.

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
        Micro-solves that the table may ask for, nine or more; the last go where the error is worst. `error` says
        what was reached by then, `within_tolerance` whether that is enough.
    key
        Which noise.

    Raises
    ------
    ValueError
        For bounds, tolerances or a budget that make no sense, inputs outside the bounds, or a closure whose values
        or standard errors are not finite.

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
        if not (isinstance(max_solves, int | np.integer) and max_solves > _COARSEST):
            raise ValueError(
                f"`max_solves` must be a whole number that allows the first {_COARSEST + 1} nodes: got {max_solves!r}."
            )
        self._low, self._high = float(low), float(high)
        self._rtol, self._atol = rtol, atol
        self._interpolation = interpolation
        self._max_solves = max_solves
        self._memory: Memory[int] = Memory(closure, key, lambda indices: self._place(indices)[:, np.newaxis])
        self._order: list[int] = []
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

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """Interpolated values, their error estimates as ``stderr``, and the interpolant's derivative.

        ``key`` is not used: the table has its own noise.
        """
        if state is not None:
            raise ValueError("A table has no memory of a micro-state: got a `state`. Pass None.")
        points = self._check(inputs)
        spent = self._refine(points)
        self.asked += len(points)
        places = self._intervals(points)
        return Answer(
            value=self._spline(points[:, 0]),
            stderr=np.hypot(self._miss[places], self._noise[places]),
            jacobian=self._spline(points[:, 0], 1)[:, :, np.newaxis],
            cost=spent,
        )

    def error(self, inputs: ArrayLike) -> Array:
        """The bound that is held against the tolerance, (point, m): interpolation plus two standard errors.

        It asks where the table has not been asked before.
        """
        points = self._check(inputs)
        self._refine(points)
        return self._bound()[self._intervals(points)]

    def nodes(self) -> tuple[Array, Array, Array]:
        """What has been asked so far: inputs (node,), values and their standard errors (node, m)."""
        return (
            self._place(self._order),
            self._memory.values(self._order),
            self._memory.stderr(self._order),
        )

    def __repr__(self) -> str:
        return f"{self.asked} points asked, {self.solved} micro-solves made, {self.saved} saved"

    def _check(self, inputs: ArrayLike) -> Array:
        points = as_inputs(inputs)
        if points.shape[1] != 1:
            raise ValueError(f"A table has one input: got inputs of shape {points.shape}. Ask the closure itself.")
        slack = _SLACK * max(abs(self._low), abs(self._high))
        if outside := points[(points < self._low - slack) | (points > self._high + slack)].tolist():
            raise ValueError(
                f"Inputs must lie within the table's bounds [{self._low:g}, {self._high:g}]: got {outside[0]:.10g}. "
                "Widen `bounds`."
            )
        return np.asarray(np.clip(points, self._low, self._high))

    def _place(self, indices: Sequence[int]) -> Array:
        share = np.array(indices) / _FINEST
        return self._low * (1 - share) + self._high * share

    def _refine(self, points: Array) -> Cost:
        """Ask until every interval that holds a point is within the tolerance, or the budget is spent."""
        spent = Cost()
        wanted = self._insufficient(points) if len(self._memory) else list(range(0, _FINEST + 1, _FINEST // _COARSEST))
        while affordable := wanted[: self._max_solves - self.solved]:
            spent += self._ask(affordable)
            wanted = self._insufficient(points)
        self.cost += spent
        self.within_tolerance = bool((self._bound() <= self._tolerance())[self._intervals(points)].all())
        return spent

    def _ask(self, indices: Collection[int]) -> Cost:
        """Micro-solve nodes; a node that is there already gets new noise and is averaged."""
        cost = self._memory.ask(indices)
        self._update()
        return cost

    def _update(self) -> None:
        """The interpolant, and of each interval the interpolation error and the noise, (interval, m)."""
        self._order = self._memory.indices()
        nodes, values, noise = self.nodes()
        self._spline = self._interpolation(nodes, values)
        missed = self._missed(nodes, values)
        self._noise = _largest_around(noise)
        self._miss = np.sqrt(np.maximum(_largest_around(missed) ** 2 - _EXPLAINED * self._noise**2, 0.0))

    def _missed(self, nodes: Array, values: Array) -> Array:
        """How far the interpolant misses each node that it is not given, (node, m); ends take their neighbour's.

        Nodes are left out a few at a time, so far apart that each is missed as if it alone were.
        """
        missed = np.zeros_like(values)
        for first in range(1, _APART + 1):
            left_out = np.arange(first, len(nodes) - 1, _APART)
            spline = self._interpolation(np.delete(nodes, left_out), np.delete(values, left_out, axis=0))
            missed[left_out] = np.abs(spline(nodes[left_out]) - values[left_out])
        missed[0], missed[-1] = missed[1], missed[-2]
        return missed

    def _bound(self) -> Array:
        return np.asarray(self._miss + _CONFIDENCE * self._noise)

    def _tolerance(self) -> Array:
        return np.asarray(self._atol + self._rtol * np.abs(self.nodes()[1]).max(axis=0))

    def _insufficient(self, points: Array) -> list[int]:
        """The nodes to ask next, the worst interval first: midpoints to halve at, nodes whose noise is too large."""
        _, _, noise = self.nodes()
        bound, tolerance = self._bound(), self._tolerance()
        excess = bound > tolerance
        coarse = (self._miss > _SIGNIFICANT * self._noise) & (self._noise <= _QUIET * tolerance)
        ratio = np.divide(bound, tolerance, out=np.full_like(bound, np.inf), where=tolerance > 0).max(axis=1)
        wanted: list[int] = []
        places = np.unique(self._intervals(points))
        for place in places[np.argsort(-ratio[places], kind="stable")].tolist():
            if (coarse & excess)[place].any():
                self._halve(place, wanted)
            elif excess[place].any():
                around = range(max(place - 1, 0), min(place + 3, len(noise)))
                loud = (noise[around] > self._noise[place] / 2)[:, excess[place]].any(axis=1)
                wanted += [self._order[node] for node, again in zip(around, loud, strict=True) if again]
        return list(dict.fromkeys(wanted))

    def _halve(self, place: int, wanted: list[int]) -> None:
        """Want the midpoint of an interval, and of neighbours that are larger, so that sizes never jump."""
        widths = np.diff(self._order)
        if widths[place] == 1:
            return
        wanted.append((self._order[place] + self._order[place + 1]) // 2)
        for neighbour in (place - 1, place + 1):
            if 0 <= neighbour < len(widths) and widths[neighbour] > widths[place]:
                self._halve(neighbour, wanted)

    def _intervals(self, points: Array) -> NDArray[np.intp]:
        nodes = self._place(self._order)
        return np.clip(np.searchsorted(nodes, points[:, 0], side="right") - 1, 0, len(nodes) - 2)


def _largest_around(values: Array) -> Array:
    """Of each interval, the largest of the four nodes around it: (node, m) -> (interval, m)."""
    padded = np.pad(values, ((1, 1), (0, 0)), mode="edge")
    return np.asarray(np.max([padded[:-3], padded[1:-2], padded[2:-1], padded[3:]], axis=0))
