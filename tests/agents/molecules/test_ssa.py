"""Values: exact distributions; master equations by matrix exponential; the direct method as specified in Python."""

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.stats import ks_2samp, poisson

from agents.molecules import (
    Direct,
    Method,
    Molecules,
    Network,
    RandomTimeChange,
    Tables,
    TauLeaping,
    passage_time,
    path,
    read_network,
)
from tests.agents.molecules.specification import chi_square_probability, gillespie, master_equation

EXACT = [Direct(), RandomTimeChange()]
BIRTH_AND_DEATH = Network.parse("0 -> X, k=30\nX -> 0, k=2")
DIMERS = Network.parse("2A <-> B, k=1, k_back=3")
SCHLOGL = Network.parse("2X -> 3X, k=3\n3X -> 2X, k=0.6\n0 -> X, k=0.25\nX -> 0, k=2.7")
every_exact_method = pytest.mark.parametrize("method", EXACT, ids=["direct", "random time change"])


def final_counts(
    method: Method, network: Network, volume: float, start: list[int], duration: float, runs: int
) -> NDArray[np.int64]:
    tables, molecules = Tables.of(network, volume), Molecules.of(start, len(network.names))
    return np.array([method.advance(tables, molecules, duration, default_rng(seed)).counts for seed in range(runs)])


@pytest.mark.slow
@every_exact_method
def test_birth_and_death_from_nobody_is_poisson_at_all_times(method: Method) -> None:
    """Exact: n(t) ~ Poisson(15 (1 - exp(-2 t)))."""
    for duration in (0.2, 5.0):
        counts = final_counts(method, BIRTH_AND_DEATH, 1.0, [0], duration, 4000)[:, 0]
        law = poisson.pmf(np.arange(60), 15 * (1 - np.exp(-2 * duration)))
        assert chi_square_probability(np.bincount(counts, minlength=60), law) > 1e-3


@pytest.mark.parametrize("method", [*EXACT, TauLeaping()], ids=["direct", "random time change", "tau-leaping"])
def test_a_few_dimers_follow_the_master_equation(method: Method) -> None:
    states = [(11 - 2 * pairs, pairs) for pairs in range(6)]
    law = master_equation(DIMERS, 5.0, states, (11, 0), 0.4)
    pairs = final_counts(method, DIMERS, 5.0, [11, 0], 0.4, 4000)[:, 1]
    assert chi_square_probability(np.bincount(pairs, minlength=6), law) > 1e-3


NINE = """A + E -> B + E, k=1
B -> A, k=0.5
A + B -> C, k=1
C -> 2A, k=0.3
2A + B -> 3A, k=2
3A -> C + A, k=1
2B -> D, k=0.4
D -> A + B, k=0.6
D + E -> D + E, k=1"""


@pytest.mark.parametrize("method", [*EXACT, TauLeaping()], ids=["direct", "random time change", "tau-leaping"])
def test_nine_reactions_follow_the_master_equation(method: Method) -> None:
    """Too many to be taken anew after each; a catalyst, three of a kind and one that changes nothing."""
    network, start = Network.parse(NINE), (4, 1, 2, 0, 2)
    assert network.species == ("A", "E", "B", "C", "D")
    states = [
        (a, 1, 10 - a - 2 * c - 2 * d, c, d) for c in range(6) for d in range(6 - c) for a in range(11 - 2 * c - 2 * d)
    ]
    law = master_equation(network, 3.0, states, start, 0.6)
    place = {state: i for i, state in enumerate(states)}
    ends = final_counts(method, network, 3.0, list(start), 0.6, 3000)
    seen = np.bincount([place[tuple(end)] for end in ends.tolist()], minlength=len(states))
    assert chi_square_probability(seen, law) > 1e-3


@pytest.fixture(scope="module")
def specified() -> NDArray[np.int64]:
    network = read_network("brusselator")
    return np.array([gillespie(network, [20, 60], 20.0, 2.0, default_rng([7, seed])) for seed in range(400)])


@pytest.mark.slow
@every_exact_method
def test_a_kernel_does_what_the_specification_says(method: Method, specified: NDArray[np.int64]) -> None:
    compiled = final_counts(method, read_network("brusselator"), 20.0, [20, 60], 2.0, 2000)
    for species in (0, 1):
        assert ks_2samp(specified[:, species], compiled[:, species]).pvalue > 1e-3


@pytest.mark.parametrize("method", [*EXACT, TauLeaping()], ids=["direct", "random time change", "tau-leaping"])
def test_counts_are_what_the_firings_make(method: Method) -> None:
    network = read_network("michaelis_menten").with_rates({"bind_back": 0.05})
    tables, molecules = Tables.of(network, 6e8), Molecules.of([120, 300, 0, 0], 3)
    for seed in range(20):
        after = method.advance(tables, molecules, 20.0, default_rng(seed))
        assert np.array_equal(after.counts, molecules.counts + after.firings @ network.change)
        assert np.array_equal(network.conserved @ after.counts, [120, 300])
        assert (after.counts >= 0).all()
        assert after.firings.sum() > 50


def test_the_time_integral_is_that_of_the_path() -> None:
    """One molecule that decays: the integral is when it did, which the same noise says elsewhere."""
    tables = Tables.of(Network.parse("X -> 0, k=1"), 1.0)
    for seed in range(20):
        after = Direct().advance(tables, Molecules.of([1], 1), 100.0, default_rng(seed))
        assert after.integral[0] == pytest.approx(passage_time(tables, [1], 0, 0, default_rng(seed)), rel=1e-12)


@every_exact_method
def test_the_mean_time_integral_is_exact(method: Method) -> None:
    """Exact: ∫ 15 (1 - exp(-2 t)) dt from 0 to 1 = 15 - 7.5 (1 - exp(-2))."""
    tables, nobody = Tables.of(BIRTH_AND_DEATH, 1.0), Molecules.of([0], 2)
    integrals = np.array([method.advance(tables, nobody, 1.0, default_rng(seed)).integral[0] for seed in range(4000)])
    expected = 15 - 7.5 * (1 - np.exp(-2))
    assert abs(integrals.mean() - expected) < 4 * integrals.std(ddof=1) / np.sqrt(4000)


def test_time_integral_and_firings_go_on_from_burst_to_burst() -> None:
    tables, rng = Tables.of(BIRTH_AND_DEATH, 1.0), default_rng(0)
    first = Direct().advance(tables, Molecules.of([40], 2), 1.0, rng)
    second = Direct().advance(tables, first, 2.0, rng)
    assert second.time == 3.0
    assert second.firings[0] - second.firings[1] == second.counts[0] - 40
    assert 0 < first.integral[0] < second.integral[0]


@every_exact_method
def test_nothing_happens_where_nothing_can(method: Method) -> None:
    tables = Tables.of(Network.parse("2X -> 0, k=1"), 1.0)
    after = method.advance(tables, Molecules.of([5], 1), 1e6, default_rng(0))
    assert after.counts.tolist() == [1]
    assert after.firings.tolist() == [2]
    still = method.advance(tables, after, 2.0, default_rng(0))
    assert still.counts.tolist() == [1]
    assert still.integral[0] - after.integral[0] == 2.0


@pytest.mark.parametrize("method", [*EXACT, TauLeaping()], ids=["direct", "random time change", "tau-leaping"])
def test_same_generator_same_bits(method: Method) -> None:
    tables, molecules = Tables.of(SCHLOGL, 100.0), Molecules.of([103], 4)
    runs = [method.advance(tables, molecules, 3.0, default_rng(seed)) for seed in (5, 5, 6)]
    assert np.array_equal(runs[0].integral, runs[1].integral)
    assert not np.array_equal(runs[0].integral, runs[2].integral)
    assert molecules.counts.tolist() == [103]


def test_a_path_passes_where_a_burst_ends() -> None:
    tables = Tables.of(SCHLOGL, 100.0)
    counts = path(tables, [103], [0.0, 0.0, 2.0, 4.0], default_rng(3))
    assert counts.shape == (4, 1)
    assert counts[:2].tolist() == [[103], [103]]
    end = Direct().advance(tables, Molecules.of([103], 4), 2.0, default_rng(3)).counts
    assert path(tables, [103], [2.0], default_rng(3))[0] == end
    with pytest.raises(ValueError, match="`times` must ascend"):
        path(tables, [103], [1.0, 0.5], default_rng(3))


def test_a_passage_may_never_come() -> None:
    tables = Tables.of(Network.parse("X -> 0, k=1"), 1.0)
    assert passage_time(tables, [3], 0, 3, default_rng(0)) == 0.0
    assert passage_time(tables, [3], 0, 4, default_rng(0)) == np.inf
    assert passage_time(tables, [1000], 0, 0, default_rng(0), longest=1e-3) == np.inf


def test_negative_and_broken_counts_are_refused() -> None:
    for wrong in ([-1], [0.5], [np.nan]):
        with pytest.raises(ValueError, match="whole numbers, not negative"), np.errstate(invalid="ignore"):
            Molecules.of(wrong, 1)
    with pytest.raises(ValueError, match="`volume` must be positive: got 0"):
        Tables.of(SCHLOGL, 0.0)


COUPLED = [
    # From an independent program, 8000 pairs: duration, h, variance without coupling, one stream, one per reaction.
    (0.1, 2, 10.15, 0.917, 0.307),
    (0.1, 10, 0.4, 0.135, 0.063),
    (0.5, 2, 108.8, 10.2, 2.6),
    (0.5, 10, 4.56, 1.65, 0.81),
]


@pytest.mark.slow
@pytest.mark.parametrize(("duration", "h", "independent", "one_stream", "stream_each"), COUPLED)
def test_a_stream_per_reaction_couples_as_tightly_as_published(
    duration: float, h: int, independent: float, one_stream: float, stream_each: float
) -> None:
    """Variance of a central difference at 103 molecules of the bistable network, volume 100."""
    pairs, published, tables = 1000, 8000, Tables.of(SCHLOGL, 100.0)

    def slopes(method: Method, salts: tuple[int, int]) -> NDArray[np.float64]:
        ends = [
            [
                method.advance(tables, Molecules.of([103 + sign * h], 4), duration, default_rng([salt, pair])).counts[0]
                for pair in range(pairs)
            ]
            for sign, salt in zip((1, -1), salts, strict=True)
        ]
        return np.subtract(ends[0], ends[1], dtype=np.float64) / (2 * h)

    means = []
    for method, salts, expected in (
        (Direct(), (1, 2), independent),
        (Direct(), (3, 3), one_stream),
        (RandomTimeChange(), (4, 4), stream_each),
    ):
        slope = slopes(method, salts)
        deviation = (slope - slope.mean()) ** 2
        error = deviation.std() * np.sqrt(1 / pairs + 1 / published)  # of the difference of both variances
        rounding = 0.5 * 10.0 ** (np.floor(np.log10(expected)) - 2)
        assert abs(deviation.mean() - expected) < 4 * error + rounding
        means.append((slope.mean(), deviation.mean() / pairs))
    for mean, variance in means[1:]:  # coupled and independent differences agree
        assert abs(mean - means[0][0]) < 4 * np.sqrt(variance + means[0][1])
