"""What runs in a worker, be it a thread or another process; imported there before anything else."""

from __future__ import annotations

import faulthandler
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from multiprocessing import parent_process
from threading import RLock, Thread, local
from time import perf_counter
from typing import Any

import cloudpickle

from eqfree.ensemble.failure import Failure
from eqfree.ensemble.program import Program
from eqfree.ensemble.tasks import BurstOutcome, Task
from eqfree.micro import is_thread_safe

__all__ = ["Answer", "Work", "begin_process", "here", "is_busy", "keep_blob", "run_here", "run_work"]


@dataclass(frozen=True)
class Work:
    """A chunk of tasks on its way to another process: keys and macro states, and the program where it is not known."""

    digest: str
    blob: bytes | None
    tasks: tuple[Task, ...]
    limit: float | None = None  #: seconds per task
    trace: str | None = None  #: a file that says that it began, and has the stack of what exceeded its limit
    sender: tuple[str, int] = ("", 0)  #: `here` of whoever sent it


@dataclass(frozen=True)
class Answer:
    """What the tasks of a chunk returned and how long each took; fewer than there were, if one raised an error."""

    outcomes: list[Any]
    seconds: list[float]
    failure: Failure | Exception | None = None


def here() -> tuple[str, int]:
    """This process, among all machines.

    >>> here() == here()
    True
    """
    return platform.node(), os.getpid()


_at_work = local()  # this thread's ``busy``


def is_busy() -> bool:
    """Whether this thread is at work on a chunk.

    >>> is_busy()
    False
    """
    return getattr(_at_work, "busy", False)


def run_here(program: Program, tasks: Sequence[Task], watch: Callable[[], None] | None = None) -> Answer:
    """Run tasks one after the other, until one raises an error; ``watch`` is called before each."""
    outcomes: list[Any] = []
    seconds: list[float] = []
    _at_work.busy = True
    try:
        for task in tasks:
            if watch:
                watch()
            began = perf_counter()
            outcomes.append(task.run(program))
            seconds.append(perf_counter() - began)
    except Exception as error:
        return Answer(outcomes, seconds, error)
    finally:
        _at_work.busy = False
    return Answer(outcomes, seconds)


_KEPT = 16
_programs: dict[str, Program] = {}  # of this process, by content hash, the oldest first
_blobs: dict[str, bytes] = {}  # that came ahead of their first chunk
_one_at_a_time = RLock()  # where one process has several threads at work


def keep_blob(digest: str, blob: bytes) -> None:
    """Take a program in, ahead of its chunks."""
    while len(_blobs) >= _KEPT:
        del _blobs[next(iter(_blobs))]
    _blobs[digest] = blob


def run_work(work: Work) -> Answer | None:
    """Run a chunk in this process; None where its program is not known and did not come along."""
    try:
        with _trace(work) as file:
            program = _program(work)
            if program is None:
                return None
            alone = work.limit is not None or not is_thread_safe(program.model)
            with _one_at_a_time if alone else nullcontext(), _watch(work, file) as watch:
                answer = run_here(program, work.tasks, watch)
    except Exception as error:  # of warming up
        return Answer([], [], Failure.of(error))
    except SystemExit as end:
        return Answer([], [], Failure.of(RuntimeError(f"`warm` must return: it called sys.exit({end.code!r}).")))
    answer = _parcelled(program, work.tasks, answer)
    if isinstance(answer.failure, Exception):
        return Answer(answer.outcomes, answer.seconds, Failure.of(answer.failure))
    return answer


def _parcelled(program: Program, tasks: Sequence[Task], answer: Answer) -> Answer:
    """With populations in parcels: where one cannot be pickled, that is the failure of its task."""
    outcomes: list[Any] = []
    try:
        for task, outcome in zip(tasks, answer.outcomes, strict=False):
            with task.replayable():
                outcomes.append(outcome if isinstance(outcome, BurstOutcome) else program.parcel(outcome))
    except Exception as error:
        return Answer(outcomes, answer.seconds[: len(outcomes)], error)
    return replace(answer, outcomes=outcomes)


def _program(work: Work) -> Program | None:
    if work.digest not in _programs:
        blob = work.blob or _blobs.pop(work.digest, None)
        if blob is None:
            return None
        while len(_programs) >= _KEPT:
            del _programs[next(iter(_programs))]
        program = Program(*cloudpickle.loads(blob))
        program.warm()
        _programs[work.digest] = program
    return _programs[work.digest]


def _trace(work: Work) -> AbstractContextManager[Any]:
    """The file that the sender looks at, where it is on this machine."""
    if work.trace is None or not os.path.isdir(os.path.dirname(work.trace)):
        return nullcontext(sys.__stderr__)
    return open(work.trace, "w")


@contextmanager
def _watch(work: Work, file: Any) -> Iterator[Callable[[], None] | None]:
    """Arm the time limit, task by task. What ends the process is a thread of C, which needs no GIL."""
    limit = work.limit
    if limit is None:
        yield None
        return
    if work.sender == here():
        raise ValueError("A `time_limit` needs workers in processes of their own: got an executor of this process.")
    try:
        yield lambda: faulthandler.dump_traceback_later(limit, exit=True, file=file)
    finally:
        faulthandler.cancel_dump_traceback_later()


def begin_process() -> None:
    """Make this process a worker: it leaves Ctrl-C to its parent, and ends when its parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := parent_process()) is not None:
        Thread(target=_end_with, args=(parent,), daemon=True, name="eqfree-parent").start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
