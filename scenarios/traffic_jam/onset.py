"""Where uniform flow begins to jam: the Hopf point, the waves that leave it, and the map of where jams exist."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from eqfree.continuation import Across, CurveSteps, PseudoArclength, Steps, trace_events
from eqfree.results import EventPoint
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.progress import counting
from scenarios.traffic_jam import reference
from scenarios.traffic_jam.profile import wave_speed
from scenarios.traffic_jam.ring import Ring, spread
from scenarios.traffic_jam.settings import Settings

__all__ = ["run_onset"]

Array = NDArray[np.float64]

_NEAR = 0.003  # of the onset, to either side: where its multipliers are read
_COUNT = 6  # multipliers
_UNIT = 0.4  # of v0, in natural units
_FIRST, _STEP = 0.025, 0.02  # amplitude of the first wave, and largest step along the waves
_SPAN = 0.5, 1.3  # of v0, in parts of the onset
_ALONG = 0.1  # largest step along the curves of the map, in units of 0.4 of v0 and 1 of a length
_ASIDE = 0.05  # how far to either side of its predicted place a Hopf point is sought, in these units
_FROM, _SETTLED = 1.006, 4000.0  # times a fold: v0 where a jam is simulated, and how long
_GROWN = 1.5  # of the spread at a fold: that of the jam which is simulated
_BACK = 0.012, 40  # steps from that jam back over the fold, and most of them
_SMALLEST = 0.02  # spread of the headways, in mean headways: waves that are smaller are uniform flow
_EXACT, _SPEED, _SAME = 1e-6, 1e-5, 1e-5  # allowed errors
_FOLD = 5e-6
_EVOLVES = 10.0
_CLOSED = "closed form: a/((1 + cos θ) sech²(L/N - h))"


@dataclass(frozen=True)
class _Onset:
    """The ring, by how far its headways are from their mean, at any v0 and length per car."""

    ring: Ring

    @property
    def settings(self) -> Settings:
        """Of the ring."""
        return self.ring.settings

    def __call__(self, pair: tuple[float, float]) -> ef.CoarseTimeStepper:
        """At v0 and a length per car."""
        v0, headway = pair
        there = self.settings.model_copy(update={"length": headway * self.settings.cars})
        return Ring(there).of_deviations(v0)

    def uniform(self, pair: tuple[float, float]) -> ef.CoarseTimeStepper:
        """The same, healed as uniform flow is."""
        return replace(self(pair), healing=self.settings.onset.healing)

    @property
    def rest(self) -> Array:
        """Uniform flow."""
        return np.zeros(self.settings.cars)

    @property
    def headway(self) -> float:
        """Length per car of the ring."""
        return self.settings.length / self.settings.cars

    def waves(self) -> PseudoArclength:
        """How the waves are followed: in their own frame, with the period of so many cars as an unknown."""
        speed, points = wave_speed(self.settings), self.settings.onset.points
        places = max(1, round(self.settings.lasts * speed))
        low, high = (share * self.settings.onset_v0 for share in _SPAN)
        return PseudoArclength(
            duration=places / speed,
            span=(low, high),
            steps=Steps(first=_STEP, smallest=_STEP / 100, unit=_UNIT, points=points),
            measure=spread,
            domain=lambda macro, _: float(spread(macro)[0]) - _SMALLEST * self.headway,
            symmetry=ef.Rotation(places),
        )

    def find(self, pair: Across, _: Sequence[EventPoint], key: tuple[int, ...]) -> ef.BranchEvent:
        """The Hopf point of uniform flow on a line of the map."""
        return ef.find_hopf_point(
            lambda distance: self.uniform(pair(distance)),
            lambda _: self.rest,
            (-_ASIDE, _ASIDE),
            self.settings.onset.horizon,
            key,
            multipliers=ef.ring_multipliers,
            count=_COUNT,
        )


def run_onset(ring: Ring, context: Context) -> Part:
    """The onset from uniform flow, read in the lab frame; the waves that leave it; curves of both in two parameters.

    All places of the ring are alike, so that two bursts with one displaced car hold the multipliers of all waves. The
    waves leave with their own frame, in which they are steady, through their fold; fold and onset are then followed
    over v0 and the length per car, in which there is a jam beside uniform flow between the two. Some folds are solved
    for anew from jams that are simulated there.

    Tables: ``onset_multipliers``, ``waves``, ``waves_events``, ``map`` and ``map_folds``.
    """
    onset = _Onset(ring)
    hopf, multipliers = _locate(onset)
    values = {
        "hopf_v0": ef.Value(hopf.parameter, hopf.stderr, "lengths/time"),
        "hopf_frequency": ef.Value(hopf.frequency, hopf.frequency_stderr, "1/time"),
    }
    tables = {"onset_multipliers": multipliers.to_pandas()}
    checks = list(_check_hopf(onset.settings, hopf, multipliers))
    cost = hopf.cost + multipliers.cost
    if not np.isfinite(hopf.stderr):
        return Part(tables, values, checks, failures=[f"The onset was not located. {hopf.detail}"], cost=cost)
    with counting(context, onset.settings.onset.points, "waves that leave the onset") as count:
        waves = ef.switch_to_cycles(
            lambda v0: onset((v0, onset.headway)), hopf, onset.waves(), distance=_FIRST, progress=count
        )
    tables |= {"waves": waves.to_pandas("waves"), "waves_events": waves.events_to_pandas("waves")}
    cost = cost + waves.cost
    folds = [fold for fold in waves.folds() if np.isfinite(fold.stderr)]
    if not folds:
        failure = f"The waves were followed without a fold: there may be none at these settings. {waves.message}"
        return Part(tables, values, checks, [f"Waves: {waves.message}"], [failure], cost)
    speed = _speed(onset, folds[0])
    values |= {
        "fold_of_waves_v0": ef.Value(folds[0].parameter, unit="lengths/time"),
        "fold_wave_speed": ef.Value(speed, unit="cars/time"),
    }
    curves = _map(onset, folds[0], context)
    tables["map"] = pd.concat([curve.to_pandas(name) for name, curve in curves.items()], ignore_index=True)
    resolved, spent, failures = _resolve(onset, curves["fold"], context)
    tables["map_folds"] = resolved
    checks += [*_check_waves(onset.settings, folds[0], speed), *_check_map(onset.settings, tables)]
    notes = [f"Waves: {waves.message}", *(f"Map, {name}: {curve.message}" for name, curve in curves.items())]
    cost = sum((curve.cost for curve in curves.values()), cost + spent)
    return Part(tables, values, checks, notes, failures, cost)


def _locate(onset: _Onset) -> tuple[ef.BranchEvent, ef.Spectrum]:
    """The Hopf point, and the multipliers there."""
    v0, horizon = onset.settings.onset_v0, onset.settings.onset.horizon
    hopf = ef.find_hopf_point(
        lambda one: onset.uniform((one, onset.headway)),
        lambda _: onset.rest,
        ((1 - _NEAR) * v0, (1 + _NEAR) * v0),
        horizon,
        multipliers=ef.ring_multipliers,
        count=_COUNT,
    )
    there = onset.uniform((hopf.parameter, onset.headway))
    return hopf, ef.ring_multipliers(there, onset.rest, horizon, count=4 * _COUNT)


def _map(onset: _Onset, fold: ef.BranchEvent, context: Context) -> dict[str, ef.EventCurve]:
    """The curves of folds and of Hopf points, each from the ring to smaller and to larger lengths per car."""
    settings = onset.settings.onset
    steps = CurveSteps(
        units=(_UNIT, 1.0),
        first=_ALONG / 2,
        largest=_ALONG,
        points=settings.curve_points,
        spans=((0.0, inf), settings.headways),
    )
    start = onset.settings.onset_v0, onset.headway
    with counting(context, 4 * settings.curve_points, "points of the map") as count:
        folds = [
            ef.continue_event(onset, fold, onset.headway, onset.waves(), steps, direction=way, progress=count)
            for way in (-1, 1)
        ]
        hopfs = [trace_events(onset.find, start, steps, direction=way, progress=count) for way in (-1, 1)]
    return {"fold": _joined(folds), "Hopf": _joined(hopfs)}


def _joined(ways: Sequence[ef.EventCurve]) -> ef.EventCurve:
    """One curve of its two ways from one point, the first backwards."""
    back, forth = ways
    points = [*reversed(back.points[1:]), *forth.points]
    worse = back if not back.success else forth
    return replace(worse, points=points, cost=back.cost + forth.cost)


def _resolve(onset: _Onset, curve: ef.EventCurve, context: Context) -> tuple[pd.DataFrame, ef.Cost, list[str]]:
    """Some folds of the map solved for anew, from jams that are simulated there."""
    wanted = onset.settings.onset.resolved
    chosen = np.unique(np.linspace(0, len(curve.points) - 1, wanted + 2).round().astype(int)[1:-1])
    rows, cost, failures = [], ef.Cost(), []
    for number in context.track([int(one) for one in chosen], "folds solved for anew"):
        point = curve.points[number]
        fold, spent = _jam(onset, point)
        cost = cost + spent
        if fold is None:
            failures.append(f"No fold was found from a simulated jam at a length per car of {point.second:.4g}.")
            continue
        rows.append({"headway": point.second, "map": point.first, "anew": fold.parameter})
    return pd.DataFrame(rows, columns=["headway", "map", "anew"]), cost, failures


def _jam(onset: _Onset, point: EventPoint) -> tuple[ef.BranchEvent | None, ef.Cost]:
    """The fold of jams at a length per car, by the branch from a jam that has settled."""
    begin = _FROM * point.first

    def stepper_of(v0: float) -> ef.CoarseTimeStepper:
        return onset((v0, point.second))

    amplitude = point.event.macro
    settled = stepper_of(begin).burst(_GROWN * amplitude, [_SETTLED])
    method = replace(onset.waves(), span=(0.9 * point.first, 1.1 * point.first))
    step, most = _BACK
    least = 0.9 * float(point.event.measure[0])
    method = replace(
        method,
        steps=Steps(first=step, smallest=step / 50, unit=_UNIT, points=most),
        domain=lambda macro, _: float(spread(macro)[0]) - least,
    )
    branch = ef.continue_branch(stepper_of, settled.mean[-1], begin, method, directions=(-1,))
    found = [fold for fold in branch.folds() if np.isfinite(fold.stderr)]
    return (found[0] if found else None), branch.cost + settled.cost


def _speed(onset: _Onset, fold: ef.BranchEvent) -> float:
    symmetry = onset.waves().symmetry
    assert isinstance(symmetry, ef.Rotation)
    return symmetry.places / fold.duration


def _check_hopf(settings: Settings, hopf: ef.BranchEvent, multipliers: ef.Spectrum) -> Iterator[ef.Check]:
    yield ef.Check("onset, v0", hopf.parameter, settings.onset_v0, _EXACT, _CLOSED, unit="lengths/time")
    yield ef.Check(
        "onset, angular frequency",
        hopf.frequency,
        settings.onset_frequency,
        _EXACT,
        "closed form: v0 sech²(L/N - h) sin θ",
        unit="1/time",
    )
    yield ef.Check(
        "bursts for all multipliers at a parameter",
        float(multipliers.cost.bursts),
        _EVOLVES,
        0.0,
        "this study's budget",
        relation=ef.Relation.AT_MOST,
    )


def _check_waves(settings: Settings, fold: ef.BranchEvent, speed: float) -> Iterator[ef.Check]:
    """The fold of the waves beside that of the boundary-value problem."""
    if reference.applies(settings.model_copy(update={"points": 500, "coarse": "profile", "noise": 0.0})):
        yield ef.Check("fold of the waves, v0", fold.parameter, reference.FOLD[0], _FOLD, reference.SOURCE)
        yield ef.Check(
            "speed of the wave at the fold", speed, reference.FOLD_SPEED, _SPEED, reference.SOURCE, unit="cars/time"
        )


def _check_map(settings: Settings, tables: dict[str, pd.DataFrame]) -> Iterator[ef.Check]:
    hopf = tables["map"][tables["map"]["kind"] == "Hopf"]
    exact = np.array([settings.onset_at(headway) for headway in hopf["y"]])
    yield ef.Check(
        "curve of Hopf points, v0, largest error",
        float(np.abs(hopf["x"] - exact).max()),
        0.0,
        _SAME,
        _CLOSED,
        relation=ef.Relation.AT_MOST,
    )
    anew = tables["map_folds"]
    if len(anew):
        yield ef.Check(
            f"curve of folds, v0, largest distance from {len(anew)} of them solved for anew",
            float(np.abs(anew["map"] - anew["anew"]).max()),
            0.0,
            _SAME,
            "the branch of jams from a simulated one",
            relation=ef.Relation.AT_MOST,
        )
