"""The part while it warms up, by two scales and with every layer resolved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eqfree.hmm import DiffusionRun, DiffusionState, Sdirk2, iter_diffusion
from eqfree.journal import clock
from eqfree.results import Cost
from scenarios.composite.sink.geometry import Sink
from scenarios.composite.sink.steady import Micro, Problem, errors, homogenised_problem, resolved_problem

__all__ = ["Heating", "heat_up"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Heating:
    """How the part warms up from ambient.

    Attributes
    ----------
    table
        A row a time: ``time`` (s), ``entered`` from the chip, ``left`` and ``stored`` since the beginning (J for a
        metre of depth, by two scales), ``stored_direct``, ``mean_temperature_hmm`` and ``mean_temperature_direct``
        (K), and ``error_l2`` and ``error_max`` of the temperature of two scales (over the rise by then; nan at first).
    imbalance
        The largest, over all steps of both, of what enters less what leaves and is stored in a step, over what passes.
    hmm, direct
        Both runs.
    """

    table: pd.DataFrame
    imbalance: float
    hmm: DiffusionRun
    direct: DiffusionRun


def heat_up(
    sink: Sink,
    periods: int = 16,
    *,
    duration: float = 1200.0,
    steps: int = 12,
    elements: int = 6,
    rows: int = 16,
    micro: Micro | None = None,
    told: Callable[[str], None] | None = None,
) -> Heating:
    """Switch the chip on at ambient temperature.

    Parameters
    ----------
    sink, periods, elements, rows, micro
        As in `compare`, at one ratio of scales.
    duration
        How long it is followed (s); the part takes about ``capacity · width / exchange`` to warm up.
    steps
        Of the two-stage scheme of second order, equal ones.
    told
        Called with a sentence after each step of either way: twice ``steps`` in all.

    Raises
    ------
    ValueError
        For a duration or a number of steps that is not positive.
    """
    if not (0 < duration < np.inf and steps >= 1):
        raise ValueError(f"`duration` and `steps` must be positive: got {duration:g} s in {steps}.")
    tell = told or (lambda _: None)
    coarse, fine = homogenised_problem(sink, elements, micro), resolved_problem(sink, periods, rows=rows)
    hmm, direct = (_run(problem, duration, steps, tell) for problem in (coarse, fine))
    rows_of_table = []
    for at_hmm, at_direct in zip(hmm.states, direct.states, strict=True):
        entered = dict(zip(hmm.law.boundaries, at_hmm.entered, strict=True))
        begun = at_hmm.time > 0
        missed = errors(coarse, at_hmm.values, fine, at_direct.values) if begun else (np.nan, np.nan)
        rows_of_table.append(
            {
                "time": at_hmm.time,
                "entered": entered["left"],
                "left": entered["left"] - sum(entered.values()),
                "stored": at_hmm.stored,
                "stored_direct": at_direct.stored,
                "mean_temperature_hmm": _mean(hmm, at_hmm.values),
                "mean_temperature_direct": _mean(direct, at_direct.values),
                "error_l2": missed[0],
                "error_max": missed[1],
            }
        )
    imbalance = max(_imbalance(hmm), _imbalance(direct))
    return Heating(pd.DataFrame(rows_of_table), imbalance, hmm, direct)


def _run(problem: Problem, duration: float, steps: int, tell: Callable[[str], None]) -> DiffusionRun:
    began, law = clock(), problem.law
    ambient = law.nodal(problem.fitted.sink.ambient)
    states = [DiffusionState(0, 0.0, ambient, np.zeros(len(law.boundaries)))]
    for state in iter_diffusion(law, duration, states[0], Sdirk2(duration / steps)):
        states.append(state)
        tell(f"{law.unknowns} unknowns: {state.time:.0f} s")
    return DiffusionRun(law, tuple(states), Cost(wall=clock() - began))


def _imbalance(run: DiffusionRun) -> float:
    """Of the worst step."""
    entered = np.diff([state.entered for state in run.states], axis=0)
    stored = np.diff(run.stored)
    passed = np.abs(entered).sum(axis=1) + np.abs(stored)
    return float(np.max(np.abs(entered.sum(axis=1) - stored) / passed))


def _mean(run: DiffusionRun, values: Array) -> float:
    fine = run.law.discretisation.fine
    return float(np.sum(np.asarray(fine.interpolate(values)) * fine.dx) / np.sum(fine.dx))
