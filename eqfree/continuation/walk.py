"""A branch as an iterator: predict along the tangent, correct across it, look whether anything happened on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import acos
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import Chart, check_map
from eqfree.continuation.point import Found, find_point, heal, null_vector
from eqfree.continuation.problem import BranchProblem, carrying
from eqfree.continuation.state import BranchState
from eqfree.ensemble import NotFiniteError
from eqfree.fields import OutOfBoundsError, check_bounds
from eqfree.fixed_points.equations import Equations
from eqfree.fixed_points.linear import Border
from eqfree.results import BranchEvent, Cost, Spectrum, Stability, Status

__all__ = ["BranchWalk", "equations_of"]

Array: TypeAlias = NDArray[np.float64]

_HISTORY = 6  # points that are kept, and that a noisy tangent is fitted to
_FITTED = 4  # points from which on it is
_ERRORS = 5.0  # standard errors that a noisy step is long at least
_ROUNDS = 3  # times that the first population is healed anew
_QUICK = 4  # evaluations within which a point is found at once
_FACTOR = 1.5
_NONE = np.empty((0, 0))


class BranchWalk(Iterator[BranchState]):
    """The points of a branch, one after the other; it ends with a status.

    Each state can be written down, `BranchState.to_arrays`, and walked on from, to the same bits.

    Parameters
    ----------
    problem
        What is followed.
    state
        From where on; `begin` makes the first.

    Attributes
    ----------
    status, detail
        How it ended; the status of a walk that goes on is `Status.FOLLOWED`.
    cost
        Of what came to nothing: failed steps.
    """

    def __init__(self, problem: BranchProblem, state: BranchState | None, failure: Found | None = None) -> None:
        self.problem, self.status, self.detail, self.cost = problem, Status.FOLLOWED, "", Cost()
        self._state, self._first = state, state is not None and state.number == 0
        self._spent = 0.0 if state is None else state.point.cost.micro_time
        if failure is not None:
            self.status, self.detail, self.cost = failure.solved.status, failure.solved.detail, failure.cost

    @classmethod
    def begin(cls, problem: BranchProblem, macro0: ArrayLike, parameter0: float, direction: int = 1) -> BranchWalk:
        """The walk from the steady state near a macro state, towards larger or smaller parameters.

        Raises
        ------
        ValueError
            For a macro state that cannot be lifted, a parameter outside the span, or what `find_fixed_point` refuses.
        """
        if not problem.method.span[0] <= parameter0 <= problem.method.span[1]:
            raise ValueError(f"`parameter0` must lie in the span {problem.method.span}: got {parameter0:g}.")
        stepper, macro = problem.stepper_of(parameter0), np.array(macro0, dtype=np.float64)
        check_map(stepper, problem.method.duration)
        check_bounds(stepper.fields, macro)
        equations = Equations(
            problem.stepper_of,
            Chart.of(stepper, macro),
            problem.method.duration,
            parameter0,
            problem.method.steps.unit,
            problem.method.symmetry,
            difference=problem.method.difference,
        )
        unknowns, carried, cost = equations.start, {}, Cost()
        for _ in range(0 if problem.method.carry is None else _ROUNDS):
            found = find_point(
                problem,
                equations,
                Border.holding_parameter(unknowns),
                unknowns,
                _NONE,
                problem.of_points,
                differentiate=False,
            )
            cost = cost + found.cost
            if found.point is None:
                return cls(problem, None, found)
            unknowns = found.solved.unknowns
            packed, spent = heal(equations, unknowns, problem.of_points)
            carried, cost = dict(packed), cost + spent
            equations = replace(equations, stepper_of=carrying(problem.stepper_of, carried), _steppers={})
        towards = np.zeros(len(unknowns))
        towards[-1] = float(direction)
        return cls._from(problem, equations, Border.holding_parameter(unknowns), towards, carried, cost)

    @classmethod
    def across(cls, problem: BranchProblem, event: BranchEvent, distance: float) -> BranchWalk:
        """The walk into the branch that crosses at an event, from a distance on."""
        stepper = problem.stepper_of(event.parameter)
        equations = Equations(
            problem.stepper_of,
            Chart.of(stepper, event.lifted),
            event.duration,
            event.parameter,
            problem.method.steps.unit,
            problem.method.symmetry,
            difference=problem.method.difference,
        )
        way = np.zeros_like(equations.start)
        way[: equations.chart.size] = equations.chart.project(event.direction.ravel())
        way = way * np.sign(distance) / np.linalg.norm(way)
        border = Border(way, equations.start + abs(distance) * way)
        return cls._from(problem, equations, border, way, {}, Cost())

    @classmethod
    def _from(
        cls,
        problem: BranchProblem,
        equations: Equations,
        border: Border,
        towards: Array,
        carried: Mapping[str, NDArray[Any]],
        cost: Cost,
    ) -> BranchWalk:
        """The walk from the point that a border closes in on."""
        found = find_point(problem, equations, border, border.target, _NONE, problem.of_points)
        if found.point is None:
            return cls(problem, None, found)
        unknowns, matrix = found.solved.unknowns, found.matrix
        tangent = null_vector(matrix, towards) if len(matrix) else towards
        state = BranchState(
            point=replace(found.point, cost=cost + found.point.cost),
            number=0,
            unknowns=unknowns[np.newaxis],
            noise=np.array([found.noise]),
            tangent=tangent,
            step=problem.method.steps.first,
            matrix=matrix,
            origin=equations.chart.origin,
            template=equations.place(unknowns).macro,
            duration=equations.duration,
            parameter=equations.parameter,
            carried=carried,
            counts=_count(found.point.spectrum, np.array([-1, -1])),
            replicas=found.equations.replicas or 0,
        )
        return cls(problem, state)

    def __next__(self) -> BranchState:
        """The next point."""
        if self._state is None:
            raise StopIteration
        if self._first:
            self._first = False
            return self._state
        state, self._state = self._state, None
        if state.last or state.number + 1 >= self.problem.method.steps.points:
            raise StopIteration
        if self._spent >= self.problem.method.steps.budget:
            self._stop(Status.BUDGET)
        self._state = self._advance(state)
        self._spent += self._state.point.cost.micro_time
        return self._state

    def _stop(self, status: Status, detail: str = "") -> None:
        self.status, self.detail = status, detail
        raise StopIteration

    def _advance(self, state: BranchState) -> BranchState:
        """The next point, by the longest step that succeeds."""
        steps = self.problem.method.steps
        state, healed = self._carry(state)
        equations = equations_of(self.problem, state)
        step = min(max(state.step, _ERRORS * float(state.noise[-1])), steps.longest)
        why = Status.STUCK, ""
        while step >= steps.shortest:
            unknowns = state.unknowns[-1] + step * state.tangent
            border, last = self._border(equations, state, unknowns)
            reason = self._try(equations, state, border, step, last)
            if isinstance(reason, BranchState):
                return replace(reason, point=replace(reason.point, cost=reason.point.cost + healed))
            why, step = reason, step / 2
        self.cost = self.cost + healed
        self._stop(*why)
        raise AssertionError

    def _try(
        self, equations: Equations, state: BranchState, border: Border, step: float, last: bool
    ) -> BranchState | tuple[Status, str]:
        """A step, or what keeps it from being made."""
        place = equations.place(border.target)
        if not self.problem.method.inside(place.macro, place.parameter):
            return Status.BORDER, ""
        try:
            found = find_point(self.problem, equations, border, border.target, state.matrix, self.problem.of_points)
        except (OutOfBoundsError, NotFiniteError) as error:
            return (Status.NOT_FINITE if isinstance(error, NotFiniteError) else Status.BORDER), str(error)
        if found.point is None:
            self._fail(found)
            if found.solved.status is Status.OUTSIDE:
                return Status.BORDER, found.solved.detail
            said = f"{found.solved.status.value} {found.solved.detail}".strip()
            return Status.STUCK, f"The last of the steps that were tried, {step:.3g}, ended so: {said}"
        if not self.problem.method.inside(found.point.macro, found.point.parameter):
            self._fail(found)
            return Status.BORDER, ""
        made = self._made(state, found, step, last)
        if made is None:
            self._fail(found)
            return Status.STUCK, f"It turns by more than {self.problem.method.steps.turn:g} radians within {step:.3g}."
        return made

    def _fail(self, found: Found) -> None:
        self.cost = self.cost + found.cost
        self._spent += found.cost.micro_time

    def _border(self, equations: Equations, state: BranchState, unknowns: Array) -> tuple[Border, bool]:
        """Across the tangent, or at the end of the parameter's span."""
        low, high = ((end - equations.parameter) / equations.unit for end in self.problem.method.span)
        if low < unknowns[-1] < high:
            return Border(state.tangent, unknowns), False
        end = low if unknowns[-1] <= low else high
        share = (end - state.unknowns[-1, -1]) / (unknowns[-1] - state.unknowns[-1, -1])
        target = state.unknowns[-1] + share * (unknowns - state.unknowns[-1])
        target[-1] = end
        return Border.holding_parameter(target), True

    def _carry(self, state: BranchState) -> tuple[BranchState, Cost]:
        """With the population of this point, healed, if it is time."""
        if self.problem.method.carry is None or state.since < self.problem.method.carry:
            return state, Cost()
        packed, cost = heal(equations_of(self.problem, state), state.unknowns[-1], self.problem.of_points)
        return replace(state, carried=dict(packed), since=0), cost

    def _made(self, state: BranchState, found: Found, step: float, last: bool) -> BranchState | None:
        """The state at a new point; None if the branch turns too much on the way there."""
        assert found.point is not None
        unknowns = np.vstack((state.unknowns, found.solved.unknowns))[-_HISTORY:]
        noise = np.append(state.noise, found.noise)[-_HISTORY:]
        tangent = _tangent(state, found, unknowns, noise)
        angle = acos(min(1.0, float(tangent @ state.tangent)))
        steps = self.problem.method.steps
        if angle > steps.turn and not last:
            return None
        counts = _count(found.point.spectrum, state.counts)
        longer = found.solved.iterations <= _QUICK and angle < steps.turn / 3
        shorter = angle > 2 * steps.turn / 3
        factor = _FACTOR if longer else 1 / _FACTOR if shorter else 1.0
        return replace(
            state,
            point=found.point,
            number=state.number + 1,
            unknowns=unknowns,
            noise=noise,
            tangent=tangent,
            step=float(np.clip(step * factor, steps.shortest, steps.longest)),
            matrix=found.matrix,
            template=found.equations.place(found.solved.unknowns).macro,
            since=state.since + 1,
            counts=counts,
            candidate=_candidate(state, tangent, counts),
            replicas=found.equations.replicas or 0,
            last=last,
        )


def equations_of(problem: BranchProblem, state: BranchState) -> Equations:
    """The equations around the point of a state."""
    stepper_of = carrying(problem.stepper_of, state.carried) if state.carried else problem.stepper_of
    chart = Chart.of(stepper_of(state.parameter), state.origin)
    return Equations(
        stepper_of,
        chart,
        state.duration,
        state.parameter,
        problem.method.steps.unit,
        problem.method.symmetry,
        state.template,
        problem.method.difference,
        state.replicas or None,
    )


def _tangent(state: BranchState, found: Found, unknowns: Array, noise: Array) -> Array:
    """Where the branch goes: the derivative's null vector, or where there is noise the direction of the last points.

    A parabola over the arclength, by least squares weighted by the noise; a line where there are few points.
    """
    step = unknowns[-1] - unknowns[-2]
    if found.slopes is not None and (not noise.any() or len(unknowns) < _FITTED):
        tangent = np.linalg.solve(np.vstack((found.slopes.matrix, step)), np.eye(len(step))[-1])
        return np.asarray(tangent / np.linalg.norm(tangent))
    if len(unknowns) < _FITTED:
        return np.asarray(step / np.linalg.norm(step))
    along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(unknowns, axis=0), axis=1))))
    along -= along[-1]
    degree = 2 if len(unknowns) > _FITTED else 1
    weights = 1 / np.maximum(noise, 1e-3 * noise.max(initial=1e-300))
    basis = np.vander(along / -along[0], degree + 1, increasing=True)
    slope = np.linalg.lstsq(weights[:, None] * basis, weights[:, None] * unknowns, rcond=None)[0][1]
    return np.asarray(slope / np.linalg.norm(slope))


def _count(spectrum: Spectrum | None, known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Real multipliers above 1 and below -1; what was known, where one of them is too near to say."""
    if spectrum is None or (spectrum.stability is Stability.UNDECIDED):
        return known
    real = spectrum.own & (np.abs(spectrum.multipliers.imag) < 1e-9)
    values = spectrum.multipliers.real[real]
    return np.array([(values > 1).sum(), (values < -1).sum()])


def _candidate(state: BranchState, tangent: Array, counts: NDArray[np.int64]) -> str:
    """What happened between two points: the parameter turned back, or a real multiplier crossed the unit circle."""
    if tangent[-1] * state.tangent[-1] < 0:
        return "fold"
    if (state.counts < 0).any() or (counts < 0).any():
        return ""
    above, below = counts - state.counts
    return "branch point" if above % 2 else "flip" if below % 2 else ""
