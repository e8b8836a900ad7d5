from io import BytesIO

import numpy as np
import pandas as pd
from matplotlib.collections import PolyCollection

from analysis import draw_shuffles


def roads() -> pd.DataFrame:
    """Two kinds of drivers at two times."""
    place = np.linspace(250.0, 9750.0, 20)
    parts = [
        pd.DataFrame({"time": time, "place": place, "density": 20.0 + time / 60, "density_deviation": 3.0}).assign(
            drivers=kind, density_directly=18.0 + np.sin(place), density_stderr=0.9
        )
        for kind in ("safe distance", "IDM")
        for time in (0.0, 60.0)
    ]
    return pd.concat(parts, ignore_index=True)


def test_the_last_time_is_drawn_whatever_the_order_of_the_rows() -> None:
    made = draw_shuffles(roads().sample(frac=1, random_state=0).sort_values("drivers", kind="stable"))
    assert {axes.get_title() for axes in made.axes} == {"safe distance", "IDM"}
    place = np.linspace(250.0, 9750.0, 20)
    for axes in made.axes:
        mean, law = axes.get_lines()
        np.testing.assert_array_equal(mean.get_xdata(), place / 1000)
        np.testing.assert_array_equal(mean.get_ydata(), 18.0 + np.sin(place))
        np.testing.assert_array_equal(law.get_ydata(), np.full(20, 21.0))


def test_the_band_is_one_deviation_on_either_side_and_units_are_told() -> None:
    made = draw_shuffles(roads().assign(density_directly=18.0))
    first, second = made.axes
    (band,) = (item for item in first.collections if isinstance(item, PolyCollection))
    heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
    assert (heights.min(), heights.max()) == (15.0, 21.0)
    assert (first.get_xlabel(), first.get_ylabel()) == ("place (km)", "density (veh/km)")
    assert second.get_ylabel() == ""
    assert len(made.legends) == 1
    made.savefig(BytesIO())


def test_one_kind_of_drivers_is_one_panel() -> None:
    assert len(draw_shuffles(roads().query("drivers == 'IDM'")).axes) == 1
