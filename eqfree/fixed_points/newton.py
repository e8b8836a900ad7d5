"""Newton's method for equations that are seen through noise: it knows when it can see no more."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, sqrt
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble import NotFiniteError
from eqfree.fields import OutOfBoundsError
from eqfree.fixed_points.equations import Residual
from eqfree.fixed_points.linear import Dense, Krylov, Linear, Problem
from eqfree.fixed_points.zero import zero_probability
from eqfree.results import Cost, Status

__all__ = ["Method", "Newton", "NewtonKrylov", "Solved"]

Array: TypeAlias = NDArray[np.float64]

_ZERO = 0.05  # probability below which a residual is not zero
_ERRORS = 2.0  # standard errors that the last step may be long
DOUBT = 0.25  # largest relative error of a derivative that is believed
_CONTRACTION = 0.5  # of a step over the one before, else the derivative is made anew
_HALVINGS = 6
_AGAIN = 3  # evaluations that may say so of a step within the noise before more replicas are asked
_MORE = 4  # times as many replicas where the noise is too large


@dataclass(frozen=True, eq=False)
class Solved:
    """Where a solver ended.

    Attributes
    ----------
    unknowns : (unknown,)
    residual
        At the unknowns, or a last step within the noise before them.
    deviations : (replica, unknown)
        By how much single replicas would have moved the solution: their spread over the square root of their number
        is its standard error.
    linear
        The derivative, as far as it is known.
    status, detail
        How it ended.
    iterations
        Evaluations.
    """

    unknowns: Array
    residual: Residual | None
    deviations: Array
    linear: Linear
    status: Status
    iterations: int
    replicas: int
    cost: Cost
    detail: str = ""

    @property
    def stderr(self) -> Array:
        """Of the unknowns, (unknown,); zero for a deterministic model."""
        if len(self.deviations) < 2:
            return np.zeros_like(self.unknowns)
        return np.asarray(self.deviations.std(axis=0, ddof=1) / sqrt(len(self.deviations)))


class Method(Protocol):
    """How coarse equations are solved."""

    def solve(self, problem: Problem, start: Array, linear: Linear | None = None) -> Solved:
        """The solution nearest to the start, or how far one came; ``linear`` is a derivative known before."""
        ...


@dataclass(frozen=True)
class Newton:
    """Newton's method with a dense derivative by coupled differences, kept up by Broyden's updates.

    δ = -A⁻¹F under one key. A deterministic model is solved until δ is shorter than ``tolerance``. A noisy one until F
    is zero as far as its covariance over replicas tells (Hotelling's T²) *and* δ is no longer than two of its own
    standard errors, those of A⁻¹ times the residuals of single replicas; δ is then taken: what remains is the noise.
    Where that is not reached, or the derivative drowns in its own noise, there are four times as many replicas, of
    which those that were there keep their noise.

    *How to choose.* Dense differences cost a burst (a noisy model: two) for every number of the macro state; below
    about 100 they are cheaper than products, unless the multipliers cluster.

    Parameters
    ----------
    tolerance
        Longest last step of a deterministic model, in units of the scales of the macro state.
    iterations
        Most evaluations.
    most_replicas
        Up to which the noise is fought; by default 16 times those of the stepper.
    longest
        Step, in the same units: a longer one is cut.

    Raises
    ------
    ValueError
        If one of these is not positive.

    Examples
    --------
    >>> Newton(tolerance=0.0)
    Traceback (most recent call last):
    ValueError: `tolerance` must be positive: got 0.0.
    """

    tolerance: float = 1e-8
    iterations: int = 30
    most_replicas: int | None = None
    longest: float = 0.5

    def __post_init__(self) -> None:
        check_options(self)

    def solve(self, problem: Problem, start: Array, linear: Linear | None = None) -> Solved:
        """The solution nearest to the start, or how far it came."""
        return _Run(problem, self, linear or Dense.unknown()).go(start, linear is not None)


@dataclass(frozen=True)
class NewtonKrylov:
    """Newton's method whose linear systems are solved by products with the derivative: for large macro states.

    As `Newton`; GMRES asks for products along a Krylov basis, 5 to 20 where the multipliers cluster. Standard errors
    are exact within the last basis; outside, disturbances are taken to die within the duration.

    Parameters
    ----------
    tolerance, iterations, most_replicas, longest
        As of `Newton`.
    linear_tolerance
        Of the linear systems: no tighter than the products are right.
    most_products
        In one linear system.

    Raises
    ------
    ValueError
        If one of these is not positive.

    Examples
    --------
    >>> NewtonKrylov(most_products=0)
    Traceback (most recent call last):
    ValueError: `most_products` must be positive: got 0.
    """

    tolerance: float = 1e-8
    iterations: int = 30
    most_replicas: int | None = None
    longest: float = 0.5
    linear_tolerance: float = 0.05
    most_products: int = 60

    def __post_init__(self) -> None:
        check_options(self)

    def solve(self, problem: Problem, start: Array, linear: Linear | None = None) -> Solved:
        """The solution nearest to the start, or how far it came."""
        return _Run(problem, self, Krylov(self.linear_tolerance, self.most_products)).go(start, False)


def check_options(options: object) -> None:
    """Refuse options that are not positive.

    >>> check_options(Newton())
    """
    for name, value in vars(options).items():
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"`{name}` must be positive: got {value}.")


@dataclass
class _Run:
    """One solution on its way."""

    problem: Problem
    options: Newton | NewtonKrylov
    linear: Linear
    cost: Cost = field(default_factory=Cost)
    evaluations: int = 0

    def go(self, start: Array, known: bool) -> Solved:
        self._reached: tuple[Array, Residual | None] = start, None
        try:
            return self._iterate(start, known)
        except (OutOfBoundsError, NotFiniteError) as error:
            return self._end(*self._reached, status_of(error), str(error))

    def _iterate(self, start: Array, known: bool) -> Solved:
        unknowns, before, again = start, inf, 0
        residual = self._look(unknowns)
        asked = self.problem.equations.asked or len(residual.samples)
        self._limit = self.options.most_replicas or 16 * asked
        while self.evaluations <= self.options.iterations:
            if not known:
                self._differentiate(unknowns, residual)
                known = True
            try:
                step = -self.linear.solve(self.problem.full(unknowns, residual))
            except np.linalg.LinAlgError:
                return self._end(unknowns, residual, Status.NO_STEADY_STATE, "The derivative was singular.")
            length = float(np.linalg.norm(step))
            settled = self._settled(residual, length)
            if settled and self._vanishes(residual):
                if self.linear.doubt <= DOUBT:
                    noisy = len(residual.samples) > 1  # without noise, the last look is to be that of the solution
                    return self._end(unknowns + step if noisy else unknowns, residual, Status.STEADY)
                if not self.linear.fresh:
                    known = False
                    continue
            drowned = self.linear.fresh and self.linear.doubt > DOUBT
            again = again + 1 if settled else 0  # the step is within the noise and the residual is not
            stalled = len(residual.samples) > 1 and (
                again > _AGAIN or (length > _CONTRACTION * before and self.linear.fresh and not settled)
            )
            if drowned or stalled:
                more = self._more(unknowns, len(residual.samples))
                if more is not None:
                    residual, known, before, again = more, False, inf, 0
                    continue
                if drowned:
                    return self._end(unknowns, residual, Status.DROWNED)
            if length > _CONTRACTION * before and not self.linear.fresh:
                known, before = False, inf
                continue
            moved = self._move(unknowns, step * min(1.0, self.options.longest / length))
            if isinstance(moved, Exception):
                return self._end(unknowns, residual, status_of(moved), str(moved))
            taken, after = moved
            self._learn(taken - unknowns, residual, after, taken)
            known = not isinstance(self.linear, Krylov)
            unknowns, residual, before = taken, after, length
        status = Status.NO_STEADY_STATE if len(residual.samples) == 1 else Status.NOISE
        return self._end(unknowns, residual, status, f"{self.evaluations} evaluations did not suffice.")

    def _look(self, unknowns: Array) -> Residual:
        self.evaluations += 1
        residual = self.problem.residual(unknowns)
        self.cost = self.cost + residual.look.cost
        self._reached = unknowns, residual
        return residual

    def _differentiate(self, unknowns: Array, residual: Residual) -> None:
        self.linear = self.linear.at(self.problem, unknowns, residual)
        self.cost = self.cost + self.linear.cost

    def _settled(self, residual: Residual, length: float) -> bool:
        """Whether a step is too short to be told from none."""
        if len(residual.samples) == 1:
            return length <= self.options.tolerance
        spread = self._deviations(residual).std(axis=0, ddof=1)
        stderr = float(np.linalg.norm(spread)) / sqrt(len(residual.samples))
        return length <= max(_ERRORS * stderr, self.options.tolerance)

    def _vanishes(self, residual: Residual) -> bool:
        """Whether the residual is zero, as far as its noise tells."""
        return len(residual.samples) == 1 or zero_probability(residual.samples) >= _ZERO

    def _deviations(self, residual: Residual) -> Array:
        return self.linear.solve(np.column_stack((residual.samples, np.zeros(len(residual.samples)))))

    def _more(self, unknowns: Array, replicas: int) -> Residual | None:
        """Four times as many replicas, if there may be so many."""
        if replicas == 1 or _MORE * replicas > self._limit:
            return None
        equations = self.problem.equations.with_replicas(_MORE * replicas)
        self.problem = type(self.problem)(equations, self.problem.border, self.problem.key)
        return self._look(unknowns)

    def _move(self, unknowns: Array, step: Array) -> tuple[Array, Residual] | Exception:
        """A step, or so much of it that a population has the state where it ends."""
        error: Exception | None = None
        for halving in range(_HALVINGS):
            taken = unknowns + step / 2**halving
            try:
                return taken, self._look(taken)
            except (OutOfBoundsError, NotFiniteError) as refusal:
                error = refusal
        assert error is not None
        return error

    def _learn(self, step: Array, before: Residual, after: Residual, unknowns: Array) -> None:
        """Broyden's update, unless what it would learn is noise."""
        change = self.problem.full(unknowns, after) - self.problem.full(unknowns - step, before)
        if isinstance(self.linear, Dense) and len(after.samples) > 1:
            surprise = float(np.linalg.norm(change - self.linear.matrix @ step))
            noise = float(np.linalg.norm((after.samples - before.samples).std(axis=0, ddof=1)))
            if surprise <= _ERRORS * noise / sqrt(len(after.samples)):
                self.linear = Dense(self.linear.matrix, self.linear.stderr, self.linear.slopes)
                return
        self.linear = self.linear.learn(step, change)

    def _end(self, unknowns: Array, residual: Residual | None, status: Status, detail: str = "") -> Solved:
        deviations, replicas = np.zeros((0, len(unknowns))), 1
        if residual is not None:
            replicas = len(residual.samples)
            if status is Status.STEADY and replicas > 1:
                deviations = self._deviations(residual)
        return Solved(
            unknowns, residual, deviations, self.linear, status, self.evaluations, replicas, self.cost, detail
        )


def status_of(error: Exception) -> Status:
    """How a solver ends whose micro-model refused a state, or made none.

    >>> status_of(NotFiniteError()).name
    'NOT_FINITE'
    """
    return Status.NOT_FINITE if isinstance(error, NotFiniteError) else Status.OUTSIDE
