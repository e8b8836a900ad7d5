"""Random keys and their streams, replicas, and the executors that they run on."""

from __future__ import annotations

import hashlib
import os
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, cached_property
from math import ceil
from multiprocessing import get_context
from multiprocessing.util import Finalize
from numbers import Integral
from threading import local
from typing import Any, NamedTuple, NoReturn, TypeAlias
from weakref import WeakKeyDictionary

import cloudpickle
import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

from eqfree.fields import short
from eqfree.micro import is_packed

__all__ = [
    "AdvanceTask",
    "BurstTask",
    "Key",
    "LiftTask",
    "NotFiniteError",
    "Program",
    "Workers",
    "as_executor",
    "check_key",
    "generator",
    "streams",
]

Key: TypeAlias = tuple[int, ...]
Array: TypeAlias = NDArray[np.float64]


class NotFiniteError(FloatingPointError):
    """A NaN or an infinity came out of ``restrict`` or ``observe``."""


def check_key(key: Sequence[int]) -> Key:
    """The key as a tuple of integers that fit a word of the seed.

    Raises
    ------
    ValueError
        If an entry is no integer in [0, 2**32): larger ones would make two keys alike.

    Examples
    --------
    >>> check_key([3, 1])
    (3, 1)
    """
    try:
        checked = tuple(part.__index__() for part in key)
    except (TypeError, AttributeError):
        checked = (-1,)
    if any(not 0 <= part < 2**32 for part in checked):
        raise ValueError(
            f"A key must be a tuple of integers from 0 to 2**32 - 1: got {key!r}. Number steps, not times."
        )
    return checked


def streams(seed: int, key: Key, replica: int) -> tuple[SeedSequence, SeedSequence]:
    """The seeds of one replica's lift and of its evolve, a pure function of the three arguments.

    They are ``SeedSequence(seed, spawn_key=(*key, replica, 0))`` and ``(*key, replica, 1)``; event stream
    ``e`` of the evolution is the ``e``-th child that its generator spawns, ``(*key, replica, 1, e)``.

    >>> streams(7, (2,), 5)[1].spawn_key
    (2, 5, 1)
    """
    return (
        SeedSequence(seed, spawn_key=(*key, replica, 0)),
        SeedSequence(seed, spawn_key=(*key, replica, 1)),
    )


def generator(stream: SeedSequence) -> Generator:
    """The random generator that a micro-model is given.

    >>> bool(generator(streams(0, (), 0)[0]).random() == generator(streams(0, (), 0)[0]).random())
    True
    """
    return Generator(PCG64(stream))


def as_executor(executor: Executor | int | None, *, thread_safe: bool = True) -> Executor | None:
    """Where replicas run: ``None`` in this thread, an integer that many threads, an executor as it is.

    A model that is not thread-safe gets processes instead of threads. Pools made here are kept and shared; a
    process that is forked from this one makes its own.

    Raises
    ------
    ValueError
        If ``executor`` is none of these, or has threads that the model cannot run on.

    Examples
    --------
    >>> as_executor(None) is None
    True
    """
    if isinstance(executor, ThreadPoolExecutor) and not thread_safe:
        raise ValueError(
            "`executor` must not be a ThreadPoolExecutor where the model says that it is not thread-safe. "
            "Give a number of workers, or a pool of processes."
        )
    if executor is None or isinstance(executor, Executor):
        return executor
    if isinstance(executor, bool) or not isinstance(executor, Integral) or executor < 1:
        raise ValueError(
            "`executor` must be None (this thread), a positive number of workers or a concurrent.futures.Executor: "
            f"got {executor!r}."
        )
    return (_threads if thread_safe else _processes)(int(executor), os.getpid())


@cache
def _threads(count: int, process: int) -> Executor:
    return ThreadPoolExecutor(count, thread_name_prefix="eqfree")


@cache
def _processes(count: int, process: int) -> Executor:
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"))
    # A child of multiprocessing closes its queues (at 10) and waits for its children before it ends its pools.
    Finalize(None, pool.shutdown, exitpriority=20)
    return pool


@dataclass(frozen=True, eq=False)
class Program:
    """What travels to a worker once: the micro-model, and what a burst observes of it."""

    model: Any
    observe: Callable[[Any, Any, float], Any] | None = None

    @cached_property
    def packed(self) -> tuple[str, bytes]:
        """Content hash and pickle; lambdas and closures included."""
        blob: bytes = cloudpickle.dumps((self.model, self.observe))
        return hashlib.sha256(blob).hexdigest(), blob

    def warm(self) -> None:
        """Compile the model's kernels, if it says how."""
        if warm := getattr(self.model, "warm", None):
            warm()

    def restrict(self, micro: Any, shape: tuple[int, ...] | None = None) -> Array:
        """The macro state of a population, checked: of the shape given, and finite."""
        reading = np.array(self.model.restrict(micro), dtype=np.float64)
        check_reading(reading, shape)
        return reading

    def look(self, before: Any, after: Any, duration: float) -> Array:
        """What the burst observes between two micro states, checked: finite."""
        observed = np.array(self.observe(before, after, duration) if self.observe else [], dtype=np.float64)
        if not np.isfinite(observed).all():
            raise NotFiniteError(f"`observe` must return finite numbers: got {short(observed)}.")
        return observed

    def pack(self, micro: Any) -> Any:
        """The population as named arrays, or as it is if the model does not pack."""
        return self.model.pack(micro) if is_packed(self.model) else micro

    def unpack(self, packed: Any) -> Any:
        """A population of its own that may be evolved in place."""
        if not is_packed(self.model):
            return deepcopy(packed)
        return self.model.unpack({name: np.array(array) for name, array in packed.items()})


def check_reading(reading: Array, shape: tuple[int, ...] | None) -> None:
    """Refuse what ``restrict`` must not return.

    Raises
    ------
    ValueError
        If the shape is another than the macro state's.
    NotFiniteError
        If a NaN or an infinity is in it.

    Examples
    --------
    >>> check_reading(np.zeros(3), (3,))
    """
    if shape is not None and reading.shape != shape:
        raise ValueError(
            f"`restrict` must return an array of the macro state's shape {shape}: got shape {reading.shape}."
        )
    if not np.isfinite(reading).all():
        raise NotFiniteError(f"`restrict` must return finite numbers: got {short(reading)}.")


class BurstOutcome(NamedTuple):
    """One replica's readings (time, ...) and what was observed between them (time - 1, ...)."""

    path: Array
    observed: Array | None


class AdvanceOutcome(NamedTuple):
    """One replica's packed population after the step, and its reading."""

    packed: Any
    reading: Array


@dataclass(frozen=True, eq=False)
class Task(ABC):
    """What one replica has to do; a pure function of the program and of what it holds."""

    start: Any  #: a macro state, or a packed population
    key: Key
    replica: int
    seed: int

    @abstractmethod
    def _run(self, program: Program) -> Any: ...

    @abstractmethod
    def _describe(self) -> str: ...

    @property
    def streams(self) -> tuple[SeedSequence, SeedSequence]:
        """The seeds of this replica's lift and evolve."""
        return streams(self.seed, self.key, self.replica)

    def run(self, program: Program) -> Any:
        """Do it; an error passes through with a note that says how it is replayed."""
        with self.replayable():
            return self._run(program)

    @contextmanager
    def replayable(self) -> Iterator[None]:
        """Note on an error that passes through with which arguments it happened."""
        try:
            yield
        except Exception as error:
            if not hasattr(error, "eqfree_replay"):
                vars(error)["eqfree_replay"] = self
                error.add_note(
                    f"This was replica {self.replica} with key={self.key}, seed={self.seed}, {self._describe()}; "
                    "`stepper.replay(error)`, or a burst with these arguments, runs it again."
                )
            raise


@dataclass(frozen=True, eq=False)
class BurstTask(Task):
    """Lift a macro state, evolve it, and read it at some times."""

    times: Array

    def _run(self, program: Program) -> BurstOutcome:
        model, observe = program.model, program.observe
        lift, evolve = map(generator, self.streams)
        path = np.empty((len(self.times), *self.start.shape))
        observed = []
        micro = model.lift(self.start.copy(), lift)
        if self.times[0] > 0:
            micro = model.evolve(micro, float(self.times[0]), evolve)
        path[0] = program.restrict(micro, self.start.shape)
        for index, duration in enumerate(np.diff(self.times).tolist(), start=1):
            before = deepcopy(micro) if observe else None
            micro = model.evolve(micro, duration, evolve)
            path[index] = program.restrict(micro, self.start.shape)
            if observe:
                observed.append(program.look(before, micro, duration))
        if len(shapes := {one.shape for one in observed}) > 1:
            raise ValueError(f"`observe` must return the same shape over every interval: got {sorted(shapes)}.")
        return BurstOutcome(path, np.array(observed) if observe else None)

    def _describe(self) -> str:
        return f"times={short(self.times)}, from the macro state {short(self.start)}"


@dataclass(frozen=True, eq=False)
class LiftTask(Task):
    """Lift a macro state to a packed population."""

    def _run(self, program: Program) -> Any:
        return program.pack(program.model.lift(self.start.copy(), generator(self.streams[0])))

    def _describe(self) -> str:
        return f"lifting the macro state {short(self.start)}"


@dataclass(frozen=True, eq=False)
class AdvanceTask(Task):
    """Evolve a packed population and read it."""

    duration: float

    def _run(self, program: Program) -> AdvanceOutcome:
        micro = program.unpack(self.start)
        if self.duration > 0:
            micro = program.model.evolve(micro, self.duration, generator(self.streams[1]))
        return AdvanceOutcome(program.pack(micro), program.restrict(micro))

    def _describe(self) -> str:
        return f"duration={self.duration:g}, from a packed population"


@dataclass(frozen=True)
class Workers:
    """Runs tasks wherever the executor is, and yields what they return in the order of the tasks."""

    executor: Executor | None

    @property
    def _chunks(self) -> int:
        workers = getattr(self.executor, "_max_workers", None) or os.cpu_count() or 1
        return 4 * workers

    def map(self, program: Program, tasks: Sequence[Task]) -> Iterator[Any]:
        """``task.run(program)`` for each task; when one raises, those that have not begun are cancelled.

        A task that itself has replicas to run (a closure inside a micro-model) runs them where it is: the
        workers it would wait for may all be waiting as it does.
        """
        if self.executor is None or getattr(_worker, "busy", False):
            return (task.run(program) for task in tasks)
        size = max(ceil(len(tasks) / self._chunks), 1)
        chunks = [tasks[first : first + size] for first in range(0, len(tasks), size)]
        if isinstance(self.executor, ThreadPoolExecutor):
            answers = _in_order([self.executor.submit(_run_chunk, program, chunk) for chunk in chunks])
        else:
            answers = _ship(self.executor, program, chunks)
        return (outcome for answer in answers for outcome in answer)


_sent: WeakKeyDictionary[Executor, set[str]] = WeakKeyDictionary()  # programs that an executor was given
_worker = local()  # whether this thread is at work on a chunk


def _in_order(futures: Sequence[Future[Any]]) -> Iterator[Any]:
    pending = deque(futures)
    try:
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _ship(executor: Executor, program: Program, chunks: Sequence[Sequence[Task]]) -> Iterator[list[Any]]:
    """Send keys and macro states, the program the first time; again to a worker that says it has not seen it."""
    digest, blob = program.packed
    known = _sent.setdefault(executor, set())
    sent = None if digest in known else blob
    known.add(digest)
    futures: list[Future[Any]] = []
    try:
        futures += [executor.submit(_run_remote, digest, sent, chunk) for chunk in chunks]
        for number in range(len(chunks)):
            if futures[number].result() is None:
                for later in range(number, len(chunks)):
                    if _unseen(futures[later]):
                        futures[later] = executor.submit(_run_remote, digest, blob, chunks[later])
            answer = futures[number].result()
            if isinstance(answer, _Failure):
                answer.throw()
            yield answer
    except BrokenExecutor:
        _processes.cache_clear()  # so that the next burst gets new workers
        raise
    finally:
        for future in futures:
            future.cancel()


def _unseen(future: Future[Any]) -> bool:
    return future.cancel() or (future.done() and future.exception() is None and future.result() is None)


def _run_chunk(program: Program, chunk: Sequence[Task]) -> list[Any]:
    _worker.busy = True
    try:
        return [task.run(program) for task in chunk]
    finally:
        _worker.busy = False


_PROGRAMS_KEPT = 16
_programs: dict[str, Program] = {}  # of this worker process, by content hash, the oldest first


def _run_remote(digest: str, blob: bytes | None, chunk: Sequence[Task]) -> list[Any] | _Failure | None:
    try:
        if digest not in _programs:
            if blob is None:
                return None
            while len(_programs) >= _PROGRAMS_KEPT:
                del _programs[next(iter(_programs))]
            program = Program(*cloudpickle.loads(blob))
            program.warm()
            _programs[digest] = program
        return _run_chunk(_programs[digest], chunk)
    except Exception as error:
        return _Failure(_pickled(error), "".join(traceback.format_exception(error)))


@dataclass(frozen=True)
class _Failure:
    """An error on its way home. Left to the pool, one whose class pickle does not know would break the pool."""

    error: bytes
    traceback: str

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
