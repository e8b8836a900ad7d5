import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import eqfree as ef
from eqfree.burst import Burst, Rate, Reading


def check(measured: float, relation: ef.Relation, tolerance: float, stderr: float = 0.0) -> bool:
    return ef.Check("q", measured, 10.0, tolerance, "exact", relation, stderr=stderr).ok


def test_costs_add_up_and_wall_time_is_no_part_of_their_equality() -> None:
    total = ef.Cost(1, 2.0, 3.0, 4.0) + ef.Cost(10, 20.0, 30.0, 40.0)
    assert total == ef.Cost(11, 22.0, 33.0, wall=0.0)
    assert total.wall == 44.0


@pytest.mark.parametrize(
    ("relation", "below", "inside", "above"),
    [
        (ef.Relation.EQUALS, False, True, False),
        (ef.Relation.AT_MOST, True, True, False),
        (ef.Relation.AT_LEAST, False, True, True),
    ],
)
def test_each_relation_accepts_its_own_side(relation: ef.Relation, below: bool, inside: bool, above: bool) -> None:
    assert [check(value, relation, 0.5) for value in (9.0, 9.5, 10.5, 11.0)] == [below, inside, inside, above]


def test_covers_counts_in_standard_errors() -> None:
    assert check(10.39, ef.Relation.COVERS, 4.0, stderr=0.1)
    assert not check(10.41, ef.Relation.COVERS, 4.0, stderr=0.1)


@pytest.mark.parametrize("relation", list(ef.Relation))
def test_a_missing_number_never_passes(relation: ef.Relation) -> None:
    assert not check(np.nan, relation, np.inf, stderr=1.0)
    assert not check(10.0, ef.Relation.COVERS, 4.0, stderr=np.nan)


def test_a_study_is_valid_json_and_what_is_not_finite_is_null() -> None:
    study = ef.Study(
        "traffic",
        {"cars": 3},
        {"capacity": ef.Value(1.5, np.nan)},
        checks=[ef.Check("capacity", 1.5, 1.5, 0.0, "exact")],
        tables={"diagram": pd.DataFrame({"density": [0.1, np.inf]})},
    )
    text: dict[str, Any] = json.loads(json.dumps(study.to_json(), allow_nan=False))
    assert study.ok
    assert text["values"]["capacity"] == {"value": 1.5, "stderr": None, "unit": "1"}
    assert text["checks"][0]["ok"] is True
    assert text["checks"][0]["relation"] == "equals within"
    assert text["tables"]["diagram"]["density"] == [0.1, None]


def test_a_study_with_a_failed_check_is_not_ok() -> None:
    assert not ef.Study("s", {}, {}, checks=[ef.Check("q", 1.0, 2.0, 0.1, "exact")]).ok


def test_a_trajectory_becomes_one_labelled_variable_a_field() -> None:
    fields = (ef.Field("density", "1/m", {"x": [5.0, 15.0]}, {"x": "m"}), ef.Field("speed", "m/s"))
    macro = np.arange(6.0).reshape(2, 3)
    data = ef.Trajectory(np.array([0.0, 1.0]), macro, macro / 10, ef.Cost(), fields=fields).to_xarray()
    assert data["density"].dims == ("time", "x")
    assert data["density"].attrs["units"] == "1/m"
    assert data["x"].attrs["units"] == "m"
    assert data["density"].sel(time=1.0, x=15.0) == 4.0
    assert data["speed_stderr"].values.tolist() == [0.2, 0.5]


def test_values_that_hold_arrays_are_equal_to_themselves_alone_and_can_be_hashed() -> None:
    pair = np.zeros(2)

    def made() -> list[object]:
        burst = Burst(pair, pair, pair, ef.Cost())
        trajectory = ef.Trajectory(pair, pair, pair, ef.Cost())
        field = ef.Field("density", coordinates={"x": pair})
        study = ef.Study("s", {}, {}, tables={"diagram": pd.DataFrame({"x": pair})})
        calibration = ef.Calibration({}, {}, {}, pair, pair, True, "")
        model = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u, lambda u: u)
        stepper = ef.CoarseTimeStepper(model)
        return [
            *(burst, trajectory, field, study, calibration, stepper),
            *(Reading(pair, pair), Rate(pair, pair, ef.Cost()), ef.hmm.Answer(pair, pair)),
        ]

    for one, other in zip(made(), made(), strict=True):
        assert one == one
        assert one != other
        assert len({one, other}) == 2


def test_a_trajectory_says_how_it_ended_as_scipy_does() -> None:
    part = ef.Trajectory(np.zeros(1), np.zeros(1), np.zeros(1), ef.Cost(), ef.Status.NOT_FINITE, "Replica 3.")
    assert not part.success
    assert part.message.endswith("what was computed before is kept. Replica 3.")


@pytest.mark.parametrize(
    ("level", "degrees", "half"), [(0.95, 7, 2.364624), (0.99, 3, 5.840909), (0.95, np.inf, 1.959964)]
)
def test_intervals_are_students(level: float, degrees: float, half: float) -> None:
    """Tabulated quantiles of t."""
    row = np.ones((1, 2))
    low, high = ef.Trajectory(np.zeros(1), row, 0.1 * row, ef.Cost(), degrees=degrees).interval(level)
    assert (1 - low) / 0.1 == pytest.approx(half * row, rel=1e-6)
    assert (high - 1) / 0.1 == pytest.approx(half * row, rel=1e-6)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_that_is_no_probability_is_refused(level: float) -> None:
    row = np.ones((1, 2))
    with pytest.raises(ValueError, match="`level` must lie between 0 and 1"):
        ef.Trajectory(np.zeros(1), row, row, ef.Cost()).interval(level)
