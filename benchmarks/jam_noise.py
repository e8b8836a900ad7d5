"""Twenty intervals of the fold of a noisy traffic jam: `make bench NAME=jam_noise`.

The fold over σ with noise 3e-3 in the accelerations is solved for under twenty sets of random numbers, 32 populations
each, from one branch without noise. Each set's 95 % interval comes from its own replicas; how many of them cover the
fold that 100 times the replicas have is what a confidence interval promises. Takes minutes.
"""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from eqfree.scenario import Context
from scenarios.traffic_jam import reference
from scenarios.traffic_jam.ring import Ring
from scenarios.traffic_jam.settings import Settings
from scenarios.traffic_jam.sigma import follow_sigma, resolve_fold

__all__ = ["main"]

_SETS = 20
_THREADS = 2


def main() -> None:
    """Solve for the fold under all sets, and print their intervals."""
    console = Console()
    settings = Settings(coarse="sigma", noise=reference.NOISE, key_sets=_SETS)
    ring = Ring(settings, executor=_THREADS)
    context = Context(_THREADS, lambda items, label: track(items, label, console=console, transient=True))
    events = resolve_fold(ring, follow_sigma(ring, context), context)
    exact, error = reference.NOISY_FOLD
    table = Table("set", "v0", "standard error", "low", "high", "covers", title=f"v0 = {exact:.7f} ± {error:.1g}")
    covered = 0
    halves: list[float] = []
    for number, event in enumerate(events):
        low, high = event.interval()
        covers = low <= exact <= high
        covered += covers
        halves.append((high - low) / 2)
        table.add_row(
            f"{number}", f"{event.parameter:.6f}", f"{event.stderr:.2g}", f"{low:.6f}", f"{high:.6f}", str(covers)
        )
    console.print(table)
    estimates = np.array([event.parameter for event in events])
    console.print(
        f"{covered} of {_SETS} cover; widest half {max(halves):.3g}; the sets spread by {estimates.std(ddof=1):.3g}, "
        f"their replicas predict {np.mean([event.stderr for event in events]):.3g}"
    )


if __name__ == "__main__":
    main()
