"""The fundamental diagram from drivers: what it must show, and what it must refuse."""

from __future__ import annotations

from math import cos, cosh, pi, tanh
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import eqfree as ef
from agents.cars import CAR, TRUCK, Fleet, NagelSchreckenberg, OptimalVelocity, Vehicle
from eqfree.cli import main
from eqfree.settings import list_settings
from scenarios.traffic import scenario
from scenarios.traffic.rings import growth_rate, lattice_ring
from scenarios.traffic.settings import RoadSettings, Settings

SMALL: dict[str, Any] = {
    "densities": 5,
    "truck_shares": [0.0],
    "bootstrap": 10,
    "road": {"cars": 20, "healing": 60.0, "window": 30.0},
}


@pytest.fixture(scope="module")
def idm() -> ef.Study:
    return ef.run("traffic", quick=True, bootstrap=10)


def test_idm_capacity_is_the_published_equilibriums(idm: ef.Study) -> None:
    """Treiber, Hennecke & Helbing 2000 parameters; independent program: 1742.784 veh/h at 26.0744 veh/km."""
    assert idm.values["capacity"].value == pytest.approx(1742.7839029204702, rel=1e-5)
    assert idm.values["critical_density"].value == pytest.approx(26.07440854778141, rel=1e-5)


def test_idm_strings_are_unstable_above_the_published_density(idm: ef.Study) -> None:
    """Independent program: 20.416 veh/km, sign verified on a ring of 2000 cars."""
    assert idm.values["onset_density"].value == pytest.approx(20.4162115305285, rel=0.01)


def test_equilibrium_ring_has_at_most_eight_cars_and_says_so(idm: ef.Study) -> None:
    assert any(note.startswith("Equilibrium branch with 0% trucks: ring of 8 cars") for note in idm.notes)


def test_stop_and_go_flow_is_below_equilibrium_where_waves_grow_and_equal_where_they_die(idm: ef.Study) -> None:
    equilibrium = idm.tables["diagram"].query("truck_share == 0").reset_index()
    long_ring = idm.tables["stop_and_go"]
    stable = equilibrium["density"] < 0.9 * 20.416
    loss = 1 - long_ring["flow"] / equilibrium["flow"]
    assert loss[stable].abs().max() < 1e-3
    assert loss[~stable].min() > 0.03


def test_every_check_of_the_default_model_holds(idm: ef.Study) -> None:
    assert len(idm.checks) >= 8
    assert [check.quantity for check in idm.checks if not check.ok] == []


@pytest.mark.slow
@pytest.mark.parametrize("model", ["safe_distance", "newell", "optimal_velocity", "nagel_schreckenberg"])
def test_every_check_of_the_other_models_holds(model: str) -> None:
    study = ef.run("traffic", quick=True, bootstrap=10, model=model)
    assert study.checks
    assert [check.quantity for check in study.checks if not check.ok] == []


def test_safe_distance_flow_of_a_mixed_fleet_is_exact_at_25_densities() -> None:
    """f = min(rho min v, (1 - rho mean l) / mean tau), reaction times and effective lengths in the mean."""
    study = ef.run("traffic", model="safe_distance", truck_shares=[], bootstrap=10, fleet={"truck_share": 0.25})
    table = study.tables["diagram"]
    density = table["density"].to_numpy() / 1000
    length = 0.75 * (CAR.length + CAR.minimum_gap) + 0.25 * (TRUCK.length + TRUCK.minimum_gap)
    reaction = 0.75 * CAR.time_headway + 0.25 * TRUCK.time_headway
    expected = 3600 * np.minimum(density * TRUCK.desired_speed, (1 - density * length) / reaction)
    assert len(table) == 25
    assert np.abs(table["flow"] / expected - 1).max() < 1e-8


def test_nagel_schreckenberg_flow_is_the_finite_rings() -> None:
    """v_max = 1, q = rho = 0.5, 1000 cells: 0.14657172, exact for a parallel update (Schreckenberg et al. 1995)."""
    law = NagelSchreckenberg(v_max=1, slowdown=0.5, cell=7.5)
    ring = lattice_ring(law, Fleet.of(CAR), Settings(replicas=32, road=RoadSettings(window=6000)), 2)
    flow, stderr, _ = ring.ask(np.array([0.5 / 7.5]))
    assert stderr[0] < 1e-4
    assert abs(flow[0] - 0.14657172) < 4 * stderr[0]


@pytest.mark.parametrize("cars", [10, 40])
def test_optimal_velocity_ring_is_unstable_between_bandos_limits(cars: int) -> None:
    """V(b) = tanh(b - 2) + tanh 2, a = 1: the ring of N loses stability at V'(b) = 1 / (1 + cos(2 pi / N))."""
    point = Vehicle(name="point", length=0.0, minimum_gap=0.0, time_headway=1.0, desired_speed=1 + tanh(2))
    law = OptimalVelocity(sensitivity=1.0)

    def growth(headway: float) -> float:
        return growth_rate(law, point, 1 / headway, cars=cars)

    def excess(headway: float) -> float:
        return 1 / cosh(headway - 2) ** 2 - 1 / (1 + cos(2 * pi / cars))

    for low, high in ((0.8, 1.6), (2.4, 3.2)):
        assert brentq(growth, low, high, xtol=1e-4) == pytest.approx(brentq(excess, low, high), rel=0.005)


def test_fit_recovers_the_drivers_that_made_the_measurements(tmp_path: Path) -> None:
    """Records of safe-distance drivers: 25 m/s, 1.2 s, 6 m; exact flow = min(25 rho, (1 - 6 rho) / 1.2)."""
    density = np.repeat(np.linspace(0.005, 0.14, 28), 5)
    flow = np.minimum(25 * density, (1 - 6 * density) / 1.2)
    noise = np.tile([-0.002, -0.001, 0.0, 0.001, 0.002], 28)  # of the speed, so that bins have a spread
    speed = flow / density * (1 + noise)
    file = tmp_path / "records.csv"
    pd.DataFrame({"flow": 3600 * speed * density, "speed": 3.6 * speed}).to_csv(file, index=False)
    study = ef.run(
        "traffic",
        model="safe_distance",
        detectors=str(file),
        detectors_units="veh/h,km/h",
        bootstrap=10,
        densities=5,
    )
    fitted = {
        name: study.values[f"fitted_{name}"].value for name in ("reaction_time", "effective_length", "free_speed")
    }
    assert fitted["reaction_time"] == pytest.approx(1.2, rel=0.03)
    assert fitted["effective_length"] == pytest.approx(6.0, rel=0.03)
    assert fitted["free_speed"] == pytest.approx(90.0, rel=0.01)
    assert study.tables["fit"]["identified"].all()


def test_a_thin_congested_side_fixes_no_jam_density(idm: ef.Study) -> None:
    table = idm.tables["fit"].set_index("parameter")
    assert not table.loc["effective length", "identified"]
    assert any("Not identified" in note and "effective length" in note for note in idm.notes)


def test_the_users_own_road_is_measured_besides() -> None:
    road = {"length": 1000.0, "cars": 15, "healing": 600.0, "window": 60.0}
    study = ef.run("traffic", **(SMALL | {"road": road}))
    assert study.tables["road"]["density"].tolist() == pytest.approx([15.0])


def test_same_seed_gives_the_same_numbers_on_two_threads() -> None:
    one, two = (ef.run("traffic", executor=executor, **SMALL) for executor in (None, 2))
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], check_exact=True)
    assert one.values == two.values


BAD = {
    "unknown setting": (["--set", "road.carz=60"], "road.cars"),
    "wrong type": (["--set", "road.cars=many"], "integer"),
    "unknown model": (["--set", "model=teleport"], "idm"),
    "more cars than fit": (["--set", "road.cars=60", "--set", "road.length=100"], "fit on the road"),
    "negative density": (["--set", "densities=10,-3,20,30,40"], "densities"),
    "density beyond the jam": (["--set", "densities=10,20,30,150"], "jam density"),
    "units without a file": (["--set", "detectors_units=veh/h,mph"], "detectors"),
    "file without units": (["--set", "detectors={folder}/good.csv"], "detectors_units"),
    "missing file": (["--set", "detectors={folder}/none.csv", "--set", "detectors_units=veh/h,mph"], "none.csv"),
    "empty file": (["--set", "detectors={folder}/empty.csv", "--set", "detectors_units=veh/h,mph"], "empty"),
    "malformed file": (["--set", "detectors={folder}/words.csv", "--set", "detectors_units=veh/h,mph"], "flow"),
    "file with NaN": (["--set", "detectors={folder}/nan.csv", "--set", "detectors_units=veh/h,mph"], "line 3"),
    "unknown units": (["--set", "detectors={folder}/good.csv", "--set", "detectors_units=veh/h,knots"], "mph"),
    "folder below a file": (["--out", "{folder}/good.csv/results"], "good.csv"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_nothing_is_written(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {
        "good.csv": "flow,speed\n1000,60\n1200,58\n",
        "empty.csv": "",
        "words.csv": "once,upon\na,time\n",
        "nan.csv": "flow,speed\n1000,60\n,58\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    given_out = [] if "--out" in arguments else ["--out", "{folder}/out"]
    command = [part.format(folder=tmp_path) for part in ["run", "traffic", "--quick", *given_out, *arguments]]
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert says in captured.err
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(files)


NAMES = [setting.name for setting in list_settings(scenario.settings) if not setting.name.startswith("detectors")]
VALUES = st.one_of(
    st.text(max_size=12),
    st.integers(-10, 200).map(str),
    st.floats(-10, 200).map(str),
    st.lists(st.floats(0, 150), max_size=6).map(lambda values: ",".join(map(str, values))),
)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), VALUES, max_size=3))
def test_arbitrary_settings_never_give_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str], assignments: dict[str, str]
) -> None:
    small = ["densities=5", "truck_shares=0", "bootstrap=10", "road.cars=20", "road.healing=60", "road.window=30"]
    given_settings = [f"{name}={value}" for name, value in assignments.items()]
    options = [part for one in [*small, *given_settings] for part in ("--set", one)]
    out = tmp_path_factory.mktemp("arbitrary") / "out"
    status = main(["run", "traffic", "--quick", "--out", str(out), *options])
    captured = capsys.readouterr()
    assert status in {0, 1, 2, 3}
    assert "Traceback" not in captured.err
    if status >= 2:
        assert len(captured.err.strip().splitlines()) == 1
    assert out.exists() == (status < 2)
