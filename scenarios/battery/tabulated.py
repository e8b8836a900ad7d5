"""A table of what ions conduct: asked where a device needs it, and no more often."""

from __future__ import annotations

import eqfree as ef
from agents.ions.constants import BOLTZMANN
from scenarios.battery.laws import FromTable

__all__ = ["tabulate"]

_PRECISION = 0.02  # of the logarithm of the conductivity: interpolation and two standard errors
_ROUNDING = 1e-9  # so that the ends of the range are in it


def tabulate(closure: ef.hmm.Closure, kelvin: tuple[float, float], key: ef.Key) -> tuple[FromTable, ef.hmm.Tabulated]:
    """The law that asks a closure of ln(σT / (S K/m)) over 1/(kT) in 1/eV between two temperatures, and its table.

    It is nearly a straight line, so that the first nine nodes and a few answers against their noise suffice.

    Examples
    --------
    >>> class Line(ef.hmm.Closure):
    ...     def __call__(self, inputs, state=None, key=()):
    ...         return ef.hmm.Answer(14.0 - 0.35 * inputs, 0.0 * inputs)
    >>> law, table = tabulate(Line(), (290.0, 500.0), ())
    >>> import numpy as np
    >>> law(np.array([300.0]))[0].round(5), table.solved
    (array([0.00528]), 9)
    """
    coldest, hottest = kelvin
    bounds = ((1 - _ROUNDING) / (BOLTZMANN * hottest), (1 + _ROUNDING) / (BOLTZMANN * coldest))
    table = ef.hmm.Tabulated(closure, bounds, rtol=0.0, atol=_PRECISION, interpolation=ef.hmm.smooth, key=key)
    return FromTable(table, kelvin), table
