"""Fronts and cycles of the partial differential equations themselves, from independent solutions.

u_t = u_xx + u - u³ - v, v_t = 4 v_xx + ε (u - 2 v + 0.03) on [0, 20] without flux at the ends. Steady states by
collocation with cosines, whose digits 64 and 80 of them agree in and Chebyshev polynomials confirm; the cycle by
exponential time differencing and shooting. Rounded, the Hopf point and the fold are those of C. Theodoropoulos,
Y.-H. Qian and I. G. Kevrekidis, Proc. Natl. Acad. Sci. USA 97 (2000) 9840, doi:10.1073/pnas.97.18.9840.
"""

from __future__ import annotations

__all__ = ["CYCLE", "EVENTS", "FREQUENCY", "SOURCE", "Cycle"]

from typing import NamedTuple


class Cycle(NamedTuple):
    """A stable cycle at an ε: its period, and the largest Floquet multiplier but the trivial one."""

    epsilon: float
    period: float
    floquet: float


SOURCE = "partial differential equation, by collocation"
EVENTS = {"Hopf": 0.018316692276, "fold": 0.9446214532443}  #: kind -> ε
FREQUENCY = 0.047566440373  #: of the Hopf point
CYCLE = Cycle(0.01, 151.418462, 0.51553)
