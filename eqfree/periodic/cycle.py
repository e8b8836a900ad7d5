"""What is read of a cycle that is known: its period, its path, its extremes."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble import Key
from eqfree.fields import OutOfBoundsError
from eqfree.periodic.section import Orbiting, Section
from eqfree.results import Cost
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Cycle", "read_cycle"]

Array: TypeAlias = NDArray[np.float64]

_PHASES = 201  # of a path
_LONG = 1.8  # periods within which nearly all replicas come back


@dataclass(frozen=True, eq=False)
class Cycle:
    """A period with its standard error, and the path over it.

    Attributes
    ----------
    period, period_stderr, degrees
        Mean time of a return; of freedom behind the standard error.
    times : (time,)
    path, stderr : (time, ...)
        The mean over replicas at equal phases, and its standard error.
    cost
        What it took.
    """

    period: float
    period_stderr: float
    degrees: float
    times: Array
    path: Array
    stderr: Array
    cost: Cost


def read_cycle(
    stepper: CoarseTimeStepper, lifted: Array, period: float, key: Key, section: Section | None, returns: int
) -> Cycle:
    """The cycle through a macro state that is lifted on it, of about this period, which is exact without a section.

    With one, all replicas make ``returns`` returns; a noisy one is first let make one that is thrown away, so that the
    section is crossed as it is in the long run.

    Raises
    ------
    OutOfBoundsError
        If no replica comes back.
    """
    if section is None:
        times = np.linspace(0.0, period, _PHASES)
        burst = stepper.burst(lifted, stepper.healing + times, key)
        return Cycle(period, 0.0, inf, times, burst.mean, burst.stderr, burst.cost)
    thrown = 0 if stepper.deterministic and stepper.healing == 0 else 1
    made = section.of(stepper, period).burst(
        lifted, thrown + np.arange(returns + 1.0), (*key, 0), observe=_return_time, samples=True
    )
    assert made.observed is not None  # asked for
    assert made.observed.samples is not None
    means = made.observed.samples.mean(axis=1)
    stderr = float(means.std(ddof=1)) / sqrt(len(means)) if len(means) > 1 else 0.0
    mean = float(means.mean())
    instants = section.sampling * np.arange(ceil((thrown + _LONG) * mean / section.sampling) + 1)
    burst = stepper.burst(lifted, instants, (*key, 1), samples=True)
    assert burst.samples is not None
    cycles = [_one_cycle(np.asarray(instants), sample, section, thrown) for sample in burst.samples]
    paths = [path for path in cycles if path is not None]
    if not paths:
        raise OutOfBoundsError(f"The population must come back to the section: got none within {instants[-1]:g}.")
    count = len(paths)
    spread = np.std(paths, axis=0, ddof=1) / sqrt(count) if count > 1 else np.zeros_like(paths[0])
    spent = Cost(made.cost.bursts, made.cost.micro_time * mean, made.cost.agent_updates, made.cost.wall)
    return Cycle(
        period=mean,
        period_stderr=stderr,
        degrees=inf if stepper.deterministic else len(means) - 1,
        times=np.linspace(0.0, mean, _PHASES),
        path=np.mean(paths, axis=0),
        stderr=np.asarray(spread),
        cost=spent + burst.cost,
    )


def _return_time(before: Orbiting, after: Orbiting, _: float) -> Array:
    return np.array(after.crossing - before.crossing)


def _one_cycle(times: Array, path: Array, section: Section, thrown: int) -> Array | None:
    """One replica over one of its own periods, (phase, ...); None if it has not come back."""
    heights = np.array([section.above(macro) for macro in path])
    crossings, armed = [0.0], False
    for number in range(1, len(heights)):
        if armed and heights[number - 1] < 0 <= heights[number]:
            share = heights[number - 1] / (heights[number - 1] - heights[number])
            crossings.append(float(times[number - 1] + share * (times[number] - times[number - 1])))
            armed = False
        armed = armed or heights[number] <= -section.depth
    if len(crossings) < thrown + 2:
        return None
    from scipy.interpolate import make_interp_spline

    along = np.linspace(crossings[thrown], crossings[thrown + 1], _PHASES)
    return np.asarray(make_interp_spline(times, path, k=1)(along))
