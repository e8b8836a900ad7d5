"""A program is called once: what it is sent, what it writes, how long it may take, and that nothing of it stays."""

from __future__ import annotations

import os
import select
import selectors
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

from eqfree.adapters.orphans import group_of

__all__ = ["Call", "call"]

_TAIL = 4096  # bytes of messages that are kept, the last ones
_GLANCE = 0.1  # s, after which somebody who waits for output looks whether the program has ended
_GRACE = 1.0  # s, for which the output of a program that has ended is read on where others hold it


@dataclass(frozen=True)
class Call:
    """How a call ended: what was written, the end of the messages, and what went wrong, None if nothing did."""

    output: bytes
    messages: str
    failure: str | None


def call(
    command: Sequence[str],
    sent: bytes | None,
    *,
    folder: Path | None,
    time_limit: float,
    largest: int,
    listen: bool,
) -> Call:
    """Start a program, send it bytes, and read what it writes until it ends.

    When this returns or raises, the program and all others of its process group have been killed; so are they, on
    Linux and macOS alike, soon after this process ends in the middle of a call, however it ends. A program that has
    ended is not waited for where others that it started still hold its output: what came within a second counts.

    Parameters
    ----------
    command
        The program and its arguments; no shell sees them.
    sent
        What its standard input holds; None for nothing.
    folder
        Where it runs, None for here.
    time_limit
        Seconds of wall time after which it is killed.
    largest
        Bytes of output after which it is killed.
    listen
        Whether the answer is its standard output; otherwise what it writes there are messages, as its stderr is.

    Raises
    ------
    OSError
        If it cannot be started.

    Examples
    --------
    >>> call(["echo", "4"], None, folder=None, time_limit=60.0, largest=100, listen=True)
    Call(output=b'4\\n', messages='', failure=None)
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if sent is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if listen else subprocess.STDOUT,
        cwd=folder,
        bufsize=0,
        start_new_session=True,
    )
    try:
        with group_of(process):
            talk = _Talk(process, sent or b"", listen, largest, monotonic() + time_limit)
            failure = talk.until_closed()
            if failure is None:
                talk.until_ended()
    except _TimeoutError:
        failure = f"did not end within its time limit of {time_limit:g} s and was killed"
    finally:
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
    if failure is None and process.returncode != 0:
        failure = _said_by(process.returncode)
    return Call(bytes(talk.output), talk.messages.decode(errors="replace").strip(), failure)


class _TimeoutError(Exception):
    """The deadline has passed."""


class _Talk:
    """Writing and reading at once, so that neither side waits for the other for ever."""

    def __init__(
        self, process: subprocess.Popen[bytes], sent: bytes, listen: bool, largest: int, deadline: float
    ) -> None:
        self.process, self.deadline, self.largest = process, deadline, largest
        self.unsent = memoryview(sent)
        self.output, self.messages = bytearray(), bytearray()
        self.loud = process.stdout if listen else None

    def until_closed(self) -> str | None:
        """Until all that the program writes to is closed, it ended a moment ago, or it has written too much."""
        last = inf
        with selectors.DefaultSelector() as selector:
            if self.process.stdin is not None:
                selector.register(self.process.stdin, selectors.EVENT_WRITE)
            for source in (self.process.stdout, self.process.stderr):
                if source is not None:
                    selector.register(source, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(min(max(self.deadline - monotonic(), 0.0), _GLANCE))
                for entry, _ in ready:
                    pipe: Any = entry.fileobj
                    goes_on = self._write(pipe) if entry.events == selectors.EVENT_WRITE else self._read(pipe)
                    if not goes_on:
                        selector.unregister(pipe)
                        pipe.close()
                    if len(self.output) > self.largest:
                        return f"wrote more than the {self.largest} bytes allowed (`largest`) and was killed"
                now = monotonic()
                if now >= last:
                    return None  # read once more since it ended: all of its own, which is no more than a pipe holds
                if last == inf and self.has_ended():
                    last = min(now + _GRACE, self.deadline)
                elif last == inf and now >= self.deadline:
                    raise _TimeoutError
        return None

    def until_ended(self) -> None:
        """Until the program has ended; it is not reaped."""
        pause = 1e-4
        while not self.has_ended():
            if monotonic() >= self.deadline:
                raise _TimeoutError
            sleep(pause)
            pause = min(2 * pause, 0.02)

    def has_ended(self) -> bool:
        """Whether the program itself has ended; it is not reaped."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _write(self, pipe: IO[bytes]) -> bool:
        try:
            written = os.write(pipe.fileno(), self.unsent[: select.PIPE_BUF])
        except BrokenPipeError:  # it has read all that it wanted
            return False
        self.unsent = self.unsent[written:]
        return bool(self.unsent)

    def _read(self, pipe: IO[bytes]) -> bool:
        data = os.read(pipe.fileno(), 2**16)
        if pipe is self.loud:
            self.output += data
        else:
            self.messages += data
            del self.messages[:-_TAIL]
        return bool(data)


def _said_by(status: int) -> str:
    if status > 0:
        return f"ended with exit status {status}"
    try:
        return f"was ended by the signal {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by the signal {-status}"
