"""What a picture asks of its tables."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.tables import check_names, check_table


def test_a_table_that_has_what_it_must_passes() -> None:
    table = pd.DataFrame({"way": ["a"], "time": [0.0], "more": [float("nan")]})
    check_table(table, "paths", ["way", "time"], finite=["time"])
    check_names(table, "paths", "way", ["a", "b"])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pd.DataFrame({"time": [0.0]}), r"`paths` must have the columns time, speed: got time\. Add speed\."),
        (pd.DataFrame(), r"`paths` must have the columns time, speed: got none\. Add time, speed\."),
        (pd.DataFrame({"time": [], "speed": []}), "`paths` must have at least one row: got none"),
        (pd.DataFrame({"time": [0.0, float("nan")], "speed": 1.0}), "a finite time in every row: got nan in row 1"),
    ],
)
def test_what_is_missing_is_said(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_table(table, "paths", ["time", "speed"], finite=["time"])


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match="`sweep` must say up or down in its column direction: got 'left'"):
        check_names(pd.DataFrame({"direction": ["up", "left"]}), "sweep", "direction", ["up", "down"])
