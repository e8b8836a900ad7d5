"""A result is on the disk whole or not at all, and comes back as it was."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from eqfree.results import Check, Cost, Relation, Study, Value
from eqfree.store import check_destination, load_study, save_study, staged


class Page:
    """A figure that writes its own name, or fails."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def savefig(self, path: Path, /) -> None:
        path.write_bytes(b"half a picture")
        if self.error:
            raise self.error


def a_study() -> Study:
    return Study(
        scenario="decay",
        settings={"seed": 3, "road": {"cars": 60, "file": None}, "densities": [0.1, 1 / 3]},
        values={"rate": Value(1 / 3, 0.1, "1/s"), "count": Value(7)},
        checks=(
            Check("rate", 1 / 3, 0.3, 0.1, "closed form", Relation.COVERS, "1/s", 0.1),
            Check("missing", float("nan"), 1.0, 0.1, "a paper"),
        ),
        tables={
            "points": pd.DataFrame(
                {"x": [0.1, 1 / 3, np.nan], "n": [1, 2, 3], "kind": ["NA", "b, c", "ö"], "free": [True, False, True]}
            )
        },
        fields=xr.Dataset({"density": ("x", np.array([0.1, 1 / 3]), {"units": "1/m"})}, {"x": [0.5, 1.5]}),
        notes=("Two notes.", "Über alles."),
        cost=Cost(3, 0.1, 1e9, 2.5),
    )


def contents(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_study_comes_back_equal(tmp_path: Path) -> None:
    study = a_study()
    assert save_study(study, tmp_path / "out", {"diagram": Page()}) == [
        "fields.nc",
        "figures/diagram.png",
        "run.json",
        "settings.toml",
        "tables/points.csv",
    ]
    again = load_study(tmp_path / "out")
    assert (again.scenario, again.settings, again.values) == (study.scenario, study.settings, study.values)
    assert again.checks[0] == study.checks[0]
    assert np.isnan(again.checks[1].measured)
    assert [check.ok for check in again.checks] == [check.ok for check in study.checks]
    pd.testing.assert_frame_equal(again.tables["points"], study.tables["points"], rtol=0, atol=0)
    assert again.fields is not None
    assert study.fields is not None
    assert again.fields.identical(study.fields)
    assert (again.notes, again.cost, again.cost.wall) == (study.notes, study.cost, study.cost.wall)


def test_a_study_without_tables_fields_and_figures_leaves_no_empty_folders(tmp_path: Path) -> None:
    save_study(Study("decay", {"seed": 0}, {}), tmp_path / "out", {})
    assert contents(tmp_path) == ["out", "out/run.json", "out/settings.toml"]
    again = load_study(tmp_path / "out")
    assert vars(again) == vars(Study("decay", {"seed": 0}, {}))


def test_an_earlier_result_is_replaced_whole(tmp_path: Path) -> None:
    save_study(a_study(), tmp_path / "out", {"diagram": Page()})
    save_study(Study("decay", {"seed": 0}, {}), tmp_path / "out", {})
    assert contents(tmp_path) == ["out", "out/run.json", "out/settings.toml"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("the disk is full"), SystemExit(143)])
def test_whatever_is_raised_leaves_the_earlier_result_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    save_study(a_study(), tmp_path / "out", {})
    before = {path: (tmp_path / path).read_bytes() for path in contents(tmp_path) if (tmp_path / path).is_file()}
    with pytest.raises(type(error)):
        save_study(a_study(), tmp_path / "out", {"diagram": Page(error)})
    with pytest.raises(type(error)):
        save_study(a_study(), tmp_path / "new" / "deep" / "out", {"diagram": Page(error)})
    after = {path: (tmp_path / path).read_bytes() for path in contents(tmp_path) if (tmp_path / path).is_file()}
    assert after == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failing_rename_puts_the_earlier_result_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_study(Study("decay", {"seed": 0}, {}), tmp_path / "out", {})
    rename = Path.rename

    def rename_once(path: Path, target: Path) -> Path:
        if target.name == "out" and (path / "fields.nc").exists():
            raise OSError("the disk was pulled out")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", rename_once)
    with pytest.raises(OSError, match="pulled out"):
        save_study(a_study(), tmp_path / "out", {})
    assert contents(tmp_path) == ["out", "out/run.json", "out/settings.toml"]


@pytest.mark.parametrize("name", ["thesis.tex", "figures/mine.png", ".git/HEAD"])
def test_files_that_eqfree_did_not_write_are_never_deleted(tmp_path: Path, name: str) -> None:
    save_study(a_study(), tmp_path / "out", {"diagram": Page()})
    mine = tmp_path / "out" / name
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("years of work")
    with pytest.raises(ValueError, match="which eqfree did not write"):
        save_study(a_study(), tmp_path / "out", {})
    assert mine.read_text() == "years of work"


def test_a_run_json_of_another_program_does_not_make_a_result(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("[1, 2]")
    with pytest.raises(ValueError, match=r"'run\.json', which eqfree did not write"):
        check_destination(tmp_path)


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    save_study(Study("decay", {"seed": 0}, {}), tmp_path / "out", {})
    assert (tmp_path / "out" / "run.json").is_file()


def test_a_link_to_a_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    save_study(Study("decay", {"seed": 0}, {}), tmp_path / "link", {})
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "run.json").is_file()


@pytest.mark.parametrize("place", ["file", "file/below", "file/far/below", "n" * 300, "loop", "loop/below"])
def test_a_folder_that_cannot_be_made_is_refused_up_front(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ValueError, match="must be one that can be written"), staged(tmp_path / place):
        pytest.fail("too late")
    assert contents(tmp_path) == ["file", "loop"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that nobody can write")
def test_a_read_only_file_system_is_refused_up_front() -> None:
    with pytest.raises(ValueError, match="must be one that can be written"):
        check_destination(Path("/proc/results/here"))


def test_the_working_folder_and_those_above_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for place in (Path(), Path(".."), Path("/")):
        with pytest.raises(ValueError, match="must have one of its own"):
            check_destination(place)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"scenario": "x"}', "{", '"text"'])
def test_a_damaged_result_is_said_to_be_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ValueError, match=r"is damaged .* Run the scenario again"):
        load_study(tmp_path)


def test_a_folder_without_a_result_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"with a run\.json in it"):
        load_study(tmp_path)
