"""Traffic by SUMO's drivers: what the study must show, and what it says where SUMO is not installed."""

from __future__ import annotations

import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import brentq

import eqfree as ef
from agents.cars import CAR, IDM
from eqfree.cli import main
from eqfree.scenario import Context
from scenarios.traffic.gradient import FlowAndGradient
from scenarios.traffic.settings import FleetSettings, MotorwaySettings, RoadSettings, Settings, SumoSettings
from scenarios.traffic.sumo_diagram import check_settings
from scenarios.traffic.sumo_motorway import SumoFlowAndGradient, run_sumo_motorway
from scenarios.traffic.sumo_rings import vehicle_type

needs_sumo = pytest.mark.skipif(
    find_spec("libsumo") is None, reason="SUMO's library is not installed: pip install -e '.[sumo]'"
)


@pytest.fixture(scope="module")
def diagram() -> ef.Study:
    short = RoadSettings(cars=20, healing=60.0, window=30.0)
    return ef.run("traffic", quick=True, model="sumo", parts=["diagram"], road=short)


@needs_sumo
@pytest.mark.slow
def test_sumos_idm_drives_as_ours_and_as_the_closed_form_says(diagram: ef.Study) -> None:
    """Treiber, Hennecke & Helbing 2000, eq. 5, solved by another method; ours within 1e-3."""
    car = Settings().fleet.car

    def excess(speed: float, density: float) -> float:
        wanted = car.minimum_gap + speed * car.time_headway
        return float(wanted / np.sqrt(1 - (speed / car.desired_speed) ** 4) + car.length - 1 / density)

    table = diagram.tables["sumo_and_ours"]
    exact = [brentq(excess, 0, car.desired_speed * (1 - 1e-9), args=(rho / 1000,)) * 3.6 for rho in table["density"]]
    assert table["sumo"].to_numpy() == pytest.approx(exact, rel=1e-6)
    assert table["difference"].max() < 1e-3
    assert [check.quantity for check in diagram.checks if not check.ok] == []
    assert len(diagram.checks) == 8


@needs_sumo
@pytest.mark.slow
def test_krauss_drivers_have_error_bars_and_dawdle(diagram: ef.Study) -> None:
    """Nobody keeps less than tau behind the rear bumper ahead plus the gap: flow <= (1 - rho l)/tau (Krauss 1998)."""
    table, car = diagram.tables["krauss"], Settings().fleet.car
    density = table["density"].to_numpy() / 1000
    bound = 3600 * np.minimum(density * car.desired_speed, (1 - density * (car.length + car.minimum_gap)) / 1.6)
    assert (table["flow_stderr"] > 0).all()
    assert (table["flow"].to_numpy() < bound).all()
    assert (diagram.tables["diagram"]["flow_stderr"] == 0).all()


@needs_sumo
@pytest.mark.slow
def test_sumos_gradient_coefficient_is_that_of_our_drivers_in_short_steps() -> None:
    """Both solve the same model, ours by Runge-Kutta: they differ by what SUMO's steps of 0.05 s change."""
    brisk = replace(CAR, acceleration=1.5)
    densities = np.array([[0.012], [0.05]])
    ours = FlowAndGradient(IDM(), brisk)(densities).value
    sumo = SumoFlowAndGradient(vehicle_type(brisk, "IDM"), step=0.05)(densities).value
    coarse = SumoFlowAndGradient(vehicle_type(brisk, "IDM"), step=0.1)(densities).value
    assert sumo[:, 0] == pytest.approx(ours[:, 0], rel=1e-6)
    finer, coarser = (np.abs(value[:, 1] / ours[:, 1] - 1) for value in (sumo, coarse))
    assert (finer < 0.1).all()
    assert coarser / finer == pytest.approx(2.0, rel=0.2)  # of first order in the step


@needs_sumo
@pytest.mark.slow
def test_the_motorway_loses_none_of_sumos_vehicles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.traffic.equal._LENGTHS", ())
    road = MotorwaySettings(length=2000.0, cell=500.0, duration=60.0, rings=20)
    part = run_sumo_motorway(Settings(model="sumo", motorway=road), Context())
    table = part.tables["motorway"]
    assert table["drivers"].tolist() == ["SUMO's IDM, a = 1.5 m/s²", "SUMO's Krauss"]
    assert table["vehicles_directly"].tolist() == [48.0, 48.0]
    assert [check.quantity for check in part.checks if not check.ok] == []
    assert set(part.tables["motorway_road"]["drivers"]) == set(table["drivers"])


@needs_sumo
def test_what_sumos_drivers_cannot_do_is_refused() -> None:
    with pytest.raises(ValueError, match="are equal cars here"):
        check_settings(Settings(model="sumo", fleet=FleetSettings(truck_share=0.1)))
    with pytest.raises(ValueError, match="keep less time than a step"):
        check_settings(Settings(model="sumo", sumo=SumoSettings(step=2.0)))
    with pytest.raises(ValueError, match="without random numbers"):
        SumoFlowAndGradient(vehicle_type(CAR, "Krauss", 0.5))
    with pytest.raises(ValueError, match="Waves are read every second"):
        SumoFlowAndGradient(vehicle_type(CAR, "IDM"), step=0.4)


def test_a_missing_extra_is_one_line_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "libsumo", None)
    status = main(["run", "traffic", "--quick", "--set", "model=sumo", "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err.strip().splitlines()
    assert status == 2
    assert len(said) == 1
    assert "pip install eqfree[sumo]" in said[0]
