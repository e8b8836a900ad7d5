"""Projective Runge-Kutta schemes: Butcher tableaux over bursts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.projective.bursts import Bursts
from eqfree.projective.estimators import Chord, Estimate, Estimator
from eqfree.projective.slopes import Corrected, Early, Plain, Slopes
from eqfree.projective.state import ProjectiveState, Step, check_times
from eqfree.projective.tableau import (
    BOGACKI_SHAMPINE,
    CLASSICAL,
    DORMAND_PRINCE,
    EULER,
    HEUN,
    MIDPOINT,
    Tableau,
)

__all__ = ["Embedded32", "Embedded54", "Euler", "Heun", "Midpoint", "RungeKutta", "RungeKutta4", "Scheme"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Scheme(ABC):
    """A tableau over bursts: what all projective Runge-Kutta schemes have in common.

    A step D begins with a burst b, from whose end E, where fast motion has died, it leaps over what is left, L = D - b:
    ``Y_i = E + L sum_j a_ij k_j``, ``U(t + D) = E + L sum_i w_i k_i``, with the slope ``k_i`` at ``Y_i`` and time
    ``t + b + c_i L``. So the step damps fast motion, and costs as many bursts as its ``slopes`` take for a stage times
    the stages. Where they would cover the step, it is simulated plainly instead. A leap back in time, over bursts that
    go forward, is a negative L.

    Parameters
    ----------
    step
        Time from one macro state to the next.
    burst
        How long each burst is.
    slopes
        Where bursts are lifted for the slope of a stage.
    estimator
        How a slope is had from a burst.

    Raises
    ------
    ValueError
        Unless ``step > burst > 0``.
    """

    step: float
    burst: float
    slopes: Slopes = field(default=Corrected())
    estimator: Estimator = field(default=Chord())

    def __post_init__(self) -> None:
        check_times(self.step, self.burst)

    @property
    @abstractmethod
    def coefficients(self) -> Tableau:
        """The tableau."""

    @property
    def order(self) -> int:
        """The declared order of accuracy in the step."""
        return self.coefficients.order

    @property
    def bursts(self) -> int:
        """How many bursts a step takes."""
        return self.slopes.bursts * len(self.coefficients.nodes)

    def look(self, bursts: Bursts, state: ProjectiveState) -> Estimate:
        """The slope at a state."""
        return bursts.look(self.estimator, self.burst)(state.groups, state.time)

    def advance(self, bursts: Bursts, state: ProjectiveState, duration: float) -> Step:
        """One step, simulated plainly where its bursts would cover it."""
        look = bursts.look(self.estimator, self.burst)
        if 0 < duration <= self.bursts * self.burst:
            groups, ends = bursts.simulate(state.groups, state.time, duration)
            return Step(duration, groups, simulated=True, ends=ends)
        first = look(state.groups, state.time)
        begin, leap = state.time + self.burst, duration - self.burst
        tableau = self.coefficients
        slopes = [self.slopes.at_base(look, first, state.time)]
        for node, row in zip(tableau.nodes[1:], tableau.rows[1:], strict=True):
            stage = first.end + leap * _combine(row, [one.slope for one in slopes])
            slopes.append(self.slopes.at_stage(look, stage, begin + node * leap, slopes[-1]))
        return _land(tableau, first, leap, slopes, duration)


def _combine(weights: ArrayLike, slopes: Sequence[Array]) -> Array:
    return np.asarray(sum(weight * slope for weight, slope in zip(np.asarray(weights), slopes, strict=False)))


def _land(tableau: Tableau, first: Estimate, leap: float, slopes: Sequence[Estimate], duration: float) -> Step:
    means = [one.slope for one in slopes]
    kept = [one.samples.slope for one in slopes if one.samples is not None]
    differences = None if tableau.embedded is None else np.asarray(tableau.weights) - np.asarray(tableau.embedded)
    return Step(
        duration=duration,
        groups=first.end + leap * _combine(tableau.weights, means),
        first=first,
        error=None if differences is None else leap * _combine(differences, means),
        ends=None if first.samples is None else first.samples.end + leap * _combine(tableau.weights, kept),
        errors=None if differences is None or not kept else leap * _combine(differences, kept),
    )


@dataclass(frozen=True)
class Euler(Scheme):
    """Projective forward Euler, of first order: a burst, its healed slope, a leap along it.

    ``U(t + step) = U(t + burst) + (step - burst) F``, with ``F`` the slope from the stepper's ``healing`` to ``burst``.
    One burst a step.

    *How to choose.* ``burst``: long enough for the slope to heal, ``burst >= log(rate * step) / rate`` for the
    slowest rate that is to be damped. ``step``: the slow motion allows it, ``rate * step ~ sqrt(6 tolerance)``
    for the fastest rate that is to be followed. The leap multiplies the noise: with independent end points the
    variance of a step is ``(1 + a)**2 + a**2`` times that of a reading, ``a = (step - burst) / (burst - healing)``.

    Parameters
    ----------
    step
        Time from one macro state to the next.
    burst
        How much of it is simulated.
    slopes
        `Plain`: correction gains nothing at first order.
    estimator
        How the slope is had from the burst.

    Raises
    ------
    ValueError
        Unless ``step > burst > 0``.

    References
    ----------
    C. W. Gear and I. G. Kevrekidis, SIAM J. Sci. Comput. 24 (2003) 1091, eq. 2.2, with the slope of the inner
    integrator fitted over the healed burst instead of over its last step; doi:10.1137/S1064827501388157.

    Examples
    --------
    >>> Euler(step=1.0, burst=0.1).order
    1
    """

    slopes: Slopes = field(default=Plain())

    coefficients = EULER


@dataclass(frozen=True)
class Midpoint(Scheme):
    """Projective midpoint, of second order: a burst, a look ahead, a second burst there, a leap along what it shows.

    With the stepper's healing h, the burst b and F(U) the chord of the restricted states from h to b after
    lifting U, a step D from U at time t is

    ``V = U(t + b) + ((D - h)/2 - b) F(U)``,  ``U(t + D) = U(t + b) + (D - b) F(V)``.

    A burst moves time forward, and its chord is the slope at its own middle, (h + b)/2 after lifting, to second
    order. The leap runs from b to D, so its slope is wanted at (b + D)/2: the second burst is lifted (h + b)/2
    earlier, at (D - h)/2. That is `Early`, the default here: exact to second order, however long the burst, because the
    first slope has no weight of its own, and at half the bursts of `Corrected`. Two bursts a step; the gain over plain
    simulation is D/(2 b).

    A mode exp(-r t) is multiplied by ``exp(-r b) + L G (exp(-r b) + M G)``, with ``G`` the chord
    ``(exp(-r b) - exp(-r h))/(b - h)`` and the leaps ``L = D - b``, ``M = (D - h)/2 - b``: stable on the slow side
    as Runge-Kutta 2 is, r D < 2, and on the fast side where healing has left less than ``(b - h)/sqrt(L M)`` of it.

    *How to choose.* Healing: ``r h > log(sqrt(L M)/(b - h))`` for the slowest mode that is to be damped. ``burst``:
    beyond the healing by what a slope needs, more where there is noise. ``step``: a step errs by about
    ``(rate * step)**3 / 6`` for the fastest rate that is to be followed. Over diffusion with variance s² per time a
    step adds the variance ``s² (b + L²/(b - h))``.

    Parameters
    ----------
    step
        Time from one macro state to the next.
    burst
        How long each of its two bursts is.
    slopes
        `Early`.
    estimator
        How a slope is had from a burst.

    Raises
    ------
    ValueError
        Unless ``step > burst > 0``.

    References
    ----------
    J. Koellermeier and G. Samaey, J. Comput. Appl. Math. 454 (2025) 116147, arXiv:2210.08302, for projective
    Runge-Kutta methods at large; here with chords over the healed burst instead of over the last inner step, which
    moves the second burst.

    Examples
    --------
    >>> import eqfree as ef
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> result = ef.solve_projective(ef.CoarseTimeStepper(decay), (0.0, 1.0), [1.0], Midpoint(step=0.1, burst=0.01))
    >>> result.cost.bursts, round(float(result.macro[-1, 0] * np.e), 4)
    (20, 1.0013)
    """

    slopes: Slopes = field(default=Early())

    coefficients = MIDPOINT


@dataclass(frozen=True)
class Heun(Scheme):
    """Projective Heun, of second order: the mean of the slopes at the beginning and the end of the leap.

    Four bursts a step. With ``slopes=Early()`` and ``estimator=Chord(at=1.0)`` it has two, and is PIRK2 of the
    Equation-Free Toolbox.

    *How to choose.* As for `Midpoint`, which needs half the bursts; Heun is for slopes that kink inside a step.

    Examples
    --------
    >>> Heun(step=1.0, burst=0.1).bursts
    4
    """

    coefficients = HEUN


@dataclass(frozen=True)
class RungeKutta4(Scheme):
    """The classical Runge-Kutta scheme over bursts, of fourth order.

    Eight bursts a step; the error has a floor O(burst²), see `Corrected`. With ``slopes=Early()`` and
    ``estimator=Chord(at=1.0)`` there are four, and it is PIRK4 of the Equation-Free Toolbox.

    *How to choose.* ``step``: ``2.8 / rate`` is the longest that is stable for the fastest rate that is to be followed,
    and a step errs by about ``(rate * step)**5 / 120``. Burst and healing as for `Euler`.

    Examples
    --------
    >>> RungeKutta4(step=1.0, burst=0.01).order
    4
    """

    coefficients = CLASSICAL


@dataclass(frozen=True)
class Embedded32(Scheme):
    """The scheme of Bogacki and Shampine over bursts: third order, with a second-order one that tells the error.

    Six bursts a step. It is what `Adaptive` controls.

    *How to choose.* For wanted errors from 1e-2 to 1e-4 or so; `Embedded54` for smaller ones.

    Examples
    --------
    >>> Embedded32(step=1.0, burst=0.01).order
    3
    """

    coefficients = BOGACKI_SHAMPINE


@dataclass(frozen=True)
class Embedded54(Scheme):
    """The pair of Dormand and Prince over bursts: fifth order, and a fourth-order scheme that tells the error.

    Fourteen bursts a step.

    *How to choose.* For slow motion that is smooth over long steps, and bursts so short that their square, see
    `Corrected`, is below the wanted error.

    Examples
    --------
    >>> Embedded54(step=1.0, burst=0.01).bursts
    14
    """

    coefficients = DORMAND_PRINCE


@dataclass(frozen=True)
class RungeKutta(Scheme):
    """The scheme of any explicit tableau over bursts.

    Parameters
    ----------
    step, burst, slopes, estimator
        As in every `Scheme`.
    tableau
        The coefficients.

    Examples
    --------
    >>> ralston = Tableau(stages=[[2 / 3]], weights=[1 / 4, 3 / 4], order=2)
    >>> RungeKutta(step=1.0, burst=0.1, tableau=ralston).order
    2
    """

    tableau: Tableau = field(kw_only=True)

    @property
    def coefficients(self) -> Tableau:
        """The tableau given."""
        return self.tableau
