"""A point of a branch: solved for, differentiated, and read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.continuation.problem import BranchProblem
from eqfree.ensemble import Key, NotFiniteError
from eqfree.fields import OutOfBoundsError
from eqfree.fixed_points import Newton, NewtonKrylov
from eqfree.fixed_points.driver import HealedState
from eqfree.fixed_points.equations import Equations, Residual, Slopes
from eqfree.fixed_points.linear import Border, Dense, Krylov, Problem
from eqfree.fixed_points.newton import Solved, status_of
from eqfree.results import BranchPoint, Cost, Spectrum, Status
from eqfree.stability import coarse_multipliers

__all__ = ["Found", "find_point", "heal", "null_vector"]

Array: TypeAlias = NDArray[np.float64]

_SEEN = 1e-300  # of all unknowns, by a border that holds the parameter: its column is then asked for
_EXACT = 1e-4  # of the linear system for a way without noise: the sign of its last number tells a fold


@dataclass(frozen=True, eq=False)
class Found:
    """A point that was solved for, or the failure to do so.

    Attributes
    ----------
    solved
        How the solver ended; the rest is there only where it ended in a steady state.
    equations
        With as many replicas as were needed.
    deviations : (replica, unknown)
        By how much single replicas would have moved it.
    way, way_stderr : (unknown,)
        Where the branch goes by its derivative, of unit length, along the border's row; and the standard error of that.
    """

    solved: Solved
    equations: Equations
    point: BranchPoint | None = None
    slopes: Slopes | None = None
    deviations: Array | None = None
    way: Array | None = None
    way_stderr: Array | None = None

    @property
    def matrix(self) -> Array:
        """The derivative of the equations, as far as it is known; empty if it is not."""
        if self.slopes is not None:
            return self.slopes.matrix
        return self.solved.linear.matrix[:-1] if isinstance(self.solved.linear, Dense) else np.empty((0, 0))

    @property
    def noise(self) -> float:
        """How far it may be off, in natural units."""
        if self.deviations is None or len(self.deviations) < 2:
            return 0.0
        spread = self.deviations.std(axis=0, ddof=1) / np.sqrt(len(self.deviations))
        return float(np.linalg.norm(spread))

    @property
    def cost(self) -> Cost:
        """Of all."""
        return self.solved.cost if self.point is None else self.point.cost


def find_point(
    problem: BranchProblem,
    equations: Equations,
    border: Border,
    start: Array,
    matrix: Array,
    key: Key,
    *,
    differentiate: bool = True,
    way: bool = True,
) -> Found:
    """The point of the branch that the border closes in on, with derivative and multipliers unless told otherwise.

    ``matrix`` (row, unknown) is the derivative nearby, or empty; ``way`` says whether that of the branch is wanted.
    """
    here = Problem(equations, border, key)
    known = (
        Dense(np.vstack((matrix, border.row)), np.zeros_like(np.vstack((matrix, border.row)))) if len(matrix) else None
    )
    solved = problem.method.solver.solve(here, start, known)
    if solved.status is not Status.STEADY:
        return Found(solved, equations)
    if solved.replicas > 1 and solved.replicas != equations.stepper(equations.parameter).replicas:
        equations = equations.with_replicas(solved.replicas)
        here = replace(here, equations=equations)
    try:
        return _told(problem, here, solved, differentiate, way)
    except (OutOfBoundsError, NotFiniteError) as error:  # of a population beside the point
        return Found(replace(solved, status=status_of(error), detail=str(error)), equations)


def _told(problem: BranchProblem, here: Problem, solved: Solved, differentiate: bool, wanted: bool) -> Found:
    """A point that was solved for, read and differentiated."""
    equations, border, key = here.equations, here.border, here.key
    healed = HealedState.of(here, solved)
    cost, slopes, deviations = solved.cost + healed.cost, None, solved.deviations
    if differentiate and isinstance(problem.method.solver, Newton):
        slopes = equations.slopes(solved.unknowns, healed.residual, key)
        cost = cost + slopes.cost
        if len(deviations) > 1:
            rows = np.column_stack((healed.residual.samples, np.zeros(len(deviations))))
            deviations = Dense.of(slopes, border).solve(rows)
            healed = healed.told_by(equations, deviations, slopes)
    told = (
        _spectrum(problem, equations, solved.unknowns, slopes, key)
        if differentiate and problem.method.multipliers
        else None
    )
    if told is not None:
        cost = cost + told.cost
    way, way_stderr = None, None
    held = equations.held_at(solved.unknowns) if wanted else equations  # as the next point will be
    if slopes is not None:
        way, way_stderr = _null_vector(held.along_template(slopes.matrix), slopes.stderr, border.row)
    elif differentiate and wanted and isinstance(problem.method.solver, NewtonKrylov):
        way, spent = _krylov_way(replace(here, equations=held), solved.unknowns, healed.residual, problem.method.solver)
        cost = cost + spent
    point = _read(problem, equations, healed, deviations, told, cost)
    return Found(solved, equations, point, slopes, deviations, way, way_stderr)


def heal(equations: Equations, unknowns: Array, key: Key) -> tuple[Mapping[str, NDArray[Any]], Cost]:
    """The population of one replica after healing, packed."""
    place = equations.place(unknowns)
    stepper = equations.stepper(place.parameter).with_replicas(1)
    packed, reading = stepper.advance(stepper.lift(place.macro, key), stepper.healing, key)
    return packed[0], reading.cost


def null_vector(matrix: Array, towards: Array) -> Array:
    """The unit vector that a matrix (row, row + 1) does not see, pointing towards another.

    >>> null_vector(np.array([[1.0, 0.0]]), towards=np.array([0.0, -1.0])).tolist()
    [-0.0, -1.0]
    """
    vector = np.linalg.svd(matrix)[2][-1]
    return np.asarray(vector if vector @ towards >= 0 else -vector)


def _null_vector(matrix: Array, stderr: Array, towards: Array) -> tuple[Array, Array]:
    """The way of a branch by its derivative, and what the noise of the derivative makes of it."""
    way = null_vector(matrix, towards)
    inverse = np.linalg.pinv(np.vstack((matrix, way)))[:, :-1]
    return way, np.asarray(np.sqrt(inverse**2 @ (stderr**2 @ way**2)))


def _krylov_way(here: Problem, unknowns: Array, residual: Residual, solver: NewtonKrylov) -> tuple[Array, Cost]:
    """The way of a branch by products with its derivative: what the equations do not see, and the border does."""
    row = here.border.row + _SEEN * here.border.holds_parameter
    ahead = replace(here, border=Border(row, unknowns - row / (row @ row)))
    wanted = np.zeros(len(row))
    wanted[-1] = ahead.border.value(unknowns)
    tolerance = solver.linear_tolerance if len(residual.samples) > 1 else min(_EXACT, solver.linear_tolerance)
    linear = Krylov(tolerance, solver.most_products).at(ahead, unknowns, residual, wanted=wanted)
    way = linear.solve(wanted)
    return np.asarray(way / np.linalg.norm(way)), linear.cost


def _spectrum(
    problem: BranchProblem, equations: Equations, unknowns: Array, slopes: Slopes | None, key: Key
) -> Spectrum:
    place = equations.place(unknowns)
    if slopes is not None:
        return slopes.pencil.spectrum(equations.chart, place.duration, problem.method.multipliers, slopes.drift, Cost())
    return coarse_multipliers(
        equations.stepper(place.parameter),
        place.macro,
        place.duration,
        problem.method.multipliers,
        key,
        symmetry=problem.method.symmetry,
        difference=problem.method.difference,
    )


def _read(
    problem: BranchProblem,
    equations: Equations,
    healed: HealedState,
    deviations: Array,
    spectrum: Spectrum | None,
    cost: Cost,
) -> BranchPoint:
    place, shape = equations.place(healed.unknowns), equations.chart.origin.shape
    macro = healed.macro.reshape(shape)
    parameters = -equations.unit * deviations[:, -1] if len(deviations) > 1 else np.zeros(1)
    value, stderr, covariance = problem.method.read(macro, healed.samples, parameters)
    count = len(parameters)
    return BranchPoint(
        parameter=place.parameter,
        parameter_stderr=float(parameters.std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0,
        macro=macro,
        stderr=healed.stderr.reshape(shape),
        lifted=place.macro,
        duration=place.duration,
        measure=value,
        measure_stderr=stderr,
        covariance=covariance,
        spectrum=spectrum,
        cost=cost,
    )
