"""Adaptive projective integration: the leap for the truncation error, the replicas for the statistical one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import copysign
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import NotFiniteError
from eqfree.fields import OutOfBoundsError
from eqfree.projective.bursts import Bursts
from eqfree.projective.estimators import Estimate
from eqfree.projective.groups import mean, stderr
from eqfree.projective.runge_kutta import Scheme
from eqfree.projective.state import ProjectiveState, Step
from eqfree.results import Cost

__all__ = ["Adaptive"]

Array: TypeAlias = NDArray[np.float64]

_SURE = 2.0  # standard errors from which on an estimated truncation error is taken for one
_SAFETY = 0.9  # of the step that the estimate allows
_SHORTEST, _LONGEST = 0.2, 3.0  # changes of a step
_AFTER_PLAIN = 2.0  # change of a step after one that was simulated plainly
_TINY = 1e-12  # the least ratio of an estimate to what is allowed
_MOST = 8  # by what factor the replicas change at most from step to step
_LEAST = 2  # replicas in a group: their spread says how many there should be


@dataclass(frozen=True, eq=False)
class Adaptive:
    """A projective scheme whose step follows its truncation error, and whose replicas follow its statistical error.

    The two are controlled apart and told apart. Of the wanted error, the `Trajectory` may have ``share`` by truncation
    and ``sqrt(1 - share**2)`` by noise.

    *Truncation.* The embedded scheme of ``method`` estimates what a step errs. A step is repeated shorter where the
    estimate is above its part of the share by two standard errors of its own, its part being the step's part of the
    time span, and the next one is longer where it is below by as many: a large estimate that may be noise shortens
    nothing. All stages of a step have the same noise, most of which cancels in the estimate. It is that of the
    embedded, less accurate scheme: the trajectory is better. What steps err is added up as if the flow carried it
    along unchanged: where it stretches differences, as x' = x does, the error at the end is larger than the tolerance
    by as much. A step into what no population can be, or the model cannot compute, is repeated shorter.

    *Noise.* The replicas of a step are so many that the variance of the trajectory, by the spread of its groups, grows
    in proportion to time towards its share. How much noise a step adds is seen from its single replicas. Where it is
    twice what was allowed, the step is repeated with more of them; those that were there keep their noise.

    *How to choose.* ``tolerance``: one that exceeds burst², which correction of slopes leaves. ``method``: its ``step``
    is the first one tried, the stepper's replicas the first number. A budget where the noise is unknown: replicas go
    with ``tolerance**-2``. Noise that the flow will stretch later is not foreseen: the standard error then says so.

    Parameters
    ----------
    method
        A scheme with embedded weights: `Embedded32`, `Embedded54`, or a `RungeKutta` with such a tableau.
    tolerance
        The error that is wanted at the end of the time span, in units of the macro state; one for all its numbers, or
        an array that fits its shape, infinite for a number whose error does not matter.
    budget
        ``bursts`` or ``micro_time`` of it, or both: no step begins that would exceed them, and what was computed within
        them is kept, with `Status.BUDGET`. A preliminary burst comes first, and is made in any case; the bursts that
        locate events come on top.
    share
        Of the tolerance, for truncation.

    Raises
    ------
    ValueError
        For a scheme whose embedded weights tell no error, a tolerance that is not positive, a share that is none, or a
        budget of anything else.

    References
    ----------
    J. Koellermeier and G. Samaey, J. Comput. Appl. Math. 454 (2025) 116147, arXiv:2210.08302, for embedded pairs over
    bursts; E. Hairer, S. P. Norsett and G. Wanner, Solving Ordinary Differential Equations I, section II.4, for steps.

    Examples
    --------
    >>> import eqfree as ef
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> method = Adaptive(ef.projective.Embedded32(step=0.5, burst=0.001), tolerance=1e-4)
    >>> result = ef.solve_projective(ef.CoarseTimeStepper(decay), (0.0, 2.0), [1.0], method)
    >>> bool(abs(result.macro[-1, 0] - np.exp(-2.0)) < 1e-4)
    True
    """

    method: Scheme
    tolerance: ArrayLike
    budget: Cost | None = None
    share: float = 0.5

    def __post_init__(self) -> None:
        tableau = getattr(self.method, "coefficients", None)
        if tableau is None or tableau.embedded is None:
            raise ValueError(
                f"`method` must have embedded weights, as Embedded32 has: got {type(self.method).__name__}."
            )
        if tableau.order < 2:
            raise ValueError(
                f"`method` must be of order 2 or more, so that its embedded scheme has one: got order {tableau.order}."
            )
        if np.array_equal(tableau.embedded, tableau.weights):
            raise ValueError(f"The embedded weights of `method` must differ from its own: got {tableau.weights} twice.")
        if not (np.asarray(self.tolerance) > 0).all():
            raise ValueError(f"`tolerance` must be positive: got {self.tolerance!r}.")
        if self.budget is not None:
            limits, others = (self.budget.bursts, self.budget.micro_time), (self.budget.agent_updates, self.budget.wall)
            if not max(limits) > 0 or any(others):
                raise ValueError(f"`budget` must limit bursts or micro_time, and nothing else: got {self.budget}.")
        if not 0 < self.share < 1:
            raise ValueError(f"`share` must lie between 0 and 1: got {self.share}.")

    @property
    def order(self) -> int:
        """That of the scheme."""
        return self.method.order

    @property
    def step(self) -> float:
        """The first one tried."""
        return self.method.step

    def look(self, bursts: Bursts, state: ProjectiveState) -> Estimate:
        """The slope at a state."""
        return self.method.look(bursts, state)

    def advance(self, bursts: Bursts, state: ProjectiveState, duration: float) -> Step:
        """A step of the length and the replicas that the errors ask for, no longer than ``duration``."""
        if not state.exact and len(state.sizes) < 2:
            raise ValueError("Noise is controlled by the spread of two `groups` or more: got 1.")
        self._check_tolerance(state.groups.shape[1:])
        sizes = state.sizes if state.exact else np.full(len(state.sizes), max(_LEAST, state.sizes.max()))
        length, usual = duration, state.step or self.step
        while not self._exceeds(state.cost + bursts.cost, sizes):
            bursts.again(sizes)
            try:
                trial = self.method.advance(bursts, state, length)
                bursts.check(trial.groups)
            except (NotFiniteError, OutOfBoundsError):
                if abs(length) <= self._shortest:
                    raise
                length = self._shorter(length, _SHORTEST)
                continue
            truncation, factor = self._truncation(state, trial, sizes)
            if factor < 1:
                length = self._shorter(length, factor)
                continue
            noise, wanted = self._noise(state, trial)
            if wanted > 2 * sizes.sum():
                sizes = _sizes(wanted, sizes)
                continue
            longer = abs(length) * factor
            proposed = max(longer, usual) if length == duration else longer
            following = min(proposed, abs(state.span[1] - state.time - length))
            return replace(
                trial,
                truncation=truncation,
                proposed=proposed,
                sizes=self._next_sizes(state, trial, sizes, noise * (following / length) ** 2, following),
            )
        return Step(0.0, state.groups, spent=True)

    @property
    def _shortest(self) -> float:
        """The time that the bursts of a step cover: forward, such a step is simulated, and back it gains nothing."""
        return self.method.bursts * self.method.burst

    def _shorter(self, length: float, factor: float) -> float:
        return copysign(max(factor * abs(length), self._shortest), length)

    def _check_tolerance(self, shape: tuple[int, ...]) -> None:
        given = np.shape(self.tolerance)
        if len(given) > len(shape) or any(
            one not in (1, other) for one, other in zip(given[::-1], shape[::-1], strict=False)
        ):
            raise ValueError(f"`tolerance` must be one, or fit the macro state's shape {shape}: got shape {given}.")

    def _exceeds(self, spent: Cost, sizes: NDArray[np.int64]) -> bool:
        """Whether an attempt at a step would exceed the budget."""
        if self.budget is None:
            return False
        bursts = spent.bursts + self.method.bursts * int(sizes.sum())
        time = spent.micro_time + self.method.bursts * self.method.burst * float(sizes.sum())
        return 0 < self.budget.bursts < bursts or 0 < self.budget.micro_time < time

    def _truncation(self, state: ProjectiveState, trial: Step, sizes: NDArray[np.int64]) -> tuple[Array, float]:
        """The estimate of a step's truncation error, and a factor for the step: below 1, it has to be repeated."""
        if trial.error is None:
            return np.zeros(state.groups.shape[1:]), _AFTER_PLAIN
        error = np.abs(mean(trial.error, sizes))
        doubt = np.zeros_like(error)
        if trial.errors is not None and not state.exact:
            doubt = _SURE * np.sqrt(_variance(trial.errors) / sizes.sum())
        allowed = self.share * np.asarray(self.tolerance) * abs(trial.duration / (state.span[1] - state.span[0]))
        power = -1 / (self.order - 1)
        if ((error - doubt) > allowed).any() and abs(trial.duration) > self._shortest:
            return error, max(_SHORTEST, _SAFETY * float((error / allowed).max()) ** power)
        largest = float(((error + doubt) / allowed).max())
        return error, min(_LONGEST, max(1.0, _SAFETY * max(largest, _TINY) ** power))

    def _noise(self, state: ProjectiveState, trial: Step) -> tuple[Array, float]:
        """The variance that a single replica adds in a step, and how many replicas are wanted for that."""
        if trial.ends is None or state.exact:
            return np.zeros(state.groups.shape[1:]), 0.0
        variance = _variance(trial.ends)
        carried = self._kept(state, trial) * state.stderr**2
        allowed = self._allowed(state, state.time, carried, abs(trial.duration))
        return variance, float((variance / allowed).max())

    def _next_sizes(
        self, state: ProjectiveState, trial: Step, sizes: NDArray[np.int64], noise: Array, step: float
    ) -> NDArray[np.int64]:
        if trial.ends is None or state.exact or not step:
            return sizes
        carried = self._kept(state, trial) * stderr(trial.groups, sizes) ** 2
        allowed = self._allowed(state, state.time + trial.duration, carried, step)
        return _sizes(float((noise / allowed).max()), sizes)

    def _kept(self, state: ProjectiveState, trial: Step) -> float:
        """The share of the variance before a step that is left after it: what groups keep of how far off they were."""
        before, after = ((one - one.mean(axis=0)) / self.tolerance for one in (state.groups, trial.groups))
        squares = float((before**2).sum())
        return float(np.clip((before * after).sum() / squares, 0.0, 1.0)) ** 2 if squares else 1.0

    def _allowed(self, state: ProjectiveState, time: float, variance: Array, step: float) -> Array:
        """The variance that a step may add: up to its share by its end, and half of the step's own part in any case."""
        begin, end = state.span
        whole = (1 - self.share**2) * np.asarray(self.tolerance) ** 2
        part = step / abs(end - begin)
        return np.asarray(
            np.maximum(whole * (abs(time - begin) / abs(end - begin) + part) - variance, whole * part / 2)
        )


def _variance(samples: Array) -> Array:
    """Of single replicas about the means of their groups."""
    return np.asarray(samples.var(axis=1, ddof=1).mean(axis=0))


def _sizes(wanted: float, sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Groups of equal size that have as many replicas together, not too many more or less than they had."""
    now = int(sizes[0])
    size = int(np.clip(np.ceil(wanted / len(sizes)), max(_LEAST, now // _MOST), _MOST * now))
    return np.full(len(sizes), size)
