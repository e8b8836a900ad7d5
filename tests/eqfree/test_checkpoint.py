from __future__ import annotations

import errno
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from eqfree.checkpoint import hold, read_checkpoint, sweep_temporaries, write_checkpoint

DTYPES = st.sampled_from(["<f8", "<i4", "|b1", "<c16", "|u1", "<U3", "|S2"])
ARRAYS = arrays_of.arrays(DTYPES, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))


@settings(deadline=None, max_examples=30)
@given(arrays=st.dictionaries(st.text("abc/", min_size=1, max_size=5), ARRAYS, max_size=3))
def test_what_is_written_is_read(arrays: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("checkpoint") / "one.npz"
    write_checkpoint(path, arrays, {"step": 3, "name": "über"})
    found, about = read_checkpoint(path)
    assert about == {"step": 3, "name": "über"}
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()


def test_the_same_content_is_the_same_file(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_checkpoint(tmp_path / name, {"x": np.arange(5)}, {"step": 1})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_numpy_reads_the_arrays_as_well(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "one.npz", {"x": np.asfortranarray(np.arange(6.0).reshape(2, 3))}, {})
    with np.load(tmp_path / "one.npz", allow_pickle=False) as file:
        assert np.array_equal(file["x"], np.arange(6.0).reshape(2, 3))


def test_objects_and_reserved_names_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold numbers or characters: got object for 'x'"):
        write_checkpoint(tmp_path / "one.npz", {"x": np.array([None])}, {})
    with pytest.raises(ValueError, match="any name but about and digest: got 'about'"):
        write_checkpoint(tmp_path / "one.npz", {"about": np.zeros(1)}, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_a_file_that_was_cut_off_or_altered_is_refused_unless_it_says_the_same(place: float, tmp_path: Path) -> None:
    path = tmp_path / "one.npz"
    write_checkpoint(path, {"x": np.arange(50.0)}, {"step": 1})
    content = bytearray(path.read_bytes())
    at = int(place * len(content))
    path.write_bytes(content[:at])
    with pytest.raises(ValueError, match="A checkpoint must be a file that eqfree wrote, as it was written"):
        read_checkpoint(path)
    content[at] ^= 1
    path.write_bytes(content)
    try:
        found, about = read_checkpoint(path)
    except ValueError as error:
        assert "Take an earlier one, or begin anew" in str(error)  # noqa: PT017
    else:  # a date of the archive
        assert about == {"step": 1}
        assert np.array_equal(found["x"], np.arange(50.0))


class Trap:
    """Unpickling it would be noticed."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("executed",)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"x.npy": pickle.dumps(Trap())}, "digest"),
        ({"about": b"{}", "x.npy": b"x" * 20}, "digest"),
        ({}, "digest"),
    ],
)
def test_what_eqfree_did_not_write_is_refused_and_not_executed(
    members: dict[str, bytes], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("one.npz", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=reason):
        read_checkpoint(Path("one.npz"))
    assert not Path("executed").exists()


def forge(path: Path, header: bytes, content: bytes = b"") -> None:
    """A file with a right digest, as somebody who knows the format would make it."""
    from eqfree.checkpoint import _digest

    npy = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content
    members: dict[str, bytes] = {"x": npy, "about": json.dumps({}).encode()}
    members["digest"] = _digest({name: (content,) for name, content in members.items()}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr("x.npy" if name == "x" else name, content)


def test_no_more_is_allocated_than_the_file_holds(tmp_path: Path) -> None:
    forge(tmp_path / "huge.npz", b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n")
    with pytest.raises(ValueError, match="is not as long as its shape"):
        read_checkpoint(tmp_path / "huge.npz")
    forge(tmp_path / "objects.npz", b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", pickle.dumps(Trap()))
    with pytest.raises(ValueError, match="of object, where only numbers and characters are read"):
        read_checkpoint(tmp_path / "objects.npz")


def test_a_compressed_file_is_refused_before_it_grows(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(10**7))
    with pytest.raises(ValueError, match="claims to hold more than it has"):
        read_checkpoint(tmp_path / "bomb.npz")


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_where_the_disk_fails_the_last_file_stays_good(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.npz"
    write_checkpoint(path, {"x": np.zeros(3)}, {})

    def fail(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(path, {"x": np.ones(3)}, {})
    assert [one.name for one in tmp_path.iterdir()] == ["one.npz"]
    assert read_checkpoint(path)[0]["x"].tolist() == [0, 0, 0]


def test_what_killed_writers_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".eqfree-0123456789ab").write_text("half")
    (tmp_path / "mine.txt").write_text("whole")
    sweep_temporaries(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_is_held_by_one(tmp_path: Path) -> None:
    first = hold(tmp_path)
    assert first is not None
    assert hold(tmp_path) is None
    os.close(first)
    second = hold(tmp_path)
    assert second is not None
    os.close(second)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EBADF])
def test_where_locks_are_unknown_nobody_is_kept_out(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", fail)
    descriptor = hold(tmp_path)
    assert descriptor is not None
    os.close(descriptor)
