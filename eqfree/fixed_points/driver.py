"""The driver of fixed points: one solution a set of random numbers, and what their spread says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.coarse_map import Chart, Symmetry, check_map
from eqfree.ensemble import Key, NotFiniteError
from eqfree.fields import OutOfBoundsError, check_bounds, short
from eqfree.fixed_points.equations import Equations, Residual, Slopes
from eqfree.fixed_points.linear import Border, Dense, Problem
from eqfree.fixed_points.newton import Method, Newton, Solved, status_of
from eqfree.micro import has
from eqfree.results import Cost, FixedPoint, Status
from eqfree.stepper import CoarseTimeStepper

__all__ = ["HealedState", "find_fixed_point"]

Array: TypeAlias = NDArray[np.float64]

_SETS = 4
_DOUBTED, _UNLIKELY = 0.05, 1e-3  # probability below which a prediction of noise is not used, and is spoken of


def find_fixed_point(
    stepper: CoarseTimeStepper,
    macro0: ArrayLike,
    duration: float,
    key: Key = (),
    *,
    method: Method | None = None,
    key_sets: int = _SETS,
    symmetry: Symmetry | None = None,
    difference: float | None = None,
) -> FixedPoint:
    """A macro state that the unknown equation leaves as it is, stable or not.

    M(healing + duration) U = M(healing) U, by Newton's method under one key, again under other keys: with one key the
    residual goes to zero by construction, and only the spread over sets of random numbers is evidence. Totals that the
    model conserves stay those of ``macro0``. A model whose noise does not follow the key is solved too: standard errors
    come from replicas and not from what the key promises.

    *How to choose.* ``duration``: the noise grows as one over it; so long that what relaxes has visibly relaxed, and no
    longer than paths under one key stay together. The stepper's ``healing``: `sweep_healing` shows from which on the
    answer stays. ``key_sets``: their spread is what the standard error is
    held against; where it decides, four give intervals of 3.2 standard errors, five of 2.8.

    Parameters
    ----------
    stepper
        With its healing.
    macro0
        Where to start, (...).
    duration
        Between the two readings of a burst; with a symmetry, a guess at the period.
    key
        Which noise; set ``i`` uses ``(*key, i)``.
    method
        `eqfree.fixed_points.Newton` by default; `NewtonKrylov`, `RecursiveProjection` and `Anderson` are for large
        states.
    key_sets
        How many sets of random numbers; a deterministic model has one.
    symmetry
        Looks for a wave: a state that is itself, turned, a period later, which is then an unknown.
    difference
        As in `CoarseMap`.

    Returns
    -------
    FixedPoint
        With its standard error: what replicas and derivative predict, as long as the spread of the sets bears it out;
        otherwise that spread, over the square root of their number. ``detail`` says so where it is far larger.

    Raises
    ------
    ValueError
        For a macro state that cannot be lifted, a duration that is not positive, less than one key set (two for a noisy
        model), or a noisy model with fewer than 8 replicas.

    References
    ----------
    Marschler, Sieber, Berkemer, Kawamoto & Starke, SIAM J. Appl. Dyn. Syst. 13 (2014) 1202.

    Examples
    --------
    >>> import eqfree as ef
    >>> logistic = ef.micro_model(
    ...     lambda u, rng: u, lambda u, t, rng: u / (u + (1 - u) * np.exp(-t)), lambda u: u, deterministic=True
    ... )
    >>> found = ef.find_fixed_point(ef.CoarseTimeStepper(logistic), [0.7], duration=0.5)
    >>> found.success, found.macro.round(6)
    (True, array([1.]))
    """
    check_map(stepper, duration, symmetry)
    state = np.array(macro0, dtype=np.float64)
    check_bounds(stepper.fields, state)
    solver = Newton() if method is None else method
    if isinstance(solver, type) or not has(solver, "solve"):
        raise ValueError(f"`method` must be one of `eqfree.fixed_points`, such as Newton(): got {short(method)}.")
    least = 1 if stepper.deterministic else 2
    if key_sets < least:
        raise ValueError(f"`key_sets` must be at least {least}, so that they have a spread: got {key_sets}.")
    equations = Equations(
        lambda _: stepper, Chart.of(stepper, state), float(duration), symmetry=symmetry, difference=difference
    )
    start, cost, iterations = equations.start, Cost(), 0
    healed: list[HealedState] = []
    for number in range(1 if stepper.deterministic else key_sets):
        problem = Problem(equations, Border.holding_parameter(start), (*key, number))
        solved = solver.solve(problem, start)
        cost, iterations = cost + solved.cost, iterations + solved.iterations
        if solved.status is not Status.STEADY:
            return _failed(equations, solved, cost, iterations, stepper)
        if solved.replicas > stepper.replicas:
            equations = equations.with_replicas(solved.replicas)
        if symmetry is not None and equations.stands(solved.unknowns):
            return _failed(equations, replace(solved, status=Status.NO_WAVE), cost, iterations, stepper)
        try:
            healed.append(HealedState.of(replace(problem, equations=equations), solved))
        except (OutOfBoundsError, NotFiniteError) as error:  # a last step within the noise led there
            refused = replace(solved, status=status_of(error), detail=str(error))
            return _failed(equations, refused, cost, iterations, stepper)
        cost = cost + healed[-1].cost
        start = np.mean([one.unknowns for one in healed], axis=0)
    return _combined(equations, healed, cost, iterations, stepper)


@dataclass(frozen=True, eq=False)
class HealedState:
    """The macro state that a solution is read as, after healing, with what the noise of its replicas makes of it.

    Attributes
    ----------
    unknowns : (unknown,)
    residual
        At the solution.
    samples : (replica, number)
        What single replicas would have it be.
    periods : (replica,)
        And the period.
    cost
        Of the reading.
    """

    unknowns: Array
    residual: Residual
    samples: Array
    periods: Array
    cost: Cost

    @classmethod
    def of(cls, problem: Problem, solved: Solved) -> HealedState:
        """Read once more at the solution; a deterministic one is known already."""
        assert solved.residual is not None  # it was solved
        if len(solved.deviations) < 2:
            healed = solved.residual.look.healed
            return cls(solved.unknowns, solved.residual, healed, np.zeros(1), Cost())
        residual = problem.residual(solved.unknowns)
        slopes = solved.linear.slopes if isinstance(solved.linear, Dense) else None
        read = cls(solved.unknowns, residual, residual.look.healed, np.zeros(1), residual.look.cost)
        return read.told_by(problem.equations, solved.deviations, slopes)

    def told_by(self, equations: Equations, deviations: Array, slopes: Slopes | None) -> HealedState:
        """With replicas that would have moved the solution by their deviations (replica, unknown).

        Without slopes, healing is taken to leave the slow directions as they are.
        """
        size = equations.chart.size
        moved = -deviations[:, :size]
        if slopes is not None:
            moved = moved @ slopes.pencil.healed.mean(axis=0).T
        periods = -deviations[:, size] if equations.symmetry is not None else np.zeros(len(moved))
        samples = self.residual.look.healed + equations.chart.change(moved)
        return replace(self, samples=samples, periods=periods * equations.duration)

    @property
    def macro(self) -> Array:
        """Flattened, (number,)."""
        return np.asarray(self.residual.look.healed.mean(axis=0))

    @property
    def stderr(self) -> Array:
        """As the replicas have it, (number,)."""
        if len(self.samples) < 2:
            return np.zeros_like(self.macro)
        return np.asarray(self.samples.std(axis=0, ddof=1) / sqrt(len(self.samples)))


def _failed(
    equations: Equations, solved: Solved, cost: Cost, iterations: int, stepper: CoarseTimeStepper
) -> FixedPoint:
    place = equations.place(solved.unknowns)
    nothing = np.full(place.macro.shape, np.nan)
    residual = nothing if solved.residual is None else _change(equations, solved.residual)
    return FixedPoint(
        macro=place.macro,
        stderr=nothing,
        lifted=place.macro,
        residual=residual,
        estimates=place.macro[np.newaxis],
        predicted=nothing,
        status=solved.status,
        duration=place.duration,
        replicas=solved.replicas,
        iterations=iterations,
        cost=cost,
        detail=solved.detail,
        fields=stepper.fields,
    )


def _combined(
    equations: Equations, healed: list[HealedState], cost: Cost, iterations: int, stepper: CoarseTimeStepper
) -> FixedPoint:
    shape, count = equations.chart.origin.shape, len(healed)
    estimates = np.array([one.macro for one in healed])
    predicted = np.sqrt(np.mean([one.stderr**2 for one in healed], axis=0))
    unknowns = np.mean([one.unknowns for one in healed], axis=0)
    spread = estimates.std(axis=0, ddof=1) if count > 1 else predicted
    place = equations.place(unknowns)
    periods = np.array([equations.place(one.unknowns).duration for one in healed])
    told = float(np.mean([one.periods.var(ddof=1) / len(one.periods) for one in healed])) if count > 1 else 0.0
    replicas = [len(one.samples) for one in healed]
    agree = _surprise(spread, predicted, count) >= _DOUBTED
    one_set = predicted if agree else np.maximum(spread, predicted)
    period = told if agree or count < 2 else max(told, float(periods.var(ddof=1)))
    return FixedPoint(
        macro=estimates.mean(axis=0).reshape(shape),
        stderr=one_set.reshape(shape) / sqrt(count),
        lifted=place.macro,
        residual=_change(equations, healed[-1].residual),
        estimates=estimates.reshape(count, *shape),
        predicted=predicted.reshape(shape),
        status=Status.STEADY,
        duration=float(periods.mean()),
        period_stderr=sqrt(period / count),
        replicas=replicas[-1],
        iterations=iterations,
        cost=cost,
        degrees=inf if stepper.deterministic else sum(replicas) - count if agree else count - 1,
        detail=_disagreement(spread, predicted, count),
        fields=stepper.fields,
    )


def _change(equations: Equations, residual: Residual) -> Array:
    """By how much the macro state still changes."""
    size = equations.chart.size
    return equations.chart.change(residual.mean[:size]).reshape(equations.chart.origin.shape)


def _surprise(spread: Array, predicted: Array, count: int) -> float:
    """How probable so large a spread of the sets is, if their replicas predict it right."""
    from scipy.special import chdtrc

    if count < 2 or not predicted.any():
        return 1.0
    return float(chdtrc(count - 1, (count - 1) * (spread**2).sum() / (predicted**2).sum()))


def _disagreement(spread: Array, predicted: Array, count: int) -> str:
    """A sentence where the sets of random numbers differ by more than their replicas predict."""
    if _surprise(spread, predicted, count) >= _UNLIKELY:
        return ""
    ratio = sqrt(float((spread**2).sum() / (predicted**2).sum()))
    return (
        f"The sets of random numbers differ by {ratio:.2g} times what their replicas predict: a standard error from "
        "few sets is all there is. Raise `key_sets`, or `replicas`."
    )
