"""What `benchmarks.scaling` measures: bursts that say when they ran, pools of each kind, and what these cost."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from logging import ERROR
from multiprocessing import get_context
from time import perf_counter, process_time, thread_time
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from agents.cars import CAR, IDM, Cars, Fleet, Road
from benchmarks.cars import busy_share
from benchmarks.scaling_model import Overhead
from benchmarks.waist import Idle
from eqfree.ensemble import BurstTask, Program
from eqfree.ensemble.workers import Work, run_work

__all__ = [
    "POOLS",
    "TIME_STEP",
    "Clocked",
    "Messages",
    "Run",
    "equal_densities",
    "is_installed",
    "measure_messages",
    "measure_overhead",
    "run",
    "unequal_densities",
]

Array = NDArray[np.float64]

RING = 8000.0  # m
DENSITY = 0.025  # 1/m, where the ring carries nearly its capacity
TIME_STEP = 0.2  # s


class Clocked:
    """Cars on a ring that say, besides their density, when they were simulated and how long they had a core."""

    def __init__(self) -> None:
        self.road = Road(IDM(step=TIME_STEP), Fleet.of(CAR), [0.0, RING])

    def warm(self) -> None:
        """Compile."""
        self.road.warm()

    def lift(self, macro: Array, rng: Generator) -> tuple[float, float, Cars]:
        """What the clocks say, and cars of the density."""
        return perf_counter(), thread_time(), self.road.lift(macro[:1], rng)

    def evolve(self, micro: tuple[float, float, Cars], duration: float, rng: Generator) -> tuple[float, float, Cars]:
        """The cars after the duration."""
        return *micro[:2], self.road.evolve(micro[2], duration, rng)

    def restrict(self, micro: tuple[float, float, Cars]) -> Array:
        """Density (1/m); beginning and end, on a clock that all processes share, and seconds on a core."""
        began, worked, cars = micro
        return np.array([*self.road.restrict(cars), began, perf_counter(), thread_time() - worked])


def equal_densities(count: int) -> Array:
    """Equal work: one density (1/m), (count,)."""
    return np.full(count, DENSITY)


def unequal_densities(count: int) -> Array:
    """Unequal work: densities (1/m) along a road into a jam, (count,)."""
    return DENSITY * np.linspace(0.2, 4.0, count)


@dataclass(frozen=True)
class Run:
    """Some bursts on a pool: seconds from question to answer, and of each burst, in all and on a core.

    ``outside`` is the share of its core that this thread did not get when nothing of ours ran.
    """

    seconds: float
    bursts: Array
    on_core: Array
    outside: float


def run(pool: Any, densities: Array, duration: float) -> Run:
    """Ask for a burst of ``duration`` (s, of the cars) at each density, all at once, through the public waist."""
    stepper = ef.CoarseTimeStepper(Clocked(), replicas=1, executor=pool)
    macros = [np.array([density, 0.0, 0.0, 0.0]) for density in densities]
    outside = busy_share()
    began = perf_counter()
    answers = stepper.bursts(macros, [duration], [(number,) for number in range(len(macros))])
    seconds = perf_counter() - began
    clocks = np.array([answer.mean[0] for answer in answers])
    return Run(seconds, clocks[:, 2] - clocks[:, 1], clocks[:, 3], outside)


@contextmanager
def _threads(workers: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(workers) as pool:
        yield pool


@contextmanager
def _processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        yield pool


@contextmanager
def _loky(workers: int) -> Iterator[Any]:
    with import_module("loky").ProcessPoolExecutor(workers) as pool:
        yield pool


@contextmanager
def _dask(workers: int) -> Iterator[str]:
    """The address of a cluster of processes on loopback, with the scheduler in this process."""
    from eqfree.ensemble.dask import close

    cluster = import_module("distributed").LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=ERROR,
    )
    try:
        yield cluster.scheduler_address
    finally:
        close()
        cluster.close()


_NEEDED = {"loky": "loky", "Dask": "distributed"}


def is_installed(name: str) -> bool:
    """Whether what a pool needs is there; threads and processes always are."""
    return name not in _NEEDED or find_spec(_NEEDED[name]) is not None


POOLS: Mapping[str, Callable[[int], AbstractContextManager[Any]]] = {
    "threads": _threads,
    "processes": _processes,
    "loky": _loky,
    "Dask": _dask,
}


@dataclass(frozen=True)
class Messages:
    """Bytes that travel: a burst's task and its answer, what a chunk adds to them, and the micro-model, once."""

    task: float
    answer: float
    chunk: float
    program: int


def measure_messages(values: int) -> Messages:
    """Pickle what is sent for a macro state of so many ``values`` (float64), each burst from one of its own."""
    program = Program(Clocked())
    program_bytes = len(program.packed[1])
    idle = Program(Idle())
    digest, blob = idle.packed
    sizes = []
    for count in (10, 110):
        tasks = tuple(BurstTask(np.ones(values) * key, (3, key), 0, 0, np.ones(1)) for key in range(count))
        out = Work(digest, None, tasks)
        back = run_work(Work(digest, blob, tasks))
        sizes.append((len(pickle.dumps(out, protocol=5)), len(pickle.dumps(back, protocol=5))))
    (out_few, back_few), (out_many, back_many) = sizes
    task, answer = (out_many - out_few) / 100, (back_many - back_few) / 100
    return Messages(task, answer, out_few + back_few - 10 * (task + answer), program_bytes)


def _nothing(answer: Any) -> Any:
    return answer


def measure_overhead(pool: Any, rounds: int = 5) -> tuple[Overhead, float]:
    """What a pool of one worker costs, and the seconds of a lone burst that does nothing, through the public waist.

    The parent's seconds are its seconds on a core while empty chunks, messages of 8 MB, and bursts that do nothing are
    on their way; medians over rounds, the first of which is thrown away.
    """
    lone, here = ef.CoarseTimeStepper(Idle(), replicas=1, executor=pool), ef.CoarseTimeStepper(Idle())
    few, large, many, times = np.ones(10), np.ones(1_000_000), 2000, 100
    readings = []
    with _submitter(pool) as submit:
        for _ in range(rounds + 1):
            round_trip, _ = _clocked(lambda: [lone(few, 1.0) for _ in range(20)])
            chunks, chunks_core = _clocked(lambda: [one.result() for one in [submit(None) for _ in range(times)]])
            _, tasks_core = _clocked(lambda: lone.with_replicas(many)(few, 1.0))
            _, here_core = _clocked(lambda: here.with_replicas(many)(few, 1.0))
            _, bytes_core = _clocked(lambda: [submit(large).result() for _ in range(3)])
            readings.append(
                (round_trip / 20, chunks / times, chunks_core / times, tasks_core / many, here_core / many, bytes_core)
            )
    round_trip, wall, chunk, task, alone, large_core = np.median(readings[1:], axis=0).tolist()
    shared = isinstance(pool, ThreadPoolExecutor)  # then the bursts themselves are among the seconds of this process
    overhead = Overhead(
        per_chunk=chunk,
        per_task=max(task - alone, 0.0) if shared else task,
        per_byte=0.0 if shared else large_core / (6 * large.nbytes),
        worker_chunk=max(wall - chunk, 0.0),
        worker_task=alone,
        latency=max(round_trip - wall, 0.0) / 2,
    )
    return overhead, round_trip


@contextmanager
def _submitter(pool: Any) -> Iterator[Callable[[Any], Any]]:
    if not isinstance(pool, str):
        yield lambda argument: pool.submit(_nothing, argument)
        return
    with import_module("distributed").Client(pool, set_as_default=False) as client:
        yield lambda argument: client.submit(_nothing, argument, pure=False)


def _clocked(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and those of this process on a core."""
    began, on_core = perf_counter(), process_time()
    call()
    return perf_counter() - began, process_time() - on_core
