"""The line of cells: its steppers, the front that it starts from, and the branch of fronts over ε."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log, log10

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from agents.lattice_boltzmann import FitzHughNagumo, Lattice, Lifting, in_equilibrium, with_gradient
from eqfree.continuation import PseudoArclength, Steps
from eqfree.scenario import Context
from scenarios.pattern import reference
from scenarios.pattern.settings import Settings
from scenarios.progress import counting

__all__ = ["LIFTINGS", "SOLVER", "UNIT", "Line", "follow_fronts", "mean_activator"]

Array = NDArray[np.float64]

LIFTINGS: dict[str, Lifting] = {"gradient": with_gradient, "equilibrium": in_equilibrium}
SOLVER = ef.fixed_points.NewtonKrylov(tolerance=1e-8, most_replicas=1)
UNIT = 1 / log(10)
"""Of log10 ε in natural units: at the Hopf point ε changes by a thousandth of what it does at the fold."""
DIFFERENCE = 1e-5
"""Step of differences: the round-off of thousands of steps of the lattice counts less the longer it is."""

_BEGIN = 0.1  # ε, where fronts are stable and slow
_SETTLED = 600.0  # 35 times as long as the slowest disturbance lives there
_SPAN = reference.CYCLE.epsilon, 1.2  # of ε
_NARROW = -0.565  # mean activator of fronts well beyond the fold, whose excited region is narrow
_STEP, _LONGEST = 0.1, 0.3  # in natural units,
_TURNING, _SHORT = 0.6, 0.1  # ε from which on the branch turns, and the longest step there,
_POINTS = 30  # for about so many


def mean_activator(macro: Array) -> float:
    """How much of the line is excited: what is drawn over ε.

    >>> mean_activator(np.array([[-1.0, 0.5], [0.1, 0.1]]))
    -0.25
    """
    return float(macro[0].mean())


@dataclass(frozen=True)
class Line:
    """The steppers of a line of cells as the settings say; their parameter is log10 ε.

    >>> line = Line(Settings(), cells=100)
    >>> round(line.horizon, 9), line.stepper(-1.0).model.epsilon
    (20.0, 0.1)
    """

    settings: Settings
    cells: int

    @property
    def lattice(self) -> Lattice:
        """The cells."""
        return Lattice(self.cells, weight=self.settings.weight)

    @property
    def horizon(self) -> float:
        """Of a burst, a whole number of time steps."""
        return self.whole(self.settings.horizon)

    def whole(self, duration: float) -> float:
        """The whole number of time steps that is nearest to a duration."""
        return round(duration / self.lattice.time_step) * self.lattice.time_step

    def stepper(self, exponent: float) -> ef.CoarseTimeStepper:
        """At a log10 ε."""
        model = FitzHughNagumo(10.0**exponent, self.lattice, lifting=LIFTINGS[self.settings.lifting])
        return ef.CoarseTimeStepper(model, seed=self.settings.seed)

    def healing(self, exponent: float) -> ef.CoarseTimeStepper:
        """At a log10 ε, with its healing."""
        stepper = self.stepper(exponent)
        relaxation = FitzHughNagumo(10.0**exponent, self.lattice).relaxation
        return replace(stepper, healing=self.whole(self.settings.healing * relaxation))

    @property
    def solver(self) -> ef.fixed_points.Newton | ef.fixed_points.NewtonKrylov:
        """For fronts: products are few where all short waves die within a burst, not where they die while it heals."""
        return SOLVER if self.settings.healing == 0 else ef.fixed_points.Newton(most_replicas=1)

    def front(self) -> Array:
        """A front to begin with: the left of the line at rest, the right excited."""
        return np.array([np.tanh((self.lattice.places - 9) / 1.4), np.full(self.cells, 0.12)])


def follow_fronts(line: Line, context: Context) -> tuple[ef.Branch, ef.Cost]:
    """The branch of fronts from the cycles' ε through the Hopf point to beyond the fold, and what its start cost."""
    begun = line.stepper(log10(_BEGIN)).burst(line.front(), [line.whole(_SETTLED)])
    shorter = _POINTS / line.settings.points

    def longest(point: ef.BranchPoint) -> float:
        return shorter * (_SHORT if point.parameter > log10(_TURNING) else _LONGEST)

    method = PseudoArclength(
        duration=line.horizon,
        span=(log10(_SPAN[0]), log10(_SPAN[1])),
        steps=Steps(
            first=shorter * _STEP,
            smallest=shorter * _STEP / 50,
            largest=longest,
            unit=UNIT,
            points=4 * line.settings.points,
        ),
        measure=mean_activator,
        domain=lambda macro, _: mean_activator(macro) - _NARROW,
        multipliers=3,
        solver=line.solver,
        difference=DIFFERENCE,
    )
    with counting(context, line.settings.points, f"fronts on {line.cells} cells") as count:
        branch = ef.continue_branch(line.healing, begun.mean[-1], log10(_BEGIN), method, progress=count)
    return branch, begun.cost
