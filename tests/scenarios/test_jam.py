"""The jam that nobody caused, against the independent program of the references (ftl_ov_ring)."""

from __future__ import annotations

import numpy as np
import pytest

from eqfree.scenario import Context
from scenarios.traffic.jam import run_jam
from scenarios.traffic.settings import Settings


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_22_cars_on_230_m_jam_at_the_reference_speeds_whoever_begins(seed: int) -> None:
    jam = run_jam(Settings(seed=seed), Context())
    tables, values, checks = jam.tables, jam.values, jam.checks
    assert values["jam_mean_speed"].value == pytest.approx(6.810062224913205, rel=1e-3)
    assert values["jam_wave_speed"].value == pytest.approx(-6.4832197773208975, rel=0.01)
    assert values["jam_fastest_speed"].value == pytest.approx(9.265463415025302, rel=0.01)
    assert len(checks) == 2
    assert all(check.ok for check in checks)
    speeds = tables["jam_speeds"].query("quantity == 'speed of the jam'")
    assert speeds["this_run"].to_numpy() == pytest.approx(speeds["sugiyama_2008"].to_numpy(), abs=4)


@pytest.mark.slow
def test_the_picture_shows_flow_that_is_almost_uniform_and_then_stands() -> None:
    jam = run_jam(Settings(), Context()).tables["jam"]
    assert jam["place"].between(0.0, 230.0).all()
    assert np.array_equal(jam["time"].unique(), np.arange(0.0, 600.0, 2.0))
    by_time = jam.groupby("time")["speed"]
    assert by_time.std().iloc[0] < 0.1 * by_time.mean().iloc[0]
    assert by_time.std().iloc[-1] > 5.0  # km/h; 2.47 m/s in the end
