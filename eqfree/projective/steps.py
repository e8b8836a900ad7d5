"""The loop over the steps of a scheme, from state to state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import copysign
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble import Key, NotFiniteError
from eqfree.fields import OutOfBoundsError
from eqfree.projective.bursts import Bursts, Ensemble
from eqfree.projective.estimators import Estimate
from eqfree.projective.events import Cubic, Event, changes, cross
from eqfree.projective.state import Method, ProjectiveState, Step
from eqfree.results import Cost, Crossing
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Made", "Run", "iter_projective"]

Array: TypeAlias = NDArray[np.float64]

_ROUND_OFF = 1e-6  # of a step: what is left of many steps that were added up


class Made(NamedTuple):
    """A step between two states."""

    before: ProjectiveState
    step: Step
    after: ProjectiveState


@dataclass(frozen=True, eq=False)
class Run:
    """A method at work on an ensemble, under a key."""

    ensemble: Ensemble
    method: Method
    key: Key

    def bursts(self, state: ProjectiveState) -> Bursts:
        """Those of the step from a state."""
        return Bursts(self.ensemble, state.sizes, state.totals, (*self.key, state.number))

    def feasible(self, groups: Array) -> Array:
        """The nearest states that populations can have; their totals stay."""
        return self.ensemble.region.restore(groups).macro

    def steps(self, state: ProjectiveState, end: float) -> Iterator[Made]:
        """Until the end, or until the method's budget is spent."""
        if np.isnan(state.span[1]) or copysign(1.0, end - state.time) * (end - state.span[1]) > 0:
            state = replace(state, span=np.array([state.span[0], end]))
        while state.time != end:
            made = self._next(state, end)
            yield made
            if made.step.spent:
                return
            state = made.after

    def _next(self, state: ProjectiveState, end: float) -> Made:
        remaining = end - state.time
        wanted = state.step or self.method.step
        duration = remaining if abs(remaining) <= wanted * (1 + _ROUND_OFF) else copysign(wanted, remaining)
        bursts = self.bursts(state)
        step = self.method.advance(bursts, state, duration)
        if step.spent:
            return Made(state, step, replace(state, cost=state.cost + bursts.cost))
        groups = bursts.feasible(step.groups)
        after = ProjectiveState(
            number=state.number + 1,
            time=end if step.duration == remaining else state.time + step.duration,
            groups=groups,
            sizes=state.sizes if step.sizes is None else step.sizes,
            totals=bursts.totals(groups),
            truncation=state.truncation if step.truncation is None else state.truncation + step.truncation,
            span=state.span,
            step=step.proposed or state.step,
            exact=state.exact,
            restored=state.restored + bursts.restored,
            moved=max(state.moved, bursts.moved),
            simulated=state.simulated + step.simulated,
            cost=state.cost + bursts.cost,
        )
        return Made(state, step, after)

    def prepare(self, state: ProjectiveState, duration: float) -> Made:
        """A preliminary burst."""
        bursts = self.bursts(state)
        step = Step(duration, bursts.simulate(state.groups, state.time, duration).groups)
        groups = bursts.feasible(step.groups)
        after = replace(
            state,
            number=state.number + 1,
            time=state.time + duration,
            groups=groups,
            totals=bursts.totals(groups),
            restored=bursts.restored,
            moved=bursts.moved,
            cost=state.cost + bursts.cost,
        )
        return Made(state, step, after)

    def crossings(self, events: Sequence[Event], made: Made) -> tuple[list[tuple[Crossing, Cubic]], Cost]:
        """Those of a step, in order, each with the path that it lies on, and what finding them cost.

        Where the step ended in a state that no population has, the way there is what crosses a bound, and it is looked
        at first; an event that only restoring brings about lies on the way to the nearest state that one has.
        """
        landed = replace(made.after, groups=made.step.groups)
        ends = [made.after] if np.array_equal(landed.groups, made.after.groups) else [made.after, landed]
        found = {number: end for end in ends for number in changes(events, made.before, end)}
        if not found:
            return [], Cost()
        (first, before), (last, after) = self._look(made.before, made.step.first), (None, Cost())
        if made.after in found.values():
            last, after = self._look(made.after)
        crossings = []
        for number, end in found.items():
            path = Cubic.through(made.before, first, end, last if end is made.after else None)
            crossings.append((cross(number, events[number], path, end), path))
        forward = copysign(1.0, made.step.duration)
        return sorted(crossings, key=lambda one: forward * one[0].time), before + after

    def _look(self, state: ProjectiveState, known: Estimate | None = None) -> tuple[Estimate | None, Cost]:
        """The slope at a state, none where the model has none, and what it cost."""
        if known is not None:
            return known, Cost()
        bursts = self.bursts(state)
        try:
            return self.method.look(bursts, state), bursts.cost
        except (NotFiniteError, OutOfBoundsError):
            return None, bursts.cost


def iter_projective(
    stepper: CoarseTimeStepper, end: float, state: ProjectiveState, method: Method, key: Key = ()
) -> Iterator[ProjectiveState]:
    """The states after each step from ``state`` on until time ``end``, which may lie behind.

    A pure function from state to state: a loop that stops anywhere and goes on from the state's arrays gives
    the same bits. A method whose budget is spent ends it early.

    >>> import eqfree as ef
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> stepper = ef.CoarseTimeStepper(decay)
    >>> start = ProjectiveState.begin(stepper, 0.0, [1.0])
    >>> states = iter_projective(stepper, 1.0, start, ef.projective.Euler(0.5, 0.1))
    >>> [state.time for state in states]
    [0.5, 1.0]
    """
    run = Run(Ensemble(stepper, state.groups[0]), method, key)
    return (made.after for made in run.steps(state, end) if not made.step.spent)
