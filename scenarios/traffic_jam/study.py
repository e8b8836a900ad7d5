"""The study of a jam: every number, table and check; no pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import floor, sqrt

import numpy as np
import pandas as pd

import eqfree as ef
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.traffic_jam import reference
from scenarios.traffic_jam.onset import run_onset
from scenarios.traffic_jam.profile import follow_profile
from scenarios.traffic_jam.ring import EVOLVE, Ring
from scenarios.traffic_jam.settings import Settings
from scenarios.traffic_jam.sigma import compare_healings, follow_sigma, resolve_fold
from scenarios.traffic_jam.uniform import label_uniform, turn_slowly

__all__ = ["run"]

_PROFILE = 5e-6, 100.0  # largest error in v0, and evolves that may be spent
_SIGMA = 5e-5, 300.0
_WEAK = 0.12, 3e-4  # σ below which a jam of which σ alone is known may err by more, and by how much
_SAME = 1e-4  # σ at the fold
_NAME = "jam"
_COVERING = 0.85  # of intervals of 95 %, at least: 17 of 20
_HALF = 5e-4  # v0
_ERRORS = 2.0  # standard errors of the reference, which itself is no exact value


def run(settings: Settings, context: Context) -> ef.Study:
    """Compute the parts that the settings ask for, one after the other."""
    ring = Ring(settings, context.executor)
    whole = join(PARTS[name](ring, context) for name in settings.parts)
    return ef.Study(
        scenario="traffic_jam",
        settings=settings.model_dump(mode="json"),
        values=whole.values,
        checks=whole.checks,
        tables=whole.tables,
        notes=whole.notes,
        failures=whole.failures,
        cost=whole.cost,
    )


def _run_jam(ring: Ring, context: Context) -> Part:
    """Follow the jam by the macro state that the settings ask for."""
    return _run_profile(ring, context) if ring.settings.coarse == "profile" else _run_sigma(ring, context)


PARTS: Mapping[str, Callable[[Ring, Context], Part]] = {"jam": _run_jam, "onset": run_onset}


def _run_profile(ring: Ring, context: Context) -> Part:
    branch, begun = follow_profile(ring, context)
    spent = branch.cost + begun
    uniform, labelled = label_uniform(ring, context)
    own = _tell(ring, branch, spent, *_PROFILE)
    tables, cost = dict(own.tables), own.cost + labelled
    tables["branch"] = pd.concat([*([tables["branch"]] if branch.points else []), uniform], ignore_index=True)
    if ring.settings.hysteresis and branch.points:
        swept = turn_slowly(ring, branch.points[0].macro, context)
        tables["sweep"], cost = swept.to_pandas(), cost + swept.cost
    stable = uniform["stability"] == ef.Stability.STABLE.value
    checks = [
        *own.checks,
        ef.Check(
            "uniform flow: labels that are wrong",
            float((stable != (uniform["parameter"] < ring.settings.onset_v0)).sum()),
            0.0,
            0.0,
            f"stable below v0 = {ring.settings.onset_v0:.7g}, closed form",
            relation=ef.Relation.AT_MOST,
        ),
    ]
    return Part(tables, own.values, checks, own.notes, own.failures, cost)


def _run_sigma(ring: Ring, context: Context) -> Part:
    followed = follow_sigma(ring, context)
    parts = [_tell(ring, followed.branch, followed.branch.cost + followed.start, *_SIGMA)]
    if any(point.stability is ef.Stability.STABLE for point in followed.branch.points):
        table, words, cost = compare_healings(ring, followed, context)
        if reference.applies(ring.settings):
            table["exact"] = reference.exact_spread(float(table["v0"].iloc[0]))
        parts.append(Part({"healing": table}, {}, [], words, cost=cost))
    if ring.settings.noise > 0:
        parts.append(_through_noise(ring.settings, resolve_fold(ring, followed, context)))
    return join(parts)


def _tell(ring: Ring, branch: ef.Branch, spent: ef.Cost, error: float, evolves: float) -> Part:
    """Table, values and checks of a branch of jams."""
    failures = [] if branch.success else [branch.message]
    if not branch.points:
        return Part({}, {}, [], [], failures, spent)
    folds = [fold for fold in branch.folds() if np.isfinite(fold.parameter)]
    values = {
        "points": ef.Value(float(len(branch.points))),
        "evolves": ef.Value(spent.micro_time / EVOLVE, unit=f"{EVOLVE:g} time units"),
        "smallest_sigma": ef.Value(float(branch.measure[:, 0].min())),
        "onset_v0": ef.Value(ring.settings.onset_v0),
    }
    if folds:
        values |= {"fold_v0": ef.Value(folds[0].parameter), "fold_sigma": ef.Value(float(folds[0].measure[0]))}
    else:
        failures.append(
            "No fold was found between the large jam and uniform flow: at these settings there may be none, or no jam."
        )
    checks = list(_compare(branch, folds, spent, error, evolves)) if reference.applies(ring.settings) else []
    return Part(
        tables={"branch": branch.to_pandas(_NAME), "events": branch.events_to_pandas(_NAME)},
        values=values,
        checks=[*checks, *_labels(branch, folds)],
        notes=[f"Jam: {branch.message}"],
        failures=failures,
        cost=spent,
    )


def _labels(branch: ef.Branch, folds: list[ef.BranchEvent]) -> Iterator[ef.Check]:
    """Jams larger than that at the fold are stable, smaller ones are not."""
    if not folds:
        return
    larger = branch.measure[:, 0] > folds[0].measure[0]
    labels = [point.stability for point in branch.points]
    wrong = [
        label is not ef.Stability.UNDECIDED and (label is ef.Stability.STABLE) != large
        for label, large in zip(labels, larger, strict=True)
    ]
    yield ef.Check(
        "jam: labels that are wrong",
        float(sum(wrong)),
        0.0,
        0.0,
        "stable above the fold, unstable below",
        relation=ef.Relation.AT_MOST,
    )


def _compare(
    branch: ef.Branch, folds: list[ef.BranchEvent], spent: ef.Cost, error: float, evolves: float
) -> Iterator[ef.Check]:
    """This branch beside the travelling waves of the ring."""
    if folds:
        yield ef.Check("fold, v0", folds[0].parameter, reference.FOLD[0], error, reference.SOURCE)
        slack = _SAME if error < _SIGMA[0] else 2e-3
        yield ef.Check("fold, σ", float(folds[0].measure[0]), reference.FOLD[1], slack, reference.SOURCE)
    told = reference.distances(branch.measure[:, 0], branch.parameter)
    strong = told[:, 0] >= _WEAK[0]
    for name, rows, most in (
        (f"v0 at σ ≥ {_WEAK[0]:g}, largest error", told[strong], error),
        (
            f"v0 at smaller σ, largest error, σ ≥ {told[:, 0].min():g}",
            told[~strong],
            max(error, _WEAK[1] * (error > 1e-5)),
        ),
    ):
        if len(rows):
            worst = float(rows[:, 1].max())
            yield ef.Check(name, worst, 0.0, most, reference.SOURCE, relation=ef.Relation.AT_MOST)
    yield ef.Check(
        "simulated time of branch, fold and start",
        spent.micro_time / EVOLVE,
        evolves,
        0.0,
        "this study's budget",
        relation=ef.Relation.AT_MOST,
        unit=f"{EVOLVE:g} time units",
    )


def _through_noise(settings: Settings, events: list[ef.BranchEvent]) -> Part:
    """The fold of every set of random numbers, with the interval that its own replicas give it."""
    found = [event for event in events if np.isfinite(event.parameter)]
    rows = pd.DataFrame(
        {
            "set": range(len(events)),
            "parameter": [event.parameter for event in events],
            "stderr": [event.stderr for event in events],
            "low": [event.interval()[0] for event in events],
            "high": [event.interval()[1] for event in events],
        }
    )
    cost = sum((event.cost for event in events), ef.Cost())
    failures = [f"Set {n}: {event.detail}" for n, event in enumerate(events) if not np.isfinite(event.parameter)]
    if not found:
        return Part({"noisy_folds": rows}, {}, [], [], failures, cost)
    estimates = np.array([event.parameter for event in found])
    stderr = float(np.mean([event.stderr for event in found]))
    spread = float(estimates.std(ddof=1)) if len(found) > 1 else stderr
    usual = settings.healing is None and settings.horizon is None
    known = (
        usual and settings.noise == reference.NOISE and reference.applies(settings.model_copy(update={"noise": 0.0}))
    )
    return Part(
        tables={"noisy_folds": rows},
        values={"noisy_fold_v0": ef.Value(float(estimates.mean()), max(spread, stderr) / sqrt(len(found)))},
        checks=list(_cover(settings, rows)) if known else [],
        notes=[
            f"The fold through noise: one set of random numbers is off by {stderr:.2g} as its replicas have it, and by "
            f"{spread:.2g} as {len(found)} sets differ."
        ],
        failures=failures,
        cost=cost,
    )


def _cover(settings: Settings, rows: pd.DataFrame) -> Iterator[ef.Check]:
    """The intervals of single sets beside the fold from 100 times the replicas."""
    exact, error = reference.NOISY_FOLD
    slack = _ERRORS * error
    covering = (rows["low"] - slack <= exact) & (exact <= rows["high"] + slack)
    yield ef.Check(
        f"intervals of 95 % that cover v0 = {exact:.7g} ± {error:.2g}, of {len(rows)}",
        float(covering.sum()),
        float(floor(_COVERING * len(rows))),
        0.0,
        "100 times the replicas",
        relation=ef.Relation.AT_LEAST,
    )
    if settings.replicas >= 32:
        yield ef.Check(
            "widest half of an interval",
            float((rows["high"] - rows["low"]).max() / 2),
            _HALF,
            0.0,
            "asked for",
            relation=ef.Relation.AT_MOST,
        )
