"""Values: stationary laws, modes of diffusion and master equations, all exact."""

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.stats import binom, poisson

from agents.molecules import Grid, Molecules, Network, Voxels, WellMixed, read_network
from tests.agents.molecules.specification import chi_square_probability, master_equation

INERT = Network.parse("X -> 0, k=0")
DIMERS = Network.parse("2A <-> B, k=1, k_back=3")


def test_neighbours_share_a_side() -> None:
    assert Grid((2, 3), 1.0).neighbours.tolist() == [
        [-1, 3, -1, 1],
        [-1, 4, 0, 2],
        [-1, 5, 1, -1],
        [0, -1, -1, 4],
        [1, -1, 3, 5],
        [2, -1, 4, -1],
    ]
    assert Grid((4,), 1.0, periodic=True).neighbours.tolist() == [[3, 1], [0, 2], [1, 3], [2, 0]]
    assert Grid((1, 2), 1.0, periodic=True).neighbours.tolist() == [[-1, -1, 1, 1], [-1, -1, 0, 0]]


@pytest.mark.parametrize("grid", [Grid((7,), 0.5), Grid((3, 4), 0.5, periodic=True)], ids=["line", "plane"])
def test_what_comes_and_goes_is_poisson_in_every_voxel(grid: Grid) -> None:
    """0 <-> X with diffusion: independent Poisson numbers of mean 6, stationary at once where they are at the start."""
    voxels = Voxels(Network.parse("0 <-> X, k=3, k_back=1"), 2.0, grid, {"X": 0.2})
    law, runs = poisson.pmf(np.arange(40), 6.0), 400
    counts = []
    for seed in range(runs):
        rng = default_rng(seed)
        start = Molecules.of(rng.poisson(6.0, (1, len(grid))), 2)
        counts.append(voxels.evolve(start, 1.5, rng).counts[0])
    numbers = np.array(counts)
    assert chi_square_probability(np.bincount(numbers.ravel(), minlength=40), law) > 1e-3
    correlation = np.corrcoef(numbers[:, 0], numbers[:, 1])[0, 1]
    assert abs(correlation) < 4 / np.sqrt(runs)


@pytest.mark.slow
def test_molecules_that_only_hop_are_multinomial_in_the_end() -> None:
    grid = Grid((3, 3), 1.0)
    voxels = Voxels(INERT, 1.0, grid, {"X": 1.0})
    start = Molecules.of([[20] + [0] * 8], 1)
    counts = np.array([voxels.evolve(start, 30.0, default_rng(seed)).counts[0] for seed in range(1500)])
    assert (counts.sum(axis=1) == 20).all()
    law = binom.pmf(np.arange(21), 20, 1 / 9)
    for v in (0, 4, 8):  # corner, middle, corner
        assert chi_square_probability(np.bincount(counts[:, v], minlength=21), law) > 1e-3


def amplitudes(voxels: Voxels, mode: NDArray[np.float64], duration: float, runs: int) -> NDArray[np.float64]:
    """Of a mode after ``duration``, in units of what it was."""
    macro = (1.0 + 0.5 * mode)[None]
    measured = []
    for seed in range(runs):
        micro = voxels.lift(macro, default_rng([1, seed]))
        start = voxels.restrict(micro)[0] @ mode
        measured.append(voxels.restrict(voxels.evolve(micro, duration, default_rng([2, seed])))[0] @ mode / start)
    return np.array(measured)


@pytest.mark.slow
def test_modes_of_a_line_decay_at_their_exact_rates() -> None:
    """exp(-2 D / h² (1 - cos(π k / n)) t) in the mean, whatever the number of molecules."""
    grid = Grid((12,), spacing=0.5)
    voxels = Voxels(INERT, 200.0, grid, {"X": 0.3})
    for k, duration in ((1, 4.0), (5, 0.4)):
        mode = np.cos(np.pi * k * (np.arange(12) + 0.5) / 12)
        expected = np.exp(-2 * 0.3 / 0.25 * (1 - np.cos(np.pi * k / 12)) * duration)
        measured = amplitudes(voxels, mode, duration, 100)
        assert abs(measured.mean() - expected) < 4 * measured.std(ddof=1) / 10
        assert measured.std(ddof=1) / 10 < 0.05 * expected


@pytest.mark.slow
def test_modes_of_a_periodic_plane_decay_at_their_exact_rates() -> None:
    grid = Grid((6, 8), spacing=0.5, periodic=True)
    voxels = Voxels(INERT, 200.0, grid, {"X": 0.3})
    along_x, along_y = np.arange(6)[:, None] * 2 * np.pi / 6, np.arange(8)[None] * 2 * np.pi / 8
    mode = np.cos(along_x + along_y).ravel()
    expected = np.exp(-2 * 0.3 / 0.25 * (2 - np.cos(2 * np.pi / 6) - np.cos(2 * np.pi / 8)) * 0.5)
    measured = amplitudes(voxels, mode, 0.5, 100)
    assert abs(measured.mean() - expected) < 4 * measured.std(ddof=1) / 10
    assert measured.std(ddof=1) / 10 < 0.05 * expected


def test_one_voxel_is_well_mixed() -> None:
    states = [(11 - 2 * pairs, pairs) for pairs in range(6)]
    law = master_equation(DIMERS, 5.0, states, (11, 0), 0.4)
    voxel = Voxels(DIMERS, 5.0, Grid((1,), 1.0), {"A": 1.0})
    start = Molecules.of([[11], [0]], 2)
    pairs = np.array([voxel.evolve(start, 0.4, default_rng(seed)).counts[1, 0] for seed in range(3000)])
    assert chi_square_probability(np.bincount(pairs, minlength=6), law) > 1e-3


def test_two_voxels_follow_their_joint_master_equation() -> None:
    """The voxels written out as one network: A1 and A2 react apart and hop at D / h² = 0.8."""
    network = Network.parse(
        "2A1 <-> B1, k=1, k_back=3\n2A2 <-> B2, k=1, k_back=3\n"
        "A1 <-> A2, k=0.8, k_back=0.8\nB1 <-> B2, k=0.2, k_back=0.2"
    )
    assert network.species == ("A1", "B1", "A2", "B2")
    states = [
        (a, b, 6 - a - 2 * b - 2 * d, d) for b in range(4) for d in range(4 - b) for a in range(7 - 2 * b - 2 * d)
    ]
    law = master_equation(network, 2.0, states, (6, 0, 0, 0), 0.5)
    voxels = Voxels(DIMERS, 2.0, Grid((2,), 0.5), {"A": 0.2, "B": 0.05})
    start = Molecules.of([[6, 0], [0, 0]], 2)
    place = {state: i for i, state in enumerate(states)}
    seen = np.zeros(len(states), dtype=np.int64)
    for seed in range(4000):
        (a, c), (b, d) = voxels.evolve(start, 0.5, default_rng(seed)).counts.tolist()
        seen[place[a, b, c, d]] += 1
    assert chi_square_probability(seen, law) > 1e-3


def test_totals_and_firings_are_exact() -> None:
    network = read_network("michaelis_menten").with_rates({"bind_back": 0.05})
    grid = Grid((4, 4), 1.0)
    voxels = Voxels(network, 6e7, grid, {"E": 0.1, "S": 0.5, "P": 0.5})
    macro = np.zeros((4, 16))
    macro[0], macro[1, :8] = 2e-7, 8e-7
    before = voxels.lift(macro, default_rng(0))
    after = voxels.evolve(before, 20.0, default_rng(1))
    assert np.array_equal(network.conserved @ after.counts.sum(axis=1), network.conserved @ before.counts.sum(axis=1))
    change = network.change.T @ after.firings.sum(axis=1)
    assert np.array_equal(after.counts.sum(axis=1) - before.counts.sum(axis=1), change)
    assert after.firings.sum() > 50
    assert (after.counts >= 0).all()
    assert voxels.conserved(voxels.restrict(after)).tolist() == voxels.conserved(macro).tolist()


def test_the_time_integral_of_what_hops_is_shared_out() -> None:
    voxels = Voxels(INERT, 1.0, Grid((5,), 1.0), {"X": 1.0})
    start = Molecules.of([[30, 0, 0, 0, 0]], 1)
    means = np.array([voxels.evolve(start, 1.0, default_rng(seed)).integral[0] for seed in range(500)])
    assert means.sum(axis=1) == pytest.approx(np.full(500, 30.0), rel=1e-12)
    generator = np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1)
    generator -= np.diag(generator.sum(axis=0))
    values, vectors = np.linalg.eigh(generator)
    weights = np.where(np.abs(values) < 1e-12, 1.0, (np.exp(values) - 1) / np.where(values == 0, 1.0, values))
    expected = 30 * vectors @ (weights * vectors[0])
    assert (np.abs(means.mean(axis=0) - expected) < 4 * means.std(axis=0, ddof=1) / np.sqrt(500)).all()


def test_lifting_keeps_totals_and_is_within_one_molecule() -> None:
    voxels = Voxels(DIMERS, 10.0, Grid((20,), 1.0), {"A": 1.0})
    macro = np.stack((1 + 0.5 * np.sin(np.arange(20.0)), np.linspace(0, 1, 20)))
    for seed in range(50):
        micro = voxels.lift(macro, default_rng(seed))
        assert np.array_equal(DIMERS.conserved @ micro.counts.sum(axis=1), voxels.conserved(macro))
        assert np.abs(voxels.restrict(micro) - macro).max() < 0.12


def test_same_generator_same_bits() -> None:
    voxels = Voxels(read_network("brusselator"), 20.0, Grid((5, 4), 0.3), {"X": 0.1, "Y": 0.4})
    start = voxels.lift(np.repeat([[1.0], [3.0]], 20, axis=1), default_rng(0))
    runs = [voxels.evolve(start, 0.5, default_rng(seed)) for seed in (1, 1, 2)]
    assert np.array_equal(runs[0].integral, runs[1].integral)
    assert not np.array_equal(runs[0].integral, runs[2].integral)


def test_updates_are_estimated_by_the_rates_at_the_start() -> None:
    grid = Grid((3,), 0.5)
    voxels = Voxels(Network.parse("X -> Y, k=2"), 10.0, grid, {"X": 0.25})
    macro = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    assert voxels.agent_updates(macro, 0.5) == pytest.approx((2 * 60 + 1.0 * (10 + 2 * 20 + 30)) * 0.5, rel=1e-14)
    assert WellMixed(voxels.network, 10.0).agent_updates(np.array([6.0, 0.0]), 0.5) == pytest.approx(60.0)


def test_what_is_no_grid_and_no_concentration_is_refused() -> None:
    shapes: list[tuple[int, ...]] = [(), (0,), (2, 2, 2)]
    for shape in shapes:
        with pytest.raises(ValueError, match="`shape` must be one or two whole numbers"):
            Grid(shape, 1.0)
    with pytest.raises(ValueError, match="`spacing` must be positive: got 0"):
        Grid((2,), 0.0)
    voxels = Voxels(INERT, 1.0, Grid((3,), 1.0), {"X": 1.0})
    with pytest.raises(ValueError, match=r"a concentration per species and voxel, \(1, 3\): got \(3,\)"):
        voxels.lift(np.ones(3), default_rng(0))
    with pytest.raises(ValueError, match="finite and not negative"):
        voxels.lift(-np.ones((1, 3)), default_rng(0))
    with pytest.raises(ValueError, match="The diffusion coefficient of X"):
        Voxels(INERT, 1.0, Grid((3,), 1.0), {"X": -1.0})


def test_molecules_that_conservation_makes_are_shared_out() -> None:
    """One molecule A is needed for the total 5 of A + 2B, although none is expected."""
    voxels = Voxels(DIMERS, 1.0, Grid((4,), 1.0))
    macro = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 0.5, 0.5, 0.3]])
    for seed in range(20):
        counts = voxels.lift(macro, default_rng(seed)).counts
        assert np.array_equal(DIMERS.conserved @ counts.sum(axis=1), voxels.conserved(macro))
