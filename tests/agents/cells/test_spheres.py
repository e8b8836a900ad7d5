"""The population of cells off the lattice, and their lives: growth, division, rest, death, dissolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import default_rng
from scipy.linalg import expm
from scipy.stats import chi2_contingency, ks_2samp, kstest

from agents.cells.centre_based import CentreBased
from agents.cells.cycle import Cycle, Death, Motility, steady_phases
from agents.cells.mechanics import Mechanics
from agents.cells.region import Region
from agents.cells.spheres import ARRESTED, DEAD, NECROTIC, PROLIFERATING, Spheres, content, directions
from tests.agents.cells.spheres_specification import MesaTissue

FREE = Region.unbounded(3)
GHOSTS = Mechanics(repulsion=0.0)  # cells that do not feel each other


def lonely(count: int, **options: Any) -> Spheres:
    """Newborn cells of 10 µm, too far from each other to meet."""
    return Spheres.at(1000.0 * np.arange(3 * count).reshape(count, 3), 10.0, **options)


def expected_number(shape: int, duration: float, time: float) -> float:
    """Cells that descend from a newborn one: an Erlang cycle is a chain of stages of which the last makes two."""
    rate = shape / duration
    stages = -rate * np.eye(shape)
    for stage in range(shape):
        stages[(stage + 1) % shape, stage] += rate * (2 if stage == shape - 1 else 1)
    return float(expm(stages * time)[:, 0].sum())


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_division_conserves_volume_and_centre_exactly_and_stays_in_the_outline(dimensions: int) -> None:
    rng = default_rng(0)
    rules = CentreBased(Region.unbounded(dimensions), GHOSTS, Cycle(10.0, newborn=10.0), time_step=0.1)
    mothers = Spheres.at(1000.0 * rng.random((50, dimensions)), 10.0, phase=0.99)
    after = rules.evolve(mothers, 0.1, rng)
    assert (len(after), after.births) == (100, 50)
    first, second = slice(0, 50), slice(50, 100)
    grown = content(5.0, dimensions) * 2.0  # 0.99 + 0.1 / 10
    assert after.volume[first] + after.volume[second] == pytest.approx(np.full(50, grown), rel=1e-14)
    assert np.array_equal(after.volume[first], after.volume[second])
    centre = (after.position[first] + after.position[second]) / 2
    assert centre == pytest.approx(mothers.position, abs=1e-11)
    reach = np.linalg.norm(after.position[first] - mothers.position, axis=1) + after.radius[first]
    mother = 5.0 * 2.0 ** (1 / dimensions)
    assert reach == pytest.approx(np.full(50, mother), rel=1e-9)
    assert sorted(after.id) == list(range(100))


def test_the_axis_of_division_is_the_heading_where_the_cycle_says_so_else_any() -> None:
    rng = default_rng(1)
    mothers = lonely(4000, phase=0.999, rng=rng)
    for along in (True, False):
        rules = CentreBased(FREE, GHOSTS, Cycle(1.0, newborn=10.0, along_heading=along), time_step=0.1)
        after = rules.evolve(mothers, 0.1, rng)
        axis = after.position[:4000] - after.position[4000:]
        cosine = (axis * mothers.heading).sum(axis=1) / np.linalg.norm(axis, axis=1)
        if along:
            assert cosine == pytest.approx(np.ones(4000), abs=1e-9)
        else:  # the cosine with a fixed direction is uniform in space
            assert kstest(cosine, "uniform", args=(-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize("time_step", [0.5, 0.7])
def test_a_fixed_cycle_doubles_the_number_once_a_cycle_though_steps_do_not_divide_it(time_step: float) -> None:
    rules = CentreBased(FREE, GHOSTS, Cycle(10.0, newborn=10.0), time_step=time_step)
    cells, rng = lonely(1), default_rng(0)
    for _ in range(round(70 / time_step)):
        cells = rules.evolve(cells, time_step, rng)
        assert len(cells) == 2 ** int((cells.time + 1e-6) / 10.0)
    assert cells.time == pytest.approx(70.0)


def test_cells_from_steady_phases_grow_exponentially_at_the_growth_rate() -> None:
    # With the phases' density 2 ln2 2^-p the expected number is exactly 2^(t/T) at every t; by the strata of the
    # phases, one in each of n equal quantiles, it is so within 1/n.
    n = 1000
    cells = lonely(n, phase=np.sort(-np.log2(1 - (np.arange(n) + 0.5) / (2 * n))))
    rules = CentreBased(FREE, GHOSTS, Cycle(24.0, newborn=10.0), time_step=1.0)
    rng = default_rng(0)
    for time in (6.0, 13.0, 24.0, 30.0):
        cells = rules.evolve(cells, time - cells.time, rng)
        assert len(cells) == pytest.approx(n * 2 ** (time / 24.0), abs=3)
        assert len(cells) == pytest.approx(n * np.exp(rules.cycle.growth_rate * time), abs=3)  # type: ignore[union-attr]


@pytest.mark.parametrize("shape", [1, 4])
def test_cells_with_an_erlang_cycle_multiply_as_the_chain_of_stages_says(shape: int) -> None:
    duration, time, founders = 10.0, 21.0, 1500
    rules = CentreBased(FREE, GHOSTS, Cycle(duration, newborn=10.0, shape=shape), time_step=0.5)
    cells = rules.evolve(lonely(founders, type=np.arange(founders) % 100), time, default_rng(5))
    families = np.bincount(cells.type, minlength=100) / 15  # each label has fifteen founders
    error = families.std(ddof=1) / np.sqrt(100)
    exact = expected_number(shape, duration, time)
    assert abs(families.mean() - exact) < 4 * error
    assert error < 0.04 * exact


def test_the_growth_rate_is_the_largest_eigenvalue_of_the_chain_of_stages() -> None:
    for shape in (1, 4, 9):
        late = [expected_number(shape, 10.0, time) for time in (200.0, 210.0)]
        rate = np.log(late[1] / late[0]) / 10.0
        assert Cycle(10.0, newborn=10.0, shape=shape).growth_rate == pytest.approx(rate, rel=1e-6)


def test_steady_phases_have_their_density() -> None:
    phases = steady_phases(20_000, default_rng(4))
    assert kstest(phases, lambda p: 2 * (1 - 2.0**-p)).pvalue > 1e-3


def test_cells_die_at_the_rate_dissolve_at_theirs_and_are_removed() -> None:
    death = Death(rate=0.05, dissolution=0.2, smallest=5.0)
    rules = CentreBased(FREE, GHOSTS, death=death, time_step=0.5)
    rng = default_rng(3)
    after = rules.evolve(lonely(4000), 8.0, rng)
    living = after.counts[PROLIFERATING]
    share = np.exp(-0.05 * 8.0)
    assert abs(living / 4000 - share) < 4 * np.sqrt(share * (1 - share) / 4000)
    assert after.deaths == 4000 - living == after.counts[DEAD]  # exp(-0.2 × 8) of the volume is above an eighth
    # A volume shrinks to 1/8, the diameter to the half, in ln 8 / 0.2 = 10.4 h: in 21 steps after that of the death.
    dead = after.volume[after.state == DEAD] / content(5.0, 3)
    assert np.isclose(np.log(dead) / (-0.2 * 0.5), np.round(np.log(dead) / (-0.2 * 0.5))).all()
    later = rules.evolve(after, 10.5, rng)
    assert later.removed == 4000 - len(later) > 0
    assert later.removed == after.deaths  # all who were dead then, and nobody else, are gone
    assert len(set(later.id)) == len(later)


def test_hungry_cells_rest_and_starving_cells_die() -> None:
    rules = CentreBased(
        FREE, GHOSTS, Cycle(24.0, newborn=10.0, least_nutrient=0.5), Death(least_nutrient=0.2), time_step=0.5
    )
    nutrient = np.array([0.1, 0.2, 0.4, 0.5, 0.9])
    after = rules.evolve(lonely(5), 1.0, default_rng(0), nutrient=nutrient)
    assert after.state.tolist() == [NECROTIC, ARRESTED, ARRESTED, PROLIFERATING, PROLIFERATING]
    assert after.phase.tolist() == pytest.approx([0, 0, 0, 1 / 24, 1 / 24])
    assert after.volume / content(5.0, 3) == pytest.approx([1, 1, 1, 25 / 24, 25 / 24])
    assert after.deaths == 1
    recovered = rules.evolve(after, 1.0, default_rng(0), nutrient=np.ones(5))
    assert recovered.state.tolist() == [NECROTIC, PROLIFERATING, PROLIFERATING, PROLIFERATING, PROLIFERATING]


def test_daughters_have_their_mothers_nutrient_and_a_function_is_asked_anew() -> None:
    rules = CentreBased(FREE, GHOSTS, Cycle(2.0, newborn=10.0, least_nutrient=0.5), time_step=0.5)
    fixed = rules.evolve(lonely(2), 5.0, default_rng(0), nutrient=np.array([0.4, 1.0]))
    asked = rules.evolve(lonely(2), 5.0, default_rng(0), nutrient=lambda where: np.where(where[:, 0] < 500, 0.4, 1.0))
    for after in (fixed, asked):
        assert after.counts.tolist() == [4, 1, 0, 0]


def test_pressed_cells_rest_by_compression_and_by_number_of_neighbours() -> None:
    # Three in a row, 8 apart with the radius 5: overlap 2 with each neighbour, so 0.4 at the ends and 0.8 between.
    row = Spheres.at([[0.0, 0.0], [8.0, 0.0], [16.0, 0.0]], 10.0)
    plane = Region.unbounded(2)
    for cycle in (Cycle(10.0, 10.0, largest_compression=0.5), Cycle(10.0, 10.0, most_neighbours=1)):
        after = CentreBased(plane, Mechanics(0.1), cycle, time_step=0.1).evolve(row, 0.1, default_rng(0))
        assert after.state.tolist() == [PROLIFERATING, ARRESTED, PROLIFERATING]
    contacts = CentreBased(plane, Mechanics(0.1), time_step=0.1).contacts(row)
    assert contacts.compression == pytest.approx([0.4, 0.8, 0.4])
    assert contacts.neighbours.tolist() == [1, 2, 1]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_motile_cells_spread_as_persistent_walkers_do(dimensions: int) -> None:
    # The heading forgets at α = (d - 1) D_r + λ, in steps: <h_0 h_k> = c^k, and so <x²> is a double sum, by hand.
    motility = Motility(20.0, rotational_diffusion=0.4, tumble_rate=0.7)
    time_step, steps, count = 0.05, 40, 8000
    place = 1000.0 * np.arange(dimensions * count).reshape(count, dimensions)
    rng = default_rng(8)
    start = Spheres.at(place, 10.0, rng=rng)
    rules = CentreBased(Region.unbounded(dimensions), GHOSTS, motility=motility, time_step=time_step)
    after = rules.evolve(start, steps * time_step, rng)
    squares = ((after.position - place) ** 2).sum(axis=1)
    c = np.exp(-((dimensions - 1) * 0.4 + 0.7) * time_step)
    lags = np.abs(np.subtract.outer(np.arange(steps), np.arange(steps)))
    exact = float((20.0 * time_step) ** 2 * (c**lags).sum())
    error = squares.std(ddof=1) / np.sqrt(count)
    assert abs(squares.mean() - exact) < 4 * error
    assert error < 0.01 * exact
    assert np.linalg.norm(after.heading, axis=1) == pytest.approx(np.ones(count), abs=1e-12)


def test_cells_that_tumble_less_up_the_gradient_drift_up() -> None:
    # A heading h is left with the probability p = 1 - exp(-λ exp(-b h) Δt) in a step, and drawn evenly: the share of
    # time has the density 1 / p, here integrated over the cosines of a sphere, which are even, by the midpoint rule.
    motility, time_step, count = Motility(10.0, tumble_rate=1.0, sensitivity=40.0), 0.2, 4000
    rules = CentreBased(FREE, GHOSTS, motility=motility, time_step=time_step)
    rng, slope = default_rng(9), np.tile([0.025, 0.0, 0.0], (count, 1))
    settled = rules.evolve(lonely(count, rng=rng), 12.0, rng, gradient=slope)
    after = rules.evolve(settled, 5.0, rng, gradient=slope)
    drift = (after.position - settled.position)[:, 0] / 5.0
    cosine = (np.arange(10_000) + 0.5) / 5_000 - 1
    weight = 1 / (1 - np.exp(-np.exp(-cosine) * time_step))
    exact = 10.0 * float((cosine * weight).sum() / weight.sum())
    error = drift.std(ddof=1) / np.sqrt(count)
    assert abs(drift.mean() - exact) < 4 * error
    assert error < 0.03 * exact
    assert exact == pytest.approx(10.0 * (1 / np.tanh(1.0) - 1.0), rel=0.1)  # near that of exact run times


def test_motile_cells_are_reflected_at_closed_sides() -> None:
    rules = CentreBased(Region((100.0, 100.0)), GHOSTS, motility=Motility(10.0), time_step=0.5)
    after = rules.evolve(Spheres.at([[98.0, 50.0]], 10.0), 0.5, default_rng(0))
    assert (after.position.tolist(), after.heading.tolist()) == ([[97.0, 50.0]], [[-1.0, 0.0]])


def full_rules(along_heading: bool, shape: float, substeps: int = 1) -> CentreBased:
    cycle = Cycle(8.0, 10.0, shape, largest_compression=0.6, least_nutrient=0.3, along_heading=along_heading)
    death = Death(0.0 if along_heading else 0.02, least_nutrient=0.15, dissolution=0.5, smallest=7.0)
    motility = Motility(2.0) if along_heading else Motility(2.0, rotational_diffusion=0.5, tumble_rate=0.3)
    return CentreBased(Region.unbounded(2), Mechanics(2.0, 0.5, 1.3), cycle, death, motility, 0.15, substeps)


def fading(where: Any) -> Any:
    """Nutrient that fades away from x = 0."""
    return np.exp(-np.abs(where[:, 0]) / 20.0)


@pytest.mark.parametrize("substeps", [1, 3])
def test_all_rules_without_chance_are_the_mesa_model_to_round_off(substeps: int) -> None:
    rules, rng = full_rules(along_heading=True, shape=np.inf, substeps=substeps), default_rng(0)
    cells = Spheres.at(50 * rng.random((20, 2)), 10.0, phase=0.9 * rng.random(20), rng=rng)
    plain = MesaTissue(rules, cells, seed=0, nutrient=fading)
    for _ in range(40):
        plain.step()
    compiled = rules.evolve(cells, 6.0, rng, nutrient=fading)
    by_name = {cell.name: cell for cell in plain.agents}
    plain.release()
    tallies = (compiled.births, compiled.deaths, compiled.removed)
    assert tallies == (plain.births, plain.deaths, plain.removed)
    assert min(tallies) > 0
    assert set(by_name) == set(compiled.id.tolist())
    expected = [by_name[name] for name in compiled.id.tolist()]
    assert compiled.counts[ARRESTED] > 0
    assert compiled.state.tolist() == [cell.state for cell in expected]
    assert compiled.position == pytest.approx(np.array([cell.position for cell in expected]), abs=1e-10)
    assert compiled.volume == pytest.approx([cell.volume for cell in expected], rel=1e-12)


@pytest.mark.slow
def test_all_rules_with_chance_are_the_mesa_model_in_distribution() -> None:
    # Two-sample tests over 50 seeds each, each at the level 1e-3.
    rules = full_rules(along_heading=False, shape=3.0)
    start = Spheres.at([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [-9.0, 0.0]], 10.0)

    def readings(place: Any, state: Any, volume: Any, births: int, deaths: int) -> list[float]:
        spread = np.sqrt((np.asarray(place) ** 2).sum(axis=1).mean())
        return [len(place), spread, float(np.sum(volume)), births, deaths, int((np.asarray(state) == ARRESTED).sum())]

    ours, theirs = [], []
    for seed in range(50):
        after = rules.evolve(start, 15.0, default_rng(seed), nutrient=fading)
        ours.append(readings(after.position, after.state, after.volume, after.births, after.deaths))
        plain = MesaTissue(rules, start, seed, nutrient=fading)
        for _ in range(100):
            plain.step()
        place, state, volume = (
            [getattr(one, name) for one in plain.agents] for name in ("position", "state", "volume")
        )
        theirs.append(readings(place, state, volume, plain.births, plain.deaths))
        plain.release()
    for one, other in zip(np.transpose(ours), np.transpose(theirs), strict=True):
        assert ks_2samp(one, other).pvalue > 1e-3
        assert one.std() > 0
    died = [[float((np.array(column)[:, 4] == k).sum()) for k in (0, 1)] for column in (ours, theirs)]
    table = [[*row, 50 - sum(row)] for row in died]
    assert chi2_contingency(table).pvalue > 1e-3


def test_the_same_seed_gives_the_same_bits_and_the_argument_stays() -> None:
    rules = full_rules(along_heading=False, shape=3.0)
    cells = Spheres.at(30 * default_rng(0).random((10, 2)), 10.0)
    before = cells.pack()
    runs = [rules.evolve(one, 15.0, default_rng(7), nutrient=fading) for one in (cells, cells, Spheres.unpack(before))]
    assert runs[0].births > 0
    for other in runs[1:]:
        for name, value in runs[0].pack().items():
            assert np.array_equal(value, other.pack()[name])
    for name, value in before.items():
        assert np.array_equal(value, cells.pack()[name])


def test_a_tissue_that_died_out_stays_so() -> None:
    rules = CentreBased(FREE, Mechanics(1.0), Cycle(10.0, 10.0), Death(2.0, dissolution=5.0), Motility(1.0))
    cells = rules.evolve(lonely(3), 20.0, default_rng(0))
    assert (len(cells), cells.removed - cells.births) == (0, 3)
    assert rules.evolve(cells, 1.0, default_rng(0)).counts.tolist() == [0, 0, 0, 0]


def test_no_time_changes_nothing() -> None:
    cells = Spheres.at([[0.0, 0.0], [5.0, 0.0]], 10.0)
    after = CentreBased(Region.unbounded(2), Mechanics(1.0)).evolve(cells, 0.0, default_rng(0))
    assert np.array_equal(after.position, cells.position)


def test_directions_are_even() -> None:
    drawn = directions(20_000, 3, default_rng(0))
    assert np.linalg.norm(drawn, axis=1) == pytest.approx(np.ones(20_000), abs=1e-14)
    assert kstest(drawn[:, 1], "uniform", args=(-1, 2)).pvalue > 1e-3


@pytest.mark.parametrize(
    ("position", "options", "message"),
    [
        ([[0.0]], {}, r"\(cell, 2\) or \(cell, 3\)"),
        ([[np.nan, 0.0]], {}, "Positions must be finite"),
        ([[0.0, 0.0]], {"diameter": -1.0}, "diameter must be positive"),
        ([[0.0, 0.0]], {"phase": 1.0}, r"phase must lie in \[0, 1\)"),
        ([[0.0, 0.0]], {"state": 4}, "state must be one of 0, 1, 2, 3"),
    ],
)
def test_what_is_no_cell_is_refused(position: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Spheres.at(position, **{"diameter": 10.0, **options})


def test_what_does_not_fit_the_rules_is_refused() -> None:
    hungry = CentreBased(Region((50.0, 50.0)), GHOSTS, Cycle(10.0, 10.0, least_nutrient=0.5), time_step=0.1)
    cells, rng = Spheres.at([[1.0, 1.0]], 10.0), default_rng(0)
    with pytest.raises(ValueError, match=r"multiple of the time step 0\.1 h: got 0\.25 h\. Take 0\.2 or 0\.3"):
        hungry.evolve(cells, 0.25, rng, nutrient=np.ones(1))
    with pytest.raises(ValueError, match="Give `nutrient`"):
        hungry.evolve(cells, 0.1, rng)
    with pytest.raises(ValueError, match=r"`nutrient` must have the shape \(1,\): got \(2,\)"):
        hungry.evolve(cells, 0.1, rng, nutrient=np.ones(2))
    with pytest.raises(ValueError, match=r"must lie in the region.*got one at"):
        hungry.evolve(Spheres.at([[60.0, 1.0]], 10.0), 0.1, rng, nutrient=np.ones(1))
    with pytest.raises(ValueError, match="Cells must have 2 axes as the region has: got 3"):
        hungry.evolve(lonely(1), 0.1, rng, nutrient=np.ones(1))
    with pytest.raises(ValueError, match="Give `gradient`"):
        CentreBased(FREE, GHOSTS, motility=Motility(1.0, 0.0, 1.0, 1.0)).evolve(lonely(1), 0.1, rng)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cycle(0.0, 10.0), "`duration` of the cycle must be positive: got 0"),
        (lambda: Cycle(1.0, 10.0, largest_compression=-1.0), "`largest_compression` must not be negative"),
        (lambda: Death(rate=-1.0), "`rate` of death must be finite and not negative"),
        (lambda: Motility(-1.0), "`speed` must be finite and not negative"),
        (lambda: Motility(1.0, sensitivity=np.inf), "`sensitivity` must be finite"),
    ],
)
def test_rules_that_make_no_sense_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
