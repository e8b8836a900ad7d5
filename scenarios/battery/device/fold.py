"""Where the branch of steady states that begins cold turns back."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.optimize import brentq

from scenarios.battery.device.joule import Joule
from scenarios.battery.device.linearised import Unknown
from scenarios.battery.device.newton import Solved, climb, slope, solve

__all__ = ["Found", "first_fold"]

_FLAT = 1e-10  # of the voltage over the rise: less of a slope is rounding
_COLDEST = 0.1  # of the first state behind a fold: the voltage surely rises there
_PRECISE = 1e-9  # of the rise at the fold


@dataclass(frozen=True, eq=False)
class Found:
    """What a climb ended with.

    Attributes
    ----------
    below
        The hottest state met before the voltage, the fold or the highest temperature; cold if none was.
    above
        A state of a higher voltage next to it, before any fold; None if there is none.
    fold
        The state at the fold, if that came first.
    """

    below: Unknown
    above: Solved | None
    fold: Solved | None


def first_fold(joule: Joule, span: tuple[float, float], top: float, voltage: float = inf) -> Found:
    """Climb in the maximal temperature from cold, to a voltage (V), to the first fold or to a rise of ``top`` (K).

    At a fold the derivative of the voltage by the maximal temperature vanishes; the bordered system gives it.

    Raises
    ------
    NotConverged
        If Newton's method fails on the way.
    """
    cold = np.zeros(joule.body.count)
    below = Unknown(cold, cold, 0.0)
    for here in climb(joule, span, top):
        if slope(joule, here) < -_FLAT * here.unknown.voltage / here.rise:
            turn = _turn(joule, span, float(below.excess.max()), here)
            if turn.unknown.voltage < voltage:
                return Found(below, None, turn)
            return Found(below, turn, None)
        if here.unknown.voltage >= voltage:
            return Found(below, here, None)
        below = here.unknown
    return Found(below, None, None)


def _turn(joule: Joule, span: tuple[float, float], below: float, behind: Solved) -> Solved:
    """The fold between a maximal rise before it (K) and a state behind it."""
    nearest = {behind.rise: behind}

    def at(rise: float) -> Solved:
        if rise not in nearest:
            known = nearest[min(nearest, key=lambda other: abs(other - rise))]
            nearest[rise] = solve(joule, known.unknown, span, rise)
        return nearest[rise]

    low = max(below, _COLDEST * behind.rise)
    found = brentq(lambda rise: slope(joule, at(rise)), low, behind.rise, xtol=_PRECISE * behind.rise)
    return at(float(found))
