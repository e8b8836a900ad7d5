"""Error against cost: what is drawn is what the table holds."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer

from analysis import draw_cost


def costs() -> pd.DataFrame:
    rows = [
        {"problem": f"ε = {separation:g}", "way": way, "cost": events, "error": error, "error_stderr": stderr}
        for separation in (0.01, 0.001)
        for way, events, error, stderr in (
            ("exact simulation", 4e4 / separation, 0.02, 0.004),
            ("exact simulation", 1e4 / separation, 0.04, 0.03),
            ("projection", 5e4, 0.004, 0.001),
        )
    ]
    return pd.DataFrame(rows)


@pytest.mark.slow
def test_every_problem_has_its_panel_with_a_line_for_each_way() -> None:
    made = draw_cost(costs(), "reactions (1)", "error (1)", noisy=True)
    assert [axes.get_title() for axes in made.axes] == ["ε = 0.01", "ε = 0.001"]
    for axes, separation in zip(made.axes, (0.01, 0.001), strict=True):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        exact, projection = (
            container.lines[0] for container in axes.containers if isinstance(container, ErrorbarContainer)
        )
        np.testing.assert_array_equal(exact.get_xdata(), [1e4 / separation, 4e4 / separation])
        np.testing.assert_array_equal(exact.get_ydata(), [0.04, 0.02])
        np.testing.assert_array_equal(projection.get_xydata(), [[5e4, 0.004]])
    made.savefig(BytesIO())


def test_bars_are_two_standard_errors_and_stay_above_zero() -> None:
    exact = draw_cost(costs(), "reactions (1)", "error (1)", noisy=True).axes[0].containers[0]
    assert isinstance(exact, ErrorbarContainer)
    segments = exact.lines[2][0].get_segments()
    np.testing.assert_allclose([segment[:, 1] for segment in segments], [[0.004, 0.1], [0.012, 0.028]])


def test_the_thin_line_falls_as_one_over_the_root_from_the_most_expensive_exact_point() -> None:
    axes = draw_cost(costs(), "reactions (1)", "error (1)", noisy=True).axes[0]
    (thin,) = [line for line in axes.get_lines() if line.get_linestyle() == ":"]
    x, y = np.asarray(thin.get_xdata(), dtype=float), np.asarray(thin.get_ydata(), dtype=float)
    np.testing.assert_allclose(y * np.sqrt(x), 0.02 * np.sqrt(4e6))
    assert x[0] < 4e6 < x[1]


def test_without_noise_there_is_no_thin_line() -> None:
    axes = draw_cost(costs(), "reactions (1)", "error (1)").axes[0]
    assert not [line for line in axes.get_lines() if line.get_linestyle() == ":"]
