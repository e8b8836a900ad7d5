"""The jam on a ring: beside the travelling waves of its boundary-value problem, through noise, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.interpolate import CubicSpline

import eqfree as ef
from eqfree.cli import main
from eqfree.scenario import Context
from scenarios.traffic_jam import reference, scenario
from scenarios.traffic_jam.profile import wave_speed
from scenarios.traffic_jam.ring import Ring
from scenarios.traffic_jam.settings import Settings
from scenarios.traffic_jam.sigma import Followed, compare_healings, follow_sigma


@pytest.fixture(scope="module", autouse=True)
def without_noise_once() -> Iterator[None]:
    """The branch over σ is followed, and healing compared, without noise: once for the ring with it and without."""
    followed: list[Followed] = []
    compared: list[tuple[pd.DataFrame, list[str], ef.Cost]] = []

    def follow_once(ring: Ring, context: Context) -> Followed:
        followed.extend([] if followed else [follow_sigma(ring, context)])
        return followed[0]

    def compare_once(ring: Ring, branch: Followed, context: Context) -> tuple[pd.DataFrame, list[str], ef.Cost]:
        compared.extend([] if compared else [compare_healings(ring, branch, context)])
        table, words, cost = compared[0]
        return table.copy(), words, cost

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("scenarios.traffic_jam.study.follow_sigma", follow_once)
        patched.setattr("scenarios.traffic_jam.study.compare_healings", compare_once)
        yield


def run(**settings: Any) -> ef.Study:
    return scenario.run(Settings(**settings), Context())


@pytest.fixture(scope="module")
def small() -> ef.Study:
    return run(points=20)


def refused(study: ef.Study) -> list[str]:
    return [check.quantity for check in study.checks if not check.ok]


@pytest.mark.slow
def test_the_branch_is_that_of_the_travelling_waves(small: ef.Study) -> None:
    """Fold and v0 at every σ of the curve to 5e-6, with labels: the boundary-value problem of the ring."""
    assert len(small.checks) == 7
    assert refused(small) == []
    assert not small.failures
    assert small.values["fold_v0"].value == pytest.approx(0.8799665349337735, abs=5e-6)
    assert small.values["fold_sigma"].value == pytest.approx(0.12303914193010404, abs=1e-4)


@pytest.mark.slow
def test_large_jams_are_stable_and_small_ones_are_not_and_none_flips_at_the_end(small: ef.Study) -> None:
    table = small.tables["branch"]
    jam = table[table["branch"] == "jam"]
    assert jam["measure"].max() > 0.285
    assert jam["measure"].min() < 0.02
    labels = jam["stability"].tolist()
    assert labels[0] == "stable"
    assert "stable" not in labels[labels.index("unstable") :]
    uniform = table[table["branch"] == "uniform flow"]
    onset = 1.7 / ((1 + np.cos(2 * np.pi / 60)) / np.cosh(0.2) ** 2)
    assert ((uniform["stability"] == "stable") == (uniform["parameter"] < onset)).all()


@pytest.mark.slow
def test_the_waves_move_as_fast_as_they_should(small: ef.Study) -> None:
    """Cars per time at σ = 0.12, 0.16 and 0.2, from the boundary-value problem."""
    jam = small.tables["branch"].query("branch == 'jam'").sort_values("measure")
    places = round(7.0 * wave_speed(Settings()))
    speed = CubicSpline(jam["measure"], places / jam["duration"])
    assert speed([0.12, 0.16, 0.2]) == pytest.approx([0.8567281254, 0.8562697455, 0.8562329707], abs=1e-5)


@pytest.mark.slow
def test_the_study_is_drawn(small: ef.Study) -> None:
    figures = scenario.draw(small)
    assert list(figures) == ["bifurcation"]


@pytest.mark.slow
def test_turned_slowly_there_is_hysteresis(small: ef.Study) -> None:
    """Down, the jam stays below the onset; up, uniform flow stays beyond the fold."""
    swept = small.tables["sweep"]
    up, down = (swept[swept["direction"] == way].set_index("parameter")["measure"] for way in ("up", "down"))
    between = [v0 for v0 in down.index if 0.8805 < v0 < 0.8865]
    assert len(between) >= 1
    for v0 in between:
        assert up.iloc[np.argmin(np.abs(up.index.to_numpy() - v0))] < 0.05
        assert down[v0] > 0.1


@pytest.mark.slow
def test_one_number_does_where_the_profile_is_carried() -> None:
    """5e-5 at the fold and for large jams, 3e-4 below, at most 300 evolves: the boundary-value problem of the ring."""
    study = run(coarse="sigma")
    assert len(study.checks) == 6
    assert refused(study) == []
    healing = study.tables["healing"]
    exact = reference.exact_spread(float(healing["v0"].iloc[0]))
    errors = (healing["value"] - exact).abs().groupby(healing["way"])
    assert errors.max()["carried"] < 1e-4
    assert errors.min()["fixed reference"] > 5e-4  # whatever the healing
    assert sorted(scenario.draw(study)) == ["bifurcation", "healing"]


@pytest.mark.slow
def test_intervals_of_a_noisy_fold_cover_that_of_a_hundred_times_the_replicas() -> None:
    study = scenario.run(Settings(coarse="sigma", noise=3e-3, key_sets=1), Context(executor=2))
    folds: pd.DataFrame = study.tables["noisy_folds"]
    value, error = reference.NOISY_FOLD
    inside = (folds["low"] - 2 * error < value) & (value < folds["high"] + 2 * error)
    assert inside.tolist() == [True]  # an interval of 95 %, so that one in twenty such seeds would miss
    fold = study.values["noisy_fold_v0"]
    assert abs(fold.value - value) < 4 * np.hypot(fold.stderr, error)
    assert ((folds["high"] - folds["low"]) / 2 < 5e-4).all()
    assert refused(study) == []


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("noise=0.003", "`noise` goes with coarse = sigma"),
        ("length=600", "Uniform flow must be where the optimal velocity rises"),
        ("coarse=speed", "`coarse` must be one of profile, sigma"),
        ("cars=3", "`cars` must be an integer >= 10"),
    ],
)
def test_bad_settings_are_refused_in_one_line(
    assignment: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "traffic_jam", "--set", assignment]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert said.count("\n") == 1


# The onset


@pytest.fixture(scope="module")
def onset() -> ef.Study:
    return run(parts=["onset"], onset={"curve_points": 4, "headways": [0.95, 1.05], "resolved": 1})


@pytest.mark.slow
def test_the_onset_and_the_waves_that_leave_it_are_those_of_the_closed_form_and_of_the_travelling_waves(
    onset: ef.Study,
) -> None:
    """Hopf point of Marschler et al. 2014 in closed form; fold and speed of the boundary-value problem."""
    assert refused(onset) == []
    assert not onset.failures
    assert len(onset.checks) == 7
    values = {name: value.value for name, value in onset.values.items()}
    assert values["hopf_v0"] == pytest.approx(0.8868849823962801, abs=1e-6)
    assert values["hopf_frequency"] == pytest.approx(0.08909322478117003, abs=1e-6)
    assert values["fold_of_waves_v0"] == pytest.approx(0.8799665349337735, abs=5e-6)
    assert values["fold_wave_speed"] == pytest.approx(0.8566978655569082, abs=1e-5)


@pytest.mark.slow
def test_the_map_has_folds_below_the_onset_and_the_onset_on_its_formula(onset: ef.Study) -> None:
    curves = onset.tables["map"]
    hopf, fold = (curves[curves["kind"] == kind] for kind in ("Hopf", "fold"))
    exact = 1.7 / ((1 + np.cos(2 * np.pi / 60)) / np.cosh(hopf["y"] - 1.2) ** 2)
    assert np.abs(hopf["x"] - exact).max() < 1e-5
    assert len(fold) >= 3
    assert (fold["x"] < 1.7 / ((1 + np.cos(2 * np.pi / 60)) / np.cosh(fold["y"] - 1.2) ** 2)).all()
    anew = onset.tables["map_folds"]
    assert len(anew) == 1
    assert np.abs(anew["map"] - anew["anew"]).max() < 1e-5


@pytest.mark.slow
def test_the_onset_is_drawn(onset: ef.Study) -> None:
    assert list(scenario.draw(onset)) == ["onset_multipliers", "waves", "map"]


def test_a_horizon_beyond_half_a_turn_is_refused_with_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """π/ω = 35.26 with ω = 0.0890932."""
    assert main(["run", "traffic_jam", "--set", "parts=onset", "--set", "onset.horizon=40"]) == 2
    told = capsys.readouterr().err
    assert "below π/ω = 35.262" in told
    assert "got 40" in told


@pytest.mark.parametrize("headways", [[1.0, 1.5], [0.8, 1.0], [0.8, 3.5]])
def test_a_map_without_the_ring_or_where_nothing_rises_is_refused(headways: list[float]) -> None:
    with pytest.raises(ValueError, match=r"`onset.headways` must be"):
        Settings(parts=("onset",), onset={"headways": headways})
