"""A front of cells that fills a strip: how fast, beside an independent program and the Fisher speed of the lattice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, cosh, hypot, log, sqrt

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

import eqfree as ef
from agents.cells import CellType, LatticeCells, Sites
from eqfree.ensemble import Key
from eqfree.scenario import Context

__all__ = ["Front", "fisher_speed", "follow_fronts", "front_checks", "front_table"]

_WIDTH, _FILLED = 100, 20  # of the strip, and up to where it is full at the start (cells)
_WINDOWS = {1.0: (40.0, 150.0), 10.0: (20.0, 80.0)}
_KNOWN = {1.0: ef.Value(0.9945, 0.010451), 10.0: ef.Value(2.703792, 0.039162)}
_SOURCE = "independent program, 4 seeds, same strip and window; four combined standard errors"
_ROOM, _AHEAD = 1.2, 40  # of the Fisher speed, and cells beyond


@dataclass(frozen=True)
class Front:
    """How fast a front goes over a window of time, in cells and mean times between divisions.

    Attributes
    ----------
    ratio
        Of motility to proliferation.
    window
        First and last time.
    speed
        From how fast cells become more.
    cost
        Of all replicas.
    """

    ratio: float
    window: tuple[float, float]
    speed: ef.Value
    cost: ef.Cost

    @property
    def transient(self) -> float:
        """By how much a front is slower than in the long run: (3/2) sqrt(D / λ) ln(T2 / T1) / (T2 - T1).

        M. Bramson, Mem. Am. Math. Soc. 44 (1983) no. 285, doi:10.1090/memo/0285.

        >>> round(Front(10.0, (20.0, 80.0), ef.Value(2.7), ef.Cost()).transient, 4)
        0.0548
        """
        first, last = self.window
        return 1.5 * sqrt(self.ratio / 4) * log(last / first) / (last - first)


def fisher_speed(ratio: float) -> float:
    """min over g of [1 + D (2 cosh g - 2)] / g with D = ratio / 4: the front of the mean-field law on the lattice.

    >>> round(fisher_speed(4.0), 6)
    2.073445
    """
    found = minimize_scalar(
        lambda g: (1 + ratio / 4 * (2 * cosh(g) - 2)) / g,
        bounds=(1e-2, 10.0),
        method="bounded",
        options={"xatol": 1e-9},
    )
    return float(found.fun)


def follow_fronts(ratios: Sequence[float], replicas: int, context: Context, seed: int, key: Key) -> list[Front]:
    """Fronts into an empty strip, from its filled end."""
    return [
        _follow(ratio, replicas, context, seed, (*key, number))
        for number, ratio in enumerate(context.track(ratios, "fronts"))
    ]


def _follow(ratio: float, replicas: int, context: Context, seed: int, key: Key) -> Front:
    window = _WINDOWS.get(ratio, (20.0, 80.0))
    columns = _FILLED + ceil(_ROOM * fisher_speed(ratio) * window[1]) + _AHEAD
    model = LatticeCells(Sites((columns, _WIDTH), periodic=(False, True)), (CellType(ratio, 1.0),))
    start = (np.arange(columns) < _FILLED).astype(np.float64)[np.newaxis]
    stepper = ef.CoarseTimeStepper(model, replicas, executor=context.executor, seed=seed)
    burst = stepper.burst(start, window, key, samples=True)
    assert burst.samples is not None
    filled = burst.samples.sum(axis=(2, 3))
    speeds = (filled[:, 1] - filled[:, 0]) / (window[1] - window[0])
    stderr = float(speeds.std(ddof=1) / sqrt(replicas))
    return Front(ratio, window, ef.Value(float(speeds.mean()), stderr), burst.cost)


def front_table(fronts: Sequence[Front]) -> pd.DataFrame:
    """A row a front: its speed, what the transient takes, and both together over the Fisher speed of the lattice."""
    rows = [
        {
            "ratio": front.ratio,
            "speed": front.speed.value,
            "stderr": front.speed.stderr,
            "transient": front.transient,
            "fisher_speed": fisher_speed(front.ratio),
            "corrected_over_fisher": (front.speed.value + front.transient) / fisher_speed(front.ratio),
        }
        for front in fronts
    ]
    columns = ["ratio", "speed", "stderr", "transient", "fisher_speed", "corrected_over_fisher"]
    return pd.DataFrame(rows, columns=columns)


def front_checks(fronts: Sequence[Front]) -> Iterator[ef.Check]:
    """Those whose speed is known."""
    for front in fronts:
        if front.ratio in _KNOWN:
            known = _KNOWN[front.ratio]
            yield ef.Check(
                f"front, motility {front.ratio:g} times proliferation: speed (cells per time)",
                front.speed.value,
                known.value,
                4 * hypot(front.speed.stderr, known.stderr),
                _SOURCE,
                stderr=front.speed.stderr,
            )
