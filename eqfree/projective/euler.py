"""Projective forward Euler: one burst, one leap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eqfree.burst import slope
from eqfree.ensemble import Key
from eqfree.projective.driver import Step, check_healing, check_times
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Euler"]


@dataclass(frozen=True)
class Euler:
    """Projective forward Euler, of first order: a burst, its healed slope, a leap along it.

    ``U(t + step) = U(t + burst) + (step - burst) F``, with ``F`` the chord of the restricted states from the
    stepper's ``healing`` to ``burst``. One burst a step. Where less than a burst is left of the time span, the
    last step goes back along the chord instead of ahead.

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

    step: float
    burst: float

    order = 1

    def __post_init__(self) -> None:
        check_times(self.step, self.burst, bursts=1)

    def advance(self, stepper: CoarseTimeStepper, macro: NDArray[np.float64], remaining: float, key: Key) -> Step:
        """One step, or what is left of the time span if that is shorter."""
        check_healing(self.burst, stepper.healing)
        duration = min(self.step, remaining)

        def project(times: NDArray[np.float64], path: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(path[-1] + (duration - self.burst) * slope(times, path))

        reading, cost = stepper.read(macro, (stepper.healing, self.burst), project, key)
        return Step(duration, reading.mean, reading.stderr, cost)
