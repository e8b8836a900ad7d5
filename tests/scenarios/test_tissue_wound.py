"""The wound: modes as a macro state, projection beside all cells, files of cells, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

import eqfree as ef
from agents.cells import CellType, LatticeCells, Sites
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.tissue.modes import CosineModes
from scenarios.tissue.rules import CellRules
from scenarios.tissue.wound.settings import QUICK, WoundSettings
from scenarios.tissue.wound.start import gap, read_cells
from scenarios.tissue.wound.strip import Strip
from scenarios.tissue.wound.study import relative_error, run_wound

SITES = Sites((95, 50), 20.0, (False, True))


def model(count: int, width: int = 200) -> CosineModes:
    return CosineModes(LatticeCells(Sites((95, width), 20.0, (False, True)), (CellType(30.0, 0.1),)), count)


def test_modes_of_a_cosine_are_its_amplitude() -> None:
    x = SITES.x / 1900
    profile = 0.4 + 0.3 * np.cos(2 * np.pi * x) - 0.1 * np.cos(5 * np.pi * x)
    assert model(8).modes(profile) == pytest.approx([0.4, 0, 0.3, 0, 0, -0.1, 0, 0], abs=1e-14)
    assert model(8).profile(model(8).modes(profile)) == pytest.approx(profile, abs=1e-14)


def test_densities_within_bounds_keep_the_modes_that_alone_would_leave_them() -> None:
    modes = model(14).modes(gap(WoundSettings(), SITES.x))
    assert model(14).profile(modes).min() < -0.005, "the case must be one that leaves the bounds"
    densities = model(14).densities(modes)
    assert densities.min() >= 0
    assert model(14).modes(densities) == pytest.approx(modes, abs=2e-4)
    assert abs(densities.mean() - modes[0]) < 2e-4, "cutting off would make cells"


def test_lifting_and_restricting_keeps_the_modes() -> None:
    modes = model(14).modes(gap(WoundSettings(), SITES.x))
    lifted = [model(14).restrict(model(14).lift(modes, default_rng(seed))) for seed in range(4)]
    assert np.abs(np.mean(lifted, axis=0) - modes).max() < 1e-3


def test_a_wave_of_density_decays_as_in_the_lattice_heat_equation() -> None:
    """Without division, projected: a_k(t) = a_k(0) exp(-m/2 (1 - cos(k π / n)) t), exact for exclusion."""
    rules = CellRules(motility=30.0, proliferation=0.0)
    strip = Strip.of(rules, WoundSettings(modes=4, width=200), 6.0)
    begin = strip.begin(0.5 + 0.3 * np.cos(np.pi * strip.model.cells.sites.x / 1900))
    followed = strip.project(begin, 4, seed=1)
    exact = 0.3 * np.exp(-30.0 / 2 * (1 - np.cos(np.pi / 95)) * strip.days)
    amplitude = strip.model.modes(followed.densities)[:, 1]
    assert np.abs(amplitude - exact).max() < 1e-3
    assert np.abs(followed.densities.mean(axis=1) - 0.5).max() < 1e-12, "cells that only move stay as many"


@pytest.fixture(scope="module")
def quick() -> Part:
    return run_wound(
        CellRules(), WoundSettings(**{**QUICK, "ratios": [30.0, 300.0], "table": True}), 20.0, 6, Context(2)
    )


@pytest.mark.slow
def test_projection_agrees_with_all_cells(quick: Part) -> None:
    assert all(check.ok for check in quick.checks), quick.checks
    assert {check.relation for check in quick.checks} >= {ef.Relation.COVERS}
    table = quick.tables["wound"]
    noise = np.linalg.norm(table["stderr"]) / np.linalg.norm(table["density"])
    assert relative_error(table["projected"].to_numpy(), table["density"].to_numpy()) < 1.5 * noise
    assert not quick.failures


@pytest.mark.slow
def test_the_gain_grows_with_the_ratio_and_is_counted_over_all_replicas(quick: Part) -> None:
    gains = quick.tables["wound_gain"].set_index("ratio")["gain"]
    assert gains[300.0] > 5 * gains[30.0]
    strip = Strip.of(CellRules(), WoundSettings(**QUICK), 20.0)
    replicas = WoundSettings().replicas
    assert quick.values["wound_gain"].value == pytest.approx(strip.step / (4 * strip.burst * replicas), rel=1e-6)


@pytest.mark.slow
def test_the_table_of_cells_has_a_row_a_cell(quick: Part) -> None:
    cells, density = quick.tables["wound_cells"], quick.tables["wound"]
    assert len(cells[cells["day"] == 0.0]) == pytest.approx(density[density["day"] == 0.0]["density"].sum() * 60, abs=1)
    assert cells["day"].nunique() == 3
    assert cells["x_um"].between(0, 1900).all()


def test_cells_come_in_as_positions_or_as_counts(tmp_path: Path) -> None:
    rng = default_rng(3)
    x = rng.choice(SITES.x, size=(500,))
    points = pd.DataFrame({"x_um": x, "y_um": rng.uniform(0, 1000, 500)})
    points.to_csv(tmp_path / "points.csv", index=False)
    density = read_cells(str(tmp_path / "points.csv"), SITES)
    assert density.sum() * 50 == pytest.approx(500)
    bins = pd.DataFrame({"x_um": 50.0 + 100 * np.arange(19), "cells": np.full(19, 125)})
    bins.to_csv(tmp_path / "bins.csv", index=False)
    assert read_cells(str(tmp_path / "bins.csv"), SITES) == pytest.approx(np.full(95, 0.5))
    bins.assign(cells=np.arange(19) * 13).to_csv(tmp_path / "uneven.csv", index=False)
    assert read_cells(str(tmp_path / "uneven.csv"), SITES).sum() * 50 == pytest.approx(13 * 171)
    bins.assign(x_um=bins["x_um"] + 1e4).to_csv(tmp_path / "shifted.csv", index=False)
    with pytest.raises(ValueError, match="from 10000 to 11900 µm"):
        read_cells(str(tmp_path / "shifted.csv"), SITES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "must have the columns x_um and y_um, a row a cell"),
        ("x_um,y_um\n5,90000\n", "x_um from 0 to 1900 and y_um from 0 to 1000 µm: row 1 .* has 5 and 90000"),
        ("x_um,y_um\n5,\n6,7\n", "a number in every row: row 1 .* has none in x_um or y_um"),
        ("x_um,y_um\n1,2\nabc,7\n", "a number in every row: row 2"),
        ("x_um,y_um\n", "at least one cell"),
        ("x_um,y_um\n" + "0.5,0.5\n" * 500, "would have to move by more than 2 diameters. Are the positions in µm"),
        ("x_um,cells\n50,9\n", "two bins or more"),
        ("x_um,cells\n50,9\n150,9\n400,3\n", "equal bins in order"),
        ("x_um,cells\n50,9\n150,9\n", "bins over the whole field, from 0 to 1900 µm: .* has 2 of 100 µm"),
        ("x_um,cells\n" + "".join(f"{50 + 100 * i},900\n" for i in range(19)), "at most one a site, 250 in a bin"),
        ("x_um,cells\n" + "".join(f"{50 + 100 * i},-1\n" for i in range(19)), "row 1 .* has -1 of them"),
        ("x_um,cells\n" + "".join(f"{50 + 100 * i},0\n" for i in range(19)), "at least one cell"),
        ("", "is no such table of text"),
        ("x_um,y_um\n" + "5,5\n" * 5000, "no more cells than sites, 4750: got 5000"),
    ],
)
def test_files_that_hold_no_cells_of_this_strip_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "cells.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_cells(str(tmp_path / "cells.csv"), SITES)
    with pytest.raises(ValueError, match="`cells` must name a CSV file"):
        read_cells(str(tmp_path / "nowhere.csv"), SITES)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WoundSettings(diameter=400.0), "at least eight cells long"),
        (lambda: WoundSettings(gap=1900.0), "must fit into the field"),
        (lambda: WoundSettings(burst=0.1, healing=0.2), "`burst` must be longer than the `healing`"),
        (lambda: CellRules(death=0.2), "`death` must be below `proliferation`"),
        (
            lambda: Strip.of(CellRules(), WoundSettings(burst=9.0, healing=1.0, modes=60), 30.0),
            "longest that is stable",
        ),
        (lambda: WoundSettings(diameter=0.5), "at most 2000 cells long"),
        (lambda: Strip.of(CellRules(), WoundSettings(), 1e-6), "Take more `days`"),
        (lambda: Strip.of(CellRules(), WoundSettings(modes=200), 30.0), "between 1 and 95 modes"),
    ],
)
def test_settings_that_make_no_wound_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_the_modes_run_through_the_waist_like_every_population() -> None:
    modes = model(4, width=50).modes(gap(WoundSettings(), SITES.x))
    stepper = ef.CoarseTimeStepper(model(4, width=50), replicas=2, seed=4)
    assert np.array_equal(stepper(modes, 0.05, (1,)), stepper(modes, 0.05, (1,)))


def test_a_projection_that_ends_early_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    solve = ef.solve_projective

    def half(*arguments: Any, t_eval: NDArray[np.float64], **options: Any) -> ef.Trajectory:
        return solve(*arguments, t_eval=t_eval[: len(t_eval) // 2], **options)

    monkeypatch.setattr(ef, "solve_projective", half)
    strip = Strip.of(CellRules(), WoundSettings(width=40), 10.0)
    followed = strip.project(strip.begin(gap(WoundSettings(), SITES.x)), 2, seed=1)
    assert len(followed.densities) == len(followed.mean) == len(strip.days)
    assert np.isfinite(followed.mean[: len(strip.days) // 2]).all()
    assert np.isnan(followed.densities[-1]).all()
