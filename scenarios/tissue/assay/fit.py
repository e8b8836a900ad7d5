"""Which rule the cells follow, with which parameters, and which profile comes after, from earlier profiles alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from scenarios.tissue.assay.data import CLOSE_PACKING, Profiles
from scenarios.tissue.assay.equation import Law, solve_profiles

__all__ = ["Band", "bounds_of", "choose_law", "equation_of", "fit_equation", "fit_profiles", "predict_band"]

Array = NDArray[np.float64]
Predict = Callable[[Mapping[str, float], int | None], Array]
"""Parameters, and of how many profiles -> densities at the times after the scratch, (time, position)."""

_PER_DRAW = 25  # of the interval's random numbers


def bounds_of(law: Law, profiles: Profiles, count: int) -> dict[str, tuple[float, float]]:
    """The least and largest value of each parameter, from the first ``count`` profiles.

    The capacity lies above every density of the scratch, where cells begin, and within five times the largest.
    """
    largest, start = profiles.densities[:count].max(), profiles.densities[0].max()
    duration = float(profiles.times[count - 1] - profiles.times[0])
    wide = {
        "diffusivity": (5.0, 2e4),
        "proliferation": (0.1 / duration, 20 / duration),
        "capacity": (1.02 * start, max(min(5 * largest, 1.5 * CLOSE_PACKING), 1.1 * start)),
        "delay": (0.0, 0.75 * duration),
    }
    return {name: wide[name] for name in law.parameters}


def fit_profiles(
    predict: Predict,
    law: Law,
    profiles: Profiles,
    count: int,
    *,
    initial: Mapping[str, float] | None = None,
    draws: int = 2,
    confidence: float = 0.9,
    seed: int = 0,
    track: Callable[[range], object] = iter,
) -> ef.Calibration:
    """Least squares on the profiles after the scratch, of the first ``count``; a time weighs by its typical spread."""
    bounds = bounds_of(law, profiles, count)
    weights = np.repeat(profiles.typical_spreads[1:count], len(profiles.positions))
    return ef.calibrate(
        lambda parameters: predict(parameters, count).ravel(),
        profiles.densities[1:count].ravel(),
        weights,
        {name: _inside(value, *bounds[name]) for name, value in (initial or _guess(law, profiles, count)).items()},
        bounds,
        draws=draws,
        confidence=confidence,
        seed=seed,
        progress=track,  # type: ignore[arg-type]
    )


def fit_equation(law: Law, profiles: Profiles, count: int, **options: object) -> ef.Calibration:
    """`fit_profiles` of the law's equation."""
    return fit_profiles(equation_of(law, profiles), law, profiles, count, **options)  # type: ignore[arg-type]


def equation_of(law: Law, profiles: Profiles) -> Predict:
    """The equation's densities."""

    def predict(parameters: Mapping[str, float], count: int | None = None) -> Array:
        durations = profiles.times[1:count] - profiles.times[0]
        return solve_profiles(law, parameters, profiles.densities[0], profiles.strip, durations)

    return predict


def choose_law(laws: Sequence[Law], profiles: Profiles, count: int) -> tuple[Law, pd.DataFrame]:
    """The law that, fitted to all but the last of the first ``count`` profiles, predicts that last one best.

    By the equations of the laws. Where there is one profile to fit alone, nothing can be left out, and the first law
    is taken.

    Returns
    -------
    law, table
        Columns rule, error: root mean square at the profile left out (cells/µm²), and chosen.
    """
    errors = np.full(len(laws), np.nan)
    if count > 2:
        for number, law in enumerate(laws):
            fit = fit_equation(law, profiles, count - 1)
            missed = equation_of(law, profiles)(fit.values, count)[count - 2] - profiles.densities[count - 1]
            errors[number] = np.sqrt((missed**2).mean())
    best = int(np.nanargmin(errors)) if count > 2 else 0
    chosen = np.arange(len(laws)) == best
    return laws[best], pd.DataFrame({"rule": [law.words for law in laws], "error": errors, "chosen": chosen})


@dataclass(frozen=True, eq=False)
class Band:
    """A prediction with its interval.

    Attributes
    ----------
    centre, low, high : (time, position)
        Mean of the cells, and the interval of a replicate's profile (cells/µm²).
    parameters, residual, spread, surrogate
        What the interval is made of, as standard deviations: of the parameters, root mean square over times and
        positions; of the misfit and of the spread between replicates, both at the last fitted profile; and the
        surrogate's (cells/µm²).
    """

    centre: Array
    low: Array
    high: Array
    parameters: float
    residual: float
    spread: float
    surrogate: float


def predict_band(
    simulated: ef.Trajectory,
    draws: Array,
    estimate: Array,
    residual: float,
    spread: float,
    surrogate: float,
    confidence: float,
    seed: int,
) -> Band:
    """The band of profiles, by adding up independent deviations at random.

    Parameters
    ----------
    simulated
        Cells at the estimate.
    draws, estimate : (draw, time, position), (time, position)
        Profiles of the surrogate at the draws of the bootstrap and at the estimate.
    residual, spread, surrogate
        Standard deviations of the other parts (cells/µm²).
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(9,)))
    deviations = draws - estimate
    other = np.sqrt(simulated.stderr**2 + residual**2 + spread**2 + surrogate**2)
    noise = rng.standard_normal((_PER_DRAW, *deviations.shape)) * other
    samples = (simulated.macro + deviations + noise).reshape(-1, *simulated.macro.shape)
    tail = (1 - confidence) / 2
    low, high = np.quantile(samples, [tail, 1 - tail], axis=0)
    return Band(
        simulated.macro,
        np.maximum(low, 0.0),
        high,
        float(np.sqrt((deviations**2).mean())),
        residual,
        spread,
        surrogate,
    )


def _guess(law: Law, profiles: Profiles, count: int) -> dict[str, float]:
    """Where a fit begins: growth as of the whole field, a capacity of twice what is seen."""
    totals, duration = profiles.densities.mean(axis=1), profiles.times[count - 1] - profiles.times[0]
    growth = max(float(np.log(totals[count - 1] / totals[0]) / duration), 0.2 / float(duration))
    first = float(profiles.times[1] - profiles.times[0])
    whole = {
        "diffusivity": 400.0,
        "proliferation": 1.5 * growth,
        "capacity": 2 * float(profiles.densities[:count].max()),
        "delay": 0.5 * first,
    }
    return {name: whole[name] for name in law.parameters}


def _inside(value: float, low: float, high: float) -> float:
    margin = 1e-3 * (high - low)
    return float(np.clip(value, low + margin, high - margin))
