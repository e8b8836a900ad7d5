"""Pictures of tissue: what is drawn is what the tables say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from analysis.tissue import draw_closing, draw_filling, film_closing

X, DAYS = np.array([10.0, 30.0, 50.0, 70.0]), (0.0, 2.0, 4.0)
WOUND = pd.DataFrame(
    [
        {"day": day, "x": x, "density": 0.2 + 0.1 * day, "stderr": 0.01, "projected": 0.21, "projected_stderr": 0.001}
        for day in DAYS
        for x in X
    ]
)
FRONTS = pd.DataFrame({"way": ["projection"] * 3, "day": DAYS, "place": [10.0, 20.0, np.nan], "stderr": 0.1})


def test_the_gap_is_drawn_at_its_instants_and_its_edge_over_time() -> None:
    profile, place = draw_closing(WOUND, FRONTS).axes
    drawn = [np.asarray(line.get_ydata()) for line in profile.get_lines()]
    assert [values[0] for values in drawn if len(values) == len(X)] == pytest.approx([0.2, 0.4, 0.6])
    assert np.asarray(place.get_lines()[0].get_xdata()).tolist() == [0.0, 2.0]


def test_a_table_without_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="projected"):
        draw_closing(WOUND.drop(columns="projected"), FRONTS)
    with pytest.raises(ValueError, match="density"):
        film_closing(WOUND.drop(columns="density"))


def test_growth_is_drawn_for_each_ratio() -> None:
    row = {"density": 0.1, "stderr": 0.01, "pair_factor": 2.0, "logistic": 0.12}
    grown = pd.DataFrame([row | {"time": time, "ratio": ratio} for ratio in (1.0, 10.0) for time in (0.0, 1.0)])
    projected = pd.DataFrame({"coarse": "density", "time": [0.0, 1.0], "density": 0.1, "stderr": 0.0})
    density, pairs = draw_filling(grown, projected).axes
    assert len(pairs.get_lines()) == 3  # and one for independent sites
    assert {"logistic law", "projected by density"} <= set(density.get_legend_handles_labels()[1])


@pytest.mark.slow
def test_the_movie_is_a_gif_that_changes_from_frame_to_frame(tmp_path: Path) -> None:
    movie = film_closing(WOUND)
    movie.savefig(tmp_path / "wound.gif")
    with Image.open(tmp_path / "wound.gif") as image:
        assert getattr(image, "n_frames", 1) == movie.frames == 7
        first = np.asarray(image.convert("L"))
        image.seek(movie.frames - 1)
        assert (np.asarray(image.convert("L")) != first).any()
