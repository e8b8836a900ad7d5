"""Errors on their way home from another process, and the deaths of workers."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any, NoReturn

import cloudpickle

__all__ = ["Failure", "WorkerDiedError"]


class WorkerDiedError(RuntimeError):
    """A burst ended the process that it ran in, by a crash or by its time limit, each time that it was tried.

    It carries ``eqfree_replay``, as every error of a burst does: ``stepper.replay(error)`` runs the burst again.

    >>> issubclass(WorkerDiedError, RuntimeError)
    True
    """


@dataclass(frozen=True)
class Failure:
    """An error on its way home. Left to the pool, one whose class pickle does not know would break the pool."""

    error: bytes
    traceback: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The error, ready to travel."""
        return cls(_pickled(error), "".join(traceback.format_exception(error)))

    def throw(self) -> NoReturn:
        """Raise it, an instance of the very class that the program was sent with, and show where it came from."""
        error, told = cloudpickle.loads(self.error)
        vars(error).update(told)
        raise error from _RemoteTraceback(self.traceback)


class _RemoteTraceback(Exception):
    """Where an error was raised in another process."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _pickled(error: Exception) -> bytes:
    """The error and what is told of it, in bytes that are sure to open: itself, or else one that says the same."""
    told = {name: value for name, value in vars(error).items() if name in ("__notes__", "eqfree_replay")}
    for form in (error, _Bare(error)):
        try:
            blob: bytes = cloudpickle.dumps((form, told))
            cloudpickle.loads(blob)
        except Exception:
            continue
        return blob
    return bytes(cloudpickle.dumps((RuntimeError(f"{type(error).__name__}: {error}"), told)))


class _Bare:
    """Pickles an error that keeps other arguments than its constructor takes, and opens as that error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return _without_init, (type(self._error), self._error.args, vars(self._error))


def _without_init(kind: type[Exception], args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    error = kind.__new__(kind, *args)
    vars(error).update(state)
    return error
