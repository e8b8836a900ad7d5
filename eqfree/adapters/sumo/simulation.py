"""The one simulation that a process can hold: SUMO's library has no more room."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock
from typing import Any

from eqfree.adapters.sumo.population import Generation

__all__ = ["close", "hold", "is_current", "library", "restate", "save", "start", "write_state"]

_LARGEST = 1 << 30  # bytes of a saved state, uncompressed
_lock = RLock()
_numbers = count(1)
_current: Generation = (0, 0)  # what this process holds now


def library() -> Any:
    """The module ``libsumo``.

    Raises
    ------
    ValueError
        If it is not installed; says what to install.
    """
    try:
        return import_module("libsumo")
    except ImportError as error:
        raise ValueError(
            "SUMO's vehicles need the package libsumo, which is not installed. Install the extra: "
            "`pip install eqfree[sumo]`, in a clone `pip install -e '.[sumo]'`."
        ) from error


@contextmanager
def hold() -> Iterator[Any]:
    """The library, for one thread at a time; what SUMO complains of is raised as a RuntimeError."""
    sumo = library()
    with _lock:
        try:
            yield sumo
        except (sumo.TraCIException, sumo.FatalTraCIError) as error:
            close()
            raise RuntimeError(f"SUMO says: {str(error).strip()}") from error


def start(arguments: Sequence[str]) -> Generation:
    """Begin a simulation; the one before it, if it was begun here, is over.

    Raises
    ------
    RuntimeError
        If another part of the program holds a simulation in this process, or SUMO cannot begin.
    """
    sumo = library()
    if sumo.simulation.isLoaded():
        if not is_current(_current):
            raise RuntimeError(
                "Another simulation of SUMO is running in this process, and its library has room for one. Close it "
                "(libsumo.close()), or give the stepper workers: executor=1."
            )
        close()
    try:
        sumo.start(["sumo", *arguments])
    except (sumo.TraCIException, sumo.FatalTraCIError) as error:
        raise RuntimeError(f"SUMO cannot begin: {str(error).strip()}. It says why on stderr.") from error
    return restate()


def restate() -> Generation:
    """A new name for what the process holds: the simulation has gone on."""
    global _current
    _current = (os.getpid(), next(_numbers))
    return _current


def is_current(generation: Generation) -> bool:
    """Whether this is what the process holds now."""
    return generation == _current and generation[0] == os.getpid() and bool(library().simulation.isLoaded())


def close() -> None:
    """End the simulation that this process holds, if it was begun here; populations that were not packed go with it.

    Nothing else needs this: a simulation is replaced by the next, and ends with the process.
    """
    global _current
    if _current[0] == os.getpid():
        sumo = library()
        if sumo.simulation.isLoaded():
            sumo.close()
    _current = (0, 0)


def save() -> bytes:
    """The state of the simulation that the process holds, compressed."""
    with TemporaryDirectory(prefix="eqfree-sumo-") as folder:
        file = Path(folder) / "state.xml"
        library().simulation.saveState(str(file))
        text = file.read_bytes()
    return zlib.compress(text[text.index(b"<snapshot") :], 1)  # what is before it tells the time and the folder


def write_state(saved: bytes, file: Path) -> None:
    """Write a saved state to a file, for SUMO to load.

    Raises
    ------
    ValueError
        If it is no state that was saved here.
    """
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(saved, _LARGEST)
    except zlib.error as error:
        raise ValueError(f"A packed population of SUMO's vehicles is damaged: {error}.") from error
    if unpacker.unconsumed_tail or not unpacker.eof or not text.startswith(b"<snapshot"):
        raise ValueError("A packed population of SUMO's vehicles is damaged: it holds no state of SUMO.")
    file.write_bytes(b'<?xml version="1.0" encoding="UTF-8"?>\n' + text)
