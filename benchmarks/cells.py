"""Cells off the lattice beside their readable specification, a plain Mesa model: `make bench NAME=cells`.

Both push the same 10^4 discs in a periodic plane by the same springs in the same steps. First they have to agree in
every position, then they are timed in turns, in one thread, and the medians are compared. Times are processor times,
which a busy neighbour disturbs least. The Mesa model finds neighbours as Mesa does, through `ContinuousSpace`, which
looks at all cells for each; one that keeps a dictionary of boxes instead, which Mesa does not have, is timed as well.
At last a million growing, moving spheres make steps in a process of their own, whose memory is read.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from resource import RUSAGE_SELF, getrusage
from statistics import median
from time import perf_counter, process_time

import numpy as np
from numpy.random import default_rng
from rich.console import Console
from rich.table import Table

from agents.cells.centre_based import CentreBased
from agents.cells.cycle import Cycle, Death, Motility, steady_phases
from agents.cells.mechanics import Mechanics
from agents.cells.region import Region
from agents.cells.spheres import Spheres
from benchmarks.cars import busy_share
from tests.agents.cells.spheres_specification import BoxedTissue, MesaTissue

__all__ = ["disagreement", "main", "memory", "million", "tissue"]

STEP = 0.1
SPACING = 9.5  # µm: with the diameter of 10 µm the plane is filled to 0.87
GIBIBYTE = 2**30


def tissue(count: int, *, full: bool = False, relaxation: int = 200) -> tuple[CentreBased, Spheres]:
    """``count`` discs of 10 µm that nearly fill a periodic plane, pushed apart from random places; their rules."""
    side = SPACING * np.sqrt(count)
    region, springs = Region((side, side), periodic=True), Mechanics(repulsion=1.0)
    rng = default_rng(1)
    crowd = CentreBased(region, springs, time_step=STEP)
    scattered = Spheres.at(side * rng.random((count, 2)), 10.0, phase=0.0, rng=rng)
    cells = crowd.evolve(scattered, relaxation * STEP, rng)
    if not full:
        return crowd, cells
    cycle = Cycle(24.0, newborn=10.0, shape=4.0, largest_compression=0.5)
    return CentreBased(region, springs, cycle, Death(0.001, dissolution=0.1), Motility(5.0, 1.0), STEP), cells


def disagreement(count: int, steps: int, model: type[MesaTissue]) -> float:
    """The largest difference in µm between positions of kernel and Mesa model, after ``steps`` steps."""
    rules, cells = tissue(count, relaxation=20)
    plain = model(rules, cells, seed=0)
    for _ in range(steps):
        plain.step()
    compiled = rules.evolve(cells, steps * STEP, default_rng(0))
    expected = np.array([cell.position for cell in plain.agents])
    plain.release()
    side = np.array(rules.region.lengths)
    apart = compiled.position - expected
    return float(np.abs(apart - side * np.round(apart / side)).max())


def _rate(count: int, steps: int, run: Callable[[], object]) -> float:
    """Cell updates per second of processor time."""
    began = process_time()
    run()
    return count * steps / (process_time() - began)


def _rates(count: int, rounds: int, kernel_steps: int) -> tuple[dict[str, list[float]], list[float]]:
    """Cell updates per second, all in turns, and the load from outside."""
    rules, cells = tissue(count)
    full, _ = tissue(count, full=True, relaxation=0)
    plain, boxed = MesaTissue(rules, cells, seed=0), BoxedTissue(rules, cells, seed=0)
    runs: dict[str, tuple[int, Callable[[], object]]] = {
        "Mesa": (1, plain.step),
        "Mesa with boxes": (1, boxed.step),
        "kernel": (kernel_steps, lambda: rules.evolve(cells, kernel_steps * STEP, default_rng(0))),
        "kernel, all rules": (20, lambda: full.evolve(cells, 20 * STEP, default_rng(0))),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    load = []
    for _ in range(rounds):
        load.append(busy_share())
        for name, (steps, run) in runs.items():
            rates[name].append(_rate(count, steps, run))
    plain.release()
    boxed.release()
    return rates, load


def million(count: int = 1_000_000, steps: int = 2) -> tuple[float, float]:
    """Steps of a million spheres with all rules: peak memory of this process in bytes, cell updates per second."""
    edge = round(count ** (1 / 3))
    rng = default_rng(0)
    sites = np.stack(np.meshgrid(*[np.arange(edge)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    place = 9.0 * (sites + 0.1 * rng.random(sites.shape) + 0.4)
    region = Region((9.0 * edge,) * 3, periodic=True)
    cycle = Cycle(24.0, newborn=8.0, shape=4.0, largest_compression=2.0, least_nutrient=0.1)
    death = Death(0.001, dissolution=0.1)
    rules = CentreBased(region, Mechanics(repulsion=1.0), cycle, death, Motility(5.0, 1.0), STEP)
    cells = Spheres.at(place, 8.0, phase=0.99 * steady_phases(len(place), rng), rng=rng)
    nutrient = np.ones(len(cells))
    rules.evolve(Spheres.at(place[:10], 8.0), STEP, rng, nutrient=nutrient[:10])  # compile or load
    began = process_time()
    after = rules.evolve(cells, steps * STEP, rng, nutrient=nutrient)
    rate = len(cells) * steps / (process_time() - began)
    if not after.births > 0:
        raise RuntimeError("In a million cells some must have divided: none has.")
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024.0, rate


def memory() -> tuple[float, float]:
    """What `million` gives in a fresh process: peak memory in bytes, cell updates per second."""
    code = "from benchmarks.cells import million; print(*million())"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    peak, rate = done.stdout.split()
    return float(peak), float(rate)


def main(count: int = 10_000, rounds: int = 5, kernel_steps: int = 200) -> None:
    """Print the agreement, the table of rates and the memory."""
    console = Console()
    began = perf_counter()
    rules, few = tissue(4, relaxation=0)
    rules.evolve(few, STEP, default_rng(0))
    first_call = perf_counter() - began
    differences = [disagreement(400, 50, model) for model in (MesaTissue, BoxedTissue)]
    rates, load = _rates(count, rounds, kernel_steps)
    table = Table(title=f"{count} discs in a periodic plane, springs, steps of {STEP:g} h, one thread")
    for heading in ("", "median, cell updates/s", "slowest", "fastest", "kernel / this"):
        table.add_column(heading, justify="right" if heading else "left")
    ratios = {}
    for name, seen in rates.items():
        ratios[name] = median(fast / slow for fast, slow in zip(rates["kernel"], seen, strict=True))
        numbers = (f"{rate:.4g}" for rate in (median(seen), min(seen), max(seen)))
        table.add_row(name, *numbers, f"{ratios[name]:.4g}")
    console.print(table)
    ok = "ok" if max(differences) <= 1e-9 else "NOT ok"
    console.print(f"Largest difference in position, 400 discs, 50 steps: {max(differences):.2e} µm (1e-9: {ok}).")
    console.print(f"Ratio to Mesa of at least 1000: {'ok' if ratios['Mesa'] >= 1000 else 'NOT ok'}.")
    peak, rate = memory()
    console.print(
        f"A million spheres with all rules: {rate:.4g} cell updates/s, peak memory of the process "
        f"{peak / GIBIBYTE:.3f} GiB (1 GiB: {'ok' if peak <= GIBIBYTE else 'NOT ok'})."
    )
    console.print(f"First call, compiling or loading from the cache: {first_call:.2f} s.")
    console.print(
        f"Core taken by others: {median(load):.0%} (median of {rounds}), load average {os.getloadavg()[0]:.2f}."
    )


if __name__ == "__main__":
    main()
