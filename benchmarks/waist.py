"""What a burst costs when its simulation costs nothing: `make bench NAME=waist`.

32 replicas whose evolve does nothing are lifted, evolved once and restricted, in this thread, through
``burst_batch``, on threads and in processes. What is left is the toolkit's own: keys and their streams, checks,
means. Each number is the median over rounds of the mean of some calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median
from time import perf_counter

import numpy as np
from numpy.random import Generator, SeedSequence
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import eqfree as ef
from eqfree.ensemble import ExecutorLike, generator, streams

__all__ = ["Batched", "Idle", "Timing", "main", "measure"]

REPLICAS = 32
ROUNDS = 15
MACRO = np.ones(10)

Array = NDArray[np.float64]


class Idle:
    """A population that is its macro state and does nothing."""

    def lift(self, macro: Array, rng: Generator) -> Array:
        """The macro state."""
        return macro

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        """Nothing."""
        return micro

    def restrict(self, micro: Array) -> Array:
        """The macro state."""
        return micro


class Batched(Idle):
    """The same, all replicas in one call."""

    def burst_batch(self, macros: Array, times: Array, streams: Sequence[tuple[SeedSequence, SeedSequence]]) -> Array:
        """The macro states, once a time."""
        return np.repeat(macros[:, np.newaxis], len(times), axis=1)


@dataclass(frozen=True)
class Timing:
    """Milliseconds a call: median over rounds, and the quartiles around it."""

    median: float
    low: float
    high: float


def measure(call: Callable[[], object], calls: int) -> Timing:
    """Time a call, some calls a round; the first round is thrown away."""
    rounds = []
    for _ in range(ROUNDS + 1):
        began = perf_counter()
        for _ in range(calls):
            call()
        rounds.append(1e3 * (perf_counter() - began) / calls)
    low, high = np.quantile(rounds[1:], [0.25, 0.75])
    return Timing(median(rounds[1:]), float(low), float(high))


def main() -> None:
    """Measure and print, each target beside what was measured."""

    def burst(model: ef.MicroModel, executor: ExecutorLike = None) -> Callable[[], object]:
        stepper = ef.CoarseTimeStepper(model, replicas=REPLICAS, executor=executor)
        return lambda: stepper(MACRO, 1.0, (3,))

    def seeds() -> object:
        return [streams(0, (3,), replica) for replica in range(REPLICAS)]

    def generators() -> object:
        return [generator(stream) for replica in range(REPLICAS) for stream in streams(0, (3,), replica)]

    rows = [
        ("a burst in this thread", measure(burst(Idle()), 20), 2.0),
        ("  of it keys and generators", measure(generators, 20), None),
        ("a burst through burst_batch", measure(burst(Batched()), 40), 1.5),
        ("  of it keys and streams", measure(seeds, 40), None),
        ("a burst on 2 threads", measure(burst(Idle(), 2), 10), None),
    ]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        rows.append(("a burst in 2 processes", measure(burst(Idle(), pool), 10), None))
    table = Table(title=f"A burst of {REPLICAS} replicas that do nothing: milliseconds, {ROUNDS} rounds")
    table.add_column("", no_wrap=True, min_width=29)
    for column in ("median", "quartiles", "target", "", "share"):
        table.add_column(column, justify="right", no_wrap=True, min_width=len(column))
    whole = 0.0
    for name, timing, target in rows:
        part = name.startswith(" ")
        whole = whole if part else timing.median
        table.add_row(
            name,
            f"{timing.median:.2f}",
            f"{timing.low:.2f}-{timing.high:.2f}",
            "" if target is None else f"< {target:g}",
            "" if target is None else "met" if timing.median < target else "missed",
            f"{timing.median / whole:.0%}" if part else "",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
