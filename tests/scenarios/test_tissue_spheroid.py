from math import log, sinh
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.random import default_rng
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from agents.cells.fields import Held, Medium
from agents.cells.spheres import ARRESTED, NECROTIC, PROLIFERATING, Spheres
from eqfree.scenario import Context
from scenarios.tissue.spheroid.comparison import compare
from scenarios.tissue.spheroid.data import carried_means, choose_line, read_spheroids, summarise
from scenarios.tissue.spheroid.draw import draw_spheroid
from scenarios.tissue.spheroid.lifting import place_spheroid
from scenarios.tissue.spheroid.profiles import Profile, read_regions
from scenarios.tissue.spheroid.rim import grow_rim, rim_speed
from scenarios.tissue.spheroid.settings import QUICK, SpheroidSettings
from scenarios.tissue.spheroid.study import build_tumour, run_spheroid
from scenarios.tissue.spheroid.tumour import Stirred, Tumour

_MEASURED = Path(__file__).parents[3] / "shared" / "data" / "spheroids_confocal.csv"
_HEADER = "CellLine,InitialCondition,Day,R,ϕ,η\n"
_RATE = log(2) / 24


def small(**settings: Any) -> Tumour:
    return build_tumour(SpheroidSettings(**{"radius_start": 80.0, "radius_end": 120.0, **settings}))


def lattice_ball(radius: float, spacing: float) -> NDArray[np.float64]:
    """The points of a cubic lattice within a radius of the origin."""
    axis = (np.arange(-np.ceil(radius / spacing), np.ceil(radius / spacing)) + 0.5) * spacing
    points = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    return np.asarray(points[np.linalg.norm(points, axis=1) < radius])


# The law of the rim


def test_radii_are_those_of_an_independent_solution_of_the_law() -> None:
    times = [0, 100, 500, 1000, 2000]  # references/cells.json, spheroid_rim, accurate to 1e-9
    known = [100.0, 199.74381202153674, 707.6252760577001, 1394.5416496915727, 2803.0819027314683]
    assert grow_rim(times, 100.0, 50.0, _RATE) == pytest.approx(known, rel=1e-8)


def test_a_sphere_thinner_than_its_rim_grows_everywhere() -> None:
    times = np.array([0.0, 6.0, 30.0])
    assert grow_rim(times, 20.0, 1000.0, _RATE) == pytest.approx(20.0 * np.exp(_RATE * times / 3), rel=1e-8)


def test_a_large_sphere_grows_by_its_rim() -> None:
    assert rim_speed(1e7, 50.0, _RATE) == pytest.approx(1.4440566261665526, rel=1e-4)  # λδ, the same reference


def test_a_rim_that_changes_is_followed() -> None:
    times = np.linspace(0.0, 50.0, 6)
    path = grow_rim(times, 1e6, 20.0 + times, _RATE)  # flat: dR/dt = λ δ(t)
    assert path - 1e6 == pytest.approx(_RATE * (20.0 * times + times**2 / 2), rel=1e-3)


@pytest.mark.parametrize(("times", "rims"), [([0.0, 0.0], 50.0), ([0.0, 1.0], -1.0)])
def test_the_law_refuses_what_is_no_path(times: list[float], rims: float) -> None:
    with pytest.raises(ValueError, match="must"):
        grow_rim(times, 100.0, rims, _RATE)


# Data


@pytest.mark.skipif(not _MEASURED.exists(), reason="the confocal measurements are not beside the checkout")
def test_the_means_that_are_carried_are_those_of_the_measurements() -> None:
    made, carried = summarise(read_spheroids(_MEASURED)), carried_means()
    keys = ["line", "seeding", "day", "spheroids"]
    pd.testing.assert_frame_equal(made[keys], carried[keys], check_dtype=False)
    numbers = carried.columns.drop(keys)
    np.testing.assert_allclose(made[numbers], carried[numbers], rtol=1e-3, atol=1e-12)
    assert carried["spheroids"].sum() == 635


def test_a_summary_has_means_and_standard_deviations(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("# mine\nDay,CellLine,InitialCondition,R,phi,eta,who\n3,a,50,100,0.1,0,x\n3,a,50,104,0.3,0,y\n")
    row = summarise(read_spheroids(path)).iloc[0]
    assert (row["radius"], row["inhibited"], row["spheroids"]) == pytest.approx((102.0, 0.2, 2))
    assert row["radius_spread"] == pytest.approx(np.sqrt(8.0))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("CellLine,Day,R\na,3,150\n", "Add InitialCondition, ϕ, η"),
        (_HEADER, "must be a spheroid"),
        (_HEADER + "a,2500,3,0.15,0,0\n", "Column R must be in µm, from 10 to 5000: got 0.15 in row 1"),
        (_HEADER + "a,2500,3,150,12,0\n", "Column ϕ must be as a share of the radius"),
        (_HEADER + "a,2500,soon,150,0,0\n", "Column Day must be in days"),
        (_HEADER + "a,2500,3,150,0,nan\n", "Column η"),
        ("", "must be a CSV file"),
    ],
)
def test_a_file_of_no_spheroids_is_refused_in_a_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=says) as caught:
        read_spheroids(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="can be read"):
        read_spheroids(tmp_path / "none.csv")


def test_a_line_that_was_not_measured_is_refused_by_those_that_were() -> None:
    with pytest.raises(ValueError, match=r"793b of 2500 cells.*got 983c of 2500"):
        choose_line(carried_means(), "983c", 2500)


def test_a_run_is_compared_on_the_clock_of_the_measurements() -> None:
    rows = {"day": [3.0, 4.0, 9.0], "radius": [110.0, 130.0, 500.0], "inhibited": [0.2, 0.1, 0.9], "necrotic": 0.0}
    times, outline = np.array([0.0, 48.0]), np.array([100.0, 148.0])  # 1 µm/h: 110 µm after 10 h, 134 µm a day later
    made = compare(pd.DataFrame(rows), times, outline, 0.2 * outline, 0.0 * outline)
    assert made.table["hour"].tolist() == pytest.approx([10.0, 34.0, 154.0])
    assert made.values["spheroid_measured_radius_rms"].value == pytest.approx(4.0 / np.sqrt(2))
    assert made.values["spheroid_measured_inhibited_rms"].value == pytest.approx(0.1 / np.sqrt(2))


def test_measurements_of_other_radii_are_not_compared() -> None:
    rows = pd.DataFrame({"day": [3.0], "radius": [500.0], "inhibited": 0.0, "necrotic": 0.0})
    made = compare(rows, np.array([0.0, 1.0]), np.array([100.0, 101.0]), np.zeros(2), np.zeros(2))
    assert not made.values
    assert "nothing is compared" in made.notes[0]


# Readings


def test_regions_of_a_ball_of_layers_are_read() -> None:
    points = lattice_ball(200.0, 10.0)
    distance = np.linalg.norm(points, axis=1)
    state = np.where(distance > 150, PROLIFERATING, np.where(distance > 60, ARRESTED, NECROTIC))
    found = read_regions(Spheres.at(points, 9.0, state=state))
    assert found.outline == pytest.approx(200.0, abs=1.0)  # a tenth of the spacing
    assert (found.inhibited, found.necrotic) == pytest.approx((150.0, 60.0), abs=5.0)  # half of the spacing
    assert found.rim == pytest.approx(50.0, abs=5.0)


def test_a_cell_far_away_does_not_move_the_outline() -> None:
    points = lattice_ball(100.0, 10.0)
    whole, more = (Profile.of(Spheres.at(one, 9.0)).radius for one in (points, np.vstack((points, [[0, 0, 150.0]]))))
    assert more == pytest.approx(whole, abs=0.2)


def test_a_spheroid_without_cells_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a cell"):
        Profile.of(Spheres.at(np.zeros((0, 3)), 9.0))


# Lifting


def layered(tumour: Tumour, radius: float) -> NDArray[np.float64]:
    """A macro state of a core, a zone that rests, and a rim."""
    middles = (tumour.edges[1:] + tumour.edges[:-1]) / 2
    growing = np.clip((middles - 0.6) / 0.1, 0, 1)
    necrotic = np.clip((0.4 - middles) / 0.1, 0, 1)
    shares = tumour.packed * np.stack((growing, 1 - growing - necrotic, necrotic))
    return np.concatenate(([radius], shares.ravel()))


def test_restrict_after_lift_is_identity_but_for_a_few_cells() -> None:
    tumour = small()
    macro = layered(tumour, 180.0)
    radius, fractions = tumour.split(macro)
    cells = place_spheroid(radius * tumour.edges, fractions, tumour.newborn, default_rng(1))
    back, found = Profile.of(cells).filled(tumour.edges, tumour.packed)
    assert back == pytest.approx(radius, rel=1e-3)
    shells = 4 / 3 * np.pi * np.diff((radius * tumour.edges) ** 3)
    cell = np.pi / 6 * tumour.newborn**3 / log(2)
    assert (np.abs(found - fractions) * shells).max() < 4 * cell


def gaps(cells: Spheres) -> NDArray[np.float64]:
    """How far each is from its nearest neighbour, over the sum of their radii."""
    pairs = cKDTree(cells.position)
    nearest = pairs.sparse_distance_matrix(pairs, 40.0, output_type="coo_matrix").tocsr()
    found = []
    for cell in range(len(cells)):
        row = slice(nearest.indptr[cell], nearest.indptr[cell + 1])
        both = cells.radius[cell] + cells.radius[nearest.indices[row]]
        found.append((nearest.data[row] / both)[nearest.indices[row] != cell].min())
    return np.array(found)


def test_lifted_cells_are_spaced_as_those_that_grew() -> None:
    tumour = small()
    grown = tumour.evolve(tumour.lift(tumour.ball(70.0), default_rng(2)), 24.0, default_rng(3))
    lifted = tumour.lift(tumour.restrict(grown), default_rng(4))
    assert gaps(lifted.cells).min() > gaps(grown.cells).min()
    assert gaps(lifted.cells).mean() == pytest.approx(gaps(grown.cells).mean(), abs=0.03)
    loose = Spheres.at(100.0 * default_rng(5).random((len(lifted.cells), 3)), 22.0)  # placed independently
    assert gaps(loose).mean() < 0.8 * gaps(grown.cells).mean()


def test_phases_of_lifted_cells_are_those_of_steady_growth() -> None:
    tumour = small()
    phases = np.sort(place_spheroid(np.array([0.0, 200.0]), np.array([[0.6], [0], [0]]), 20.0, default_rng(4)).phase)
    below = 2 - 2 ** (1 - phases)  # their exact distribution, ∫ 2 ln 2 2^-p
    assert np.abs(below - (np.arange(len(phases)) + 0.5) / len(phases)).max() < 0.01
    assert tumour.newborn == 22.0


def test_lift_and_evolve_are_pure_functions_of_their_seed() -> None:
    tumour = small()
    macro = tumour.ball(80.0)
    one, other = (tumour.lift(macro, default_rng(5)) for _ in range(2))
    before = one.cells.position.copy()
    ends = [tumour.evolve(each, 2.0, default_rng(6)) for each in (one, other)]
    assert np.array_equal(ends[0].cells.position, ends[1].cells.position)
    assert np.array_equal(ends[0].nutrient.concentration, ends[1].nutrient.concentration)
    assert np.array_equal(one.cells.position, before)


def test_a_packed_spheroid_goes_on_as_the_spheroid_does() -> None:
    tumour = small()
    spheroid = tumour.lift(tumour.ball(80.0), default_rng(7))
    again = tumour.unpack(tumour.pack(spheroid))
    ends = [tumour.evolve(each, 2.0, default_rng(8)).pack() for each in (spheroid, again)]
    assert all(np.array_equal(ends[0][name], ends[1][name]) for name in ends[0])


@pytest.mark.parametrize(
    ("macro", "says"), [(np.ones(3), "must be a radius and shares"), (np.full(46, -1.0), "not negative")]
)
def test_a_macro_state_that_is_none_is_refused(macro: NDArray[np.float64], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        small().lift(macro, default_rng(0))


def test_a_duration_of_half_a_turn_is_refused() -> None:
    tumour = small()
    with pytest.raises(ValueError, match="whole turns"):
        tumour.evolve(tumour.lift(tumour.ball(80.0), default_rng(0)), 1.0, default_rng(0))


# Growth


def test_a_spheroid_that_is_fed_doubles_in_a_cycle() -> None:
    tumour = small(growth_threshold=0.0, death_threshold=0.0, radius_end=200.0)
    before = tumour.lift(tumour.ball(60.0), default_rng(9))
    after = tumour.evolve(before, 24.0, default_rng(10))
    assert after.cells.volume.sum() / before.cells.volume.sum() == pytest.approx(2.0, rel=5e-3)
    assert len(after.cells) == 2 * len(before.cells)  # of a fixed cycle: everybody has divided once


def test_nutrient_falls_into_a_ball_as_in_the_exact_solution() -> None:
    length, spacing = 60.0, 12.0
    points = lattice_ball(180.0, 8.0)
    cells = Spheres.at(points, 8.0)
    share = np.pi / 6  # of the volume, by such spheres
    medium = Medium((40,) * 3, spacing, 4e5, sides=((Held(1.0), Held(1.0)),) * 3)
    stirred = Stirred(medium, 4e5 / length**2 / share, 1e4)
    nutrient = stirred.around(cells)
    at = stirred.at(nutrient, cells)
    distance = np.linalg.norm(points, axis=1)
    near, far = (at[np.abs(distance - place) < 4].mean() for place in (20.0, 140.0))

    def exact(place: float) -> float:
        return sinh(place / length) / place  # of c'' + 2 c'/r = c / length²

    assert near / far == pytest.approx(exact(20.0) / exact(140.0), rel=0.03)
    assert 0.95 < nutrient.concentration[0, 0, 0] <= 1.0 + 1e-9


def test_molecules_are_conserved_while_cells_grow_and_starve() -> None:
    tumour = small(growth_threshold=0.9, death_threshold=0.8)
    spheroid = tumour.evolve(tumour.lift(tumour.ball(100.0), default_rng(11)), 8.0, default_rng(12))
    assert spheroid.cells.counts[NECROTIC] > 0
    assert tumour.stirred.medium.imbalance(spheroid.nutrient) <= 1e-12


def test_dead_cells_dissolve_where_they_are_told_to() -> None:
    volumes = []
    for dissolution in (0.0, 0.05):
        tumour = small(growth_threshold=0.9, death_threshold=0.9, dissolution=dissolution)
        spheroid = tumour.evolve(tumour.lift(tumour.ball(100.0), default_rng(13)), 12.0, default_rng(14))
        dead = spheroid.cells.state == NECROTIC
        volumes.append(spheroid.cells.volume[dead].sum())
    # All that starve do so in the first two turns, so that 8 to 12 h of dissolution are left
    assert np.exp(-0.05 * 12.0) * 0.98 < volumes[1] / volumes[0] < np.exp(-0.05 * 8.0) * 1.02


# Settings


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"radius_start": 30.0}, "larger than a cell"),
        ({"radius_end": 100.0}, "must exceed `radius_start`"),
        ({"time_step": 0.2}, "at most 0.0625 h"),
        ({"growth_threshold": 0.1}, "rests before it starves"),
        ({"burst": 2.0}, "in that order"),
        ({"burst": 5.0}, "multiple of `turn`, 2 h: got 5"),
        ({"turn": 1.99}, "multiple of `time_step`"),
        ({"box": 80.0}, "must not exceed `penetration`"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(settings: dict[str, float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        SpheroidSettings(**settings)


def test_a_spheroid_that_outgrows_its_medium_is_refused() -> None:
    tumour = small()
    with pytest.raises(ValueError, match="must fit into its medium"):
        tumour.lift(tumour.ball(260.0), default_rng(0))


# The study


def test_a_small_study_has_tables_values_and_pictures(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(_HEADER + "mine,800,2,82,0.1,0\nmine,800,3,87,0.2,0\n")
    settings = SpheroidSettings(radius_start=80.0, radius_end=88.0, line="mine", seeding=800, leap=6.0)
    part = run_spheroid(settings, Context(), 0, str(path))
    assert not part.failures
    assert all(name.startswith("spheroid_") for name in part.values)
    assert part.values["spheroid_radius"].value >= 88.0
    assert part.values["spheroid_measured_radius_rms"].value < 15.0
    assert set(draw_spheroid(part.tables)) == {"spheroid", "spheroid_section"}
    assert part.cost.bursts > 0
    assert draw_spheroid({}) == {}


def test_the_law_is_not_asked_of_a_spheroid_that_loses_volume() -> None:
    settings = SpheroidSettings(radius_start=60.0, radius_end=70.0, dissolution=0.01, days=0.5, leap=6.0)
    part = run_spheroid(settings, Context(), 0)
    assert not any("law" in check.quantity for check in part.checks)


@pytest.mark.slow
def test_the_quick_spheroid_meets_its_checks_at_less_cost_and_would_miss_another_rate() -> None:
    part = run_spheroid(SpheroidSettings(**QUICK), Context(), 3)
    assert [check.ok for check in part.checks] == [True] * 3  # there is no core yet
    assert part.values["spheroid_fewer_hours"].value == pytest.approx(3.0)  # 4 of every 12 h
    table = part.tables["spheroid"]
    cells = table[table["way"] == "all cells"]
    rims = cells["radius"] * (1 - cells["inhibited"])
    wrong = grow_rim(24 * cells["day"], cells["radius"].iloc[0], rims, 1.5 * _RATE)
    assert np.abs(cells["radius"] / wrong - 1).max() > 0.05
