import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.random import PCG64, Generator
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import eqfree as ef
from eqfree.scenario import Context
from scenarios.tissue.assay.data import CARRIED, Profiles, carried_profiles, read_profiles
from scenarios.tissue.assay.draw import draw_assay
from scenarios.tissue.assay.equation import FISHER, Law, solve_profiles
from scenarios.tissue.assay.fit import choose_law, equation_of, fit_equation
from scenarios.tissue.assay.population import ScratchCells
from scenarios.tissue.assay.settings import QUICK, AssaySettings
from scenarios.tissue.assay.study import find, run_assay

Array = NDArray[np.float64]

_RAW = Path(__file__).parents[2].parent / "shared" / "data"
_HEADER = "position (um),time (h),density (cells/um2),spread (cells/um2)"
_TIMES = np.array([0.0, 12, 24, 36, 48])
_TRUE = {"diffusivity": 400.0, "proliferation": 0.08, "capacity": 2e-3, "delay": 9.0}
_CONTEXT = Context()


def gap(strips: int = 19) -> Array:
    """A scratch in the middle of a monolayer."""
    density = np.full(strips, 6e-4)
    density[strips // 3 : -(strips // 3)] = 2e-5
    return density


def middles(strips: int = 19) -> Array:
    return np.asarray(50.0 + 100.0 * np.arange(strips), dtype=np.float64)


def made_of(rows: Array, spread: float = 5e-5) -> Profiles:
    return Profiles("made", middles(rows.shape[1]), _TIMES, rows, np.full_like(rows, spread))


def delayed() -> Profiles:
    """What delayed cells with inhibition 1 do on average, and noise of a twentieth of the spread."""
    law = Law(delayed=True, inhibition=1.0)
    rows = np.vstack([gap(), solve_profiles(law, _TRUE, gap(), 100.0, _TIMES[1:])])
    rows[1:] += 2.5e-6 * Generator(PCG64(1)).standard_normal(rows[1:].shape)
    return made_of(np.maximum(rows, 0.0))


def raw(name: str) -> Profiles:
    """The published table of an assay, as it is: a column a time or a row a time, means before spreads."""
    path = _RAW / f"scratch_assay_pc3_{name}.csv"
    if not path.exists():
        pytest.skip(f"{path.name}, the published table, is not here")
    table = np.loadtxt(path, delimiter=",")
    table = table if len(table) > len(table.T) else table.T
    half = 1 + (len(table) - 1) // 2
    return Profiles(name, table[1:half, 0], table[0, 1:], table[1:half, 1:].T.copy(), table[half:, 1:].T.copy())


def write(folder: Path, rows: list[str], header: str = _HEADER) -> str:
    path = folder / "assay.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


def grid(times: tuple[float, ...] = (0, 12, 24), density: float = 1e-3) -> list[str]:
    return [f"{x},{t},{density},1e-4" for t in times for x in (50, 150, 250, 350)]


@pytest.mark.parametrize("name", CARRIED)
def test_a_carried_summary_is_that_of_the_published_table(name: str) -> None:
    full, summary = raw(name), carried_profiles(name)
    pairs = full.densities.reshape(len(_TIMES), -1, 2)
    np.testing.assert_allclose(summary.densities, pairs.mean(axis=2), atol=0.51e-6)
    spreads = np.sqrt((full.spreads.reshape(pairs.shape) ** 2).mean(axis=2))
    np.testing.assert_allclose(summary.spreads, spreads, atol=0.51e-6)
    np.testing.assert_allclose(summary.positions, full.positions.reshape(-1, 2).mean(axis=1))


def test_units_become_micrometres_and_hours(tmp_path: Path) -> None:
    rows = [f"{t},{x},{1000 - x},7,50" for t in (0, 0.5, 1) for x in (0.05, 0.15, 0.25, 0.35)]
    header = "# a note\n time (d) , position (mm),density (cells/mm²),plate,spread (cells/mm2)"
    read = read_profiles(write(tmp_path, rows, header))
    np.testing.assert_allclose(read.positions, [50, 150, 250, 350])
    np.testing.assert_allclose(read.times, [0, 12, 24])
    np.testing.assert_allclose(read.densities[1], (1000 - read.positions / 1000) * 1e-6)
    np.testing.assert_allclose(read.spreads, 5e-5)


def test_replicates_give_mean_and_standard_deviation(tmp_path: Path) -> None:
    rows = [f"{x},{t},{d}" for t in (0, 12, 24) for x in (50, 150, 250, 350) for d in (1e-3, 2e-3, 6e-3)]
    read = read_profiles(write(tmp_path, rows, "position (um),time (h),density (cells/um2)"))
    np.testing.assert_allclose(read.densities, 3e-3)
    np.testing.assert_allclose(read.spreads, np.sqrt(7) * 1e-3)


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (grid(), "position,time (h),density (cells/um2),spread (cells/um2)", "the unit of position, um or mm"),
        (grid(), "position (cm),time (h),density (cells/um2),spread (cells/um2)", "the unit of position, um or mm"),
        (grid(), "position (um),time (h),density (1/cm2),spread (cells/um2)", "the unit of density"),
        (grid(), "place (um),time (h),density (cells/um2),spread (cells/um2)", "position is missing"),
        (grid(), "position (um),time (h),density (cells/um2),other", "a column spread"),
        ([], _HEADER, "numbers in every row"),
        (["50,0,many,1"], _HEADER, "row 1 has not"),
        (grid(density=2e-2), _HEADER, "below close packing, 0.01 cells/µm²: got 0.02"),
        (grid(density=-1e-4), _HEADER, "not negative: got -0.0001 at 50 µm and 0 h"),
        (grid((0, 24, 12)), _HEADER, "Times must increase"),
        (grid((0, 12, 12)), _HEADER, "named once"),
        (grid((0, 12)), _HEADER, "3 times or more"),
        (grid()[:-1], _HEADER, "none at 350 µm and 24 h"),
        ([row for row in grid() if not row.startswith("150")], _HEADER, "4 positions or more"),
        ([row.replace("350,", "450,") for row in grid()], _HEADER, "at equal distances"),
        ([f"{x},{t},1e-3,0" for t in (0, 12, 24) for x in (50, 150, 250, 350)], _HEADER, "must not be zero"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, rows: list[str], header: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        read_profiles(write(tmp_path, rows, header))
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_or_is_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_profiles(tmp_path / "absent.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(ValueError, match="it is empty"):
        read_profiles(tmp_path / "empty.csv")


@pytest.mark.parametrize(("until", "message"), [(48.0, "must be held back"), (6.0, "must be there to fit to")])
def test_there_must_be_a_time_to_fit_and_one_to_predict(until: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find(carried_profiles("12000"), AssaySettings(fitted_until=until), _CONTEXT, 0)


@pytest.mark.parametrize("inhibition", [0.0, 0.5, 1.0, 2.0])
def test_crowding_is_the_mean_over_all_neighbourhoods(inhibition: float) -> None:
    for occupancy in (0.0, 0.3, 0.8, 1.0):
        mean = 0.0
        for taken in product((0, 1), repeat=4):
            chance = np.prod([occupancy if one else 1 - occupancy for one in taken])
            free = 4 - sum(taken)
            mean += chance * (free / 4) * (free / 4) ** inhibition
        crowding = Law(delayed=False, inhibition=inhibition).crowding
        assert np.polynomial.Polynomial(crowding)(occupancy) == pytest.approx(mean, abs=1e-14)


def test_logistic_growth_begins_after_the_delay() -> None:
    solved = solve_profiles(Law(delayed=True), _TRUE, np.full(4, 5e-4), 100.0, _TIMES[1:])
    exact = 2e-3 / (1 + 3 * np.exp(-0.08 * (_TIMES[1:] - 9.0)))
    np.testing.assert_allclose(solved, np.repeat(exact[:, np.newaxis], 4, axis=1), rtol=1e-6)


def test_the_equation_agrees_with_an_independent_solver() -> None:
    fine, start = 8, gap()
    width = 100.0 / fine

    def slope(_: float, u: Array) -> Array:
        flux = -_TRUE["diffusivity"] * np.diff(u, prepend=u[0], append=u[-1]) / width
        return np.asarray(-np.diff(flux) / width + 0.08 * u * (1 - u / 2e-3))

    solution = solve_ivp(
        slope,
        (0, 48),
        np.repeat(start, fine),
        method="LSODA",
        lband=1,
        uband=1,
        t_eval=_TIMES[1:],
        rtol=1e-8,
        atol=1e-12,
    )
    expected = solution.y.T.reshape(4, len(start), fine).mean(axis=2)
    solved = solve_profiles(FISHER, _TRUE, start, 100.0, _TIMES[1:])
    assert abs(solved - expected).max() < 0.004 * expected.max()  # of volumes of 25 µm about an edge that is a jump


def test_cells_lift_to_the_numbers_of_the_profile_and_wait_for_the_delay() -> None:
    model = ScratchCells(Law(delayed=True, inhibition=1.0), _TRUE, 19, 100.0, 1430.0)
    rng = Generator(PCG64(0))
    cells = model.lift(gap(), rng)
    sites = model.lattice.sites
    assert abs(cells.counts[0] - gap().mean() / 2e-3 * len(sites)) <= 1
    away = [0, 1, 9, -2, -1]  # from the edges, which columns blur
    assert abs(model.restrict(cells) - gap())[away].max() < 1 / (100.0 * 1430.0)  # a cell in a strip
    later = model.evolve(cells, 9.0, rng)
    assert later.counts[0] == cells.counts[0]
    assert model.evolve(later, 5.0, rng).counts[0] > cells.counts[0]


def test_packed_cells_go_on_as_the_cells_do() -> None:
    model = ScratchCells(Law(delayed=True, inhibition=0.0), _TRUE, 19, 100.0, 400.0)
    cells = model.evolve(model.lift(gap(), Generator(PCG64(0))), 5.0, Generator(PCG64(1)))
    again = model.unpack(model.pack(cells))
    one, two = (model.evolve(start, 12.0, Generator(PCG64(2))) for start in (cells, again))
    np.testing.assert_array_equal(one.occupied, two.occupied)


def test_cells_that_only_move_spread_as_the_heat_equation_has_it() -> None:
    still = {**_TRUE, "proliferation": 1e-12}
    law = Law(delayed=False, inhibition=0.0)
    stepper = ef.CoarseTimeStepper(ScratchCells(law, still, 19, 100.0, 1430.0), replicas=24)
    moved = stepper.simulate(gap(), [24.0], (0,))
    spread = solve_profiles(law, still, gap(), 100.0, np.array([24.0]))
    columns = 2e-6  # of the edges, in columns of 22 µm and volumes of 25 µm
    assert (abs(moved.macro - spread) < 4 * moved.stderr + columns).all()


def test_a_field_smaller_than_a_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than a cell"):
        ScratchCells(FISHER, _TRUE, 4, 1.0, 1000.0)


def test_density_above_the_capacity_is_refused() -> None:
    model = ScratchCells(Law(delayed=False, inhibition=0.0), _TRUE, 19, 100.0, 400.0)
    with pytest.raises(ValueError, match="one cell a site"):
        model.lift(np.full(19, 2.5e-3), Generator(PCG64(0)))


def test_a_delay_in_the_data_is_chosen_and_the_held_back_time_has_no_say() -> None:
    laws = [Law(delayed, inhibition) for delayed in (False, True) for inhibition in (0.0, 1.0)]
    profiles = delayed()
    law, table = choose_law(laws, profiles, 4)
    assert law == Law(delayed=True, inhibition=1.0)
    assert table["chosen"].tolist() == [False, False, False, True]
    other = replace(profiles, densities=np.vstack([profiles.densities[:4], profiles.densities[4:] / 3]))
    np.testing.assert_array_equal(choose_law(laws, other, 4)[1]["error"], table["error"])


def test_a_fitted_equation_finds_the_parameters_that_made_the_data() -> None:
    rows = np.vstack([gap(), solve_profiles(FISHER, _TRUE, gap(), 100.0, _TIMES[1:])])
    fit = fit_equation(FISHER, made_of(rows), 4)
    for name in FISHER.parameters:
        assert fit.values[name] == pytest.approx(_TRUE[name], rel=1e-3)


@pytest.mark.slow
def test_cells_that_made_the_data_are_found_again() -> None:
    law = Law(delayed=True, inhibition=1.0)
    model = ScratchCells(law, _TRUE, 19, 100.0, 1430.0)
    grown = ef.CoarseTimeStepper(model, replicas=12, seed=77).simulate(gap(), _TIMES[1:], (0,))
    spreads = np.sqrt(12) * grown.stderr
    data = Profiles("made", middles(), _TIMES, np.vstack([gap(), grown.macro]), np.vstack([spreads[:1], spreads]))
    found = find(data, AssaySettings(inhibitions=(1.0,), bootstrap=60, confidence=0.95), _CONTEXT, 0)
    assert found.law == law
    doubt = found.cells.samples.std(axis=0, ddof=1)
    for (name, value), error in zip(found.cells.values.items(), doubt, strict=True):
        assert abs(value - _TRUE[name]) < 4 * error
    assert found.covered >= 0.8


@pytest.fixture(scope="module")
def quick() -> Mapping[str, ef.Value]:
    return run_assay(AssaySettings(**QUICK), _CONTEXT, 0).values


@pytest.mark.slow
def test_the_quick_run_keeps_its_targets_and_repeats_to_the_bit(quick: Mapping[str, ef.Value]) -> None:
    part = run_assay(AssaySettings(**QUICK), _CONTEXT, 0)
    assert [check.quantity for check in part.checks if not check.ok] == []
    assert {name: value.value for name, value in part.values.items()} == {
        name: value.value for name, value in quick.items()
    }
    assert set(draw_assay(part.tables)) == {f"assay_{name}{what}" for name in CARRIED for what in ("", "_parameters")}


@pytest.mark.slow
def test_a_file_of_ones_own_is_fitted_alone(tmp_path: Path) -> None:
    profiles = delayed()
    rows = [
        f"{x},{t},{density},5e-5"
        for t, row in zip(profiles.times, profiles.densities, strict=True)
        for x, density in zip(profiles.positions, row, strict=True)
    ]
    part = run_assay(AssaySettings(**QUICK), _CONTEXT, 0, write(tmp_path, rows))
    assert {"assay_motility", "assay_proliferation", "assay_capacity", "assay_prediction_error"} <= set(part.values)
    assert set(part.tables) == {"assay_profiles", "assay_fit", "assay_rules", "assay_bootstrap"}
    table = part.tables["assay_profiles"]
    held_back = table[table["role"] == "predicted"]
    np.testing.assert_allclose(held_back["measured"], profiles.densities[-1])
    rms = np.sqrt(((held_back["cells"] - held_back["measured"]) ** 2).mean())
    assert part.values["assay_prediction_error"].value == pytest.approx(rms)


@pytest.mark.slow
@pytest.mark.parametrize("name", CARRIED)
def test_the_published_48_h_profile_is_predicted_from_the_first_36_h(name: str) -> None:
    profiles = raw(name)
    found = find(profiles, AssaySettings(bootstrap=40), _CONTEXT, 0)
    measured, fisher = profiles.densities[-1], fit_equation(FISHER, profiles, 4)
    missed = equation_of(FISHER, profiles)(fisher.values, None)[-1] - measured
    assert np.sqrt(((found.band.centre[-1] - measured) ** 2).mean()) <= 1.1 * np.sqrt((missed**2).mean())
    within = (found.band.low[-1] <= measured) & (measured <= found.band.high[-1])
    assert within.mean() >= 0.8
    assert found.width < 0.6 * measured.max()  # an interval as wide as the profile is high would say nothing
