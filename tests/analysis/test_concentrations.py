"""Concentrations by several ways: what is drawn is what the tables hold."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D

from analysis import draw_concentrations, draw_front


def table(species: list[str]) -> pd.DataFrame:
    rows = [
        {"way": way, "species": name, "time": time, "concentration": time + place, "stderr": stderr}
        for place, name in enumerate(species)
        for way, stderr in (("projection", 0.1), ("exact simulation", 0.2), ("rate equations", 0.0))
        for time in (2.0, 0.0, 1.0)
    ]
    return pd.DataFrame(rows).assign(unit="nM", unit_of_time="s")


def lines(axes: Axes) -> dict[str, list[list[float]]]:
    found = {}
    for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
        line = handle.lines[0] if isinstance(handle, ErrorbarContainer) else handle
        assert isinstance(line, Line2D)
        found[label] = np.asarray(line.get_xydata()).T.tolist()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3])
def test_every_species_has_its_panel_and_every_way_its_line(count: int) -> None:
    names = ["X", "Y", "Z"][:count]
    made = draw_concentrations(table(names))
    assert [axes.get_ylabel() for axes in made.axes] == [f"{name} (nM)" for name in names]
    assert {axes.get_xlabel() for axes in made.axes} == {"time (s)"}
    for place, axes in enumerate(made.axes):
        expected = [[0.0, 1.0, 2.0], [place + 0.0, place + 1.0, place + 2.0]]
        assert lines(axes) == dict.fromkeys(("exact simulation", "rate equations", "projection"), expected)
    made.savefig(BytesIO())


def test_bands_and_bars_are_two_standard_errors_and_certain_lines_have_none() -> None:
    (axes,) = draw_concentrations(table(["X"])).axes
    band, bars = axes.collections
    assert np.unique(np.asarray(band.get_paths()[0].vertices)[:, 1]).tolist() == pytest.approx(
        [-0.4, 0.4, 0.6, 1.4, 1.6, 2.4]
    )
    (container,) = axes.containers
    assert isinstance(container, ErrorbarContainer)
    segments = container.lines[2][0].get_segments()
    assert [end[1] - begin[1] for begin, end in segments] == pytest.approx([0.4] * 3)
    assert bars in container.lines[2]


def test_a_front_is_drawn_along_its_line_and_over_time() -> None:
    profiles = pd.DataFrame({"way": "projection", "x": [0.0, 1.0], "concentration": [1.0, 0.0], "stderr": 0.1})
    places = pd.DataFrame({"way": "projection", "time": [0.0, 5.0], "place": [1.0, 3.0], "stderr": 0.1})
    profile, place = draw_front(profiles, places).axes
    assert lines(profile) == {"projection": [[0.0, 1.0], [1.0, 0.0]]}
    assert lines(place) == {"projection": [[0.0, 5.0], [1.0, 3.0]]}
