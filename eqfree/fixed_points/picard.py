"""Fixed points of large states without a derivative: Anderson's mixing, and recursive projection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble import NotFiniteError
from eqfree.fields import OutOfBoundsError
from eqfree.fixed_points.equations import Residual
from eqfree.fixed_points.linear import Dense, Krylov, Linear, Problem
from eqfree.fixed_points.newton import DOUBT, Solved, check_options, status_of
from eqfree.fixed_points.zero import zero_probability
from eqfree.results import Cost, Status

__all__ = ["Anderson", "RecursiveProjection"]

Array: TypeAlias = NDArray[np.float64]

Inverse: TypeAlias = Callable[[Array], Array]

_ZERO, _ERRORS = 0.05, 2.0
_LINEAR, _PRODUCTS = 0.05, 60
_LONGEST, _HALVINGS = 0.5, 6  # of a step, as of Newton's method
_NOTHING = 1e-10


@dataclass(frozen=True)
class Anderson:
    """Anderson's mixing: the map is iterated, and what the last steps changed is extrapolated to zero.

    δ = F - (ΔU + ΔF) γ with γ the least squares of F by the last ΔF. No derivative is asked: one evaluation a step.
    Finds stable states, and unstable ones with few growing disturbances. It ends as `Newton` does, with the inverse
    that the last steps tell of.

    Parameters
    ----------
    depth
        Steps remembered: a few more than there are slow disturbances.
    tolerance, iterations
        As of `Newton`.

    Raises
    ------
    ValueError
        If one of these is not positive.

    References
    ----------
    D. G. Anderson, J. ACM 12 (1965) 547, doi:10.1145/321296.321305.

    Examples
    --------
    >>> import eqfree as ef
    >>> cosine = ef.micro_model(lambda u, rng: u, lambda u, t, rng: np.cos(u), lambda u: u, deterministic=True)
    >>> found = ef.find_fixed_point(ef.CoarseTimeStepper(cosine), [1.0], duration=1.0, method=Anderson())
    >>> found.macro.round(6)
    array([0.739085])
    """

    depth: int = 5
    tolerance: float = 1e-8
    iterations: int = 100

    def __post_init__(self) -> None:
        check_options(self)

    def solve(self, problem: Problem, start: Array, linear: Linear | None = None) -> Solved:
        """The solution that the iteration ends in, or how far it came."""
        walk = _Walk(problem, self.tolerance, self.iterations, start)
        steps: list[Array] = []
        changes: list[Array] = []
        try:
            while not walk.ended:
                value = walk.value
                if walk.take(partial(_mix, steps=steps[-self.depth :], changes=changes[-self.depth :])):
                    steps.append(walk.moved)
                    changes.append(walk.value - value)
        except (OutOfBoundsError, NotFiniteError) as error:
            walk.refuse(error)
        return walk.solved


@dataclass(frozen=True)
class RecursiveProjection:
    """The recursive projection method: Newton on the few slow directions, iteration of the map on all others.

    Wherever the iteration is slow, the basis of the slow directions grows by those in the span of what it still changes
    and of what the map makes of that, whose multipliers are larger than ``slow`` by two standard errors. A step costs
    one evaluation; where the basis grows, every direction in it costs one product, and two new ones are asked.

    Parameters
    ----------
    slow
        Size of a multiplier beyond which a direction is taken out of the iteration.
    most
        Directions that are taken out.
    tolerance, iterations
        As of `Newton`.

    Raises
    ------
    ValueError
        If one of these is not positive, or ``slow`` is not below 1.

    References
    ----------
    G. M. Shroff and H. B. Keller, SIAM J. Numer. Anal. 30 (1993) 1099, doi:10.1137/0730057.

    Examples
    --------
    >>> import eqfree as ef
    >>> grow = ef.micro_model(lambda u, rng: u, lambda u, t, rng: 3 * u - 1, lambda u: u, deterministic=True)
    >>> found = ef.find_fixed_point(ef.CoarseTimeStepper(grow), [0.6], duration=1.0, method=RecursiveProjection())
    >>> found.macro.round(6)
    array([0.5])
    """

    slow: float = 0.5
    most: int = 10
    tolerance: float = 1e-8
    iterations: int = 100

    def __post_init__(self) -> None:
        check_options(self)
        if not self.slow < 1:
            raise ValueError(f"`slow` must be below 1, or the iteration need not converge: got {self.slow}.")

    def solve(self, problem: Problem, start: Array, linear: Linear | None = None) -> Solved:
        """The solution that it ends in, or how far it came."""
        walk = _Walk(problem, self.tolerance, self.iterations, start)
        basis, products = np.empty((0, len(start) - 1)), np.empty((0, len(start) - 1))
        before = inf
        try:
            while not walk.ended:
                walk.take(partial(_project, basis=basis, products=products))
                size = float(np.linalg.norm(walk.value[:-1]))
                if not walk.ended and size > self.slow * before:
                    basis, products = self._grow(walk, basis)
                before = size
        except (OutOfBoundsError, NotFiniteError) as error:
            walk.refuse(error)
        except np.linalg.LinAlgError:
            walk.give_up("The derivative along the slow directions was singular.")
        return walk.solved

    def _grow(self, walk: _Walk, basis: Array) -> tuple[Array, Array]:
        """The basis with what is slow of two more directions, and the products along it, all where the walk is now.

        The two are what the iteration still changes, and what the map makes of that: a pair of complex multipliers
        lies in them as well as a real one.
        """
        products = [walk.product(direction) for direction in basis]
        basis = basis.copy()
        if len(basis) < min(self.most, basis.shape[1]):
            new, made = np.empty((0, basis.shape[1])), []
            direction = walk.value[:-1]
            for _ in range(2):
                known = np.vstack((basis, new))
                direction = direction - known.T @ (known @ direction)
                length = float(np.linalg.norm(direction))
                if length < _NOTHING or len(known) == basis.shape[1]:
                    break
                new = np.vstack((new, direction / length))
                made.append(walk.product(new[-1]))
                direction = made[-1].mean(axis=0) + new[-1]
            weights = self._slow(new, made)
            basis = np.vstack((basis, weights @ new))
            products += [np.einsum("d,dri->ri", row, np.array(made)) for row in weights]
        return basis, np.array([one.mean(axis=0) for one in products]).reshape(basis.shape)

    def _slow(self, directions: Array, products: list[Array]) -> Array:
        """Which combinations (new, direction) of some directions have multipliers beyond ``slow``, for sure."""
        if not products:
            return np.empty((0, 0))
        samples = np.einsum("dri,ei->rde", np.array(products), directions) + np.eye(len(directions))
        values, vectors = np.linalg.eig(samples.mean(axis=0).T)
        stderr = samples.std(axis=0, ddof=1).max() / sqrt(len(samples)) if len(samples) > 1 else 0.0
        slow = np.abs(values) - _ERRORS * stderr > self.slow
        if not slow.any():
            return np.empty((0, len(directions)))
        chosen = vectors[:, slow]
        spanned, sizes, _ = np.linalg.svd(np.hstack((chosen.real, chosen.imag)), full_matrices=False)
        return np.asarray(spanned[:, sizes > _NOTHING].T)


class _Walk:
    """An iteration on its way, which ends where the noise or the tolerance ends it."""

    def __init__(self, problem: Problem, tolerance: float, iterations: int, start: Array) -> None:
        if not problem.border.holds_parameter or problem.equations.symmetry is not None:
            raise ValueError(
                "`Anderson` and `RecursiveProjection` find steady states at one parameter: got a branch or a wave. "
                "Take `Newton` or `NewtonKrylov` there."
            )
        self._problem, self._tolerance, self._iterations = problem, tolerance, iterations
        self._cost, self._evaluations = Cost(), 0
        self._unknowns = start
        self.moved = np.zeros_like(start)
        self.solved: Solved
        self.ended = False
        self._residual: Residual | None = None
        try:
            self._look(start)
        except (OutOfBoundsError, NotFiniteError) as error:
            self.refuse(error)

    @property
    def value(self) -> Array:
        """The equations and the border, (row,)."""
        assert self._residual is not None
        return self._problem.full(self._unknowns, self._residual)

    def product(self, direction: Array) -> Array:
        """The derivative of the equations along a direction of the macro state, (replica, row)."""
        assert self._residual is not None
        equations = self._problem.equations
        samples, cost = equations.along(self._unknowns, self._residual, direction, self._problem.key)
        self._cost = self._cost + cost
        return samples

    def take(self, inverse: Inverse) -> bool:
        """A step, minus the inverse of the equations; False where the walk ended instead."""
        assert self._residual is not None
        step, samples = inverse(self.value), self._residual.samples
        deviations = np.zeros((0, len(step)))
        done = self._within(step, inverse)
        if done and len(samples) > 1:  # what the noise amounts to takes the derivative, which the steps do not know
            linear = Krylov(_LINEAR, _PRODUCTS).at(self._problem, self._unknowns, self._residual)
            self._cost = self._cost + linear.cost
            step = -linear.solve(self.value)
            done = self._within(step, lambda rows: -linear.solve(rows))
            deviations = linear.solve(np.column_stack((samples, np.zeros(len(samples)))))
            if done and linear.doubt > DOUBT:
                self._end(self._unknowns, deviations, Status.DROWNED)
                return False
        if done:
            noisy = len(samples) > 1  # without noise, the last look is to be that of the solution
            self._end(self._unknowns + step if noisy else self._unknowns, deviations, Status.STEADY)
        elif self._evaluations >= self._iterations:
            status = Status.NO_STEADY_STATE if len(samples) == 1 else Status.NOISE
            self._end(self._unknowns, deviations, status, f"{self._evaluations} evaluations did not suffice.")
        else:
            self._move(step * min(1.0, _LONGEST / float(np.linalg.norm(step))))
        return not self.ended

    def _move(self, step: Array) -> None:
        """A step, or so much of it that a population has the state where it ends."""
        start = self._unknowns
        for halving in range(_HALVINGS):
            try:
                self._look(start + step / 2**halving)
            except (OutOfBoundsError, NotFiniteError):
                if halving == _HALVINGS - 1:
                    raise
            else:
                self.moved = step / 2**halving
                return

    def refuse(self, error: Exception) -> None:
        """The end where the micro-model makes no macro state."""
        self._end(self._unknowns, np.zeros((0, len(self._unknowns))), status_of(error), str(error))

    def give_up(self, detail: str) -> None:
        """The end where no step can be had."""
        self._end(self._unknowns, np.zeros((0, len(self._unknowns))), Status.NO_STEADY_STATE, detail)

    def _within(self, step: Array, inverse: Inverse) -> bool:
        """Whether a step is too short to be told from none."""
        assert self._residual is not None
        samples, length = self._residual.samples, float(np.linalg.norm(step))
        if len(samples) == 1:
            return length <= self._tolerance
        spread = inverse(np.column_stack((samples, np.zeros(len(samples))))).std(axis=0, ddof=1)
        stderr = float(np.linalg.norm(spread)) / sqrt(len(samples))
        return length <= max(_ERRORS * stderr, self._tolerance) and zero_probability(samples) >= _ZERO

    def _look(self, unknowns: Array) -> None:
        self._evaluations += 1
        self._residual = self._problem.residual(unknowns)
        self._unknowns = unknowns
        self._cost = self._cost + self._residual.look.cost

    def _end(self, unknowns: Array, deviations: Array, status: Status, detail: str = "") -> None:
        replicas = 1 if self._residual is None else len(self._residual.samples)
        self.ended = True
        self.solved = Solved(
            unknowns,
            self._residual,
            deviations,
            Dense.unknown(),
            status,
            self._evaluations,
            replicas,
            self._cost,
            detail,
        )


def _mix(rows: Array, steps: list[Array], changes: list[Array]) -> Array:
    """Minus the inverse of rows (..., row), as far as the last steps and what they changed tell of it."""
    if not steps:
        return rows
    moved, changed = np.array(steps), np.array(changes)
    weights = np.linalg.lstsq(changed.T, rows.T, rcond=1e-12)[0].T
    return np.asarray(rows - weights @ (moved + changed))


def _project(rows: Array, basis: Array, products: Array) -> Array:
    """Minus the inverse of rows (..., row): Newton within the basis, the rows themselves without."""
    values = rows[..., :-1]
    within = values @ basis.T
    small = products @ basis.T  # (direction, direction): row i is what direction i does, within the basis
    slow = -np.linalg.solve(small.T, within.T).T @ basis if len(basis) else 0 * values
    fast = values - within @ basis
    return np.concatenate((slow + fast, rows[..., -1:]), axis=-1)
