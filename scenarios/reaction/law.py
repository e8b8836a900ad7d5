"""The law of molecules that settle in either of two states: exact, and after a while of exact simulation."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pandas as pd
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray
from scipy.stats import chi2

import eqfree as ef
from agents.molecules import Molecules, Network, WellMixed, read_network
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.reaction.settings import Settings

__all__ = ["chi_square_probability", "run_law", "stationary_law"]

Array = NDArray[np.float64]

_VOLUME, _LARGEST = 1.0, 1500  # beyond so many molecules there is less than 1e-14 of the law
_DURATION = 10.0
_MEAN = 454.8613478979
_LEAST = 5.0  # expected in a bin
_REJECTED = 1e-3


def run_law(settings: Settings, context: Context) -> Part:
    """Populations drawn from the exact stationary law of schlogl, which a while of simulation must leave as it is.

    Molecules stay for a hundred thousand times in one of the two states: a population drawn in one ends in it, but
    its number is another one. Table: ``law`` (from and to how many molecules, expected and found share).
    """
    model = WellMixed(read_network("schlogl"), _VOLUME)
    law = stationary_law(model.network, _VOLUME, _LARGEST)
    rng = Generator(PCG64(SeedSequence(settings.seed, spawn_key=(3,))))
    starts = rng.choice(len(law), size=settings.populations, p=law)
    stepper = ef.CoarseTimeStepper(model, replicas=settings.populations, executor=context.executor, seed=settings.seed)
    reactions = len(model.network.names)
    packed = tuple(model.pack(Molecules.of([start], reactions)) for start in starts)
    packed, reading = stepper.advance(packed, _DURATION, (3,))
    ends = np.array([one["counts"][0] for one in packed])
    found = np.bincount(ends, minlength=len(law))[: len(law)]
    bins = _bins(law * len(ends))
    probability = chi_square_probability(found, law)
    mean, stderr = float(ends.mean()), float(ends.std(ddof=1)) / sqrt(len(ends))
    table = pd.DataFrame(
        {
            "from": bins,
            "to": np.append(bins[1:], len(law)) - 1,
            "expected": np.add.reduceat(law, bins),
            "found": np.add.reduceat(found, bins) / len(ends),
        }
    )
    checks = [
        ef.Check(
            f"chi-square probability of {len(ends)} populations after {_DURATION:g}",
            probability,
            _REJECTED,
            0.0,
            "detailed balance: the law that they were drawn from is stationary",
            relation=ef.Relation.AT_LEAST,
        ),
        ef.Check(
            "mean number of molecules",
            mean,
            _MEAN,
            4.0,
            "detailed balance, 40-digit arithmetic",
            relation=ef.Relation.COVERS,
            stderr=stderr,
        ),
    ]
    return Part({"law": table}, {"schlogl_mean": ef.Value(mean, stderr)}, checks, cost=reading.cost)


def stationary_law(network: Network, volume: float, largest: int) -> Array:
    """The probability of 0, 1, ..., ``largest`` molecules of a single species that comes and goes one by one.

    Detailed balance, p(n) = p(n - 1) birth(n - 1) / death(n).

    Examples
    --------
    >>> stationary_law(Network.parse("0 <-> X, k=2, k_back=1"), volume=1.0, largest=40)[:3].round(6)  # Poisson
    array([0.135335, 0.270671, 0.270671])
    """
    numbers = np.arange(largest + 1)[:, np.newaxis]
    rates, change = network.propensities(numbers, volume), network.change[:, 0]
    birth, death = rates[:, change == 1].sum(axis=1), rates[:, change == -1].sum(axis=1)
    logarithm = np.concatenate(([0.0], np.cumsum(np.log(birth[:-1] / death[1:]))))
    law = np.exp(logarithm - logarithm.max())
    return np.asarray(law / law.sum())


def chi_square_probability(found: NDArray[np.int64], law: Array) -> float:
    """How probable counts as far from a law as these are, in neighbouring bins of five expected or more.

    Examples
    --------
    >>> chi_square_probability(np.array([30, 50, 20]), np.array([0.25, 0.5, 0.25])).__round__(4)
    0.3679
    """
    expected = law * found.sum()
    bins = _bins(expected)
    sums, counts = np.add.reduceat(expected, bins), np.add.reduceat(found, bins)
    return float(chi2.sf(((counts - sums) ** 2 / sums).sum(), len(bins) - 1))


def _bins(expected: Array) -> NDArray[np.int64]:
    """Where bins of five expected or more begin; what is left over belongs to the last."""
    beginnings, filled = [0], 0.0
    for place, share in enumerate(expected):
        filled += share
        if filled >= _LEAST and expected[place + 1 :].sum() >= _LEAST:
            beginnings.append(place + 1)
            filled = 0.0
    return np.array(beginnings)
