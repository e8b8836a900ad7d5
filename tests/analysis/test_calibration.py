from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from numpy.random import default_rng

from analysis import draw_calibration

_NAMES = ["reaction time (s)", "effective length (m)", "free speed (km/h)"]


def samples() -> pd.DataFrame:
    covariance = [[0.01, -0.09, 0.0], [-0.09, 1.0, 0.0], [0.0, 0.0, 0.2]]
    return pd.DataFrame(default_rng(0).multivariate_normal([1.3, 7.0, 100.0], covariance, 200), columns=_NAMES)


def draw() -> Figure:
    return draw_calibration(samples(), {_NAMES[0]: True, _NAMES[1]: False, _NAMES[2]: True})


def test_names_with_units_stand_at_the_outer_edges() -> None:
    panels = np.array(draw().axes).reshape(3, 3)
    assert [axes.get_xlabel() for axes in panels[-1]] == _NAMES
    assert [axes.get_ylabel().replace("\n", " ") for axes in panels[1:, 0]] == _NAMES[1:]
    assert not any(axes.get_xlabel() for axes in panels[:-1].flat)


@pytest.mark.slow
def test_histograms_hold_every_draw_and_clouds_are_the_samples() -> None:
    panels = np.array(draw().axes).reshape(3, 3)
    for i in range(3):
        assert sum(bar.get_height() for bar in panels[i, i].patches) == 200
        for j in range(i):
            (cloud,) = (item for item in panels[i, j].collections if isinstance(item, PathCollection))
            np.testing.assert_array_equal(cloud.get_offsets(), samples()[[_NAMES[j], _NAMES[i]]])


def test_correlation_is_written_above_the_diagonal() -> None:
    panels = np.array(draw().axes).reshape(3, 3)
    expected = samples().corr().to_numpy()
    for i, j in ((0, 1), (0, 2), (1, 2)):
        (text,) = panels[i, j].texts
        told = float(text.get_text().split()[-1].replace("−", "-"))
        assert told == pytest.approx(expected[i, j], abs=0.0051)


def test_only_a_parameter_that_is_not_identified_says_so() -> None:
    panels = np.array(draw().axes).reshape(3, 3)
    assert [panels[i, i].get_title() for i in range(3)] == ["", "not identified", ""]


def test_samples_that_are_all_alike_can_be_drawn() -> None:
    table = pd.DataFrame({_NAMES[0]: [1.2] * 20, _NAMES[1]: np.linspace(5.0, 9.0, 20)})
    made = draw_calibration(table, {_NAMES[0]: True, _NAMES[1]: True})
    made.savefig(BytesIO())
    assert made.axes[1].texts[0].get_text() == "correlation\nnone"


def test_one_parameter_alone_is_a_histogram() -> None:
    made = draw_calibration(samples()[_NAMES[:1]], {_NAMES[0]: True})
    made.savefig(BytesIO())
    assert [axes.get_xlabel() for axes in made.axes] == _NAMES[:1]
