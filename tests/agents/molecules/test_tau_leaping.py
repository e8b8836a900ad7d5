"""Values: the mean of Euler's scheme for decay, which is what leaps of a constant step are; exact simulation."""

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from agents.molecules import Direct, Method, Molecules, Network, Tables, TauLeaping, read_network

DECAY = Network.parse("X -> 0, k=1")


@pytest.mark.parametrize("tolerance", [0.2, 0.05])
def test_decay_leaps_by_the_tolerance(tolerance: float) -> None:
    """The paper's step is ε/k for decay, so that the mean after 1/ε leaps is n (1 - ε)^(1/ε), exactly."""
    runs, start, steps = 400, 10**6, round(1 / tolerance)
    tables, molecules = Tables.of(DECAY, 1.0), Molecules.of([start], 1)
    after = [TauLeaping(tolerance).advance(tables, molecules, 1.0, default_rng(seed)).counts[0] for seed in range(runs)]
    expected = start * (1 - tolerance) ** steps
    assert abs(np.mean(after) - expected) < 4 * np.std(after, ddof=1) / np.sqrt(runs)


def test_the_time_integral_takes_the_middle_of_every_leap() -> None:
    """Trapezoids over the mean of the five leaps of 0.2."""
    runs, start = 400, 10**6
    tables, molecules = Tables.of(DECAY, 1.0), Molecules.of([start], 1)
    after = [TauLeaping(0.2).advance(tables, molecules, 1.0, default_rng(seed)).integral[0] for seed in range(runs)]
    means = start * 0.8 ** np.arange(6)
    expected = 0.2 * (means.sum() - (means[0] + means[-1]) / 2)
    assert abs(np.mean(after) - expected) < 4 * np.std(after, ddof=1) / np.sqrt(runs)


@pytest.mark.slow
def test_mean_and_variance_are_those_of_exact_simulation() -> None:
    network, runs = read_network("brusselator").with_rates({"convert": 1.5}), 200
    tables, molecules = Tables.of(network, 1e4), Molecules.of([15000, 10000], 4)

    def ends(method: Method, salt: int) -> NDArray[np.int64]:
        return np.array(
            [method.advance(tables, molecules, 4.0, default_rng([salt, run])).counts for run in range(runs)]
        )

    leapt, exact = ends(TauLeaping(0.004), 1), ends(Direct(), 2)
    squares = [(counts - counts.mean(axis=0)) ** 2 for counts in (leapt, exact)]
    for one, other in ((leapt, exact), squares):
        error = np.sqrt((one.var(axis=0) + other.var(axis=0)) / runs)
        assert (np.abs(one.mean(axis=0) - other.mean(axis=0)) < 4 * error).all()


def test_leaps_never_make_numbers_negative() -> None:
    network = Network.parse("A + B -> C, k=1\nC -> A + B, k=0.2\n2C -> D, k=0.5\nB -> E, k=0.3")
    tables, molecules = Tables.of(network, 100.0), Molecules.of([100000, 60, 0, 0, 0], 4)
    for seed in range(100):
        after = TauLeaping(0.3).advance(tables, molecules, 1.0, default_rng(seed))
        assert (after.counts >= 0).all()
        assert np.array_equal(network.conserved @ after.counts, network.conserved @ molecules.counts)


def test_broken_options_are_refused() -> None:
    unread: Any = np.nan
    with pytest.raises(ValueError, match=r"`tolerance` must be in \(0, 1\): got 0"):
        TauLeaping(0.0)
    with pytest.raises(ValueError, match="`critical` must be at least 1: got 0"):
        TauLeaping(critical=0)
    with pytest.raises(ValueError, match="`critical` must be at least 1: got nan"):
        TauLeaping(critical=unread)
