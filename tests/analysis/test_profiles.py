"""Profiles by several ways: what is drawn is what the table holds."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D

from analysis import draw_profiles


def _table() -> pd.DataFrame:
    rows = [
        {"way": way, "quantity": quantity, "x": x, "value": scale * (3.0 - x), "stderr": 0.1}
        for quantity, scale in (("density (1)", 0.2), ("signal (nM)", 2.0))
        for way in ("steady state", "long run", "mean field")
        for x in (2.0, 0.0, 1.0)
    ]
    return pd.DataFrame(rows)


def test_every_quantity_has_its_panel_and_every_way_its_line() -> None:
    made = draw_profiles(_table(), place_label="x (µm)")
    assert [axes.get_ylabel() for axes in made.axes] == ["density (1)", "signal (nM)"]
    for axes, scale in zip(made.axes, (0.2, 2.0), strict=True):
        handles, labels = axes.get_legend_handles_labels()
        assert sorted(labels) == ["long run", "mean field", "steady state"]
        for handle in handles:
            line = handle.lines[0] if isinstance(handle, ErrorbarContainer) else handle
            assert isinstance(line, Line2D)
            x = np.array([0.0, 1.0, 2.0])
            np.testing.assert_allclose(np.asarray(line.get_xydata()).T, [x, scale * (3.0 - x)])


def test_a_band_holds_95_percent() -> None:
    (band,) = draw_profiles(_table(), place_label="x (µm)").axes[0].collections[:1]
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert heights.max() == pytest.approx(0.6 + 1.96 * 0.1)


@pytest.mark.parametrize("column", ["way", "quantity", "x", "value", "stderr"])
def test_a_table_that_lacks_a_column_is_refused(column: str) -> None:
    with pytest.raises(ValueError, match=f"Add {column}"):
        draw_profiles(_table().drop(columns=column), place_label="x (µm)")
