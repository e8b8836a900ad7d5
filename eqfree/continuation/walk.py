"""A branch as an iterator: predict along the tangent, correct across it, look whether anything happened on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import acos
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import Chart, check_map
from eqfree.continuation.point import Found, find_point, heal
from eqfree.continuation.problem import BranchProblem, carrying
from eqfree.continuation.state import BranchState
from eqfree.ensemble import NotFiniteError
from eqfree.fields import OutOfBoundsError, check_bounds
from eqfree.fixed_points.equations import Equations
from eqfree.fixed_points.linear import Border
from eqfree.micro import Carried
from eqfree.results import BranchEvent, Cost, Spectrum, Status

__all__ = ["BranchWalk", "equations_of"]

Array: TypeAlias = NDArray[np.float64]

_HISTORY = 6  # points that are kept, and that a noisy tangent is fitted to
_FITTED = 4  # points from which on it is
_ERRORS = 5.0  # standard errors that a noisy step is long at least
_ROUNDS = 2  # times that the first population is healed anew
_QUICK = 4  # evaluations within which a point is found at once
_FACTOR = 1.5
_DOUBT = 2.0  # standard errors within which a sign is not known
_HIDDEN = 0.2  # radians by which noise may turn the way; beyond, the last points say it better
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
    failure
        What kept the first from being made.
    told
        Whether the state was told before: the first is told once.

    Attributes
    ----------
    status, detail
        How it ended; the status of a walk that goes on is `Status.FOLLOWED`.
    cost
        Of what came to nothing: failed steps.
    """

    def __init__(
        self, problem: BranchProblem, state: BranchState | None, failure: Found | None = None, *, told: bool = True
    ) -> None:
        self.problem, self.status, self.detail, self.cost = problem, Status.FOLLOWED, "", Cost()
        self._state, self._first = state, not told
        self._spent = 0.0 if state is None else state.spent
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
        stepper, macro = problem.stepper(parameter0), np.array(macro0, dtype=np.float64)
        check_map(stepper, problem.method.duration, problem.method.symmetry)
        check_bounds(stepper.fields, macro)
        if not problem.method.inside(macro, parameter0):
            raise ValueError("The branch must begin inside its `domain`: got a start where that is negative.")
        if problem.method.carry is not None:
            Carried(stepper.model, {})  # refuses a model that cannot be
        equations = Equations(
            problem.stepper,
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
            equations = replace(equations, stepper_of=carrying(problem.stepper, carried), _steppers={})
        towards = np.zeros(len(unknowns))
        towards[-1] = float(direction)
        return cls._from(problem, equations, Border.holding_parameter(unknowns), towards, carried, cost)

    @classmethod
    def across(cls, problem: BranchProblem, event: BranchEvent, distance: float) -> BranchWalk:
        """The walk into the branch that crosses at an event, from a distance on."""
        stepper = problem.stepper(event.parameter)
        origin = event.lifted if event.origin is None else event.origin
        equations = Equations(
            problem.stepper,
            Chart.of(stepper, origin),
            event.duration,
            event.parameter,
            problem.method.steps.unit,
            problem.method.symmetry,
            difference=problem.method.difference,
        )
        size, crossing, way = equations.chart.size, equations.start, np.zeros_like(equations.start)
        crossing[:size] = equations.chart.project((event.lifted - origin).ravel())
        way[:size] = equations.chart.project(event.direction.ravel())
        way = way * np.sign(distance) / np.linalg.norm(way)
        target = crossing + abs(distance) * way
        equations = equations.held_at(target)
        carried, cost = {}, Cost()
        for _ in range(0 if problem.method.carry is None else _ROUNDS):
            packed, spent = heal(equations, crossing, problem.of_points)
            carried, cost = dict(packed), cost + spent
            equations = replace(equations, stepper_of=carrying(problem.stepper, carried), _steppers={})
        border = Border(way, target)
        return cls._from(problem, equations, border, way, carried, cost)

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
        tangent = _along(found.way, towards) if found.way is not None else towards
        cost = cost + found.point.cost
        state = BranchState(
            point=replace(found.point, cost=cost),
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
            counts=_count(found.point.spectrum),
            replicas=found.equations.replicas or 0,
            heading=float(np.sign(tangent[-1])),
            last=_leaves(problem.method.span, found.point.parameter, tangent),
            spent=cost.micro_time,
        )
        return cls(problem, state, told=False)

    def __next__(self) -> BranchState:
        """The next point."""
        if self._state is None:
            raise StopIteration
        if self._first:
            self._first = False
            return self._state
        state, self._state = self._state, None
        if state.last:
            raise StopIteration
        if state.number + 1 >= self.problem.method.steps.points:
            self._stop(Status.FOLLOWED, "All the points that `steps` allows are made.")
        if self._spent >= self.problem.method.steps.budget:
            self._stop(Status.BUDGET)
        made = self._advance(state)
        self._spent += made.point.cost.micro_time
        self._state = replace(made, spent=self._spent)
        return self._state

    def _stop(self, status: Status, detail: str = "") -> None:
        self.status, self.detail = status, detail
        raise StopIteration

    def _advance(self, state: BranchState) -> BranchState:
        """The next point, by the longest step that succeeds."""
        steps = self.problem.method.steps
        step = min(max(state.step, _ERRORS * float(state.noise[-1])), steps.longest(state.point))
        why = Status.STUCK, ""
        while step >= steps.shortest:
            made = self._try(state, step)
            if isinstance(made, BranchState):
                return made
            why, step = made, step / 2
        self._stop(*why)
        raise AssertionError

    def _try(self, state: BranchState, step: float) -> BranchState | tuple[Status, str]:
        """A step, or what keeps it from being made."""
        equations = equations_of(self.problem, state)
        ahead = state.unknowns[-1] + step * state.tangent
        end = self._passed(equations, ahead)
        border = Border(state.tangent, ahead) if end is None else _closing(state, ahead, end)
        return self._solve(equations, state, border, step, last=end is not None)

    def _solve(
        self, equations: Equations, state: BranchState, border: Border, step: float, *, last: bool
    ) -> BranchState | tuple[Status, str]:
        """The point that a border closes in on, or what keeps it from being made."""
        place = equations.place(border.target)
        if not self.problem.method.inside(place.macro, place.parameter):
            return Status.BORDER, ""
        try:
            if self.problem.method.carry is not None and state.since + 1 >= self.problem.method.carry:
                state = self._carry(state, equations)
                equations = equations_of(self.problem, state)
        except (OutOfBoundsError, NotFiniteError) as error:
            return (Status.NOT_FINITE if isinstance(error, NotFiniteError) else Status.BORDER), str(error)
        found = find_point(self.problem, equations, border, border.target, state.matrix, self.problem.of_points)
        if found.point is None:
            self._fail(found)
            end = None if last else self._near(equations, state, step)
            if end is not None:  # what the solver was after may lie beyond it, where nobody is asked
                return self._solve(equations, state, _closing(state, border.target, end), step, last=True)
            if found.solved.status is Status.OUTSIDE:
                return Status.BORDER, found.solved.detail
            said = f"{found.solved.status.value} {found.solved.detail}".strip()
            return Status.STUCK, f"The last of the steps that were tried, {step:.3g}, ended so: {said}"
        if not self.problem.method.inside(found.point.macro, found.point.parameter):
            self._fail(found)
            return Status.BORDER, ""
        end = self._passed(equations, found.solved.unknowns)
        if end is not None and not last:  # the branch bends out of the span between the prediction and the point
            self._fail(found)
            border = _closing(state, found.solved.unknowns, end)
            return self._solve(equations, state, border, step, last=True)
        made = self._made(state, found, step, last)
        if made is None:
            self._fail(found)
            return Status.STUCK, f"It turns by more than {self.problem.method.steps.turn:g} radians within {step:.3g}."
        return made

    def _fail(self, found: Found) -> None:
        self.cost = self.cost + found.cost
        self._spent += found.cost.micro_time

    def _passed(self, equations: Equations, unknowns: Array) -> float | None:
        """The end of the parameter's span that some unknowns are at or beyond, in natural units; None within."""
        low, high = ((end - equations.parameter) / equations.unit for end in self.problem.method.span)
        return None if low < unknowns[-1] < high else low if unknowns[-1] <= low else high

    def _near(self, equations: Equations, state: BranchState, step: float) -> float | None:
        """The end of the parameter's span that the branch heads for, in natural units, if it is within a step."""
        here, rise = state.unknowns[-1, -1], state.tangent[-1]
        end = (self.problem.method.span[int(rise > 0)] - equations.parameter) / equations.unit
        return float(end) if rise and abs(end - here) <= step else None

    def _carry(self, state: BranchState, equations: Equations) -> BranchState:
        """With the population of this point, healed."""
        packed, cost = heal(equations, state.unknowns[-1], self.problem.of_points)
        self.cost = self.cost + cost
        self._spent += cost.micro_time
        return replace(state, carried=dict(packed), since=-1)

    def _made(self, state: BranchState, found: Found, step: float, last: bool) -> BranchState | None:
        """The state at a new point; None if the branch turns too much on the way there."""
        assert found.point is not None
        unknowns = np.vstack((state.unknowns, found.solved.unknowns))[-_HISTORY:]
        noise = np.append(state.noise, found.noise)[-_HISTORY:]
        way = _along(found.way, state.tangent if last else unknowns[-1] - unknowns[-2])
        tangent = _tangent(way, found.way_stderr, unknowns, noise)
        angle = acos(float(np.clip(tangent @ state.tangent, -1.0, 1.0)))
        steps = self.problem.method.steps
        if angle > steps.turn and not last:
            return None
        doubt = 0.0 if found.way_stderr is None else _DOUBT * float(found.way_stderr[-1])
        counts = _count(found.point.spectrum)
        candidate, heading, folded = _happened(state, float(way[-1]), doubt, counts, self.problem.of_cycles)
        longer = found.solved.iterations <= _QUICK and angle < steps.turn / 3
        shorter = angle > 2 * steps.turn / 3
        factor = _FACTOR if longer else 1 / _FACTOR if shorter else 1.0
        return replace(
            state,
            point=replace(found.point, parameter=self._end(found.point.parameter)) if last else found.point,
            number=state.number + 1,
            unknowns=unknowns,
            noise=noise,
            tangent=tangent,
            step=float(np.clip(step * factor, steps.shortest, steps.longest(found.point))),
            matrix=found.matrix,
            template=found.equations.place(found.solved.unknowns).macro,
            since=state.since + 1,
            counts=_known(counts, state.counts),
            heading=heading,
            folded=folded,
            candidate=candidate,
            replicas=found.equations.replicas or 0,
            last=last,
        )

    def _end(self, parameter: float) -> float:
        """The end of the span that a parameter is at, but for round-off."""
        return float(min(self.problem.method.span, key=lambda end: abs(end - parameter)))


def equations_of(problem: BranchProblem, state: BranchState) -> Equations:
    """The equations around the point of a state."""
    stepper_of = carrying(problem.stepper, state.carried) if state.carried else problem.stepper
    chart = Chart.of(stepper_of(state.parameter), state.origin)
    equations = Equations(
        stepper_of,
        chart,
        state.duration,
        state.parameter,
        problem.method.steps.unit,
        problem.method.symmetry,
        state.template,
        state.point.parameter,
        problem.method.difference,
    )
    return equations.with_replicas(state.replicas) if state.replicas else equations


def _along(way: Array | None, towards: Array) -> Array:
    """A way, turned round if it points away from another."""
    assert way is not None  # where it was differentiated
    return way if way @ towards >= 0 else -way


def _closing(state: BranchState, unknowns: Array, end: float) -> Border:
    """The end of the parameter's span, on the straight way from the last point to some unknowns beyond it."""
    last = state.unknowns[-1]
    target = last + (end - last[-1]) / (unknowns[-1] - last[-1]) * (unknowns - last)
    target[-1] = end
    return Border.holding_parameter(target)


def _leaves(span: tuple[float, float], parameter: float, tangent: Array) -> bool:
    """Whether the next step would leave the span: from its end, outwards."""
    return bool(parameter <= span[0] and tangent[-1] < 0) or bool(parameter >= span[1] and tangent[-1] > 0)


def _tangent(way: Array, stderr: Array | None, unknowns: Array, noise: Array) -> Array:
    """Where the branch goes: by its derivative, or where noise hides that by the direction of the last points.

    A parabola over the arclength, by least squares weighted by the noise; a line where there are few points.
    """
    known = stderr is not None and float(np.linalg.norm(stderr)) <= _HIDDEN
    if known or not noise.any() or len(unknowns) < _FITTED:
        return way
    along = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(unknowns, axis=0), axis=1))))
    along -= along[-1]
    degree = 2 if len(unknowns) > _FITTED else 1
    weights = 1 / np.maximum(noise, 1e-3 * noise.max(initial=1e-300))
    basis = np.vander(along / -along[0], degree + 1, increasing=True)
    slope = np.linalg.lstsq(weights[:, None] * basis, weights[:, None] * unknowns, rcond=None)[0][1]
    return np.asarray(slope / np.linalg.norm(slope))


def _count(spectrum: Spectrum | None) -> NDArray[np.int64]:
    """Real multipliers above 1 and below -1, and pairs outside the unit circle; -1 where one is too near to say."""
    if spectrum is None:
        return np.full(3, -1)
    values, doubt = spectrum.multipliers[spectrum.own], _DOUBT * spectrum.stderr[spectrum.own]
    real = np.abs(values.imag) < 1e-9
    kinds = real & (values.real > 0), real & (values.real < 0), values.imag >= 1e-9
    size = np.abs(values)
    hidden = np.abs(size - 1) <= doubt
    return np.array([-1 if (hidden & kind).any() else int((kind & (size > 1)).sum()) for kind in kinds])


def _known(counts: NDArray[np.int64], before: NDArray[np.int64]) -> NDArray[np.int64]:
    """Counts, those that are hidden as they were before."""
    return np.where(counts >= 0, counts, before)


def _happened(
    state: BranchState, rise: float, doubt: float, counts: NDArray[np.int64], cycle: bool
) -> tuple[str, float, bool]:
    """What happened since the last point; where the parameter goes, as last known for sure; what folds are owed.

    At a fold the parameter turns back and a real multiplier passes 1; where one passes without the other, it is a
    branch point. Noise may show the two at different points: a fold whose multiplier was not seen yet is owed one. Two
    real multipliers that meet outside the circle become a pair there: no pair has crossed then.
    """
    heading, turned = state.heading or float(np.sign(rise)), rise * state.heading < 0
    change = np.where((counts >= 0) & (state.counts >= 0), counts - state.counts, 0)
    above, below = change[:2] % 2
    met = int(np.trunc(change[:2] / 2).sum())
    unpaid = bool(above) != state.folded  # a multiplier without a fold, or a fold without its multiplier
    if turned and (abs(rise) > doubt or (bool(above) and unpaid)):
        return "fold", -heading, not unpaid
    if above and unpaid:
        return "branch point", heading, False
    if below:
        return "period doubling", heading, unpaid
    return ("torus" if cycle else "Hopf") if change[2] + met else "", heading, unpaid
