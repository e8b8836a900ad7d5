"""Branches of steady states of molecules: folds that are known exactly, and what must be refused."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

import eqfree as ef
from agents.molecules import RateEquations, WellMixed, read_network
from eqfree.cli import main
from eqfree.fields import OutOfBoundsError
from scenarios.reaction import scenario
from scenarios.reaction.reduced import Reduced
from scenarios.reaction.steady import CO_OXIDATION, SCHLOGL, Steady

SCHLOGL_ALONE: dict[str, Any] = {"networks": ["schlogl"]}


@pytest.fixture(scope="module")
def quick() -> ef.Study:
    return ef.run("reaction", quick=True, parts=["branch"])


@pytest.mark.slow
def test_the_small_version_finds_both_folds_and_every_check_holds(quick: ef.Study) -> None:
    assert len(quick.checks) == 4
    assert [check.quantity for check in quick.checks if not check.ok] == []
    assert quick.failures == []
    assert list(quick.values) == ["co_fold_low", "co_fold_high"]
    assert all(value.stderr > 0 for value in quick.values.values())


@pytest.mark.slow
def test_the_branch_is_stable_unstable_stable(quick: ef.Study) -> None:
    labels = [label for label in quick.tables["branch"]["stability"] if label != "undecided"]
    assert [label for label, _ in groupby(labels)] == ["stable", "unstable", "stable"]


@pytest.mark.slow
def test_a_sweep_shows_hysteresis(quick: ef.Study) -> None:
    """Between the folds, at β = 4.5 and 7, it is covered on the way up and bare on the way down."""
    table = quick.tables["branch_sweep"]
    between = table[(table["parameter"] > 3) & (table["parameter"] < 8)]
    assert (between.loc[between["direction"] == "up", "measure"] > 0.9).all()
    assert (between.loc[between["direction"] == "down", "measure"] < 0.2).all()


@pytest.mark.slow
def test_tables_are_those_that_are_drawn(quick: ef.Study) -> None:
    assert list(quick.tables) == ["branch", "branch_events", "branch_sweep"]
    columns = ["branch", "parameter", "parameter_stderr", "measure", "measure_stderr", "covariance", "stability"]
    assert list(quick.tables["branch"])[:7] == columns
    assert {"branch", "kind", "parameter", "low", "high", "measure"} <= set(quick.tables["branch_events"])
    assert list(quick.tables["branch_sweep"]) == ["direction", "parameter", "measure", "stderr", "branch"]
    drawn: Any = scenario.draw(quick)["branch_co_oxidation"]
    (axes,) = drawn.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("rate β of dissociation (1/s)", "sites covered by CO (1)")
    (cross,) = [line for line in axes.get_lines() if line.get_label() == "folds of the rate equations"]
    np.testing.assert_allclose(cross.get_xydata(), [[2.52232654, 0.36117493], [8.49533187, 0.94044336]], rtol=1e-7)


@pytest.mark.slow
def test_schlogl_is_followed_through_both_folds() -> None:
    """Folds within Student's interval of six sets, some 6 of the feed on either side."""
    few = {"volume": 30.0, "key_sets": 6, "fold_replicas": 8}
    study = ef.run("reaction", parts=["branch"], seed=1, branch=SCHLOGL_ALONE | few)
    assert len(study.checks) == 4
    assert [check.quantity for check in study.checks if not check.ok] == []
    assert study.failures == []
    assert list(scenario.draw(study)) == ["branch_schlogl"]


@pytest.mark.slow
def test_same_seed_gives_the_same_branch_on_two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight points, with the low fold located among them, and the sweep."""
    monkeypatch.setattr("scenarios.reaction.branch._MOST", 8)
    options = {"networks": ["co_oxidation"], "sites": 1e4, "start": 2.8, "key_sets": 2, "sweep_places": 3}
    options |= {"fold_replicas": 12, "sweep_duration": 5.0}
    one, two = (ef.run("reaction", parts=["branch"], executor=executor, branch=options) for executor in (None, 2))
    assert one.tables["branch_events"]["stderr"].notna().tolist() == [True]
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], check_exact=True)


@pytest.mark.slow
def test_a_branch_that_is_not_followed_is_a_failure_and_what_was_found_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.reaction.branch._MOST", 3)
    study = ef.run("reaction", parts=["branch"], branch=SCHLOGL_ALONE | {"volume": 10.0})
    assert len(study.tables["branch"]) == 3
    assert study.failures[-1].startswith("Branch of schlogl: without its low fold and its high fold. The branch ")
    assert np.isnan(study.values["schlogl_fold_low"].value)
    assert not study.ok
    assert list(scenario.draw(study)) == ["branch_schlogl"]


@pytest.mark.parametrize("steady", [CO_OXIDATION, SCHLOGL], ids=lambda steady: steady.name)
def test_closed_form_is_steady_for_the_rate_equations(steady: Steady) -> None:
    """Right-hand side of the network's own rate equations, at both folds and between them; the slope by differences."""
    low, high = (fold.macro[steady.measured] for fold in steady.folds)
    for measured in np.linspace(low, high, 5):
        rate, slope = steady.rate(np.array(measured))
        equations = RateEquations(steady.network(float(rate)))
        others = {"X": measured}
        if steady is CO_OXIDATION:
            oxygen = (1.6 - 1.64 * measured) / (1.6 + 4 * measured)  # A' = 0
            others = {"A": measured, "B": oxygen, "F": 1 - measured - oxygen}
        state = [others[name] for name in equations.network.species]
        assert equations(0.0, state) == pytest.approx(0.0, abs=1e-9)
        step = 1e-5 * measured
        ahead, behind = (steady.rate(np.array(measured + sign * step))[0] for sign in (1, -1))
        assert slope == pytest.approx(float(ahead - behind) / (2 * step), rel=1e-5, abs=1e-5 * float(rate))


@pytest.mark.parametrize("steady", [CO_OXIDATION, SCHLOGL], ids=lambda steady: steady.name)
def test_folds_are_where_the_closed_form_turns(steady: Steady) -> None:
    for fold in steady.folds:
        at = fold.macro[steady.measured]
        found = brentq(lambda measured: float(steady.rate(np.array(measured))[1]), 0.95 * at, 1.02 * at, xtol=1e-14)
        assert found == pytest.approx(at, rel=1e-9)
        assert float(steady.rate(np.array(found))[0]) == pytest.approx(fold.parameter, rel=1e-11)


def test_folds_of_schlogl_are_roots_of_the_discriminant() -> None:
    """Of the cubic of its own network: a double root where the discriminant in the feed, a quadratic, is zero."""
    birth, death, _, decay = read_network("schlogl").rates
    a, b, c = death, -birth, decay
    roots = np.roots([-27 * a**2, 18 * a * b * c - 4 * b**3, b**2 * c**2 - 4 * a * c**3])  # of -feed
    assert sorted(-roots.real) == pytest.approx([fold.parameter for fold in SCHLOGL.folds], rel=1e-10)


def test_lift_then_restrict_is_identity_and_what_is_left_is_free() -> None:
    model = Reduced(WellMixed(read_network("co_oxidation"), 1000.0), {"B": 0.1, "A": 0.1}, "F")
    molecules = model.lift(np.array([0.25, 0.5]), np.random.default_rng(0))
    assert model.restrict(molecules).tolist() == [0.25, 0.5]
    assert molecules.counts.sum() == 1000
    with pytest.raises(OutOfBoundsError, match=r"B \+ A must be at most 1: got 1.1"):
        model.lift(np.array([0.5, 0.6]), np.random.default_rng(0))


BAD = {
    "unknown network": (["--set", "branch.networks=brusselator"], "branch.networks"),
    "no network": (["--set", "branch.networks=[]"], "branch.networks"),
    "few sites": (["--set", "branch.sites=10"], "branch.sites"),
    "start below the fold": (["--set", "branch.start=2"], "branch.start"),
    "few replicas": (["--set", "branch.replicas=4"], "branch.replicas"),
    "fewer replicas at a fold": (["--set", "branch.replicas=64"], "branch.fold_replicas=12"),
    "one set of random numbers": (["--set", "branch.key_sets=1"], "branch.key_sets"),
    "no difference": (["--set", "branch.difference=0"], "branch.difference"),
    "negative healing": (["--set", "branch.healing=-1"], "branch.healing"),
    "too many reactions": (["--set", "branch.sites=1e8"], "less than about 2e+10 reactions"),
    "sweep without places": (["--set", "branch.sweep_places=1"], "branch.sweep_places"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_nothing_is_written(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["run", "reaction", "--quick", "--set", "parts=branch", "--out", f"{tmp_path}/out", *arguments]
    assert main(options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert says in captured.err
    assert not list(tmp_path.iterdir())
