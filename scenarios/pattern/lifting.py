"""What lifting disturbs: a steady front, lifted again and left alone for some time steps."""

from __future__ import annotations

from math import log2

import numpy as np
import pandas as pd

import eqfree as ef
from agents.lattice_boltzmann import FitzHughNagumo, Lattice
from scenarios.part import Part
from scenarios.pattern.front import LIFTINGS, SOLVER, Line

__all__ = ["compare_liftings"]

_EPSILON = 0.1
_SETTLED, _HORIZON = 600.0, 20.0
_WEIGHT = 1 / 6  # at which the changes below are known
_STEPS = 50
_CHANGE = 1e-5  # on 100 cells, and a tenth of that on twice as many
_WORSE = 10.0  # times as much at least, from equilibrium


def compare_liftings(line: Line) -> Part:
    """The largest change of u and v in 50 time steps after the steady front is lifted, at a weight of 1/6.

    The front is steady for particles with the gradient; what one asks is by how much lifting it anew moves it. Table
    ``lifting``: a row a way to lift.
    """
    lattice = Lattice(line.cells, weight=_WEIGHT)
    models = {name: FitzHughNagumo(_EPSILON, lattice, lifting=lifting) for name, lifting in LIFTINGS.items()}
    settled = ef.CoarseTimeStepper(models["gradient"])
    begun = settled.burst(line.front(), [line.whole(_SETTLED)])
    steady = ef.find_fixed_point(settled, begun.mean[-1], line.whole(_HORIZON), method=SOLVER)
    cost, changes = begun.cost + steady.cost, {}
    for name, model in models.items():
        burst = ef.CoarseTimeStepper(model).burst(steady.macro, [_STEPS * lattice.time_step])
        changes[name] = float(np.abs(burst.mean[-1] - steady.macro).max())
        cost = cost + burst.cost
    source = "expansion of Chapman and Enskog: one order of the spacing more"
    return Part(
        tables={"lifting": pd.DataFrame({"lifting": list(changes), "cells": line.cells, "change": changes.values()})},
        values={f"lift_change_{name}": ef.Value(change) for name, change in changes.items()},
        checks=[
            ef.Check(
                f"change in {_STEPS} steps after a steady front is lifted with its gradient, w = 1/6",
                changes["gradient"],
                0.0,
                _CHANGE * 10 ** -log2(line.cells / 100),
                source,
                relation=ef.Relation.AT_MOST,
            ),
            ef.Check(
                "equilibrium alone: times as large a change",
                changes["equilibrium"] / changes["gradient"],
                _WORSE,
                0.0,
                source,
                relation=ef.Relation.AT_LEAST,
            ),
        ],
        failures=[] if steady.success else [f"Front that is lifted: {steady.message}"],
        cost=cost,
    )
