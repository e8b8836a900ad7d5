"""Where tasks run: threads, processes, and the executors that users bring."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from math import isfinite
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.util import Finalize
from numbers import Integral
from threading import Lock
from typing import Any, ClassVar, TypeAlias
from weakref import WeakKeyDictionary

from eqfree.ensemble.workers import begin_process

__all__ = ["Backend", "ExecutorLike", "Loky", "OwnProcesses", "Pool", "Processes", "Threads", "is_count"]


@dataclass(frozen=True)
class Pool:
    """Workers, and how long and how often a burst may try.

    *How to choose.* ``time_limit``: ten times the longest burst that you know. ``tries``: 1 where a crash of the
    simulator repeats itself, more where machines are taken away.

    Parameters
    ----------
    workers
        A number of processes, a ``concurrent.futures.Executor``, "dask" or the address of a Dask scheduler.
    time_limit
        Seconds that one burst may take before its process is ended; None for as long as it takes.
    tries
        How often a burst may end its process, by a crash or by its time limit, before that is an error.

    Raises
    ------
    ValueError
        For options that make no sense, each named with its value.

    Examples
    --------
    >>> Pool(4, time_limit=60.0).tries
    3
    """

    workers: int | Executor | str = 2
    time_limit: float | None = None
    tries: int = 3

    def __post_init__(self) -> None:
        if not (is_count(self.workers) or isinstance(self.workers, (Executor, str))):
            raise ValueError(
                "`workers` must be a positive number of processes, a concurrent.futures.Executor, 'dask' or the "
                f"address of a Dask scheduler: got {self.workers!r}."
            )
        if self.time_limit is not None:
            if not (isinstance(self.time_limit, (int, float)) and isfinite(self.time_limit) and self.time_limit > 0):
                raise ValueError(f"`time_limit` must be a positive number of seconds: got {self.time_limit!r}.")
            if isinstance(self.workers, ThreadPoolExecutor):
                raise ValueError(
                    "A `time_limit` ends the process that exceeds it: got a ThreadPoolExecutor. Give a number of "
                    "processes, as in Pool(2, time_limit=60.0)."
                )
        if not is_count(self.tries):
            raise ValueError(f"`tries` must be a positive integer: got {self.tries!r}.")


ExecutorLike: TypeAlias = Executor | Pool | int | str | None  #: what ``executor=`` accepts


def is_count(value: object) -> bool:
    """Whether it is a positive integer.

    >>> is_count(2), is_count(True)
    (True, False)
    """
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


@dataclass(frozen=True, eq=False)
class Backend(ABC):
    """Workers that a chunk can be sent to, one way for all kinds of them."""

    limit: float | None = None  #: seconds that a task may take
    tries: int = 3  #: deaths of its worker that a task may cause

    overhead: ClassVar[float] = 5e-4  #: seconds of a worker that a chunk costs, measured on two cores
    shares_memory: ClassVar[bool] = False  #: whether tasks run in this process
    probes_first: ClassVar[bool] = False  #: whether chunks wait until something was measured
    dies_together: ClassVar[bool] = True  #: whether the death of one worker takes the work of all

    @property
    def shares_files(self) -> bool:
        """Whether its workers are other processes of this machine."""
        return False

    @property
    @abstractmethod
    def workers(self) -> int | None:
        """How many there are, where that is known."""

    @property
    @abstractmethod
    def known(self) -> set[str]:
        """The programs that these workers were given, to be added to."""

    @abstractmethod
    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A future."""

    def spread(self, digest: str, blob: bytes) -> bool:
        """Give all workers a program at once, where there is a way; whether there is."""
        return False

    def deaths(self, error: BaseException) -> int:
        """How many workers died of the task whose future raised this error."""
        return 1 if isinstance(error, BrokenExecutor) else 0

    def renew(self) -> bool:
        """Make new workers after a death; False where that is not ours to do."""
        return False

    def cancel(self, futures: Sequence[Any]) -> None:
        """Take back what has not begun."""
        for future in futures:
            future.cancel()

    def abandon(self) -> None:  # noqa: B027 : the workers of others are not ours to end
        """End what runs, as this process is about to end."""


_sent: WeakKeyDictionary[Executor, set[str]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Threads(Backend):
    """Threads of this process."""

    executor: ThreadPoolExecutor | None = None
    count: int = 1

    shares_memory: ClassVar[bool] = True

    @property
    def workers(self) -> int:
        """Its threads."""
        return self._threads._max_workers

    @property
    def known(self) -> set[str]:
        """Nothing travels."""
        return set()

    @property
    def _threads(self) -> ThreadPoolExecutor:
        return self.executor or _own_threads(self.count, os.getpid())

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A future."""
        return self._threads.submit(function, *arguments)


@cache
def _own_threads(count: int, process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="eqfree")


@dataclass(frozen=True, eq=False)
class Processes(Backend):
    """An executor as the user brings it: with processes here or anywhere."""

    executor: Executor | None = None

    @property
    def _pool(self) -> Executor:
        assert self.executor is not None
        return self.executor

    @property
    def shares_files(self) -> bool:
        """Where that is sure."""
        return isinstance(self._pool, ProcessPoolExecutor) or is_loky(self._pool)

    @property
    def workers(self) -> int | None:
        """What the executor says; ``mpi4py.futures`` has its own word."""
        pool = self._pool
        return getattr(pool, "_max_workers", None) or getattr(pool, "num_workers", None)

    @property
    def known(self) -> set[str]:
        """The programs that this executor was given."""
        return _sent.setdefault(self._pool, set())

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A future."""
        return self._pool.submit(function, *arguments)


_successors: WeakKeyDictionary[Executor, Executor] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Loky(Processes):
    """The reusable executor of loky, which makes a new one where it broke."""

    @property
    def _pool(self) -> Executor:
        pool = super()._pool
        while pool in _successors:
            pool = _successors[pool]
        return pool

    def renew(self) -> bool:
        """The executor that loky has next, with the arguments of this one."""
        broken: Any = self._pool
        reusable_executor = import_module("loky.reusable_executor")
        kept = reusable_executor._executor_storage
        arguments = kept.executor_kwargs if kept.executor is broken else {}
        if (pool := reusable_executor.get_reusable_executor(broken._max_workers, **arguments)) is not broken:
            _successors[broken] = pool
        return True


def is_loky(executor: Executor) -> bool:
    """Whether it is loky's reusable executor.

    >>> is_loky(ThreadPoolExecutor(1))
    False
    """
    loky = sys.modules.get("loky.reusable_executor")
    return loky is not None and isinstance(executor, loky._ReusablePoolExecutor)


@dataclass(frozen=True, eq=False)
class OwnProcesses(Backend):
    """Processes that are made here, kept, shared, and made anew when one dies."""

    count: int = 1

    @property
    def shares_files(self) -> bool:
        """They are here."""
        return True

    @property
    def workers(self) -> int:
        """Its processes."""
        return self.count

    @property
    def known(self) -> set[str]:
        """The programs that these processes were given."""
        return _sent.setdefault(_own_processes(self.count), set())

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A future."""
        return _own_processes(self.count).submit(function, *arguments)

    def renew(self) -> bool:
        """New processes for those of a pool that broke."""
        if getattr(_own_processes(self.count), "_broken", False):
            _discard(self.count)
        return True

    def abandon(self) -> None:
        """End the processes at once; the next burst makes new ones."""
        if pool := _discard(self.count):
            for process in list((pool._processes or {}).values()):
                process.kill()


_lock = Lock()
_pools: dict[tuple[int, int], tuple[ProcessPoolExecutor, Finalize]] = {}  # by size and by the process that made them
_IMPORTED_IN = os.getpid()


def _own_processes(count: int) -> ProcessPoolExecutor:
    with _lock:
        if (count, os.getpid()) not in _pools:
            pool = ProcessPoolExecutor(count, mp_context=_context(), initializer=begin_process)
            # A child of multiprocessing closes its queues (at 10) and waits for its children before it ends its pools.
            _pools[count, os.getpid()] = pool, Finalize(None, pool.shutdown, exitpriority=20)
        return _pools[count, os.getpid()][0]


def _discard(count: int) -> ProcessPoolExecutor | None:
    with _lock:
        pool, finalizer = _pools.pop((count, os.getpid()), (None, None))
    if pool is None:
        return None
    assert finalizer is not None
    finalizer.cancel()
    processes = dict(pool._processes or {})
    pool.shutdown(wait=False, cancel_futures=True)
    pool._processes = processes
    return pool


def _context() -> Any:
    """A server that forks where there is one: quick, and its children have no threads or locks of this process.

    A process that was itself forked must not ask its parent's server.
    """
    if "forkserver" not in get_all_start_methods() or os.getpid() != _IMPORTED_IN:
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload(["eqfree.ensemble.workers"])
    return context
