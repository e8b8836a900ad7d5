"""The composite as its users run it: every check, the closure through the waist, and what is refused.

Parts have tests of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import eqfree as ef
from eqfree.cli import main
from eqfree.scenario import load_scenario
from scenarios.composite import exact
from scenarios.composite.conductivity import CellConductivity, CellModel
from scenarios.composite.medium import realisation
from scenarios.composite.microstructures import Cylinders, Laminate
from scenarios.composite.phases import Phases

FEW = {"walkers": {"walkers": 50, "replicas": 8}}


@pytest.fixture(scope="module")
def default() -> ef.Study:
    return ef.run("composite")


@pytest.mark.slow
def test_every_check_of_the_default_run_holds(default: ef.Study) -> None:
    assert not default.failures
    assert [check.quantity for check in default.checks if not check.ok] == []
    assert default.values["conductivity_yy"].value == pytest.approx(200.6, rel=1e-10)
    assert default.values["conductivity_xx"].value == pytest.approx(0.39980059820538383, rel=1e-10)
    assert default.values["bar_flux_times_length"].value == pytest.approx(49.96807042, rel=1e-6)  # mpmath, heat.json
    assert default.values["bar_temperature_in_the_middle"].value == pytest.approx(354.9477630, rel=1e-6)


@pytest.mark.slow
def test_the_cost_of_two_scales_does_not_grow_and_the_direct_one_does(default: ef.Study) -> None:
    costs = default.tables["composite_sink"]
    assert costs["periods"].tolist() == [16, 32, 64]
    assert costs["unknowns_hmm"].nunique() == 1
    assert (np.diff(np.log2(costs["unknowns_direct"])) > 0.9).all()
    assert costs["cost_ratio"].iloc[-1] > 20


@pytest.mark.slow
def test_refining_one_alone_stops_helping(default: ef.Study) -> None:
    table = default.tables["composite_balance"].set_index(["mesh_level", "micro_level"])["error"]
    last = table.index.get_level_values("mesh_level").max()
    assert table[last, 0] > 0.85 * table[last - 1, 0]
    assert table[0, last] > 0.95 * table[0, last - 1]
    assert table[last, last] < 0.55 * table[last - 1, last - 1]


@pytest.mark.slow
def test_pictures_are_drawn_of_what_was_computed(default: ef.Study) -> None:
    figures = load_scenario("composite").draw(default)
    assert set(figures) == {"tensor", "microstructure", "balance", "bar", "windows", "sink"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"microstructure": "cylinders", "volume_fraction": 0.3, "parts": ["tensor", "bar"]},
        {"microstructure": "checkerboard"},
        {"microstructure": "ellipses", "volume_fraction": 0.2, "angle": 30.0},
        {"microstructure": "random_disks", "volume_fraction": 0.3, "disks": 4},
        {"microstructure": "random_disks", "volume_fraction": 0.3, "disks": 2, "micro": "walkers", **FEW},
        {"microstructure": "cylinders", "volume_fraction": 0.3, "micro": "walkers"},
        {"micro": "walkers", "angle": 30.0},
    ],
    ids=lambda settings: "-".join(str(value) for value in settings.values()),
)
def test_every_check_holds_for_other_microstructures(settings: dict[str, Any]) -> None:
    told = ef.run("composite", quick=True, **{"parts": ["tensor"], "conductivities": [1.0, 10.0], **settings})
    assert not told.failures
    assert [check.quantity for check in told.checks if not check.ok] == []
    assert len(told.checks) >= 2


@pytest.mark.slow
def test_an_image_is_read_and_enclosed_by_its_windows(tmp_path: Path) -> None:
    from scenarios.composite.micrograph import draw_micrograph, write_micrograph

    path = write_micrograph(tmp_path / "micrograph.png", draw_micrograph((48, 48), 0.45, 8.0))
    told = ef.run(
        "composite",
        quick=True,
        parts=["tensor", "windows"],
        microstructure="image",
        image=str(path),
        conductivities=[1.0, 10.0],
    )
    assert [check.quantity for check in told.checks if not check.ok] == []
    low, between, high = (told.values[f"window_{name}_xx"].value for name in ("neumann", "periodic", "dirichlet"))
    assert low < between < high
    exact = told.values["conductivity_xx"]  # of finer elements: below those of the windows
    assert exact.value < between
    assert (told.tables["composite_windows"]["periods"].diff().dropna() >= 0).all()
    assert any("48 x 48 pixels" in note for note in told.notes)
    assert any("the poor phase governs" in note for note in told.notes)  # 45 % connects neither way


def test_the_cell_problem_goes_through_the_waist_and_gives_the_same_bits_on_threads() -> None:
    model = CellModel(lambda share: Cylinders(float(share[0])), lambda _: (1.0, 10.0), refinement=8)
    points = [[0.3], [0.1], [0.3], [0.2]]
    here, there = CellConductivity(model), CellConductivity(model, executor=2)
    answer = here(points)
    np.testing.assert_array_equal(answer.value, there(points).value)
    assert here.solved == 3
    assert here.asked == 4
    assert answer.cost.bursts == 3
    assert here(points).cost.bursts == 0
    known = exact.cylinders((1.0, 10.0), 0.3)  # the dual bound encloses it
    assert answer.value[0, 0] - 2 * answer.stderr[0, 0] <= known <= answer.value[0, 0]
    assert answer.stderr[0, 0] == pytest.approx(answer.value[0, 0] - known, rel=0.25)
    np.testing.assert_array_equal(here([[0.0 + 0.3], [0.3]]).value[0], answer.value[0])


def test_a_zero_of_either_sign_is_the_same_parameter() -> None:
    model = CellModel(lambda _: Laminate(0.5), lambda _: (1.0, 10.0), refinement=2)
    answer = CellConductivity(model)([[0.0], [-0.0]])
    np.testing.assert_array_equal(answer.value[0], answer.value[1])


@pytest.mark.slow
def test_a_turned_bar_is_not_held_against_the_conductivity_along_it() -> None:
    told = ef.run("composite", quick=True, parts=["tensor", "bar"], angle=30.0)
    assert [check.quantity for check in told.checks if not check.ok] == []
    assert not any("bar: flux" in check.quantity for check in told.checks)
    assert told.values["conductivity_xx"].value == pytest.approx(50.44985045, rel=1e-9)
    assert told.values["conductivity_yy"].value == pytest.approx(150.54995014955134, rel=1e-10)


def test_realisations_of_another_seed_are_others() -> None:
    seeds = {realisation(seed, number) for seed in range(3) for number in range(4)}
    assert len(seeds) == 12


@pytest.mark.slow
def test_the_part_warms_up_without_losing_heat() -> None:
    sink = {"ratios": [8], "rows": 8, "steps": 4, "elements": 4}
    told = ef.run("composite", quick=True, parts=["sink"], transient=True, sink=sink)
    [balance] = [check for check in told.checks if "every step" in check.quantity]
    assert balance.ok
    assert told.tables["composite_heating"]["stored"].iloc[-1] > 0
    assert "heating" in load_scenario("composite").draw(told)


def test_the_derivative_by_temperature_is_that_of_the_harmonic_mean() -> None:
    phases = Phases((0.2, 401.0), (5e-3, -2e-4))
    model = CellModel(
        lambda _: Laminate(0.5),
        lambda temperature: phases.at(float(temperature[0])),
        refinement=2,
        derivative_of=lambda _: phases.derivative,
    )
    answer = CellConductivity(model)([[350.0]])
    matrix, inclusion = phases.at(350.0)
    by_matrix, by_inclusion = phases.derivative
    across = 2 / (1 / matrix + 1 / inclusion)
    assert answer.jacobian is not None
    assert answer.jacobian[0, 0, 0] == pytest.approx(
        across**2 / 2 * (by_matrix / matrix**2 + by_inclusion / inclusion**2), rel=1e-9
    )
    assert answer.jacobian[0, 2, 0] == pytest.approx((by_matrix + by_inclusion) / 2, rel=1e-9)


@pytest.mark.parametrize(
    ("fraction", "ratio", "known"),
    [(0.1, 10, 1.1782217956249892), (0.3, 0.1, 0.6053136815976314), (0.5, 2005, 3.075804421031914)],
)
def test_multipoles_are_those_of_thirty_digits(fraction: float, ratio: float, known: float) -> None:
    # Perrins, McKenzie & McPhedran 1979, computed independently with mpmath
    assert exact.cylinders((1.0, ratio), fraction) == pytest.approx(known, rel=1e-13)
    assert exact.cylinders((2.0, 2.0), fraction) == 2.0


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (["microstructure=cylinders", "volume_fraction=0.8"], "touch"),
        (["conductivities=0,1"], "conductivities"),
        (["conductivities=1"], "conductivities"),
        (["image=nowhere.png"], "microstructure=image only"),
        (["microstructure=checkerboard", "volume_fraction=0.3"], "`volume_fraction` means nothing"),
        (["aspect=5"], "`aspect` means nothing to microstructure=laminate"),
        (["microstructure=cylinders", "volume_fraction=0.785"], "closer than a hundredth"),
        (["microstructure=image", "image=nowhere.png"], "nowhere.png"),
        (["windows=[0.5]"], "windows"),
        (["windows=[1.3]"], "multiples of 1/12"),
        (["microstructure=cylinders", "angle=30"], "turns layers and ellipses"),
        (["microstructure=checkerboard", "micro=walkers"], "micro=cell"),
        (["parts=tensor,tensor"], "each part once"),
        (["parts=bar", "bar.slopes=-0.02,0"], "Both phases must conduct"),
        (["parts=bar", "bar.hot=200"], "bar.hot"),
        (["parts=sink", "sink.fractions=0.7,0.3"], "fractions"),
    ],
)
def test_bad_input_is_one_clear_line(
    settings: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = [word for setting in settings for word in ("--set", setting)]
    assert main(["run", "composite", "--quick", *told, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert "Traceback" not in error
    assert not (tmp_path / "out").exists()
