from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.random import default_rng

from scenarios.traffic.detectors import bin_by_density, carried_summary, density_edges, read_detectors

_ROOT = Path(__file__).parents[2]


def write(folder: Path, text: str) -> Path:
    path = folder / "records.csv"
    path.write_text(text)
    return path


def scattered_records(count: int = 500) -> pd.DataFrame:
    rng = default_rng(0)
    speed = rng.uniform(20.0, 110.0, count)
    return pd.DataFrame({"flow": speed * rng.uniform(5.0, 60.0, count), "speed": speed})


@pytest.mark.parametrize(
    ("units", "given", "flow", "speed"),
    [
        ("veh/h,km/h", 30, 30.0, 50.0),
        ("veh/min, km/h", 30, 1800.0, 50.0),
        ("veh/s,km/h", 0.5, 1800.0, 50.0),
        ("veh/30s,mph", 30, 3600.0, 80.4672),
        ("veh/5min,m/s", 30, 360.0, 180.0),
    ],
)
def test_units_become_vehicles_and_kilometres_per_hour(
    tmp_path: Path, units: str, given: float, flow: float, speed: float
) -> None:
    table = read_detectors(write(tmp_path, f"flow,speed\n{given},50\n"), units)
    assert table.to_numpy()[0] == pytest.approx([flow, speed], rel=1e-12)


def test_other_columns_comments_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    text = "# a lane\n\ntime, speed ,flow\n08:00,100,1200\n\n08:01,50,1500\n"
    table = read_detectors(write(tmp_path, text), "veh/h,km/h")
    pd.testing.assert_frame_equal(table, pd.DataFrame({"flow": [1200.0, 1500.0], "speed": [100.0, 50.0]}))


@pytest.mark.parametrize("units", [None, "", "veh/h", "mph,veh/h", "veh/h,knots", "veh/0s,mph", "cars/h,mph", "a,b,c"])
def test_units_that_are_missing_or_unknown_are_refused(tmp_path: Path, units: str | None) -> None:
    with pytest.raises(ValueError, match=r"^expected the units of flow .* as in veh/h,mph\.$"):
        read_detectors(write(tmp_path, "flow,speed\n1,1\n"), units)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("# a comment alone\n", "is empty"),
        ("flow,speed\n", "a header alone"),
        ("flow,velocity\n1,2\n", "got 'flow, velocity' on line 1. Name the column speed in its header"),
        ("flow;speed\n1;2\n", "got 'flow;speed' on line 1. Name the column flow and the column speed"),
        ("flow,speed\n1,2\n1,nan\n", "line 3 has flow '1' and speed 'nan': both must be finite numbers (1 bad line in"),
        ("flow,speed\n,\n1,\n", "line 2 has flow '' and speed '': both must be finite numbers (2 bad lines in all)"),
        ("flow,speed\n1,fast\n", "line 2 has flow '1' and speed 'fast'"),
        ("flow,speed\ninf,2\n", "finite"),
        ("flow,speed\n1,-2\n", "neither may be negative"),
        ("flow,speed\n1,0\n", "standing vehicles have no flow"),
        ("flow,speed\n1\n1,2,3\n", "line 2 has not the header's 2 columns (2 bad lines in all)"),
        ("# note\n\nflow,speed\n1e9,60\n", "line 4 has flow '1e9' and speed '60': no road has 1e+09 veh/h at 60 km/h"),
        ("flow,speed\n1e308,60\n", "no road has"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^expected .*\.$") as error:
        read_detectors(write(tmp_path, text), "veh/h,km/h")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["absent.csv", "", "\0", "new\nline.csv"])
def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a .* (cannot be read|is none).*\.$") as error:
        read_detectors(f"{tmp_path}/{name}", "veh/h,mph")
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    with pytest.raises(ValueError, match="Save the records as UTF-8 text"):
        read_detectors(path, "veh/h,mph")


def test_an_interval_without_vehicles_is_read_and_left_out_of_the_bins(tmp_path: Path) -> None:
    rows = "0,0\n0,80\n" + "".join(f"{flow},{speed}\n" for flow, speed in [(600, 90), (700, 92), (800, 95), (900, 91)])
    records = read_detectors(write(tmp_path, "flow,speed\n" + rows), "veh/h,km/h")
    assert len(records) == 6
    assert bin_by_density(records)["count"].sum() == 4


def test_speed_of_a_bin_is_total_flow_over_total_density() -> None:
    records = scattered_records()
    table = bin_by_density(records, edges=[0, 100])
    density = records["flow"] / records["speed"]
    assert table["density"].item() == pytest.approx(density.mean(), rel=1e-12)
    assert table["flow"].item() == pytest.approx(records["flow"].mean(), rel=1e-12)
    assert table["speed"].item() == pytest.approx(records["flow"].sum() / density.sum(), rel=1e-12)


def test_flow_of_every_bin_is_density_times_speed() -> None:
    table = bin_by_density(scattered_records())
    np.testing.assert_allclose(table["flow"], table["density"] * table["speed"], rtol=1e-12)


@pytest.mark.slow
def test_standard_errors_equal_the_spread_of_repeated_samples() -> None:
    records = scattered_records(20_000)
    samples = [bin_by_density(records.sample(200, random_state=i), [0, 100]) for i in range(200)]
    table = pd.concat(samples)
    for name in ("flow", "speed"):
        spread = table[name].std()  # itself known to 1/sqrt(2 * 200) = 5 %
        assert table[f"{name}_stderr"].mean() == pytest.approx(spread, rel=4 * 0.05)


def test_bins_of_few_records_are_merged_and_none_is_lost() -> None:
    records = scattered_records()
    table = bin_by_density(records, np.arange(0.0, 81.0, 0.1), least=5)
    assert table["count"].min() >= 5
    assert table["count"].sum() == len(records)
    assert table["density"].is_monotonic_increasing


def test_bins_of_equal_speed_are_kept_apart() -> None:
    """Triangular records without noise: every bin lies on the line it was taken from."""
    density = np.linspace(2.0, 20.0, 400)
    table = bin_by_density(pd.DataFrame({"flow": 100.0 * density, "speed": 100.0}))
    assert len(table) > 10
    assert table["speed"].to_numpy() == pytest.approx(100.0)
    assert table["speed_stderr"].to_numpy() == pytest.approx(0.0, abs=1e-9)


def test_edges_are_finer_where_records_are_many() -> None:
    rng = default_rng(2)
    density = np.concatenate([rng.normal(15.0, 1.0, 900), rng.uniform(20.0, 80.0, 100)])
    edges = density_edges(pd.DataFrame({"flow": density * 50.0, "speed": 50.0}), bins=20)
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    assert edges[[0, -1]] == pytest.approx([density.min(), density.max()])
    assert width[(middle > 13) & (middle < 17)].max() < 0.3 * width[middle > 25].min()


@pytest.mark.parametrize("edges", [[1.0], [2.0, 1.0], [1.0, np.nan], [[1.0, 2.0]]])
def test_edges_that_do_not_increase_are_refused(edges: list[float]) -> None:
    with pytest.raises(ValueError, match="increasing densities"):
        bin_by_density(scattered_records(), edges)


def test_too_few_records_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 detector records with a vehicle; got 2"):
        bin_by_density(pd.DataFrame({"flow": [0.0, 600.0, 700.0], "speed": [0.0, 90.0, 91.0]}))


def test_records_that_are_all_alike_make_one_bin() -> None:
    table = bin_by_density(pd.DataFrame({"flow": [600.0] * 5, "speed": [60.0] * 5}))
    assert table.to_numpy().tolist() == [[10.0, 600.0, 0.0, 60.0, 0.0, 5]]


def test_the_carried_summary_reaches_the_congested_end_with_positive_errors() -> None:
    summary = carried_summary()
    assert list(summary) == ["density", "flow", "flow_stderr", "speed", "speed_stderr", "count"]
    assert len(summary) == 20
    assert summary["speed"].iloc[-1] < 20
    assert (summary > 0).all(axis=None)
    np.testing.assert_allclose(summary["flow"], summary["density"] * summary["speed"], rtol=1e-5)


def test_the_carried_summary_is_what_the_records_give() -> None:
    path = _ROOT.parent / "shared" / "data" / "i880_lane2.csv"
    if not path.exists():
        pytest.skip("needs the I-880 records at ../shared/data/i880_lane2.csv, which the project does not carry")
    expected = bin_by_density(read_detectors(path, "veh/h,mph"))
    pd.testing.assert_frame_equal(carried_summary(), expected, check_exact=False, rtol=1e-5)
