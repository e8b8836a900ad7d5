"""The study of a front: every number, table and check; no pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log10, nan, pi

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.pattern import reference
from scenarios.pattern.breathing import Breathing, follow_cycles
from scenarios.pattern.front import Line, follow_fronts
from scenarios.pattern.lifting import compare_liftings
from scenarios.pattern.settings import Settings

__all__ = ["run"]

Array = NDArray[np.float64]

_POINT = 0.01  # of ε at Hopf point and fold, on 100 cells; errors are of second order
_PERIOD, _FLOQUET = 0.001, 0.02  # of the cycle, on 200 cells
_FOURFOLD = 4.0, 0.5  # errors on a grid over those on the next
_EXTRAPOLATED = 2e-4
_FRONTS, _CYCLES = "front", "breathing front"
_EVERY, _PLACES = 2, 50  # times and places of the table of a cycle


@dataclass(frozen=True, eq=False)
class _Found:
    """The branch of fronts on a grid, and its events, as far as they were found, by their kinds."""

    line: Line
    branch: ef.Branch
    cost: ef.Cost

    @property
    def events(self) -> dict[str, ef.BranchEvent]:
        """Located ones."""
        return {event.kind: event for event in self.branch.events if np.isfinite(event.stderr)}

    def epsilon(self, kind: str) -> float:
        """Of an event; NaN where there is none."""
        return 10 ** self.events[kind].parameter if kind in self.events else nan


def run(settings: Settings, context: Context) -> ef.Study:
    """Follow fronts and cycles on one grid, and the fronts alone on finer ones."""
    lines = [Line(settings, settings.cells * 2**number) for number in range(settings.grids)]
    found = [_Found(line, *follow_fronts(line, context)) for line in lines]
    parts = [_tell_fronts(found[0]), compare_liftings(lines[0])]
    if settings.grids > 1:
        parts.append(_tell_grids(found))
    branch = found[0].branch
    if settings.cycles and branch.points:
        slowest = min(branch.points, key=lambda point: point.parameter)
        breathing = follow_cycles(lines[0], found[0].events.get("Hopf"), float(slowest.measure[0]), context)
        parts.append(_tell_cycles(lines[0], breathing, slowest))
    whole = join(parts)
    return ef.Study(
        scenario="pattern",
        settings=settings.model_dump(mode="json"),
        values=whole.values,
        checks=whole.checks,
        tables=whole.tables,
        fields=branch.to_xarray(),
        notes=whole.notes,
        failures=whole.failures,
        cost=whole.cost,
    )


def _tell_fronts(found: _Found) -> Part:
    """Tables ``branch`` and ``events`` over log10 ε, and the events beside those of the equations."""
    branch, hopf = found.branch, found.events.get("Hopf")
    lost = [kind for kind in reference.EVENTS if kind not in found.events]
    frequency = nan if hopf is None else hopf.frequency
    values = {f"{kind.lower()}_epsilon": ef.Value(found.epsilon(kind)) for kind in reference.EVENTS}
    values |= {
        "hopf_frequency": ef.Value(frequency, unit="1/time"),
        "hopf_period": ef.Value(2 * pi / frequency, unit="time"),
        "points": ef.Value(float(len(branch.points))),
    }
    failures = [] if branch.success else [f"Fronts: {branch.message}"]
    return Part(
        tables={"branch": branch.to_pandas(_FRONTS), "events": branch.events_to_pandas(_FRONTS)},
        values=values,
        checks=list(_check_events(found, frequency)),
        notes=[f"Fronts: {branch.message}", _words(found, frequency)],
        failures=[*failures, *(f"No {kind} was found on the branch of fronts." for kind in lost)],
        cost=branch.cost + found.cost,
    )


def _words(found: _Found, frequency: float) -> str:
    hopf, fold = (found.epsilon(kind) for kind in reference.EVENTS)
    return (
        f"On {found.line.cells} cells a front stands still for ε between {hopf:.5g}, below which it breathes with "
        f"periods from {2 * pi / frequency:.4g} on, and {fold:.5g}, beyond which there is none."
    )


def _check_events(found: _Found, frequency: float) -> Iterator[ef.Check]:
    close = _POINT * (100 / found.line.cells) ** 2
    for kind, exact in reference.EVENTS.items():
        yield ef.Check(f"{kind}, ε", found.epsilon(kind), exact, close * exact, reference.SOURCE)
    exact = reference.FREQUENCY
    yield ef.Check("Hopf, frequency", frequency, exact, close * exact, reference.SOURCE, unit="1/time")
    stable = [point.stability is ef.Stability.STABLE for point in found.branch.points]
    low, high = (found.epsilon(kind) for kind in reference.EVENTS)
    if found.events.keys() >= reference.EVENTS.keys():
        upper = found.branch.measure[:, 0] > float(found.events["fold"].measure[0])
        between = upper & (10**found.branch.parameter > low) & (10**found.branch.parameter < high * (1 + close))
        yield ef.Check(
            "fronts: labels that are wrong",
            float((between != np.array(stable)).sum()),
            0.0,
            0.0,
            "stable between Hopf point and fold, and nowhere else",
            relation=ef.Relation.AT_MOST,
        )


def _tell_grids(found: Sequence[_Found]) -> Part:
    """Table ``grids``: the errors of Hopf point and fold on every grid, and what the last two make of them."""
    rows = {
        kind: pd.DataFrame(
            {
                "event": kind,
                "cells": [one.line.cells for one in found],
                "epsilon": [one.epsilon(kind) for one in found],
                "error": [one.epsilon(kind) - exact for one in found],
            }
        )
        for kind, exact in reference.EVENTS.items()
    }
    values, checks = {}, []
    for kind, table in rows.items():
        exact, (coarse, fine) = reference.EVENTS[kind], table["epsilon"].iloc[-2:]
        ratio, limit = (coarse - exact) / (fine - exact), (4 * fine - coarse) / 3
        values[f"{kind.lower()}_epsilon_extrapolated"] = ef.Value(limit)
        checks += [
            ef.Check(f"{kind}: error on a grid over that on the next", ratio, *_FOURFOLD, "second order"),
            ef.Check(f"{kind}, ε extrapolated", limit, exact, _EXTRAPOLATED * exact, reference.SOURCE),
        ]
    finer = [_tell_fronts(one) for one in found[1:]]
    return Part(
        tables={"grids": pd.concat(rows.values(), ignore_index=True)},
        values=values,
        checks=[
            *(
                replace(check, quantity=f"{check.quantity}, on {one.line.cells} cells")
                for one, part in zip(found[1:], finer, strict=True)
                for check in part.checks
            ),
            *checks,
        ],
        failures=[failure for part in finer for failure in part.failures],
        cost=sum((part.cost for part in finer), ef.Cost()),
    )


def _tell_cycles(line: Line, breathing: Breathing, steady: ef.BranchPoint) -> Part:
    """The cycle and the branch of cycles: tables for the pictures of both, and the cycle beside that of the equations.

    Tables ``cycles``, of `eqfree.Branch.cycles_to_pandas`; ``multipliers`` of the cycle; ``cycle``, its u and v over
    time and place; ``phases`` and ``phase_points``, means of u and v on the cycle, on the way there, and at rest.
    """
    orbit, branch = breathing.orbit, breathing.branch
    tables = {"phases": _phases(breathing), "phase_points": _phase_points(steady)}
    notes, failures, floquet = [f"Cycle at ε = {reference.CYCLE.epsilon:g}: {orbit.message}"], [], nan
    if not orbit.success:
        failures.append(notes[0])
    if orbit.spectrum is not None:
        tables |= {"multipliers": orbit.spectrum.to_pandas(), "cycle": _over_line(line, orbit)}
        floquet = float(np.abs(orbit.spectrum.multipliers[orbit.spectrum.own]).max())
    if branch is not None:
        notes.append(f"Cycles from the Hopf point: {branch.message}")
        failures += [] if branch.success else [notes[-1]]
        if branch.points:
            tables["cycles"] = branch.cycles_to_pandas(_CYCLES)
    close = (200 / line.cells) ** 2
    exact = reference.CYCLE
    checks = [
        ef.Check(
            f"period at ε = {exact.epsilon:g}",
            orbit.period,
            exact.period,
            close * _PERIOD * exact.period,
            reference.SOURCE,
            unit="time",
        ),
        ef.Check(
            f"Floquet multiplier at ε = {exact.epsilon:g}",
            floquet,
            exact.floquet,
            close * _FLOQUET * exact.floquet,
            reference.SOURCE,
        ),
    ]
    values = {"cycle_period": ef.Value(orbit.period, unit="time"), "cycle_floquet": ef.Value(floquet)}
    if branch is not None and branch.points:
        checks += list(_check_cycles(branch, orbit))
    return Part(tables, values, checks, notes, failures, breathing.cost)


def _check_cycles(branch: ef.Branch, orbit: ef.PeriodicOrbit) -> Iterator[ef.Check]:
    """The cycles are stable, and the last is the one that a simulation settles on."""
    unstable = [point.stability is not ef.Stability.STABLE for point in branch.points]
    yield ef.Check(
        "cycles: labels that are wrong",
        float(sum(unstable)),
        0.0,
        0.0,
        "all stable: the Hopf point is supercritical",
        relation=ef.Relation.AT_MOST,
    )
    last = branch.points[-1]
    if last.parameter == log10(reference.CYCLE.epsilon):
        yield ef.Check(
            "period of the branch of cycles where it ends",
            last.duration,
            orbit.period,
            1e-5 * orbit.period,
            "the cycle that a simulation settles on",
            unit="time",
        )


def _means(macros: Array) -> Mapping[str, Array]:
    return {"x": macros[:, 0].mean(axis=1), "y": macros[:, 1].mean(axis=1)}


def _phases(breathing: Breathing) -> pd.DataFrame:
    paths = {"transient": ("from a steep front", breathing.transient), "cycle": (_CYCLES, breathing.orbit.path)}
    rows = [pd.DataFrame({"name": name, "kind": kind, **_means(path)}) for kind, (name, path) in paths.items()]
    return pd.concat(rows, ignore_index=True)


def _phase_points(steady: ef.BranchPoint) -> pd.DataFrame:
    means = _means(steady.macro[np.newaxis])
    return pd.DataFrame({"name": "steady front", **means, "stability": steady.stability.value})


def _over_line(line: Line, orbit: ef.PeriodicOrbit) -> pd.DataFrame:
    """A row a time, place and field, as many as a picture shows."""
    path = orbit.path[::_EVERY, :, :: max(1, line.cells // _PLACES)]
    times, places = orbit.times[::_EVERY], line.lattice.places[:: max(1, line.cells // _PLACES)]
    rows = [
        pd.DataFrame(
            {
                "time": np.repeat(times, len(places)),
                "place": np.tile(places, len(times)),
                "field": field,
                "value": path[:, number].ravel(),
            }
        )
        for number, field in enumerate(("u", "v"))
    ]
    return pd.concat(rows, ignore_index=True)
