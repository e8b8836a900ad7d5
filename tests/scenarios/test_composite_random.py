"""Random media: disks, tiles, and their means."""

from functools import cache

import numpy as np
import pytest

from scenarios.composite.cell import CellProblem
from scenarios.composite.ensemble import EnsembleTensor, ensemble_tensor
from scenarios.composite.microstructures import RandomDisks
from scenarios.composite.microstructures.image import random_checkerboard

SQUARE_ARRAY = 1.652036011082147  # f = 0.3, k = 10: W. T. Perrins et al., Proc. R. Soc. A 369 (1979) 207
CONTRAST = (1.0, 10.0)


def hashin_shtrikman(fraction: float) -> tuple[float, float]:
    """Bounds of an isotropic plane medium of conductivities 1 and 10: Z. Hashin, J. Appl. Mech. 50 (1983) 481."""
    low, high = CONTRAST
    return (
        low + fraction / (1 / (high - low) + (1 - fraction) / (2 * low)),
        high + (1 - fraction) / (1 / (low - high) + fraction / (2 * high)),
    )


@cache
def disks() -> EnsembleTensor:
    return ensemble_tensor(lambda number: RandomDisks(0.3, 16, number), CONTRAST, 8, refinement=12)


@pytest.mark.parametrize(
    ("fraction", "count", "refinement"),
    [(0.3, 1, 8), (0.05, 3, 8), (0.5, 9, 16), (0.6, 12, 12), (0.7, 1, 12)],
)
def test_the_mesh_covers_the_torus_once_and_no_triangle_crosses_a_circle(
    fraction: float, count: int, refinement: int
) -> None:
    medium = RandomDisks(fraction, count, seed=4)
    cell = medium.cell(refinement)
    np.testing.assert_allclose(cell.areas(), [1 - fraction, fraction], rtol=1e-10)
    corners = cell.mesh.p[:, cell.mesh.t].T  # (element, corner, 2)
    edges = corners - np.roll(corners, 1, axis=1)
    doubled = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
    assert (2 * np.sqrt(3) * doubled / (edges**2).sum(axis=(1, 2))).min() > 0.2  # 1 if equilateral, 0 if flat
    # a circle's polygon of 12 corners or more lies within 2.4 % of it
    difference = corners[:, None] - medium.centres[None, :, None]
    far = np.linalg.norm(difference - np.round(difference), axis=-1) / medium.radius  # (element, disk, corner)
    inside, outside = (far < 1.024).all(axis=2).any(axis=1), (far > 0.976).all(axis=(1, 2))
    assert inside[cell.phase == 1].all()
    assert outside[cell.phase == 0].all()


@pytest.mark.parametrize(("fraction", "count"), [(0.2, 30), (0.5, 30), (0.65, 20), (0.7, 1)])
def test_disks_are_a_tenth_of_a_radius_apart(fraction: float, count: int) -> None:
    medium = RandomDisks(fraction, count, seed=1)
    difference = medium.centres[:, None] - medium.centres[None]
    apart = np.linalg.norm(difference - np.round(difference), axis=2) + np.eye(count)  # a disk's own copy: 1
    assert medium.centres.shape == (count, 2)
    assert apart.min() >= 2.1 * medium.radius
    assert count * np.pi * medium.radius**2 == pytest.approx(fraction)


def test_same_seed_same_disks() -> None:
    one, same, other = (RandomDisks(0.4, 5, seed).cell(6).mesh.p for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or (one != other).any()


def test_outline_lies_in_the_unit_square_and_has_the_area() -> None:
    polygons = RandomDisks(0.3, 6, 3).outline()
    assert all(((polygon >= 0) & (polygon <= 1)).all() for polygon in polygons)
    area = sum(
        abs(polygon[:, 0] @ np.roll(polygon[:, 1], -1) - polygon[:, 1] @ np.roll(polygon[:, 0], -1)) / 2
        for polygon in polygons
    )
    assert area == pytest.approx(0.3, rel=0.01)  # circles as polygons of 48 corners


def test_one_disk_is_the_square_array_of_cylinders() -> None:
    coarse, fine = (CellProblem(RandomDisks(0.3, 1, 0).cell(refinement))(CONTRAST) for refinement in (16, 32))
    np.testing.assert_allclose(fine.tensor, SQUARE_ARRAY * np.eye(2), rtol=3e-5, atol=1e-6)
    np.testing.assert_allclose(fine.lower, SQUARE_ARRAY * np.eye(2), rtol=3e-5, atol=1e-6)
    assert coarse.tensor[0, 0] - SQUARE_ARRAY > 4 * (fine.tensor[0, 0] - SQUARE_ARRAY) > 0


def test_linear_elements_on_disks_are_second_order() -> None:
    refinements = np.array([8, 16, 32])
    errors = [
        CellProblem(RandomDisks(0.3, 1, 0).cell(refinement), degree=1)(CONTRAST).tensor.trace() / 2 - SQUARE_ARRAY
        for refinement in refinements
    ]
    assert np.polyfit(np.log(1 / refinements), np.log(errors), 1)[0] == pytest.approx(2.0, abs=0.15)


def test_few_disks_act_each_for_itself() -> None:
    # Maxwell: K = 1 + 2 b f + 2 b² f² + ..., b = (k - 1)/(k + 1); the places of the disks enter from f² on
    contrast, fraction = 9 / 11, 0.01
    answer = CellProblem(RandomDisks(fraction, 4, 2).cell(12))(CONTRAST).tensor
    assert (answer.trace() / 2 - 1) / fraction == pytest.approx(2 * contrast, rel=2 * fraction)


@pytest.mark.slow
def test_disks_conduct_between_hashin_and_shtrikman() -> None:
    low, high = hashin_shtrikman(0.3)
    mean, stderr = disks().isotropic
    error = float(np.diag(disks().error).max())  # by which the mean may be too high
    assert low < mean - 4 * stderr - error
    assert mean + 4 * stderr < high
    assert 0 < stderr < 0.01 * mean
    assert error < 0.005 * mean


@pytest.mark.slow
def test_a_medium_at_random_has_no_direction() -> None:
    mean = disks()
    crossed = mean.samples[:, 0, 0] - mean.samples[:, 1, 1]
    assert abs(crossed.mean()) < 4 * crossed.std(ddof=1) / np.sqrt(len(crossed))
    assert abs(mean.tensor[0, 1]) < 4 * mean.stderr[0, 1]


@pytest.mark.slow
def test_interchangeable_phases_conduct_like_their_geometric_mean() -> None:
    # K(A; k1, k2) det-inverts with the phases of A interchanged, so that <ln det K> = ln k1 k2 for any number of tiles
    # and, with the upper bound for one and the lower for the other, on any mesh: K. S. Mendelson (1975)
    answers = [CellProblem(random_checkerboard(8, seed).cell(2), 1)(CONTRAST) for seed in range(40)]
    both = [np.linalg.slogdet([answer.tensor, answer.lower])[1].sum() for answer in answers]
    logarithms = np.array(both) / 4
    stderr = logarithms.std(ddof=1) / np.sqrt(len(logarithms))
    assert stderr < 0.03
    assert abs(logarithms.mean() - np.log(np.sqrt(10.0))) < 4 * stderr


def test_interchanged_phases_have_the_turned_inverse_tensor() -> None:
    medium = random_checkerboard(6, seed=2)
    one, other = (CellProblem(medium.cell(2))(pair) for pair in ((1.0, 10.0), (10.0, 1.0)))
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    np.testing.assert_allclose(one.lower, 10 * turn @ np.linalg.inv(other.tensor) @ turn.T, rtol=1e-10)


def test_mean_and_error_are_those_of_the_realisations() -> None:
    seen: list[int] = []
    mean = ensemble_tensor(
        lambda seed: random_checkerboard(4, seed), CONTRAST, 3, refinement=1, degree=1, progress=seen.append
    )
    alone = [CellProblem(random_checkerboard(4, seed).cell(1), 1)(CONTRAST).tensor for seed in range(3)]
    np.testing.assert_allclose(mean.tensor, (alone[0] + alone[1] + alone[2]) / 3)
    np.testing.assert_allclose(mean.stderr, np.std(alone, axis=0) / np.sqrt(2))
    assert seen == [0, 1, 2]


def test_what_cannot_be_placed_is_refused() -> None:
    for fraction in (0.0, 1.0, -0.1, np.nan):
        with pytest.raises(ValueError, match="`volume_fraction` must be between 0 and 1"):
            RandomDisks(fraction, 4, 0)
    with pytest.raises(ValueError, match=r"between 0 and 0\.712"):
        RandomDisks(0.75, 1, 0)
    with pytest.raises(ValueError, match="were not disentangled"):
        RandomDisks(0.85, 3, 0).cell(8)
    with pytest.raises(ValueError, match="`count` must be a positive"):
        RandomDisks(0.3, 0, 0)
    with pytest.raises(ValueError, match="`refinement` must be a positive"):
        RandomDisks(0.3, 1, 0).cell(0)
    with pytest.raises(ValueError, match="`realisations` must be at least 2"):
        ensemble_tensor(lambda seed: random_checkerboard(4, seed), CONTRAST, 1, refinement=1)
    with pytest.raises(ValueError, match="`volume_fraction` must be between"):
        random_checkerboard(4, 1, volume_fraction=1.0)
