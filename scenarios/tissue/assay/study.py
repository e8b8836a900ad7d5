"""The study of a scratch assay: every number, table and check; no pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.tissue.assay.data import CARRIED, Profiles, carried_profiles, read_profiles
from scenarios.tissue.assay.equation import FISHER, Law
from scenarios.tissue.assay.fit import (
    Band,
    bounds_of,
    choose_law,
    equation_of,
    fit_equation,
    fit_profiles,
    predict_band,
)
from scenarios.tissue.assay.population import ScratchCells
from scenarios.tissue.assay.settings import AssaySettings
from scenarios.tissue.assay.surrogate import Surrogate, build_surrogate, simulate_cells

__all__ = ["Found", "find", "run_assay", "tabulate"]

Array = NDArray[np.float64]

_UNITS = {"diffusivity": "µm²/h", "proliferation": "1/h", "capacity": "cells/µm²", "delay": "h", "motility": "1/h"}
_WORSE = 1.1  # times the rms error of the fitted equation
_COVERED = 0.8  # of the positions
_FISHER, _CELLS = "Fisher-KPP", "cells"
_TIED = 1.05  # times the least error: no better a rule
_WAITING = "Fisher-KPP after a delay"


@dataclass(frozen=True, eq=False)
class Found:
    """What the first ``count`` profiles of an assay say, and what follows from it for the later ones.

    Attributes
    ----------
    law, rules
        The rule that was chosen, and the table of all that were tried.
    cells, equations
        The fit of the cells, and those of the equations, by their names.
    surrogate
        What the cells were fitted by.
    band
        The profiles of the cells after the scratch, with their interval.
    motility
        Hops that a cell tries in an hour (1/h).
    """

    profiles: Profiles
    count: int
    law: Law
    rules: pd.DataFrame
    cells: ef.Calibration
    equations: Mapping[str, ef.Calibration]
    surrogate: Surrogate
    band: Band
    motility: float
    cost: ef.Cost

    def solved(self, name: str) -> Array:
        """Densities of a fitted equation at the times after the scratch, (time, position)."""
        return equation_of(_EQUATIONS[name], self.profiles)(self.equations[name].values, None)

    def error(self, densities: Array) -> float:
        """Root mean square of the deviations from the profiles held back (cells/µm²)."""
        missed = densities[self.count - 1 :] - self.profiles.densities[self.count :]
        return float(np.sqrt((missed**2).mean()))

    @property
    def covered(self) -> float:
        """The share of the positions of the profiles held back that lies within the interval."""
        measured = self.profiles.densities[self.count :]
        low, high = self.band.low[self.count - 1 :], self.band.high[self.count - 1 :]
        return float(((low <= measured) & (measured <= high)).mean())

    @property
    def width(self) -> float:
        """Mean width of the interval at the profiles held back (cells/µm²)."""
        return float((self.band.high - self.band.low)[self.count - 1 :].mean())

    @property
    def level(self) -> float:
        """Mean density of the profiles held back, of which errors are shares (cells/µm²)."""
        return float(self.profiles.densities[self.count :].mean())


_EQUATIONS = {_FISHER: FISHER, _WAITING: Law(delayed=True)}


def run_assay(settings: AssaySettings, context: Context, seed: int, data: str | None = None) -> Part:
    """Fit, predict and compare: the file ``data``, or the two assays that are carried.

    Raises
    ------
    ValueError
        For a file that cannot be read as an assay, or without a time to fit to and one to predict.
    """
    if data is not None:
        return _tell(find(read_profiles(data), settings, context, seed), settings, "assay")
    carried = [carried_profiles(name) for name in CARRIED]
    return join(_tell(find(one, settings, context, seed), settings, f"assay_{one.name}") for one in carried)


def find(profiles: Profiles, settings: AssaySettings, context: Context, seed: int) -> Found:
    """Choose a rule, fit cells and equations to the profiles up to ``fitted_until``, and predict the later ones.

    Raises
    ------
    ValueError
        If there is no time to fit to, or none to predict.
    """
    count = profiles.fitted(settings.fitted_until)
    laws = [Law(delayed, inhibition) for delayed in (False, True) for inhibition in settings.inhibitions]
    law, rules = choose_law(laws, profiles, count)
    rough = fit_equation(law, profiles, count).values
    surrogate, cost = build_surrogate(
        law,
        rough,
        bounds_of(law, profiles, count),
        profiles,
        settings.field_height,
        design=settings.design,
        replicas=max(settings.replicas // 2, 2),
        seed=seed,
        executor=context.executor,
        track=lambda points: context.track(points, f"cells about a first fit to {profiles.name}"),
    )
    cells = fit_profiles(
        surrogate,
        law,
        profiles,
        count,
        initial=rough,
        draws=settings.bootstrap,
        confidence=settings.confidence,
        seed=seed,
        track=lambda draws: context.track(draws, f"bootstrap of the fit to {profiles.name}"),
    )
    simulated = simulate_cells(
        law,
        cells.values,
        profiles,
        settings.field_height,
        settings.replicas,
        seed=seed,
        key=(2,),
        executor=context.executor,
    )
    last = simulated.macro[count - 2] - profiles.densities[count - 1]
    band = predict_band(
        simulated,
        draws=np.array([surrogate(dict(zip(cells.values, one, strict=True))) for one in cells.samples]),
        estimate=surrogate(cells.values),
        residual=float(np.sqrt((last**2).mean())),
        spread=float(profiles.typical_spreads[count - 1]),
        surrogate=surrogate.error,
        confidence=settings.confidence,
        seed=seed,
    )
    height, strips = settings.field_height, len(profiles.positions)
    return Found(
        profiles,
        count,
        law,
        rules,
        cells,
        {name: fit_equation(equation, profiles, count) for name, equation in _EQUATIONS.items()},
        surrogate,
        band,
        ScratchCells(law, cells.values, strips, profiles.strip, height).motility,
        cost + simulated.cost,
    )


def _tell(found: Found, settings: AssaySettings, prefix: str) -> Part:
    """Tables, which have the assay's name in a column of the same name, numbers, checks and notes."""
    return Part(
        tables=_tables(found, settings, prefix),
        values=_values(found, prefix),
        checks=list(_checks(found, settings)),
        notes=list(_notes(found, settings)),
        failures=[] if found.cells.success else [f"Assay {found.profiles.name}: {found.cells.message}"],
        cost=found.cost,
    )


def _values(found: Found, prefix: str) -> dict[str, ef.Value]:
    """The fit, with the standard deviations of the bootstrap, and what became of the prediction."""
    doubt = dict(zip(found.cells.values, found.cells.samples.std(axis=0, ddof=1).tolist(), strict=True))
    share = doubt["diffusivity"] / found.cells.values["diffusivity"]
    whole = {
        "motility": ef.Value(found.motility, found.motility * share, _UNITS["motility"]),
        **{name: ef.Value(value, doubt[name], _UNITS[name]) for name, value in found.cells.values.items()},
        "inhibition": ef.Value(float(found.law.inhibition or 0.0)),
        "prediction_error": ef.Value(found.error(found.band.centre), unit="cells/µm²"),
        "fisher_error": ef.Value(found.error(found.solved(_FISHER)), unit="cells/µm²"),
        "delayed_fisher_error": ef.Value(found.error(found.solved(_WAITING)), unit="cells/µm²"),
        "replicate_spread": ef.Value(float(found.profiles.typical_spreads[found.count :].mean()), unit="cells/µm²"),
        "interval_width": ef.Value(found.width, unit="cells/µm²"),
        "interval_coverage": ef.Value(found.covered),
        "surrogate_error": ef.Value(found.surrogate.error, unit="cells/µm²"),
    }
    return {f"{prefix}_{name}": value for name, value in whole.items()}


def _checks(found: Found, settings: AssaySettings) -> Iterator[ef.Check]:
    name, times = found.profiles.name, _times(found)
    fisher = found.error(found.solved(_FISHER))
    yield ef.Check(
        f"assay {name}: rms error of the cells' prediction at {times}",
        found.error(found.band.centre),
        fisher,
        (_WORSE - 1) * fisher,
        f"Fisher-KPP fitted to the same profiles, and {_WORSE - 1:.0%}",
        relation=ef.Relation.AT_MOST,
        unit="cells/µm²",
    )
    yield ef.Check(
        f"assay {name}: share of positions at {times} within the interval",
        found.covered,
        _COVERED,
        0.0,
        f"an interval of {settings.confidence:.0%} that is no more than somewhat too narrow",
        relation=ef.Relation.AT_LEAST,
    )
    yield ef.Check(
        f"assay {name}: error of the surrogate that cells are fitted by",
        found.surrogate.error,
        0.5 * found.band.spread,
        0.0,
        "half of the spread between replicates",
        relation=ef.Relation.AT_MOST,
        unit="cells/µm²",
    )


def _notes(found: Found, settings: AssaySettings) -> Iterator[str]:
    name, until = found.profiles.name, f"{found.profiles.times[found.count - 1]:g} h"
    errors = found.rules["error"]
    if errors.notna().all():
        yield (
            f"Assay {name}: fitted up to {found.profiles.times[found.count - 2]:g} h, cells that {found.law.words} are "
            f"nearest to {until}, {errors.min():.3g} cells/µm² rms, of {len(errors)} rules with errors up to "
            f"{errors.max():.3g}; {int((errors <= _TIED * errors.min()).sum()) - 1} others come within "
            f"{_TIED - 1:.0%} of that. No later profile was looked at."
        )
    else:
        yield f"Assay {name}: with one profile to fit no rule can be told from another; cells {found.law.words}."
    for parameter, value in found.cells.values.items():
        low, high = found.cells.intervals[parameter]
        interval = f"{settings.confidence:.0%} interval {low:.3g} to {high:.3g}"
        fitted = f"{parameter} {value:.3g} {_UNITS[parameter]}, {interval}"
        fixed = found.cells.identified[parameter]
        yield f"Assay {name}: fitted {fitted}." if fixed else f"Assay {name}: not fixed up to {until}: {fitted}."
    band, level = found.band, found.level
    cells, fisher, waiting = (found.error(one) for one in (band.centre, found.solved(_FISHER), found.solved(_WAITING)))
    spread = found.profiles.typical_spreads[found.count :].mean()
    yield (
        f"Assay {name}, {_times(found)}, held back: rms error {cells / level:.1%} of the mean density {level:.3g} "
        f"cells/µm² by cells, {fisher / level:.1%} by Fisher-KPP, {waiting / level:.1%} by Fisher-KPP after a delay; "
        f"replicates spread by {spread / level:.1%}."
    )
    yield (
        f"Assay {name}: the interval of {settings.confidence:.0%} of a replicate is {found.width:.3g} cells/µm² wide "
        f"and holds {found.covered:.0%} of the positions; standard deviations of its parts: parameters "
        f"{band.parameters:.2g}, misfit {band.residual:.2g}, replicates {band.spread:.2g}, surrogate "
        f"{band.surrogate:.2g}."
    )


def _tables(found: Found, settings: AssaySettings, prefix: str) -> dict[str, pd.DataFrame]:
    """``_profiles``: a row a time and position; ``_fit``: a row a model and parameter; ``_rules``; ``_bootstrap``."""
    fits = {_CELLS: found.cells, **found.equations}
    rows = [
        {
            "model": model,
            "parameter": parameter,
            "value": value,
            # the equations are there for their curves: they had no bootstrap
            "low": fit.intervals[parameter][0] if model == _CELLS else np.nan,
            "high": fit.intervals[parameter][1] if model == _CELLS else np.nan,
            "unit": _UNITS[parameter],
            "identified": fit.identified[parameter] if model == _CELLS else None,
        }
        for model, fit in fits.items()
        for parameter, value in fit.values.items()
    ]
    samples = pd.DataFrame(found.cells.samples, columns=[f"{name} ({_UNITS[name]})" for name in found.cells.values])
    tables = {"profiles": tabulate(found), "fit": pd.DataFrame(rows), "rules": found.rules, "bootstrap": samples}
    return {f"{prefix}_{name}": table for name, table in tables.items()}


def tabulate(found: Found) -> pd.DataFrame:
    """Columns time (h), position (µm), measured and spread, cells, low and high, fisher (cells/µm²), and role."""
    profiles, start = found.profiles, found.profiles.densities[:1]
    blank = np.full_like(start, np.nan)
    count = len(profiles.positions)
    roles = ["start", *["fitted"] * (found.count - 1), *["predicted"] * (len(profiles.times) - found.count)]
    columns = {
        "measured": profiles.densities,
        "spread": profiles.spreads,
        "cells": np.vstack([start, found.band.centre]),
        "low": np.vstack([blank, found.band.low]),
        "high": np.vstack([blank, found.band.high]),
        "fisher": np.vstack([start, found.solved(_FISHER)]),
    }
    return pd.DataFrame(
        {
            "time": np.repeat(profiles.times, count),
            "position": np.tile(profiles.positions, len(profiles.times)),
            "role": np.repeat(roles, count),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )


def _times(found: Found) -> str:
    return " and ".join(f"{time:g} h" for time in found.profiles.times[found.count :])
