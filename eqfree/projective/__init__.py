"""Projective integration: short bursts, long leaps."""

from eqfree.projective.driver import Method, ProjectiveState, Step, iter_projective, solve_projective
from eqfree.projective.euler import Euler
from eqfree.projective.midpoint import Midpoint

__all__ = ["Euler", "Method", "Midpoint", "ProjectiveState", "Step", "iter_projective", "solve_projective"]
