"""Roads in space and time: what is drawn is what the tables hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
    meshes = [axes.collections[0] for axes in panels]
    assert all(mesh.get_clim() == (0, 11) for mesh in meshes)
    first = np.asarray(meshes[0].get_array()).reshape(3, 2)  # place down, time across
    np.testing.assert_array_equal(first, np.arange(6.0).reshape(2, 3).T)


def test_paths_are_the_tables_points_coloured_by_speed() -> None:
    paths = pd.DataFrame({"time": [0.0, 1.0, 2.0], "place": [0.0, 10.0, 15.0], "speed": [36.0, 36.0, 18.0]})
    (points,) = draw_paths(paths).axes[0].collections
    np.testing.assert_array_equal(np.asarray(points.get_offsets()), paths[["time", "place"]].to_numpy())
    np.testing.assert_array_equal(np.asarray(points.get_array()), paths["speed"].to_numpy())


def test_a_field_of_both_signs_diverges_from_zero_and_another_does_not() -> None:
    table = pd.DataFrame({"time": [0.0, 0.0, 1.0, 1.0], "place": [0.0, 1.0] * 2})
    both = pd.concat(
        (table.assign(field="u", value=[-1.0, 0.5, 3.0, 1.0]), table.assign(field="v", value=[1.0, 2.0, 3.0, 4.0]))
    )
    made = draw_space_time(both, value_label="(1)", space_label="x (1)", time_label="t (1)")
    limits = [axes.collections[0].get_clim() for axes in made.axes[:2]]
    assert limits == [(-3.0, 3.0), (1.0, 4.0)]
    assert np.asarray(made.axes[0].collections[0].get_array()).tolist() == [[-1.0, 3.0], [0.5, 1.0]]


def test_a_time_without_all_places_is_refused() -> None:
    table = pd.DataFrame({"time": [0.0, 0.0, 1.0], "place": [0.0, 1.0, 0.0], "field": "u", "value": 1.0})
    with pytest.raises(ValueError, match="must have the same places"):
        draw_space_time(table, value_label="(1)", space_label="x (1)", time_label="t (1)")
