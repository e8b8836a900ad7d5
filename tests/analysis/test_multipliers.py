"""Multipliers in the complex plane: what is drawn is what the table holds."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Ellipse
from numpy.typing import NDArray
from scipy import stats

from analysis import draw_multipliers, style


def multipliers(**other: Any) -> pd.DataFrame:
    row = {"real": 0.5, "imag": 0.0, "var_real": 0.0, "var_imag": 0.0, "covariance": 0.0, "label": ""}
    return pd.DataFrame([row | other])


def ellipses(axes: Axes) -> list[Ellipse]:
    return [patch for patch in axes.patches if isinstance(patch, Ellipse) and not isinstance(patch, Circle)]


def outline(ellipse: Ellipse) -> NDArray[np.float64]:
    between_control_points = np.asarray(ellipse.get_path().vertices, np.float64)[::3]
    return np.asarray(ellipse.get_patch_transform().transform(between_control_points), np.float64)


def test_the_unit_circle_is_round_and_all_of_it_is_seen() -> None:
    made = draw_multipliers(multipliers())
    axes = made.axes[0]
    made.savefig(BytesIO())
    (circle,) = [patch for patch in axes.patches if isinstance(patch, Circle)]
    assert (circle.center, circle.radius) == ((0, 0), 1)
    assert axes.get_aspect() == 1
    assert all(low < -1 and high > 1 for low, high in (axes.get_xlim(), axes.get_ylim()))
    assert not made.legends


def test_an_ellipse_holds_95_percent() -> None:
    covariance = np.array([[0.04, 0.015], [0.015, 0.01]])
    table = multipliers(imag=0.3, var_real=0.04, var_imag=0.01, covariance=0.015)
    (ellipse,) = ellipses(draw_multipliers(table).axes[0])
    away = outline(ellipse) - [0.5, 0.3]
    distances = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
    np.testing.assert_allclose(distances, stats.chi2(2).ppf(0.95))


def test_the_bar_of_a_real_one_is_1_96_standard_errors() -> None:
    (bar,) = ellipses(draw_multipliers(multipliers(var_real=0.01)).axes[0])
    assert bar.get_height() == 0
    np.testing.assert_allclose(np.ptp(outline(bar), axis=0), [2 * 0.196, 0], atol=1e-12)


@pytest.mark.parametrize("variance", [0.0, float("nan")])
def test_without_variances_there_is_no_ellipse(variance: float) -> None:
    assert not ellipses(draw_multipliers(multipliers(var_real=variance, var_imag=variance)).axes[0])


def test_what_is_trivial_is_grey_and_says_why() -> None:
    table = pd.concat(
        [
            multipliers(),
            multipliers(label=float("nan"), real=1.5),
            multipliers(label="symmetry", real=1.0, var_real=0.01),
            multipliers(label="conservation", real=1.0),
        ]
    )
    made = draw_multipliers(table)
    assert [text.get_text() for text in made.legends[0].get_texts()] == ["multiplier", "symmetry", "conservation"]
    lines = {line.get_label(): line for line in made.axes[0].get_lines()}
    np.testing.assert_array_equal(lines["multiplier"].get_xydata(), [[0.5, 0], [1.5, 0]])
    assert lines["multiplier"].get_color() == style.MAIN
    for label in ("symmetry", "conservation"):
        np.testing.assert_array_equal(lines[label].get_xydata(), [[1, 0]])
        assert lines[label].get_markeredgecolor() == style.DEMPHASISED
    (ellipse,) = ellipses(made.axes[0])
    np.testing.assert_array_equal(ellipse.get_center(), [1, 0])
    assert made.axes[0].get_xlim()[1] > 1.5


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (multipliers().drop(columns="covariance"), r"`table` must have the columns .* Add covariance\."),
        (multipliers().iloc[:0], "at least one row"),
        (multipliers(real=np.inf), "a finite real in every row: got inf in row 0"),
        (multipliers(label="luck"), "symmetry or conservation in its column label: got 'luck'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw_multipliers(table)
