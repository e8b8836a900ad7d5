from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from analysis import draw_prediction

_TIMES = {0.0: "start", 12.0: "fitted", 24.0: "fitted", 36.0: "predicted"}
_LINES = {"cells": "cells", "law": "a law"}


def table() -> pd.DataFrame:
    x = np.linspace(50.0, 950.0, 10)
    rows = [
        pd.DataFrame({"time": time, "position": x, "role": role, "measured": 100 + x + time, "spread": 10.0})
        for time, role in _TIMES.items()
    ]
    whole = pd.concat(rows, ignore_index=True)
    cells = whole["measured"] + 3
    return whole.assign(cells=cells, law=cells - 9, low=cells - 30, high=cells + 30)


def draw(profiles: pd.DataFrame) -> Figure:
    return draw_prediction(
        profiles, _LINES, band="interval", position_label="position (µm)", value_label="cells/mm²", time_unit="h"
    )


def test_every_time_has_a_panel_that_says_what_it_was_for() -> None:
    titles = [axes.get_title() for axes in draw(table()).axes if axes.get_visible()]
    assert titles == ["0 h, start", "12 h, fitted", "24 h, fitted", "36 h, held back"]


def test_lines_and_band_are_those_of_the_table_and_the_start_has_none() -> None:
    panels = draw(table()).axes
    last = table()[table()["time"] == 36.0]
    lines = {line.get_label(): line for line in panels[3].lines}
    for column, name in _LINES.items():
        np.testing.assert_array_equal(lines[name].get_ydata(), last[column])
    (band,) = (item for item in panels[3].collections if isinstance(item, PolyCollection))
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert heights.min() == last["low"].min()
    assert heights.max() == last["high"].max()
    assert not set(_LINES.values()) & {str(line.get_label()) for line in panels[0].lines}


def test_the_band_is_darker_where_measurements_were_held_back() -> None:
    panels = draw(table()).axes
    fitted, predicted = (
        float(item.get_alpha() or 0.0)
        for axes in panels[2:]
        for item in axes.collections
        if isinstance(item, PolyCollection)
    )
    assert predicted > fitted > 0


def test_a_single_time_can_be_drawn() -> None:
    made = draw(table()[table()["time"] == 36.0])
    made.savefig(BytesIO())
    assert [axes.get_title() for axes in made.axes if axes.has_data()] == ["36 h, held back"]


def test_a_table_without_a_model_is_refused() -> None:
    with pytest.raises(ValueError, match="Add law"):
        draw(table().drop(columns="law"))
