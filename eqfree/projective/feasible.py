"""The macro states that a population can have, and the nearest of them to one that was projected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.conserved import Totals
from eqfree.fields import Field, OutOfBoundsError, short, split
from eqfree.micro import conserved_of
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Region", "Restored"]

Array: TypeAlias = NDArray[np.float64]

_ROUND_OFF = 1e-10  # of a total
_KEPT = 1e-9  # of a total: what a burst may change by round-off
_PRECISION = 1e-12  # of the totals of a restored state, which may not be counted as restored again
_ITERATIONS = 100
_FAIR = 1e-4  # of the gain that the gradient promises: a step that brings less is halved


class Restored(NamedTuple):
    """Feasible states (group, ...), how many were not, and the longest way: see `Trajectory.moved`."""

    macro: Array
    number: int
    moved: float


@dataclass(frozen=True, eq=False)
class Region:
    """What bounds and conserved totals allow.

    Parameters
    ----------
    shape
        Of a macro state.
    fields
        With their bounds.
    conserved
        ``conserved(macro)``, a linear function, rounded or not; or None. It may refuse states that no population has.
    inside : (...)
        A state that a population has; by default the one within the bounds that is nearest to zero.
    """

    shape: tuple[int, ...]
    fields: tuple[Field, ...] = ()
    conserved: Callable[[Array], Array] | None = None
    inside: Array | None = None

    @classmethod
    def of(cls, stepper: CoarseTimeStepper, shape: tuple[int, ...], inside: Array | None = None) -> Region:
        """The region of a stepper's model."""
        return cls(shape, stepper.fields, conserved_of(stepper.model), inside)

    def totals(self, macro: Array) -> Array:
        """What is conserved of macro states (group, ...), as (group, total)."""
        return self._conserved.of(macro)

    def keeps(self, before: Array, after: Array) -> bool:
        """Whether states (group, ...) have the same totals, up to round-off of the numbers that they are made of."""
        change = np.abs(self.totals(after) - self.totals(before))
        if not change.any():
            return True
        return bool((change <= _KEPT * np.maximum(self._size(before), self._size(after))).all())

    def restore(self, macro: Array, totals: Array | None = None) -> Restored:
        """The nearest feasible states.

        Nearest in the sum of squared changes, each in units of the largest number of its field. Where ``totals``
        (group, total) are given the states get these, otherwise they keep those that they have.

        Raises
        ------
        OutOfBoundsError
            If a state is not finite, none within the bounds has the totals, or the model refuses it.
        ValueError
            If ``conserved`` is no linear function.

        Examples
        --------
        >>> pairs = Field("pairs", coordinates={"x": [0, 1, 2]}, bounds=(0.0, np.inf))
        >>> region = Region((3,), (pairs,), lambda macro: macro.sum(keepdims=True))
        >>> region.restore(np.array([[-1.0, 2.0, 5.0]])).macro
        array([[0. , 1.5, 4.5]])
        """
        rows = np.array(macro, dtype=np.float64)
        ways = []
        for index, one in enumerate(rows.copy()):
            if not np.isfinite(one).all():
                raise OutOfBoundsError(f"A macro state must be finite: got {short(one)}.")
            wanted = None if totals is None else totals[index]
            if self._holds(one, wanted):
                continue
            scale = self._scale(one)
            rows[index] = self._nearest(one, scale, wanted)
            ways.append(float((np.abs(rows[index] - one).ravel() / scale).max()))
        return Restored(rows, len(ways), max(ways, default=0.0))

    @cached_property
    def _bounds(self) -> tuple[Array, Array]:
        if not self.fields:
            return np.full(self.shape, -inf), np.full(self.shape, inf)
        split(self.fields, np.empty(self.shape))
        low, high = np.array([item.bounds for item in self.fields for _ in range(item.size)], dtype=np.float64).T
        return low.reshape(self.shape), high.reshape(self.shape)

    @cached_property
    def _conserved(self) -> Totals:
        inside = np.clip(np.zeros(self.shape), *self._bounds) if self.inside is None else self.inside
        return Totals(self.shape, self.conserved, inside)

    def _size(self, macro: Array) -> Array:
        """How large the parts are that the totals of states (group, ...) add up, (group, total)."""
        flat = np.abs(macro).reshape(len(macro), -1)
        return np.asarray(np.abs(self.totals(macro)) + flat @ np.abs(self._conserved.weights).T)

    def _holds(self, macro: Array, totals: Array | None) -> bool:
        low, high = self._bounds
        inside = bool(((macro >= low) & (macro <= high)).all())
        return inside and (totals is None or self._has(macro, totals))

    def _asked(self, macro: Array) -> Array:
        """The totals of a state within the bounds, which the model may refuse nevertheless."""
        try:
            return np.asarray(self.totals(macro[None])[0])
        except ValueError as refusal:
            raise OutOfBoundsError(f"The model refuses a state within its bounds. {refusal}") from refusal

    def _has(self, macro: Array, totals: Array) -> bool:
        missing = np.abs(self._asked(macro) - totals)
        return not missing.any() or bool((missing <= _ROUND_OFF * self._size(macro[None])[0]).all())

    def _agrees(self, macro: Array, totals: Array) -> bool:
        """Whether a state has the totals that it should have, if these are linear; whole ones may have been rounded."""
        found = self._asked(macro)
        slack = np.where(found == np.rint(found), 1.0, 0.0) + _ROUND_OFF * self._size(macro[None])[0]
        return bool((np.abs(found - totals) <= slack).all())

    def _scale(self, macro: Array) -> Array:
        """The largest number of its field for every number, 1 where all are zero."""
        parts = split(self.fields, macro).values() if self.fields else [macro]
        largest = [np.full(part.size, np.abs(part).max(initial=0.0)) for part in parts]
        scale = np.concatenate(largest)
        return np.where(scale > 0, scale, 1.0)

    def _nearest(self, macro: Array, scale: Array, totals: Array | None) -> Array:
        low, high = (bound.ravel() for bound in self._bounds)
        state = macro.ravel()
        wanted = self._conserved.linear(macro) if totals is None else totals
        missing = wanted - self._conserved.linear(macro)
        change = _least(self._conserved.weights * scale, missing, (low - state) / scale, (high - state) / scale)
        if change is None:
            raise OutOfBoundsError(
                f"No macro state within the bounds of {', '.join(item.name for item in self.fields) or 'its fields'} "
                f"has the conserved totals {short(wanted)}."
            )
        found = np.clip(state + scale * change, low, high).reshape(self.shape)
        if not self._agrees(found, wanted):
            raise ValueError(
                "The model's `conserved` must be a linear function of the macro state, rounded or not: got "
                f"{short(self.totals(found[None])[0])} where a linear one is {short(wanted)}. Leave it out otherwise."
            )
        return found


def _least(matrix: Array, missing: Array, low: Array, high: Array) -> Array | None:
    """The shortest x with ``matrix x = missing`` and ``low <= x <= high``; None if there is none.

    It is ``clip(matrix.T y, low, high)`` for multipliers y that maximise a concave function, whose gradient is what is
    missing of the totals: Newton's method with a line search, J.-S. Pang, Math. Oper. Res. 15 (1990) 311.
    """
    size = np.sqrt((matrix**2).sum(axis=1))
    used = size > 0
    matrix, missing = matrix[used] / size[used, None], missing[used] / size[used]

    def at(dual: Array) -> tuple[float, Array, Array]:
        change = np.clip(matrix.T @ dual, low, high)
        gradient = missing - matrix @ change
        return float(change @ change / 2 + dual @ gradient), gradient, change

    dual = np.zeros(len(missing))
    for _ in range(_ITERATIONS):
        value, gradient, change = at(dual)
        if np.abs(gradient).max(initial=0.0) <= _PRECISION * (1 + np.abs(missing).max(initial=0.0)):
            return change
        free = (change > low) & (change < high)
        curvature = (matrix * free) @ matrix.T + _PRECISION * np.eye(len(dual))
        step = np.linalg.solve(curvature, gradient)
        while at(dual + step)[0] < value + _FAIR * (step @ gradient) and np.abs(step).max() > _PRECISION:
            step = step / 2
        dual = dual + step
    return None
