"""Steady states of the unknown equation, found through its noise: one method a file, one driver."""

from eqfree.fixed_points.driver import find_fixed_point
from eqfree.fixed_points.healing import HealingSweep, sweep_healing
from eqfree.fixed_points.newton import Method, Newton, NewtonKrylov
from eqfree.fixed_points.picard import Anderson, RecursiveProjection

__all__ = [
    "Anderson",
    "HealingSweep",
    "Method",
    "Newton",
    "NewtonKrylov",
    "RecursiveProjection",
    "find_fixed_point",
    "sweep_healing",
]
