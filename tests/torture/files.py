"""Damaged files, thrown at every reader: each must be read or refused in one line, soon and in little memory.

``python -m tests.torture.files --count 10000`` prints a table. What failed is kept in a folder, to be looked at.
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import FrameType

from tests.torture.mutations import mutate
from tests.torture.readers import READERS, ROOT, Reader

__all__ = ["MEMORY", "Report", "main", "outcome", "torture"]

MEMORY = 2**30  # bytes that reading a file may take
PATIENCE = 2.0  # seconds of computing
HANG = 60.0  # seconds on the clock, of which others may have the most
LONGEST = 600  # characters of a message


@dataclass(frozen=True)
class Report:
    """What became of the files that one reader was given."""

    reader: str
    files: int
    accepted: int
    refused: int
    failures: list[str]
    peak: float
    """Growth of memory (MiB)."""
    slowest: float
    """Seconds of computing for a file."""


class _Hang(BaseException):
    """A file that is not done with in time."""


def torture(names: Sequence[str], count: int, seed: int = 0, keep: Path | None = None) -> list[Report]:
    """Throw ``count`` damaged files at each of the readers, in a process of its own that can grow by 1 GiB.

    Raises
    ------
    RuntimeError
        If that process dies; says what it said.
    """
    command = [sys.executable, "-m", "tests.torture.files", "--within", "--count", str(count), "--seed", str(seed)]
    kept = ["--keep", str(keep)] if keep else []
    process = subprocess.run([*command, *kept, *names], cwd=ROOT, capture_output=True, text=True, check=False)
    if process.returncode:
        raise RuntimeError(f"The readers died with {process.returncode}: {process.stderr[-2000:]}")
    return [Report(**entry) for entry in json.loads(process.stdout)]


def _torture_here(names: Iterable[str], count: int, seed: int, keep: Path | None) -> list[Report]:
    warnings.simplefilter("error")
    prepared = {name: READERS[name].files() for name in names}
    reports = []
    with TemporaryDirectory() as place:
        for name, files in prepared.items():
            reports.append(_throw(name, READERS[name], files, count, seed, Path(place, name), keep))
    return reports


def _throw(
    name: str, reader: Reader, taken: Mapping[str, bytes], count: int, seed: int, folder: Path, keep: Path | None
) -> Report:
    count = round(count * reader.share)
    _write(folder, taken)
    for path in taken:  # what is not read whole says nothing when it is damaged
        reader.read(folder, path)
    before, slowest = _resident(), 0.0
    told: Counter[str] = Counter()
    failures = []
    with _bounded_memory():
        for number in range(count):
            rng = Random(f"{seed}/{name}/{number}")
            path = rng.choice(list(taken))
            damaged = mutate(rng, taken[path], list(taken.values()))
            _write(folder, {path: damaged})
            begun = time.process_time()
            result = outcome(reader, folder, path)
            seconds = time.process_time() - begun
            slowest = max(slowest, seconds)
            if seconds > PATIENCE:
                result = f"took {seconds:.1f} s"
            told[result] += 1
            if result not in ("accepted", "refused"):
                failures.append(f"{name} {number} ({path}): {result}")
                _write(keep, {f"{name}-{number}-{Path(path).name}": damaged})
            _write(folder, {path: taken[path]})
    grown = (_resident() - before) / 2**20
    return Report(name, count, told["accepted"], told["refused"], failures, grown, slowest)


def _write(folder: Path | None, contents: Mapping[str, bytes]) -> None:
    for path, content in contents.items():
        if folder:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)


def outcome(reader: Reader, folder: Path, path: str) -> str:
    """What becomes of a file: accepted, refused in a line that can be shown, or what went wrong."""
    try:
        with _patience():
            reader.read(folder, path)
    except ValueError as error:
        message = str(error)
        if type(error) is not ValueError:
            return f"{type(error).__name__}: {message[:200]}"
        if not message or len(message) > LONGEST or any(sign in message for sign in "\r\n\0"):
            return f"a message of {len(message)} characters: {message[:200]!r}"
        return "refused"
    except (Exception, _Hang) as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return "accepted"


@contextmanager
def _patience() -> Iterator[None]:
    def give_up(number: int, _frame: FrameType | None) -> None:
        raise _Hang(
            f"no answer in {HANG:g} s" if number == signal.SIGALRM else f"more than {PATIENCE:g} s of computing"
        )

    timers = {signal.SIGALRM: (signal.ITIMER_REAL, HANG), signal.SIGPROF: (signal.ITIMER_PROF, PATIENCE)}
    former = {number: signal.signal(number, give_up) for number in timers}
    try:
        for timer, seconds in timers.values():
            signal.setitimer(timer, seconds)
        yield
    finally:
        for number, (timer, _) in timers.items():
            signal.setitimer(timer, 0)
            signal.signal(number, former[number])


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Whatever would grow by more than `MEMORY` is a MemoryError."""
    former = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, former)


def _resident() -> int:
    """The most memory that this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(words: Sequence[str] | None = None) -> int:
    """Throw the files and print the table; 1 if any was neither read nor refused."""
    parser = argparse.ArgumentParser(prog="tests.torture.files", description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="*", metavar="READER", help=f"of {', '.join(READERS)}; all without")
    parser.add_argument("--count", type=int, default=10_000, help="files for each reader")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="where to keep the files that failed")
    parser.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    names = given.readers or list(READERS)
    if given.within:
        print(json.dumps([asdict(report) for report in _torture_here(names, given.count, given.seed, given.keep)]))
        return 0
    print(f"{'reader':12} {'files':>6} {'accepted':>8} {'refused':>8} {'failed':>7} {'peak MiB':>9} {'slowest s':>9}")
    failed = 0
    for name in names:
        (report,) = torture([name], given.count, given.seed, given.keep)
        failed += len(report.failures)
        print(
            f"{name:12} {report.files:6} {report.accepted:8} {report.refused:8} {len(report.failures):7} "
            f"{report.peak:9.1f} {report.slowest:9.2f}",
            flush=True,
        )
        for failure in report.failures[:20]:
            print(f"    {failure}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
