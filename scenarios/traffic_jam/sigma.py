"""One number alone, the standard deviation of the headways: what it takes to make that work, and its noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from eqfree.continuation import BranchState, EventOptions, PseudoArclength, Steps
from eqfree.micro import Carried
from eqfree.scenario import Context
from scenarios.progress import counting
from scenarios.traffic_jam.ring import EVOLVE, Ring, spread

__all__ = ["Followed", "compare_healings", "follow_sigma", "resolve_fold"]

Array = NDArray[np.float64]

_UNIT = 0.05  # of v0, in natural units
_FIRST = 0.03  # step, for about so many points:
_POINTS = 50
_LARGEST = ((0.2, 0.03), (0.12, 0.026), (0.0, 0.0175))  # σ in mean headways, step: shorter where profiles change more
_SPAN = 0.97, 1.02  # of v0, in parts of the onset
_SMALLEST = 0.015  # σ, in mean headways: less is uniform flow
_LIVED = 2 * EVOLVE  # without noise, at the fold
_WINDOW = 0.05  # around a fold that is solved for through noise
_HEALINGS = (100.0, 200.0, 400.0, 800.0, 1600.0)
_SAME = 1e-3  # σ, in mean headways: a change of it that does not matter
_SETTLED = 20 * EVOLVE
_COMPARED = 1.0025  # of the onset: v0 where ways to lift are compared


@dataclass(frozen=True, eq=False)
class Followed:
    """A branch over σ, and what it takes to solve for its fold anew.

    Attributes
    ----------
    branch
    before, after
        The two points around its fold, whose populations are carried; None where there is none.
    reference
        The headways of the jam that it began with.
    start
        What that took to simulate.
    """

    branch: ef.Branch
    before: BranchState | None
    after: BranchState | None
    reference: Array
    start: ef.Cost


def method_of(ring: Ring) -> PseudoArclength:
    """How the branch over σ is followed: with the healed profile of the last point carried to the next."""
    settings, mean = ring.settings, ring.settings.length / ring.settings.cars
    unit = _POINTS / settings.points

    def longest(point: ef.BranchPoint) -> float:
        return unit * next(step for sigma, step in _LARGEST if point.macro[0] >= sigma * mean)

    return PseudoArclength(
        duration=settings.lasts,
        span=(_SPAN[0] * settings.onset_v0, _SPAN[1] * settings.onset_v0),
        steps=Steps(
            first=unit * _FIRST, smallest=unit * _FIRST / 3, largest=longest, unit=_UNIT, points=4 * settings.points
        ),
        domain=lambda sigma, _: float(sigma[0]) - _SMALLEST * mean,
        carry=1,
        solver=ef.fixed_points.Newton(tolerance=1e-5),
    )


def follow_sigma(ring: Ring, context: Context) -> Followed:
    """The branch of jams without noise, from a large one through its fold to uniform flow."""
    reference, cost = ring.jam()
    states: list[BranchState] = []

    def stepper_of(v0: float) -> ef.CoarseTimeStepper:
        return ring.of_spread(v0, reference)

    method = method_of(ring)
    with counting(context, ring.settings.points, "points of the branch") as count:
        for state in (walk := ef.iter_branch(stepper_of, spread(reference), ring.begin, method, direction=-1)):
            states.append(state)
            count(state)
    folds = [number for number, state in enumerate(states) if state.candidate == "fold"]
    events = []
    if folds:
        events = [ef.continuation.locate_event(stepper_of, states[n - 1], states[n], method, key=(n,)) for n in folds]
    told = [*(state.point.cost for state in states), *(event.cost for event in events), walk.cost]
    branch = ef.Branch([state.point for state in states], events, walk.status, sum(told, ef.Cost()), walk.detail)
    before, after = (states[folds[0] - 1], states[folds[0]]) if folds else (None, None)
    return Followed(branch, before, after, reference, cost)


def resolve_fold(ring: Ring, followed: Followed, context: Context) -> list[ef.BranchEvent]:
    """The fold solved for through noise, once for every set of random numbers, each with its own interval.

    All are lifted near one population, which has lived at the fold without noise: what noise makes of the shape of a
    jam is no part of it.
    """
    before, after, settings = followed.before, followed.after, ring.settings
    folds = followed.branch.folds()
    if before is None or after is None or not np.isfinite(folds[0].parameter):
        return []
    quiet = ring.of_spread(folds[0].parameter, followed.reference)
    near = replace(quiet, model=Carried(quiet.model, before.carried))
    (population,), _ = near.advance(near.lift(folds[0].lifted), _LIVED)
    before, after = (replace(state, carried=population) for state in (before, after))
    method = replace(method_of(ring), carry=None)
    options = EventOptions(key_sets=1, window=_WINDOW)

    def stepper_of(v0: float) -> ef.CoarseTimeStepper:
        return ring.of_spread(v0, followed.reference, settings.noise)

    return [
        ef.continuation.locate_event(stepper_of, before, after, method, options, key=(number,))
        for number in context.track(range(settings.key_sets), "sets of random numbers")
    ]


def compare_healings(ring: Ring, followed: Followed, context: Context) -> tuple[pd.DataFrame, list[str], ef.Cost]:
    """σ of the stable jam at one v0 after several healing times, by two ways to lift; how each ends in words.

    One stretches the jam that the branch began with, the other a population that has lived at this v0.
    """
    v0 = _COMPARED * ring.settings.onset_v0
    fixed = ring.of_spread(v0, followed.reference)
    stable = [point for point in followed.branch.points if point.stability is ef.Stability.STABLE]
    sigma = min(stable, key=lambda point: abs(point.parameter - v0)).lifted
    (settled,), reading = fixed.advance(fixed.lift(sigma), _SETTLED)
    carried = replace(fixed, model=Carried(fixed.model, settled))
    rows, words, cost = [], [], reading.cost
    for way, stepper in context.track((("fixed reference", fixed), ("carried", carried)), "ways to lift"):
        swept = ef.sweep_healing(stepper, sigma, ring.settings.lasts, _HEALINGS, tolerance=_SAME)
        rows.append(swept.to_pandas().assign(way=way, v0=v0))
        words.append(f"{way.capitalize()}: {swept.words}")
        cost = cost + swept.cost
    return pd.concat(rows, ignore_index=True), words, cost
