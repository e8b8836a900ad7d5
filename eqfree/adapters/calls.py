"""A program is called once: what it is sent, what it writes, how long it may take, and that nothing of it stays."""

from __future__ import annotations

import os
import select
import selectors
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

__all__ = ["Call", "call"]

_TAIL = 4096  # bytes of messages that are kept, the last ones


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

    When this returns or raises, the program and all others of its process group have been killed.

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
        talk = _Talk(process, sent or b"", listen, largest, monotonic() + time_limit)
        failure = talk.until_closed()
        if failure is None:
            talk.until_ended()
    except _TimeoutError:
        failure = f"did not end within its time limit of {time_limit:g} s and was killed"
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so that the number is still its own
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
        """Until the program has closed what it writes to, or has written too much."""
        with selectors.DefaultSelector() as selector:
            if self.process.stdin is not None:
                selector.register(self.process.stdin, selectors.EVENT_WRITE)
            for source in (self.process.stdout, self.process.stderr):
                if source is not None:
                    selector.register(source, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(self.deadline - monotonic(), 0.0))
                if monotonic() >= self.deadline:
                    raise _TimeoutError
                for entry, _ in ready:
                    pipe: Any = entry.fileobj
                    goes_on = self._write(pipe) if entry.events == selectors.EVENT_WRITE else self._read(pipe)
                    if not goes_on:
                        selector.unregister(pipe)
                        pipe.close()
                    if len(self.output) > self.largest:
                        return f"wrote more than the {self.largest} bytes allowed (`largest`) and was killed"
        return None

    def until_ended(self) -> None:
        """Until the program has ended; it is not reaped."""
        pause = 1e-4
        while os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            if monotonic() >= self.deadline:
                raise _TimeoutError
            sleep(pause)
            pause = min(2 * pause, 0.02)

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
