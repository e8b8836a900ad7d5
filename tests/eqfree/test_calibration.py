from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import sqrt
from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from eqfree import Calibration, calibrate

Array = NDArray[np.float64]
ROWS = 25
X = np.linspace(0.0, 1.0, ROWS)
NOISE = 0.05
ERRORS = np.full(ROWS, NOISE)
TRUTH = {"amplitude": 2.0, "rate": 3.0}
INITIAL = {"amplitude": 1.0, "rate": 1.0}
BOUNDS = {"amplitude": (0.0, 10.0), "rate": (0.0, 20.0)}


def curve(parameters: Mapping[str, float]) -> Array:
    return np.asarray(parameters["amplitude"] * np.exp(-parameters["rate"] * X))


def noisy(seed: int) -> Array:
    return curve(TRUTH) + NOISE * default_rng(seed).standard_normal(ROWS)


def fit(measured: Array, **options: Any) -> Calibration:
    return calibrate(curve, measured, ERRORS, INITIAL, BOUNDS, **{"draws": 50} | options)


def test_the_parameters_of_a_curve_without_noise_are_recovered() -> None:
    found = fit(curve(TRUTH))
    assert found.success
    assert found.values == pytest.approx(TRUTH, rel=1e-6)
    assert found.identified == {"amplitude": True, "rate": True}
    assert found.reduced_chi_square == pytest.approx(0.0, abs=1e-8)


def test_the_estimate_is_that_of_weighted_linear_least_squares() -> None:
    """Normal equations, A = [1, x] / stderr."""
    errors = 0.1 + X
    measured = 1 + 2 * X + errors * default_rng(3).standard_normal(ROWS)
    design = np.stack([np.ones(ROWS), X], axis=1) / errors[:, np.newaxis]
    exact = np.linalg.solve(design.T @ design, design.T @ (measured / errors))
    found = calibrate(
        lambda p: p["offset"] + p["slope"] * X,
        measured,
        errors,
        {"offset": 0.0, "slope": 0.0},
        {"offset": (-9.0, 9.0), "slope": (-9.0, 9.0)},
        draws=2,
    )
    assert list(found.values.values()) == pytest.approx(exact.tolist(), rel=1e-5)
    residuals = (exact[0] + exact[1] * X - measured) / errors
    assert np.allclose(found.residuals, residuals, atol=1e-5)
    assert found.reduced_chi_square == pytest.approx(residuals @ residuals / (ROWS - 2), rel=1e-5)


@pytest.mark.slow
def test_the_intervals_cover_the_truth_nearly_as_often_as_they_say() -> None:
    """A bootstrap over n rows knows a variance (n - p)/n of the true one, and its percentiles no Student's t.

    For n = 25, p = 2 its nominal 95 % is P(|T| < 1.96 sqrt(23/25)) = 92.7 %, T of Student's t with 23 degrees. The
    fraction that covers is binomial.
    """
    trials, expected = 36, 0.927
    found = [fit(noisy(seed), draws=100, seed=seed) for seed in range(trials)]
    for name, truth in TRUTH.items():
        covered = np.mean([one.intervals[name][0] <= truth <= one.intervals[name][1] for one in found])
        assert abs(covered - expected) < 4 * sqrt(expected * (1 - expected) / trials)


@pytest.mark.slow
def test_the_bootstrap_spread_is_the_standard_error_of_a_mean() -> None:
    """For one constant the estimate is the mean: standard deviation of the rows / sqrt(rows) (Efron 1979)."""
    draws, measured = 400, 2 + NOISE * default_rng(1).standard_normal(ROWS)
    found = calibrate(
        lambda p: np.full(ROWS, p["level"]), measured, ERRORS, {"level": 1.0}, {"level": (0.0, 9.0)}, draws=draws
    )
    exact = measured.std() / sqrt(ROWS)
    assert abs(found.samples.std() / exact - 1) < 4 / sqrt(2 * (draws - 1))
    assert abs(found.samples.mean() - measured.mean()) < 4 * exact / sqrt(draws)


def test_a_parameter_that_the_data_do_not_contain_is_not_identified() -> None:
    found = calibrate(
        lambda p: curve(p),
        noisy(0),
        ERRORS,
        INITIAL | {"jam_density": 5.0},
        BOUNDS | {"jam_density": (0.0, 20.0)},
        draws=50,
    )
    assert found.identified == {"amplitude": True, "rate": True, "jam_density": False}
    low, high = found.intervals["jam_density"]
    assert high - low > 10.0
    assert found.intervals["rate"] == pytest.approx((3.0, 3.0), rel=0.2)


def test_two_parameters_of_which_only_the_product_is_seen_are_not_identified() -> None:
    found = calibrate(
        lambda p: p["a"] * p["b"] * X,
        2 * X + NOISE * default_rng(0).standard_normal(ROWS),
        ERRORS,
        {"a": 1.0, "b": 1.0},
        {"a": (0.1, 10.0), "b": (0.1, 10.0)},
        draws=50,
    )
    assert found.identified == {"a": False, "b": False}
    assert found.values["a"] * found.values["b"] == pytest.approx(2.0, rel=0.05)


def test_a_parameter_at_its_bound_is_not_identified() -> None:
    found = calibrate(curve, noisy(0), ERRORS, INITIAL, BOUNDS | {"amplitude": (0.0, 1.5)}, draws=20)
    assert found.values["amplitude"] == pytest.approx(1.5, rel=1e-3)
    assert not found.identified["amplitude"]


def test_a_wide_interval_is_not_identified_within_less() -> None:
    wide = fit(noisy(0), identified_within=0.5)
    narrow = fit(noisy(0), identified_within=1e-3)
    assert all(wide.identified.values())
    assert not any(narrow.identified.values())
    assert wide.intervals == narrow.intervals


def test_errors_that_were_too_small_show_in_the_reduced_chi_square() -> None:
    found = calibrate(curve, noisy(0), ERRORS / 10, INITIAL, BOUNDS, draws=2)
    expected, spread = 100.0, 100 * sqrt(2 / (ROWS - 2))
    assert abs(found.reduced_chi_square - expected) < 4 * spread


def test_the_same_seed_has_the_same_bits() -> None:
    first, again, other = fit(noisy(0), seed=1), fit(noisy(0), seed=1), fit(noisy(0), seed=2)
    assert first.samples.tobytes() == again.samples.tobytes() != other.samples.tobytes()
    assert first.values == other.values


def test_progress_sees_every_draw() -> None:
    seen: list[int] = []

    def progress(draws: range) -> Iterable[int]:
        seen.append(len(draws))
        return draws

    fit(noisy(0), draws=7, progress=progress)
    assert seen == [7]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"measured": [1.0]}, r"at least 2 for amplitude, rate: got shapes \(1,\) and \(25,\)"),
        ({"measured": [1.0], "stderr": [1.0]}, "at least 2"),
        ({"measured": np.full(ROWS, np.nan)}, "must be finite"),
        ({"stderr": np.zeros(ROWS)}, "`stderr` positive in every row"),
        ({"initial": {"amplitude": 11.0, "rate": 1.0}}, r"inside finite bounds: got amplitude=11 for \(0, 10\)"),
        ({"bounds": {"amplitude": (0.0, np.inf), "rate": (0.0, 1.0)}}, r"inside finite bounds: got amplitude=1 "),
        ({"bounds": {"amplitude": (0.0, 10.0)}}, r"parameters of `initial`, \['amplitude', 'rate'\]"),
        ({"initial": {}, "bounds": {}}, "parameters of `initial`"),
        ({"draws": 1}, "`draws` must be two or more"),
        ({"confidence": 1.0}, "`confidence` between 0 and 1"),
        ({"identified_within": 0.0}, "`identified_within` positive"),
        ({"predict": lambda p: 1.0}, r"of shape \(25,\): got shape \(\)"),
        ({"predict": lambda p: np.full(ROWS, np.nan)}, r"a finite number a row.* for \{'amplitude': 1\.0"),
    ],
)
def test_bad_input_is_refused_with_what_was_given(changed: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {
        "predict": curve,
        "measured": noisy(0),
        "stderr": ERRORS,
        "initial": INITIAL,
        "bounds": BOUNDS,
    }
    with pytest.raises(ValueError, match=message):
        calibrate(**(arguments | changed))
