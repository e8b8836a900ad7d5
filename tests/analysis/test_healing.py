"""A result over the healing: what is drawn is what the table holds."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from analysis import draw_healing


def healing() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "way": ["fixed reference"] * 2 + ["carried"] * 2,
            "healing": [4.0, 0.0, 0.0, 4.0],
            "value": [1.0, 1.4, 1.1, 1.0],
            "stderr": [0.01, 0.02, 0.03, 0.04],
        }
    )


def draw(table: pd.DataFrame) -> Figure:
    return draw_healing(table, healing_label="healing (s)", measure_label="value (1)")


def ways(axes: Axes) -> list[ErrorbarContainer]:
    return [container for container in axes.containers if isinstance(container, ErrorbarContainer)]


def test_every_way_is_a_line_over_the_healing_with_bars_of_95_percent() -> None:
    made = draw(healing())
    fixed, carried = ways(made.axes[0])
    assert [way.get_label() for way in (fixed, carried)] == ["fixed reference", "carried"]
    assert fixed.lines[0].get_color() != carried.lines[0].get_color()
    np.testing.assert_array_equal(fixed.lines[0].get_xydata(), [[0, 1.4], [4, 1]])
    np.testing.assert_array_equal(carried.lines[0].get_xydata(), [[0, 1.1], [4, 1]])
    bars = [segment[:, 1] for segment in fixed.lines[2][0].get_segments()]
    np.testing.assert_allclose(bars, [[1.3608, 1.4392], [0.9804, 1.0196]])
    made.savefig(BytesIO())


def test_bars_at_one_healing_stand_apart_on_paper_and_within_the_axes() -> None:
    made = draw(healing())
    made.savefig(BytesIO())
    axes = made.axes[0]
    places = [way.lines[0].get_transform().transform((4.0, 1.0)) for way in ways(axes)]
    np.testing.assert_allclose((places[1] - places[0]) * 72 / made.dpi, [2.5, 0])  # points
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    assert left < 0
    assert right > 4
    assert low < 1 - 1.96 * 0.04
    assert high > 1.4 + 1.96 * 0.02


def test_the_exact_value_is_a_dashed_line() -> None:
    made = draw(healing().assign(exact=[0.9, np.nan, 0.9, 0.9]))
    (line,) = [line for line in made.axes[0].get_lines() if line.get_label() == "exact"]
    assert (list(np.asarray(line.get_ydata())), line.get_linestyle()) == ([0.9, 0.9], "--")
    assert [text.get_text() for text in made.legends[0].get_texts()] == ["exact", "fixed reference", "carried"]
    assert made.axes[0].get_ylim()[0] < 0.9


def test_without_an_exact_value_there_is_no_line_for_it() -> None:
    for table in (healing(), healing().assign(exact=np.nan)):
        assert [text.get_text() for text in draw(table).legends[0].get_texts()] == ["fixed reference", "carried"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (healing().drop(columns="stderr"), r"`table` must have the columns .*: got way, healing, value\. Add stderr\."),
        (healing().iloc[:0], "at least one row"),
        (healing().assign(exact=[1.0, 1.0, 2.0, 2.0]), "one number in its column exact: got 1, 2"),
    ],
)
def test_what_cannot_be_drawn_is_refused(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw(table)
