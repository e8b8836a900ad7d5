"""Cells on a lattice: exact laws, the specification, and what is refused."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.linalg import expm
from scipy.stats import ks_2samp, norm

from agents.cells import Cells, CellType, LatticeCells, Sites, Sweeps, by_column, independent, pair_factor
from tests.agents.cells.lattice_specification import Tissue

Array = NDArray[np.float64]


def runs(model: LatticeCells, macro: Array, duration: float, count: int, seed: int) -> list[Cells]:
    rng = default_rng(seed)
    return [model.evolve(model.lift(macro, rng), duration, rng) for _ in range(count)]


def mean_and_error(values: Array) -> tuple[Array, Array]:
    return values.mean(axis=0), values.std(axis=0, ddof=1) / sqrt(len(values))


def test_the_mean_profile_of_cells_that_only_move_obeys_the_lattice_heat_equation() -> None:
    """Exact for symmetric exclusion (Liggett 1985, chapter VIII): dc_i/dt = m/4 (c_{i+1} - 2 c_i + c_{i-1})."""
    columns, motility, duration = 24, 1.0, 12.0
    model = LatticeCells(Sites((columns, 60), periodic=(False, True)), (CellType(motility),))
    start = np.where(np.arange(columns) < columns // 2, 0.9, 0.05)
    laplacian = np.diag(np.full(columns, -2.0)) + np.diag(np.ones(columns - 1), 1) + np.diag(np.ones(columns - 1), -1)
    laplacian[0, 0] = laplacian[-1, -1] = -1.0
    exact = expm(motility / 4 * duration * laplacian) @ start
    profiles = np.array([model.restrict(cells)[0] for cells in runs(model, start[np.newaxis], duration, 150, 1)])
    mean, stderr = mean_and_error(profiles)
    assert (np.abs(mean - exact) <= 4 * stderr).all()
    assert stderr.max() < 0.006


@pytest.mark.parametrize("types", [(CellType(3.0),), (CellType(3.0, name="a"), CellType(0.5, name="b"))])
def test_cells_that_only_move_are_conserved(types: tuple[CellType, ...]) -> None:
    model = LatticeCells(Sites((5, 6, 7)), types)
    for cells in runs(model, np.full((len(types), 5), 0.3), 2.0, 3, 2):
        start = model.lift(np.full((len(types), 5), 0.3), default_rng(0))
        assert cells.counts.tolist() == start.counts.tolist() == [63] * len(types)


@pytest.mark.parametrize(
    ("sampler", "exact"),
    [(independent, 1 - 0.95 * exp(-0.5)), (by_column, 0.5496883725751358)],
    ids=["independent sites", "equal distances"],
)
def test_a_line_of_cells_that_only_divide_fills_as_its_gaps_close(sampler: object, exact: float) -> None:
    """Free sites: 0.95 exp(-0.05 t) from independent ones; E[(19 - N)+] / 20, N Poisson of mean 10, from equal gaps."""
    model = LatticeCells(Sites((20_000,)), (CellType(0.0, 1.0),), sampler)  # type: ignore[arg-type]
    densities = np.array([cells.occupied.mean() for cells in runs(model, np.full((1, 20_000), 0.05), 10.0, 24, 3)])
    mean, stderr = mean_and_error(densities)
    assert abs(mean - exact) <= 4 * stderr
    assert stderr < 0.003


@pytest.mark.slow
@pytest.mark.parametrize(
    ("motility", "density", "stderr", "factor"),
    [(1.0, 0.50787, 0.003041, 1.3367), (10.0, 0.673865, 0.003544, 1.0416)],
)
def test_growth_in_a_plane_is_that_of_an_independent_program(
    motility: float, density: float, stderr: float, factor: float
) -> None:
    """Density and pair factor at time 4 from independent sites at 0.05: an independent program, 20 squares."""
    sites = Sites((100, 100))
    model = LatticeCells(sites, (CellType(motility, 1.0),), independent)
    grown = runs(model, np.full((1, 100), 0.05), 4.0, 30, 4)
    mean, error = mean_and_error(np.array([cells.occupied.mean() for cells in grown]))
    assert abs(mean - density) <= 4 * np.hypot(error, stderr)
    assert np.mean([pair_factor(cells.occupied, sites) for cells in grown]) == pytest.approx(factor, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("motility", "proliferation", "window", "speed", "stderr"),
    [
        (0.0, 1.0, (60.0, 300.0), 0.612333, 0.004475),
        (1.0, 1.0, (40.0, 150.0), 0.9945, 0.010451),
        (10.0, 1.0, (20.0, 80.0), 2.703792, 0.039162),
        (10.0, 0.1, (60.0, 200.0), 0.896571, 0.013036),
        (10.0, 0.02, (120.0, 350.0), 0.333511, 0.006692),
    ],
)
def test_fronts_go_as_fast_as_those_of_an_independent_program(
    motility: float, proliferation: float, window: tuple[float, float], speed: float, stderr: float
) -> None:
    """Speed from how fast cells become more, in a strip 100 wide filled up to 20: an independent program, 4 seeds.

    Beside it the Fisher speed of the lattice, min over g of [D (2 cosh g - 2) + λ] / g, and the part of the transient,
    (3/2) sqrt(D / λ) ln(T2 / T1) / (T2 - T1), M. Bramson, Mem. Am. Math. Soc. 44 (1983) no. 285: fronts are slower.
    """
    first, last = window
    diffusion = motility / 4
    reach = int(20 + 1.15 * speed * last + 30 + 8 * sqrt(diffusion / proliferation))
    model = LatticeCells(Sites((reach, 100), periodic=(False, True)), (CellType(motility, proliferation),))
    start = (np.arange(reach) < 20).astype(float)[np.newaxis]
    rng, speeds = default_rng(5), []
    for _ in range(4):
        cells = model.evolve(model.lift(start, rng), first, rng)
        begun = cells.counts[0]
        cells = model.evolve(cells, last - first, rng)
        assert model.restrict(cells)[0, -1] == 0, "the strip is too short"
        speeds.append((cells.counts[0] - begun) / 100 / (last - first))
    mean, error = mean_and_error(np.array(speeds))
    assert abs(mean - speed) <= 4 * np.hypot(error, stderr)
    if motility:
        g = np.linspace(0.01, 8.0, 8000)
        fisher = float(((diffusion * (2 * np.cosh(g) - 2) + proliferation) / g).min())
        transient = 1.5 * sqrt(diffusion / proliferation) * np.log(last / first) / (last - first)
        corrected = (mean + transient) / fisher
        print(
            f"motility {motility:g}, proliferation {proliferation:g}: {mean:.3f} ± {error:.3f}, {corrected:.2f} Fisher"
        )
        assert corrected < 1.05


SHAPE = 6, 5
STICKY = CellType(2.0, 0.6, 0.2, adhesion=(0.5, 0.2), inhibition=1.5, chemotaxis=1.0, half_signal=0.8, name="sticky")
PLAIN = CellType(0.7, 0.3, 0.1, name="plain")


def final_counts_of_both(types: tuple[CellType, ...], timing: object = None) -> tuple[Array, Array]:
    """How many cells, and how far along x, at the time 2: by the kernel, and by the specification."""
    sites = Sites(SHAPE)
    options = {} if timing is None else {"timing": timing}
    model = LatticeCells(sites, types, **options)  # type: ignore[arg-type]
    rng = default_rng(6)
    signal = np.repeat(np.array([0.0, 0.5, 1.0, 2.0, 1.5, 0.5]), 5)
    start = np.zeros(30, dtype=np.int8)
    start[[3, 4, 9, 12, 17]] = 1
    start[[0, 14, 21]] = len(types)
    read = signal if types[0].half_signal else None
    kernel, written = [], []
    for seed in range(240):
        cells = model.evolve(Cells.of(start, len(types)), 2.0, rng, read)
        kernel.append([cells.counts[0], cells.counts[-1], (cells.occupied.reshape(SHAPE) > 0).sum(1) @ range(6)])
        tissue = Tissue(
            SHAPE,
            types,
            {divmod(int(site), 5): int(start[site]) - 1 for site in np.flatnonzero(start)},
            {divmod(site, 5): float(signal[site]) for site in range(30)},
            seed,
        )
        tissue.run(2.0)
        kinds = [cell.kind for cell in tissue.at.values()]
        written.append([kinds.count(0), kinds.count(len(types) - 1), sum(site[0] for site in tissue.at)])
    return np.array(kernel, dtype=float), np.array(written, dtype=float)


@pytest.mark.slow
@pytest.mark.parametrize("types", [(PLAIN,), (STICKY, PLAIN)], ids=["plain", "two types with every rule"])
def test_the_kernel_agrees_in_distribution_with_the_specification(types: tuple[CellType, ...]) -> None:
    """Kolmogorov and Smirnov's test of three readings over 240 seeds each, at the level 1e-3."""
    kernel, written = final_counts_of_both(types)
    for ours, theirs in zip(kernel.T, written.T, strict=True):
        assert ks_2samp(ours, theirs).pvalue > 1e-3


@pytest.mark.slow
def test_short_sweeps_agree_in_distribution_with_the_specification() -> None:
    kernel, written = final_counts_of_both((STICKY, PLAIN), Sweeps(0.01))
    for ours, theirs in zip(kernel.T, written.T, strict=True):
        assert ks_2samp(ours, theirs).pvalue > 1e-3


def test_a_death_rate_alone_makes_an_exponential_decay() -> None:
    model = LatticeCells(Sites((40, 50)), (CellType(0.0, 0.0, death=0.5),))
    left = np.array([cells.counts[0] for cells in runs(model, np.ones((1, 40)), 2.0, 40, 7)], dtype=float)
    share = exp(-1.0)
    assert abs(left.mean() - 2000 * share) <= 4 * sqrt(2000 * share * (1 - share) / 40)
    births, deaths = ({cells.births[0] for cells in runs(model, np.ones((1, 40)), 2.0, 2, 7)}, left)
    assert births == {0}
    assert (deaths < 2000).all()


def test_a_single_cell_diffuses_as_its_motility_says() -> None:
    """<x²> = m t / 2 in a plane, so that D = m Δ² / 4: steps are Poisson, and ±1 along x half of the time."""
    model = LatticeCells(Sites((401, 3)), (CellType(4.0),))
    start = np.zeros(401 * 3, dtype=np.int8)
    start[200 * 3] = 1
    rng = default_rng(8)
    way = np.array([model.evolve(Cells.of(start), 5.0, rng).occupied.argmax() // 3 - 200.0 for _ in range(4000)])
    mean, stderr = mean_and_error(way**2)
    assert abs(mean - 4.0 * 5.0 / 2) <= 4 * stderr


def test_a_lone_cell_drifts_up_a_gradient() -> None:
    """2/(1 + exp(-g)) up and 2/(1 + exp(g)) down: a drift of m/4 × 2 tanh(g / 2), and as many hops as without."""
    model = LatticeCells(Sites((401, 3)), (CellType(4.0, chemotaxis=2.0),))
    start = np.zeros(401 * 3, dtype=np.int8)
    start[200 * 3] = 1
    signal = np.repeat(0.25 * np.arange(401.0), 3)
    rng = default_rng(9)
    way = np.array(
        [model.evolve(Cells.of(start), 5.0, rng, signal).occupied.argmax() // 3 - 200.0 for _ in range(3000)]
    )
    mean, stderr = mean_and_error(way)
    assert abs(mean - 5.0 * 4.0 / 4 * 2 * np.tanh(0.25)) <= 4 * stderr


def test_cells_that_hold_fast_do_not_move() -> None:
    model = LatticeCells(Sites((20,)), (CellType(5.0, adhesion=1.0),))
    pair = np.zeros(20, dtype=np.int8)
    pair[[4, 5]] = 1
    after = model.evolve(Cells.of(pair), 50.0, default_rng(0))
    assert after.occupied.tolist() == pair.tolist()


@pytest.mark.slow
@pytest.mark.parametrize("types", [(PLAIN,), (STICKY, PLAIN)], ids=["plain", "two types with every rule"])
def test_drift_is_how_fast_densities_change_on_average(types: tuple[CellType, ...]) -> None:
    sites = Sites((6, 30), periodic=(False, True))
    model = LatticeCells(sites, types)
    signal = np.repeat(np.linspace(0.0, 2.0, 6), 30)
    rng = default_rng(10)
    start = model.lift(np.outer(np.ones(len(types)), [0.45, 0.45, 0.4, 0.05, 0.0, 0.0]), rng)
    duration = 0.02
    changes = np.array(
        [(model.restrict(model.evolve(start, duration, rng, signal)) - model.restrict(start)) for _ in range(6000)]
    )
    mean, stderr = mean_and_error(changes / duration)
    drift = model.drift(start, signal)
    late = 0.02 * np.abs(drift).max()  # half a burst of a rate of two or so
    assert (np.abs(mean - drift) <= 4.5 * stderr + late).all()
    assert np.abs(drift).max() > 10 * np.median(stderr)


def test_lifting_is_systematic_along_columns_and_random_within() -> None:
    model = LatticeCells(Sites((10, 40)), (CellType(1.0), CellType(1.0, name="other")))
    macro = np.array([np.linspace(0.05, 0.6, 10), np.linspace(0.4, 0.3, 10)])
    rng = default_rng(11)
    lifted = [model.lift(macro, rng) for _ in range(300)]
    assert all(np.abs(model.restrict(cells) - macro).max() < 1 / 40 for cells in lifted)
    mean = np.mean([cells.occupied.reshape(10, 40) == 1 for cells in lifted], axis=0)
    spread = np.sqrt(macro[0] * (1 - macro[0]) / 300)[:, None]
    assert (np.abs(mean - macro[0][:, None]) < norm.isf(1e-5) * spread).all()


def test_lifting_fills_columns_to_the_brim() -> None:
    """Two types that fill every site, and two that fill one column and no other, whatever the offsets."""
    model = LatticeCells(Sites((7, 11)), (CellType(1.0), CellType(1.0, name="other")))
    one_column = np.zeros((2, 7))
    one_column[:, 3] = 0.5
    for seed in range(100):
        cells = model.lift(np.full((2, 7), 0.5), default_rng(seed))
        assert (cells.occupied > 0).all()
        assert sorted(cells.counts.tolist()) == [38, 39]
        filled = model.lift(one_column, default_rng(seed)).occupied.reshape(7, 11) > 0
        assert filled.sum(axis=1).tolist() == [0, 0, 0, 11, 0, 0, 0]


def test_independent_lifting_draws_each_site_by_itself() -> None:
    sites = Sites((40, 50))
    rng = default_rng(12)
    counts = np.array([(independent(np.full((1, 40), 0.3), sites, rng) > 0).sum() for _ in range(400)])
    assert abs(counts.var(ddof=1) / (2000 * 0.3 * 0.7) - 1) <= 4 * sqrt(2 / 400)


def test_time_can_be_cut_anywhere() -> None:
    """One burst of 4 and eight of a half have the same law."""
    model = LatticeCells(Sites((30, 30)), (CellType(1.0, 0.5, 0.1),))
    rng = default_rng(13)
    once, often = [], []
    for _ in range(60):
        once.append(model.evolve(model.lift(np.full((1, 30), 0.2), rng), 4.0, rng).counts[0])
        cells = model.lift(np.full((1, 30), 0.2), rng)
        for _ in range(8):
            cells = model.evolve(cells, 0.5, rng)
        often.append(cells.counts[0])
        assert cells.time == 4.0
    assert ks_2samp(once, often).pvalue > 1e-3


def test_cells_know_how_many_were_born_and_died() -> None:
    model = LatticeCells(Sites((20, 20)), (CellType(1.0, 0.5, 0.2),))
    start = model.lift(np.full((1, 20), 0.3), default_rng(0))
    after = model.evolve(start, 3.0, default_rng(1))
    assert after.counts[0] == start.counts[0] + after.births[0] - after.deaths[0]
    assert after.births[0] > 0
    assert after.deaths[0] > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CellType(-1.0), "`motility` must be finite and not negative: got -1.0"),
        (lambda: CellType(1.0, adhesion=1.5), r"`adhesion` must lie in \[0, 1\]: got 1.5"),
        (lambda: Sites((0,)), "`shape` must be one, two or three whole numbers of sites"),
        (lambda: Sites((3, 3), spacing=0.0), "diameter of a cell, must be positive: got 0.0"),
        (lambda: LatticeCells(Sites((3,)), ()), "There must be a type of cells"),
        (lambda: LatticeCells(Sites((3,)), (CellType(1.0), CellType(1.0))), "no two of a name"),
        (lambda: LatticeCells(Sites((3,)), (CellType(1.0, adhesion=(0.1, 0.2)),)), "one for each of 1 types"),
        (lambda: LatticeCells(Sites((3,)), (CellType(50.0),), timing=Sweeps(0.1)), "`step` must be at most 0.02"),
    ],
)
def test_rules_that_make_no_sense_are_refused(make: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()  # type: ignore[operator]


def test_macro_states_that_no_tissue_has_are_refused() -> None:
    model = LatticeCells(Sites((3, 4)), (CellType(1.0),))
    for macro, message in (
        (np.zeros((1, 4)), r"a density for each type and column, \(1, 3\): got shape \(1, 4\)"),
        (np.array([[0.1, 1.2, 0.0]]), "1 or less, one cell a site: got 1.2 in column 1. Above close packing"),
        (np.array([[0.1, -0.2, 0.0]]), "finite and not negative"),
    ):
        with pytest.raises(ValueError, match=message):
            model.lift(macro, default_rng(0))


def test_bursts_that_make_no_sense_are_refused() -> None:
    model = LatticeCells(Sites((3, 4)), (CellType(1.0, chemotaxis=1.0),), timing=Sweeps(0.25))
    cells = Cells.of(np.zeros(12))
    signal = np.zeros(12)
    for duration, forcing, message in (
        (-1.0, signal, "must be finite and not negative: got -1.0"),
        (0.6, signal, "multiple of the time step 0.25: got 0.6. Take 0.5 or 0.75"),
        (0.5, None, "These cells read a signal"),
        (0.5, signal[:5], "a signal at each of 12 sites"),
    ):
        with pytest.raises(ValueError, match=message):
            model.evolve(cells, duration, default_rng(0), forcing)
    with pytest.raises(ValueError, match="must be on 12 sites and of 1 types"):
        model.evolve(Cells.of(np.zeros(5)), 0.5, default_rng(0), signal)
    with pytest.raises(ValueError, match="must be free, 0, or hold a cell of types 1 to 1"):
        Cells.of(np.array([2]))


def test_only_cells_at_the_edge_of_a_step_change_its_profile() -> None:
    """Exclusion cancels in the mean hop between columns: m/4 times the difference of their numbers, exactly."""
    model = LatticeCells(Sites((8, 400), periodic=(False, True)), (CellType(2.0),))
    cells = model.lift(np.linspace(0.9, 0.1, 8)[np.newaxis], default_rng(0))
    density = model.restrict(cells)[0]
    padded = np.pad(density, 1, mode="edge")
    assert model.drift(cells)[0] == pytest.approx(2.0 / 4 * np.diff(padded, 2), abs=1e-12)


@pytest.mark.slow
def test_cells_of_two_types_hold_each_other_as_their_own_adhesion_says() -> None:
    """By hand: a hops at 1/4 (1 - 0.6) to each free side, b at 1/4 (1 - 0.2); along x both sides are free."""
    types = (CellType(1.0, adhesion=(0.3, 0.6), name="a"), CellType(1.0, adhesion=(0.2, 0.9), name="b"))
    model = LatticeCells(Sites((3, 3)), types)
    pair = np.zeros(9, dtype=np.int8)
    pair[:2] = 1, 2
    assert 3 * model.drift(Cells.of(pair, 2)) == pytest.approx(np.array([[-0.2, 0.1, 0.1], [-0.4, 0.2, 0.2]]))
    after = [model.evolve(Cells.of(pair, 2), 0.05, default_rng(seed)).occupied for seed in range(6000)]
    left_a, left_b = (np.mean([cells.reshape(3, 3)[0].tolist().count(kind) == 0 for cells in after]) for kind in (1, 2))
    for left, rate in ((left_a, 0.2), (left_b, 0.4)):
        expected = 1 - exp(-rate * 0.05)
        assert abs(left - expected) <= 4 * sqrt(expected / 6000) + 0.05 * expected


@pytest.mark.slow
def test_contact_inhibits_division_by_the_power_of_the_free_share() -> None:
    """By hand: two cells side by side, three of four neighbours free: 2 × 3/4 × (3/4)² = 0.84375 divisions per time."""
    model = LatticeCells(Sites((3, 3)), (CellType(0.0, 1.0, inhibition=2.0),))
    pair = np.zeros(9, dtype=np.int8)
    pair[:2] = 1
    assert 3 * model.drift(Cells.of(pair)).sum() == pytest.approx(0.84375)
    born = np.array([model.evolve(Cells.of(pair), 0.02, default_rng(seed)).births[0] for seed in range(8000)])
    mean, stderr = mean_and_error(born / 0.02)
    assert abs(mean - 0.84375) <= 4 * stderr + 0.02 * 0.84375


def test_signals_that_no_field_has_are_refused() -> None:
    model = LatticeCells(Sites((3,)), (CellType(1.0, 1.0, half_signal=1.0),))
    for signal in ([1.0, -1.0, 0.0], [1.0, np.nan, 0.0]):
        with pytest.raises(ValueError, match="`forcing` must be finite, and not negative"):
            model.evolve(Cells.of(np.ones(3)), 1.0, default_rng(0), np.array(signal))
