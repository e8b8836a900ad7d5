"""A bifurcation diagram: what is drawn is what the tables hold."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from numpy.typing import NDArray

from analysis import draw_branch, style


def points(
    parameter: Sequence[float], measure: Sequence[float], stability: Sequence[str] | str = "stable", **other: Any
) -> pd.DataFrame:
    table = pd.DataFrame({"branch": "one", "parameter": parameter, "measure": measure, "stability": stability})
    return table.assign(**{"parameter_stderr": 0.0, "measure_stderr": 0.0, "covariance": 0.0} | other)


def event(parameter: float, measure: float, **other: Any) -> pd.DataFrame:
    row = {"branch": "one", "kind": "fold", "parameter": parameter, "low": -0.1, "high": 0.3, "measure": measure}
    return pd.DataFrame([row | other])


def draw(table: pd.DataFrame, **others: pd.DataFrame) -> Figure:
    return draw_branch(table, **others, parameter_label="sensitivity (1)", measure_label="preference (1)")


def pieces(axes: Axes, colour: str = style.MAIN) -> list[tuple[Any, NDArray[np.float64]]]:
    """Dashes and vertices of the pieces of a branch, without the empty lines for the legend."""
    return [
        (line.get_linestyle(), np.asarray(line.get_xydata(), np.float64))
        for line in axes.get_lines()
        if line.get_color() == colour and line.get_marker() == "None" and len(np.asarray(line.get_xdata()))
    ]


def labelled(axes: Axes, label: str) -> Line2D:
    (line,) = [line for line in axes.get_lines() if line.get_label() == label]
    return line


def band(axes: Axes) -> NDArray[np.float64]:
    """The two sides of the only band, at each point."""
    (polygon,) = [patch for patch in axes.patches if isinstance(patch, Polygon)]
    there, back = np.split(polygon.get_xy()[:-1], 2)
    return np.stack([there, back[::-1]])


def legend(made: Figure) -> list[str]:
    return [text.get_text() for one in made.legends for text in one.get_texts()]


# λ = x² seen from above: stable for x > 0, a fold at 0
X = np.array([1.5, 1.0, 0.5, -0.5, -1.0, -1.5])
FOLDED = points((X**2).tolist(), X.tolist(), ["stable"] * 3 + ["unstable"] * 3)


def test_stable_is_solid_and_unstable_is_dashed_and_they_meet_at_the_fold() -> None:
    made = draw(FOLDED, events=event(0.0, 0.0))
    solid, dashed = pieces(made.axes[0])
    assert (solid[0], dashed[0]) == ("-", "--")
    np.testing.assert_array_equal(solid[1][:-1], FOLDED[["parameter", "measure"]].iloc[:3])
    np.testing.assert_array_equal(dashed[1][1:], FOLDED[["parameter", "measure"]].iloc[3:])
    np.testing.assert_array_equal([solid[1][-1], dashed[1][0]], [[0, 0], [0, 0]])
    assert legend(made) == ["stable", "unstable", "fold"]
    made.savefig(BytesIO())


@pytest.mark.parametrize("elsewhere", [event(0.0, 0.0, branch="another"), event(-2.0, 0.0), event(1.0, 1.0)])
def test_without_an_event_there_they_meet_halfway(elsewhere: pd.DataFrame) -> None:
    solid, dashed = pieces(draw(FOLDED, events=elsewhere).axes[0])
    np.testing.assert_allclose([solid[1][-1], dashed[1][0]], [[0.25, 0], [0.25, 0]], atol=1e-15)


@pytest.mark.parametrize("at_the_fold", ["stable", "unstable", "undecided"])
def test_the_label_changes_at_a_fold_that_is_itself_a_point(at_the_fold: str) -> None:
    x = np.array([1.0, 0.5, 0.0, -0.5, -1.0])
    labels = ["stable", "stable", at_the_fold, "unstable", "unstable"]
    drawn = pieces(draw(points((x**2).tolist(), x.tolist(), labels), events=event(0.0, 0.0)).axes[0])
    np.testing.assert_array_equal(drawn[0][1][:2], [[1, 1], [0.25, 0.5]])
    np.testing.assert_array_equal(drawn[0][1][-1], [0, 0])
    np.testing.assert_array_equal(drawn[-1][1][0], [0, 0])
    np.testing.assert_array_equal(drawn[-1][1][-2:], [[0.25, -0.5], [1, -1]])


def test_a_curve_passes_an_event_at_which_nothing_changes() -> None:
    (only,) = pieces(draw(FOLDED.assign(stability="undecided"), events=event(0.0, 0.0)).axes[0])
    np.testing.assert_array_equal(only[1][3], [0, 0])


def test_undecided_is_dotted() -> None:
    made = draw(points([0, 1, 2, 3], [0, 0, 0, 0], ["stable", "undecided", "undecided", "unstable"]))
    assert [(dashes, vertices[:, 0].tolist()) for dashes, vertices in pieces(made.axes[0])] == [
        ("-", [0, 0.5]),
        (":", [0.5, 1, 2, 2.5]),
        ("--", [2.5, 3]),
    ]
    assert legend(made) == ["stable", "unstable", "undecided"]


def test_half_a_band_is_1_96_standard_errors() -> None:
    level = draw(points([0, 1, 3], [2, 2, 2], measure_stderr=[0.1, 0.2, 0.3], parameter_stderr=5.0)).axes[0]
    np.testing.assert_allclose(band(level)[:, :, 0], [[0, 1, 3]] * 2)
    np.testing.assert_allclose(band(level)[:, :, 1], [[2.196, 2.392, 2.588], [1.804, 1.608, 1.412]])
    upright = draw(points([2, 2, 2], [0, 1, 3], parameter_stderr=[0.1, 0.2, 0.3], measure_stderr=5.0)).axes[0]
    np.testing.assert_allclose(np.sort(band(upright)[:, :, 0], axis=0), [[1.804, 1.608, 1.412], [2.196, 2.392, 2.588]])


@pytest.mark.parametrize(("covariance", "factor"), [(0.0, 1.0), (0.04, 0.0), (-0.04, 2.0)])
def test_a_band_takes_the_covariance_along_the_scaled_normal(covariance: float, factor: float) -> None:
    # ranges of 2 and 4: scaled, the line rises at 45°, with variances of 0.1² along both axes and the variance along
    # the normal (-1, 1)/√2 is 0.1² less the scaled covariance
    table = points([0, 1, 2], [0, 2, 4], parameter_stderr=0.2, measure_stderr=0.4, covariance=2 * covariance)
    above, below = band(draw(table).axes[0])
    half = 1.96 * 0.1 * np.sqrt(factor) / np.sqrt(2)  # rounding leaves √ε of a factor of 0
    np.testing.assert_allclose(above, np.array([[0, 0], [1, 2], [2, 4]]) + half * np.array([-2, 4]), atol=1e-6)
    np.testing.assert_allclose(below, np.array([[0, 0], [1, 2], [2, 4]]) - half * np.array([-2, 4]), atol=1e-6)


def test_a_band_stays_wide_where_the_curve_turns_back() -> None:
    drawn = draw(FOLDED.assign(parameter_stderr=0.09, measure_stderr=0.0), events=event(0.0, 0.0)).axes[0]
    np.testing.assert_allclose(np.sort(band(drawn)[:, 3], axis=0), [[-1.96 * 0.09, 0], [1.96 * 0.09, 0]], atol=1e-15)


@pytest.mark.parametrize("error", [0.0, float("nan")])
def test_without_errors_there_is_no_band(error: float) -> None:
    assert not draw(FOLDED.assign(parameter_stderr=error, measure_stderr=error)).axes[0].patches


def test_a_stable_branch_alone_needs_no_legend() -> None:
    assert not draw(points([0, 1], [0, 1])).legends


def test_several_branches_have_their_colours_and_names() -> None:
    table = pd.concat([points([0, 1], [0, 1]), points([0, 1], [1, 2], "unstable", branch="two")])
    made = draw(table)
    for colour, measure, dashes in zip(style.shades(2), ([0, 1], [1, 2]), ("-", "--"), strict=True):
        ((drawn, vertices),) = pieces(made.axes[0], colour)
        assert drawn == dashes
        np.testing.assert_array_equal(vertices[:, 1], measure)
    assert legend(made) == ["one", "two", "stable", "unstable"]


def test_an_interval_ends_where_it_is_told_to() -> None:
    table = pd.concat(
        [event(0.0, 0.0), event(2.25, 1.5, kind="Hopf"), event(1.0, 1.0, kind="Hopf", low=-np.inf, high=np.nan)]
    )
    axes = draw(FOLDED, events=table).axes[0]
    bars = [container.lines[2][0] for container in axes.containers if isinstance(container, ErrorbarContainer)]
    segments = np.concatenate([bar.get_segments() for bar in bars])
    np.testing.assert_allclose(segments, [[[-0.1, 0], [0.3, 0]], [[-0.1, 1.5], [0.3, 1.5]]], atol=1e-15)
    np.testing.assert_array_equal(labelled(axes, "fold").get_xydata(), [[0, 0]])
    np.testing.assert_array_equal(labelled(axes, "Hopf").get_xydata(), [[2.25, 1.5], [1, 1]])


def test_every_kind_of_event_has_its_own_marker() -> None:
    kinds = ["fold", "branch point", "crossing", "Hopf", "period doubling", "torus", "cusp"]
    axes = draw(FOLDED, events=pd.concat([event(0.0, 0.0, kind=kind) for kind in kinds])).axes[0]
    assert len({labelled(axes, kind).get_marker() for kind in kinds}) == len(kinds)


def test_a_sweep_up_points_up_and_a_sweep_down_points_down() -> None:
    sweep = pd.DataFrame({"direction": ["up", "down"], "parameter": [1.0, 2.0], "measure": 0.5, "stderr": [0.1, 0.2]})
    axes = draw(FOLDED, sweep=sweep).axes[0]
    up, down = (container for container in axes.containers if isinstance(container, ErrorbarContainer))
    assert (up.get_label(), down.get_label()) == ("sweep up", "sweep down")
    assert (up.lines[0].get_marker(), down.lines[0].get_marker()) == ("^", "v")
    np.testing.assert_allclose(up.lines[2][0].get_segments(), [[[1, 0.304], [1, 0.696]]])
    np.testing.assert_allclose(down.lines[2][0].get_segments(), [[[2, 0.108], [2, 0.892]]])


def test_references_are_crosses_with_their_names() -> None:
    reference = pd.DataFrame({"name": ["exact", "a paper"], "parameter": [0.0, 0.1], "measure": [0.0, 0.2]})
    axes = draw(FOLDED, reference=reference).axes[0]
    for name, place in (("exact", [[0, 0]]), ("a paper", [[0.1, 0.2]])):
        np.testing.assert_array_equal(labelled(axes, name).get_xydata(), place)
        assert labelled(axes, name).get_color() == style.SECOND


def test_a_branch_of_one_point_is_a_marker() -> None:
    (only,) = draw(points([1], [2], parameter_stderr=0.1, measure_stderr=0.2)).axes[0].containers
    assert isinstance(only, ErrorbarContainer)
    np.testing.assert_array_equal(only.lines[0].get_xydata(), [[1, 2]])
    np.testing.assert_allclose(
        [bar.get_segments()[0] for bar in only.lines[2]], [[[0.804, 2], [1.196, 2]], [[1, 1.608], [1, 2.392]]]
    )


def test_points_that_coincide_do_no_harm() -> None:
    axes = draw(points([0, 0, 1, 1], [2, 2, 2, 2], measure_stderr=0.1)).axes[0]
    np.testing.assert_allclose(band(axes)[:, :, 1], [[2.196, 2.196], [1.804, 1.804]])
    assert not draw(points([0, 0], [2, 2], measure_stderr=0.1)).axes[0].patches


def test_empty_tables_beside_the_points_are_nothing() -> None:
    nothing = pd.DataFrame()
    assert legend(draw(FOLDED, events=nothing, sweep=nothing, reference=nothing, cycles=nothing)) == [
        "stable",
        "unstable",
    ]


@pytest.mark.parametrize(
    ("table", "others", "said"),
    [
        (FOLDED.drop(columns="covariance"), {}, r"`points` must have the columns .*: got .* Add covariance\."),
        (FOLDED.iloc[:0], {}, "`points` must have at least one row"),
        (FOLDED.assign(measure=np.nan), {}, "`points` must have a finite measure"),
        (FOLDED.assign(stability="saddle"), {}, "stable or unstable or undecided .*: got 'saddle'"),
        (FOLDED, {"events": event(0.0, 0.0).drop(columns=["low", "high"])}, "`events` .* Add low, high"),
        (FOLDED, {"sweep": pd.DataFrame({"direction": ["up"]})}, "`sweep` .* Add parameter, measure, stderr"),
        (
            FOLDED,
            {"sweep": pd.DataFrame({"direction": ["left"], "parameter": 0.0, "measure": 0.0, "stderr": 0.0})},
            "up or down .*: got 'left'",
        ),
        (FOLDED, {"cycles": pd.DataFrame({"branch": ["c"]})}, "`cycles` .* Add parameter, low, high, stability"),
        (
            FOLDED,
            {"cycles": pd.DataFrame({"branch": ["c"], "parameter": 0, "low": 0, "high": 1, "stability": "saddle"})},
            "stable or unstable or undecided .*: got 'saddle'",
        ),
        (
            FOLDED,
            {
                "cycles": pd.DataFrame(
                    {"branch": ["c"], "parameter": 0, "low": np.nan, "high": 1, "stability": "stable"}
                )
            },
            "`cycles` must have a finite low",
        ),
        (FOLDED, {"reference": pd.DataFrame({"name": ["exact"]})}, "`reference` .* Add parameter, measure"),
    ],
)
def test_what_cannot_be_drawn_is_refused(table: pd.DataFrame, others: dict[str, pd.DataFrame], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        draw(table, **others)


def cycles(stability: Sequence[str] | str, **other: Any) -> pd.DataFrame:
    table = pd.DataFrame({"branch": "cycles", "parameter": [0.5, 1.0, 2.0], "low": [-0.5, -1.0, -1.5]})
    return table.assign(**{"high": [0.5, 2.0, 2.5], "stability": stability} | other)


def test_cycles_are_drawn_by_their_extremes_filled_where_stable() -> None:
    made = draw(FOLDED, cycles=cycles(["unstable", "undecided", "stable"]))
    fills = []
    for row, name in enumerate(("unstable", "undecided", "stable")):
        dots = labelled(made.axes[0], f"cycles, {name}")
        table = cycles("stable").iloc[row]
        np.testing.assert_array_equal(
            dots.get_xydata(), [[table["parameter"], table["low"]], [table["parameter"], table["high"]]]
        )
        assert (dots.get_marker(), dots.get_linestyle()) == ("o", "None")
        fills.append(dots.get_markerfacecolor())
    assert (fills[0], fills[2]) == ("white", style.HIGHLIGHT)
    assert fills[1] not in ("white", style.HIGHLIGHT)
    assert legend(made)[2:] == ["cycles, stable", "cycles, unstable", "cycles, undecided"]


def test_the_extremes_of_cycles_are_joined_and_filled_between() -> None:
    axes = draw(FOLDED, cycles=cycles("stable")).axes[0]
    low, high = (
        line for line in axes.get_lines() if line.get_color() == style.HIGHLIGHT and line.get_marker() == "None"
    )
    np.testing.assert_array_equal([low.get_ydata(), high.get_ydata()], cycles("stable")[["low", "high"]].T)
    (fill,) = axes.patches
    inside = fill.get_path().contains_points([(1.9, 0.5), (1.5, 2.2), (1.5, -1.2), (0.75, 1.3), (0.4, 0.0), (2.1, 0)])
    assert inside.tolist() == [True, True, True, False, False, False]


def test_cycles_that_are_all_stable_have_only_their_name_and_another_branch_its_own_marker() -> None:
    made = draw(FOLDED, cycles=pd.concat([cycles("stable"), cycles("stable", branch="others")]))
    assert legend(made)[2:] == ["cycles", "others"]
    assert len({labelled(made.axes[0], name).get_marker() for name in ("cycles", "others")}) == 2


def test_cycles_that_turn_back_are_filled_on_both_sides_of_the_turn() -> None:
    back = cycles(["unstable", "unstable", "stable"], parameter=[1.0, 0.5, 2.0], low=[-0.5, -1, -2], high=[0.5, 1, 2])
    (fill,) = draw(FOLDED, cycles=back).axes[0].patches
    assert fill.get_path().contains_points([(0.75, 0.85), (0.75, -0.85), (1.5, 1.5)]).all()
