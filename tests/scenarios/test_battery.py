"""The battery as a whole, in its small form: every part, every check; and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

import eqfree as ef
from eqfree.cli import main
from eqfree.scenario import load_scenario


@pytest.fixture(scope="module")
def quick() -> ef.Study:
    return ef.run("battery", quick=True)


@pytest.mark.slow
def test_the_small_form_passes_all_its_checks(quick: ef.Study) -> None:
    assert not quick.failures
    assert [check.quantity for check in quick.checks if not check.ok] == []
    assert len(quick.checks) >= 25
    assert {"correlation_factor", "conductivity", "activation_energy", "critical_voltage"} <= set(quick.values)
    assert quick.values["critical_voltage"].stderr > 0


@pytest.mark.slow
def test_the_small_form_says_what_it_found(quick: ef.Study) -> None:
    told = "\n".join(quick.notes)
    for sentence in ("has no critical voltage", "Power in = heat out + stored", "micro-solves of ions made", "assumed"):
        assert sentence in told


@pytest.mark.slow
def test_all_pictures_are_drawn(quick: ef.Study) -> None:
    figures = load_scenario("battery").draw(quick)
    assert set(figures) == {
        "conductivity", "correlation", "ions", "device", "device_energy", "device_plate", "runaway", "runaway_exact",
        "polarisation", "screen",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["material=unobtainium"], "unobtainium"),
        (["concentration=1.0"], "ions and vacancies"),
        (["temperatures=[10.0]"], "temperatures"),
        (["lattice=cubic"], "lattice"),
        (["parts=device,device"], "each part once"),
        (["contact=-1"], "contact"),
        (["voltage=nan"], "voltage"),
    ],
)
def test_bad_input_is_one_clear_line(
    settings: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [word for setting in settings for word in ("--set", setting)]
    assert main(["run", "battery", "--quick", *told, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_voltage_beyond_the_fold_says_where_the_fold_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ["--set", "parts=device", "--set", "voltage=500", "--out", str(tmp_path / "out")]
    assert main(["run", "battery", "--quick", *told]) == 2
    assert "the fold is at" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
