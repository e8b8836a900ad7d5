"""What is known of growing cells: the logistic law of independent sites, a line without motility, and simulations."""

from __future__ import annotations

from math import exp, floor

import numpy as np
from scipy.stats import poisson

import eqfree as ef

__all__ = [
    "PAIR_FACTORS",
    "SIMULATED",
    "SIMULATED_SOURCE",
    "line_from_equal_distances",
    "line_from_independent",
    "logistic",
]

SIMULATED_SOURCE = "independent program, 20 squares of 100 × 100"
SIMULATED = {1.0: ef.Value(0.50787, 0.003041), 10.0: ef.Value(0.673865, 0.003544), 100.0: ef.Value(0.726333, 0.004001)}
"""Ratio of motility to proliferation -> density at time 4 from independent sites at 0.05 (`SIMULATED_SOURCE`)."""
PAIR_FACTORS = {1.0: 1.3367, 10.0: 1.0416}
"""The pair factors there."""


def logistic(density: float, time: float) -> float:
    """dc/dt = c (1 - c) from a density, over a time in mean times between divisions.

    >>> round(logistic(0.05, 4.0), 4)
    0.7418
    """
    return density * exp(time) / (1 + density * (exp(time) - 1))


def line_from_independent(density: float, time: float) -> float:
    """1 - (1 - c) exp(-c t): cells on a line that only divide, from independent sites.

    A free site at the time t is one that was free, and that neither end of its gap has reached: the distances to the
    nearest cells on either side are geometric, and each end moves inwards as a Poisson process of rate 1/2.

    >>> round(line_from_independent(0.05, 10.0), 4)
    0.4238
    """
    return 1 - (1 - density) * exp(-density * time)


def line_from_equal_distances(density: float, time: float) -> float:
    """The same from cells at equal distances, as systematic sampling along a line places them.

    A gap of g free sites closes from both ends, at the rate 1/2 each: g - N of it are free with N a Poisson number of
    mean t, none if that is negative. Distances of 1 / c that are no whole number are rounded down or up, so that their
    mean is that.

    >>> round(line_from_equal_distances(0.05, 10.0), 4)
    0.5497
    """
    shorter, more = floor(1 / density + 1e-9), 1 / density - floor(1 / density + 1e-9)
    free = 0.0
    for gap, share in ((shorter - 1, 1 - more), (shorter, more)):
        met = np.arange(gap)
        free += share * float((gap - met) @ poisson.pmf(met, time))
    return 1 - density * free
