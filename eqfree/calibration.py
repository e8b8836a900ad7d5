"""Parameters of a micro-model from measurements, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.random import SeedSequence, default_rng
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeResult, least_squares

from eqfree.fields import short

__all__ = ["Calibration", "calibrate"]

Array: TypeAlias = NDArray[np.float64]
Predict: TypeAlias = Callable[[Mapping[str, float]], ArrayLike]


@dataclass(frozen=True, eq=False)
class Calibration:
    """Parameters fitted to measurements, and how well the measurements fix them.

    Attributes
    ----------
    values
        Parameter -> least-squares estimate.
    intervals
        Parameter -> (low, high): the bootstrap percentile interval of the confidence asked for.
    identified
        Parameter -> whether the fit converged and the interval is narrower than asked for and clear of the bounds.
    samples : (draw, parameter)
        The bootstrap, in the order of ``values``.
    residuals : (row,)
        (prediction - measurement) / standard error at the estimate.
    success, message
        Whether the fit to all rows converged, and how it ended, as SciPy says it.
    """

    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    identified: Mapping[str, bool]
    samples: Array
    residuals: Array
    success: bool
    message: str

    @property
    def reduced_chi_square(self) -> float:
        """Sum of squared residuals per degree of freedom: far above one, the model is wrong or the errors are."""
        return float(self.residuals @ self.residuals / max(len(self.residuals) - len(self.values), 1))


def calibrate(
    predict: Predict,
    measured: ArrayLike,
    stderr: ArrayLike,
    initial: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    *,
    draws: int = 200,
    confidence: float = 0.95,
    identified_within: float = 0.2,
    seed: int = 0,
    progress: Callable[[range], Iterable[int]] = iter,
) -> Calibration:
    """Weighted least squares of a derived curve on measurements, with the intervals of a bootstrap over rows.

    Minimises ``sum(((predict(p) - measured) / stderr)**2)`` within the bounds by SciPy's trust-region
    reflective method. Rows are resampled, not errors added, so that a model that cannot fit the data gets
    intervals that say so (B. Efron, Ann. Statist. 7 (1979) 1, doi:10.1214/aos/1176344552). Each draw begins at a
    random point of the linearised fit's confidence region, which is as wide as the bounds along what the data do
    not fix: a parameter that no row depends on stays there, and its interval is wide.

    Percentile intervals of few rows are short: at 20 rows, those of 95 % held the true value in
    (90.7 ± 1.8) % of repeated measurements. Ask for more ``confidence`` there.

    Parameters
    ----------
    predict
        Parameters by name -> prediction (row,).
    measured, stderr : (row,)
        Measurements and their standard errors, which are the weights.
    initial, bounds
        Where to begin, and the smallest and largest value, by parameter.
    draws
        Bootstrap samples.
    confidence
        Of the intervals.
    identified_within
        A parameter counts as identified if half its interval is at most this share of its value.
    seed
        Of the bootstrap.
    progress
        Wraps the loop over draws.

    Raises
    ------
    ValueError
        For fewer rows than parameters, errors that are not positive, an initial value out of bounds, options that
        make no sense, or a prediction that is not a finite number a row.

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 20)
    >>> fit = calibrate(lambda p: p["slope"] * x, 2 * x, np.ones(20), {"slope": 1.0}, {"slope": (0.0, 9.0)}, draws=20)
    >>> round(fit.values["slope"], 6), fit.identified["slope"]
    (2.0, True)
    """
    data, errors = np.array(measured, dtype=np.float64), np.array(stderr, dtype=np.float64)
    names = list(initial)
    if not names or set(bounds) != set(names):
        raise ValueError(f"`bounds` must have the parameters of `initial`, {names}: got {list(bounds)}.")
    if not (draws >= 2 and 0 < confidence < 1 and identified_within > 0):
        raise ValueError(
            "`draws` must be two or more, `confidence` between 0 and 1, `identified_within` positive: "
            f"got {draws}, {confidence} and {identified_within}."
        )
    start = np.array([initial[name] for name in names], dtype=np.float64)
    low, high = np.array([bounds[name] for name in names], dtype=np.float64).T
    _check(data, errors, names, start, low, high)

    def residuals(parameters: Array, weights: Array) -> Array:
        prediction = np.asarray(predict(dict(zip(names, parameters.tolist(), strict=True))), dtype=np.float64)
        if prediction.shape != data.shape or not np.isfinite(prediction).all():
            raise ValueError(
                f"`predict` must return a finite number a row, of shape {data.shape}: got shape {prediction.shape}, "
                f"{short(prediction)}, for {dict(zip(names, parameters.tolist(), strict=True))}."
            )
        return weights * (prediction - data) / errors

    def fit(begin: Array, weights: Array, tolerance: float) -> OptimizeResult:
        return least_squares(
            residuals,
            begin,
            bounds=(low, high),
            x_scale=high - low,
            diff_step=np.full(len(names), 1e-4),
            xtol=tolerance,
            ftol=tolerance,
            args=(weights,),
        )

    solution = fit(start, np.ones_like(data), 1e-8)
    best = np.asarray(solution.x)
    rng, rows = default_rng(SeedSequence(seed)), len(data)
    counts = [np.bincount(rng.integers(rows, size=rows), minlength=rows) for _ in range(draws)]
    _, scales, axes = np.linalg.svd(solution.jac * (high - low), full_matrices=False)
    along = rng.standard_normal((draws, len(names))) / np.maximum(scales, 1.0)  # a box wide where nothing is fixed
    begins = np.clip(best + along @ axes * (high - low), low, high)
    samples = np.array([fit(begins[draw], np.sqrt(counts[draw]), 1e-4).x for draw in progress(range(draws))])
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(samples, [tail, 1 - tail], axis=0)
    inside = (lower > low + 1e-3 * (high - low)) & (upper < high - 1e-3 * (high - low))
    identified = solution.success & inside & (upper - lower <= 2 * identified_within * np.abs(best))
    return Calibration(
        values=dict(zip(names, best.tolist(), strict=True)),
        intervals=dict(zip(names, zip(lower.tolist(), upper.tolist(), strict=True), strict=True)),
        identified=dict(zip(names, identified.tolist(), strict=True)),
        samples=samples,
        residuals=residuals(best, np.ones_like(data)),
        success=bool(solution.success),
        message=str(solution.message),
    )


def _check(data: Array, errors: Array, names: list[str], start: Array, low: Array, high: Array) -> None:
    if data.ndim != 1 or errors.shape != data.shape or len(data) < len(names):
        raise ValueError(
            f"`measured` and `stderr` must be rows of the same number, at least {len(names)} for "
            f"{', '.join(names)}: got shapes {data.shape} and {errors.shape}."
        )
    if not (np.isfinite(data).all() and np.isfinite(errors).all() and (errors > 0).all()):
        raise ValueError("`measured` must be finite and `stderr` positive in every row. Leave bad rows out.")
    for name, value, least, most in zip(names, start, low, high, strict=True):
        if not (np.isfinite([least, most]).all() and least < value < most):
            raise ValueError(
                f"`initial` must lie inside finite bounds: got {name}={value:g} for ({least:g}, {most:g})."
            )
