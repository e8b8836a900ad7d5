"""The compiled direct method beside gillespy2's C++ solver: `make bench NAME=molecules`.

Both simulate the same networks for the same time, one trajectory with the same few output points, in turns in one
run. Times are processor times, which a busy neighbour disturbs least; gillespy2's include starting its program and
reading its output, some 10 ms, but not compiling it. gillespy2 compiles a program for each network, here with the
constants written into the propensities; the kernel reads any network from tables. As installed, gillespy2 compiles
without optimisation; the same program at -O3 is timed as well. Events are counted by the kernel, since gillespy2 does
not tell them. The last column is the largest difference of mean counts.

gillespy2 is no dependency of eqfree; it needs a C++ compiler. It comes by
`python3 -m pip --python .venv/bin/python install -r benchmarks/requirements-molecules.txt`; without it only the
kernel is timed.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from statistics import fmean, median, stdev
from time import perf_counter
from unittest.mock import patch

import numpy as np
from numpy.random import default_rng
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from agents.molecules import (
    Direct,
    Grid,
    Method,
    Molecules,
    Network,
    RandomTimeChange,
    Tables,
    Voxels,
    path,
    read_network,
)
from benchmarks.cars import busy_share

__all__ = ["CASES", "Case", "compile_gillespy2", "main"]

POINTS = 101
Run = Callable[[int], NDArray[np.float64]]
"""From a seed to the mean counts over the output points, (species,)."""


@dataclass(frozen=True)
class Case:
    """A network in a volume, from its concentrations at the start, for a while."""

    name: str
    network: Network
    volume: float
    duration: float

    @property
    def start(self) -> NDArray[np.int64]:
        """Counts at the start, (species,)."""
        return np.rint(self.network.initial * self.volume).astype(np.int64)

    @property
    def tables(self) -> Tables:
        """The network as the kernel reads it."""
        return Tables.of(self.network, self.volume)

    def events(self, method: Method, seed: int) -> int:
        """How many reactions happen."""
        molecules = Molecules.of(self.start, len(self.network.names))
        return int(method.advance(self.tables, molecules, self.duration, default_rng(seed)).firings.sum())

    def run(self, seed: int) -> NDArray[np.float64]:
        """Mean counts over the output points, by the kernel."""
        times = np.linspace(0.0, self.duration, POINTS)
        return np.asarray(path(self.tables, self.start, times, default_rng(seed)).mean(axis=0))


FED_ENZYME = """E = 0.1
S = 1.0
0 -> S, k=1
E + S <-> C, k=100, k_back=50
C -> E + P, k=50
P -> 0, k=1"""
DIMERS = """A = 1
0 -> A, k=2
2A <-> B, k=5, k_back=5
B -> 0, k=1"""
CASES = (
    Case("Brusselator, volume 100", read_network("brusselator"), 100.0, 20000.0),
    Case("Brusselator, volume 1000", read_network("brusselator"), 1000.0, 2000.0),
    Case("fed enzyme, volume 1000", Network.parse(FED_ENZYME), 1000.0, 1500.0),
    Case("dimers, volume 1000", Network.parse(DIMERS), 1000.0, 1500.0),
)


def compile_gillespy2(case: Case, flags: Sequence[str] = ()) -> Run:
    """gillespy2's C++ direct method for a case, with more flags for its compiler."""
    gillespy2 = import_module("gillespy2")
    engine = import_module("gillespy2.solvers.cpp.build.build_engine")
    os.environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))  # scons lies there
    model = gillespy2.Model(name="network")
    names = list(case.network.species)
    model.add_species(
        [gillespy2.Species(name=name, initial_value=int(n)) for name, n in zip(names, case.start, strict=True)]
    )
    for r, rate in enumerate(case.tables.rate.tolist()):
        before, after = (
            {name: int(m) for name, m in zip(names, side[r], strict=True) if m}
            for side in (case.network.reactants, case.network.products)
        )
        groups = [f"({name}-{q})" if q else name for name, m in before.items() for q in range(m)]
        law = "*".join((repr(rate), *groups))
        model.add_reaction(gillespy2.Reaction(name=f"r{r}", reactants=before, products=after, propensity_function=law))
    model.timespan(np.linspace(0.0, case.duration, POINTS))

    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "SConstruct"

        def with_flags(makefile: str, *rest: str) -> object:
            given = Path(makefile).read_text()
            script.write_text(given.replace("'-std=c++14'", ", ".join(map(repr, ("-std=c++14", *flags)))))
            return make(script, *rest)

        make = engine.Make
        with patch.object(engine, "Make", with_flags):
            solver = gillespy2.SSACSolver(model=model)

    def run(seed: int) -> NDArray[np.float64]:
        counts = solver.run(number_of_trajectories=1, seed=seed + 1)[0]
        return np.array([np.mean(counts[name]) for name in names])

    return run


@dataclass
class Contender:
    """Something that runs a case, the processor times that it takes in s, and its mean counts."""

    name: str
    run: Run
    seconds: list[float] = field(default_factory=list)
    means: list[NDArray[np.float64]] = field(default_factory=list)

    def time(self, seed: int) -> None:
        """Run once more."""
        began = _processor_seconds()
        self.means.append(self.run(seed))
        self.seconds.append(_processor_seconds() - began)


def _processor_seconds() -> float:
    """Of this process and of the programs that it has started and that have ended."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(getrusage, (RUSAGE_SELF, RUSAGE_CHILDREN)))


def _contenders(case: Case, console: Console) -> list[Contender]:
    contenders = [Contender("kernel", case.run)]
    case.run(0)
    if find_spec("gillespy2") is not None:
        for name, flags in (("gillespy2", ()), ("gillespy2 -O3", ("-O3",))):
            began = perf_counter()
            contenders.append(Contender(name, compile_gillespy2(case, flags)))
            console.print(f"{case.name}: {name} took {perf_counter() - began:.1f} s to compile.")
    return contenders


def _apart(one: Contender, other: Contender) -> float:
    """The largest difference of mean counts between two contenders, in standard errors."""
    differences: list[float] = []
    for mine, theirs in zip(np.transpose(one.means), np.transpose(other.means), strict=True):
        error = ((stdev(mine) ** 2 + stdev(theirs) ** 2) / len(mine)) ** 0.5
        if error > 0:
            differences.append(float(abs(fmean(mine) - fmean(theirs)) / error))
    return max(differences, default=0.0)


def _methods(console: Console, rounds: int) -> None:
    """The other kernels, alone."""
    table = Table(title="Other kernels, million events/s, median")
    for heading in ("", "volume or voxels", "events/s"):
        table.add_column(heading, justify="right" if heading else "left")
    for case in CASES[:2]:
        for method in (Direct(), RandomTimeChange()):
            rates = []
            for seed in range(rounds + 1):
                began = _processor_seconds()
                events = case.events(method, seed)
                rates.append(events / (_processor_seconds() - began))
            table.add_row(type(method).__name__, f"{case.volume:g}", f"{median(rates[1:]) / 1e6:.1f}")
    for grid in (Grid((100,), 0.1), Grid((32, 32), 0.1)):
        voxels = Voxels(read_network("brusselator"), 20.0, grid, {"X": 0.1, "Y": 0.5})
        macro = np.outer([1.0, 3.0], np.ones(len(grid)))
        molecules = voxels.lift(macro, default_rng(0))
        voxels.warm()
        rates = []
        for seed in range(rounds):
            began = _processor_seconds()
            after = voxels.evolve(molecules, 0.5, default_rng(seed))
            spent = _processor_seconds() - began
            means = (after.integral - molecules.integral) / 0.5 / voxels.volume
            hops = voxels.agent_updates(means, 0.5) - voxels.network.propensities(means.T * 20.0, 20.0).sum() * 0.5
            rates.append((float(after.firings.sum()) + hops) / spent)
        table.add_row("Voxels", "x".join(map(str, grid.shape)), f"{median(rates) / 1e6:.1f}")
    console.print(table)


def main(rounds: int = 7) -> None:
    """Print the tables of rates and ratios."""
    console, load = Console(width=120), []
    began = perf_counter()
    Case("", CASES[0].network, 1.0, 0.1).run(0)
    console.print(f"Kernel, first call, compiling or loading from the cache: {perf_counter() - began:.1f} s.")
    table = Table(title=f"Direct method, one trajectory with {POINTS} points, medians of {rounds} in turns, one thread")
    for heading in ("", "", "s", "million events/s", "kernel is faster by", "apart, standard errors"):
        table.add_column(heading, justify="right" if heading else "left")
    as_installed = []
    for case in CASES:
        contenders = _contenders(case, console)
        for seed in range(rounds):
            load.append(busy_share())
            for contender in contenders:
                contender.time(seed)
        events, kernel = case.events(Direct(), 0), contenders[0]
        for contender in contenders:
            ratios = [slow / fast for slow, fast in zip(contender.seconds, kernel.seconds, strict=True)]
            against = contender is not kernel
            if contender.name == "gillespy2":
                as_installed.append(median(ratios))
            table.add_row(
                case.name if not against else "",
                contender.name,
                f"{median(contender.seconds):.3f}",
                f"{events / median(contender.seconds) / 1e6:.1f}",
                f"{median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})" if against else "",
                f"{_apart(kernel, contender):.1f}" if against else "",
            )
    console.print(table)
    if as_installed:
        ok = "ok" if min(as_installed) >= 4 else "NOT ok"
        console.print(f"Ratio of at least 4 to gillespy2 as installed, in every case: {ok}.")
    else:
        console.print("gillespy2 is not installed, so nothing is compared: see the head of benchmarks/molecules.py.")
    _methods(console, rounds)
    console.print(f"Core taken by others: {median(load):.0%} (median), load average {os.getloadavg()[0]:.2f}.")


if __name__ == "__main__":
    main()
