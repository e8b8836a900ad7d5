"""Micro-problems on windows of media without a period: which conditions at the sides, and what they cost."""

from scenarios.composite.windows.comparison import compare_conditions
from scenarios.composite.windows.conditions import Apparent, dirichlet, neumann, periodic, strip
from scenarios.composite.windows.oversampling import oversampled
from scenarios.composite.windows.resonance import exact_resonance, resonance
from scenarios.composite.windows.window import Window

__all__ = [
    "Apparent",
    "Window",
    "compare_conditions",
    "dirichlet",
    "exact_resonance",
    "neumann",
    "oversampled",
    "periodic",
    "resonance",
    "strip",
]
