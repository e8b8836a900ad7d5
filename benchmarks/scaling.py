"""Two workers against one, what workers cost, and where many of them bend: `make bench NAME=scaling`.

Bursts of about 20 ms, equal cars on equal rings, are asked for through the public waist, all at once, of one worker and
of two, in turns. The bursts say when they ran: what they took with one worker, and what handing out costs, measured on
bursts that do nothing, is what `scaling_model` predicts both from. Then it is asked for ten to ten thousand workers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.scaling_measurements import (
    POOLS,
    TIME_STEP,
    Run,
    equal_densities,
    is_installed,
    measure_messages,
    measure_overhead,
    run,
    unequal_densities,
)
from benchmarks.scaling_model import Overhead, chunks_for, schedule

__all__ = ["Measured", "main", "measure"]

Array = NDArray[np.float64]

BURST = 0.02  # s
TARGETS = {"threads": 1.9, "processes": 1.9, "loky": 1.9, "Dask": 1.85}
QUIET = 0.05  # of a core, taken by others
WORKERS = (10, 30, 100, 300, 1000, 3000, 10_000)


@dataclass(frozen=True)
class Measured:
    """One kind of pool: one worker and two, in turns, and what it costs."""

    name: str
    start_up: float
    one: list[Run]
    two: list[Run]
    overhead: Overhead
    lone: float

    @property
    def ratios(self) -> list[float]:
        """How much sooner two workers answer, round by round."""
        return [one.seconds / two.seconds for one, two in zip(self.one, self.two, strict=True)]

    @property
    def outside(self) -> list[float]:
        """The share of a core that others took, before either run of a round."""
        return [max(one.outside, two.outside) for one, two in zip(self.one, self.two, strict=True)]

    @property
    def undisturbed(self) -> list[float]:
        """What the ratios would be by the model if each burst had its core while it ran."""
        pairs = zip(self.one, self.two, strict=True)
        return [self.predict(one.on_core, 1) / self.predict(two.on_core, 2) for one, two in pairs]

    def predict(self, bursts: Array, workers: int) -> float:
        """Seconds by the model."""
        return schedule(bursts, chunks_for(bursts, workers, self.overhead), workers, self.overhead).makespan


def measure(name: str, count: int, duration: float, rounds: int) -> Measured:
    """Start the pools, throw the first answers away, and measure."""
    densities = equal_densities(count)
    began = perf_counter()
    with POOLS[name](1) as alone:
        run(alone, densities[:1], duration)
        start_up = perf_counter() - began
        with POOLS[name](2) as pair:
            run(pair, densities[:8], duration)
            one, two = [], []
            for _ in range(rounds):
                one.append(run(alone, densities, duration))
                two.append(run(pair, densities, duration))
        overhead, lone = measure_overhead(alone)
    return Measured(name, start_up, one, two, overhead, lone)


def main(count: int = 200, rounds: int = 5) -> None:
    """Measure, print each target beside what was measured, and say what the model makes of it."""
    console = Console(width=120)
    run(None, equal_densities(2), TIME_STEP)
    probe = run(None, equal_densities(20), 1000.0)
    duration = TIME_STEP * round(1000.0 * BURST / float(np.median(probe.bursts)) / TIME_STEP)
    measured = []
    for name in POOLS:
        if not is_installed(name):
            console.print(f"{name} is left out: it is not installed.")
            continue
        measured.append(measure(name, count, duration, rounds))
        console.print(f"{name} measured, load average {os.getloadavg()[0]:.2f}", style="dim")
    cores = os.cpu_count()
    console.print(_speed_ups(measured, f"{count} bursts of {duration:g} s of cars, about 20 ms, {cores} cores"))
    console.print(_check(measured))
    console.print(_overheads(measured))
    console.print(_messages())
    console.print(_spreads(measured, duration, count))
    overhead = replace(measured[-1].overhead, program_bytes=measure_messages(10).program)
    console.print(_curves(overhead, measured[-1].name))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    return table


def _speed_ups(measured: Sequence[Measured], title: str) -> Table:
    """Every round counts for the median; the quiet ones, in which others took little, are told apart as well."""
    columns = (
        "",
        "one, s",
        "two, s",
        "ratio",
        "quiet rounds",
        "model, undisturbed",
        "target",
        "",
        "outside load",
    )
    table = _table(f"Two workers against one: {title}", *columns)
    for one in measured:
        quiet = [ratio for ratio, outside in zip(one.ratios, one.outside, strict=True) if outside < QUIET]
        ratio, target = median(quiet or one.ratios), TARGETS[one.name]
        table.add_row(
            one.name,
            f"{median(run.seconds for run in one.one):.2f}",
            f"{median(run.seconds for run in one.two):.2f}",
            _range(one.ratios),
            f"{median(quiet):.2f} ({len(quiet)})" if quiet else "none",
            f"{median(one.undisturbed):.2f}",
            f">= {target:g}",
            "met" if ratio >= target else "missed" if quiet else "not quiet",
            f"{median(one.outside):.0%}",
        )
    return table


def _check(measured: Sequence[Measured]) -> Table:
    """Predictions from the bursts of one worker; what the scheduler does of it, from the very bursts of each run."""
    table = _table(
        "What the model predicts: seconds, median (least-most) of the rounds; within where these overlap",
        *("", "workers", "measured", "from one worker's bursts", "off", "scatter", "from its own bursts", "off"),
    )
    for one in measured:
        for workers, runs in ((1, one.one), (2, one.two)):
            seconds, foreseen = [run.seconds for run in runs], [one.predict(run.bursts, workers) for run in one.one]
            replayed = [one.predict(run.bursts, workers) for run in runs]
            table.add_row(
                one.name,
                f"{workers}",
                _range(seconds),
                _range(foreseen),
                f"{median(foreseen) / median(seconds) - 1:+.1%}",
                "within" if min(foreseen) <= max(seconds) and min(seconds) <= max(foreseen) else "outside",
                _range(replayed),
                f"{median(a / b for a, b in zip(replayed, seconds, strict=True)) - 1:+.1%}",
            )
    return table


def _range(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def _overheads(measured: Sequence[Measured]) -> Table:
    columns = ("start-up, s", "a lone burst, ms", "parent: chunk, ms", "burst, µs", "MB, ms", "worker: chunk, ms")
    table = _table("What a pool costs; a lone burst does nothing but come and go", "", *columns)
    for one in measured:
        costs = one.overhead
        table.add_row(
            one.name,
            f"{one.start_up:.2f}",
            f"{1e3 * one.lone:.2f}",
            f"{1e3 * costs.per_chunk:.3f}",
            f"{1e6 * costs.per_task:.0f}",
            f"{1e9 * costs.per_byte:.2f}",
            f"{1e3 * costs.worker_chunk:.3f}",
        )
    return table


def _messages() -> Table:
    table = _table(
        "Bytes of messages", "values of the macro state", "task", "answer", "more a chunk", "micro-model, once"
    )
    for values in (10, 1000, 100_000):
        sizes = measure_messages(values)
        table.add_row(*(f"{size:.0f}" for size in (values, sizes.task, sizes.answer, sizes.chunk, sizes.program)))
    return table


def _spreads(measured: Sequence[Measured], duration: float, count: int) -> Table:
    table = _table("Spread of burst times", "", "median, ms", "5-95 %, ms", "longest, ms", "deviation", "on a core")
    groups = [("unequal, this thread", [run(None, unequal_densities(count // 4), duration)])]
    for one in measured:
        groups += [(f"equal, {one.name}, one worker", one.one), (f"equal, {one.name}, two", one.two)]
    for name, runs in groups:
        bursts, on_core = (1e3 * np.concatenate([getattr(one, of) for one in runs]) for of in ("bursts", "on_core"))
        low, high = np.quantile(bursts, [0.05, 0.95])
        table.add_row(
            name,
            f"{np.median(bursts):.1f}",
            f"{low:.1f}-{high:.1f}",
            f"{bursts.max():.1f}",
            f"{bursts.std() / bursts.mean():.0%}",
            f"{on_core.std() / on_core.mean():.0%}",
        )
    return table


def _curves(overhead: Overhead, name: str) -> Table:
    """Efficiency, and what costs most of the rest, with the overhead that was measured."""
    title = f"Predicted for {name} as measured: efficiency in %; lost most to the Parent, the Tail, too Few bursts"
    table = _table(title, "", *map(str, WORKERS))
    for burst in (0.02, 1.0, 60.0):
        for count in (320, 10_000):
            for kind, bursts in (("equal", np.full(count, burst)), ("unequal", burst * np.linspace(0.2, 1.8, count))):
                cells = []
                for workers in WORKERS:
                    made = schedule(bursts, chunks_for(bursts, workers, overhead), workers, overhead)
                    cells.append(f"{100 * made.efficiency:.0f} {made.reason[0].upper()}")
                table.add_row(f"{count} {kind} bursts of {burst:g} s", *cells)
    return table


if __name__ == "__main__":
    main()
