"""What it costs to lose nothing: `make bench NAME=checkpoints`.

A checkpoint of a million values is written and read on this disk. Then rings of cars are asked for bursts of some tens
of milliseconds with and without a journal, in turns, at the default interval and at a much shorter one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

import eqfree as ef
from agents.cars import CAR, IDM, Fleet, RingAtDensity
from benchmarks.cars import busy_share
from eqfree.checkpoint import read_checkpoint, write_checkpoint
from eqfree.journal import Journal

__all__ = ["main"]

VALUES = 10**6
TARGET = 0.05  # s for a checkpoint of them
SHARE = 0.01  # of the time of a run


def _times(function: Callable[[], object], rounds: int) -> list[float]:
    taken = []
    for _ in range(rounds):
        began = perf_counter()
        function()
        taken.append(perf_counter() - began)
    return taken


def _bursts(count: int) -> None:
    """Rings of a thousand cars, one after the other, as a driver asks for them."""
    stepper = ef.CoarseTimeStepper(RingAtDensity(IDM(), Fleet.of(CAR), 1000, displacement=0.3), replicas=1)
    for number in range(count):
        stepper.burst([0.02], [100.0, 200.0], (number,))


@contextmanager
def _journal(folder: Path, interval: float) -> Iterator[Journal]:
    journal = Journal.begin(folder, {}, interval=interval)
    with journal.recording():
        yield journal
    journal.discard()


def main(rounds: int = 15, count: int = 100) -> None:
    """Print both tables."""
    console = Console()
    with TemporaryDirectory(dir=".") as place:
        path, values = Path(place, "values.npz"), {"values": np.random.default_rng(0).random(VALUES)}
        table = Table(title=f"A checkpoint of {VALUES:,} values, median of {rounds}")
        for heading in ("", "ms", "slowest", "fastest"):
            table.add_column(heading, justify="right" if heading else "left")
        written = _times(lambda: write_checkpoint(path, values, {}), rounds)
        for name, taken in (("written", written), ("read", _times(lambda: read_checkpoint(path), rounds))):
            table.add_row(name, *(f"{1e3 * one:.1f}" for one in (median(taken), max(taken), min(taken))))
        console.print(table)
        console.print(f"Written in at most {1e3 * TARGET:g} ms: {'ok' if median(written) <= TARGET else 'NOT ok'}.")

        _bursts(2)
        table = Table(title=f"{count} bursts with a journal over the same without, median of {rounds} turns")
        for heading in ("interval, s", "ratio", "lowest", "highest", "a burst, ms"):
            table.add_column(heading, justify="right")
        shares = {}
        for interval in (30.0, 0.5):
            ratios, plain = [], []
            for turn in range(rounds):
                each = {}
                for journal in (turn % 2 == 0, turn % 2 == 1):
                    with ExitStack() as stack:
                        if journal:
                            stack.enter_context(_journal(Path(place, f"{interval:g}-{turn}"), interval))
                        (each[journal],) = _times(lambda: _bursts(count), 1)
                ratios.append(each[True] / each[False])
                plain.append(each[False] / count)
            shares[interval] = median(ratios) - 1
            table.add_row(
                f"{interval:g}",
                *(f"{one:.4f}" for one in (median(ratios), min(ratios), max(ratios))),
                f"{1e3 * median(plain):.1f}",
            )
        console.print(table)
        ok = "ok" if shares[30.0] <= SHARE else "NOT ok"
        console.print(f"Under {SHARE:.0%} at the default interval: {shares[30.0]:.2%}, {ok}.")
    console.print(f"Load from outside: {busy_share():.0%}.")


if __name__ == "__main__":
    main()
