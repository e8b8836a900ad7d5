"""A table of what ions conduct: asked where a device needs it, and no more often."""

from __future__ import annotations

import eqfree as ef
from agents.ions.conductor import Conductor
from agents.ions.constants import BOLTZMANN
from eqfree.ensemble import ExecutorLike
from scenarios.battery.conductor import closure_of_temperature
from scenarios.battery.laws import FromTable

__all__ = ["REPLICAS", "ask_ions", "replicas_of", "tabulate"]

_ROUNDING = 1e-9  # so that the ends of the range are in it
_NOISE = 0.35  # share of the precision that is a standard error of one answer: two of them fit in, with room

_FEWEST = 10  # windows in a box
_MANY = 256  # boxes, each with its own disorder
REPLICAS = 8
"""Of the ions, in each answer."""


def ask_ions(
    model: Conductor,
    share: float,
    kelvin: tuple[float, float],
    precision: float,
    key: ef.Key,
    executor: ExecutorLike,
    seed: int,
) -> tuple[FromTable, ef.hmm.Tabulated]:
    """The law that asks ions what they conduct, between two temperatures (K), and its table.

    Each answer is as precise as the table needs it, so that it asks nowhere twice: the relative variance of a
    conductivity that is read from the displacement of charge in n windows is 6 over n times the axes.

    Parameters
    ----------
    model, share
        The ions, and the share of the sites that they hold.
    kelvin
        Lowest and highest temperature.
    precision
        Of the logarithm of the conductivity: interpolation and two standard errors.
    key, executor, seed
        As in `eqfree.CoarseTimeStepper`.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape
    >>> from agents.ions.lattices import simple_cubic
    >>> model = Conductor(Landscape(Box(simple_cubic(3e-10), (3, 3, 3)), Hopping({"hop": 0.35})))
    >>> law, table = ask_ions(model, 1 / 3, (290.0, 500.0), 0.3, (), None, 0)
    >>> law.limits, table.solved
    ((290.0, 500.0), 0)
    """
    axes, replicas = model.landscape.box.axes, replicas_of(model)
    duration = 6 * model.window / (axes * replicas * (_NOISE * precision) ** 2)
    duration = max(duration, _FEWEST * model.window)
    closure = closure_of_temperature(model, share, duration=duration, replicas=replicas, executor=executor, seed=seed)
    return tabulate(closure, kelvin, precision, key)


def replicas_of(model: Conductor) -> int:
    """Boxes that answer for one temperature: many where each has its own sample of the disorder, whose spread counts.

    >>> from agents.ions import read_material
    >>> [replicas_of(Conductor.of(read_material(name))) for name in ("llzo_like", "llzto_like")]
    [8, 256]
    """
    return REPLICAS if model.samples == 1 else _MANY


def tabulate(
    closure: ef.hmm.Closure, kelvin: tuple[float, float], precision: float, key: ef.Key
) -> tuple[FromTable, ef.hmm.Tabulated]:
    """The law that asks a closure of ln(σT / (S K/m)) over 1/(kT) in 1/eV, and its table.

    It is nearly a straight line, so that the first nine nodes suffice.

    Examples
    --------
    >>> class Line(ef.hmm.Closure):
    ...     def __call__(self, inputs, state=None, key=()):
    ...         return ef.hmm.Answer(14.0 - 0.35 * inputs, 0.0 * inputs)
    >>> law, table = tabulate(Line(), (290.0, 500.0), 0.01, ())
    >>> import numpy as np
    >>> law(np.array([300.0]))[0].round(5), table.solved
    (array([0.00529]), 9)
    """
    coldest, hottest = kelvin
    bounds = ((1 - _ROUNDING) / (BOLTZMANN * hottest), (1 + _ROUNDING) / (BOLTZMANN * coldest))
    table = ef.hmm.Tabulated(closure, bounds, rtol=0.0, atol=precision, interpolation=ef.hmm.smooth, key=key)
    return FromTable(table, kelvin), table
