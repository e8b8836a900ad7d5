"""Two hundred damaged files for each reader, and those that somebody hostile would write first."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from eqfree.running import begin_run
from tests import demonstration
from tests.torture import files
from tests.torture.readers import READERS

MIB = 2**20

DEEP = "[" * 20_000
HUGE = "9" * 4_000 + "e9"
DOTTED = "a." * 20_000 + "a = 1\n"
LONG = "x" * 500_000

HOSTILE: dict[str, dict[str, bytes]] = {
    "settings": {
        "deep list": b"seed = " + DEEP.encode(),
        "deep tables": b"seed = " + b"{a=" * 20_000,
        "dotted key": DOTTED.encode(),
        "dotted header": b"[" + DOTTED.encode()[:-7] + b"a]\n",
        "long number": b"seed = " + b"9" * 100_000,
        "long hexadecimal number": b"seed = 0x" + b"f" * 100_000,
        "long text": f'seed = "{LONG}"'.encode(),
        "many keys": b"".join(b"a%d = 1\n" % i for i in range(30_000)),
        "not UTF-8": b"seed = \xff",
        "character 0": b"seed = 1\0",
        "nan": b"replicas = nan",
    },
    "networks": {
        "many reactions": b"".join(b"X%d -> X%d, k=1\n" % (i, i + 1) for i in range(40_000)),
        "many species": (" + ".join(f"X{i}" for i in range(50_000)) + " -> 0, k=1").encode(),
        "long name": (LONG + " -> 0, k=1 +").encode(),
        "long number": b"X -> 0, k=" + b"9" * 500_000,
        "parentheses": b"unit time = s\nX -> 0, k=1 " + b"(" * 100_000,
        "powers": b"unit time = s\nX -> 0, k=1 " + b"(" * 90 + b"s" + b"^99)" * 90,
        "python": b"X -> 0, k=__import__('os').system('true')",
        "not UTF-8": b"X -> 0, k=\xff",
    },
    "materials": {
        "deep list": b"title = " + DEEP.encode(),
        "dotted key": DOTTED.encode(),
        "long number": b"title = 0x" + b"f" * 100_000,
        "many sources": b"[sources]\n" + b"".join(b"s%d = 1\n" % i for i in range(30_000)),
    },
    "detectors": {
        "wide": b"flow,speed" + b",x" * 500_000 + b"\n",
        "long field": b"flow,speed\n1," + b"9" * 500_000 + b"\n",
        "bad lines": b"flow,speed\n" + b"-1,-1\n" * 100_000,
        "quotes": b'flow,speed\n"' + b"1\n" * 100_000,
    },
    "profiles": {
        "wide": b"position (um),time (h),density (cells/um2)" + b",x" * 500_000 + b"\n",
        "all different": b"position (um),time (h),density (cells/um2)\n"
        + b"".join(b"%d,%d,1\n" % (i, i) for i in range(30_000)),
        "quotes": b'position (um),time (h),density (cells/um2)\n"' + b"1\n" * 100_000,
    },
    "results": {
        "deep": DEEP.encode(),
        "long number": b'{"scenario": ' + b"9" * 100_000 + b"}",
        "elsewhere": b'{"scenario": "a", "settings": {}, "values": {}, "checks": [], "files": ["tables/../../x.csv"]}',
    },
}


@pytest.mark.slow
def test_damaged_files_are_read_or_refused_in_a_line(tmp_path: Path) -> None:
    reports = files.torture(list(READERS), 200)
    assert [failure for report in reports for failure in report.failures] == []
    assert {report.reader: report.files for report in reports} == {
        name: round(200 * reader.share) for name, reader in READERS.items()
    }
    for report in reports:
        assert min(report.accepted, report.refused) > 0, report  # neither everything nor nothing is let through
        assert report.peak < files.MEMORY / MIB, report


@pytest.mark.slow
@pytest.mark.parametrize(("name", "what"), [(name, what) for name, those in HOSTILE.items() for what in those])
def test_hostile_files_are_refused_in_a_line(name: str, what: str, tmp_path: Path) -> None:
    path = prepared(name, tmp_path)
    (tmp_path / path).write_bytes(HOSTILE[name][what])
    assert files.outcome(READERS[name], tmp_path, path) == "refused"


def prepared(name: str, folder: Path) -> str:
    """The files of a reader in a folder, all read once; the first of them."""
    taken = READERS[name].files()
    for path, content in taken.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    for path in taken:
        READERS[name].read(folder, path)
    return next(iter(taken))


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**42)


PLACES: dict[str, Callable[[Path], object]] = {
    "folder": Path.mkdir,
    "pipe": os.mkfifo,
    "four terabytes": _sparse,
    "loop of links": lambda path: path.symlink_to(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "nothing": lambda path: None,
}


@pytest.mark.parametrize("name", [name for name in READERS if name not in ("assignments", "journals")])
def test_what_is_no_file_or_too_large_is_refused_unread(name: str, tmp_path: Path) -> None:
    path = tmp_path / prepared(name, tmp_path)
    content = path.read_bytes()
    found = {}
    for place, put in PLACES.items():
        path.unlink()
        put(path)
        found[place] = files.outcome(READERS[name], tmp_path, path.relative_to(tmp_path).as_posix())
        if place == "folder":
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        path.write_bytes(content)
    assert found == dict.fromkeys(PLACES, "refused")


def test_a_file_that_settings_name_is_not_read_if_it_is_too_large(tmp_path: Path) -> None:
    _sparse(tmp_path / "track.csv")
    settings = demonstration.DriftSettings(track_file=tmp_path / "track.csv")
    with pytest.raises(ValueError, match="it has 4398046511104 bytes"):
        begin_run(tmp_path / "out", demonstration.scenario, settings)
