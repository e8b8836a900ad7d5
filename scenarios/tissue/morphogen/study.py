"""The steady state of a tissue beside a source of morphogen, its stability, and its branch in the source strength."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from eqfree.continuation import PseudoArclength, Steps
from eqfree.fixed_points import Newton
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.progress import counting
from scenarios.tissue.morphogen.direct import LongRun, simulate
from scenarios.tissue.morphogen.mean_field import critical_source, mean_field_steady
from scenarios.tissue.morphogen.settings import MorphogenSettings
from scenarios.tissue.morphogen.tissue import Gradient, Observed

__all__ = ["run_morphogen"]

Array = NDArray[np.float64]

_STEADY, _SPECTRUM, _ALONG, _PROFILES, _LONG, _WEAK = ((90 + number,) for number in range(6))  # keys
_DIFFERENCE = 0.7  # of the amplitudes' scale: paths of cells part within hours, so that differences must be large
_LENGTH = 2.5  # of the branch, in units of the parameter
_LONGER = 1.06  # steps, so that the last one is no sliver
_LEAST = 0.03  # mean density below which populations of this size may die out
_ERRORS = 4.0
_BALANCE = 1e-12
_MORE = 4  # times as many replicas, at most
_CELLS, _COARSE, _MEAN_FIELD = "long run of all cells", "coarse steady state", "mean field"


@dataclass(frozen=True, eq=False)
class _Found:
    """What was computed of the tissue at the strength of the settings."""

    gradient: Gradient
    steady: ef.FixedPoint
    spectrum: ef.Spectrum | None
    profiles: Array
    profiles_stderr: Array
    imbalance: float
    mean_field: Array
    long_run: LongRun
    cost: ef.Cost


def run_morphogen(settings: MorphogenSettings, context: Context, seed: int) -> Part:
    """Cells follow a morphogen, divide by it and take it up, and die everywhere: where births and deaths balance.

    Morphogen enters through the left side. The macro state is a few cosine modes of the cells' density. Their steady
    state is found from bursts, with its multipliers, and followed towards weaker sources; beside it are the cells
    themselves, for a long time, and the mean field, in which every site is occupied independently.

    Tables: ``morphogen`` (density and signal along x, each way), ``morphogen_multipliers``, ``morphogen_branch`` and
    ``morphogen_branch_events`` (those of `eqfree.Branch`), ``morphogen_reference`` (mean densities over the strength).

    Raises
    ------
    ValueError
        If the source is so weak that the tissue dies out.
    """
    critical = critical_source(settings, settings.source)
    if not critical < settings.source:
        raise ValueError(
            f"`source` must be strong enough for a tissue to live: got {settings.source:g} nM µm/h, where in the mean "
            f"field it dies out below {critical:.4g}. Take a stronger source, or lower `death`."
        )
    found = _find(Gradient(settings, settings.source), context, seed)
    parts = [_tell(found, critical)]
    if found.steady.success:
        parts.append(_follow(found, context, seed))
    return join(parts)


def _stepper(gradient: Gradient, context: Context, seed: int) -> ef.CoarseTimeStepper:
    options = gradient.options
    return ef.CoarseTimeStepper(
        gradient, replicas=options.replicas, healing=options.healing, executor=context.executor, seed=seed
    )


def _find(gradient: Gradient, context: Context, seed: int) -> _Found:
    """The steady state, its multipliers and profiles, and the long run, at one strength."""
    options, stepper = gradient.options, _stepper(gradient, context, seed)
    density, signal = mean_field_steady(gradient)
    mean_field = np.stack((density, signal))
    tasks = iter(context.track(["steady state", "multipliers", "long run"], "morphogen"))
    next(tasks)
    steady = ef.find_fixed_point(
        stepper,
        gradient.modes.modes(density),
        options.duration,
        _STEADY,
        method=Newton(most_replicas=_MORE * options.replicas),
        key_sets=options.key_sets,
        difference=_DIFFERENCE,
    )
    next(tasks)
    spectrum, cost = None, steady.cost
    if steady.success:
        spectrum = ef.coarse_multipliers(
            stepper, steady.lifted, options.duration, options.modes, _SPECTRUM, difference=_DIFFERENCE
        )
        cost = cost + spectrum.cost

    def observe(before: Observed, after: Observed, duration: float) -> Array:
        audit = np.full((1, options.columns), gradient.tissue.imbalance(after.tissue))
        return np.concatenate((gradient.tissue.restrict(after.tissue), audit))

    times = [0.0, max(options.healing, options.step)]
    burst = stepper.burst(steady.lifted, times, _PROFILES, observe)
    assert burst.observed is not None  # asked for
    next(tasks)
    long_run = simulate(gradient, mean_field, context, seed, _LONG)
    for _ in tasks:
        pass
    seen, errors = burst.observed.mean[-1], burst.observed.stderr[-1]
    errors[0] = np.hypot(errors[0], np.sqrt(steady.stderr**2 @ gradient.modes.waves**2))
    return _Found(
        gradient,
        steady,
        spectrum,
        seen[:2],
        errors[:2],
        options.replicas * float(seen[2].max()),
        mean_field,
        long_run,
        cost + burst.cost + long_run.cost,
    )


def _tell(found: _Found, critical: float) -> Part:
    """The steady state and its stability beside the long run and the mean field."""
    steady, spectrum, modes = found.steady, found.spectrum, found.gradient.modes
    mean_field = modes.modes(found.mean_field[0])
    values = {
        "morphogen_mean_density": ef.Value(steady.macro[0], steady.stderr[0]),
        "morphogen_mean_density_long_run": ef.Value(found.long_run.modes[0], found.long_run.modes_stderr[0]),
        "morphogen_mean_density_mean_field": ef.Value(mean_field[0]),
        "morphogen_critical_source_mean_field": ef.Value(critical, unit="nM µm/h"),
        "morphogen_imbalance": ef.Value(max(found.imbalance, found.long_run.imbalance)),
    }
    tables = {"morphogen": _profiles(found)}
    notes = [f"Steady state of the tissue beside the source: {steady.message}"]
    if spectrum is not None:
        largest, error = float(np.abs(spectrum.multipliers[0])), float(spectrum.stderr[0])
        values["morphogen_multiplier"] = ef.Value(largest, error)
        tables["morphogen_multipliers"] = spectrum.to_pandas()
        notes.append(
            f"The steady state is {spectrum.stability.value}: in {spectrum.duration:g} h the slowest disturbance "
            f"changes by a factor of {largest:.3f} ± {error:.3f}, and dies at {-spectrum.rates[0].real:.3g} per hour."
        )
    notes.append(
        f"The mean field, without correlations of cells, has a mean density of {mean_field[0]:.4f} and an empty tissue "
        f"below a source of {critical:.4g} nM µm/h; the cells themselves have {found.long_run.modes[0]:.4f} ± "
        f"{found.long_run.modes_stderr[0]:.4f}."
    )
    failures = [] if steady.success else [notes[0]]
    return Part(tables, values, list(_checks(found)), notes, failures, found.cost)


def _profiles(found: _Found) -> pd.DataFrame:
    """A row a way, quantity and column."""
    nothing = np.zeros_like(found.mean_field)
    ways = {
        _COARSE: (found.profiles, found.profiles_stderr),
        _CELLS: (found.long_run.profiles, found.long_run.profiles_stderr),
        _MEAN_FIELD: (found.mean_field, nothing),
    }
    x = found.gradient.tissue.cells.sites.x
    return pd.concat(
        [
            pd.DataFrame({"way": way, "quantity": quantity, "x": x, "value": value, "stderr": stderr})
            for way, (both, errors) in ways.items()
            for quantity, value, stderr in zip(("density", "signal"), both, errors, strict=True)
        ],
        ignore_index=True,
    )


def _checks(found: _Found) -> Iterator[ef.Check]:
    steady, long_run = found.steady, found.long_run
    if steady.success:
        for number, amplitude in enumerate(steady.macro):
            yield ef.Check(
                "mean density of the steady state" if number == 0 else f"mode {number} of its density",
                float(amplitude),
                float(long_run.modes[number]),
                _ERRORS,
                f"{_CELLS}: mean over time; standard errors combined",
                relation=ef.Relation.COVERS,
                stderr=hypot(steady.stderr[number], long_run.modes_stderr[number]),
            )
    if found.spectrum is not None:
        yield ef.Check(
            "largest multiplier of the steady state, and two standard errors",
            float((np.abs(found.spectrum.multipliers) + 2 * found.spectrum.stderr).max()),
            1.0,
            0.0,
            f"stable: {_CELLS} stays there",
            relation=ef.Relation.AT_MOST,
        )
    for name, imbalance in (("bursts", found.imbalance), ("long run", long_run.imbalance)):
        yield ef.Check(
            f"morphogen that is missing or too much in the {name}, in parts of all",
            imbalance,
            0.0,
            _BALANCE,
            "conservation: what entered, less what was taken up, decayed and left",
            relation=ef.Relation.AT_MOST,
        )


def _follow(found: _Found, context: Context, seed: int) -> Part:
    """The branch towards weaker sources, and a long run where it ends."""
    options = found.gradient.options
    step = _LONGER * _LENGTH / (options.points - 1)
    method = PseudoArclength(
        duration=options.duration,
        span=(options.weakest, options.source),
        steps=Steps(
            first=step, largest=step, points=3 * options.points, unit=(options.source - options.weakest) / _LENGTH
        ),
        measure=lambda macro: float(macro[0]),
        domain=lambda macro, _: float(macro[0]) - _LEAST,
        multipliers=min(2, options.modes),
        difference=_DIFFERENCE,
    )

    def stepper_of(source: float) -> ef.CoarseTimeStepper:
        return _stepper(Gradient(options, source), context, seed)

    with counting(context, options.points, "points of the branch of the morphogen") as count:
        branch = ef.continue_branch(
            stepper_of, found.steady.lifted, options.source, method, _ALONG, directions=(-1,), progress=count
        )
    notes = [f"Branch over the source strength: {len(branch.points)} points. {branch.message}"]
    failures = [] if branch.success else [notes[0]]
    if not branch.points:
        return Part({}, {}, [], notes, failures, branch.cost)
    last = min(branch.points, key=lambda point: point.parameter)
    end = Gradient(options, last.parameter)
    density, signal = mean_field_steady(end, start=found.mean_field[0])
    weak = simulate(end, np.stack((density, signal)), context, seed, _WEAK)
    tables = {
        "morphogen_branch": branch.to_pandas(_COARSE),
        "morphogen_branch_events": branch.events_to_pandas(_COARSE),
        "morphogen_reference": _reference(found, [point.parameter for point in branch.points], last.parameter, weak),
    }
    values = {"morphogen_weak_mean_density": ef.Value(last.measure[0], last.measure_stderr[0])}
    return Part(tables, values, list(_check_branch(branch, last, weak)), notes, failures, branch.cost + weak.cost)


def _reference(found: _Found, sources: Sequence[float], weakest: float, weak: LongRun) -> pd.DataFrame:
    """Mean densities of the mean field along the branch, and of the long runs at both of its ends."""
    density, rows = found.mean_field[0], []
    for source in sorted(sources, reverse=True):
        density, _ = mean_field_steady(Gradient(found.gradient.options, source), start=density)
        rows.append({"name": _MEAN_FIELD, "parameter": source, "measure": float(density.mean()), "stderr": 0.0})
    for source, run in ((found.gradient.source, found.long_run), (weakest, weak)):
        rows.append({"name": _CELLS, "parameter": source, "measure": run.modes[0], "stderr": run.modes_stderr[0]})
    return pd.DataFrame(rows)


def _check_branch(branch: ef.Branch, last: ef.BranchPoint, weak: LongRun) -> Iterator[ef.Check]:
    yield ef.Check(
        f"mean density where the branch ends, at a source of {last.parameter:.4g} nM µm/h",
        float(last.measure[0]),
        float(weak.modes[0]),
        _ERRORS,
        f"{_CELLS}: mean over time; standard errors combined",
        relation=ef.Relation.COVERS,
        stderr=hypot(last.measure_stderr[0], weak.modes_stderr[0]),
    )
    yield ef.Check(
        "points of the branch that are unstable",
        float(sum(point.stability is ef.Stability.UNSTABLE for point in branch.points)),
        0.0,
        0.0,
        f"stable: {_CELLS} stays at both of its ends",
        relation=ef.Relation.AT_MOST,
    )
