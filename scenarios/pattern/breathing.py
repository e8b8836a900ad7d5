"""Beyond the Hopf point the front breathes: one cycle far from it, and the branch of cycles down to that."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10, pi

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from eqfree.continuation import PseudoArclength, Steps
from eqfree.scenario import Context
from scenarios.pattern import reference
from scenarios.pattern.front import DIFFERENCE, SOLVER, UNIT, Line, mean_activator
from scenarios.progress import counting

__all__ = ["Breathing", "follow_cycles"]

Array = NDArray[np.float64]

_SETTLED = 2500.0  # until a front has settled on the cycle
_LOOKS = 5.0  # between two looks at it on its way
_SAMPLING = 2.0  # of a cycle: its period is then right to 1e-5
_HEIGHT = 1e-3  # of the mean activator, below the section: less than the first cycle has
_FIRST, _LONGEST = 0.05, 0.2  # steps of the branch of cycles, in natural units
_POINTS = 8  # that come of it, about


@dataclass(frozen=True, eq=False)
class Breathing:
    """A front that breathes.

    Attributes
    ----------
    orbit
        The cycle far from the Hopf point, from a simulation.
    transient
        That simulation: the macro state over its time, (time, 2, cells).
    branch
        Cycles from the Hopf point to there; None where there is no Hopf point.
    cost
        Of all.
    """

    orbit: ef.PeriodicOrbit
    transient: Array
    branch: ef.Branch | None
    cost: ef.Cost


def follow_cycles(line: Line, hopf: ef.BranchEvent | None, steady: float, context: Context) -> Breathing:
    """The cycle at the reference's ε, and where there is a Hopf point the branch from there.

    A cycle begins where the mean activator rises through that of a steady front: ``steady``, or that of the Hopf point.
    """
    exponent = log10(reference.CYCLE.epsilon)
    times = np.arange(0.0, _SETTLED + _LOOKS / 2, _LOOKS)
    stepper = line.stepper(exponent)
    burst = stepper.burst(line.front(), [line.whole(time) for time in times])
    orbit = ef.find_periodic_orbit(
        stepper,
        burst.mean[-1],
        reference.CYCLE.period,
        section=_section(line, steady),
        method=SOLVER,
        multipliers=3,
        difference=DIFFERENCE,
    )
    cost = burst.cost + orbit.cost
    if hopf is None:
        return Breathing(orbit, burst.mean, None, cost)
    method = PseudoArclength(
        duration=2 * pi / hopf.frequency,
        span=(exponent, hopf.parameter),
        steps=Steps(first=_FIRST, largest=_LONGEST, unit=UNIT, points=4 * _POINTS),
        measure=mean_activator,
        solver=SOLVER,
        multipliers=3,
        difference=DIFFERENCE,
    )
    section = _section(line, float(hopf.measure[0]))
    with counting(context, _POINTS, f"cycles on {line.cells} cells") as count:
        branch = ef.switch_to_cycles(line.stepper, hopf, method, section=section, progress=count)
    return Breathing(orbit, burst.mean, branch, cost + branch.cost)


def _section(line: Line, level: float) -> ef.Section:
    return ef.Section(mean_activator, level=level, rearm=level - _HEIGHT, sampling=line.whole(_SAMPLING))
