"""Phase portraits: cycles are closed, transients are not, bands and points are where they should be."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import analysis


def circle(kind: str, stderr: float = 0.0) -> pd.DataFrame:
    angle = np.linspace(0.0, 1.9 * np.pi, 40)
    table = pd.DataFrame({"name": kind, "kind": kind, "x": np.cos(angle), "y": 2 * np.sin(angle)})
    return table.assign(x_stderr=stderr, y_stderr=stderr)


def test_a_cycle_is_closed_and_a_transient_is_not() -> None:
    paths = pd.concat((circle("cycle"), circle("transient")))
    cycle, transient = analysis.draw_phase_portrait(paths, x_label="x (1)", y_label="y (1)").axes[0].get_lines()
    assert np.array_equal(*np.asarray(cycle.get_xydata())[[0, -1]])
    assert not np.array_equal(*np.asarray(transient.get_xydata())[[0, -1]])
    assert cycle.get_linewidth() > transient.get_linewidth()


def test_a_band_reaches_1_96_standard_errors_across_the_cycle() -> None:
    axes = analysis.draw_phase_portrait(circle("cycle", 0.05), x_label="x (1)", y_label="y (1)").axes[0]
    (band,) = axes.patches[:1]
    corners = np.asarray(band.get_path().vertices)
    assert corners[:, 0].max() == pytest.approx(1 + 1.96 * 0.05, abs=2e-3)


def test_steady_states_are_filled_where_stable() -> None:
    points = pd.DataFrame({"name": "rest", "x": [0.0, 0.5], "y": 0.0, "stability": ["stable", "unstable"]})
    axes = analysis.draw_phase_portrait(circle("cycle"), points, x_label="x (1)", y_label="y (1)").axes[0]
    stable, unstable = axes.get_lines()[1:]
    assert [np.asarray(line.get_xdata()).tolist() for line in (stable, unstable)] == [[0.0], [0.5]]
    assert unstable.get_markerfacecolor() == "white" != stable.get_markerfacecolor()


def test_a_kind_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="must say cycle or transient"):
        analysis.draw_phase_portrait(circle("loop"), x_label="x (1)", y_label="y (1)")
