"""Phase portraits: cycles are closed, transients are not, and all else is where the tables say."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import draw_phase_portrait, style


def circle(kind: str = "cycle", radius: float = 1.0, **other: Any) -> pd.DataFrame:
    """Against the clock, x twice as wide as y."""
    angle = np.linspace(0.0, 2 * np.pi, 40, endpoint=False)
    table = pd.DataFrame({"name": kind, "kind": kind, "x": 2 * radius * np.cos(angle), "y": radius * np.sin(angle)})
    return table.assign(**other)


def draw(paths: pd.DataFrame, points: pd.DataFrame | None = None, value_label: str | None = None) -> Figure:
    return draw_phase_portrait(paths, points, x_label="x (1)", y_label="y (1)", value_label=value_label)


def ring(table: pd.DataFrame) -> Any:
    """The outline of the only band."""
    (patch,) = draw(table).axes[0].patches
    return patch.get_path()


def arrows(axes: Axes) -> list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Tail and head of each, in their order."""
    found: list[Any] = list(axes.texts)
    return [(np.asarray(one.xyann), np.asarray(one.xy)) for one in found]


def labelled(made: Figure, label: str) -> Line2D:
    (line,) = [line for line in made.axes[0].get_lines() if line.get_label() == label]
    return line


def legend(made: Figure) -> list[str]:
    return [text.get_text() for one in made.legends for text in one.get_texts()]


def test_a_cycle_is_closed_and_a_transient_is_not() -> None:
    made = draw(pd.concat([circle("cycle"), circle("transient", 0.5)]))
    cycle, transient = labelled(made, "cycle"), labelled(made, "transient")
    rows = circle()[["x", "y"]].to_numpy()
    np.testing.assert_array_equal(cycle.get_xydata(), [*rows, rows[0]])
    np.testing.assert_array_equal(transient.get_xydata(), 0.5 * rows)
    assert (cycle.get_color(), transient.get_color()) == (style.MAIN, style.DEMPHASISED)
    assert cycle.get_linewidth() > transient.get_linewidth()
    assert (cycle.get_linestyle(), legend(made)) == ("-", ["cycle", "transient"])


def test_a_cycle_that_repeats_its_first_row_is_closed_once() -> None:
    once, twice = (circle(x_stderr=0.1, y_stderr=0.1) for _ in range(2))
    twice = pd.concat([twice, twice.iloc[:1]])
    np.testing.assert_array_equal(
        labelled(draw(once), "cycle").get_xydata(), labelled(draw(twice), "cycle").get_xydata()
    )
    np.testing.assert_array_equal(ring(once).vertices, ring(twice).vertices)


def test_transients_have_dashes_and_cycles_shades_of_their_own() -> None:
    made = draw(pd.concat([circle(kind, name=f"{kind} {i}") for kind in ("cycle", "transient") for i in range(3)]))
    assert [labelled(made, f"cycle {i}").get_color() for i in range(3)] == style.shades(3)
    assert len({str(labelled(made, f"transient {i}")._dash_pattern) for i in range(3)}) == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize("kind", ["cycle", "transient"])
def test_arrows_point_along_time_on_the_path(forward: bool, kind: str) -> None:
    found = arrows(draw(circle(kind) if forward else circle(kind).iloc[::-1]).axes[0])
    assert found
    for tail, head in found:
        turn = tail[0] * head[1] - tail[1] * head[0]
        assert (turn > 0) == forward
        assert np.hypot(head[0] / 2, head[1]) == pytest.approx(1.0, abs=0.01)


def test_a_path_of_one_place_has_no_direction() -> None:
    assert not arrows(draw(circle("transient").iloc[[0, 0]]).axes[0])


def signed_area(outline: np.ndarray[Any, Any]) -> float:
    (x, y), (x1, y1) = outline[:-1].T, outline[1:].T
    return float(0.5 * (x * y1 - x1 * y).sum())


def test_a_band_reaches_1_96_standard_errors_to_either_side_all_around_with_a_hole() -> None:
    one, other = np.split(ring(circle(x_stderr=0.04, y_stderr=0.02)).vertices, 2)
    for side, radius in ((one, 1 - 0.0392), (other, 1 + 0.0392)):
        np.testing.assert_array_equal(side[0], side[-1])
        # the axes scaled, it is a circle with the same error along both
        np.testing.assert_allclose(np.hypot(side[:, 0] / 2, side[:, 1]), radius)
    assert signed_area(one) * signed_area(other) < 0  # else the hole would be filled


def test_a_band_takes_the_error_along_the_normal() -> None:
    for side in np.split(ring(circle(x_stderr=0.1)).vertices, 2):
        assert abs(side[:, 0].max() - 2) == pytest.approx(0.196)
        assert np.abs(side - [0.0, 1.0]).sum(axis=1).min() < 1e-12


@pytest.mark.parametrize(
    "table",
    [
        circle(x_stderr=0.0, y_stderr=0.0),
        circle(x_stderr=np.nan, y_stderr=np.inf),
        circle("transient", x_stderr=0.1, y_stderr=0.1),
    ],
)
def test_without_errors_or_a_cycle_there_is_no_band(table: pd.DataFrame) -> None:
    assert not draw(table).axes[0].patches


def test_a_family_is_coloured_by_its_value_and_a_bar_says_so() -> None:
    family = [circle(radius=value, name=f"{value}", value=value) for value in (3.0, 1.0, 2.0)]
    made = draw(pd.concat([*family, circle("transient", 0.2)]), value_label="rate (1/s)")
    axes, bar = made.axes
    assert (bar.get_ylabel(), bar.get_ylim()) == ("rate (1/s)", (1.0, 3.0))
    light, dark, middle, grey = (line.get_color() for line in axes.get_lines())
    assert [dark, light, grey] == [*style.shades(2), style.DEMPHASISED]
    assert middle == style.shades(255)[127]
    assert legend(made) == ["transient"]
    made.savefig(BytesIO())


def test_a_family_of_one_value_can_be_drawn() -> None:
    made = draw(circle(value=1.0), value_label="rate (1/s)")
    made.savefig(BytesIO())
    assert not made.legends


def test_steady_states_are_filled_where_stable_open_where_not_and_grey_where_undecided() -> None:
    fills = {"stable": style.INK, "unstable": "white", "undecided": style.DEMPHASISED}
    points = pd.DataFrame({"name": "rest", "x": [0.0, 0.5, 1.0], "y": [0.0, 0.1, 0.2], "stability": list(fills)})
    made = draw(circle(), points)
    for x, y, (stability, fill) in zip((0.0, 0.5, 1.0), (0.0, 0.1, 0.2), fills.items(), strict=True):
        point = labelled(made, f"rest, {stability}")
        np.testing.assert_array_equal(point.get_xydata(), [[x, y]])
        assert point.get_markerfacecolor() == fill


POINT = pd.DataFrame({"name": ["rest"], "x": 0.0, "y": 0.0, "stability": "stable"})


@pytest.mark.parametrize(
    ("paths", "points", "value_label", "said"),
    [
        (circle("loop"), None, None, "must say cycle or transient .*: got 'loop'"),
        (circle().drop(columns="y"), None, None, "`paths` .* Add y"),
        (circle(x=np.nan), None, None, "`paths` must have a finite x"),
        (circle(), None, "rate (1/s)", "`paths` .* Add value"),
        (circle(value=np.nan), None, "rate (1/s)", "`paths that are cycles` must have a finite value"),
        (circle(value=np.arange(40.0)), None, "rate (1/s)", "one value for each path: got 0.0, 1.0.* of 'cycle'"),
        (pd.concat([circle(), circle("transient", name="cycle")]), None, None, "one kind .*: got cycle, transient"),
        (circle(), POINT.assign(stability="saddle"), None, "stable or unstable or undecided .*: got 'saddle'"),
        (circle(), POINT.drop(columns="stability"), None, "`points` .* Add stability"),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    paths: pd.DataFrame, points: pd.DataFrame | None, value_label: str | None, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        draw(paths, points, value_label)
