import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import EllipseCollection

import analysis


def cells() -> pd.DataFrame:
    return pd.DataFrame(
        {"x": [0.0, 20.0, 40.0], "y": 0.0, "radius": [8.0, 9.0, 10.0], "group": ["necrotic", "inhibited", "growing"]}
    )


def nutrient() -> pd.DataFrame:
    x, y = np.meshgrid([-50.0, 0.0, 50.0], [-50.0, 0.0, 50.0], indexing="ij")
    return pd.DataFrame({"x": x.ravel(), "y": y.ravel(), "concentration": 0.5})


def growth() -> pd.DataFrame:
    one = {"day": [0.0, 1.0, 2.0], "radius": [150.0, 175.0, 200.0], "inhibited": [0.0, 0.3, 0.5], "necrotic": 0.0}
    law = {"day": [0.0, 2.0], "radius": [150.0, 201.0], "inhibited": np.nan, "necrotic": np.nan}
    return pd.concat([pd.DataFrame(one).assign(way="all cells"), pd.DataFrame(law).assign(way="law")])


def test_every_cell_is_a_disc_of_its_width() -> None:
    axes = analysis.draw_spheroid_section(cells(), nutrient()).axes[0]
    discs = [one for one in axes.collections if isinstance(one, EllipseCollection)]
    assert sum(np.asarray(one.get_offsets()).shape[0] for one in discs) == 3
    assert {text.get_text() for one in axes.figure.legends for text in one.get_texts()} == {
        "growing",
        "inhibited",
        "necrotic",
    }


def test_a_group_that_has_no_colour_is_refused() -> None:
    with pytest.raises(ValueError, match="sleeping"):
        analysis.draw_spheroid_section(cells().assign(group="sleeping"), nutrient())


def test_a_grid_with_gaps_is_refused() -> None:
    with pytest.raises(ValueError, match="got gaps"):
        analysis.draw_spheroid_section(cells(), nutrient().iloc[1:])


def test_a_way_without_regions_has_no_line_of_them() -> None:
    left, right = analysis.draw_spheroid_growth(growth()).axes
    assert [np.size(line.get_xdata()) for line in left.lines][:2] == [3, 2]
    assert len(right.lines) == 2


def test_measurements_stand_beside_the_lines() -> None:
    spread = {f"{name}_spread": [0.1] for name in ("radius", "inhibited", "necrotic")}
    measured = pd.DataFrame({"day": [1.0], "radius": [170.0], "inhibited": [0.2], "necrotic": [0.0], **spread})
    made = analysis.draw_spheroid_growth(growth(), measured)
    assert [len(axes.containers) for axes in made.axes] == [1, 2]
    with pytest.raises(ValueError, match="radius_spread"):
        analysis.draw_spheroid_growth(growth(), measured.drop(columns="radius_spread"))
