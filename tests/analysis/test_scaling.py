"""Efficiency of many workers: what is drawn is what the table holds, and says why."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from analysis import draw_scaling


def curves() -> pd.DataFrame:
    rows = [
        {"panel": panel, "way": way, "workers": workers, "efficiency": efficiency, "reason": reason}
        for panel in ("bursts of 20 ms", "bursts of 1 s")
        for way in ("one by one", "in chunks")
        for workers, efficiency, reason in ((1000, 0.2, "parent"), (10, 0.99, "tail"), (100, 0.7, "parent"))
    ]
    return pd.DataFrame(rows)


@pytest.mark.slow
def test_every_ensemble_has_its_panel_with_a_line_for_each_way() -> None:
    made = draw_scaling(curves())
    assert [axes.get_title() for axes in made.axes] == ["bursts of 20 ms", "bursts of 1 s"]
    for axes in made.axes:
        lines = {line.get_label(): line for line in axes.get_lines()}
        for way in ("one by one", "in chunks"):
            np.testing.assert_array_equal(lines[way].get_xydata(), [[10, 0.99], [100, 0.7], [1000, 0.2]])
    made.savefig(BytesIO())


def test_a_marker_says_what_costs_most() -> None:
    axes = draw_scaling(curves()[:3]).axes[0]
    marked = {line.get_marker(): np.asarray(line.get_xdata()).tolist() for line in axes.get_lines()}
    assert marked["o"] == [100, 1000]
    assert marked["^"] == [10]
    assert not marked["s"]


def test_the_legend_names_the_ways_and_only_the_reasons_there_are() -> None:
    (legend,) = draw_scaling(curves()).legends
    said = [text.get_text() for text in legend.get_texts()]
    assert said == ["one by one", "in chunks", "most is lost to the parent", "to the tail"]


def test_an_unknown_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="reason"):
        draw_scaling(curves().assign(reason="weather"))
