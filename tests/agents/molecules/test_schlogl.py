"""Schlögl's model: stationary law by detailed balance, passage times by the recurrence of birth-death chains.

The figures with fourteen digits are from an independent program, in 40-digit arithmetic.
"""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from agents.molecules import Direct, Molecules, Network, Tables, passage_time, read_network
from tests.agents.molecules.specification import chi_square_probability

STANDARD = read_network("schlogl")
SMALL = Network.parse("2X -> 3X, k=3\n3X -> 2X, k=0.6\n0 -> X, k=0.25\nX -> 0, k=2.95")


def standard_birth(n: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.015 * n * (n - 1) + 200


def standard_death(n: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1e-4 / 6 * n * (n - 1) * (n - 2) + 3.5 * n


def stationary_law(largest: int) -> NDArray[np.float64]:
    """p(n) = p(n - 1) birth(n - 1) / death(n)."""
    n = np.arange(largest + 1.0)
    log_law = np.concatenate(([0.0], np.cumsum(np.log(standard_birth(n[:-1]) / standard_death(n[1:])))))
    law = np.exp(log_law - log_law.max())
    return np.asarray(law / law.sum())


def mean_passage_up(birth: Callable[[float], float], death: Callable[[float], float], start: int, target: int) -> float:
    """Sum over n of t_n, the mean time from n to n + 1: t_n = (1 + death(n) t_{n-1}) / birth(n)."""
    times = [1 / birth(0)]
    for n in range(1, target):
        times.append((1 + death(n) * times[-1]) / birth(n))
    return sum(times[start:target])


def test_the_carried_network_has_the_usual_rates() -> None:
    n = np.arange(5.0) * 100
    propensities = STANDARD.propensities(n[:, None], 1.0)
    assert propensities[:, [0, 2]].sum(axis=1) == pytest.approx(standard_birth(n), rel=1e-12)
    assert propensities[:, [1, 3]].sum(axis=1) == pytest.approx(standard_death(n), rel=1e-12)


def test_the_exact_law_is_that_of_the_reference() -> None:
    law = stationary_law(1500)
    assert law[:256].sum() == pytest.approx(0.22026028205755, rel=1e-11)
    assert law @ np.arange(1501) == pytest.approx(454.8613478979, rel=1e-11)


@pytest.mark.slow
def test_the_exact_stationary_law_stays_what_it_is() -> None:
    """After 4: within either state what deviates dies at the rate 0.78 or faster (spectrum of the chain)."""
    law, runs = stationary_law(1500), 750
    starts = default_rng(1).choice(1501, size=runs, p=law)
    tables = Tables.of(STANDARD, 1.0)
    ends = np.array(
        [
            Direct().advance(tables, Molecules.of([start], 4), 4.0, default_rng([2, run])).counts[0]
            for run, start in enumerate(starts)
        ]
    )
    assert (ends != starts).mean() > 0.9
    for counts in (starts, ends):
        assert chi_square_probability(np.bincount(counts, minlength=1501), law) > 1e-3


def test_the_recurrence_gives_the_passage_time_of_the_reference() -> None:
    exact = mean_passage_up(
        lambda n: 0.015 * n * (n - 1) + 200, lambda n: 1e-4 / 6 * n * (n - 1) * (n - 2) + 3.5 * n, 85, 567
    )
    assert exact == pytest.approx(50307.765398999, rel=1e-10)


def test_first_passages_take_as_long_as_the_recurrence_says() -> None:
    """A small bistable set in the volume 10: from the lower state over the threshold to the upper one."""
    volume, start, target, runs = 10.0, 1, 30, 600
    exact = mean_passage_up(
        lambda n: 3 * n * (n - 1) / volume + 0.25 * volume,
        lambda n: 0.6 * n * (n - 1) * (n - 2) / volume**2 + 2.95 * n,
        start,
        target,
    )
    tables = Tables.of(SMALL, volume)
    times = np.array([passage_time(tables, [start], 0, target, default_rng(seed)) for seed in range(runs)])
    error = times.std(ddof=1) / np.sqrt(runs)
    assert abs(times.mean() - exact) < 4 * error
    assert error < 0.05 * exact
