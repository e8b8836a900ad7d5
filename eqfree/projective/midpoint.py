"""Projective midpoint: a burst, a look ahead, a second burst there, a leap along what it shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eqfree.burst import slope
from eqfree.ensemble import Key
from eqfree.projective.driver import Step, check_healing, check_times
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Midpoint"]


@dataclass(frozen=True)
class Midpoint:
    """Projective Runge-Kutta of second order, by the midpoint of what is leapt over.

    With the stepper's healing h, the burst b and F(U) the chord of the restricted states from h to b after
    lifting U, a step D from U at time t is

    ``V = U(t + b) + ((D - h)/2 - b) F(U)``,  ``U(t + D) = U(t + b) + (D - b) F(V)``.

    A burst moves time forward, and its chord is the slope at its own middle, (h + b)/2 after lifting, to second
    order. The leap runs from b to D, so its slope is wanted at (b + D)/2: the second burst is lifted (h + b)/2
    earlier, at (D - h)/2. Taken at D/2, as if a burst took no time, the slope would be late by (h + b)/2 and the
    scheme of first order. The leap starts from the end of the first burst, where fast motion has died, and so
    the step damps it. Two bursts a step; the gain over plain simulation is D/(2 b). Where less than a burst is
    left of the time span, the last step goes back along the second chord instead of ahead.

    A mode exp(-r t) is multiplied by ``exp(-r b) + L G (exp(-r b) + M G)``, with ``G`` the chord
    ``(exp(-r b) - exp(-r h))/(b - h)`` and the leaps ``L = D - b``, ``M = (D - h)/2 - b``: stable on the slow side
    as Runge-Kutta 2 is, r D < 2, and on the fast side where healing has left less than ``(b - h)/sqrt(L M)`` of it.

    *How to choose.* Healing: ``r h > log(sqrt(L M)/(b - h))`` for the slowest mode that is to be damped. ``burst``:
    beyond the healing by what a slope needs, more where there is noise. ``step``: a step errs by about
    ``(rate * step)**3 / 6`` for the fastest rate that is to be followed. Over diffusion with variance s² per time a
    step adds the variance ``s² (b + L²/(b - h))``. Each burst's own noise is in the standard error; what the second
    makes of a first that was off, of higher order in the step, is not.

    Parameters
    ----------
    step
        Time from one macro state to the next.
    burst
        How long each of its two bursts is.

    Raises
    ------
    ValueError
        Unless ``step > 2 burst > 0``.

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

    step: float
    burst: float

    order = 2

    def __post_init__(self) -> None:
        check_times(self.step, self.burst, bursts=2)

    def advance(self, stepper: CoarseTimeStepper, macro: NDArray[np.float64], remaining: float, key: Key) -> Step:
        """One step, or what is left of the time span if that is shorter; stage ``i`` under ``(*key, i)``."""
        check_healing(self.burst, stepper.healing)
        duration = min(self.step, remaining)
        instants = (stepper.healing, self.burst)
        first, cost = stepper.read(macro, instants, _end_and_slope, (*key, 0))
        start, ahead = first.mean
        middle = start + ((duration - stepper.healing) / 2 - self.burst) * ahead
        second, more = stepper.read(middle, instants, slope, (*key, 1))
        leap = duration - self.burst
        noise = np.hypot(first.stderr[0], leap * second.stderr)
        return Step(duration, start + leap * second.mean, noise, cost + more)


def _end_and_slope(times: NDArray[np.float64], path: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([path[-1], slope(times, path)])
