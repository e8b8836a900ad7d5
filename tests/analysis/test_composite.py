"""Pictures of a composite: what is drawn is what the tables say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection, QuadMesh
from matplotlib.patches import Circle

from analysis.balance import draw_balance
from analysis.conductivity_tensor import draw_graded_bar, draw_tensor
from analysis.heat_sink import draw_sink, draw_sink_heating
from analysis.microstructure import draw_microstructure
from analysis.windows import draw_windows
from eqfree.results import Study
from scenarios.composite.draw import draw

NAN = float("nan")
TENSOR = pd.DataFrame(
    {
        "component": ["xx", "xy", "yy"],
        "value": [50.0, -86.0, 150.0],
        "stderr": [1.0, 2.0, 3.0],
        "exact": [50.4, -86.7, NAN],
        "wiener_lower": [0.4, NAN, 0.4],
        "wiener_upper": [200.6, NAN, 200.6],
        "hashin_shtrikman_lower": NAN,
        "hashin_shtrikman_upper": NAN,
    }
)
LAYER = pd.DataFrame({"polygon": 0, "x": [0.8, 1.3, 1.3, 0.8], "y": [0.0, 0.0, 1.0, 1.0]})
GRID = pd.DataFrame({"x": np.repeat([0.0, 0.5, 1.0], 2), "y": [0.0, 1.0] * 3})
CORRECTOR = GRID.assign(temperature=[0.0, 0.0, 0.4, 0.6, 1.0, 1.0])
PIXELS = pd.DataFrame({"row": [0, 0, 1, 1], "column": [0, 1, 0, 1], "phase": [1, 0, 0, 0]})
BALANCE = pd.DataFrame(
    [
        {"mesh_level": mesh, "micro_level": micro, "error": 2.0**-mesh + 4.0**-micro}
        | {"macro_indicator": 2.0**-mesh, "micro_indicator": 4.0**-micro, "unknowns": 9, "limits": "both"}
        for mesh in (0, 1, 2)
        for micro in (0, 1)
    ]
)
ORDERS = pd.DataFrame({"what": "mesh P1", "size": [0.25, 0.125], "error": [0.01, 0.0025], "order": 2.0})
BAR = pd.DataFrame({"x": [0.0, 0.2, 0.1], "temperature": [400.0, 300.0, 354.9], "exact": [400.0, 300.0, 355.0]})
LAW = pd.DataFrame({"temperature": [300.0, 400.0], "conductivity": [1.0, 2.0], "derivative": [0.01, 0.02]})
WINDOWS = pd.DataFrame(
    {
        "boundary": ["dirichlet", "dirichlet", "neumann", "oversampled", "periodic"],
        "periods": [1.25, 4.25, 1.25, 1.25, 1.0],
        "conductivity": [1.88, 1.96, 2.1, 2.02, 2.0],
        "error": [-0.06, -0.02, 0.05, 0.01, 1e-14],
        "exact_error": [-0.06, -0.02, NAN, NAN, 0.0],
    }
)
FIELD = GRID.assign(x=0.01 * GRID["x"], y=0.02 * GRID["y"], hmm=[300.0, 301, 302, 303, 304, NAN], direct=300.5)
INSETS = pd.DataFrame({"x": [0.005], "y": [0.01], "volume_fraction": [0.25], "angle": [90.0]})
SINK = pd.DataFrame({"ratio": [1 / 16, 1 / 64], "error_l2": [0.01, 0.0025], "error_max": [0.02, 0.005]}).assign(
    unknowns_hmm=900, unknowns_direct=[1e4, 1e5], cost_ratio=[2.0, 50.0]
)
HEATING = pd.DataFrame({"time": [0.0, 1.0], "entered": [0.0, 2.0], "left": [0.0, 0.5], "stored": [0.0, 1.5]}).assign(
    mean_temperature_hmm=[300.0, 301.0], mean_temperature_direct=NAN
)


def lines(axes: Axes) -> dict[str, Any]:
    return {str(line.get_label()): np.array(line.get_xydata(), dtype=float) for line in axes.get_lines()}


def corners_of(collection: Any) -> list[Any]:
    return [np.asarray(path.vertices, dtype=float) for path in collection.get_paths()]


def mesh_of(axes: Axes) -> Any:
    (mesh,) = [one for one in axes.collections if isinstance(one, QuadMesh)]
    return np.ma.asarray(mesh.get_array())


def drawn_of(tables: dict[str, pd.DataFrame]) -> set[str]:
    named = {f"composite_{name}": table for name, table in tables.items()}
    return set(draw(Study("composite", {}, {}, tables=named)))


def test_components_are_drawn_with_two_standard_errors_and_what_is_exact() -> None:
    diagonal, across = draw_tensor(TENSOR).axes
    (values, _, bars) = diagonal.containers[1]
    assert np.asarray(values.get_xydata()).tolist() == [[1.0, 150.0]]
    assert bars[0].get_segments()[0].tolist() == [[1.0, 144.0], [1.0, 156.0]]
    assert [50.4] in [line.get_ydata() for line in diagonal.get_lines()]
    assert diagonal.get_yscale() == "log"
    assert across.get_ylim()[0] == -across.get_ylim()[1] < -90


def test_a_component_that_vanishes_is_drawn_as_such() -> None:
    """Round-off is no coupling: the axis goes a twentieth of the conductivity either way."""
    isotropic = TENSOR.assign(value=[2.0, 1e-15, 2.0], stderr=1e-12, exact=NAN, wiener_lower=1.0, wiener_upper=3.0)
    _, across = draw_tensor(isotropic[isotropic["component"] != "yy"]).axes
    assert across.get_ylim()[1] >= 0.1


def test_realisations_are_dots_beside_their_mean() -> None:
    some = pd.DataFrame({f"conductivity_{name}": [1.0, 2.0, 3.0] for name in TENSOR["component"]})
    dots = [line for line in draw_tensor(TENSOR, some).axes[0].get_lines() if line.get_marker() == "."]
    assert [np.asarray(line.get_ydata()).tolist() for line in dots] == [[1.0, 2.0, 3.0]] * 2
    assert (np.asarray(dots[1].get_xdata()) < 1.0).all()


def test_an_inclusion_that_sticks_out_comes_in_on_the_other_side() -> None:
    (cell,) = draw_microstructure(LAYER).axes
    (drawn,) = [one for one in cell.collections if isinstance(one, PolyCollection)]
    spans = sorted((one[:, 0].min(), one[:, 0].max()) for one in corners_of(drawn))
    np.testing.assert_allclose(spans, [(-0.2, 0.3), (0.8, 1.3)])


def test_an_image_is_drawn_with_its_first_row_on_top() -> None:
    cell, temperature, _ = draw_microstructure(pixels=PIXELS, corrector=CORRECTOR).axes
    (image,) = cell.get_images()
    assert np.asarray(image.get_array()).tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert image.origin == "upper"
    assert cell.get_ylim() == (0.0, 1.0)
    np.testing.assert_allclose(mesh_of(temperature).reshape(2, 3), [[0.0, 0.4, 1.0], [0.0, 0.6, 1.0]])


def test_a_flat_image_is_a_flat_cell() -> None:
    (cell,) = draw_microstructure(pixels=PIXELS.assign(column=[0, 1, 2, 3], row=0)).axes
    assert cell.get_ylim() == (0.0, 0.25)
    assert list(cell.get_images()[0].get_extent()) == [0.0, 1.0, 0.0, 0.25]


def test_a_microstructure_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="got neither"):
        draw_microstructure()


def test_errors_are_drawn_over_the_mesh_with_a_line_for_each_micro_level() -> None:
    levels, orders = draw_balance(BALANCE, ORDERS).axes
    drawn = lines(levels)
    np.testing.assert_allclose(drawn["micro level 1"], [[0, 1.25], [1, 0.75], [2, 0.5]])
    np.testing.assert_allclose(drawn["mesh's indicator"], [[0, 1.0], [1, 0.5], [2, 0.25]])
    assert "mesh P1: order 2.00" in lines(orders)
    fitted = np.asarray(orders.get_lines()[1].get_ydata())
    np.testing.assert_allclose(fitted, [0.0025, 0.01])


def test_a_bar_is_drawn_beside_the_exact_one() -> None:
    bar, value, derivative = draw_graded_bar(BAR, LAW).axes
    np.testing.assert_allclose(lines(bar)["exact"][:, 1], [400.0, 355.0, 300.0])
    np.testing.assert_allclose(lines(bar)["finite elements"][:, 1], [400.0, 354.9, 300.0])
    assert np.asarray(value.get_lines()[0].get_ydata()).tolist() == [1.0, 2.0]
    assert np.asarray(derivative.get_lines()[0].get_ydata()).tolist() == [0.01, 0.02]


def test_where_nothing_is_exact_nothing_is_drawn_as_exact() -> None:
    assert set(lines(draw_graded_bar(BAR.assign(exact=NAN), LAW).axes[0])) == {"finite elements"}


def test_errors_of_windows_are_drawn_by_size_and_round_off_is_left_out() -> None:
    value, error = draw_windows(WINDOWS).axes
    np.testing.assert_allclose(lines(value)["Dirichlet"], [[1.25, 0.94], [4.25, 0.98]])
    np.testing.assert_allclose(lines(value)["effective"][:, 1], 1.0)
    measured = [np.asarray(line.get_ydata()) for line in error.get_lines()]
    assert any(one.tolist() == [0.06, 0.02] for one in measured)
    assert min(one.min() for one in measured if len(one)) >= 0.005


def test_windows_of_whole_periods_are_drawn_apart() -> None:
    """Those that cut a period have another error, so that one line through both would go up and down."""
    cut = pd.DataFrame({"boundary": "dirichlet", "periods": [1.0, 1.25, 2.0, 2.25], "error": [0.05, 0.2, 0.02, 0.1]})
    value, _ = draw_windows(cut.assign(exact_error=NAN)).axes
    drawn = [np.asarray(line.get_xdata()).tolist() for line in value.get_lines() if line.get_marker() == "o"]
    assert drawn[:2] == [[1.25, 2.25], [1.0, 2.0]]
    assert "whole periods" in lines(value)


def test_both_temperatures_share_one_scale() -> None:
    two_scales, every_layer = draw_sink(FIELD, INSETS).axes[:2]
    np.testing.assert_allclose(mesh_of(two_scales).filled(-1.0), [[300, 302, 304], [301, 303, -1]])
    limits = [
        one.get_clim() for axes in (two_scales, every_layer) for one in axes.collections if isinstance(one, QuadMesh)
    ]
    assert limits == [(300.0, 304.0)] * 2


def test_a_lens_shows_so_much_of_the_inclusion_with_its_normal_at_that_angle() -> None:
    two_scales = draw_sink(FIELD, INSETS).axes[0]
    lens = next(one for one in two_scales.patches if isinstance(one, Circle))
    assert lens.get_center() == pytest.approx((5.0, 10.0))
    (layers,) = [one for one in two_scales.collections if isinstance(one, PolyCollection)]
    corners = corners_of(layers)[0]
    height = np.ptp(corners[:, 1])  # the normal is up: layers lie flat
    assert 4 * height / (2 * lens.radius) == pytest.approx(0.25)
    assert np.ptp(corners[:, 0]) == pytest.approx(2 * lens.radius)


def test_error_and_cost_are_drawn_over_the_ratio_of_scales() -> None:
    error, unknowns = draw_sink(FIELD, None, SINK).axes[-2:]
    np.testing.assert_allclose(lines(error)["mean square"], [[1 / 64, 0.0025], [1 / 16, 0.01]])
    np.testing.assert_allclose(lines(unknowns)["every layer"][:, 1], [1e5, 1e4])
    np.testing.assert_allclose(lines(unknowns)["two scales"][:, 1], 900)
    assert [text.get_text() for text in unknowns.get_xticklabels()] == ["1/64", "1/16"]


def test_heat_is_stacked_up_to_what_entered_in_kilojoules() -> None:
    heat, mean = draw_sink_heating(HEATING).axes
    np.testing.assert_allclose(lines(heat)["entered"][:, 1], [0.0, 0.002])
    assert corners_of(heat.collections[1])[0][:, 1].max() == pytest.approx(0.002)
    assert len(mean.get_lines()) == 1


def test_a_study_is_drawn_as_far_as_it_has_tables() -> None:
    tables = {"tensor": TENSOR, "outline": LAYER, "corrector": CORRECTOR, "balance": BALANCE, "orders": ORDERS}
    tables |= {"bar": BAR, "conductivity": LAW, "windows": WINDOWS, "sink_field": FIELD, "insets": INSETS}
    tables |= {"sink": SINK, "heating": HEATING}
    assert drawn_of(tables) == {"tensor", "microstructure", "balance", "bar", "windows", "sink", "heating"}
    assert drawn_of({"pixels": PIXELS}) == {"microstructure"}
    assert drawn_of({"heating": HEATING.iloc[:0]}) == set()


@pytest.mark.parametrize(
    ("draw_it", "table"),
    [(draw_tensor, TENSOR), (draw_balance, BALANCE), (draw_windows, WINDOWS), (draw_sink_heating, HEATING)],
)
def test_a_table_without_rows_is_refused(draw_it: Any, table: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        draw_it(table.iloc[:0])
