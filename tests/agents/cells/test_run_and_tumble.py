"""Run and tumble against the telegraph process and its kin."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from agents.cells.run_and_tumble import RunAndTumble, Walkers

REFERENCES = Path(__file__).parents[4] / "shared/references/cells.json"


def mean_and_error(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))


def squares(walk: RunAndTumble, count: int, times: list[float]) -> list[NDArray[np.float64]]:
    """Squared distances from the start, at these times, of the same walkers."""
    rng = default_rng(7)
    walkers, seen = walk.start(count, rng), []
    for time in times:
        walkers = walk.evolve(walkers, time - walkers.time, rng)
        seen.append((walkers.position**2).sum(axis=1))
    return seen


@pytest.mark.parametrize("time", [0.5, 1.0, 2.0, 10.0])
def test_mean_square_has_the_exact_transient_in_one_dimension(time: float) -> None:
    # Telegraph process: <x²> = (s²/λ) (t - (1 - exp(-2λt)) / 2λ); s = 1, λ = 1.
    exact = time - (1 - np.exp(-2 * time)) / 2
    mean, error = mean_and_error(squares(RunAndTumble(1.0, 1.0), 400_000, [time])[0])
    assert error < 0.0025 * exact
    assert abs(mean - exact) < min(4 * error, 0.01 * exact)


def test_formula_agrees_with_the_table_of_the_references() -> None:
    if not REFERENCES.exists():
        pytest.skip("the table of reference values is not beside this checkout")
    table = {entry["id"]: entry["value"] for entry in json.loads(REFERENCES.read_text(encoding="utf-8"))}
    for time, expected in table["run_tumble_1d"]["msd_t"].items():
        assert RunAndTumble(1.0, 1.0).mean_square(float(time)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_mean_square_has_the_exact_transient_with_even_reorientation(dimensions: int) -> None:
    # The heading's autocorrelation is exp(-λt): <x²> = (2 s²/λ) (t - (1 - exp(-λt)) / λ); s = 3, λ = 2.
    time = 0.8
    exact = 2 * 9 / 2 * (time - (1 - np.exp(-2 * time)) / 2)
    mean, error = mean_and_error(squares(RunAndTumble(3.0, 2.0, dimensions), 200_000, [time])[0])
    assert error < 0.0025 * exact
    assert abs(mean - exact) < min(4 * error, 0.01 * exact)


@pytest.mark.slow
@pytest.mark.parametrize(("dimensions", "count"), [(1, 1_200_000), (2, 600_000), (3, 400_000)])
def test_diffusivity_is_the_exact_one(dimensions: int, count: int) -> None:
    # D = s²/2λ for reversals at the rate λ, s²/dλ for even reorientation; s = 2, λ = 1. Past the transient the mean
    # square grows at the rate 2dD.
    exact = 4 / 2 if dimensions == 1 else 4 / dimensions
    early, late = squares(RunAndTumble(2.0, 1.0, dimensions), count, [8.0, 32.0])
    mean, error = mean_and_error((late - early) / (2 * dimensions * 24.0))
    assert error < 0.0025 * exact
    assert abs(mean - exact) < min(4 * error, 0.01 * exact)


@pytest.mark.parametrize("bias", [0.3, -1.2])
def test_drift_in_one_dimension_is_that_of_the_two_rates(bias: float) -> None:
    speed, rate = 2.0, 1.5
    up, down = rate * np.exp(-bias), rate * np.exp(bias)
    exact = speed * (down - up) / (up + down)
    walk = RunAndTumble(speed, rate, bias=bias)
    rng = default_rng(3)
    settled = walk.evolve(walk.start(60_000, rng), 12.0, rng)
    after = walk.evolve(settled, 5.0, rng)
    mean, error = mean_and_error((after.position - settled.position)[:, 0] / 5.0)
    assert abs(mean - exact) < 4 * error
    assert error < 0.01 * abs(exact)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_drift_is_the_mean_heading_weighted_by_the_time_of_a_run(dimensions: int) -> None:
    # Headings are drawn evenly and kept for a time of the mean exp(b h) / λ: the share of time has the density
    # exp(b h), integrated here over the circle or the sphere by a fine midpoint rule.
    bias, speed = 0.8, 2.0
    angle = (np.arange(20_000) + 0.5) / 20_000 * np.pi
    measure = np.sin(angle) if dimensions == 3 else np.ones_like(angle)
    weight = measure * np.exp(bias * np.cos(angle))
    exact = speed * float((weight * np.cos(angle)).sum() / weight.sum())
    walk = RunAndTumble(speed, 1.0, dimensions, bias=bias)
    rng = default_rng(5)
    settled = walk.evolve(walk.start(60_000, rng), 25.0, rng)  # past exp(-λ exp(-b) 25), 1e-5
    after = walk.evolve(settled, 5.0, rng)
    moved = (after.position - settled.position) / 5.0
    mean, error = mean_and_error(moved[:, 0])
    assert abs(mean - exact) < 4 * error
    assert walk.drift == pytest.approx(exact, rel=1e-6)
    across, width = mean_and_error(moved[:, 1])
    assert abs(across) < 4 * width


def test_drift_in_space_has_no_jump_where_the_bias_is_small() -> None:
    near = [RunAndTumble(1.0, 1.0, 3, bias=b).drift / b for b in (0.999e-3, 1.001e-3)]
    assert near == pytest.approx([1 / 3, 1 / 3], rel=1e-6)


def test_tumbles_are_as_many_as_the_rate_says_and_headings_stay_unit_vectors() -> None:
    walk = RunAndTumble(1.0, 3.0, 3)
    rng = default_rng(2)
    after = walk.evolve(walk.start(20_000, rng), 4.0, rng)
    # Poisson with the mean 12, its own variance
    assert abs(after.tumbles.mean() - 12) < 4 * np.sqrt(12 / 20_000)
    assert after.tumbles.var() == pytest.approx(12, rel=0.05)
    assert np.linalg.norm(after.heading, axis=1) == pytest.approx(np.ones(20_000), abs=1e-14)


def test_two_durations_are_as_good_as_one() -> None:
    walk = RunAndTumble(1.0, 1.0)
    exact = walk.mean_square(3.0)
    mean, error = mean_and_error(squares(walk, 100_000, [0.1, 0.5, 0.6, 2.0, 3.0])[-1])
    assert abs(mean - exact) < 4 * error


def test_the_same_seed_gives_the_same_bits_and_the_argument_stays() -> None:
    walk = RunAndTumble(1.0, 1.0, 2, bias=0.5)
    start = walk.start(50, default_rng(0))
    before = start.position.copy()
    first, second = (walk.evolve(start, 2.0, default_rng(4)) for _ in range(2))
    assert np.array_equal(first.position, second.position)
    assert np.array_equal(start.position, before)
    again = walk.evolve(Walkers.unpack(start.pack()), 2.0, default_rng(4))
    assert np.array_equal(first.position, again.position)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": 0.0, "tumble_rate": 1.0}, "`speed` must be positive"),
        ({"speed": 1.0, "tumble_rate": -1.0}, "`tumble_rate` must be positive"),
        ({"speed": 1.0, "tumble_rate": 1.0, "dimensions": 4}, "`dimensions` must be 1, 2 or 3: got 4"),
        ({"speed": 1.0, "tumble_rate": 1.0, "bias": np.nan}, "`bias`"),
    ],
)
def test_what_makes_no_walk_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RunAndTumble(**options)  # type: ignore[arg-type]


def test_walkers_that_do_not_fit_are_refused() -> None:
    walk = RunAndTumble(1.0, 1.0)
    walkers = walk.start(2, default_rng(0))
    with pytest.raises(ValueError, match="duration must be finite and not negative"):
        walk.evolve(walkers, -1.0, default_rng(0))
    with pytest.raises(ValueError, match="must have 2 dimensions: got 1"):
        RunAndTumble(1.0, 1.0, 2).evolve(walkers, 1.0, default_rng(0))
    with pytest.raises(ValueError, match="shape"):
        walk.start(2, default_rng(0), position=[[0.0]])
