"""Runs tasks on workers: sends chunks, takes what comes back, and finds out which task ended its worker."""

from __future__ import annotations

import os
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import Any, NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble.dask import Dask, check_address
from eqfree.ensemble.failure import Failure, WorkerDiedError
from eqfree.ensemble.parcel import Parcel
from eqfree.ensemble.pools import Backend, ExecutorLike, Loky, OwnProcesses, Pool, Processes, Threads, is_count, is_loky
from eqfree.ensemble.program import Program
from eqfree.ensemble.schedule import Costs, cut, name_of
from eqfree.ensemble.tasks import AdvanceTask, Task
from eqfree.ensemble.workers import Answer, Work, here, is_busy, run_here, run_work
from eqfree.micro import count_updates

__all__ = ["Arrived", "Workers", "as_executor"]

Array = NDArray[np.float64]
Arrived: TypeAlias = Callable[[int, Any], None]  #: told the number of a task and its outcome


def _unheeded(number: int, outcome: Any) -> None:
    """Nobody wants to know."""


def as_executor(executor: ExecutorLike, *, thread_safe: bool = True) -> Backend | None:
    """Where replicas run: ``None`` in this thread, an integer that many threads, an executor as it is, or a `Pool`.

    A model that is not thread-safe gets processes instead of threads. Pools made here are kept and shared; a
    process that is forked from this one makes its own. Nothing is started before the first burst.

    Raises
    ------
    ValueError
        If ``executor`` is none of these, or has threads that the model cannot run on.

    Examples
    --------
    >>> as_executor(None) is None
    True
    >>> as_executor(2).workers
    2
    """
    pool = executor if isinstance(executor, Pool) else None
    where = pool.workers if pool else executor
    limit, tries = (pool.time_limit, pool.tries) if pool else (None, 3)
    if where is None:
        return None
    if isinstance(where, str):
        check_address(where)
        return Dask(limit, tries, address=where)
    if isinstance(where, ThreadPoolExecutor):
        if not thread_safe:
            raise ValueError(
                "`executor` must not be a ThreadPoolExecutor where the model says that it is not thread-safe. "
                "Give a number of workers, or a pool of processes."
            )
        return Threads(limit, tries, executor=where)
    if isinstance(where, Executor):
        return (Loky if is_loky(where) else Processes)(limit, tries, executor=where)
    if isinstance(where, Pool) or not is_count(where):
        raise ValueError(
            "`executor` must be None (this thread), a positive number of workers, a concurrent.futures.Executor, "
            f"'dask', the address of a Dask scheduler or an eqfree.Pool: got {executor!r}."
        )
    if thread_safe and pool is None:
        return Threads(count=int(where))
    return OwnProcesses(limit, tries, count=int(where))


@dataclass(frozen=True)
class Workers:
    """Runs tasks wherever the executor is, and yields what they return in the order of the tasks."""

    executor: Backend | None

    def map(self, program: Program, tasks: Sequence[Task], arrived: Arrived = _unheeded) -> Iterator[Any]:
        """``task.run(program)`` for each task; when one raises, those that have not begun are cancelled.

        ``arrived(number, outcome)`` is called as soon as the outcome of a task is there, whosever turn it is.

        A task that itself has replicas to run (a closure inside a micro-model) runs them where it is: the
        workers it would wait for may all be waiting as it does.
        """
        if self.executor is None or is_busy():
            return _run_one_by_one(program, tasks, arrived)
        return _Dispatch(self.executor, program, tasks, arrived).outcomes()


def _run_one_by_one(program: Program, tasks: Sequence[Task], arrived: Arrived) -> Iterator[Any]:
    for number, task in enumerate(tasks):
        outcome = task.run(program)
        arrived(number, outcome)
        yield outcome


_costs = Costs()


@dataclass
class _Flight:
    """A chunk under way."""

    number: int
    chunk: list[int]
    future: Any
    since: float
    alone: bool  # nothing else was under way


@dataclass
class _Dispatch:
    """One call's tasks on their way."""

    backend: Backend
    program: Program
    tasks: Sequence[Task]
    arrived: Arrived
    _waiting: deque[list[int]] = field(default_factory=deque)  # chunks
    _uncut: list[int] = field(default_factory=list)  # tasks that wait for what the first ones take
    _alone: deque[int] = field(default_factory=deque)  # tasks that may have ended their worker
    _flying: dict[int, _Flight] = field(default_factory=dict)
    _landed: SimpleQueue[int] = field(default_factory=SimpleQueue)
    _done: dict[int, Any] = field(default_factory=dict)
    _deaths: Counter[int] = field(default_factory=Counter)
    _failed: tuple[int, Failure | Exception] | None = None
    _flights: int = 0
    _turn: int = 0  # of the task whose outcome is yielded next
    _copies: int = 0  # of the program, still to be sent along
    _window: float = np.inf
    _traces: Path | None = None  # a folder for what workers write, where they write on this machine
    _false_starts: int = 0  # deaths in a row before a chunk began

    def outcomes(self) -> Iterator[Any]:
        """In the order of the tasks."""
        if not self.tasks:
            return
        folder = tempfile.TemporaryDirectory(prefix="eqfree-") if self.backend.shares_files else None
        try:
            self._traces = Path(folder.name) if folder else None
            self._plan()
            while self._turn < len(self.tasks):
                while self._turn not in self._done:
                    self._send()
                    if self._failed and self._failed[0] == self._turn:
                        _throw(self._failed[1])
                    self._take(self._landed.get())
                self._turn += 1
                yield self._done.pop(self._turn - 1)
        except (KeyboardInterrupt, SystemExit):
            self.backend.abandon()
            raise
        finally:
            self.backend.cancel([flight.future for flight in self._flying.values()])
            if folder:
                folder.cleanup()

    def _plan(self) -> None:
        """Longest expected first; where an overhead has to be weighed and nothing was measured, a few alone first."""
        workers, numbers = self.backend.workers, range(len(self.tasks))
        self._window = _UNDER_WAY * workers if workers else np.inf
        self._offer_program()
        self._uncut = list(numbers)
        if self.backend.probes_first and self._measured(numbers) is None:
            first = _UNDER_WAY * (workers or 1)
            order = [number for chunk in cut(self._estimated(numbers), len(numbers)) for number in chunk]
            self._waiting.extend([number] for number in order[:first])
            self._uncut = sorted(order[first:])
        else:
            self._cut_the_rest()

    def _cut_the_rest(self) -> None:
        seconds = self._measured(self._uncut)
        overhead = 0.0 if seconds is None else self.backend.overhead
        expected = self._estimated(self._uncut) if seconds is None else seconds
        for chunk in cut(expected, self.backend.workers or os.cpu_count() or 1, overhead):
            self._waiting.append([self._uncut[place] for place in chunk])
        self._uncut = []

    @property
    def _name(self) -> Hashable:
        """Of the program, in the memory of costs."""
        return name_of(self.program.model) if self.backend.shares_memory else self.program.packed[0]

    def _measured(self, numbers: Sequence[int]) -> Array | None:
        return _costs.expect(self._name, [self.tasks[number] for number in numbers])

    def _estimated(self, numbers: Sequence[int]) -> Array:
        """By the updates that the model says it takes, in no unit."""
        tasks = [self.tasks[number] for number in numbers]
        updates = {}
        if len({id(task.start) for task in tasks}) > 1:
            for task in tasks:
                if task.macro is not None and id(task.start) not in updates:
                    updates[id(task.start)] = count_updates(self.program.model, task.macro, task.simulated)
        return np.array([updates.get(id(task.start), 1.0) for task in tasks])

    def _offer_program(self) -> None:
        """The program goes to all workers at once, or along with as many chunks as there are workers."""
        if self.backend.shares_memory:
            return
        digest, blob = self.program.packed
        if digest not in self.backend.known:
            self._copies = 0 if self.backend.spread(digest, blob) else self.backend.workers or len(self.tasks)
            self.backend.known.add(digest)

    def _send(self) -> None:
        """As much as keeps the workers busy; who is suspected of ending its worker goes last, and alone."""
        while len(self._flying) < self._window:
            if self._waiting:
                chunk = self._waiting.popleft()
            elif self._alone and not self._flying and not self._uncut:
                chunk = [self._alone.popleft()]
            else:
                return
            if not self._failed or chunk[0] < self._failed[0]:
                self._launch(chunk)

    def _launch(self, chunk: list[int], *, with_program: bool = False) -> None:
        number, self._flights = self._flights, self._flights + 1
        alone = len(chunk) == 1 and not (self._flying or self._waiting or self._uncut)
        try:
            future = self._submit(number, chunk, with_program)
        except BrokenExecutor as error:  # it broke while nobody looked
            if not self.backend.renew():
                self._give_up(_NOT_OURS, error)
                return
            self._offer_program()
            future = self._submit(number, chunk, with_program)
        self._flying[number] = _Flight(number, chunk, future, monotonic(), alone)
        future.add_done_callback(lambda _: self._landed.put(number))

    def _submit(self, number: int, chunk: list[int], with_program: bool) -> Any:
        if self.backend.shares_memory:
            return self.backend.submit(run_here, self.program, tuple(self.tasks[one] for one in chunk))
        digest, blob = self.program.packed
        sent = with_program or self._copies > 0
        trace = str(self._traces / str(number)) if self._traces else None
        work = Work(digest, blob if sent else None, self._parcelled(chunk), self.backend.limit, trace, here())
        future = self.backend.submit(run_work, work)
        self._copies = max(self._copies - 1, 0)
        return future

    def _parcelled(self, chunk: list[int]) -> tuple[Task, ...]:
        """Its tasks as they travel, up to the first whose population cannot: that is the failure of this task."""
        parcels: list[Task] = []
        for number in chunk:
            task = self.tasks[number]
            try:
                with task.replayable():
                    start = self.program.parcel(task.start) if isinstance(task, AdvanceTask) else task.start
            except ValueError as error:
                self._fail(number, error)
                break
            parcels.append(replace(task, start=start))
        return tuple(parcels)

    def _take(self, number: int) -> None:
        if flight := self._flying.pop(number, None):
            if error := self._settle(flight):
                self._bury(flight, error)
            if self._uncut and self._done:
                self._cut_the_rest()

    def _settle(self, flight: _Flight) -> Exception | None:
        """Keep what came back; an error if the worker died."""
        try:
            answer: Answer | None = flight.future.result()
        except Exception as error:
            if self.backend.deaths(error):
                return error
            raise
        if answer is None:
            self._launch(flight.chunk, with_program=True)
            return None
        for number, outcome, seconds in zip(flight.chunk, answer.outcomes, answer.seconds, strict=False):
            with self.tasks[number].replayable():
                self._done[number] = outcome.open() if isinstance(outcome, Parcel) else outcome
            self.arrived(number, self._done[number])
            _costs.add(self._name, self.tasks[number], seconds)
        if answer.failure is not None:
            self._fail(flight.chunk[len(answer.outcomes)], answer.failure)
        return None

    def _fail(self, number: int, error: Failure | Exception) -> None:
        """Raise it when its turn comes, whichever fails first in time; what comes after it is not needed any more."""
        if self._failed and self._failed[0] < number:
            return
        self._failed = number, error
        self._uncut = [one for one in self._uncut if one < number]
        needless = [name for name, flight in self._flying.items() if flight.chunk[0] > number]
        self.backend.cancel([self._flying.pop(name).future for name in needless])

    def _bury(self, flight: _Flight, error: Exception) -> None:
        """A worker died: send what it had again; what did so before runs alone, so that the guilty one is known."""
        fallen = [flight]
        if self.backend.dies_together:
            for name in list(self._flying):
                other = self._flying.pop(name)
                if self._settle(other):
                    fallen.append(other)
        suspects = [number for one in fallen if self._has_begun(one) for number in one.chunk]
        for number in suspects:
            self._deaths[number] += self.backend.deaths(error)
        self._false_starts = 0 if suspects else self._false_starts + 1
        certain = len(suspects) == 1 and (self.backend.dies_together or flight.alone)
        if certain and self._deaths[suspects[0]] >= self.backend.tries:
            self._fail(suspects[0], self._convicted(flight, error))
            fallen = [one for one in fallen if one.chunk != suspects]
        if not self.backend.renew():
            self._give_up(_NOT_OURS, error)
            return
        if self._false_starts > self.backend.tries:
            self._give_up(_FALSE_STARTS, error)
            return
        self._offer_program()
        for one in fallen:
            if max(self._deaths[number] for number in one.chunk) >= max(self.backend.tries - 1, 1):
                self._alone.extend(one.chunk)
            else:
                self._waiting.appendleft(one.chunk)

    def _has_begun(self, flight: _Flight) -> bool:
        """Whether it may be guilty: what only waited for its worker is not."""
        return self._traces is None or (self._traces / str(flight.number)).exists()

    def _give_up(self, words: str, error: Exception) -> None:
        """There will be no workers any more: yield what there is, then say so."""
        while self._flying:
            self._settle(self._flying.popitem()[1])
        lost = next(number for number in range(self._turn, len(self.tasks)) if number not in self._done)
        died = WorkerDiedError(words)
        died.__cause__ = error
        self._waiting.clear()
        self._alone.clear()
        self._fail(lost, died)

    def _convicted(self, flight: _Flight, error: Exception) -> WorkerDiedError:
        """What to say of the task that ends its worker whenever it runs."""
        (number,), limit, stack = flight.chunk, self.backend.limit, ""
        if self._traces is not None:
            stack = (self._traces / str(flight.number)).read_text()
        times = f"{self._deaths[number]} times" if self._deaths[number] > 1 else "the one time that it was tried"
        late = bool(stack) if self._traces is not None else limit is not None and monotonic() - flight.since >= limit
        if late:
            died = WorkerDiedError(
                f"A burst must end within its time limit of {limit:g} s: it did not, {times}. Give it more time, or "
                "replay it to see where it hangs."
            )
        else:
            died = WorkerDiedError(
                f"A burst must leave its worker alive: the worker died of it, {times} (killed, out of memory or a "
                "crash in compiled code). Replay it, or allow more `tries`."
            )
        if stack:
            died.add_note(f"It was here when its time was up:\n{stack}")
        self.tasks[number].note(died)
        died.__cause__ = error
        return died


_NOT_OURS = (
    "A worker died, and an executor of yours cannot be made anew here. Give a number of processes, as in "
    "`executor=eqfree.Pool(2)`, which replaces the dead and finds the burst that ends its worker; or make the executor "
    "again."
)
_FALSE_STARTS = (
    "Workers died again and again before they began. A script that starts processes needs "
    "`if __name__ == '__main__':` around what it runs, and each of them the memory for its model."
)
_UNDER_WAY = 2  # chunks a worker: one that it is at, one that it finds next


def _throw(error: Failure | Exception) -> NoReturn:
    if isinstance(error, Failure):
        error.throw()
    raise error
