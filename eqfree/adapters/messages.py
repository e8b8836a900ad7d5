"""What a program is sent and what it answers, as bytes: JSON or npz, of bounded size, nothing of it executed."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.checkpoint import read_array
from eqfree.documents import one_line
from eqfree.fields import short

__all__ = ["FORMATS", "Answer", "Format", "Request"]

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

_TEXT = "json"  # the array that holds a state that came as JSON: its text, to be given back as it was


@dataclass(frozen=True, eq=False)
class Request:
    """What a program is asked: to go on from a macro state, or from its own state, for a while."""

    macro: NDArray[np.float64]
    duration: float
    time: float
    seed: int
    lift_seed: int | None
    state: Arrays | None
    parameters: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Answer:
    """The macro state afterwards, and the program's own state if it gives one."""

    macro: NDArray[Any]
    state: Arrays | None


class Format(Protocol):
    """How requests become bytes, and bytes answers; what is no answer is a ValueError that says what it is instead."""

    def encode(self, request: Request) -> bytes:
        """The request as the program reads it."""
        ...

    def decode(self, content: bytes, largest: int) -> Answer:
        """The answer, for which no more than ``largest`` bytes of arrays are allocated."""
        ...


class Json:
    """One JSON object each way; the state may be any JSON value but null."""

    def encode(self, request: Request) -> bytes:
        """The request as the program reads it."""
        state = None if request.state is None else json.loads(request.state[_TEXT].tobytes())
        message = {
            "macro": request.macro.tolist(),
            "shape": list(request.macro.shape),
            "duration": request.duration,
            "time": request.time,
            "seed": request.seed,
            "lift_seed": request.lift_seed,
            "state": state,
        }
        parameters = json.dumps(dict(request.parameters), default=_plain, allow_nan=False)
        return f'{json.dumps(message)[:-1]}, "parameters": {parameters}}}\n'.encode()

    def decode(self, content: bytes, largest: int) -> Answer:
        """The answer; its text is no larger than it was allowed to be when it was read."""
        try:
            message = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"is no JSON ({_told(error)}): {short(content.decode(errors='replace'))}") from error
        if not isinstance(message, dict) or "macro" not in message:
            raise ValueError(f"is no object with a `macro`: {short(message)}")
        state = message.get("state")
        try:
            text = None if state is None else {_TEXT: np.frombuffer(json.dumps(state).encode(), np.uint8)}
            return Answer(np.array(message["macro"]), text)
        except (ValueError, OverflowError, RecursionError) as error:
            raise ValueError(f"has a `macro` that is no array of numbers: {short(message['macro'])}") from error


class Npz:
    """An npz file each way; the state's arrays are named ``state.NAME``, the parameters ``parameters.NAME``."""

    def encode(self, request: Request) -> bytes:
        """The request as the program reads it."""
        members: dict[str, Any] = {"macro": request.macro, "duration": request.duration, "time": request.time}
        members |= {"seed": request.seed, "lift_seed": request.lift_seed}
        if request.state is not None:
            members |= {f"state.{name}": array for name, array in request.state.items()}
            if not request.state:
                members["state"] = ()
        members |= {f"parameters.{name}": value for name, value in request.parameters.items()}
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, value in members.items():
                if value is not None:
                    with archive.open(
                        zipfile.ZipInfo(f"{name}.npy"), "w"
                    ) as entry:  # of 1980: same content, same bytes
                        np.lib.format.write_array(entry, np.asarray(value), allow_pickle=False)
        return content.getvalue()

    def decode(self, content: bytes, largest: int) -> Answer:
        """The answer; sizes are those that the archive and the headers of its arrays say, compared before use."""
        try:
            arrays = _read_npz(content, largest)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise ValueError(f"is no npz ({_told(error)}): it begins with {short(content[:16])}") from error
        if "macro" not in arrays:
            raise ValueError(f"has no array `macro`: its arrays are {short(sorted(arrays))}")
        state = {name.removeprefix("state."): array for name, array in arrays.items() if name.startswith("state.")}
        return Answer(arrays["macro"], state if state or "state" in arrays else None)


FORMATS: Mapping[str, Format] = {"json": Json(), "npz": Npz()}


def _read_npz(content: bytes, largest: int) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        if (claimed := sum(entry.file_size for entry in entries)) > largest:
            raise ValueError(f"claims to hold {claimed} bytes of arrays, more than the {largest} allowed (`largest`)")
        return {
            entry.filename.removesuffix(".npy"): read_array(entry.filename, archive.read(entry)) for entry in entries
        }


def _plain(value: object) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"{short(value)} is no JSON")


def _told(error: BaseException) -> str:
    return one_line(str(error)) or type(error).__name__
