"""Many material files to one table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.material import MATERIALS
from eqfree.scenario import Context
from scenarios.battery.screen.draw import draw_screen
from scenarios.battery.screen.settings import ScreenSettings
from scenarios.battery.screen.study import find_materials, run_screen


def cube(barrier: float) -> str:
    return f"""
[sources]
here = {{ status = "assumed", note = "a test" }}
[cell]
edges = ["3 angstrom", "3 angstrom", "3 angstrom"]
source = "here"
[sites.site]
positions = [[0.0, 0.0, 0.0]]
energy = "0 eV"
source = "here"
[hops.hop]
between = ["site", "site"]
farthest = "3.1 angstrom"
barrier = "{barrier} eV"
source = "here"
[hopping]
attempt_frequency = "1e13 Hz"
source = "here"
[ions]
concentration = "0.5"
source = "here"
[ions.species.Li]
charge = "1 e"
source = "here"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, barrier in (("slow", 0.4), ("fast", 0.2)):
        (tmp_path / f"{name}.toml").write_text(cube(barrier), encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no material", encoding="utf-8")
    return tmp_path


def test_files_folders_and_names_are_found_once(folder: Path) -> None:
    found = find_materials([str(folder), str(folder / "slow.toml"), "llzo_like"])
    assert [Path(one).stem for one in found] == ["fast", "slow", "llzo_like"]
    assert find_materials([]) == list(MATERIALS)


def test_a_folder_without_materials_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must hold files that end in \.toml: got none"):
        find_materials([str(tmp_path)])


def test_two_materials_of_one_name_are_refused(folder: Path) -> None:
    (folder / "llzo_like.toml").write_text(cube(0.3), encoding="utf-8")
    with pytest.raises(ValueError, match="told apart by the names of their files: got llzo_like and"):
        find_materials(["llzo_like", str(folder)])


@pytest.mark.slow
def test_materials_are_sorted_by_conductivity_and_bad_files_are_told(folder: Path) -> None:
    """Against sigma = n q² Γ a² (1 - c)/kT of a simple cubic lattice; the activation energy is the barrier."""
    (folder / "bad.toml").write_text("title = 3", encoding="utf-8")
    (folder / "dilute.toml").write_text(cube(0.3).replace('"0.5"', '"0.01"'), encoding="utf-8")
    part = run_screen(ScreenSettings(files=(str(folder),), temperatures=(250.0, 400.0), precision=0.1), Context(), 0)
    table = part.tables["screen"]
    assert table["material"].tolist() == ["fast", "slow"]
    for barrier, row in zip((0.2, 0.4), table.to_dict("records"), strict=True):
        rate = 1e13 * np.exp(-barrier / (BOLTZMANN * 300.0))
        exact = ELEMENTARY_CHARGE * 0.5 / 3e-10 * rate * 0.5 / (BOLTZMANN * 300.0)
        assert row["conductivity"] == pytest.approx(exact, abs=4 * row["stderr"])
        assert row["activation_energy"] == pytest.approx(barrier, abs=4 * row["activation_energy_stderr"])
    bad, dilute = part.failures
    assert "bad.toml" in bad
    assert "got a share of 0.01 in a box of 27 sites" in dilute
    assert set(draw_screen(part.tables)) == {"screen"}


def test_nothing_that_can_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="No material could be screened"):
        run_screen(ScreenSettings(files=("no_such_material",)), Context(), 0)
