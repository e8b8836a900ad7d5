from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from analysis import draw_growth


def growth() -> pd.DataFrame:
    density = np.linspace(5.0, 120.0, 24)
    return pd.DataFrame({"density": density, "growth_rate": 1e-5 * (density - 20.0) * (110.0 - density)})


def test_the_line_is_the_table_and_zero_is_marked() -> None:
    (axes,) = draw_growth(growth().sample(frac=1, random_state=0), [20.0]).axes
    zero, rate, _ = axes.get_lines()
    np.testing.assert_array_equal(zero.get_ydata(), [0.0, 0.0])
    np.testing.assert_array_equal(rate.get_xdata(), growth()["density"])
    np.testing.assert_array_equal(rate.get_ydata(), growth()["growth_rate"])
    assert axes.get_xlabel() == "density (veh/km)"
    assert "(1/s)" in axes.get_ylabel()


@pytest.mark.parametrize("onset", [[], [20.0], [20.0, 110.0]])
def test_every_onset_is_a_named_point_on_the_zero_line(onset: list[float]) -> None:
    made = draw_growth(growth(), onset)
    (axes,) = made.axes
    points = axes.get_lines()[2]
    np.testing.assert_array_equal(points.get_xdata(), onset)
    np.testing.assert_array_equal(points.get_ydata(), np.zeros(len(onset)))
    assert [text.get_text() for text in axes.texts] == [f"neutral at {density:.2f} veh/km" for density in onset]
    made.savefig(BytesIO())
    for text in axes.texts:
        box = text.get_window_extent()
        assert made.bbox.x0 <= box.x0
        assert box.x1 <= made.bbox.x1
