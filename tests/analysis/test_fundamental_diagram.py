from io import BytesIO
from math import inf

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.lines import Line2D

from analysis import draw_fundamental_diagram


def triangle(reaction_time: float = 1.5, length: float = 7.0, count: int = 25) -> pd.DataFrame:
    density = np.linspace(5.0, 130.0, count)
    flow = np.minimum(110.0 * density, (1 - density * length / 1000) * 3600 / reaction_time)
    return pd.DataFrame(
        {"density": density, "flow": flow, "flow_stderr": 0.0, "speed": flow / density, "speed_stderr": 0.0}
    )


def diagram(*shares: float) -> pd.DataFrame:
    return pd.concat([triangle(1.5 + share).assign(truck_share=share) for share in shares], ignore_index=True)


def detectors() -> pd.DataFrame:
    table = triangle(count=8)
    return table.assign(flow_stderr=40.0, speed_stderr=2.0, count=np.arange(len(table)) + 4)


def stop_and_go() -> pd.DataFrame:
    return triangle(2.0, count=10).assign(flow_stderr=30.0)


def lines(axes: Axes) -> dict[str, Line2D]:
    return {str(line.get_label()): line for line in axes.get_lines() if not str(line.get_label()).startswith("_")}


def assert_shows(line: Line2D, table: pd.DataFrame, quantity: str) -> None:
    np.testing.assert_array_equal(line.get_xdata(), table["density"])
    np.testing.assert_array_equal(line.get_ydata(), table[quantity])


def test_axes_carry_quantities_with_their_units() -> None:
    left, right = draw_fundamental_diagram(diagram(0.0)).axes
    assert (left.get_xlabel(), left.get_ylabel()) == ("density (veh/km)", "flow (veh/h)")
    assert (right.get_xlabel(), right.get_ylabel()) == ("density (veh/km)", "speed (km/h)")


def test_each_truck_share_has_a_line_of_its_own_colour_through_its_rows() -> None:
    table = diagram(0.0, 0.1, 0.3).sample(frac=1, random_state=0)
    for axes, quantity in zip(draw_fundamental_diagram(table).axes, ("flow", "speed"), strict=True):
        drawn = lines(axes)
        assert list(drawn) == ["equilibrium, no trucks", "10 % trucks", "30 % trucks"]
        assert len({line.get_color() for line in drawn.values()}) == 3
        for line, share in zip(drawn.values(), (0.0, 0.1, 0.3), strict=True):
            assert_shows(line, table[table["truck_share"] == share].sort_values("density"), quantity)


def test_stop_and_go_is_markers_without_a_line_in_another_colour() -> None:
    made = draw_fundamental_diagram(diagram(0.0), stop_and_go())
    for axes, quantity in zip(made.axes, ("flow", "speed"), strict=True):
        jams, equilibrium = lines(axes)["stop and go, long ring"], lines(axes)["equilibrium, no trucks"]
        assert_shows(jams, stop_and_go(), quantity)
        assert jams.get_linestyle() == "None"
        assert jams.get_marker() != equilibrium.get_marker()
        assert jams.get_markeredgecolor() != equilibrium.get_color()


def test_detectors_are_larger_the_more_records_they_hold() -> None:
    for axes, quantity in zip(
        draw_fundamental_diagram(diagram(0.0), detectors=detectors()).axes, ("flow", "speed"), strict=True
    ):
        (points,) = (item for item in axes.collections if isinstance(item, PathCollection))
        np.testing.assert_array_equal(points.get_offsets(), detectors()[["density", quantity]])
        assert np.all(np.diff(points.get_sizes()) > 0)


def test_error_bars_are_drawn_only_where_they_can_be_seen() -> None:
    table = stop_and_go().assign(flow_stderr=[0.0, 1e-3, 50.0, 60.0, *[0.0] * 6], speed_stderr=0.0)
    left, right = draw_fundamental_diagram(diagram(0.0), table).axes
    (bars,) = (item for item in left.collections if isinstance(item, LineCollection))
    heights = [segment[1, 1] - segment[0, 1] for segment in map(np.asarray, bars.get_segments())]
    assert heights == pytest.approx([100.0, 120.0])
    assert not right.collections


def test_the_fitted_diagram_is_dashed_and_the_road_a_point() -> None:
    road = diagram(0.0).iloc[[7]]
    for axes, quantity in zip(
        draw_fundamental_diagram(diagram(0.0), fitted=triangle(1.2), road=road).axes, ("flow", "speed"), strict=True
    ):
        fitted, point = lines(axes)["fitted to detectors"], lines(axes)["this road"]
        assert_shows(fitted, triangle(1.2), quantity)
        assert fitted.get_linestyle() == "--"
        assert_shows(point, road, quantity)


@pytest.mark.parametrize(
    ("unstable", "words"),
    [
        ((20.416, inf), "above 20.4"),
        ((20.416, 95.0), "from 20.4 to 95.0"),
        ((0.0, 90.0), "below 90.0"),
        ((0.0, inf), "everywhere"),
    ],
)
def test_unstable_densities_are_named_and_their_ends_are_lines_in_both_panels(
    unstable: tuple[float, float], words: str
) -> None:
    made = draw_fundamental_diagram(diagram(0.0), unstable=[unstable])
    ends = [end for end in unstable if 0 < end < inf]
    for axes in made.axes:
        drawn = [line.get_xdata() for line in axes.get_lines()]
        assert drawn[len(drawn) - len(ends) :] == [[end, end] for end in ends]
    (text,) = made.axes[0].texts
    assert words in text.get_text()


def test_nothing_is_drawn_for_tables_without_rows() -> None:
    made = draw_fundamental_diagram(diagram(0.0), stop_and_go().iloc[:0])
    assert [list(lines(axes)) for axes in made.axes] == [["equilibrium, no trucks"]] * 2


def test_a_road_where_nobody_moves_can_be_drawn() -> None:
    made = draw_fundamental_diagram(diagram(0.0).assign(flow=0.0, speed=0.0))
    picture = BytesIO()
    made.savefig(picture)
    assert picture.tell() > 0
    assert [axes.get_ylim() for axes in made.axes] == [(0.0, 1.0)] * 2


def test_the_fullest_picture_stays_within_its_edges_and_its_legend_outside_the_panels() -> None:
    made = draw_fundamental_diagram(
        diagram(0.0, 0.1, 0.2, 0.3),
        stop_and_go(),
        detectors(),
        triangle(1.2),
        [(20.4, inf)],
        diagram(0.0).iloc[[3]],
        "a road",
    )
    made.savefig(BytesIO())
    legend = made.legends[0].get_window_extent()
    assert made.bbox.x0 <= legend.x0
    assert legend.x1 <= made.bbox.x1
    panels = [axes.get_tightbbox() for axes in made.axes]
    assert all(box is not None and legend.y1 <= box.y0 for box in panels)
    assert made.dpi == 200
