"""The periodic cell problem on fitted meshes.

Exact values: laminates, closed form (Wiener 1912); checkerboards, sqrt(k1 k2) (Keller 1964, Dykhne 1971); cylinders in
a square array, Rayleigh's multipoles of 20 terms in 30 digits (Perrins, McKenzie & McPhedran 1979).
"""

from __future__ import annotations

import numpy as np
import pytest
import skfem

from scenarios.composite.bounds import hashin_shtrikman, wiener
from scenarios.composite.cell import Cell, CellProblem, local_field
from scenarios.composite.microstructures import Checkerboard, Cylinders, Ellipses, Laminate, Microstructure
from scenarios.composite.microstructures.checkerboard import grading_for, singular_exponent
from scenarios.composite.microstructures.ellipses import touching_fraction

COPPER, PLASTIC = 401.0, 0.2
QUARTER_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
CYLINDERS = {
    (0.1, 10.0): 1.178221796,
    (0.3, 10.0): 1.652036011,
    (0.5, 10.0): 2.4154673801872377,
    (0.5, 2005.0): 3.075804421031914,
    (0.5, 0.1): 0.4139985529104864,
}


def order(sizes: list[int], errors: list[float]) -> float:
    return float(-np.polyfit(np.log(sizes), np.log(np.abs(errors)), 1)[0])


@pytest.mark.parametrize("degree", [1, 2])
def test_two_elements_across_give_a_laminate_exactly(degree: int) -> None:
    straight = CellProblem(Laminate(0.5).cell(2), degree)((PLASTIC, COPPER))
    assert straight.tensor == pytest.approx(np.diag([0.39980059820538383, 200.6]), abs=1e-10)
    turned = CellProblem(Laminate(0.5, np.pi / 6).cell(2), degree)((PLASTIC, COPPER))
    exact = [[50.44985044865404, -86.68922926233216], [-86.68922926233216, 150.54995014955134]]
    assert turned.tensor == pytest.approx(np.array(exact), abs=1e-10)
    assert turned.lower == pytest.approx(np.array(exact), abs=1e-10)


def test_shares_of_a_laminate_are_the_derivatives_of_its_means() -> None:
    fraction, phases = 0.3, np.array([2.0, 7.0])
    shares = CellProblem(Laminate(fraction).cell(2))(phases).shares
    parts = np.array([1 - fraction, fraction])
    harmonic = 1 / (parts / phases).sum()
    assert shares[:, 1, 1] == pytest.approx(parts, abs=1e-12)
    assert shares[:, 0, 0] == pytest.approx(parts * harmonic**2 / phases**2, abs=1e-12)


@pytest.mark.parametrize(
    "microstructure",
    [Laminate(0.3, 0.4), Cylinders(0.4), Ellipses(0.3, 2.5, 0.5), Checkerboard(3.0)],
    ids=lambda microstructure: type(microstructure).__name__,
)
class TestEveryMicrostructure:
    def test_energy_of_the_means_is_the_mean_of_the_energies(self, microstructure: Microstructure) -> None:
        phases = (1.0, 20.0)
        for degree in (1, 2):
            problem = CellProblem(microstructure.cell(8), degree)
            effective = problem(phases)
            for gradient in np.random.default_rng(1).normal(size=(3, 2)):
                field = local_field(problem, effective, phases, gradient)
                assert field.mean_gradient == pytest.approx(gradient, abs=1e-11)
                assert field.mean_flux == pytest.approx(-effective.tensor @ gradient, abs=1e-10)
                assert field.dissipation == pytest.approx(-field.mean_flux @ field.mean_gradient, rel=1e-11)

    def test_tensor_is_symmetric_and_between_the_bounds(self, microstructure: Microstructure) -> None:
        effective = CellProblem(microstructure.cell(8))((1.0, 20.0))
        assert (effective.tensor == effective.tensor.T).all()
        bounds = wiener((1.0, 20.0), microstructure.volume_fraction)
        eigenvalues = np.linalg.eigvalsh(effective.tensor)
        assert bounds.lower < eigenvalues[0] + 1e-12
        assert eigenvalues[1] - 1e-12 < bounds.upper
        assert np.linalg.eigvalsh(effective.tensor - effective.lower).min() > -1e-12

    def test_shares_add_up_to_the_tensor_and_are_its_derivatives(self, microstructure: Microstructure) -> None:
        problem, phases = CellProblem(microstructure.cell(8)), np.array([1.0, 20.0])
        effective = problem(phases)
        assert np.einsum("p,pij->ij", phases, effective.shares) == pytest.approx(effective.tensor, rel=1e-12)
        for phase, step in enumerate(np.diag(1e-4 * phases)):
            difference = (problem(phases + step).tensor - problem(phases - step).tensor) / (2 * step[phase])
            assert effective.shares[phase] == pytest.approx(difference, abs=1e-7)

    def test_meshed_areas_are_the_volume_fractions(self, microstructure: Microstructure) -> None:
        cell = microstructure.cell(9)
        fractions = [1 - microstructure.volume_fraction, microstructure.volume_fraction]
        assert cell.areas() == pytest.approx(fractions, abs=1e-12)
        assert Cell(cell.straight, cell.phase).areas() == pytest.approx(fractions, abs=1e-12)

    def test_outline_encloses_the_inclusion(self, microstructure: Microstructure) -> None:
        def enclosed(polygon: np.ndarray) -> float:
            x, y = polygon.T
            return float(0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum())

        assert isinstance(microstructure.volume_fraction, float)
        area = sum(enclosed(polygon) for polygon in microstructure.outline())
        # a picture of turned layers shows a part of a period only
        tolerance = 0.1 if isinstance(microstructure, Laminate) else 2e-3
        assert area == pytest.approx(microstructure.volume_fraction, abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5])
def test_cylinders_reach_the_multipole_values(fraction: float) -> None:
    problem = CellProblem(Cylinders(fraction).cell(48))
    there, back = problem((1.0, 10.0)), problem((1.0, 0.1))
    assert there.tensor == pytest.approx(CYLINDERS[fraction, 10.0] * np.eye(2), abs=1e-6)
    assert there.tensor[0, 0] * back.tensor[0, 0] == pytest.approx(1, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("degree", "sizes"), [(1, [8, 16, 32]), (2, [16, 24, 32])])
@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5])
def test_micro_error_falls_with_twice_the_degree(degree: int, sizes: list[int], fraction: float) -> None:
    exact = CYLINDERS[fraction, 10.0]
    answers = [CellProblem(Cylinders(fraction).cell(size), degree)((1.0, 10.0)) for size in sizes]
    assert order(sizes, [answer.tensor[0, 0] - exact for answer in answers]) == pytest.approx(2 * degree, abs=0.15)
    assert order(sizes, [answer.error[0, 0] for answer in answers]) == pytest.approx(2 * degree, abs=0.15)


@pytest.mark.parametrize("degree", [1, 2])
@pytest.mark.parametrize("case", CYLINDERS)
def test_error_bounds_the_true_error_of_cylinders(case: tuple[float, float], degree: int) -> None:
    fraction, contrast = case
    effective = CellProblem(Cylinders(fraction).cell(16), degree)((1.0, contrast))
    assert effective.lower[0, 0] < CYLINDERS[case] < effective.tensor[0, 0]
    assert (np.abs(effective.tensor - CYLINDERS[case] * np.eye(2)) <= effective.error).all()
    assert effective.error[0, 0] < 0.025 * CYLINDERS[case]


def test_circular_ellipses_are_cylinders_whichever_way_they_are_turned() -> None:
    for angle in (0.0, 0.7):
        effective = CellProblem(Ellipses(0.3, 1.0, angle).cell(16))((1.0, 10.0))
        assert effective.tensor == pytest.approx(1.652036011 * np.eye(2), abs=1e-4)
        assert (np.abs(effective.tensor - 1.652036011 * np.eye(2)) <= effective.error).all()


def test_ellipses_turned_by_a_right_angle_exchange_the_axes() -> None:
    upright, lying = (CellProblem(Ellipses(0.2, 2.0, angle).cell(16))((1.0, 10.0)) for angle in (np.pi / 2, 0.0))
    assert lying.tensor[0, 0] > upright.tensor[0, 0] + 0.1
    assert upright.tensor == pytest.approx(QUARTER_TURN @ lying.tensor @ QUARTER_TURN.T, abs=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize(("aspect", "angle", "fraction"), [(2.0, 0.0, 0.2), (3.0, np.pi / 4, 0.3), (4.0, 0.4636, 0.3)])
def test_ellipses_obey_kellers_reciprocity(aspect: float, angle: float, fraction: float) -> None:
    # K[k] and K[1/k] turned by a right angle are inverse (Keller 1964, Mendelson 1975): two independent systems
    there, back = (CellProblem(Ellipses(fraction, aspect, angle).cell(24))((1.0, k)) for k in (10.0, 0.1))
    product = there.tensor @ QUARTER_TURN @ back.tensor @ QUARTER_TURN.T
    assert product == pytest.approx(np.eye(2), abs=1e-3)


@pytest.mark.slow
def test_few_ellipses_obey_maxwell_and_garnett() -> None:
    # axes (a, b): depolarisation b/(a+b) along the long axis; interactions are of the second order in the fraction
    aspect, contrast = 3.0, 10.0
    for fraction in (0.01, 0.02):
        effective = CellProblem(Ellipses(fraction, aspect, 0.3).cell(32))((1.0, contrast))
        depolarisation = np.array([1.0, aspect]) / (1 + aspect)
        swell = fraction * (contrast - 1) / (1 + (1 - fraction) * depolarisation * (contrast - 1))
        turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
        dilute = turn @ np.diag(1 + swell) @ turn.T
        assert effective.tensor == pytest.approx(dilute, abs=10 * fraction**2)
        assert effective.tensor != pytest.approx(np.eye(2), abs=0.5 * fraction)


@pytest.mark.slow
def test_checkerboard_is_the_geometric_mean() -> None:
    effective = CellProblem(Checkerboard(grading_for((1.0, 10.0))).cell(64))((1.0, 10.0))
    assert effective.tensor == pytest.approx(3.1622776601683795 * np.eye(2), abs=1e-3)
    assert effective.lower[0, 0] < 3.1622776601683795 < effective.tensor[0, 0]
    assert effective.error[0, 0] < 1e-3


def test_checkerboard_converges_as_its_grading_says() -> None:
    exponent = singular_exponent((1.0, 10.0))
    assert exponent == pytest.approx(0.389964, abs=1e-6)  # 2/π arccos((10 - 1)/(10 + 1)), Keller 1987
    assert grading_for((1.0, 10.0), 1) > 1 / exponent
    for grading in (1.0, 2.0):
        sizes = [16, 32]
        errors = [CellProblem(Checkerboard(grading).cell(n))((1.0, 10.0)).error[0, 0] for n in sizes]
        assert order(sizes, errors) == pytest.approx(2 * grading * exponent, abs=0.15)


@pytest.mark.slow
def test_contrast_of_a_hundred_takes_the_grading_of_its_exponent() -> None:
    effective = CellProblem(Checkerboard(grading_for((1.0, 100.0))).cell(16))((1.0, 100.0))
    assert effective.lower[0, 0] < 10.0 < effective.tensor[0, 0] < 10.05
    weaker = CellProblem(Checkerboard(grading_for((1.0, 10.0))).cell(16))((1.0, 100.0))
    assert weaker.tensor[0, 0] > 10.5
    bounds = hashin_shtrikman((1.0, 100.0), 0.5)
    assert bounds.lower < effective.lower[0, 0]
    assert effective.tensor[0, 0] < bounds.upper


def test_quadrilaterals_and_elements_that_stick_out_tile_the_torus() -> None:
    pixels = np.linspace(0, 1, 5)
    mesh = skfem.MeshQuad.init_tensor(pixels, pixels).translated((0.35, -1.2))
    centre = mesh.p[:, mesh.t].mean(axis=1)
    phase = (np.mod(centre[0] - 0.35, 1) > 0.5).astype(int)
    for degree in (1, 2):
        effective = CellProblem(Cell(mesh, phase), degree)((PLASTIC, COPPER))
        assert effective.tensor == pytest.approx(np.diag([0.39980059820538383, 200.6]), abs=1e-10)


def test_one_phase_is_left_as_it_is() -> None:
    mesh = skfem.MeshTri().refined(1)
    effective = CellProblem(Cell(mesh, np.zeros(8, dtype=int)))((3.0, 1.0))
    assert effective.tensor == pytest.approx(3.0 * np.eye(2), abs=1e-13)
    assert effective.shares[1] == pytest.approx(np.zeros((2, 2)))


def test_field_of_a_cell_is_drawn_from_its_corners() -> None:
    problem = CellProblem(Laminate(0.5, np.pi / 2).cell(4))
    effective = problem((1.0, 3.0))
    field = local_field(problem, effective, (1.0, 3.0), (0.0, 1.0))
    assert field.flux == pytest.approx(np.broadcast_to([0.0, -1.5], field.flux.shape), abs=1e-12)
    across = field.places[:, 1]
    # slopes of 1.5 in the matrix (below 0.5) and 0.5 in the inclusion, in series
    expected = np.where(across < 0.5, 1.5 * across, 0.75 + 0.5 * (across - 0.5))
    assert np.ptp(field.temperature - expected) < 1e-12
    assert field.elements.shape == (problem.mesh.t.shape[1], 3)


def test_touching_fractions_of_ellipses_are_those_of_their_nearest_neighbours() -> None:
    assert touching_fraction(1.0, 0.4) == pytest.approx(np.pi / 4)
    assert touching_fraction(2.0, 0.0) == pytest.approx(np.pi / 8)  # long axis 1, short axis 1/2
    assert touching_fraction(3.0, np.pi / 4) == pytest.approx(np.pi / 6)  # end to end on the diagonal: long axis √2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: Cylinders(0.79),
            r"cylinders in a square array must lie above 0 and below 0\.785398163, where they touch",
        ),
        (lambda: Cylinders(0.0), "must lie above 0"),
        (lambda: Ellipses(0.4, 2.0, 0.0), r"below 0\.392699082, where they touch: got 0\.4"),
        (lambda: Ellipses(0.2, 0.5), "`aspect` must be at least 1"),
        (lambda: Ellipses(0.2, 2.0, np.inf), "`angle` must be finite"),
        (lambda: Laminate(1.0), "must lie above 0 and below 1: got 1"),
        (lambda: Laminate(0.5, np.nan), "`angle` must be finite"),
        (lambda: Laminate(0.5).cell(1), "`refinement` must be a whole number of at least 2"),
        (lambda: Cylinders(0.5).cell(3), "`refinement` must be a whole number of at least 4"),
        (lambda: Checkerboard(0.5), "`grading` must be at least 1"),
        (lambda: Checkerboard(5.0).cell(2), "`refinement` must be a whole number of at least 4"),
        (lambda: CellProblem(Cylinders(0.78).cell(8)), "closer than a hundredth of a period"),
        (lambda: CellProblem(Laminate(0.5).cell(2), 3), "`degree` must be 1 or 2"),
        (lambda: CellProblem(Laminate(0.5).cell(2))((1.0, -1.0)), "two positive numbers"),
        (lambda: CellProblem(Laminate(0.5).cell(2))((1.0, 2.0, 3.0)), "two positive numbers"),
        (lambda: Cell(skfem.MeshTri(), np.array([0, 2])), "`phase` must be 0"),
        (lambda: Cell(skfem.MeshTri(), np.array([0])), "`phase` must be 0"),
        (lambda: CellProblem(Cell(skfem.MeshTri().scaled(0.9), np.array([0, 1]))), "must tile the unit torus"),
    ],
)
def test_what_cannot_be_meshed_or_solved_is_refused(wrong: object, message: str) -> None:
    assert callable(wrong)
    with pytest.raises(ValueError, match=message):
        wrong()
