"""Reactions: what the study must show, and what it must refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import eqfree as ef
from eqfree.cli import main
from eqfree.settings import list_settings
from scenarios.reaction import scenario

SMALL: dict[str, Any] = {
    "replicas": 4,
    "cycles": 100,
    "enzyme": {"separations": [0.02], "steps": [8], "replicas": 2, "volume": 100.0},
    "front": {"voxels": 40, "duration": 5.0, "volume": 50.0, "replicas": 2},
}


@pytest.fixture(scope="module")
def quick() -> ef.Study:
    return ef.run("reaction", quick=True)


@pytest.mark.slow
def test_every_check_of_the_small_version_holds(quick: ef.Study) -> None:
    assert len(quick.checks) == 8
    assert [check.quantity for check in quick.checks if not check.ok] == []
    assert quick.failures == []


@pytest.fixture(scope="module")
def whole() -> ef.Study:
    """The default network and enzyme; the front and the noisy period have tests of their own, with all their replicas.

    A replica of the enzyme makes 3e7 reactions where binding is fastest: three know their number to a thousandth.
    """
    return ef.run("reaction", seed=3, parts=["network", "enzyme"], cycles=100, populations=250, enzyme={"replicas": 3})


@pytest.mark.slow
def test_every_check_of_the_default_network_and_enzyme_holds(whole: ef.Study) -> None:
    assert len(whole.checks) == 10
    assert [check.quantity for check in whole.checks if not check.ok] == []


@pytest.mark.slow
def test_reactions_for_an_error_of_a_hundredth_are_five_fifty_and_five_hundred_times_fewer(whole: ef.Study) -> None:
    table = whole.tables["enzyme"]
    for separation, fewer in ((1e-2, 5), (1e-3, 50), (1e-4, 500)):
        rows = table[table["separation"] == separation]
        exact = rows[(rows["way"] == "exact simulation") & (rows["volume"] == 1000)].iloc[0]
        projected = rows[rows["steps"] == 8].iloc[0]
        assert projected["error"] < 0.01
        assert exact["error"] > projected["error"]
        assert exact["events"] > fewer * projected["events"]
    assert sum("ε = " in check.quantity for check in whole.checks) == 6


@pytest.mark.slow
def test_every_part_is_drawn(quick: ef.Study) -> None:
    assert list(scenario.draw(quick)) == ["network", "cost", "front"]
    assert list(scenario.draw(ef.run("reaction", parts=["front"], front=SMALL["front"]))) == ["front"]


@pytest.mark.slow
def test_same_seed_gives_the_same_numbers_on_two_threads() -> None:
    one, two = (ef.run("reaction", executor=executor, **SMALL) for executor in (None, 2))
    assert one.tables.keys() == two.tables.keys() == {"network", "periods", "enzyme", "front", "front_places"}
    for name, table in one.tables.items():
        pd.testing.assert_frame_equal(table, two.tables[name], check_exact=True)
    assert one.values == two.values


def test_another_seed_gives_other_numbers() -> None:
    ends = {
        ef.run("reaction", seed=seed, parts=["enzyme"], enzyme=SMALL["enzyme"]).tables["enzyme"]["bias"].iloc[-1]
        for seed in (0, 1)
    }
    assert len(ends) == 2


BAD = {
    "unknown network": (["--set", "network=oregonator"], "brusselator, co_oxidation"),
    "missing file": (["--set", "network={folder}/none.txt"], "none.txt"),
    "a folder": (["--set", "network={folder}"], "A network is a file"),
    "no network": (["--set", "network="], "network"),
    "malformed network": (["--set", "network={folder}/arrow.txt"], "Line 2, column 3"),
    "empty network": (["--set", "network={folder}/empty.txt"], "must have a reaction"),
    "negative rate": (["--set", "network={folder}/negative.txt"], "Line 2"),
    "network that starts from nothing": (["--set", "network={folder}/nothing.txt"], "starts from nothing"),
    "network that explodes": (["--set", "network={folder}/explosive.txt"], "less than 3e+09 reactions"),
    "network without slow motion": (["--set", "network={folder}/fast.txt"], "at most 5000 steps"),
    "binary file": (["--set", "network={folder}/binary.txt"], "binary.txt"),
    "negative volume": (["--set", "volume=-1"], "volume"),
    "no number": (["--set", "volume=nan"], "volume"),
    "volume without molecules": (["--set", "volume=0.01"], "one molecule"),
    "too many molecules": (["--set", "volume=1e20"], "1e+12"),
    "too many reactions": (["--set", "volume=1e9"], "less than 3e+09 reactions"),
    "burst longer than the step": (["--set", "projection.step=0.1", "--set", "projection.burst=0.2"], "2 bursts"),
    "bursts that cover the step": (["--set", "projection.burst=0.03"], "2 bursts"),
    "healing longer than the burst": (
        ["--set", "projection.healing=0.2", "--set", "projection.burst=0.1"],
        "projection.healing=0.2",
    ),
    "step next to nothing": (["--set", "projection.step=1e-6"], "at most 5000 steps"),
    "negative step": (["--set", "projection.step=-1"], "projection.step"),
    "separation too large": (["--set", "enzyme.separations=0.5"], "separations"),
    "no separation": (["--set", "enzyme.separations=[]"], "separations"),
    "steps that the bursts cover": (["--set", "enzyme.separations=0.02", "--set", "enzyme.steps=8,40"], "4 bursts"),
    "checked steps that are none": (["--set", "enzyme.checked_steps=7"], "checked_steps"),
    "few molecules of enzyme": (["--set", "enzyme.volume=3"], "enzyme.volume"),
    "front that leaves its line": (["--set", "front.duration=200"], "stay on its line"),
    "one front": (["--set", "front.replicas=1"], "front.replicas"),
    "few cycles": (["--set", "cycles=3"], "cycles"),
    "unknown part": (["--set", "parts=tunnel"], "parts"),
    "unknown setting": (["--set", "front.voxel=60"], "front.voxels"),
}
FILES = {
    "arrow.txt": "X = 1\nX > 0, k=1\n",
    "empty.txt": "# nothing\n",
    "negative.txt": "X = 1\nX -> 0, k=-1\n",
    "nothing.txt": "0 -> X, k=1\n",
    "explosive.txt": "X = 1\n2X -> 3X, k=1\n",
    "fast.txt": "A = 1\nA <-> B, k=1e4, k_back=1e4\n",
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_nothing_is_written(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    before = sorted(tmp_path.iterdir())
    given_settings = [part.format(folder=tmp_path) for part in arguments]
    assert main(["run", "reaction", "--quick", "--out", f"{tmp_path}/out", *given_settings]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert says in captured.err
    assert sorted(tmp_path.iterdir()) == before


NAMES = [setting.name for setting in list_settings(scenario.settings)]
VALID = {  # within the bounds: these reach the molecules
    "network": st.sampled_from(["brusselator", "michaelis_menten", "co_oxidation"]),
    "volume": st.floats(1e-30, 1e4).map(str),
    "projection.step": st.floats(1e-3, 10).map(str),
    "projection.burst": st.floats(1e-4, 1).map(str),
    "projection.healing": st.floats(0, 1).map(str),
    "projection.duration": st.floats(0.1, 20).map(str),
    "enzyme.separations": st.floats(5e-3, 0.02).map(str),
    "enzyme.volume": st.floats(50, 500).map(str),
    "enzyme.duration": st.floats(1, 20).map(str),
    "front.spacing": st.floats(0.3, 1).map(str),
    "front.voxels": st.integers(20, 60).map(str),
    "front.duration": st.floats(5, 10).map(str),
    "seed": st.integers(0, 2**127).map(str),
}
VALUES = st.one_of(
    st.text(max_size=12),
    st.integers(-10, 200).map(str),
    st.floats(-10, 200).map(str),
    st.lists(st.floats(0, 150), max_size=6).map(lambda values: ",".join(map(str, values))),
)


arbitrary_settings = st.dictionaries(
    st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), VALUES, min_size=1, max_size=3
)
valid_settings = st.lists(st.sampled_from(sorted(VALID)), min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: VALID[name] for name in names})
)


def concerned(assignments: dict[str, str]) -> str:
    """The parts that these settings are of, since nothing changes in the others; all of them for a seed."""
    groups = {name.partition(".")[0] for name in assignments}
    if "seed" in groups:
        return "network,enzyme,front"
    return ",".join(sorted({group if group in {"enzyme", "front"} else "network" for group in groups}))


@pytest.mark.slow
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.one_of(arbitrary_settings, valid_settings))
def test_arbitrary_settings_never_give_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str], assignments: dict[str, str]
) -> None:
    small = [
        "replicas=2",
        "cycles=100",
        "populations=100",
        "volume=100",
        "enzyme.replicas=2",
        "enzyme.volume=100",
        "front.replicas=2",
        "front.volume=50",
        "front.voxels=40",
        "front.duration=5",
        f"parts={concerned(assignments)}",
    ]
    given_settings = [f"{name}={value}" for name, value in assignments.items()]
    options = [part for one in [*small, *given_settings] for part in ("--set", one)]
    out = tmp_path_factory.mktemp("arbitrary") / "out"
    status = main(["run", "reaction", "--quick", "--out", str(out), *options])
    captured = capsys.readouterr()
    assert status in {0, 1, 2, 3}
    assert "Traceback" not in captured.err
    if status >= 2:
        assert len(captured.err.strip().splitlines()) == 1
    assert out.exists() == (status < 2)


@pytest.mark.slow
def test_error_falls_with_cost_in_the_table_of_the_enzyme(quick: ef.Study) -> None:
    """Exact simulation: the variance is as one over the molecules, 16 times fewer have 4 times the error."""
    table = quick.tables["enzyme"]
    exact = table[table["way"] == "exact simulation"]
    assert exact["volume"].tolist() == [62, 250, 1000]
    ratio = exact["events"].to_numpy() / exact["volume"].to_numpy()
    assert ratio == pytest.approx(np.full(3, ratio[-1]), rel=0.1)
    assert exact["error"].iloc[0] / exact["error"].iloc[2] == pytest.approx(4.0, rel=0.8)
