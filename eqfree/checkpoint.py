"""Checkpoints on disk: named arrays and what they are about, in one file that is whole or not there.

A file is an uncompressed npz without pickle. Its member ``about`` is JSON, its member ``digest`` the SHA-256 of all the
others; a reader refuses what was cut off, altered or made by something else, and never allocates more than the file
holds.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from eqfree.documents import one_line
from eqfree.fields import short

__all__ = [
    "LARGEST",
    "TEMPORARY",
    "hold",
    "read_array",
    "read_checkpoint",
    "sweep_temporaries",
    "sync",
    "write_checkpoint",
    "written_whole",
]

_Bytes: TypeAlias = bytes | memoryview

TEMPORARY = ".eqfree-"  #: how the names begin that are given to what is being written
_PLAIN = "biufcUS"  # kinds of dtypes that hold numbers or characters, and nothing that could be executed
_RESERVED = ("about", "digest")
LARGEST = 2**29  #: bytes that a checkpoint may have: so much is allocated when one is read


def write_checkpoint(path: Path, arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
    """Write named arrays and JSON values, whole or not at all: a file of that name is replaced at the last moment.

    Raises
    ------
    ValueError
        For an array of objects, a name that is reserved, or more than `LARGEST` bytes.
    OSError
        If the disk fails; what was at ``path`` is then as it was.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     write_checkpoint(Path(place, "one.npz"), {"macro": np.arange(3.0)}, {"time": 1.5})
    ...     read_checkpoint(Path(place, "one.npz"))
    ({'macro': array([0., 1., 2.])}, {'time': 1.5})
    """
    members: dict[str, tuple[_Bytes, ...]] = {name: _parts_of(name, array) for name, array in arrays.items()}
    members["about"] = (json.dumps(about, allow_nan=False).encode(),)
    members["digest"] = (_digest(members).encode(),)
    if (size := sum(len(part) for parts in members.values() for part in parts)) > LARGEST:
        raise ValueError(f"A checkpoint may have {LARGEST} bytes: got {size}. Keep less, or in several.")
    with written_whole(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name, parts in members.items():
            with archive.open(_entry_of(name), "w") as entry:
                for part in parts:
                    entry.write(part)


def read_checkpoint(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays, which are read-only, and the JSON values that `write_checkpoint` was given.

    Raises
    ------
    ValueError
        If the file is not there, is no checkpoint, or is not as it was written.

    Examples
    --------
    >>> read_checkpoint(Path("nowhere.npz"))
    Traceback (most recent call last):
    ValueError: A checkpoint must be a file that eqfree wrote, as it was written: 'nowhere.npz' is no file. ...
    """
    try:
        members = _read_members(path)
        if members.pop("digest", b"") != _digest({name: (content,) for name, content in members.items()}).encode():
            raise ValueError("its digest does not fit: it was cut off or altered")
        about = json.loads(members.pop("about"))
        if not isinstance(about, dict):
            raise ValueError("it does not say what it is about")
        return {name: read_array(name, content) for name, content in members.items()}, about
    except (OSError, EOFError, KeyError, ValueError, RecursionError, NotImplementedError, RuntimeError) as error:
        raise _refusal(path, str(error)) from error
    except zipfile.BadZipFile as error:
        raise _refusal(path, f"it is damaged ({error})") from error


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to: it takes the place of ``path`` when the block ends well.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as place:
    ...     with written_whole(Path(place, "answer.txt")) as temporary:
    ...         _ = temporary.write_text("42")
    ...     Path(place, "answer.txt").read_text()
    '42'
    """
    temporary = path.with_name(f"{TEMPORARY}{uuid4().hex[:12]}")
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sweep_temporaries(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder.

    >>> sweep_temporaries(Path("nowhere"))
    """
    for path in folder.glob(f"{TEMPORARY}*"):
        path.unlink(missing_ok=True)


def hold(path: Path) -> int | None:
    """An open descriptor that keeps other processes from a file or folder until it is closed; None if one has it.

    The system lets go when the process ends, however it does. Where locks are unknown, nobody is kept out.

    >>> hold(Path("nowhere"))
    Traceback (most recent call last):
    FileNotFoundError: ...
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:
        pass
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:  # some network file systems know no locks
        pass
    return descriptor


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk.

    >>> sync(Path("."))
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refusal(path: Path, reason: str) -> ValueError:
    return ValueError(
        f"A checkpoint must be a file that eqfree wrote, as it was written: {short(str(path))} "
        f"{one_line(reason, 200)}. Take an earlier one, or begin anew."
    )


def _entry_of(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name if name in _RESERVED else f"{name}.npy")  # of 1980: same content, same bytes


def _parts_of(name: str, array: NDArray[Any]) -> tuple[_Bytes, ...]:
    """The header of an npy file, and its content where it lies in memory."""
    if name in _RESERVED:
        raise ValueError(f"An array of a checkpoint may have any name but {' and '.join(_RESERVED)}: got {name!r}.")
    if array.dtype.kind not in _PLAIN:
        raise ValueError(
            f"An array of a checkpoint must hold numbers or characters: got {array.dtype} for {name!r}. Pack it so."
        )
    flat = np.ascontiguousarray(array).ravel()
    header = io.BytesIO()
    description = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(header, description)
    return header.getvalue(), flat.view(np.uint8).data


def _digest(members: Mapping[str, Sequence[_Bytes]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(members):
        digest.update(f"{len(name)}:{name}{sum(map(len, members[name]))}:".encode())
        for part in members[name]:
            digest.update(part)
    return digest.hexdigest()


def _read_members(path: Path) -> dict[str, bytes]:
    """The content of each member: together no more than the file holds."""
    if not path.is_file():
        raise ValueError("is no file")
    size = path.stat().st_size
    if size > LARGEST:
        raise ValueError(f"has {size} bytes, more than the {LARGEST} that one may have")
    members: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > size:
            raise ValueError("claims to hold more than it has")
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            if entry.compress_type != zipfile.ZIP_STORED or name in members:
                raise ValueError("was not written by eqfree")
            members[name] = archive.read(entry)
    return members


def read_array(name: str, content: bytes) -> NDArray[Any]:
    """The read-only array of an npy file, of numbers or characters, for which nothing more is allocated.

    Raises
    ------
    ValueError
        A phrase that says what the content is instead.

    Examples
    --------
    >>> read_array("speed", b"fast")
    Traceback (most recent call last):
    ValueError: has an array 'speed' whose header cannot be read
    """
    stream = io.BytesIO(content)
    try:
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[np.lib.format.read_magic(stream)]
        shape, fortran, dtype = read_header(stream)
    except Exception as error:  # whatever NumPy, which reads it as Python, makes of what only looks like one
        raise ValueError(f"has an array {short(name)} whose header cannot be read") from error
    if dtype.kind not in _PLAIN or dtype.itemsize == 0:
        raise ValueError(f"has an array {short(name)} of {dtype}, where only numbers and characters are read")
    if any(side < 0 for side in shape) or prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f"has an array {short(name)} that is not as long as its shape {short(shape)} says")
    flat = np.frombuffer(content, dtype, prod(shape), stream.tell())
    return flat.reshape(shape, order="F" if fortran else "C")
