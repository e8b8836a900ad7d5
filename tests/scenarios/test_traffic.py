"""The fundamental diagram from drivers: what it must show, and what it must refuse."""

from __future__ import annotations

from math import cos, cosh, pi, tanh
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

import eqfree as ef
from agents.cars import CAR, TRUCK, Fleet, NagelSchreckenberg, OptimalVelocity, Vehicle
from eqfree.cli import main
from eqfree.scenario import Context
from scenarios.traffic.diagram import find_landmarks, find_unstable, ring_of
from scenarios.traffic.rings import growth_rate, lattice_ring
from scenarios.traffic.settings import RoadSettings, Settings

SMALL: dict[str, Any] = {
    "parts": ["diagram"],
    "densities": 5,
    "truck_shares": [0.0],
    "bootstrap": 2,
    "replicas": 2,
    "road": {"cars": 20, "healing": 60.0, "window": 30.0},
}


@pytest.fixture(scope="module")
def idm() -> ef.Study:
    return ef.run("traffic", quick=True, bootstrap=10, parts=["diagram"])


@pytest.mark.slow
def test_idm_capacity_is_the_published_equilibriums(idm: ef.Study) -> None:
    """Treiber, Hennecke & Helbing 2000 parameters; independent program: 1742.784 veh/h at 26.0744 veh/km."""
    assert idm.values["capacity"].value == pytest.approx(1742.7839029204702, rel=1e-5)
    assert idm.values["critical_density"].value == pytest.approx(26.07440854778141, rel=1e-5)


@pytest.mark.slow
def test_idm_strings_are_unstable_above_the_published_density(idm: ef.Study) -> None:
    """Independent program: 20.416 veh/km, sign verified on a ring of 2000 cars."""
    assert idm.values["onset_density"].value == pytest.approx(20.4162115305285, rel=0.01)


@pytest.mark.slow
def test_equilibrium_ring_has_at_most_eight_cars_and_says_so(idm: ef.Study) -> None:
    assert any(note.startswith("Equilibrium branch with 0 % trucks: ring of 8 cars") for note in idm.notes)


@pytest.mark.slow
def test_stop_and_go_flow_is_below_equilibrium_where_waves_grow_and_equal_where_they_die(idm: ef.Study) -> None:
    equilibrium = idm.tables["diagram"].query("truck_share == 0").reset_index()
    long_ring = idm.tables["stop_and_go"]
    loss = 1 - long_ring["flow"] / equilibrium["flow"]
    error = long_ring["flow_stderr"] / equilibrium["flow"]
    stable, unstable = equilibrium["density"] < 20.416, equilibrium["density"] > 1.2 * 20.416
    assert loss[stable].abs().max() < 1e-4  # what free traffic has not healed of its displaced start
    assert (loss > 4 * error)[unstable].all()


@pytest.mark.slow
def test_every_check_of_the_default_model_holds(idm: ef.Study) -> None:
    assert len(idm.checks) == 7
    assert [check.quantity for check in idm.checks if not check.ok] == []


@pytest.mark.slow
@pytest.mark.parametrize("model", ["safe_distance", "newell", "optimal_velocity", "nagel_schreckenberg"])
def test_every_check_of_the_other_models_holds(model: str) -> None:
    study = ef.run("traffic", quick=True, bootstrap=2, model=model, parts=["diagram"])
    assert study.checks
    assert [check.quantity for check in study.checks if not check.ok] == []


@pytest.mark.slow
def test_safe_distance_flow_of_a_mixed_fleet_is_exact_at_25_densities() -> None:
    """f = min(rho min v, (1 - rho mean l) / mean tau), reaction times and effective lengths in the mean."""
    study = ef.run(
        "traffic", parts=["diagram"], model="safe_distance", truck_shares=[], bootstrap=2, fleet={"truck_share": 0.25}
    )
    table = study.tables["diagram"]
    density = table["density"].to_numpy() / 1000
    length = 0.75 * (CAR.length + CAR.minimum_gap) + 0.25 * (TRUCK.length + TRUCK.minimum_gap)
    reaction = 0.75 * CAR.time_headway + 0.25 * TRUCK.time_headway
    expected = 3600 * np.minimum(density * TRUCK.desired_speed, (1 - density * length) / reaction)
    assert len(table) == 25
    assert np.abs(table["flow"] / expected - 1).max() < 1e-8


@pytest.mark.slow
def test_nagel_schreckenberg_flow_is_the_finite_rings() -> None:
    """v_max = 1, q = rho = 0.5, 1000 cells: 0.14657172, exact for a parallel update (Schreckenberg et al. 1995)."""
    law = NagelSchreckenberg(v_max=1, slowdown=0.5, cell=7.5)
    ring = lattice_ring(law, Fleet.of(CAR), Settings(replicas=64, road=RoadSettings(window=8000)), 2, cells=1000)
    flow, stderr, _ = ring.ask(np.array([0.5 / 7.5]))
    assert stderr[0] < 1e-4
    assert abs(flow[0] - 0.14657172) < 4 * stderr[0]


@pytest.mark.parametrize("cars", [10, 40])
def test_optimal_velocity_ring_is_unstable_between_bandos_limits(cars: int) -> None:
    """V(b) = tanh(b - 2) + tanh 2, a = 1: the ring of N loses stability at V'(b) = 1 / (1 + cos(2 pi / N))."""
    point = Vehicle(name="point", length=0.0, minimum_gap=0.0, time_headway=1.0, desired_speed=1 + tanh(2))
    law = OptimalVelocity(sensitivity=1.0)

    def growth(headway: float) -> float:
        return growth_rate(law, point, 1 / headway, cars=cars)[0]

    def excess(headway: float) -> float:
        return 1 / cosh(headway - 2) ** 2 - 1 / (1 + cos(2 * pi / cars))

    for low, high in ((0.8, 1.6), (2.4, 3.2)):
        assert brentq(growth, low, high, xtol=1e-4) == pytest.approx(brentq(excess, low, high), rel=0.005)


@pytest.mark.slow
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
        parts=["diagram"],
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


@pytest.mark.slow
def test_a_thin_congested_side_fixes_no_jam_density(idm: ef.Study) -> None:
    table = idm.tables["fit"].set_index("parameter")
    assert not table.loc["effective length", "identified"]
    assert any("Not fixed" in note and "effective length" in note for note in idm.notes)


@pytest.mark.slow
def test_the_users_own_road_is_measured_besides() -> None:
    road = {"length": 1000.0, "cars": 15, "healing": 600.0, "window": 60.0}
    study = ef.run("traffic", **(SMALL | {"model": "safe_distance", "road": road}))
    assert study.values["road_density"].value == pytest.approx(15.0)
    assert study.values["road_flow"].value == pytest.approx(15 * study.values["road_speed"].value)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.01, 0.12, 0.33])
def test_a_mixed_fleet_has_the_share_that_was_asked_for(share: float) -> None:
    """Safe distance: the largest flow is where (1 - rho mean l) / mean tau meets rho min v."""
    study = ef.run("traffic", **(SMALL | {"model": "safe_distance", "fleet": {"truck_share": share}}))
    length = (1 - share) * (CAR.length + CAR.minimum_gap) + share * (TRUCK.length + TRUCK.minimum_gap)
    reaction = (1 - share) * CAR.time_headway + share * TRUCK.time_headway
    critical = 1 / (length + reaction * TRUCK.desired_speed)
    assert study.values["capacity"].value == pytest.approx(3600 * critical * TRUCK.desired_speed, rel=1e-6)
    assert study.values["jam_density"].value == pytest.approx(1000 / length, rel=1e-6)
    assert study.ok


@pytest.mark.slow
def test_capacity_does_not_depend_on_which_densities_are_asked_for(idm: ef.Study) -> None:
    given = Settings(densities=(10.0,), replicas=2)
    fleet = Fleet.of(given.fleet.car)
    values, _ = find_landmarks(given, fleet, ring_of(given, fleet, Context()))
    assert values["capacity"].value == pytest.approx(idm.values["capacity"].value, rel=1e-9)


@pytest.mark.slow
def test_trucks_slow_a_lattice_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """One platoon behind trucks of at most 4 cells of 7 m a second that dawdle with probability p = 0.25: 94.5 km/h.

    Its capacity, for which most rings would be asked, is nowhere compared.
    """
    unknown = ef.Value(np.nan), ef.Value(np.nan), ef.Cost()
    monkeypatch.setattr("scenarios.traffic.diagram._noisy_maximum", lambda ring, standing: unknown)
    study = ef.run("traffic", **(SMALL | {"model": "nagel_schreckenberg", "fleet": {"truck_share": 0.3}}))
    free = study.values["free_speed"]
    assert abs(free.value - (4 - 0.25) * 7 * 3.6) < 4 * free.stderr
    assert study.values["jam_density"].value == pytest.approx(1000 / (0.7 * 7 + 0.3 * 14), rel=1e-3)


@pytest.mark.slow
def test_densities_without_room_for_trucks_leave_their_diagram_out_and_say_so() -> None:
    study = ef.run(
        "traffic", **(SMALL | {"model": "safe_distance", "densities": [10.0, 130.0], "truck_shares": [0.2, 0.9]})
    )
    assert study.tables["diagram"].groupby("truck_share").size().to_dict() == {0.0: 2, 0.2: 1, 0.9: 1}
    assert sum("left out" in note for note in study.notes) == 2


@pytest.mark.slow
def test_a_narrow_unstable_band_between_two_densities_is_found() -> None:
    """Optimal velocity, a = 1.2 / s: V'(h) = a / (1 + cos(2 pi / 200)) at 14.970 and 17.914 veh/km."""
    given = Settings(model="optimal_velocity", densities=5, fleet={"sensitivity": 1.2})
    _, unstable, _ = find_unstable(given, Context())
    assert 1000 * np.array(unstable) == pytest.approx(np.array([[14.970, 17.914]]), rel=0.005)


@pytest.mark.slow
def test_drivers_who_collide_are_told_and_the_rest_is_kept() -> None:
    """Optimal velocity drivers as sluggish as a = 0.2 / s run into each other in stop-and-go.

    Waves grow up to V'(h) = a / (1 + cos(2 pi / 200)) at 53.284 veh/km.
    """
    road = {"cars": 100, "healing": 1000.0, "window": 100.0}
    study = ef.run("traffic", **(SMALL | {"model": "optimal_velocity", "fleet": {"sensitivity": 0.2}, "road": road}))
    failed = study.tables["stop_and_go"]["flow"].isna()
    assert 0 < failed.sum() < len(failed)
    assert study.values["stable_again_density"].value == pytest.approx(53.284, rel=0.005)
    assert sum("cannot keep" in failure for failure in study.failures) == failed.sum()


@pytest.mark.slow
def test_same_seed_gives_the_same_numbers_on_two_threads() -> None:
    """Of fleets whose order is chance."""
    options = SMALL | {"model": "safe_distance", "fleet": {"truck_share": 0.3}}
    one, two = (ef.run("traffic", executor=executor, **options) for executor in (None, 2))
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
    "no densities": (["--set", "densities=[]"], "densities"),
    "density next to nothing": (["--set", "densities=[1e-300,20]"], "densities"),
    "too few trucks for a ring": (["--set", "fleet.truck_share=0.001"], "0.005"),
    "cells that do not fit": (["--set", "motorway.cell=2000", "--set", "motorway.length=5000"], "divide the motorway"),
    "road for one car": (["--set", "road.length=9"], "fit on the road"),
    "no file": (["--set", "detectors="], "detectors"),
    "one density": (
        ["--set", "detectors={folder}/alike.csv", "--set", "detectors_units=veh/h,km/h"],
        "bins",
    ),
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
        "alike.csv": "flow,speed\n" + "1000,60\n" * 30,
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


VALID = {  # within the bounds: these reach the drivers
    "model": st.sampled_from(["idm", "safe_distance", "newell", "optimal_velocity", "nagel_schreckenberg"]),
    "densities": st.one_of(
        st.integers(5, 9).map(str),
        st.lists(st.floats(0.01, 140), min_size=1, max_size=3).map(lambda values: f"[{', '.join(map(str, values))}]"),
    ),
    "truck_shares": st.lists(st.floats(0.005, 0.9), max_size=2).map(lambda v: f"[{', '.join(map(str, v))}]"),
    "fleet.truck_share": st.floats(0.005, 0.9).map(str),
    "fleet.desired_speed": st.floats(10, 300).map(str),
    "fleet.time_headway": st.floats(0.3, 10).map(str),
    "fleet.minimum_gap": st.floats(0.1, 50).map(str),
    "fleet.acceleration": st.floats(0.1, 10).map(str),
    "fleet.deceleration": st.floats(0.1, 10).map(str),
    "fleet.length": st.floats(1, 50).map(str),
    "fleet.sensitivity": st.floats(0.1, 10).map(str),
    "fleet.slowdown": st.floats(0, 0.95).map(str),
    "road.cars": st.integers(2, 60).map(str),
    "road.length": st.floats(1, 10_000).map(str),
    "seed": st.integers(0, 2**127).map(str),
}
valid_settings = st.lists(st.sampled_from(sorted(VALID)), max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: VALID[name] for name in names})
)


@pytest.fixture
def inexact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few lattices are asked, and growth rates at few densities."""
    monkeypatch.setattr("scenarios.traffic.rings._REPLICAS_TO_TRUST", 2)
    monkeypatch.setattr("scenarios.traffic.diagram._SCAN", 10)


@pytest.mark.slow
@pytest.mark.usefixtures("inexact")
@settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@example({"model": "idm", "fleet.acceleration": "7.425"})
@given(valid_settings)
def test_arbitrary_settings_never_give_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str], assignments: dict[str, str]
) -> None:
    small = [
        "model=safe_distance",  # quick; what is drawn overrides it
        "densities=5",
        "truck_shares=0",
        "bootstrap=2",
        "replicas=2",
        "road.cars=20",
        "road.healing=60",
        "road.window=30",
        "parts=diagram",
    ]
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
