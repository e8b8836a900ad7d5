"""Runs that are killed at random moments and resumed: what they write in the end is what an undisturbed run writes.

``python -m tests.torture.kills --count 50`` kills over all registered scenarios and prints a table.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from eqfree.checkpoint import TEMPORARY, read_checkpoint
from eqfree.store import CHECKPOINT

__all__ = ["Case", "Kill", "main", "torture"]

ROOT = Path(__file__).parents[2]
_CLOCKED = ("wall", "worthwhile")  # how columns begin that tell what the clock told
_SECONDS = re.compile(r"\d s\b")
PATIENCE = 3600.0  # s that a run may take
MOMENTS = ("clock", "checkpoint", "result")  # any; while a checkpoint is written; while the result is


@dataclass(frozen=True)
class Case:
    """A scenario, and the words of the command line that make it small."""

    scenario: str
    words: Sequence[str] = ("--quick",)
    interval: float = 0.3
    """Seconds between checkpoints: few, so that many are written."""


@dataclass(frozen=True)
class Undisturbed:
    """A run that nobody killed: its exit status, how long it took (s), and the digest of each file that it wrote."""

    status: int | None
    seconds: float
    files: Mapping[str, str]


@dataclass(frozen=True)
class Kill:
    """What came of a run that was killed, perhaps more than once."""

    case: Case
    moments: Sequence[str]
    kept: int
    """Answers that the checkpoint held after the last kill."""
    faults: Sequence[str]


def undisturbed(case: Case, folder: Path, way: str) -> Undisturbed:
    """Run a case; twice where there is time, since what differs then has nothing to do with kills.

    Raises
    ------
    RuntimeError
        If the run fails, or two runs differ.
    """
    made = []
    for name in ("first", "second")[: 1 if way == "fork" else 2]:
        begun = time.perf_counter()
        process = _start(_run(case, folder / name), folder / name, way)
        made.append(Undisturbed(_finish(process), time.perf_counter() - begun, fingerprint(folder / name)))
    differing = sorted({name for name, _ in set(made[0].files.items()) ^ set(made[-1].files.items())})
    if differing or made[0].status not in (0, 1):
        raise RuntimeError(
            f"Two runs of {case} must be alike: differing are {differing}, they ended with {made[0].status}: "
            f"{_last_line(folder / 'first')}"
        )
    return made[-1]


def kill_and_resume(case: Case, whole: Undisturbed, folder: Path, rng: Random, moment: str, way: str) -> Kill:
    """Begin a case, kill it at a moment, go on, perhaps kill that too, and compare what is there in the end."""
    moments: list[str] = []
    faults: list[str] = []
    kept, words = 0, _run(case, folder)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        process = _start(words, folder, way)
        moments.append(_kill(process, folder, moment, rng, whole.seconds))
        kept, unreadable = look(folder)
        faults += unreadable
        if process.exitcode != -signal.SIGKILL:  # it was done before
            break
        words = _resume(case, folder) if kept else _run(case, folder)
        moment = rng.choice(MOMENTS)
    else:
        process = _start(words, folder, way)
        _finish(process)
    if process.exitcode != whole.status:
        faults.append(f"`{' '.join(words)}` ended with {process.exitcode}: {_last_line(folder)}")
    faults += [f"left over: {name}" for name in leftovers(folder)]
    files = fingerprint(folder)
    faults += [
        f"differs: {name}" for name in sorted({name for name, _ in set(files.items()) ^ set(whole.files.items())})
    ]
    return Kill(case, tuple(moments), kept, tuple(dict.fromkeys(faults)))


# --- processes -------------------------------------------------------------------------------------------------------


def _run(case: Case, folder: Path) -> list[str]:
    return ["run", case.scenario, *case.words, "--out", str(folder), "--interval", str(case.interval)]


def _resume(case: Case, folder: Path) -> list[str]:
    return ["resume", str(folder), "--interval", str(case.interval)]


_WAYS: Mapping[str, Any] = {"fork": get_context("fork"), "spawn": get_context("spawn")}


def _start(words: Sequence[str], folder: Path, way: str) -> BaseProcess:
    process: BaseProcess = _WAYS[way].Process(target=_eqfree, args=(list(words), str(folder) + ".log"))
    process.start()
    return process


def _eqfree(words: Sequence[str], log: str) -> None:
    """The command line, in a process of its own; what it says is kept in a file."""
    from eqfree.cli import main

    Path(log).parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.exit(main(words))


def _finish(process: BaseProcess) -> int | None:
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
    return process.exitcode


def _last_line(folder: Path) -> str:
    said = Path(str(folder) + ".log").read_text("utf-8", "replace").strip().splitlines()
    return (said or ["(nothing was said)"])[-1][:300]


def _kill(process: BaseProcess, folder: Path, moment: str, rng: Random, seconds: float) -> str:
    """Kill a run at a random time, or shortly after one of the first checkpoints, or the result, is begun."""
    begun = time.perf_counter()
    delay = rng.uniform(0.0, seconds)
    if moment != "clock":
        delay = rng.uniform(0.0, 0.004 if moment == "checkpoint" else 0.1)
        wanted = rng.choice((1, 1, 2, 3, 5, 8)) if moment == "checkpoint" else 1
        seen: set[str] = set()
        while process.is_alive() and len(seen) < wanted and time.perf_counter() < begun + PATIENCE:
            seen |= set(_being_written(folder, moment))
            time.sleep(0.001)
    process.join(delay)
    process.kill()
    process.join()
    return f"{moment} {time.perf_counter() - begun:.2f} s"


def _being_written(folder: Path, moment: str) -> Iterator[str]:
    place, beginning = folder / CHECKPOINT, TEMPORARY
    if moment == "result":
        place, beginning = folder.parent, f".{folder.name}{TEMPORARY}"
    with suppress(OSError):  # it is not there yet
        yield from (name for name in os.listdir(place) if name.startswith(beginning) and not name.endswith("probe"))


# --- what is on the disk ---------------------------------------------------------------------------------------------


def fingerprint(folder: Path) -> dict[str, str]:
    """Digest of each file of a result, of the checkpoint too; how long anything took is left out."""
    found = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.name == "run.json":
            content = _without_times(json.loads(content))
        elif path.suffix == ".csv":
            rows = list(csv.reader(content.decode().splitlines()))
            kept = [place for place, name in enumerate(rows[0]) if not name.startswith(_CLOCKED)]
            content = repr([[row[place] for place in kept] for row in rows]).encode()
        found[path.relative_to(folder).as_posix()] = hashlib.sha256(content).hexdigest()
    return found


def _without_times(document: dict[str, Any]) -> bytes:
    document["cost"].pop("wall")
    sentences = [sentence for note in document["notes"] for sentence in note.split(". ")]
    document["notes"] = [sentence for sentence in sentences if not _SECONDS.search(sentence)]
    return json.dumps(document).encode()


def look(folder: Path) -> tuple[int, list[str]]:
    """How many answers a checkpoint holds, and what of it cannot be read."""
    kept, unreadable = 0, []
    for path in sorted((folder / CHECKPOINT).glob("*.npz")):
        try:
            arrays, _ = read_checkpoint(path)
        except ValueError as error:
            unreadable.append(f"unreadable: {error}")
            continue
        kept += int(arrays["counts"].sum()) if "counts" in arrays else int(path.name.startswith("state"))
    return kept, unreadable


def leftovers(folder: Path) -> list[str]:
    """What a finished run should not have left, in its folder and beside it."""
    temporaries = [path for path in folder.parent.rglob("*") if TEMPORARY in path.name]
    return [str(path.relative_to(folder.parent)) for path in (*temporaries, folder / CHECKPOINT) if path.exists()]


# --- the table -------------------------------------------------------------------------------------------------------


def torture(cases: Sequence[Case], count: int, seed: int = 0) -> list[Kill]:
    """Kill so many runs in a process of its own, whose copies they are: what they import is imported once.

    Raises
    ------
    RuntimeError
        If two undisturbed runs of a case differ.
    """
    words = ["--within", json.dumps([asdict(case) for case in cases]), "--count", str(count), "--seed", str(seed)]
    process = subprocess.run(
        [sys.executable, "-m", "tests.torture.kills", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if process.returncode:
        raise RuntimeError(process.stderr[-2000:])
    return [Kill(**{**entry, "case": Case(**entry["case"])}) for entry in json.loads(process.stdout)]


def _torture_here(cases: Sequence[Case], count: int, seed: int, way: str) -> Iterator[Kill]:
    """The cases and the moments in turn."""
    with TemporaryDirectory(prefix="kills") as place:
        wholes: dict[int, Undisturbed] = {}
        for number in range(count):
            which = number % len(cases)
            case = cases[which]
            if which not in wholes:
                wholes[which] = undisturbed(case, Path(place, f"undisturbed{which}"), way)
            rng = Random(f"{seed}/{number}")
            moment = MOMENTS[(number // len(cases) + which) % len(MOMENTS)]
            yield kill_and_resume(case, wholes[which], Path(place, str(number), case.scenario), rng, moment, way)


def _import_what_runs_import(cases: Sequence[Case]) -> None:
    from eqfree.scenario import load_scenario

    for name in ("eqfree.running", "h5netcdf", "xarray", "matplotlib.pyplot", "seaborn", "tomli_w", "rich.table"):
        import_module(name)
    for case in cases:
        load_scenario(case.scenario)


def main(words: Sequence[str] | None = None) -> int:
    """Kill runs of all scenarios and print the table; 1 if any ended otherwise than undisturbed."""
    from eqfree.scenario import find_scenarios

    parser = argparse.ArgumentParser(prog="tests.torture.kills", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="all that are registered without")
    parser.add_argument("--count", type=int, default=50, help="runs to kill")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--within", metavar="CASES", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.within:
        cases = [Case(**case) for case in json.loads(given.within)]
        _import_what_runs_import(cases)
        print(json.dumps([asdict(kill) for kill in _torture_here(cases, given.count, given.seed, "fork")]))
        return 0
    cases = [Case(name) for name in given.scenarios or find_scenarios()]
    print(f"{'scenario':14} {'kept':>6} {'equal':5} killed")
    equal = 0
    for kill in _torture_here(cases, given.count, given.seed, "spawn"):
        equal += not kill.faults
        told = "; ".join(kill.moments)
        print(f"{kill.case.scenario:14} {kill.kept:6} {'no' if kill.faults else 'yes':5} {told}", flush=True)
        for fault in kill.faults:
            print(f"    {fault}")
    print(f"{equal} of {given.count} came to the same bits.")
    return int(equal < given.count)


if __name__ == "__main__":
    sys.exit(main())
