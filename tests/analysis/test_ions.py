"""Pictures of ions: what is drawn is what the tables say."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from analysis.ions import draw_arrhenius, draw_correlation, draw_ions, draw_polarisation, draw_screening

KELVIN = np.array([250.0, 300.0, 400.0])
POINTS = pd.DataFrame({"temperature": KELVIN, "conductivity": [1e-3, 1e-2, 0.1], "stderr": [1e-5, 1e-4, 1e-3]})
FIT = POINTS[["temperature", "conductivity"]].assign(low=[9e-4, 9e-3, 0.09], high=[1.1e-3, 1.1e-2, 0.11])
SCREENED = pd.DataFrame(
    {
        "material": ["slow", "fast", "middling"],
        "conductivity": [1e-6, 1.0, 1e-3],
        "stderr": [1e-8, 0.01, 2e-3],
        "activation_energy": [0.6, 0.2, np.nan],
        "measured": [2e-6, np.nan, 5e-3],
    }
)


def test_an_arrhenius_plot_shows_the_product_with_temperature_over_its_inverse() -> None:
    measured = pd.DataFrame({"name": ["paper"], "temperature": [298.15], "conductivity": [0.04]})
    made = draw_arrhenius(POINTS, FIT, measured)
    (axes,) = made.axes
    drawn = {np.asarray(line.get_xdata(), dtype=float).round(6).tobytes(): line for line in axes.get_lines()}
    line = drawn[(1000 / KELVIN).round(6).tobytes()]
    np.testing.assert_allclose(np.asarray(line.get_ydata(), dtype=float), POINTS["conductivity"] * KELVIN)
    paper = drawn[np.array([1000 / 298.15]).round(6).tobytes()]
    np.testing.assert_allclose(np.asarray(paper.get_ydata(), dtype=float), [0.04 * 298.15])
    assert axes.get_yscale() == "log"


def test_correlation_factors_stand_on_the_curves_of_theory() -> None:
    points = pd.DataFrame({"concentration": [0.2, 0.8], "factor": [0.94, 0.74], "stderr": [0.002, 0.001]})
    curves = points.drop(columns="stderr").assign(name="theory")
    (axes,) = draw_correlation(points, curves).axes
    assert set(axes.get_legend_handles_labels()[1]) == {"theory", "simulated ions"}
    assert axes.get_xlim() == (0.0, 1.0)


@pytest.mark.parametrize("space", [["x", "y"], ["x", "y", "z"]])
def test_ions_and_vacancies_are_where_the_table_says(space: list[str]) -> None:
    sites = pd.DataFrame({axis: [0.0, 0.3, 0.6] for axis in space}).assign(ion=["Li", "vacant", "Li"])
    bonds = sites[space].iloc[:2].assign(**{f"to_{axis}": [0.3, 0.6] for axis in space})
    made = draw_ions(sites, bonds)
    (axes,) = made.axes
    lithium, vacant = axes.collections
    assert (lithium.get_label(), vacant.get_label()) == ("Li", "vacant")
    if len(space) == 2:
        np.testing.assert_allclose(np.asarray(lithium.get_offsets()), [[0.0, 0.0], [0.6, 0.6]])
    made.savefig(BytesIO(), dpi=50)


def test_a_polarisation_profile_has_a_mark_for_each_way() -> None:
    exact = pd.DataFrame({"x": [0.1, 0.4], "share": [0.1, 0.3]})
    profiles = pd.concat([exact.assign(way=way, stderr=0.01) for way in ("projection", "all ions")])
    (axes,) = draw_polarisation(profiles, exact).axes
    assert set(axes.get_legend_handles_labels()[1]) == {"exact, steady", "projection", "all ions"}


def test_materials_are_sorted_the_best_above() -> None:
    made = draw_screening(SCREENED)
    (axes,) = made.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["slow", "middling", "fast"]
    ends = [bar.get_window_extent().x1 for bar in axes.patches]
    ends = axes.transData.inverted().transform([(end, 0.0) for end in ends])[:, 0].tolist()
    np.testing.assert_allclose(ends, [1e-6, 1e-3, 1.0])
    assert [text.get_text() for text in axes.texts] == ["0.60 eV", "0.20 eV"]


def test_a_table_that_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="conductivities above 0: got 0"):
        draw_screening(SCREENED.assign(conductivity=0.0))
    with pytest.raises(ValueError, match="`points` must have the columns"):
        draw_arrhenius(FIT, FIT)
    with pytest.raises(ValueError, match="`sites` must have the columns x, y, ion"):
        draw_ions(pd.DataFrame({"x": [0.0]}))
