"""Pictures of a device: what is drawn is what the tables say."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from analysis.device import draw_energy, draw_hot_plate, draw_warm_bar

PROFILE = pd.DataFrame({"x": [0.0, 0.01, 0.005], "temperature": [300.0, 302, 305], "potential": [1.0, -1, 0.1]})
HEATING = pd.DataFrame(
    {"time": [0.0, 0.0, 9.0, 9.0], "x": [0.0, 0.01, 0.0, 0.01], "temperature": [300.0, 300, 301, 302]}
)
ENERGY = pd.DataFrame({"time": [1.0, 2.0], "power": [1.0, 1.1], "heat_out": [0.2, 0.9], "stored": [0.8, 0.2]}).assign(
    energy_error=[1e-15, 0.0], charge_error=[2e-15, 3e-15]
)
FIELD = pd.DataFrame(
    {"x": np.repeat([0.0, 0.002, 0.01], 2), "y": [0.0, 0.005] * 3, "temperature": np.arange(300.0, 306)}
).assign(potential=[1.0, 1.0, 0.3, 0.2, -1.0, -1.0])


def test_a_bar_is_drawn_along_its_length_in_millimetres() -> None:
    made = draw_warm_bar(PROFILE, HEATING)
    left, right = made.axes
    lines = {str(line.get_label()): np.array(line.get_xydata(), dtype=float) for line in left.get_lines()}
    np.testing.assert_allclose(lines["steady"], [[0.0, 300.0], [5.0, 305.0], [10.0, 302.0]])
    np.testing.assert_allclose(lines["9 s"], [[0.0, 301.0], [10.0, 302.0]])
    np.testing.assert_allclose(
        np.array(right.get_lines()[0].get_xydata(), dtype=float), [[0.0, 1.0], [5.0, 0.1], [10.0, -1.0]]
    )
    made.savefig(BytesIO())
    assert len(draw_warm_bar(PROFILE).axes[0].get_lines()) == 1


def test_a_plate_shows_its_temperatures_where_they_are() -> None:
    made = draw_hot_plate(FIELD.sample(frac=1.0, random_state=1))
    drawn = [np.array(one.get_array(), dtype=float) for one in made.axes[0].collections if one.get_array() is not None]
    (mesh,) = [values for values in drawn if values.size == 6 and values.max() == 305]
    np.testing.assert_allclose(mesh.reshape(2, 3), [[300, 302, 304], [301, 303, 305]])
    assert made.axes[0].get_xlim() == pytest.approx((0, 10))
    made.savefig(BytesIO())
    draw_hot_plate(FIELD.assign(potential=0.0))


def test_a_plate_that_is_no_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a grid"):
        draw_hot_plate(FIELD.iloc[:5])


def test_the_balance_over_time_shows_what_is_missing() -> None:
    made = draw_energy(ENERGY)
    left, right = made.axes
    lines = {str(line.get_label()): np.array(line.get_ydata(), dtype=float) for line in left.get_lines()}
    np.testing.assert_allclose(lines["heat out"], [0.2, 0.9])
    np.testing.assert_allclose(np.array(right.get_lines()[1].get_ydata(), dtype=float), [2e-15, 3e-15])
    assert right.get_yscale() == "log"
    made.savefig(BytesIO())


@pytest.mark.parametrize(("draw", "table"), [(draw_warm_bar, PROFILE), (draw_hot_plate, FIELD), (draw_energy, ENERGY)])
def test_a_table_without_rows_is_refused(draw: object, table: pd.DataFrame) -> None:
    assert callable(draw)
    with pytest.raises(ValueError, match="at least one row"):
        draw(table.iloc[:0])
