"""Springs between cells: exact relaxation, cell lists against all pairs, stability, the Mesa model."""

from __future__ import annotations

from itertools import product
from math import inf, sqrt

import numpy as np
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray

from agents.cells.centre_based import CentreBased
from agents.cells.mechanics import Mechanics
from agents.cells.region import Region
from agents.cells.spheres import Spheres
from benchmarks.cells import disagreement
from tests.agents.cells.spheres_specification import BoxedTissue, MesaTissue

Floats = NDArray[np.float64]


def by_all_pairs(place: Floats, radius: Floats, region: Region, springs: Mechanics) -> tuple[Floats, Floats, Floats]:
    """Velocities, compressions and numbers of neighbours from every pair and every image."""
    velocity, overlaps, touching = np.zeros_like(place), np.zeros(len(place)), np.zeros(len(place))
    images = [(-1, 0, 1) if wraps else (0,) for wraps in region.wraps]
    shifts = [
        np.array([0.0 if o == 0 else o * length for o, length in zip(offset, region.lengths, strict=True)])
        for offset in product(*images)
    ]
    for i, j in product(range(len(place)), repeat=2):
        for shift in shifts:
            away = place[i] - place[j] - shift
            distance, both = sqrt(float(away @ away)), radius[i] + radius[j]
            if i == j or distance >= springs.reach * both:
                continue
            rate = springs.repulsion if distance < both else springs.adhesion
            velocity[i] += rate * (both - distance) * away / distance
            if distance < both:
                overlaps[i] += both - distance
                touching[i] += 1
    return velocity, overlaps / radius, touching


@pytest.mark.parametrize("time_step", [0.02, 0.005])
def test_two_cells_that_overlap_come_apart_at_twice_the_repulsion(time_step: float) -> None:
    # d(overlap)/dt = -2 κ overlap; the explicit step has the factor 1 - 2 κ Δt, exactly.
    springs, steps = Mechanics(repulsion=0.8), round(1.0 / time_step)
    start = np.array([[1.0, 2.0, 3.0], [4.0, 6.0, 3.0]])  # 5 apart
    place, _, _ = springs.move(start, np.array([4.0, 3.0]), Region.unbounded(3), time_step, steps)
    overlap = 7.0 - np.linalg.norm(place[1] - place[0])
    assert overlap == pytest.approx(2.0 * (1 - 1.6 * time_step) ** steps, rel=1e-12)
    # Against the exponential: ln(1 - 2κΔt) / Δt = -2κ - 2κ²Δt - ..., after t = 1 a relative error of -(2κ)² Δt / 2.
    assert overlap / (2.0 * np.exp(-1.6)) - 1 == pytest.approx(-(1.6**2) * time_step / 2, rel=0.03)
    assert place.mean(axis=0) == pytest.approx(start.mean(axis=0), abs=1e-14)


def test_two_cells_apart_come_together_at_twice_the_adhesion_and_beyond_the_reach_not_at_all() -> None:
    springs = Mechanics(repulsion=1.0, adhesion=0.5, reach=1.3)
    near, _, _ = springs.move(np.array([[0.0, 0.0], [11.0, 0.0]]), np.full(2, 5.0), Region.unbounded(2), 0.1, 10)
    assert np.linalg.norm(near[1] - near[0]) - 10 == pytest.approx((1 - 2 * 0.5 * 0.1) ** 10, rel=1e-12)
    far = np.array([[0.0, 0.0], [13.01, 0.0]])
    assert np.array_equal(springs.move(far, np.full(2, 5.0), Region.unbounded(2), 0.1, 10)[0], far)


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("periodic", [True, False, "mixed"])
@pytest.mark.parametrize("length", [13.5, 27.0, 60.0])  # one, two and more boxes along a periodic axis
@pytest.mark.parametrize("adhesion", [0.0, 0.4])
def test_cell_lists_find_the_neighbours_of_all_pairs(
    dimensions: int, periodic: bool | str, length: float, adhesion: float
) -> None:
    answers = (True, False, True)[:dimensions] if periodic == "mixed" else periodic
    region = Region((length,) * dimensions, answers)  # type: ignore[arg-type]
    springs = Mechanics(repulsion=1.0, adhesion=adhesion, reach=1.3)
    rng = default_rng(2)
    count = min(int(1.5 * (length / 10) ** dimensions) + 2, 50)
    place, radius = length * (0.1 + 0.8 * rng.random((count, dimensions))), rng.uniform(3.0, 5.0, count)
    if region.wraps[0]:
        place[:, 0] = length * rng.random(count)
    tiny = 1e-3  # nobody reaches a side
    after, _, contacts = springs.move(place, radius, region, tiny)
    velocity, compression, neighbours = by_all_pairs(place, radius, region, springs)
    moved = after - place
    for axis, wraps in enumerate(region.wraps):
        if wraps:
            moved[:, axis] -= length * np.round(moved[:, axis] / length)
    assert moved == pytest.approx(tiny * velocity, abs=1e-13)
    assert contacts.compression == pytest.approx(compression, abs=1e-13)
    assert np.array_equal(contacts.neighbours, neighbours)


def test_cells_scattered_far_apart_need_no_more_boxes_than_cells() -> None:
    place = np.array([[0.0, 0.0, 0.0], [8.0, 0.0, 0.0], [1e7, -1e7, 1e7], [1e7 + 8, -1e7, 1e7]])
    after, _, contacts = Mechanics(repulsion=1.0).move(place, np.full(4, 5.0), Region.unbounded(3), 0.1)
    assert (after - place)[:, 0] == pytest.approx([-0.2, 0.2, -0.2, 0.2], abs=1e-8)
    assert contacts.neighbours.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("dimensions", [2, 3])
def test_springs_move_the_centre_of_the_crowd_nowhere(dimensions: int) -> None:
    rng = default_rng(1)
    place, radius = 60 * rng.random((300, dimensions)), rng.uniform(3, 6, 300)
    after, _, _ = Mechanics(1.0, adhesion=0.5).move(place, radius, Region.unbounded(dimensions), 0.1, 20)
    assert np.abs(after - place).max() > 1
    assert np.abs((after - place).sum(axis=0)).max() < 1e-10


def test_a_pair_across_a_periodic_side_is_a_pair() -> None:
    region, springs = Region((100.0, 50.0), periodic=True), Mechanics(1.0)
    place = np.array([[1.0, 1.0], [99.0, 49.0]])
    shifted = np.array([[51.0, 26.0], [49.0, 24.0]])  # by half a box
    across, _, _ = springs.move(place, np.full(2, 5.0), region, 0.1, 3)
    within, _, _ = springs.move(shifted, np.full(2, 5.0), region, 0.1, 3)
    box = np.array([100.0, 50.0])
    apart = across - within - box / 2
    assert apart - box * np.round(apart / box) == pytest.approx(np.zeros((2, 2)), abs=1e-12)


def stiffest_mode(dimensions: int) -> tuple[Floats, Region, Floats]:
    """A close packing of discs (or spheres) of diameter 1, and the mode of its largest eigenvalue, 6 (or 8)."""
    if dimensions == 2:  # rows along x, every other one displaced across
        rows = [[(i + 0.5 * (j % 2), j * sqrt(0.75)) for i in range(8)] for j in range(8)]
        place = np.array([site for row in rows for site in row])
        signs = np.array([[0.0, (-1.0) ** j] for j in range(8) for _ in range(8)])
        return place, Region((8.0, 8 * sqrt(0.75)), periodic=True), signs
    cubic = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) * sqrt(2)
    corners = sqrt(2) * np.array(list(product(range(3), repeat=3)))
    place = (corners[:, None] + cubic).reshape(-1, 3)
    layer = np.round(place[:, 0] / sqrt(0.5)).astype(int)
    signs = np.zeros_like(place)
    signs[:, 0] = (-1.0) ** layer
    return place, Region((3 * sqrt(2),) * 3, periodic=True), signs


@pytest.mark.parametrize(("dimensions", "eigenvalue"), [(2, 6.0), (3, 8.0)])
def test_the_largest_step_is_where_the_stiffest_mode_of_a_close_packing_turns_over(
    dimensions: int, eigenvalue: float
) -> None:
    # By hand: κ Σ over bonds of (1 - cos(k·r)) n n has the largest eigenvalue 6 κ in the plane, 8 κ in space.
    place, region, mode = stiffest_mode(dimensions)
    place += 0.25  # nobody on a side
    strain, amplitude, springs = 1e-3, 1e-5, Mechanics(repulsion=1.0)
    radius = np.full(len(place), 0.5 * (1 + strain))  # all bonds closed, with almost no prestress
    factors = []
    for time_step in (0.5 * springs.largest_step(dimensions), springs.largest_step(dimensions)):
        after, _, _ = springs.move(place + amplitude * mode, radius, region, time_step)
        factors.append(float(((after - place) * mode).sum() / (amplitude * (mode**2).sum())))
        assert factors[-1] == pytest.approx(1 - eigenvalue * time_step, abs=3 * strain)
    assert factors == pytest.approx([0.0, -1.0], abs=3 * strain)


def test_an_unstable_time_step_is_refused_and_the_stable_one_named() -> None:
    for dimensions, largest in ((2, "0.166667"), (3, "0.125")):
        with pytest.raises(ValueError, match=rf"at most {largest} h.*got 0\.2 h"):
            CentreBased(Region.unbounded(dimensions), Mechanics(2.0), time_step=0.2)
    assert CentreBased(Region.unbounded(3), Mechanics(2.0), time_step=0.25, substeps=2).time_step == 0.25
    with pytest.raises(ValueError, match="`substeps` must be a whole number"):
        CentreBased(Region.unbounded(3), Mechanics(2.0), substeps=0)
    with pytest.raises(ValueError, match="must be positive"):
        CentreBased(Region.unbounded(2), Mechanics(2.0), time_step=0.0)
    assert Mechanics(0.0).largest_step(2) == inf


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("periodic", [True, False])
def test_the_kernel_is_the_mesa_model_to_round_off(dimensions: int, periodic: bool) -> None:
    region = Region((40.0,) * dimensions, periodic=True) if periodic else Region.unbounded(dimensions)
    rules = CentreBased(region, Mechanics(2.0, adhesion=0.5, reach=1.3), time_step=0.1)
    rng = default_rng(3)
    cells = Spheres.at(39 * rng.random((25, dimensions)), rng.uniform(8.0, 11.0, 25))
    plain = MesaTissue(rules, cells, seed=0)
    for _ in range(20):
        plain.step()
    compiled = rules.evolve(cells, 2.0, rng)
    expected = np.array([cell.position for cell in plain.agents])
    plain.release()
    assert np.abs(compiled.position - cells.position).max() > 1
    assert compiled.position == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("model", [MesaTissue, BoxedTissue])
def test_what_the_benchmark_times_is_the_same_work(model: type[MesaTissue]) -> None:
    assert disagreement(100, 5, model) < 1e-11


def test_many_steps_at_once_are_the_steps_one_by_one() -> None:
    rng = default_rng(0)
    rules = CentreBased(Region((50.0, 50.0), periodic=True), Mechanics(1.0, 0.2), time_step=0.1)
    at_once = one_by_one = Spheres.at(50 * rng.random((40, 2)), 9.0)
    at_once = rules.evolve(at_once, 0.5, rng)
    for _ in range(5):
        one_by_one = rules.evolve(one_by_one, 0.1, rng)
    assert at_once.position == pytest.approx(one_by_one.position, abs=1e-12)  # pairs are summed in another order


def test_pairs_are_listed_anew_before_any_is_missed() -> None:
    # Cells that dash through each other: the way of many listings, beside one step at a time, which lists in each.
    rng = default_rng(6)
    region, springs = Region((60.0, 60.0), periodic=(True, False)), Mechanics(1.0, 0.3, 1.2)
    place, radius, speed = 60 * rng.random((60, 2)), rng.uniform(3, 5, 60), rng.uniform(0, 8, 60)
    heading = np.stack((np.cos(speed), np.sin(speed)), axis=1)
    at_once = springs.move(place, radius, region, 0.1, 100, speed=speed, heading=heading)
    for _ in range(100):
        place, turned, contacts = springs.move(place, radius, region, 0.1, speed=speed, heading=heading)
        assert turned is not None
        heading = turned
    assert at_once[0] == pytest.approx(place, abs=1e-7)
    assert at_once[1] == pytest.approx(heading, abs=1e-12)
    assert np.array_equal(at_once[2].neighbours, contacts.neighbours)


def test_springs_and_regions_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="`repulsion` must be finite and not negative, in 1/h: got -1"):
        Mechanics(-1.0)
    with pytest.raises(ValueError, match=r"`reach` must be 1 to 1\.4"):
        Mechanics(1.0, adhesion=1.0, reach=2.0)
    with pytest.raises(ValueError, match="two or three positive lengths"):
        Region((1.0,))
    with pytest.raises(ValueError, match="periodic axis must be finite"):
        Region((1.0, inf), periodic=True)
    with pytest.raises(ValueError, match="an answer for each of 2 axes"):
        Region((1.0, 1.0), periodic=(True,))
    with pytest.raises(ValueError, match="longer than the reach of its largest cell, 10 µm: got 8 µm"):
        Mechanics(1.0).move(np.ones((1, 2)), np.full(1, 5.0), Region((8.0, 50.0), periodic=True), 0.1)
