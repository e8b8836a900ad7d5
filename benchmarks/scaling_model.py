"""Who hands out, who works, who waits: a small discrete-event model of bursts on many workers.

One parent hands chunks of bursts out, one after the other, at most two a worker under way, and the next idle worker
takes the next chunk. The parent receives chunks as they arrive and counts bursts in their own order, so that means are
the same bits whoever was first. What the parent does is serial, and so it is what bends the curve in the end, unless
the bursts run out before. It is what `eqfree.ensemble` does, and cuts chunks by its rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush, heapreplace
from itertools import chain
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from eqfree.ensemble.schedule import cut

__all__ = ["Overhead", "Schedule", "chunks_for", "in_turn", "saturation", "schedule", "workers_at_half"]

Chunks = Sequence[Sequence[int]]

UNDER_WAY = 2  # chunks a worker


@dataclass(frozen=True)
class Overhead:
    """What bursts cost besides themselves, in seconds and bytes; all zero: an ideal machine.

    Parameters
    ----------
    per_chunk, per_task, per_byte
        Seconds of the parent; for chunks and for bursts, half on the way out and half on the way back.
    task_bytes, answer_bytes
        What travels for a burst, out and back.
    program_bytes
        What travels out once to a worker: the micro-model.
    worker_chunk, worker_task
        Seconds of the worker, before a chunk and before each of its bursts.
    latency
        Seconds of a message on its way, in which nobody works on it.

    Raises
    ------
    ValueError
        If one of them is negative.

    Examples
    --------
    >>> Overhead(per_chunk=1e-3).parent(tasks=10, chunks=5)
    0.005
    """

    per_chunk: float = 0.0
    per_task: float = 0.0
    per_byte: float = 0.0
    task_bytes: float = 0.0
    answer_bytes: float = 0.0
    program_bytes: float = 0.0
    worker_chunk: float = 0.0
    worker_task: float = 0.0
    latency: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value >= 0:
                raise ValueError(f"`{name}` must not be negative: got {value}.")

    def out(self, tasks: int) -> float:
        """Seconds in which the parent hands out a chunk."""
        return (self.per_chunk + tasks * self.per_task) / 2 + tasks * self.task_bytes * self.per_byte

    def receive(self, tasks: int) -> float:
        """Seconds in which the parent receives a chunk's answers, as they come."""
        return self.per_chunk / 2 + tasks * self.answer_bytes * self.per_byte

    def parent(self, tasks: int, chunks: int, workers: int = 0) -> float:
        """Seconds of the parent in all; no schedule is shorter."""
        messages = tasks * (self.task_bytes + self.answer_bytes) + min(workers, chunks) * self.program_bytes
        return chunks * self.per_chunk + tasks * self.per_task + messages * self.per_byte


@dataclass(frozen=True)
class Schedule:
    """What came of it: seconds from the question to the last answer, and what one compares them with.

    ``work`` are the seconds of the bursts themselves. ``reason`` says what costs most of what is lost: "parent", who
    keeps workers waiting; "tail", in which they wait for the last ones; "few bursts", not more than there are workers.
    """

    makespan: float
    work: float
    workers: int
    reason: str

    @property
    def speed_up(self) -> float:
        """How much sooner than the bursts one after the other, without overhead."""
        return self.work / self.makespan

    @property
    def efficiency(self) -> float:
        """The speed-up over the number of workers."""
        return self.speed_up / self.workers


def in_turn(tasks: int, size: int = 1) -> list[range]:
    """Tasks in their own order, in chunks of ``size``, the last one maybe smaller.

    >>> in_turn(7, size=3)
    [range(0, 3), range(3, 6), range(6, 7)]
    """
    return [range(first, min(first + size, tasks)) for first in range(0, tasks, size)]


def chunks_for(bursts: ArrayLike, workers: int, overhead: Overhead) -> list[list[int]]:
    """Chunks as the toolkit cuts them: longest expected first, worth what they cost, no more than a worker's share.

    What a chunk costs a worker is measured there with all of them at work, so a parent that is late is part of it.

    >>> chunks_for([1.0, 1.0, 4.0, 2.0], workers=1, overhead=Overhead())
    [[2], [3], [0, 1]]
    """
    cost = max(overhead.worker_chunk, workers * overhead.per_chunk)
    return cut(np.asarray(bursts, dtype=np.float64), workers, cost)


def schedule(bursts: ArrayLike, chunks: Chunks, workers: int, overhead: Overhead | None = None) -> Schedule:
    """Let ``workers`` work off ``bursts``.

    Without overhead this is list scheduling: in any order at most 2 - 1/m of the best makespan on m workers, longest
    first at most 4/3 - 1/(3 m); R. L. Graham, SIAM J. Appl. Math. 17 (1969) 416, doi:10.1137/0117039.

    Parameters
    ----------
    bursts : (task,)
        Seconds of each.
    chunks
        The numbers of the tasks in chunks, in the order in which they are handed out, as `in_turn` or
        `chunks_for` makes them.
    workers
        How many.
    overhead
        None where it costs nothing.

    Raises
    ------
    ValueError
        If there is no worker or no burst, or a burst is not in one chunk.

    Examples
    --------
    >>> schedule([1.0] * 10, in_turn(10), workers=4).makespan
    3.0
    >>> schedule([1.0] * 10, in_turn(10), workers=4, overhead=Overhead(per_chunk=1.0)).reason
    'parent'
    """
    seconds = np.asarray(bursts, dtype=np.float64).tolist()
    if workers < 1 or not seconds:
        raise ValueError(f"A schedule needs workers and bursts: got {workers} workers and {len(seconds)} bursts.")
    if sorted(chain.from_iterable(chunks)) != list(range(len(seconds))):
        raise ValueError(
            f"Each of the {len(seconds)} bursts must be in one of the `chunks`: got {len(chunks)} chunks that hold "
            f"{sum(map(len, chunks))}. Make them with `in_turn`."
        )
    costs = overhead or Overhead()
    work, added = sum(seconds), len(chunks) * costs.worker_chunk + len(seconds) * costs.worker_task
    makespan = _makespan(seconds, chunks, workers, costs)
    idle_parent = replace(costs, per_chunk=0.0, per_task=0.0, per_byte=0.0)
    without = _makespan(seconds, chunks, workers, idle_parent) if idle_parent != costs else makespan
    if makespan - without > without - (work + added) / workers:
        reason = "parent"
    else:
        reason = "tail" if len(seconds) > workers else "few bursts"
    return Schedule(makespan, work, workers, reason)


def _makespan(seconds: Sequence[float], chunks: Chunks, workers: int, costs: Overhead) -> float:
    idle_from = [0.0] * workers
    under_way: list[tuple[float, int]] = []  # when the answers arrive
    answered = [False] * len(seconds)
    program, most = costs.program_bytes * costs.per_byte, UNDER_WAY * workers
    parent, handed, counted = 0.0, 0, 0
    while counted < len(seconds):
        while handed < len(chunks) and len(under_way) < most:
            chunk = chunks[handed]
            parent += costs.out(len(chunk)) + (program if handed < workers else 0.0)
            done = max(idle_from[0], parent + costs.latency) + costs.worker_chunk + len(chunk) * costs.worker_task
            done += sum([seconds[task] for task in chunk])
            heapreplace(idle_from, done)
            heappush(under_way, (done + costs.latency, handed))
            handed += 1
        arrival, number = heappop(under_way)
        parent = max(parent, arrival) + costs.receive(len(chunks[number]))
        for task in chunks[number]:
            answered[task] = True
        while counted < len(seconds) and answered[counted]:
            counted += 1
            parent += costs.per_task / 2
    return parent


def saturation(burst: float, overhead: Overhead, size: int = 1) -> float:
    """Workers beyond which more of them are no faster: seconds of a chunk over seconds of the parent for it.

    >>> round(saturation(0.02, Overhead(per_chunk=1e-3)))
    20
    """
    return size * burst / overhead.parent(tasks=size, chunks=1)


def workers_at_half(work: float, overhead: Overhead) -> float:
    """Workers that are done soonest with ``work`` seconds of equal bursts, one chunk each, and half efficient.

    Who is handed its chunk last begins after ``workers * per_chunk / 2`` seconds and works for ``work / workers``. The
    sum is least where both are the same, at the root of 2 work / per_chunk; below, the efficiency is 1 over 1 plus the
    square of the workers over these. What a task costs the parent comes on top, however many workers there are.

    >>> workers_at_half(500.0, Overhead(per_chunk=1e-3))
    1000.0
    """
    return sqrt(2 * work / overhead.per_chunk)
