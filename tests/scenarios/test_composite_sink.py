"""The heat sink whose layers turn and thin: its geometry, both ways to solve it, and what they cost."""

from collections.abc import Callable
from math import asinh, hypot, radians, tan
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from scenarios.composite.sink import Comparison, Sink, Steady, compare, heat_up, homogenised, resolved
from scenarios.composite.sink.meshes import FittedMesh, coarse_mesh, layered_mesh
from scenarios.composite.sink.steady import errors

Array: TypeAlias = NDArray[np.float64]

STEEP = Sink(width=0.2, height=0.1, turning=50.0, fractions=(0.2, 0.6))
DOUBLE: dict[str, int] = {"refinement": 2, "rows": 48}


@pytest.fixture(scope="module")
def compared() -> tuple[Comparison, list[str]]:
    """The default part at three ratios of scales, and what was said meanwhile."""
    said: list[str] = []
    return compare(Sink(), (8, 16, 32), told=said.append), said


def side(sink: Sink) -> float:
    """Length of the left side, a parabola: its arc in closed form."""
    bend = tan(radians(sink.turning))
    return sink.height * (hypot(1, bend) + asinh(bend) / bend) / 2


def difference(coarse: Steady, fine: Steady) -> tuple[float, float]:
    return errors(coarse.problem, coarse.solution.values, fine.problem, fine.solution.values)


def test_layers_turn_thin_and_change_their_share_across_the_part() -> None:
    corners = STEEP.places([[0.0, 0.0], [1.0, 1.0]])
    assert np.degrees(STEEP.angle(corners)) == pytest.approx([0.0, 50.0])
    assert STEEP.fraction(corners) == pytest.approx([0.2, 0.6])
    middle, step = STEEP.places([[0.4, 0.7]]), 1e-6
    slopes = [
        (STEEP.coordinates(middle + step * axis) - STEEP.coordinates(middle - step * axis))[0, 0] for axis in np.eye(2)
    ]
    assert np.arctan2(slopes[1], slopes[0]) == pytest.approx(STEEP.angle(middle)[0], abs=1e-8)  # the normal is grad phi


def test_coordinates_and_places_are_inverse() -> None:
    coordinates = np.random.default_rng(1).random((50, 2))
    assert STEEP.coordinates(STEEP.places(coordinates)) == pytest.approx(coordinates, abs=1e-14)


@pytest.mark.parametrize("refinement", [1, 3])
def test_no_element_crosses_an_interface(refinement: int) -> None:
    from skfem import Basis, ElementTriP2

    periods = 7
    mesh = layered_mesh(STEEP, periods, refinement=refinement, rows=5).mesh
    basis = Basis(mesh, ElementTriP2(), intorder=8)
    places = np.asarray(basis.global_coordinates()).reshape(2, -1).T
    phase = STEEP.layered((0.0, 1.0), places, periods).reshape(mesh.nelements, -1)
    assert (phase == phase[:, :1]).all()
    assert np.sum(phase * basis.dx) / np.sum(basis.dx) == pytest.approx(0.4, abs=0.2 / periods)  # off by O(1/periods)


@pytest.mark.parametrize("fitted", [coarse_mesh(STEEP, 3), layered_mesh(STEEP, 5, rows=4)], ids=["coarse", "layered"])
def test_curved_elements_fit_the_outline_exactly(fitted: FittedMesh) -> None:
    from skfem import Basis, ElementTriP2, FacetBasis

    mesh = fitted.mesh
    assert np.sum(Basis(mesh, ElementTriP2(), intorder=4).dx) == pytest.approx(STEEP.width * STEEP.height, rel=1e-12)
    lengths = {
        name: float(np.sum(FacetBasis(mesh, ElementTriP2(), facets=facets, intorder=12).dx))
        for name, facets in mesh.boundaries.items()
    }
    assert lengths["left"] == pytest.approx(side(STEEP), rel=1e-5)
    assert lengths["right"] == pytest.approx(lengths["left"], rel=1e-12)
    assert lengths["bottom"] == pytest.approx(STEEP.width, rel=1e-12)
    assert lengths["top"] == pytest.approx(STEEP.width, rel=1e-12)


@pytest.mark.parametrize("fitted", [coarse_mesh(STEEP, 3), layered_mesh(STEEP, 5, rows=4)], ids=["coarse", "layered"])
def test_interpolation_is_exact_for_quadratic_functions_everywhere(fitted: FittedMesh) -> None:
    from skfem import Basis, ElementTriP2

    def quadratic(coordinates: Array) -> Array:
        across, along = coordinates.T
        return np.asarray(1 + 2 * across - along + 3 * across**2 - across * along + 0.5 * along**2)

    basis = Basis(fitted.mesh, ElementTriP2())
    values = quadratic(STEEP.coordinates(basis.doflocs.T))
    ends = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 0.5]])
    coordinates = np.vstack([ends, np.random.default_rng(2).random((200, 2))])
    assert fitted.interpolate(basis, values, coordinates) == pytest.approx(quadratic(coordinates), abs=1e-12)


def test_one_material_is_the_same_by_two_scales_and_with_its_layers_meshed() -> None:
    plain = Sink(conductivities=(100.0, 100.0))
    mean, most = difference(homogenised(plain, elements=12), resolved(plain, 4, **DOUBLE))
    assert mean < 1e-4
    assert most < 1e-3


@pytest.mark.slow
def test_heat_that_enters_leaves(compared: tuple[Comparison, list[str]]) -> None:
    found, sink = compared[0], Sink()
    for solved in (found.hmm, found.direct):
        inflows = solved.solution.inflows
        assert solved.solution.success
        assert abs(solved.solution.imbalance) < 1e-10
        assert inflows["left"] == pytest.approx(sink.inflow * side(sink), rel=1e-5)
        assert sum(inflows.values()) == pytest.approx(0, abs=1e-10 * inflows["left"])
        assert max(inflows[name] for name in ("right", "bottom", "top")) < 0


def test_two_scales_miss_in_proportion_to_the_ratio_of_scales(compared: tuple[Comparison, list[str]]) -> None:
    found, said = compared
    assert len(said) == 4
    assert found.order("error_l2") == pytest.approx(1, abs=0.15)
    assert found.order("error_max") == pytest.approx(1, abs=0.15)
    table = found.costs.set_index("periods")
    assert (table.loc[[16, 32], ["error_l2", "error_max"]] < 0.01).all(axis=None)


def test_cost_of_two_scales_counts_micro_problems_and_knows_no_ratio(compared: tuple[Comparison, list[str]]) -> None:
    found, _ = compared
    assert found.hmm.unknowns - found.hmm.problem.law.unknowns == found.hmm.problem.micro_unknowns() > 0
    assert found.costs["unknowns_hmm"].nunique() == 1
    assert (found.costs["cost_ratio"].diff().dropna() > 0).all()


def test_pictures_hold_the_temperatures_of_the_part_and_nothing_outside(compared: tuple[Comparison, list[str]]) -> None:
    found, _ = compared
    field, insets = found.field(), found.insets()
    coordinates = found.sink.coordinates(field[["x", "y"]])
    inside = np.all((coordinates >= 0) & (coordinates <= 1), axis=1)
    temperatures = field[["hmm", "direct"]].to_numpy()
    assert inside.any()
    assert np.isfinite(temperatures[inside]).all()
    assert np.isnan(temperatures[~inside]).all()
    rise = found.direct.solution.values.max() - found.sink.ambient
    assert abs(field["hmm"] - field["direct"]).max() < 0.01 * rise
    assert insets["volume_fraction"].between(*found.sink.fractions).all()
    assert insets["angle"].between(0, 60).all()


@pytest.mark.slow
def test_sixty_four_periods_cost_twenty_times_less_by_two_scales() -> None:
    found = compare(Sink(), (16, 32, 64))
    table = found.costs
    assert (table[["error_l2", "error_max"]] < 0.01).all(axis=None)
    assert found.order("error_l2") == pytest.approx(1, abs=0.15)
    assert table["cost_ratio"].iloc[-1] >= 20
    assert (table["cost_ratio"].diff().dropna() > 0).all()


@pytest.mark.slow
def test_either_mesh_errs_far_less_than_scales_that_are_not_apart() -> None:
    sink = Sink()
    finest, direct = resolved(sink, 16, **DOUBLE), resolved(sink, 16)
    coarse, coarse_doubled = homogenised(sink), homogenised(sink, elements=12)
    not_apart = difference(coarse_doubled, finest)[0]
    assert difference(direct, finest)[0] < not_apart / 10
    assert difference(coarse, coarse_doubled)[0] < not_apart / 10


@pytest.mark.slow
def test_many_thin_layers_are_solved_too() -> None:
    solved = resolved(Sink(), 96, rows=6)
    assert solved.solution.success
    assert difference(homogenised(Sink()), solved)[0] < 0.001


def test_what_enters_leaves_or_is_stored_in_every_step() -> None:
    sink, said = Sink(), list[str]()
    heating = heat_up(sink, 8, duration=400.0, steps=4, rows=8, told=said.append)
    table = heating.table
    assert len(said) == 8
    assert len(table) == 5
    assert heating.imbalance < 1e-10
    assert table["entered"].to_numpy() == pytest.approx(sink.inflow * side(sink) * table["time"].to_numpy(), rel=1e-5)
    balance = table["entered"] - table["left"] - table["stored"]
    assert np.abs(balance).max() < 1e-10 * table["entered"].max()


@pytest.mark.slow
def test_both_warm_up_alike_until_they_are_at_rest() -> None:
    sink = Sink()
    heating = heat_up(sink, 8, duration=6000.0, steps=20, rows=8)
    table = heating.table.iloc[1:]
    assert (table["error_l2"] < 0.01).all()
    assert table["stored_direct"].to_numpy() == pytest.approx(table["stored"].to_numpy(), rel=0.01)
    rest, direct_rest = homogenised(sink), resolved(sink, 8, rows=8)
    assert heating.hmm.values[-1] == pytest.approx(rest.solution.values, abs=1e-3)  # exp(-6000 s / 360 s) is left
    assert heating.direct.values[-1] == pytest.approx(direct_rest.solution.values, abs=1e-3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"width": 0.0}, "`width` must be positive"),
        ({"turning": 90.0}, "`turning` must be 0 to below 90 degrees: got 90"),
        ({"fractions": (0.7, 0.3)}, "the second no smaller than the first"),
        ({"fractions": (0.0, 0.5)}, "between 0 and 1"),
        ({"conductivities": (1.0, -1.0)}, "`conductivities` must be two numbers, positive"),
        ({"capacities": (1.0,)}, "`capacities` must be two numbers"),
        ({"exchange": np.inf}, "`exchange` must be positive and finite"),
    ],
)
def test_parts_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Sink(**wrong)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: homogenised(Sink(), elements=0), "`elements` must be at least 1"),
        (lambda: resolved(Sink(), 0), "must be at least 1: got 0"),
        (lambda: compare(Sink(), ()), "one number of periods at least"),
        (lambda: heat_up(Sink(), duration=-1.0), "`duration` and `steps` must be positive"),
    ],
)
def test_meshes_and_times_that_cannot_be_are_refused(ask: Callable[[], object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ask()
