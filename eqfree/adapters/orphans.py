"""Programs end with the process that started them, however that process ends: a shell beside it sees to it."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

__all__ = ["group_of"]

# Its standard input ends when nobody can write there any more: when this process is gone, by whatever end.
_WATCH = """
groups=' '
while read -r change group; do
    case $change in
        begun) groups="$groups$group " ;;
        ended) case $groups in *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;; esac ;;
    esac
done
for group in $groups; do kill -s KILL -- "-$group"; done
"""


class _Watcher:
    """The shell of this process, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._shell: subprocess.Popen[bytes] | None = None

    def tell(self, change: str, group: int) -> None:
        """Say that a process group has begun or ended."""
        line = f"{change} {group}\n".encode()
        with self._lock:
            try:
                self._write(line)
            except BrokenPipeError:  # somebody ended it
                self._close()
                self._write(line)

    def close(self) -> None:
        """End it; nothing that was begun is left."""
        with self._lock:
            self._close()

    def leave(self) -> None:
        """In a forked process: it is the other's, who must be the only one that can write there."""
        shell, self._lock, self._shell = self._shell, Lock(), None
        if shell is not None and shell.stdin is not None:
            shell.returncode = 0  # no child of this process
            shell.stdin.close()

    def _write(self, line: bytes) -> None:
        if self._shell is None:
            self._shell = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                bufsize=0,
                start_new_session=True,
            )
        assert self._shell.stdin is not None
        os.write(self._shell.stdin.fileno(), line)

    def _close(self) -> None:
        if self._shell is not None:
            assert self._shell.stdin is not None
            self._shell.stdin.close()
            self._shell.wait()
            self._shell = None


_watcher = _Watcher()
atexit.register(_watcher.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_watcher.leave)


@contextmanager
def group_of(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """A program that leads a process group: all of it is killed at the end of the block, and not yet reaped.

    If this process ends before, be it by SIGKILL, so does the group. What has left the group is not found.

    Raises
    ------
    OSError
        If there is no ``/bin/sh``.

    Examples
    --------
    >>> process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    >>> with group_of(process):
    ...     pass
    >>> process.wait()
    -9
    """
    try:
        _watcher.tell("begun", process.pid)
        yield
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        _watcher.tell("ended", process.pid)  # before it is reaped: until then the number is its own
