"""Projective integration: short bursts, long leaps."""

from eqfree.projective.adaptive import Adaptive
from eqfree.projective.driver import solve_projective
from eqfree.projective.estimators import Chord, LeastSquares, Observed
from eqfree.projective.rhs import as_rhs
from eqfree.projective.runge_kutta import (
    Embedded32,
    Embedded54,
    Euler,
    Heun,
    Midpoint,
    RungeKutta,
    RungeKutta4,
)
from eqfree.projective.slopes import Corrected, Early, Plain
from eqfree.projective.state import Method, ProjectiveState, Step
from eqfree.projective.steps import iter_projective
from eqfree.projective.tableau import Tableau
from eqfree.projective.telescopic import Telescopic

__all__ = [
    "Adaptive",
    "Chord",
    "Corrected",
    "Early",
    "Embedded32",
    "Embedded54",
    "Euler",
    "Heun",
    "LeastSquares",
    "Method",
    "Midpoint",
    "Observed",
    "Plain",
    "ProjectiveState",
    "RungeKutta",
    "RungeKutta4",
    "Step",
    "Tableau",
    "Telescopic",
    "as_rhs",
    "iter_projective",
    "solve_projective",
]
