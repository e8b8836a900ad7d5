"""Any executable as a micro-model: it reads a macro state and a seed, and writes the macro state some time later.

The protocol
------------
The program is started once for each stretch of time: it reads one request, writes one answer, and ends with exit
status 0. The request is on its standard input and the answer goes to its standard output, unless an argument of the
command holds ``{input}`` or ``{output}``: then it is a file, whose path stands there instead. What else it prints is
shown if it fails.

A request, as one JSON object on a line (``format="json"``) or as the arrays of an npz file (``format="npz"``):

``macro``
    Where to start from: numbers, nested as the axes of the macro state are; in the model's units.
``shape``
    The lengths of its axes; in JSON alone, since an array knows them.
``duration``
    How long to simulate, a positive number in the model's time unit.
``time``
    How long the population has lived since it was lifted: 0 in the first request.
``seed``
    For all random numbers of this stretch: an integer from 0 to 2**63 - 1. A program that draws from it alone gives
    the same answer to the same request, which makes every result reproducible.
``lift_seed``
    For those of the population that is made from ``macro``, an integer as ``seed``; null (in npz: not there) once
    the program goes on from its own state. Keep the two apart where you can, or use ``seed`` for both.
``state``
    What the program itself answered last, to go on from; null (not there) in the first request.
``parameters``
    An object with what the user gave; in npz an array ``parameters.NAME`` for each.

An answer, in the same format:

``macro``
    The macro state after ``duration``, numbers of the same shape.
``state``
    The population, if the program can go on from it: in JSON any value but null, in npz arrays ``state.NAME`` (or an
    empty array ``state``, if the macro state says all). It is given back as it was, and is nobody else's business.

Anything else in an answer is ignored. Numbers that are written with 17 digits lose nothing.

*One rule.* A program that answers no ``state`` makes its population anew at every call. A burst of it can be read at 0,
where the macro state is the one given, and once more; a third reading, which healing needs, is an error that says so.

An exchange::

    {"macro": [0.5, 1.0], "shape": [2], "duration": 0.1, "time": 0.0, "seed": 8243501930517402981,
     "lift_seed": 1340211095502947015, "state": null, "parameters": {"wind": 1.5}}
    {"macro": [0.59515, 0.99102], "state": {"positions": [-0.2012, 1.7154, 0.27125]}}
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from numbers import Integral, Real
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from eqfree.adapters.calls import Call, call
from eqfree.adapters.messages import FORMATS, Answer, Arrays, Request
from eqfree.ensemble import NotFiniteError
from eqfree.fields import Field, as_fields, short

__all__ = ["ProgramError", "SubprocessMicroModel"]

Array: TypeAlias = NDArray[np.float64]

_INPUT, _OUTPUT = "{input}", "{output}"
_SHOWN = 2000  # characters of a request that a note repeats


class ProgramError(RuntimeError):
    """A program did not answer as it should; ``command`` and ``request`` (bytes) say what it was asked."""

    command: tuple[str, ...] = ()
    request: bytes = b""


@dataclass(frozen=True, eq=False)
class _Population:
    """What is known of a population between two calls: how it is lifted, or the program's own state."""

    macro: Array
    time: float = 0.0
    lift_seed: int | None = None  #: until the program has run
    state: Arrays | None = None


@dataclass(frozen=True, eq=False)
class SubprocessMicroModel:
    """A program as a micro-model: every call is a process of its own, so that threads keep all cores busy.

    What it reads and writes is told at the top of this module. Lifting draws a seed; the program runs when the
    population is evolved, and the macro state is what it answered. It needs Linux, or macOS from Python 3.13 on.

    *What stays.* Nothing of a call's process group outlives it, or this process if that ends sooner: a shell beside it
    waits for that, so that no signal, time limit of a pool or lack of memory leaves programs behind. Only what goes
    into a group of its own (``setsid``) is not found.

    *How to choose.* A call costs what starting the program costs, some milliseconds for C and tens of them for Python:
    let bursts be long against that. A program that starts threads of its own should be told to start one
    (``["env", "OMP_NUM_THREADS=1", "./simulator"]``), since replicas already share the cores.

    Parameters
    ----------
    command
        The program and its arguments, one string each. No shell reads them: ``~``, ``*`` and ``|`` mean nothing.
    parameters
        What every request carries: names and JSON values; numbers, strings or arrays of them with npz. To continue a
        branch in one, make a model for each value.
    format
        Of requests and answers: ``"json"``, or ``"npz"`` for large states.
    time_limit
        Wall seconds that one call may take. The program and all that it started in its process group are then killed.
    largest
        Bytes that one answer may have.
    folder
        Where the program runs; the current folder by default.
    fields, conserved, time_step, deterministic, agent_updates
        As in `eqfree.MicroModel`.

    Raises
    ------
    ValueError
        For a command that is no sequence of strings, a program that is not there or not executable, and options that
        make no sense.
    ProgramError
        By ``evolve``: if the program cannot be started, takes too long, fails, or answers what is no answer.
    NotFiniteError
        By ``evolve``: if there is a NaN or an infinity in the macro state that it answers.

    Examples
    --------
    >>> import sys, eqfree as ef
    >>> double = "import json, sys; ask = json.load(sys.stdin); print(json.dumps({'macro': [2 * ask['macro'][0]]}))"
    >>> model = SubprocessMicroModel([sys.executable, "-S", "-c", double], deterministic=True)
    >>> ef.CoarseTimeStepper(model)([3.0], duration=1.0)
    array([6.])
    """

    command: Sequence[str]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    format: Literal["json", "npz"] = "json"
    time_limit: float = 600.0
    largest: int = 2**24
    folder: str | os.PathLike[str] | None = None
    fields: Sequence[Field | Mapping[str, Any]] = ()
    conserved: Callable[[Array], Array] | None = None
    time_step: float | None = None
    deterministic: bool = False
    agent_updates: Callable[[Array, float], float] | None = None
    thread_safe: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.format not in list(FORMATS):
            raise ValueError(f"`format` must be {' or '.join(map(repr, FORMATS))}: got {self.format!r}.")
        if isinstance(self.time_limit, bool) or not (isinstance(self.time_limit, Real) and 0 < self.time_limit < inf):
            raise ValueError(f"`time_limit` must be a positive number of seconds: got {self.time_limit!r}.")
        if isinstance(self.largest, bool) or not isinstance(self.largest, Integral) or self.largest < 1:
            raise ValueError(f"`largest` must be a positive number of bytes: got {self.largest!r}.")
        if not (self.folder is None or (isinstance(self.folder, str | os.PathLike) and Path(self.folder).is_dir())):
            raise ValueError(f"`folder` must be one that is there: got {self.folder!r}. Make it first.")
        as_fields(self.fields)
        folder = None if self.folder is None else Path(self.folder).absolute()
        for name, value in {"command": _checked_command(self.command), "folder": folder}.items():
            object.__setattr__(self, name, value)
        try:
            self._encode(Request(np.zeros(1), 1.0, 0.0, 0, None, None, self.parameters))
        except (TypeError, ValueError, AttributeError) as error:
            raise ValueError(
                f"`parameters` must be names and values that {self.format} can hold: got {short(self.parameters)} "
                f"({error})."
            ) from error

    def lift(self, macro: Array, rng: Generator) -> _Population:
        """The macro state, and the seed from which the program will make a population of it."""
        return _Population(np.array(macro, dtype=np.float64), lift_seed=_seed(rng))

    def evolve(self, micro: _Population, duration: float, rng: Generator) -> _Population:
        """What the program answers."""
        if duration == 0:
            return micro
        if micro.lift_seed is None and micro.state is None:
            raise ProgramError(
                f"A burst can be read at 0 and once more unless the program answers a `state` to go on from: "
                f"{self._name} answered none after {micro.time:g}, and is to go on for {duration:g}. Let it answer "
                "its `state`, or read the burst at its end alone, without healing."
            )
        request = Request(micro.macro, duration, micro.time, _seed(rng), micro.lift_seed, micro.state, self.parameters)
        answer = self._ask(request)
        return _Population(np.array(answer.macro, dtype=np.float64), micro.time + duration, None, answer.state)

    def restrict(self, micro: _Population) -> Array:
        """The macro state that the program answered; of a population just lifted, the one that was given."""
        return micro.macro.copy()

    def pack(self, micro: _Population) -> dict[str, NDArray[Any]]:
        """The population as named arrays: ``macro``, ``time``, and ``lift_seed`` or the arrays ``state.NAME``."""
        packed: dict[str, NDArray[Any]] = {"macro": micro.macro.copy(), "time": np.array(micro.time)}
        if micro.lift_seed is not None:
            packed["lift_seed"] = np.array(micro.lift_seed)
        if micro.state is not None:
            packed |= {f"state.{name}": np.array(array) for name, array in micro.state.items()}
            packed.setdefault("state", np.array(len(micro.state)))
        return packed

    def unpack(self, packed: Mapping[str, NDArray[Any]]) -> _Population:
        """The population that ``pack`` was given."""
        parts = {name: np.array(array) for name, array in packed.items()}
        state = {name.removeprefix("state."): array for name, array in parts.items() if name.startswith("state.")}
        return _Population(
            parts["macro"],
            float(parts["time"]),
            int(parts["lift_seed"]) if "lift_seed" in parts else None,
            state if "state" in parts else None,
        )

    @property
    def _name(self) -> str:
        return f"`{Path(self.command[0]).name}`"

    def _encode(self, request: Request) -> bytes:
        return FORMATS[self.format].encode(request)

    def _ask(self, request: Request) -> Answer:
        """Call the program, and check what it answers against what it was asked."""
        sent = self._encode(request)
        messages = ""
        try:
            ended = self._call(sent)
            messages = ended.messages
            if ended.failure:
                raise ValueError(ended.failure)
            answer = self._decode(ended.output, request.macro.shape)
        except (ValueError, OSError) as error:
            raise self._error(ProgramError, str(error), sent, messages) from error
        if not np.isfinite(answer.macro).all():
            raise self._error(NotFiniteError, f"answered a `macro` of {short(answer.macro)}", sent, messages)
        return answer

    def _decode(self, content: bytes, shape: tuple[int, ...]) -> Answer:
        if not content:
            raise ValueError("ended well and answered nothing")
        try:
            answer = FORMATS[self.format].decode(content, self.largest)
        except ValueError as error:
            raise ValueError(f"wrote an answer that {error}") from error
        if answer.macro.dtype.kind not in "iuf":
            raise ValueError(f"wrote an answer that has a `macro` that is no array of numbers: {short(answer.macro)}")
        if answer.macro.shape != shape:
            raise ValueError(f"answered a `macro` of shape {answer.macro.shape} to one of shape {shape}")
        return answer

    def _call(self, sent: bytes) -> Call:
        by_file = {mark: any(mark in part for part in self.command) for mark in (_INPUT, _OUTPUT)}
        if not any(by_file.values()):
            return self._run(self.command, sent, listen=True)
        with TemporaryDirectory(prefix="eqfree-", ignore_cleanup_errors=True) as place:
            source, target = (Path(place, f"{mark.strip('{}')}.{self.format}") for mark in (_INPUT, _OUTPUT))
            command = [part.replace(_INPUT, str(source)).replace(_OUTPUT, str(target)) for part in self.command]
            if by_file[_INPUT]:
                source.write_bytes(sent)
            ended = self._run(command, None if by_file[_INPUT] else sent, listen=not by_file[_OUTPUT])
            if by_file[_OUTPUT] and not ended.failure:
                return Call(_read_file(target, self.largest), ended.messages, None)
            return ended

    def _run(self, command: Sequence[str], sent: bytes | None, *, listen: bool) -> Call:
        try:
            return call(
                command,
                sent,
                folder=None if self.folder is None else Path(self.folder),
                time_limit=self.time_limit,
                largest=self.largest,
                listen=listen,
            )
        except OSError as error:
            raise ValueError(f"could not be started: {error.strerror or error}") from error

    def _error(self, kind: type[Exception], what: str, sent: bytes, messages: str) -> Exception:
        """One line, and notes: all that the program said, and how to ask it again by hand."""
        lines = messages.splitlines()
        told = f" Its last message: {short(lines[-1])}." if lines else ""
        error = kind(f"{self._name} {what}.{told}")
        vars(error).update(command=tuple(self.command), request=sent)
        if len(lines) > 1:
            error.add_note("Its messages end with:\n" + "\n".join(f"    {line}" for line in lines))
        error.add_note(_by_hand(self.command, sent, self.format))
        return error


def _by_hand(command: Sequence[str], sent: bytes, format: str) -> str:
    """How to run the program again, in a shell."""
    written = shlex.join(command)
    if format != "json" or len(sent) > _SHOWN:
        return f"It was run as {written}; what it was sent are the bytes of `error.request`."
    ask = f"printf '%s\\n' {shlex.quote(sent.decode().strip())}"
    if _INPUT in written:
        return f"To ask it again: {ask} > request.json, and then run, with that file: {written}"
    return f"To ask it again: {ask} | {written}"


def _checked_command(command: Sequence[str]) -> tuple[str, ...]:
    """The command with the path of its program, which no later change of folder or of PATH alters."""
    if isinstance(command, str | bytes | os.PathLike):
        text = os.fsdecode(command)
        raise ValueError(
            "`command` must be a sequence of strings, one for the program and one for each argument, since no shell "
            f"takes it apart: got {text!r}. Write command={_words(text)!r}."
        )
    given = command if isinstance(command, Sequence) else ()
    parts = [os.fspath(part) if isinstance(part, os.PathLike) else part for part in given]
    if not parts or any(not isinstance(part, str) or "\0" in part for part in parts):
        raise ValueError(
            f"`command` must be a sequence of strings, the program and its arguments: got {short(command)}. "
            "Turn numbers into text with str()."
        )
    program = shutil.which(parts[0])
    if program is None:
        problem = "is not executable" if Path(parts[0]).is_file() else "is not there"
        raise ValueError(
            f"`command` must begin with a program that can be run: {parts[0]!r} {problem}. Give its path, and make it "
            "executable (chmod +x)."
        )
    return (os.path.abspath(program), *parts[1:])


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _read_file(path: Path, largest: int) -> bytes:
    """The file that the program wrote."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise ValueError(f"ended well and wrote no {_OUTPUT} file") from None
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"made something else than a file of {_OUTPUT}")
    if status.st_size > largest:
        raise ValueError(f"wrote {status.st_size} bytes, more than the {largest} allowed (`largest`)")
    return path.read_bytes()


def _seed(rng: Generator) -> int:
    return int(rng.integers(2**63))
