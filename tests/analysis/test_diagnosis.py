"""A diagnosis in pictures: what is drawn is what the tables hold."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from analysis import draw_diagnosis


def tables(healing: float = 0.3, spread: float = 0.2) -> dict[str, pd.DataFrame]:
    time = np.linspace(0.0, 1.0, 5)
    paths = pd.DataFrame({"time": time, "carried": 1 - time, "lifted": 1 - time**2})
    differences = pd.DataFrame({"comparison": ["a", "a", "b", "b"], "time": [0.1, 0.5] * 2})
    return {
        "paths": paths.assign(carried_stderr=0.01, lifted_stderr=0.02, component="density"),
        "differences": differences.assign(
            difference=[0.5, 0.1, 0.3, 0.2], stderr=0.05, healing=healing, tolerance=0.05
        ),
        "noise": pd.DataFrame({"replicas": [1, 4], "spread": [spread, spread / 2]}),
    }


def test_the_lines_are_the_tables() -> None:
    given = tables()
    made = draw_diagnosis(given, "s")
    paths, differences, noise = made.axes
    for line, column in zip(paths.get_lines(), ("carried", "lifted"), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), given["paths"][column])
    assert paths.get_ylabel() == "density"
    drawn = [line for line in differences.get_lines() if line.get_marker() == "o"]
    np.testing.assert_array_equal(np.concatenate([line.get_ydata() for line in drawn]), [0.5, 0.1, 0.3, 0.2])
    points, guide = noise.get_lines()
    np.testing.assert_array_equal(points.get_ydata(), [0.2, 0.1])
    assert np.allclose(np.asarray(guide.get_ydata(), np.float64), [0.2, 0.1])
    made.savefig(BytesIO())


@pytest.mark.parametrize(("healing", "lines"), [(0.3, 2), (0.0, 0), (np.inf, 0)])
def test_a_healing_is_marked_where_there_is_one(healing: float, lines: int) -> None:
    differences = draw_diagnosis(tables(healing)).axes[1]
    marked = [line for line in differences.get_lines() if line.get_linestyle() == ":"]
    assert [line.get_xdata() for line in marked] == [[healing] * 2] * lines


def test_without_noise_its_panel_is_empty() -> None:
    assert not draw_diagnosis(tables(spread=0.0)).axes[2].axison
