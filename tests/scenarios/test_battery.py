"""What parts of the battery share: the material and what it conducts, asked once; and what the battery refuses.

Parts have tests of their own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import agents.ions.material
import eqfree as ef
from eqfree.cli import main
from eqfree.scenario import load_scenario
from eqfree.settings import build_settings, parse_assignment
from scenarios.battery.settings import Settings


@pytest.fixture(scope="module")
def rough() -> ef.Study:
    """Device and runaway of one material, of which less precision is asked."""
    return ef.run(
        "battery",
        quick=True,
        parts=["device", "runaway"],
        precision=0.15,
        runaway={"precision": 0.15, "points": 12},
        device={"elements": 24, "plate_elements": [8, 4]},
    )


@pytest.mark.slow
def test_device_and_runaway_ask_one_table(rough: ef.Study) -> None:
    assert not rough.failures
    assert [check.quantity for check in rough.checks if not check.ok] == []
    warm, critical = rough.values["device_voltage"], rough.values["critical_voltage"]
    assert 0 < warm.value < critical.value
    assert critical.stderr > 0


@pytest.mark.slow
def test_pictures_are_drawn_of_what_was_asked_for(rough: ef.Study) -> None:
    figures = load_scenario("battery").draw(rough)
    assert set(figures) == {"device", "device_energy", "device_plate", "runaway", "runaway_exact"}


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
        (["device.surroundings=2"], "device.surroundings"),
        (["device.surroundings=600"], "10 K or more above `device.surroundings`"),
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


def test_electrodes_without_contact_are_as_cold_as_the_surroundings() -> None:
    told = parse_assignment("contact=none", Settings)
    settings = build_settings(Settings, told, scenario="battery")
    assert settings.cooling is None
    again = build_settings(Settings, settings.model_dump(mode="json", exclude_none=True), scenario="battery")
    assert again.cooling is None
    assert Settings().cooling == 50.0


@pytest.mark.slow
def test_a_voltage_beyond_the_fold_says_where_the_fold_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ["--set", "parts=device", "--set", "voltage=500", "--out", str(tmp_path / "out")]
    assert main(["run", "battery", "--quick", *told]) == 2
    assert "the fold is at" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_device_needs_a_material_that_conducts_heat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (Path(agents.ions.material.__file__).parent / "materials" / "llzo_like.toml").read_text("utf-8")
    before, _, after = text.partition("[thermal]")
    (tmp_path / "cold.toml").write_text(before + after[after.index("[[measured]]") :], "utf-8")
    told = ["--set", "parts=device", "--set", f"material={tmp_path / 'cold.toml'}", "--out", str(tmp_path / "out")]
    assert main(["run", "battery", "--quick", *told]) == 2
    assert "needs a thermal conductivity" in capsys.readouterr().err
