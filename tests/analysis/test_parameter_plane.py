"""The plane of two parameters: curves, bars, regions between curves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import analysis


def drawn(curves: pd.DataFrame, regions: dict[str, tuple[str, str]] | None = None) -> Any:
    """The panel."""
    return analysis.draw_parameter_plane(curves, regions=regions, x_label="p (1)", y_label="q (1)").axes[0]


def curve(name: str, slope: float, stderr: float = 0.0) -> pd.DataFrame:
    y = np.linspace(0.0, 1.0, 11)
    table = pd.DataFrame({"curve": name, "kind": name, "x": slope * y, "y": y})
    return table.assign(x_stderr=stderr, y_stderr=0.0)


def test_a_region_lies_between_its_curves() -> None:
    curves = pd.concat((curve("fold", 1.0), curve("Hopf", 2.0)))
    axes = drawn(curves, {"bistable": ("fold", "Hopf")})
    (path,) = axes.collections[0].get_paths()
    assert path.contains_point((0.75, 0.5))
    assert not path.contains_point((0.45, 0.5))
    assert not path.contains_point((1.05, 0.5))


def test_bars_hold_95_per_cent_and_kinds_have_their_dashes() -> None:
    axes = drawn(pd.concat((curve("fold", 1.0, 0.1), curve("Hopf", 2.0))))
    widths = [np.ptp(segment[:, 0]) for segment in axes.collections[0].get_segments()]
    assert widths == pytest.approx([2 * 1.96 * 0.1] * 11)
    fold, hopf = (line for line in axes.get_lines() if len(line.get_xdata()) == 11)
    assert (fold.get_linestyle(), hopf.get_linestyle()) == ("-", "--")


def test_a_region_of_no_curve_is_refused() -> None:
    with pytest.raises(ValueError, match="must lie between curves fold: got 'Hopf'"):
        drawn(curve("fold", 1.0), {"bistable": ("fold", "Hopf")})
