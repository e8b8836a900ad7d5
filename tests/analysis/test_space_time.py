"""Roads in space and time: what is drawn is what the tables hold."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis import draw_paths, draw_roads, draw_space_time


def test_every_way_and_every_kind_of_drivers_has_its_panel_and_all_share_one_scale() -> None:
    places, times = np.array([100.0, 300.0, 500.0]), np.array([0.0, 60.0])
    grid = pd.MultiIndex.from_product([["brisk", "cautious"], times, places], names=["drivers", "time", "place"])
    roads = pd.DataFrame({"projected": np.arange(12.0), "directly": np.arange(12.0)[::-1]}, index=grid).reset_index()
    panels = draw_roads(roads, {"projected": "projected", "directly": "every car"}).axes[:4]
    assert [axes.get_title() for axes in panels] == [
        "projected: brisk",
        "every car: brisk",
        "projected: cautious",
        "every car: cautious",
    ]
    assert (panels[0].get_ylabel(), panels[2].get_xlabel()) == ("place (km)", "time (min)")
    np.testing.assert_allclose(panels[0].get_ylim(), (0.0, 0.6), atol=1e-15)  # half a cell beyond 100 m and 500 m
    np.testing.assert_allclose(panels[0].get_xlim(), (-0.5, 1.5))
    meshes = [axes.collections[0] for axes in panels]
    assert all(mesh.get_clim() == (0, 11) for mesh in meshes)
    first = np.asarray(meshes[0].get_array()).reshape(3, 2)  # place down, time across
    np.testing.assert_array_equal(first, np.arange(6.0).reshape(2, 3).T)


def test_paths_are_the_tables_points_coloured_by_speed() -> None:
    paths = pd.DataFrame({"time": [0.0, 1.0, 2.0], "place": [0.0, 10.0, 15.0], "speed": [36.0, 36.0, 18.0]})
    (points,) = draw_paths(paths).axes[0].collections
    np.testing.assert_array_equal(np.asarray(points.get_offsets()), paths[["time", "place"]].to_numpy())
    np.testing.assert_array_equal(np.asarray(points.get_array()), paths["speed"].to_numpy())


def field(value: Sequence[float], name: str = "u") -> pd.DataFrame:
    """Two places at two times."""
    return pd.DataFrame({"time": [0.0, 0.0, 1.0, 1.0], "place": [2.0, 3.0] * 2, "field": name, "value": value})


def draw(table: pd.DataFrame) -> Figure:
    return draw_space_time(table, value_label="(1)", space_label="x (m)", time_label="t (s)")


@pytest.mark.parametrize(
    ("value", "limits", "lowest_is"),
    [
        ([-1.0, 0.5, 3.0, 1.0], (-3.0, 3.0), "blue"),
        ([-4.0, 0.5, 3.0, 1.0], (-4.0, 4.0), "blue"),
        ([1.0, 2.0, 3.0, 4.0], (1.0, 4.0), "light"),
        ([0.0, 2.0, 3.0, 4.0], (0.0, 4.0), "light"),
        ([-4.0, -3.0, -2.0, 0.0], (-4.0, 0.0), "light"),
    ],
)
def test_a_field_of_both_signs_diverges_from_zero_and_another_does_not(
    value: list[float], limits: tuple[float, float], lowest_is: str
) -> None:
    mesh = draw(field(value)).axes[0].collections[0]
    assert mesh.get_clim() == limits
    red, green, blue, _ = mesh.get_cmap()(0.0)
    assert lowest_is == ("light" if min(red, green, blue) > 0.7 else "blue" if blue > 2 * red else "neither")
    if lowest_is == "blue":
        assert min(mesh.get_cmap()(0.5)) > 0.9


def test_fields_have_panels_and_bars_with_time_across_and_place_up() -> None:
    rows = pd.concat([field([-1.0, 0.5, 3.0, 1.0]), field([1.0, 2.0, 3.0, 4.0], "v")])
    made = draw(rows.sample(frac=1, random_state=0).sort_values("field", kind="stable"))
    assert [axes.get_ylabel() for axes in made.axes] == ["x (m)", "x (m)", "u (1)", "v (1)"]
    assert [axes.get_xlabel() for axes in made.axes[:2]] == ["", "t (s)"]
    first, second = (axes.collections[0] for axes in made.axes[:2])
    np.testing.assert_array_equal(first.get_array(), [[-1.0, 3.0], [0.5, 1.0]])
    np.testing.assert_array_equal(second.get_array(), [[1.0, 3.0], [2.0, 4.0]])
    assert (made.axes[0].get_xlim(), made.axes[0].get_ylim()) == ((-0.5, 1.5), (1.5, 3.5))
    made.savefig(BytesIO())


def test_a_field_that_is_the_same_everywhere_can_be_drawn() -> None:
    made = draw(field([1.0] * 4))
    made.savefig(BytesIO())
    assert (np.asarray(made.axes[0].collections[0].get_array()) == 1.0).all()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (field([1.0] * 4).iloc[:3], "must have the same places: got 1 of 2 of 'u' at time 1"),
        (pd.concat([field([1.0] * 4), field([2.0] * 4)]), "one value .*: got several of 'u' at time 0 and place 2"),
        (field([1.0, np.nan, 1.0, 1.0]), "`table` must have a finite value"),
        (field([1.0] * 4).drop(columns="place"), "`table` .* Add place"),
        (field([1.0] * 4).iloc[:0], "`table` must have at least one row"),
    ],
)
def test_what_is_no_map_is_refused(table: pd.DataFrame, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw(table)


@pytest.mark.parametrize(
    ("rows", "said"),
    [([0, 1, 2], "must have the same places"), ([0, 1, 2, 3, 3], "one value at a time and place: got several")],
)
def test_roads_with_gaps_or_with_anything_twice_are_refused(rows: list[int], said: str) -> None:
    road = field([10.0] * 4).rename(columns={"value": "density", "field": "drivers"})
    with pytest.raises(ValueError, match=said):
        draw_roads(road.iloc[rows], {"density": "law"})


def test_a_density_that_was_not_computed_leaves_a_hole() -> None:
    road = field([10.0, np.nan, 20.0, 30.0]).rename(columns={"value": "density", "field": "drivers"})
    mesh = draw_roads(road, {"density": "law"}).axes[0].collections[0]
    np.testing.assert_array_equal(np.ma.getmaskarray(np.ma.asarray(mesh.get_array())), [[False, False], [True, False]])
