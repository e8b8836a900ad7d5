"""The direct method as one would write it down, and master equations solved as linear systems."""

from collections.abc import Sequence
from math import log, prod

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.stats import chi2

from agents.molecules import Network


def propensity(network: Network, reaction: int, counts: list[int], volume: float) -> float:
    """k Ω Π n (n - 1) ... / Ω^m."""
    taken = network.reactants[reaction].tolist()
    groups = prod(n - q for n, m in zip(counts, taken, strict=True) for q in range(m))
    return float(network.rates[reaction] * groups * volume ** (1.0 - sum(taken)))


def gillespie(network: Network, counts: list[int], volume: float, duration: float, rng: Generator) -> list[int]:
    """Gillespie, J. Phys. Chem. 81 (1977) 2340."""
    counts, time, change = list(counts), 0.0, network.change.tolist()
    while True:
        propensities = [propensity(network, r, counts, volume) for r in range(len(network.names))]
        total = sum(propensities)
        if total == 0:
            return counts
        time -= log(1 - rng.random()) / total
        if time > duration:
            return counts
        left, reaction = rng.random() * total, 0
        while left >= propensities[reaction]:
            left -= propensities[reaction]
            reaction += 1
        counts = [n + made for n, made in zip(counts, change[reaction], strict=True)]


def master_equation(
    network: Network, volume: float, states: Sequence[tuple[int, ...]], start: tuple[int, ...], duration: float
) -> NDArray[np.float64]:
    """Probabilities of the states after ``duration``, by the exponential of the generator; the states are closed."""
    place = {state: i for i, state in enumerate(states)}
    generator = np.zeros((len(states), len(states)))
    for state, i in place.items():
        for r, made in enumerate(network.change.tolist()):
            rate = propensity(network, r, list(state), volume)
            if rate > 0:
                generator[place[tuple(n + m for n, m in zip(state, made, strict=True))], i] += rate
                generator[i, i] -= rate
    probabilities: NDArray[np.float64] = expm(generator * duration)[:, place[start]]
    return probabilities


def chi_square_probability(observed: NDArray[np.int64], probabilities: NDArray[np.float64]) -> float:
    """Of so large a Pearson χ² by chance; neighbouring classes are joined until five are expected in each."""
    expected = probabilities * observed.sum()
    classes: list[tuple[float, float]] = []
    seen, awaited = 0.0, 0.0
    for one, other in zip(observed, expected, strict=True):
        seen, awaited = seen + one, awaited + other
        if awaited >= 5:
            classes.append((seen, awaited))
            seen, awaited = 0.0, 0.0
    classes[-1] = (classes[-1][0] + seen, classes[-1][1] + awaited)
    statistic = sum((one - other) ** 2 / other for one, other in classes)
    return float(chi2.sf(statistic, len(classes) - 1))
