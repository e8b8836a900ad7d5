"""What interrupts a run leaves something to go on from, and what cannot be gone on from is refused in one line."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eqfree.checkpoint import read_checkpoint, write_checkpoint
from eqfree.cli import main
from tests.torture.kills import fingerprint, leftovers
from tests.torture.wanderers import register

ROOT = Path(__file__).parents[1]
WANDER = ["run", "wander", "--interval", "0.02"]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in which the scenario is registered."""
    monkeypatch.syspath_prepend(register(tmp_path / "site"))
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def interrupted(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that was interrupted in the middle."""
    with monkeypatch.context() as patch:
        patch.setattr("tests.torture.wanderers.time.sleep", interrupting(after=12))
        assert main([*WANDER, "--out", "run"]) == 130
    return workplace / "run"


def interrupting(after: int, number: signal.Signals = signal.SIGINT) -> Callable[[float], None]:
    """A sleep that, once it has been slept so often, sends a signal."""
    calls = 0

    def sleep(seconds: float) -> None:
        nonlocal calls
        calls += 1
        if calls == after:
            os.kill(os.getpid(), number)
        signal.sigtimedwait([], seconds)

    return sleep


def undisturbed() -> dict[str, str]:
    assert main(["run", "wander", "--out", "whole"]) == 0
    return fingerprint(Path("whole"))


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_the_run_goes_on_to_the_same_bits(
    number: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = undisturbed()
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr("tests.torture.wanderers.time.sleep", interrupting(after=12, number=number))
        assert main([*WANDER, "--out", "run"]) == status
    assert "`eqfree resume run` goes on" in capsys.readouterr().err
    slept: list[float] = []
    monkeypatch.setattr("tests.torture.wanderers.time.sleep", slept.append)
    assert main(["resume", "run"]) == 0
    assert 0 < len(slept) <= 24 - 11  # what was answered before is not asked again
    assert fingerprint(Path("run")) == whole
    assert leftovers(Path("run")) == []


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n"), err[:8]) == ("", 1, "eqfree: ")
    return err


@pytest.mark.slow
def test_an_interrupted_run_is_not_begun_again_by_mistake(
    interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = fingerprint(interrupted)
    assert "`eqfree resume run` goes on" in refused(capsys, *WANDER, "--out", "run")
    assert fingerprint(interrupted) == before


def test_the_checkpoint_of_another_version_is_refused_and_stays(
    interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = interrupted / "checkpoint" / "about.npz"
    arrays, told = read_checkpoint(about)
    write_checkpoint(about, arrays, told | {"versions": told["versions"] | {"eqfree": "0.0.1"}})
    before = fingerprint(interrupted)
    assert "0.0.1" in refused(capsys, "resume", "run")
    assert fingerprint(interrupted) == before


@pytest.mark.parametrize("settings", [{"steps": -1}, {"legs": 2}, 7])
def test_the_checkpoint_of_settings_that_are_none_is_refused(
    settings: Any, interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = interrupted / "checkpoint" / "about.npz"
    arrays, told = read_checkpoint(about)
    write_checkpoint(about, arrays, told | {"settings": settings})
    refused(capsys, "resume", "run")


def test_the_checkpoint_of_other_settings_is_refused(interrupted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    about = interrupted / "checkpoint" / "about.npz"
    arrays, told = read_checkpoint(about)
    write_checkpoint(about, arrays, told | {"settings": told["settings"] | {"seed": 1}})
    assert "asked otherwise" in refused(capsys, "resume", "run")


@pytest.mark.parametrize("damage", ["cut off", "altered", "empty", "gone"])
def test_without_its_first_file_a_run_is_refused(
    damage: str, interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    about = interrupted / "checkpoint" / "about.npz"
    content = about.read_bytes()
    about.unlink()
    if damage != "gone":
        altered = content.replace(b'"wander"', b'"wonder"')
        about.write_bytes({"cut off": content[:-40], "altered": altered, "empty": b""}[damage])
    refused(capsys, "resume", "run")


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut off", "altered", "empty"])
def test_a_damaged_segment_is_told_and_computed_again(
    damage: str, interrupted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = undisturbed()
    first, *more = sorted((interrupted / "checkpoint").glob("0*.npz"))
    assert more
    content = first.read_bytes()
    middle = len(content) // 2
    altered = content[:middle] + bytes(byte ^ 1 for byte in content[middle : middle + 99]) + content[middle + 99 :]
    first.write_bytes({"cut off": content[:-40], "altered": altered, "empty": b""}[damage])
    capsys.readouterr()
    assert main(["resume", "run"]) == 0
    assert capsys.readouterr().err.count("is damaged") == 1
    assert fingerprint(interrupted) == whole


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_what_was_saved_stays_good(
    workplace: Path, interrupted: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = undisturbed()
    before = {path.name for path in (interrupted / "checkpoint").glob("*")}
    script = "import sys; from eqfree.cli import main; sys.exit(main())"
    process = subprocess.run(  # whatever is written ends after so many bytes, as on a disk that is full
        [sys.executable, "-c", script, "resume", "run", "--interval", "10"],
        env=os.environ | {"PYTHONPATH": f"{workplace.parent / 'site'}{os.pathsep}{ROOT}"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr.count("\n")) == (2, 1), process.stderr
    assert {path.name for path in (interrupted / "checkpoint").glob("*")} == before
    assert main(["resume", "run"]) == 0
    assert fingerprint(interrupted) == whole


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_computed(
    interrupted: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Any, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    slept: list[float] = []
    monkeypatch.setattr("tests.torture.wanderers.time.sleep", slept.append)
    monkeypatch.setattr(Path, "mkdir", refuse)  # whoever runs this may be root, whom no mode stops
    assert "Permission denied" in refused(capsys, "resume", "run")
    assert "Permission denied" in refused(capsys, *WANDER, "--out", "other")
    assert slept == []


@pytest.mark.slow
def test_a_folder_that_is_copied_elsewhere_goes_on_there(interrupted: Path) -> None:
    whole = undisturbed()
    shutil.copytree(interrupted, "copy")
    assert main(["resume", "copy"]) == 0
    assert fingerprint(Path("copy")) == whole
