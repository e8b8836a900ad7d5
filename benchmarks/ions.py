"""Ions by a tree of sums, by trials, and beside lattice_mc: `make bench NAME=ions`.

A simple cubic box of 32³ sites holds 20 % ions. Over random barriers the tree is timed, and trials beside it; over
equal barriers the tree, trials and lattice_mc, which has no barriers of bonds, and lists all possible hops twice for
each that it makes, so that what they are does not change what they cost. All run in turns in one thread, medians are
compared. Times are processor times, which a busy neighbour disturbs least; compiling and making the lattice are apart.
All have to do the same: how often an ion hops in physical time is told of each, and compared with the exact value.

lattice_mc is no dependency of eqfree. It comes by
`python3 -m pip --python .venv/bin/python install -r benchmarks/requirements-ions.txt`; without it a plain Python
specification in its manner is timed in its place.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from math import fsum
from statistics import median, stdev
from time import perf_counter, process_time
from typing import Any, NamedTuple

from numpy.random import default_rng
from rich.console import Console
from rich.table import Table

from agents.ions import Box, Hopping, Landscape, LatticeGas, NullEvent, RejectionFree, normal
from agents.ions.landscape import Disorder
from agents.ions.lattices import simple_cubic
from benchmarks.cars import busy_share

__all__ = ["Contender", "Result", "frequency", "gas", "lattice_mc", "main", "specification"]

EDGE, SHARE, KELVIN = 32, 0.2, 298.0
RATE = 1e13  # Hz: what lattice_mc has for a hop without a rise of energy
SPREAD = 0.05  # eV, of the random barriers
LEAST_TREE, LEAST_PEER, LEAST_TRIALS = 3e6, 1e4, 10.0


class Result(NamedTuple):
    """How many hops happened, in which physical time (s), and in which processor time (s)."""

    hops: float
    duration: float
    seconds: float


Run = Callable[[int], Result]
"""From a seed."""


def gas(disorder: Disorder | None, edge: int = EDGE) -> LatticeGas:
    """Ions in a simple cubic box, over equal barriers or disordered ones."""
    hopping = Hopping({"hop": 0.0}, RATE, barrier_disorder=disorder)
    return LatticeGas(Landscape(Box(simple_cubic(3e-10), (edge,) * 3), hopping), KELVIN)


def by_kernel(model: LatticeGas, selection: RejectionFree | NullEvent, hops: float) -> Run:
    """A run of about so many hops by one of the kernels, from ions at equilibrium: anywhere."""
    chosen = replace(model, selection=selection)
    duration = hops / (frequency(model) * round(SHARE * len(model.landscape.box)))

    def run(seed: int) -> Result:
        start = chosen.fill(SHARE, default_rng(seed))
        began = process_time()
        after = chosen.evolve(start, duration, default_rng((seed, 1)))
        return Result(float(after.hops.sum()), duration, process_time() - began)

    return run


def frequency(model: LatticeGas) -> float:
    """How often an ion hops (Hz): exact, since all configurations are as likely, whatever the barriers of bonds."""
    sites = len(model.landscape.box)
    return float(model.rates.base.sum()) / sites * (sites - round(SHARE * sites)) / (sites - 1)


def lattice_mc(hops: int, edge: int = EDGE) -> Run:
    """A run of lattice_mc: the same box, as many ions, equal rates."""
    module: Any = import_module("lattice_mc.init_lattice")
    simulation: Any = import_module("lattice_mc.simulation").Simulation()
    simulation.lattice = module.cubic_lattice(edge, edge, edge, 3.0)
    random.seed(0)
    simulation.set_number_of_atoms(round(SHARE * edge**3))
    simulation.set_number_of_jumps(hops)

    def run(seed: int) -> Result:
        random.seed(seed)
        simulation.reset()
        began = process_time()
        simulation.run()
        return Result(float(hops), float(simulation.lattice.time), process_time() - began)

    return run


def specification(hops: int, edge: int = EDGE) -> Run:
    """The same in plain Python: all possible hops are listed, one is drawn, time passes."""
    neighbours = Box(simple_cubic(3e-10), (edge,) * 3).neighbours.tolist()
    occupied = {*default_rng(0).choice(edge**3, round(SHARE * edge**3), replace=False).tolist()}

    def run(seed: int) -> Result:
        rng, clock, began = random.Random(seed), 0.0, process_time()
        for _ in range(hops):
            possible = [(here, there) for here in occupied for there in neighbours[here] if there not in occupied]
            clock += rng.expovariate(RATE * len(possible))
            here, there = rng.choice(possible)
            occupied.remove(here)
            occupied.add(there)
        return Result(float(hops), clock, process_time() - began)

    return run


@dataclass
class Contender:
    """Something that hops, and what its runs gave."""

    name: str
    run: Run
    results: list[Result] = field(default_factory=list)

    def time(self, seed: int) -> None:
        """Run once more."""
        self.results.append(self.run(seed))

    @property
    def speeds(self) -> list[float]:
        """Hops per second of processor time, of each run."""
        return [one.hops / one.seconds for one in self.results]

    @property
    def frequency(self) -> tuple[float, float]:
        """Hops per physical time (Hz), and the standard error."""
        duration = fsum(one.duration for one in self.results)
        mean = fsum(one.hops for one in self.results) / duration
        apart = [one.hops - mean * one.duration for one in self.results]
        return mean, stdev(apart) * len(apart) ** 0.5 / duration


def _contenders(rough: LatticeGas, even: LatticeGas, peer_hops: int) -> tuple[list[Contender], list[Contender]]:
    uneven = [
        Contender("tree", by_kernel(rough, RejectionFree(), 1e6)),
        Contender("trials", by_kernel(rough, NullEvent(), 4e3)),
    ]
    installed = find_spec("lattice_mc") is not None
    alike = [
        Contender("tree", by_kernel(even, RejectionFree(), 1e6)),
        Contender("trials", by_kernel(even, NullEvent(), 1e7)),
        Contender("lattice_mc", lattice_mc(peer_hops)) if installed else Contender("plain", specification(peer_hops)),
    ]
    return uneven, alike


def _table(title: str, contenders: list[Contender], exact: float) -> Table:
    table = Table(title=title)
    for heading in ("", "hops/s, median", "slowest", "fastest", "tree / this", "hops of an ion, Hz", "apart, stderrs"):
        table.add_column(heading, justify="right" if heading else "left")
    tree = contenders[0]
    for one in contenders:
        ratio = median(fast / slow for fast, slow in zip(tree.speeds, one.speeds, strict=True))
        mean, error = (number / round(SHARE * EDGE**3) for number in one.frequency)
        speeds = (f"{speed:.4g}" for speed in (median(one.speeds), min(one.speeds), max(one.speeds)))
        table.add_row(one.name, *speeds, f"{ratio:.4g}", f"{mean:.5g} ± {error:.2g}", f"{(mean - exact) / error:.1f}")
    return table


def main(rounds: int = 7, peer_hops: int = 5) -> None:
    """Print the tables of rates and ratios."""
    console, load = Console(width=130), []
    began = perf_counter()
    rough, even = gas(normal(SPREAD)), gas(None)
    rough.warm()
    console.print(f"Making the box, and compiling or loading from the cache: {perf_counter() - began:.2f} s.")
    uneven, alike = _contenders(rough, even, peer_hops)
    for seed in range(rounds):
        load.append(busy_share())
        for one in (*uneven, *alike):
            one.time(seed)
    box = f"{EDGE}³ sites, {SHARE:.0%} ions, {KELVIN:g} K"
    rows = ((f"random barriers, normal({SPREAD} eV)", rough, uneven), ("equal barriers", even, alike))
    for what, model, those in rows:
        exact = frequency(model)
        console.print(_table(f"{box}, {what}; an ion hops at exactly {exact:.5g} Hz", those, exact))
    tree, (quiet, trials, peer) = median(uneven[0].speeds), alike
    gain = median(fast / slow for fast, slow in zip(trials.speeds, quiet.speeds, strict=True))
    beside = median(fast / slow for fast, slow in zip(quiet.speeds, peer.speeds, strict=True))
    goals = [
        (f"Tree over random barriers: {tree:.3g} hops/s, at least {LEAST_TREE:.0e}", tree >= LEAST_TREE),
        (f"Trials over equal barriers: {gain:.3g} times the tree, at least {LEAST_TRIALS:g}", gain >= LEAST_TRIALS),
    ]
    if peer.name == "lattice_mc":
        goals.append((f"Tree: {beside:.3g} times lattice_mc, at least {LEAST_PEER:.0e}", beside >= LEAST_PEER))
    else:
        console.print("lattice_mc is not installed, so plain Python stands in its place: see the head of this file.")
    for goal, met in goals:
        console.print(f"{goal}: {'ok' if met else 'NOT ok'}.")
    console.print(f"Core taken by others: {median(load):.0%} (median), load average {os.getloadavg()[0]:.2f}.")


if __name__ == "__main__":
    main()
