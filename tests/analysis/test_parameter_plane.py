"""The plane of two parameters: curves, bars, special points, and regions between curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from analysis import draw_parameter_plane, style


def draw(curves: pd.DataFrame, regions: Mapping[str, tuple[str, str]] | None = None, **others: pd.DataFrame) -> Figure:
    return draw_parameter_plane(curves, regions=regions, x_label="p (1)", y_label="q (1)", **others)


def curve(name: str, x: ArrayLike, y: ArrayLike, **other: Any) -> pd.DataFrame:
    row = {"curve": name, "kind": name, "x": x, "y": y, "x_stderr": 0.0, "y_stderr": 0.0}
    return pd.DataFrame(row | other)


def line(name: str, slope: float, **other: Any) -> pd.DataFrame:
    y = np.linspace(0.0, 1.0, 11)
    return curve(name, slope * y, y, **other)


def labelled(made: Figure, label: str) -> Line2D:
    (one,) = [one for one in made.axes[0].get_lines() if one.get_label() == label]
    return one


def filled(curves: pd.DataFrame, places: list[tuple[float, float]]) -> list[bool]:
    """Whether each place is in the region between the curves."""
    one, other = dict.fromkeys(curves["curve"])
    (patch,) = draw(curves, {"bistable": (one, other)}).axes[0].patches
    return [bool(inside) for inside in patch.get_path().contains_points(places)]


def legend(made: Figure) -> list[str]:
    return [text.get_text() for one in made.legends for text in one.get_texts()]


def test_curves_are_the_tables_and_each_kind_has_its_dashes() -> None:
    kinds = {"fold": "-", "Hopf": "--", "period doubling": "-.", "torus": ":", "cusp": "-"}
    made = draw(pd.concat([line(kind, slope) for slope, kind in enumerate(kinds)]))
    for slope, (kind, dashes) in enumerate(kinds.items()):
        drawn = labelled(made, kind)
        np.testing.assert_array_equal(drawn.get_xydata(), line(kind, slope)[["x", "y"]])
        assert (drawn.get_linestyle(), drawn.get_color()) == (dashes, style.shades(5)[slope])


def test_a_name_that_does_not_tell_the_kind_has_it_added() -> None:
    curves = [line(name, 1.0, kind="fold") for name in ("upper fold", "another")]
    assert legend(draw(pd.concat(curves))) == ["upper fold", "another (fold)"]


def test_bars_hold_95_per_cent_both_ways_and_exact_curves_have_none() -> None:
    exact, measured = line("Hopf", 2.0), line("fold", 1.0, x_stderr=0.1, y_stderr=np.linspace(0.0, 0.2, 11))
    (container,) = draw(pd.concat([exact, measured])).axes[0].containers
    assert isinstance(container, ErrorbarContainer)
    across, up = (np.asarray(bars.get_segments()) for bars in container.lines[2])
    np.testing.assert_allclose(np.ptp(across[:, :, 0], axis=1), 2 * 1.96 * 0.1)
    np.testing.assert_allclose(np.ptp(up[:, :, 1], axis=1), 2 * 1.96 * np.linspace(0.0, 0.2, 11))
    np.testing.assert_allclose(across.mean(axis=1), measured[["x", "y"]])


def test_a_curve_of_one_point_is_a_dot() -> None:
    assert labelled(draw(line("fold", 1.0).iloc[:1]), "fold").get_marker() == "o"
    assert labelled(draw(line("fold", 1.0)), "fold").get_marker() == "None"


@pytest.mark.parametrize("back", [False, True])
def test_a_region_lies_between_its_curves_over_the_range_of_both(back: bool) -> None:
    one, other = line("fold", 1.0), line("Hopf", 2.0).query("y > 0.35")
    curves = pd.concat([one, other.iloc[::-1] if back else other])
    places = [(0.75, 0.5), (0.42, 0.41), (1.9, 0.97), (0.45, 0.5), (1.05, 0.5), (0.45, 0.35), (0.5, 0.38)]
    assert filled(curves, places) == [True, True, True, False, False, False, False]


def test_a_region_follows_a_curve_that_turns_back() -> None:
    # up to 0.6, down to 0.4 and up again, ever further right
    bent = curve("Hopf", [1.0, 1.0, 2.0, 2.0], [0.0, 0.6, 0.4, 1.0])
    places = [(0.5, 0.5), (1.1, 0.55), (1.9, 0.45), (1.1, 0.7), (1.9, 0.7), (2.1, 0.5), (1.5, 0.45)]
    assert filled(pd.concat([line("fold", 0.0), bent]), places) == [True, False, True, True, True, False, False]


def test_curves_with_no_range_in_common_have_no_region_between() -> None:
    low, high = line("fold", 1.0), line("Hopf", 1.0).assign(y=np.linspace(2.0, 3.0, 11))
    made = draw(pd.concat([low, high]), {"bistable": ("fold", "Hopf")})
    assert (list(made.axes[0].patches), legend(made)) == ([], ["fold", "Hopf"])


def test_special_points_and_references_are_where_they_are_told_to_be() -> None:
    points = pd.DataFrame({"name": ["cusp", "meeting"], "x": [0.0, 0.5], "y": [0.1, 0.6]})
    reference = pd.DataFrame({"name": "closed form", "x": [0.2, 0.3], "y": [0.2, 0.4]})
    made = draw(line("fold", 1.0), points=points, reference=reference)
    cusp, meeting, crosses = (labelled(made, name) for name in ("cusp", "meeting", "closed form"))
    np.testing.assert_array_equal(cusp.get_xydata(), [[0.0, 0.1]])
    np.testing.assert_array_equal(meeting.get_xydata(), [[0.5, 0.6]])
    np.testing.assert_array_equal(crosses.get_xydata(), [[0.2, 0.2], [0.3, 0.4]])
    assert (crosses.get_color(), crosses.get_marker()) == (style.SECOND, "x")
    assert len({cusp.get_marker(), meeting.get_marker(), "x"}) == 3
    assert legend(made) == ["fold", "closed form", "cusp", "meeting"]


PLACE = pd.DataFrame({"name": ["cusp"], "x": 0.0, "y": 0.0})


@pytest.mark.parametrize(
    ("curves", "others", "said"),
    [
        (line("fold", 1.0), {"regions": {"bistable": ("fold", "Hopf")}}, "between curves fold: got 'Hopf'"),
        (line("fold", 1.0).drop(columns="x_stderr"), {}, "`curves` .* Add x_stderr"),
        (line("fold", np.nan), {}, "`curves` must have a finite x"),
        (line("fold", 1.0, kind=["fold"] * 10 + ["Hopf"]), {}, "one kind for each curve: got fold, Hopf of 'fold'"),
        (line("fold", 1.0), {"points": PLACE.drop(columns="name")}, "`points` .* Add name"),
        (line("fold", 1.0), {"reference": PLACE.assign(x=np.nan)}, "`reference` must have a finite x"),
    ],
)
def test_what_cannot_be_drawn_is_refused(curves: pd.DataFrame, others: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw(curves, **others)
