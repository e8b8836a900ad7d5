"""Which tasks go together and in what order: measured costs, longest expected first, chunks worth their overhead."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import count
from threading import Lock
from typing import Any
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble.tasks import Task

__all__ = ["Costs", "cut", "name_of"]

Array = NDArray[np.float64]

_CHUNKS_PER_WORKER = 4  # so that who ends early finds more to do
_SHARE_OF_OVERHEAD = 0.04  # of a worker's time; under the 5 % that are promised
_PROGRAMS, _STATES = 32, 64  # that are remembered
_REMEMBERED = 8  # measurements that a mean is taken over: what was slow once, as a kernel being compiled, is forgotten


def cut(seconds: Array, workers: int, overhead: float = 0.0) -> list[list[int]]:
    """Numbers of the tasks in chunks, in the order of submission: longest expected first (Graham 1969).

    A chunk is a quarter of a worker's share, or a third, a half or all of it where that is what makes the overhead of
    a chunk small: of whole parts of a share all workers get as many. Within a chunk the tasks are in their own order.

    Parameters
    ----------
    seconds : (task,)
        What each is expected to take; in any unit if there is no ``overhead``.
    workers
        How many there are.
    overhead
        Seconds of a worker that every chunk costs.

    References
    ----------
    R. L. Graham, SIAM J. Appl. Math. 17 (1969) 416, doi:10.1137/0117039.

    Examples
    --------
    >>> cut(np.array([1.0, 1.0, 4.0, 2.0]), workers=1)
    [[2], [3], [0, 1]]
    """
    if not len(seconds):
        return []
    total = float(seconds.sum())
    if not (np.isfinite(total) and total > 0):
        seconds, total = np.ones(len(seconds)), float(len(seconds))
    share = total / workers
    worth = int(min(_SHARE_OF_OVERHEAD * share / overhead, _CHUNKS_PER_WORKER)) if overhead else _CHUNKS_PER_WORKER
    length = share / max(worth, 1) * (1 - 1e-9)
    order = np.argsort(-seconds, kind="stable")
    begun = np.cumsum(seconds[order]) - seconds[order]  # by one worker alone
    chunks = np.split(order, np.flatnonzero(np.diff(np.floor(begun / length))) + 1)
    chunks.sort(key=lambda chunk: -seconds[chunk].sum())
    return [sorted(chunk.tolist()) for chunk in chunks]


@dataclass
class _Measured:
    vector: Array
    effort: float
    count: int = 1

    def add(self, effort: float) -> None:
        self.count = min(self.count + 1, _REMEMBERED)
        self.effort += (effort - self.effort) / self.count


class Costs:
    """Seconds that tasks took, by program and macro state; what was used last is remembered.

    >>> Costs().expect("a program", []) is None
    True
    """

    def __init__(self) -> None:
        self._programs: OrderedDict[Hashable, OrderedDict[bytes, _Measured]] = OrderedDict()
        self._lock = Lock()

    def add(self, program: Hashable, task: Task, seconds: float) -> None:
        """Remember what a task took."""
        vector, effort = _vector(task.macro), seconds / (task.simulated or 1.0)
        with self._lock:
            states = self._programs.setdefault(_family(program, task), OrderedDict())
            self._programs.move_to_end(_family(program, task))
            name = vector.tobytes()
            if name in states:
                states[name].add(effort)
                states.move_to_end(name)
            else:
                states[name] = _Measured(vector, effort)
            while len(states) > _STATES:
                states.popitem(last=False)
            while len(self._programs) > _PROGRAMS:
                self._programs.popitem(last=False)

    def expect(self, program: Hashable, tasks: Sequence[Task]) -> Array | None:
        """Seconds (task,) that each is expected to take, as the nearest macro state took; None if nothing is known.

        Nearest in units of how far the macro states spread, component by component. The tasks are of one kind.
        """
        if not tasks:
            return None
        with self._lock:
            states = list(self._programs.get(_family(program, tasks[0]), {}).values())
        vectors = {id(task.start): _vector(task.macro) for task in tasks}  # replicas share their macro state
        states = [state for state in states if state.vector.size == vectors[id(tasks[0].start)].size]
        if not states:
            return None
        known = np.stack([state.vector for state in states])
        spread = np.ptp(np.vstack((known, *vectors.values())), axis=0) if known.size else np.ones(known.shape[1])
        scale = np.where(spread > 0, spread, 1.0)
        efforts = {
            start: states[int(np.argmin((((known - vector) / scale) ** 2).sum(axis=1)))].effort
            for start, vector in vectors.items()
        }
        return np.array([efforts[id(task.start)] * (task.simulated or 1.0) for task in tasks])


def name_of(model: Any) -> Hashable:
    """A name of this object for as long as it lives; of one that cannot be watched, a new name each time.

    >>> name_of(cut) == name_of(cut)
    True
    """
    place = id(model)
    known = _names.get(place)
    if known is None or known[0]() is not model:
        name = next(_numbers)
        try:
            known = _names[place] = ref(model, lambda _: _names.pop(place, None)), name
        except TypeError:
            return name
    return known[1]


_names: dict[int, tuple[ref[Any], int]] = {}
_numbers = count()


def _family(program: Hashable, task: Task) -> tuple[Hashable, str, bool]:
    return program, type(task).__name__, task.simulated > 0


def _vector(macro: Array | None) -> Array:
    return np.empty(0) if macro is None else np.ravel(macro)
