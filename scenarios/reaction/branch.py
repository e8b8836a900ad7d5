"""Branches of steady states over a rate, through both folds, from molecules alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.molecules import RandomTimeChange, WellMixed
from eqfree.continuation import EventOptions, PseudoArclength, Steps
from eqfree.fields import OutOfBoundsError
from eqfree.results.steady import half_width
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.progress import counting
from scenarios.reaction.reduced import Reduced
from scenarios.reaction.settings import BranchSettings, Settings
from scenarios.reaction.steady import CO_OXIDATION, SCHLOGL, Steady

__all__ = ["run_branch"]

Array = NDArray[np.float64]

_LEVEL = 0.95
_CLOSE = 0.01  # half width of the interval of a fold, in parts of it
_FEW = 1e5 * 24 * 8  # sites, replicas and sets of random numbers from which on it is asked for
_ERRORS = 5.0  # standard errors of a point that it may be off: the largest of many
_FIRST, _MOST = 0.2, 80  # step, points
_POINTS = 35  # about so many come of it, for the bar
_SHARP = (0.957, 1.0), (0.9, 0.2), (0.8, 0.4), (0.0, 1.0)  # A from which on a step of co_oxidation may be so long
_BETWEEN = ef.Stability.STABLE, ef.Stability.UNSTABLE, ef.Stability.STABLE
_ALONG, _SWEPT = 40, 41  # first number of the keys: of branches, and of the sweep


@dataclass(frozen=True, eq=False)
class _Followed:
    """A network of which a branch is followed, and how.

    Attributes
    ----------
    steady
        Its steady states by the rate equations.
    volume
        Molecules per concentration of 1.
    scales
        Species of the macro state, and changes of them that count.
    rest
        The species that takes what they leave of 1.
    unit
        Of the parameter: a change that counts.
    span
        Of the parameter.
    begin
        Where the branch begins, beyond the low fold.
    largest
        Step at a macro state. A fold is taken for a parabola between the points on either side of it.
    start
        Where molecules are put there, to settle for a while.
    settle
        How long.
    duration, healing
        Of a burst.
    """

    steady: Steady
    volume: float
    scales: Mapping[str, float]
    rest: str | None
    unit: float
    span: tuple[float, float]
    begin: float
    largest: Callable[[Array], float]
    start: Mapping[str, float]
    settle: float
    duration: float
    healing: float

    @classmethod
    def co_oxidation(cls, options: BranchSettings) -> _Followed:
        """Carbon monoxide A and oxygen B, of which the surface has most where the branch begins.

        In these units the low fold is a parabola for a step of 1, the high one for one of 0.2.
        """
        return cls(
            steady=CO_OXIDATION,
            volume=options.sites,
            scales={"A": 0.05, "B": 0.05},
            rest="F",
            unit=5.0,
            span=(2.0, 9.5),
            begin=options.start,
            largest=lambda macro: next(step for least, step in _SHARP if macro[0] >= least),
            start={"A": 0.0, "B": 0.9},
            settle=20.0,
            duration=options.duration,
            healing=options.healing,
        )

    @classmethod
    def schlogl(cls, options: BranchSettings) -> _Followed:
        """Molecules X, from the upper state, which at a large feed is the only one."""
        return cls(
            steady=SCHLOGL,
            volume=options.volume,
            scales={"X": 200.0},
            rest=None,
            unit=200.0,
            span=(20.0, 300.0),
            begin=300.0,
            largest=lambda _: 0.4,
            start={"X": 600.0},
            settle=5.0,
            duration=options.schlogl_duration,
            healing=0.0,
        )

    def stepper(self, parameter: float, settings: Settings, context: Context) -> ef.CoarseTimeStepper:
        """At a parameter; a solver that is led to a rate below zero is told that there is none."""
        if parameter < 0:
            raise OutOfBoundsError(f"A rate cannot be negative: got {parameter:g}.")
        molecules = WellMixed(self.steady.network(parameter), self.volume, method=RandomTimeChange())
        return ef.CoarseTimeStepper(
            Reduced(molecules, self.scales, self.rest),
            replicas=settings.branch.replicas,
            healing=self.healing,
            executor=context.executor,
            seed=settings.seed,
        )

    def measure(self, macro: Array) -> float:
        """The concentration that is drawn."""
        return float(macro[list(self.scales).index(self.steady.measured)])


def run_branch(settings: Settings, context: Context) -> Part:
    """Steady states of networks of molecules over a rate: both stable branches, the unstable one, and both folds.

    The macro state of co_oxidation is A and B, free sites follow from them; that of schlogl is X. All molecules are in
    it, so that nothing has to heal. Reactions have a random stream each, under which differences of bursts are up to
    half as noisy as under `Direct`, at the same cost. Along the branch there are few replicas; at a fold there are
    more, and several sets of random numbers, whose spread is its standard error.

    Tables: ``branch`` and ``branch_events``, those of `eqfree.Branch`, for each network; ``branch_sweep``, that of
    `eqfree.continuation.Sweep`, of co_oxidation.
    """
    options = settings.branch
    parts: list[Part] = []
    if "co_oxidation" in options.networks:
        followed = _Followed.co_oxidation(options)
        swept, spent = _sweep(followed, settings, context)
        parts += [_follow(followed, "co", settings, context), replace(swept, cost=spent)]
    if "schlogl" in options.networks:
        parts.append(_follow(_Followed.schlogl(options), "schlogl", settings, context))
    names = dict.fromkeys(name for part in parts for name in part.tables)
    tables = {
        name: pd.concat([part.tables[name] for part in parts if name in part.tables], ignore_index=True)
        for name in names
    }
    return replace(join(parts), tables=tables)


def _follow(followed: _Followed, short: str, settings: Settings, context: Context) -> Part:
    """The branch of one network."""
    options, steady = settings.branch, followed.steady
    method = PseudoArclength(
        duration=followed.duration,
        span=followed.span,
        steps=Steps(
            first=_FIRST, largest=lambda point: followed.largest(point.lifted), points=_MOST, unit=followed.unit
        ),
        measure=followed.measure,
        difference=options.difference,
    )

    def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
        return followed.stepper(parameter, settings, context)

    settled = stepper_of(followed.begin).burst(list(followed.start.values()), [followed.settle], (_ALONG,))
    with counting(context, _POINTS, f"points of the branch of {steady.name}") as count:
        branch = ef.continue_branch(
            stepper_of,
            settled.mean[-1],
            followed.begin,
            method,
            (_ALONG,),
            directions=(-1,),
            events=EventOptions(key_sets=options.key_sets, replicas=options.fold_replicas),
            progress=count,
        )
    folds = _name_folds(branch, steady)
    return Part(
        tables={"branch": branch.to_pandas(steady.name), "branch_events": branch.events_to_pandas(steady.name)},
        values={f"{short}_fold_{name}": ef.Value(*_place(fold), steady.unit) for name, fold in folds.items()},
        checks=list(_checks(followed, branch, folds, options)),
        notes=[_words(steady, branch, folds)],
        failures=list(_failures(steady, branch, folds)),
        cost=branch.cost + settled.cost,
    )


def _name_folds(branch: ef.Branch, steady: Steady) -> dict[str, ef.BranchEvent | None]:
    """The located folds that are nearest to the low one and to the high one; None where there is none."""
    places = np.array([fold.parameter for fold in steady.folds])
    named: dict[str, ef.BranchEvent | None] = {"low": None, "high": None}
    for fold in branch.folds():
        name = ("low", "high")[int(np.argmin(np.abs(places - fold.parameter)))]
        if np.isfinite(fold.stderr) and named[name] is None:
            named[name] = fold
    return named


def _place(fold: ef.BranchEvent | None) -> tuple[float, float]:
    return (nan, nan) if fold is None else (fold.parameter, fold.stderr)


def _checks(
    followed: _Followed, branch: ef.Branch, folds: Mapping[str, ef.BranchEvent | None], options: BranchSettings
) -> Iterator[ef.Check]:
    steady = followed.steady
    for exact, (name, fold) in zip(steady.folds, folds.items(), strict=True):
        value, stderr = _place(fold)
        errors = nan if fold is None else half_width(fold.degrees, _LEVEL)
        yield ef.Check(
            f"{name} fold of {steady.name}, {steady.reaction}",
            value,
            exact.parameter,
            errors,
            steady.source,
            relation=ef.Relation.COVERS,
            unit=steady.unit,
            stderr=stderr,
        )
        if steady is CO_OXIDATION and options.sites * options.fold_replicas * options.key_sets >= _FEW:
            yield ef.Check(
                f"half width of the interval of the {name} fold of {steady.name}, in parts of it",
                errors * stderr / exact.parameter,
                0.0,
                _CLOSE,
                "asked for",
                relation=ef.Relation.AT_MOST,
            )
    runs = [label for label, _ in groupby(p.stability for p in branch.points) if label is not ef.Stability.UNDECIDED]
    runs = [label for label, _ in groupby(runs)]
    yield ef.Check(
        f"branch of {steady.name}: stable, unstable, stable",
        float(tuple(runs) == _BETWEEN),
        1.0,
        0.0,
        "sign of the derivative of the rate equations",
    )
    yield ef.Check(
        f"branch of {steady.name}: largest distance from that of the rate equations, in standard errors",
        float(np.abs(_distances(branch, steady)).max(initial=0.0)),
        0.0,
        _ERRORS,
        f"rate equations: {steady.reaction} at which {steady.measured} is steady, closed form",
        relation=ef.Relation.AT_MOST,
    )


def _distances(branch: ef.Branch, steady: Steady) -> Array:
    """Of the points from the branch of the rate equations, in their standard errors across it.

    The parameter minus the one at which the measure is steady, p - f(m); its variance is that of p - f'(m) m.
    """
    table = branch.to_pandas()
    expected, slope = steady.rate(table["measure"].to_numpy())
    variance = (
        table["parameter_stderr"] ** 2 - 2 * slope * table["covariance"] + slope**2 * table["measure_stderr"] ** 2
    ).to_numpy(np.float64)
    return np.asarray((table["parameter"].to_numpy() - expected) / np.sqrt(variance))


def _words(steady: Steady, branch: ef.Branch, folds: Mapping[str, ef.BranchEvent | None]) -> str:
    told = []
    for exact, (name, fold) in zip(steady.folds, folds.items(), strict=True):
        if fold is not None:
            low, high = fold.interval(_LEVEL)
            told.append(
                f"the {name} fold at {fold.parameter:.5g}, between {low:.5g} and {high:.5g} with 95 % "
                f"(rate equations: {exact.parameter:.5g})"
            )
    details = " ".join(fold.detail for fold in folds.values() if fold is not None and fold.detail)
    return (
        f"Branch of {steady.name} over {steady.reaction}: {len(branch.points)} points, {', '.join(told) or 'no fold'}; "
        f"{branch.cost.agent_updates:.2g} reactions. {details}".strip()
    )


def _failures(steady: Steady, branch: ef.Branch, folds: Mapping[str, ef.BranchEvent | None]) -> Iterator[str]:
    if not branch.success:
        yield f"Branch of {steady.name}: {branch.message}"
    lost = [event for event in branch.folds() if not np.isfinite(event.stderr)]
    for event in lost:
        yield f"Branch of {steady.name}: the fold near {event.parameter:.5g} was seen, not located. {event.detail}"
    missing = [f"its {name} fold" for name, fold in folds.items() if fold is None]
    if missing and not lost:
        yield f"Branch of {steady.name}: without {' and '.join(missing)}. {branch.message}"


def _sweep(followed: _Followed, settings: Settings, context: Context) -> tuple[Part, ef.Cost]:
    """The rate turned up and down again, slowly: what an experiment would show."""
    options = settings.branch
    up = np.linspace(*followed.span, options.sweep_places)
    places = np.concatenate((up, up[-2::-1]))

    def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
        return followed.stepper(parameter, settings, context).with_replicas(options.sweep_replicas)

    with counting(context, len(places), f"sweep of {followed.steady.name}") as count:
        swept = ef.sweep(
            stepper_of,
            list(followed.start.values()),
            places,
            options.sweep_duration,
            (_SWEPT,),
            measure=followed.measure,
            progress=count,
        )
    table = swept.to_pandas().assign(branch=followed.steady.name)
    ups, downs = (_jump(table[table["direction"] == direction]) for direction in ("up", "down"))
    words = (
        f"Sweep of {followed.steady.name}: {followed.steady.measured} jumps between {ups[0]:.4g} and {ups[1]:.4g} on "
        f"the way up, between {downs[0]:.4g} and {downs[1]:.4g} on the way down; a sweep jumps late."
    )
    return Part({"branch_sweep": table}, {}, [], [words]), swept.cost


def _jump(table: pd.DataFrame) -> tuple[float, float]:
    """Between which two parameters of a way the measure changes most."""
    place = int(np.abs(np.diff(table["measure"])).argmax())
    low, high = sorted(table["parameter"].iloc[[place, place + 1]])
    return float(low), float(high)
