"""The command line: what it prints, what it writes, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eqfree.cli import main
from tests import demonstration
from tests.demonstration import register

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder in which the demonstration is registered."""
    monkeypatch.syspath_prepend(register(tmp_path / "site"))
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def drift(*assignments: str) -> list[str]:
    return ["run", "drift", *(word for item in assignments for word in ("--set", item))]


def written(place: Path) -> list[str]:
    return sorted(path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file())


def squeezed(printed: str) -> list[str]:
    return [" ".join(line.split()) for line in printed.splitlines()]


RESULT = ["fields.nc", "figures/drift.png", "run.json", "settings.toml", "tables/drift.csv"]


def test_list_says_what_happens_or_why_one_cannot_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "Walkers drift [as asked]." in lines["drift"]
    assert "install the clone, `pip install -e .`." in lines["lost"]
    assert "AttributeError" in lines["broken"]
    assert "must be an eqfree.Scenario" in lines["other"]


def test_list_of_nothing_says_what_to_do(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("eqfree.scenario.entry_points", lambda group: ())
    assert main(["list"]) == 2
    assert capsys.readouterr().err.startswith("eqfree: No scenario is registered.")


def test_run_prints_its_numbers_beside_the_expected_ones_and_keeps_them(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "drift"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "…" not in out
    rows = squeezed(out)
    assert "speed 1.5 0.25 m/s" in rows
    assert "mean speed 1.5 equals within 1.5 1e-09 m/s what was asked for yes" in rows
    assert "quantity this run ± relation expected tolerance unit source ok" in rows
    assert "Note: drift" in out
    assert "Cost: 0.1 s, 2 bursts over 3 of micro time, 200 agent updates" in out
    assert f"Written to results/drift: {', '.join(RESULT)}" in out
    assert written(workplace) == [f"results/drift/{name}" for name in RESULT]


def test_show_prints_a_stored_run_again(capsys: pytest.CaptureFixture[str]) -> None:
    main(drift("scatter=0.3"))
    printed = capsys.readouterr().out
    assert main(["show", "results/drift"]) == 1
    again = capsys.readouterr().out
    assert again
    assert printed.startswith(again)


def test_a_failed_check_ends_in_1_and_is_kept(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(drift("scatter=0.3")) == 1
    assert "what was asked for NO" in " ".join(capsys.readouterr().out.split())
    assert written(workplace) == [f"results/drift/{name}" for name in RESULT]


def test_json_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "drift", "--json", "--out", "here/deep"]) == 0
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert err == ""
    assert set(document) == {"scenario", "settings", "values", "checks", "tables", "notes", "failures", "cost"}
    assert document["values"]["speed"] == {"value": 1.5, "stderr": 0.25, "unit": "m/s"}
    assert Path("here/deep/run.json").is_file()


def test_quick_gives_way_to_the_file_and_the_file_to_set(capsys: pytest.CaptureFixture[str]) -> None:
    def count(*words: str) -> int:
        main(["run", "drift", "--json", *words])
        return int(json.loads(capsys.readouterr().out)["settings"]["walkers"]["count"])

    Path("mine.toml").write_text("walkers.count = 20\n")
    assert count() == 100
    assert count("--quick") == 10
    assert count("--quick", "--config", "mine.toml") == 20
    assert count("--quick", "--config", "mine.toml", "--set", "walkers.count=30") == 30


def test_the_settings_of_a_run_make_it_again(capsys: pytest.CaptureFixture[str]) -> None:
    main([*drift("scatter=0.3", "seed=5", "walkers.legs=left,right"), "--json"])
    first = json.loads(capsys.readouterr().out)
    main(["run", "drift", "--config", "results/drift/settings.toml", "--out", "again", "--json"])
    assert json.loads(capsys.readouterr().out) == first
    assert tomllib.loads(Path("again/settings.toml").read_text())["seed"] == 5


def test_help_of_a_scenario_lists_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "drift", "--help"]) == 0
    rows = squeezed(capsys.readouterr().out)
    assert "walkers.count an integer >= 1 and <= 10000 100 10 how many walk [1]" in rows
    assert "track_file a path positions measured elsewhere [m]" in rows


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["show", "--help"], ["list", "--help"]])
def test_help_ends_in_0(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Usage: eqfree")
    assert err == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Missing command"),
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["run"], "needs the name of a scenario"),
        (["run", "drfit"], "Did you mean `drift`?"),
        (["run", "lost"], "cannot be imported"),
        (["run", "broken"], "cannot be loaded: AttributeError"),
        (["run", "other"], "must be an eqfree.Scenario"),
        (["run", "drift", "extra"], "extra"),
        (["run", "drift", "--quik"], "--quick"),
        (["run", "drift", "--set"], "--set"),
        (["run", "drift", "--workers", "0"], "--workers"),
        (["run", "drift", "--workers", "many"], "--workers"),
        (["run", "drift", "--config", "missing.toml"], "got 'missing.toml' (No such file or directory)"),
        (["run", "drift", "--config", "broken.toml"], "line 2"),
        (["run", "drift", "--config", "binary.toml"], "binary.toml"),
        (["run", "drift", "--config", "unknown.toml"], "got 'walkers.cout'. Did you mean `walkers.count`?"),
        (["run", "drift", "--out", "mine.toml"], "must be one that can be written"),
        (["run", "drift", "--out", "mine.toml/below/it"], "must be one that can be written"),
        (["run", "drift", "--out", "zero\0"], "null"),
        (["run", "drift", "--out", "mine"], "holds 'thesis.tex', which eqfree did not write"),
        (["show"], "DIR"),
        (["show", "mine"], "with a run.json in it"),
        (["show", "mine/thesis.tex"], "with a run.json in it"),
        (drift("walkers.count=0"), "must be an integer >= 1 and <= 10000 (how many walk [1]): got 0."),
        (drift("walkers.legs=left,left"), "`walkers.legs` must differ"),
        (drift("track_file=missing.csv"), "`track_file` must be a file: got 'missing.csv'."),
        (drift("seed"), "must be given as KEY=VALUE"),
        (drift(f"seed={2**128}"), "`seed` must be an integer >= 0 and < 2**128"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    workplace: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    (workplace / "mine").mkdir()
    (workplace / "mine" / "thesis.tex").touch()
    Path("mine.toml").write_text("seed = 1\n")
    Path("broken.toml").write_text("seed = 1\nseed = = 2\n")
    Path("binary.toml").write_bytes(b"\xff\xfe")
    Path("unknown.toml").write_text("[walkers]\ncout = 3\n")
    before = sorted(workplace.rglob("*"))
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert says in err
    assert sorted(workplace.rglob("*")) == before


def test_a_numerical_failure_is_one_line_with_its_notes(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(drift("stumble=over")) == 3
    assert capsys.readouterr().err == (
        "eqfree: Numerical failure: walker 3 fell over at time 2 Replay it with seed 0.\n"
    )
    assert list(workplace.iterdir()) == []


def test_what_failed_is_told_and_what_was_computed_is_kept(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(drift("stumble=once")) == 3
    assert "Failed: walker 3 fell over once" in capsys.readouterr().out
    assert main(["show", "results/drift"]) == 3
    assert "Failed: walker 3 fell over once" in capsys.readouterr().out


def test_equations_that_cannot_be_solved_are_a_numerical_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(drift("stumble=equations")) == 3
    assert capsys.readouterr().err == "eqfree: Numerical failure: Singular matrix\n"


def test_signal_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    main(["list"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_what_was_there(workplace: Path, number: signal.Signals, status: int) -> None:
    assert main(["run", "drift"]) == 0
    before = {name: (workplace / name).read_bytes() for name in written(workplace)}
    for folder in ("results/drift", "elsewhere/deep"):
        process = program(*drift("pause=60"), "--out", folder)
        assert process.stdout is not None
        assert process.stdout.readline() == "asleep\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (status, "")
        assert err == "eqfree: Interrupted: nothing was left half-written.\n"
    assert {name: (workplace / name).read_bytes() for name in written(workplace)} == before
    assert [path.name for path in workplace.iterdir()] == ["results"]


THREE = ("times=1,2,3", "scatter=0.3", "pause=0.02", "tolerance=9")


def interrupt_at_the_second_time(number: int = signal.SIGINT, *assignments: str) -> int:
    """The exit status of a run that is sent a signal once it has kept the first of three times."""
    walk = demonstration.sleep
    walked: list[object] = []

    def interrupt(*arguments: Any) -> None:
        if len(walked) == 1:
            signal.raise_signal(number)
        walk(*arguments)
        walked.append(arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demonstration, "sleep", interrupt)
        return main(drift(*THREE, *assignments))


def test_the_earlier_result_stays_until_the_new_one_is_there(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def numbers() -> dict[str, bytes]:
        return {name: (workplace / "results/drift" / name).read_bytes() for name in RESULT}

    assert main(["run", "drift"]) == 0
    before = numbers()
    interrupt_at_the_second_time()
    assert numbers() == before
    assert main(["show", "results/drift"]) == 0
    assert main(["run", "drift", "--fresh"]) == 0
    assert written(workplace) == [f"results/drift/{name}" for name in RESULT]
    assert main(["resume", "results/drift"]) == 2
    assert "No interrupted run is kept in 'results/drift'. `eqfree show results/drift`" in capsys.readouterr().err


def test_a_file_that_has_changed_is_noticed(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("track.csv").write_text("1,2\n")
    interrupt_at_the_second_time(signal.SIGINT, "track_file=track.csv")
    Path("track.csv").write_text("1,3\n")
    assert main(["resume", "results/drift"]) == 2
    assert "must be as they were: 'track.csv' has changed. Put it back" in capsys.readouterr().err
    Path("track.csv").write_text("1,2\n")
    assert main(["resume", "results/drift"]) == 0


def test_a_run_is_resumed_from_where_its_files_are_found(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("track.csv").write_text("1,2\n")
    interrupt_at_the_second_time(signal.SIGINT, "track_file=track.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(workplace / "results")
        assert main(["resume", "drift"]) == 2
        assert f"'track.csv' is not there, seen from here; it was from '{workplace}'" in capsys.readouterr().err
        patch.chdir(workplace / "results/drift")
        assert main(["resume", "."]) == 2
        assert "from outside its folder, which its result replaces: got '.'. Leave it." in capsys.readouterr().err


def test_a_run_that_fails_says_that_it_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    walk = demonstration.sleep
    walked: list[object] = []

    def stumble(*arguments: Any) -> None:
        if len(walked) == 1:
            raise RuntimeError("the walker fell over.")
        walk(*arguments)
        walked.append(arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demonstration, "sleep", stumble)
        assert main(drift(*THREE)) == 3
    said = capsys.readouterr().err
    assert said.startswith("eqfree: Numerical failure: the walker fell over.")
    assert said.endswith(" What was computed is kept: `eqfree resume results/drift` goes on.\n")
    assert main(["resume", "results/drift"]) == 0


class Finalised:
    """Receives a signal while it is let go, where no error can pass."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_arrives_in_a_finaliser_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def let_go(*_: Any) -> None:
        Finalised()
        time.sleep(20)

    monkeypatch.setattr(demonstration, "sleep", let_go)
    assert main(drift(*THREE)) == 143


@pytest.mark.parametrize("words", [["--interval", "0"], ["--time-limit", "-1"], ["--workers", "many"]])
def test_options_of_a_run_that_make_no_sense_are_one_line(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "drift", *words]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "got" in err


@pytest.mark.parametrize(
    "apart", [pytest.param("false", id="threads"), pytest.param("true", id="processes", marks=pytest.mark.slow)]
)
def test_an_interrupted_run_does_not_wait_for_its_workers(workplace: Path, apart: str) -> None:
    process = program(*drift("pause=60", f"apart={apart}"), "--workers", "2")
    assert process.stdout is not None
    assert process.stdout.readline() == "asleep\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=20) == 130
    _, err = process.communicate(timeout=20)  # ends when no worker is left that could write
    assert err == "eqfree: Interrupted: nothing was left half-written.\n"
    assert list(workplace.iterdir()) == []


def test_workers_reach_the_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "drift", "--workers", "2"]) == 0
    assert "Note: 2 threads" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(("pause", "shown"), [(0, False), (2.5, True)])
def test_progress_is_shown_on_a_terminal_after_two_seconds(pause: float, shown: bool) -> None:
    reader, terminal = os.openpty()
    with program(*drift("times=1", f"pause={pause}"), stderr=terminal) as process:
        os.close(terminal)
        process.communicate(timeout=20)
    try:
        printed = os.read(reader, 65536)
    except OSError:  # what Linux says where nothing was written
        printed = b""
    os.close(reader)
    assert process.returncode == 0
    assert (b"times walked" in printed) == bool(printed) == shown


@pytest.mark.parametrize("word", ["--help", pytest.param("list", marks=pytest.mark.slow)])
def test_a_closed_pipe_is_no_traceback(word: str) -> None:
    with program(word) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_help_imports_neither_numpy_nor_pandas() -> None:
    script = (
        "import sys; from eqfree.cli import main; status = main(['--help'])\n"
        "print(*sorted({'numpy', 'pandas', 'pydantic', 'scipy', 'numba', 'xarray', 'rich'} & set(sys.modules)))\n"
        "sys.exit(status)"
    )
    process = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == ""


def program(*words: str, stderr: int = subprocess.PIPE) -> "subprocess.Popen[str]":
    """The command line as a process of its own."""
    script = "import sys; from eqfree.cli import main; sys.exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", script, *words],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *map(str, sys.path[:1])])},
    )


WORDS = st.one_of(
    st.sampled_from(["list", "run", "show", "drift", "lost", "--set", "--quick", "--json", "--help", "--workers", "-"]),
    st.text(max_size=8).filter(lambda text: "/" not in text),  # no result lands outside the working folder
)
KEYS = st.one_of(
    st.sampled_from(
        ["seed", "walkers", "walkers.count", "walkers.speed", "walkers.legs", "times", "times.0", "scatter", "title"]
    ),
    st.text(max_size=8),
)
VALUES = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["true", "[]", "[[1]]", "{a = 1}", '"x"', "left", "left,right", "none", "1979-05-27", "1,2,,x"]),
    st.text(max_size=12),
)
COMMANDS = st.one_of(
    st.lists(WORDS, max_size=5),
    st.lists(st.builds("{}={}".format, KEYS, VALUES), max_size=3).map(lambda items: drift(*items)),
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=COMMANDS)
def test_whatever_is_typed_there_is_no_traceback(
    words: list[str], workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(workplace.rglob("*"))
    status = main(words)
    err = capsys.readouterr().err
    assert status in (0, 1, 2, 3)
    assert err.count("\n") == (status >= 2)
    assert "Traceback" not in err
    if status >= 2:
        assert sorted(workplace.rglob("*")) == before


def test_a_movie_is_asked_for_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    for words, message in (
        (["--movie", "avi"], "eqfree: `--movie` must be gif or mp4: got 'avi'."),
        (["--movie", "gif"], "eqfree: `--movie` is for scenarios that have one: drift has none. Leave it out."),
    ):
        assert main(["run", "drift", *words]) == 2
        assert capsys.readouterr().err.strip() == message


def test_a_movie_needs_a_program_that_can_write_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert main(["run", "tissue", "--set", "parts=wound", "--movie", "mp4"]) == 2
    assert "needs the program ffmpeg, which is not installed. Install it, or take gif." in capsys.readouterr().err
