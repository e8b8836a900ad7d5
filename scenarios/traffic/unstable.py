"""Drivers among whom waves grow: the conservation law beside roads that begin all but alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from agents.cars import CAR, IDM, Cars, Fleet, check, gaps
from eqfree.ensemble import Key
from eqfree.hmm import Answer, Closure, FluxCurve, flow_alone
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.traffic.gradient import FlowAndGradient
from scenarios.traffic.macroscopic import ASKED_CARS, WholeRange, advance_road
from scenarios.traffic.roads import EveryCar, Profile, drive, l1_difference, place
from scenarios.traffic.settings import Settings

__all__ = ["run_unstable"]

Array = NDArray[np.float64]

_ROADS = 8  # begun with other displacements
_DISPLACEMENTS = (2.5, 0.25, 0.025)  # m: at most so much for each car; the first is half of its length
_FLOWS, _GRADIENTS = 70, 48  # rings asked for either table
_PICTURE = 60.0  # s between the times at which roads are compared


def run_unstable(settings: Settings, context: Context) -> Part:
    """IDM drivers with a = 0.73 m/s², among whom waves grow above 20 veh/km, beside the law that asks them.

    There the gradient coefficient D is negative: with it the law would let waves grow the faster the shorter they are,
    without a bound. So it is taken as zero where it is negative, and the law is solved without it altogether as well.
    Either way flow stays uniform in the law that the drivers turn into stop-and-go, at another flow. Nor does one road
    of drivers foretell another: roads begin with each car displaced by up to half its length, by a tenth and a
    hundredth of that, and are compared with each other and with the law. No bar is set.

    Tables: ``unstable_motorway`` (a row per displacement, at the end) and ``unstable_motorway_over_time``.

    Parameters
    ----------
    settings
        ``motorway`` says which road, ``seed`` which displacements.
    context
        Shows progress.

    Raises
    ------
    ValueError
        If the cells do not divide the ring.
    """
    road = settings.motorway
    edges, profile = road.edges(), Profile(road.length)
    times = np.linspace(0.0, road.duration, ceil(road.duration / _PICTURE) + 1)
    flux = _ask_drivers()
    clipped, plain = (advance_road(each, profile, edges, times) for each in (flux, flux.without_gradient()))
    parts = []
    for displacement in context.track(_DISPLACEMENTS, "motorways of unstable drivers"):
        every = [
            drive(IDM(), cars, times, edges, np.random.default_rng(0))
            for cars in _starts(profile, displacement, settings.seed)
        ]
        rows = _compare(every, clipped.densities, plain.densities)
        rows.insert(0, "displacement", displacement)
        parts.append(rows)
    over_time = pd.concat(parts, ignore_index=True)
    table = over_time[over_time["time"] == times[-1]].drop(columns="time").reset_index(drop=True)
    largest = table.iloc[0]
    values = {
        "unstable_l1": ef.Value(float(largest["l1"])),
        "unstable_spread": ef.Value(float(largest["one_from_another"])),
    }
    tables = {"unstable_motorway": table, "unstable_motorway_over_time": over_time}
    return Part(tables, values, [], [_words(table)], cost=flux.cost)


@dataclass(frozen=True)
class _NotNegative(Closure):
    """Flow and gradient coefficient, the latter at least zero."""

    closure: Closure

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        answer = self.closure(inputs, key=key)
        flow, gradient = np.split(answer.value, 2, axis=1)
        return replace(answer, value=np.hstack([flow, np.maximum(gradient, 0.0)]))


def _ask_drivers() -> FluxCurve:
    jam = 1 / (CAR.length + CAR.minimum_gap)
    closure = WholeRange(_NotNegative(FlowAndGradient(IDM(), CAR, ASKED_CARS)), jam)
    flow = FluxCurve.from_closure(flow_alone(closure), jam, 1e-3, max_solves=_FLOWS)
    both = FluxCurve.from_closure(closure, jam, 1e-3, max_solves=_GRADIENTS)
    return FluxCurve(flow.flow, both.gradient, flow.cost + both.cost, flow.error)


def _starts(profile: Profile, displacement: float, seed: int) -> Iterator[Cars]:
    """Populations whose cars are each displaced by up to so many m, at the steady speeds of their gaps."""
    law = IDM()
    cars = place(law, Fleet.of(CAR).deck(profile.cars), profile)
    for number in range(_ROADS):
        rng = Generator(PCG64(SeedSequence(seed, spawn_key=(number,))))
        moved = replace(cars, position=cars.position + rng.uniform(-displacement, displacement, len(cars)))
        yield check(law.prepare(replace(moved, speed=law.steady_speed(gaps(moved), moved.drivers))))


def _compare(every: Sequence[EveryCar], clipped: Array, plain: Array) -> pd.DataFrame:
    """Differences of densities at each time, as shares of the mean density."""
    edges, own = every[0].edges, np.array([road.densities for road in every])
    mean = own.mean(axis=0)
    pairs = np.array([l1_difference(one, other, edges) for one, other in combinations(own, 2)])
    return pd.DataFrame(
        {
            "time": every[0].times,
            "l1": l1_difference(clipped, mean, edges),
            "l1_without_gradient": l1_difference(plain, mean, edges),
            "l1_of_one": l1_difference(clipped[np.newaxis], own, edges).mean(axis=0),
            "one_from_another": pairs.mean(axis=0),
            "one_from_another_at_most": pairs.max(axis=0),
            "one_from_mean": l1_difference(own, mean[np.newaxis], edges).mean(axis=0),
        }
    )


def _words(table: pd.DataFrame) -> str:
    first = table.iloc[0]
    spreads = ", ".join(
        f"{100 * row['displacement']:g} cm: {row['one_from_another']:.1%}" for _, row in table.iterrows()
    )
    return (
        f"Motorway of IDM drivers with a = {CAR.acceleration:g} m/s², among whom waves grow: density differs from "
        f"the mean of {_ROADS} roads by {first['l1']:.1%} of the mean at the end, the gradient correction left out as "
        f"far as its coefficient is negative ({first['l1_without_gradient']:.1%} without it altogether). These roads "
        f"differ from one another too, the more the farther their cars were displaced in the beginning ({spreads}). "
        "No scheme can promise agreement: waves grow from displacements that no cell knows of, and no bar is set."
    )
