"""Growth of an even population: cells, the logistic law, and macro states with and without pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, hypot, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.cells import CellType, LatticeCells, Sites, by_column, independent
from eqfree.diagnosis import Verdict
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.tissue.growth.exact import (
    PAIR_FACTORS,
    SIMULATED,
    SIMULATED_SOURCE,
    line_from_equal_distances,
    line_from_independent,
    logistic,
)
from scenarios.tissue.growth.front import Front, follow_fronts, front_checks, front_table
from scenarios.tissue.growth.population import by_density, by_density_and_pairs
from scenarios.tissue.growth.settings import CoarseName, GrowthSettings

__all__ = ["run_growth"]

Array = NDArray[np.float64]

_READINGS = 41
_HORIZON = 1.0  # of the diagnosis, in mean times between divisions: what a slope may depend on by then does not heal
_STEP, _BURST = 0.4, 0.1  # of projection, in the same times
_LINE, _LINE_TIME = 20_000, 10.0
_REFERENCE = 0.05, 4.0  # density and time of the reference
_MISSED = 0.05  # of the logistic law, which a diagnosis must announce
_PAIR_RATE, _PAIR_RATE_AT, _PAIR_SHARE = 0.118, 0.21, 0.05
_PAIRS_NEAR = 0.02
_GROWN, _DIAGNOSED, _LINES, _PAIRED, _PROJECTED, _FRONTS = (1,), (2,), (3,), (4,), (5,), (6,)


@dataclass(frozen=True, eq=False)
class _Grown:
    """Cells that grew from independent sites: (time, 2) density and pair probability, mean and standard error;
    and of each population, (replica, time, 2)."""

    ratio: float
    cells: LatticeCells
    times: Array
    mean: Array
    stderr: Array
    samples: Array
    cost: ef.Cost

    @property
    def end(self) -> ef.Value:
        """The density at the end."""
        return ef.Value(float(self.mean[-1, 0]), float(self.stderr[-1, 0]))

    @property
    def pair_factor(self) -> float:
        """Pairs at the end over those of independent sites."""
        return float(self.mean[-1, 1] / self.mean[-1, 0] ** 2)


def run_growth(options: GrowthSettings, coarse: Sequence[CoarseName], context: Context, seed: int) -> Part:
    """Few cells fill a square; rates are in units of proliferation.

    What density alone misses is told beside the logistic law, and `eqfree.diagnose` announces it. At the lowest ratio
    of motility to proliferation the growth rate is read with and without the right pairs, and the growth is projected
    by each of the macro states in ``coarse``. Beside it cells fill a line, and a strip by a front. Tables: ``growth``
    (density over time), ``growth_ratios`` (a row a ratio), ``growth_projected``, ``growth_line``, ``growth_front``.
    """
    grown: list[_Grown] = []
    diagnoses: list[ef.Diagnosis] = []
    for number, ratio in enumerate(context.track(options.ratios, "growth over ratios")):
        grown.append(_grow(options, ratio, context, seed, (*_GROWN, number)))
        model = by_density(LatticeCells(grown[-1].cells.sites, grown[-1].cells.types))
        stepper = ef.CoarseTimeStepper(model, options.diagnosed, executor=context.executor, seed=seed)
        diagnoses.append(
            ef.diagnose(
                stepper,
                [options.density],
                horizon=_HORIZON,
                tolerance=options.tolerance,
                key=(*_DIAGNOSED, number),
            )
        )
    slowest = grown[int(np.argmin([one.ratio for one in grown]))]
    rates, rate_cost = _read_rates(options, slowest, seed)
    projected, projection_cost, failures = _project(options, slowest, coarse, context, seed)
    line = _line(seed)
    fronts = follow_fronts(options.fronts, options.front_replicas, context, seed, _FRONTS)
    grown_cost = sum((one.cost for one in grown), rate_cost + projection_cost)
    grown_cost = sum((front.cost for front in fronts), grown_cost)
    cost = sum((diagnosis.cost for diagnosis in diagnoses), grown_cost)
    return Part(
        tables={
            "growth": _over_time(grown, options),
            "growth_ratios": _by_ratio(grown, diagnoses, options),
            "growth_projected": projected,
            "growth_line": line,
            "growth_front": front_table(fronts),
        },
        values={f"growth_rate_{name}": value for name, value in rates.items()}
        | {f"growth_density_at_{_word(one.ratio)}": one.end for one in grown},
        checks=[
            *_density_checks(grown, diagnoses, options),
            *_rate_checks(rates, slowest, options),
            *_line_checks(line),
            *front_checks(fronts),
        ],
        notes=_notes(grown, diagnoses, rates, projected, slowest, fronts, options),
        failures=failures,
        cost=cost,
    )


def _grow(options: GrowthSettings, ratio: float, context: Context, seed: int, key: tuple[int, ...]) -> _Grown:
    sites = Sites((options.side, options.side))
    cells = LatticeCells(sites, (CellType(ratio, 1.0),), independent)
    watched = ef.micro_model(
        by_density(cells).lift, cells.evolve, by_density_and_pairs(cells).restrict, thread_safe=True
    )
    stepper = ef.CoarseTimeStepper(watched, options.replicas, executor=context.executor, seed=seed)
    times = np.linspace(0.0, options.time, _READINGS)
    burst = stepper.burst([options.density, options.density**2], times, key, samples=True)
    assert burst.samples is not None
    return _Grown(ratio, cells, times, burst.mean, burst.stderr, burst.samples, burst.cost)


def _read_rates(options: GrowthSettings, grown: _Grown, seed: int) -> tuple[dict[str, ef.Value], ef.Cost]:
    """How fast the density grows where it is ``pairs_at``: of cells that grew there, and of cells lifted there."""
    if not (grown.samples[:, 0, 0] < options.pairs_at).all() or not (grown.samples[:, -1, 0] > options.pairs_at).all():
        return {}, ef.Cost()
    pairs = np.array([np.interp(options.pairs_at, path[:, 0], path[:, 1]) for path in grown.samples])
    paired, doubt = float(pairs.mean()), float(pairs.std(ddof=1) / sqrt(len(pairs)))
    rates = {"all_cells": ef.Value(options.pairs_at - paired, doubt, "1/time")}
    cells = LatticeCells(grown.cells.sites, grown.cells.types)
    cost = ef.Cost()
    ways = [
        ("density_alone", by_density(cells), [options.pairs_at]),
        ("density_and_pairs", by_density_and_pairs(cells), [options.pairs_at, paired]),
    ]
    for number, (name, model, macro) in enumerate(ways):
        burst = ef.CoarseTimeStepper(model, options.replicas, seed=seed).burst(
            macro,
            [0.0, _BURST / 10],
            (*_PAIRED, number),
            lambda before, after, _: np.array([(cells.drift(before) + cells.drift(after)).mean() / 2]),
        )
        assert burst.observed is not None
        rates[name] = ef.Value(float(burst.observed.mean[0, 0]), float(burst.observed.stderr[0, 0]), "1/time")
        cost += burst.cost
    return rates, cost


def _project(
    options: GrowthSettings, grown: _Grown, coarse: Sequence[CoarseName], context: Context, seed: int
) -> tuple[pd.DataFrame, ef.Cost, list[str]]:
    """The growth by each macro state, from the same start."""
    cells = LatticeCells(grown.cells.sites, grown.cells.types)
    frames, cost, failures = [], ef.Cost(), []
    start = [options.density, options.density**2]
    times = np.linspace(0.0, options.time, ceil(options.time / _STEP - 1e-9) + 1)
    for number, name in enumerate(coarse):
        model = by_density(cells) if name == "density" else by_density_and_pairs(cells)
        macro = start[:1] if name == "density" else start
        stepper = ef.CoarseTimeStepper(model, options.replicas, executor=context.executor, seed=seed)
        method = ef.projective.Heun(float(times[1]), min(_BURST, float(times[1]) / 4))
        result = ef.solve_projective(
            stepper, (0.0, float(times[-1])), macro, method, (*_PROJECTED, number), t_eval=times
        )
        cost += result.cost
        if not result.success:
            failures.append(f"Growth by {name.replace('_', ' ')}: {result.message}")
        frames.append(
            pd.DataFrame(
                {
                    "coarse": name,
                    "time": result.times,
                    "density": result.macro[:, 0],
                    "stderr": result.stderr[:, 0],
                    "all_cells": np.interp(result.times, grown.times, grown.mean[:, 0]),
                }
            )
        )
    return pd.concat(frames, ignore_index=True), cost, failures


def _line(seed: int) -> pd.DataFrame:
    """Cells on a line that only divide, from both samplers, beside what is exact for each."""
    density, rows = _REFERENCE[0], []
    for number, (sampler, law) in enumerate(
        ((independent, line_from_independent), (by_column, line_from_equal_distances))
    ):
        model = by_density(LatticeCells(Sites((_LINE,)), (CellType(0.0, 1.0),), sampler))
        burst = ef.CoarseTimeStepper(model, 16, seed=seed).burst([density], [_LINE_TIME], (*_LINES, number))
        rows.append(
            {
                "sampler": sampler.__name__,
                "time": _LINE_TIME,
                "density": float(burst.mean[0, 0]),
                "stderr": float(burst.stderr[0, 0]),
                "exact": law(density, _LINE_TIME),
            }
        )
    return pd.DataFrame(rows)


def _over_time(grown: Sequence[_Grown], options: GrowthSettings) -> pd.DataFrame:
    frames = [
        pd.DataFrame(
            {
                "ratio": one.ratio,
                "time": one.times,
                "density": one.mean[:, 0],
                "stderr": one.stderr[:, 0],
                "pair_factor": one.mean[:, 1] / one.mean[:, 0] ** 2,
                "logistic": [logistic(options.density, time) for time in one.times],
            }
        )
        for one in grown
    ]
    return pd.concat(frames, ignore_index=True)


def _missed(one: _Grown, options: GrowthSettings) -> float:
    """By how much of the cells' density the logistic law is too high at the end."""
    return logistic(options.density, options.time) / one.end.value - 1


def _by_ratio(grown: Sequence[_Grown], diagnoses: Sequence[ef.Diagnosis], options: GrowthSettings) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "ratio": one.ratio,
                "density": one.end.value,
                "stderr": one.end.stderr,
                "pair_factor": one.pair_factor,
                "logistic_too_high": _missed(one, options),
                "verdict": diagnosis.verdict.name.lower().replace("_", " "),
                "slopes_differ": diagnosis.comparisons[0].dependence.value,
                "slopes_differ_stderr": diagnosis.comparisons[0].dependence.stderr,
            }
            for one, diagnosis in zip(grown, diagnoses, strict=True)
        ]
    )


def _density_checks(
    grown: Sequence[_Grown], diagnoses: Sequence[ef.Diagnosis], options: GrowthSettings
) -> Iterator[ef.Check]:
    for one, diagnosis in zip(grown, diagnoses, strict=True):
        word = f"growth, motility {one.ratio:g} times proliferation"
        if (options.density, options.time) == _REFERENCE and one.ratio in SIMULATED:
            known = SIMULATED[one.ratio]
            yield ef.Check(
                f"{word}: density at time 4",
                one.end.value,
                known.value,
                4 * hypot(one.end.stderr, known.stderr),
                f"{SIMULATED_SOURCE}; four combined standard errors",
                stderr=one.end.stderr,
            )
            law = logistic(*_REFERENCE)
            yield ef.Check(
                f"{word}: logistic law above the cells at time 4",
                100 * _missed(one, options),
                100 * (law / known.value - 1),
                400 * law / known.value**2 * hypot(one.end.stderr, known.stderr),
                f"{SIMULATED_SOURCE}; four combined standard errors",
                stderr=100 * law * one.end.stderr / one.end.value**2,
                unit="%",
            )
        if (options.density, options.time) == _REFERENCE and one.ratio in PAIR_FACTORS and options.side >= 100:
            known_factor = PAIR_FACTORS[one.ratio]
            yield ef.Check(
                f"{word}: pair factor at time 4",
                one.pair_factor,
                known_factor,
                _PAIRS_NEAR * known_factor,
                SIMULATED_SOURCE,
            )
        if _missed(one, options) > _MISSED:
            yield ef.Check(
                f"{word}: density is announced not to close",
                float(diagnosis.verdict is Verdict.DOES_NOT_CLOSE),
                1.0,
                0.0,
                f"the logistic law is {_missed(one, options):.1%} off",
            )


def _rate_checks(rates: dict[str, ef.Value], slowest: _Grown, options: GrowthSettings) -> Iterator[ef.Check]:
    if slowest.ratio == 1.0 and options.pairs_at == _PAIR_RATE_AT and rates:
        yield ef.Check(
            "growth rate at density 0.21, lifted with its pairs",
            rates["density_and_pairs"].value,
            _PAIR_RATE,
            _PAIR_SHARE * _PAIR_RATE,
            SIMULATED_SOURCE,
            stderr=rates["density_and_pairs"].stderr,
            unit="1/time",
        )


def _line_checks(line: pd.DataFrame) -> Iterator[ef.Check]:
    for row in line.to_dict("records"):
        yield ef.Check(
            f"line of cells that only divide, {str(row['sampler']).replace('_', ' ')}: density at time {_LINE_TIME:g}",
            float(row["density"]),
            float(row["exact"]),
            4.0,
            "exact: two ends of a gap move inwards",
            relation=ef.Relation.COVERS,
            stderr=float(row["stderr"]),
        )


def _notes(
    grown: Sequence[_Grown],
    diagnoses: Sequence[ef.Diagnosis],
    rates: dict[str, ef.Value],
    projected: pd.DataFrame,
    slowest: _Grown,
    fronts: Sequence[Front],
    options: GrowthSettings,
) -> list[str]:
    notes = [
        f"Motility {one.ratio:g} times proliferation: the logistic law is {_missed(one, options):+.1%} off at time "
        f"{options.time:g}. {diagnosis.verdict.value}"
        for one, diagnosis in zip(grown, diagnoses, strict=True)
    ]
    if rates:
        told = {name: f"{rate.value:.4f}" for name, rate in rates.items()}
        notes.append(
            f"Growth rate at density {options.pairs_at:g} and motility {slowest.ratio:g}: {told['all_cells']} of cells "
            f"that grew there, {told['density_alone']} lifted by density alone, {told['density_and_pairs']} with their "
            "pairs."
        )
    for row in front_table(fronts).to_dict("records"):
        notes.append(
            f"Front at motility {row['ratio']:g}: {row['speed']:.3f} ± {row['stderr']:.2g} cells per time; with the "
            f"transient's {row['transient']:.3g} that is {row['corrected_over_fisher']:.2f} of the lattice's Fisher "
            f"speed {row['fisher_speed']:.3f}, which sites that hold one cell each do not reach."
        )
    for name, rows in projected.groupby("coarse", sort=False):
        last = rows.iloc[-1]
        notes.append(
            f"Projected by {str(name).replace('_', ' ')} to time {last['time']:g}: {last['density']:.3f} ± "
            f"{last['stderr']:.2g}, where all cells have {last['all_cells']:.3f}."
        )
    return notes


def _word(ratio: float) -> str:
    return f"{ratio:g}".replace(".", "_")
