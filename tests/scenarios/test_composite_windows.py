"""Windows of media without a period."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
import skfem
from numpy.typing import NDArray

from scenarios.composite.microstructures.image import Image, random_checkerboard
from scenarios.composite.windows import (
    Apparent,
    Window,
    compare_conditions,
    dirichlet,
    neumann,
    oversampled,
    periodic,
    resonance,
    strip,
)

Array = NDArray[np.float64]
TURN = 2 * np.pi


def waves(x: Array, y: Array) -> Array:
    """alpha(x) beta(y) with alpha = 2 + cos 2 pi x, beta = 1.5 + sin 2 pi y: K = diag(3^1/2 1.5, 2 1.25^1/2)."""
    return np.asarray((2 + np.cos(TURN * x)) * (1.5 + np.sin(TURN * y)))


WAVES = np.diag([1.5 * np.sqrt(3.0), 2 * np.sqrt(1.25)])  # <1/(c + cos)> = 1/(c^2 - 1)^1/2


def oblique(x: Array, y: Array) -> Array:
    """A medium whose tensor is not diagonal, with jumps that no mesh fits."""
    return np.asarray(1.0 + 9 * (np.sin(TURN * (x + 0.6 * y)) > 0.3))


def square(side: float, per_unit: int, mesh: Any = skfem.MeshTri) -> Any:
    lines = np.linspace(0, side, round(side * per_unit) + 1)
    return mesh.init_tensor(lines, lines)


@pytest.mark.parametrize(
    ("condition", "degree", "mesh"),
    list(product((dirichlet, neumann, periodic), (1, 2), (skfem.MeshTri, skfem.MeshQuad))),
)
def test_mean_of_the_product_is_product_of_the_means(
    condition: Callable[[Window], Apparent], degree: int, mesh: Any
) -> None:
    measured = condition(Window(square(1.3, 12, mesh), oblique, degree))
    assert measured.hill_mandel < 1e-12
    np.testing.assert_allclose(measured.tensor, measured.tensor.T, rtol=1e-11)
    assert abs(measured.tensor[0, 1]) > 0.05  # so that the identity is asked of a full tensor


@pytest.mark.parametrize(
    "window",
    [
        Window(square(1.3, 12), oblique),
        Window(square(2.25, 8, skfem.MeshQuad), waves, degree=1),
        Window.of_image(random_checkerboard(12, seed=3), (1.0, 100.0)),
    ],
    ids=["oblique", "waves", "image"],
)
def test_neumann_is_below_periodic_is_below_dirichlet(window: Window) -> None:
    low, middle, high = (condition(window).tensor for condition in (neumann, periodic, dirichlet))
    assert np.linalg.eigvalsh(middle - low).min() > 0
    assert np.linalg.eigvalsh(high - middle).min() > 0


@pytest.mark.parametrize("condition", [dirichlet, neumann, periodic])
def test_a_uniform_medium_is_answered_exactly(condition: Callable[[Window], Apparent]) -> None:
    np.testing.assert_allclose(
        condition(Window(square(1, 4), lambda x, y: 3 + 0 * x)).tensor, 3 * np.eye(2), atol=1e-13
    )


def test_conditions_agree_with_the_exact_tensor_of_whole_periods() -> None:
    window = Window(square(1, 16), waves)
    np.testing.assert_allclose(periodic(window).tensor, WAVES, rtol=1e-4, atol=1e-6)
    assert np.linalg.eigvalsh(dirichlet(window).tensor - WAVES).min() > 0.01
    assert np.linalg.eigvalsh(WAVES - neumann(window).tensor).min() > 0.01


def test_layers_in_a_strip_are_in_series_and_in_parallel() -> None:
    window = Window(square(1, 8), lambda x, y: np.where(x < 0.5, 401.0, 0.2))
    assert strip(window, axis=0) == pytest.approx(2 / (1 / 401 + 1 / 0.2), rel=1e-10)
    assert strip(window, axis=1) == pytest.approx(200.6, rel=1e-10)


@pytest.mark.parametrize("degree", [1, 2])
def test_a_strip_that_cuts_a_period_errs_as_the_closed_form_says(degree: int) -> None:
    # k = 1/(2 + cos 2 pi x): k_delta/k* - 1 from the integral of 1/k over the strip
    expected = [0.0, -0.05985169969330184, -0.018379962494939117, -0.004873210692965535]
    measured = resonance([1.0, 1.25, 4.25, 16.25], elements=32, degree=degree)
    np.testing.assert_allclose(1 + measured, 1 + np.array(expected), rtol=1e-3 if degree == 1 else 1e-5)


def test_the_resonance_error_is_first_order_in_period_over_length() -> None:
    ratios = np.array([2.25, 4.25, 8.25, 16.25])
    order = np.polyfit(np.log(1 / ratios), np.log(-resonance(ratios.tolist())), 1)[0]
    assert order == pytest.approx(1.0, abs=0.15)


def test_dirichlet_errors_fall_like_one_over_the_side() -> None:
    sides = np.array([1, 2, 4])
    errors = [dirichlet(Window(square(side, 12), waves)).tensor[1, 1] - WAVES[1, 1] for side in sides]
    assert np.polyfit(np.log(1 / sides), np.log(errors), 1)[0] == pytest.approx(1.0, abs=0.15)


def test_oversampling_takes_most_of_the_error_of_the_sides_away() -> None:
    inner, outer = Window(square(1, 12), waves), Window(square(3, 12), waves, period=(1.0, 1.0))
    plain = np.abs(dirichlet(inner).tensor - WAVES).max()
    same_cost = np.abs(dirichlet(outer).tensor - WAVES).max()
    better = np.abs(oversampled(outer, [[1, 1], [2, 2]]).tensor - WAVES).max()
    assert better < same_cost / 5  # 8 times less for the same work was measured
    assert better < plain / 20


def test_oversampling_does_not_mend_an_inner_rectangle_that_cuts_a_period() -> None:
    window = Window(square(3.25, 16), lambda x, y: 1 / (2 + np.cos(TURN * x)))
    whole, cut = (oversampled(window, [[1.0, 1.0], [end, end]]).tensor[0, 0] / 0.5 - 1 for end in (2.0, 2.25))
    assert cut == pytest.approx(-0.05985169969330184, rel=0.02)  # the strip of 1.25 periods, whatever is around it
    assert abs(whole) < 5e-4


def test_the_comparison_is_of_these_windows() -> None:
    table = compare_conditions([1.0, 1.25], elements=4).set_index(["periods", "boundary"])
    answers = {"dirichlet": dirichlet, "neumann": neumann, "periodic": periodic}
    for boundary, condition in answers.items():
        expected = condition(Window(square(1.25, 4), waves)).tensor[0, 0]
        assert table.loc[(1.25, boundary), "conductivity"] == pytest.approx(expected, rel=1e-12)
        assert table.loc[(1.25, boundary), "error"] == pytest.approx(expected / WAVES[0, 0] - 1, rel=1e-9)
    assert table.loc[(1.25, "strip"), "exact_error"] == pytest.approx(-0.05985169969330184)
    whole = table["error"].abs().xs(1.0)
    assert whole["oversampled"] < whole["neumann"] / 5


def test_what_is_no_window_is_refused() -> None:
    with pytest.raises(ValueError, match=r"smaller than a period: got 0\.5 x 0\.5 m"):
        Window(square(0.5, 8), waves, period=(1.0, 1.0))
    with pytest.raises(ValueError, match="smaller than a period"):
        oversampled(Window(square(2, 8), waves, period=(1.0, 1.0)), [[0.5, 0.5], [1.25, 1.5]])
    with pytest.raises(ValueError, match="must fill a rectangle"):
        Window(skfem.MeshTri.init_lshaped(), waves)
    with pytest.raises(ValueError, match="positive and finite"):
        Window(square(1, 4), lambda x, y: x - 0.5)
    with pytest.raises(ValueError, match="must be edges of the mesh"):
        oversampled(Window(square(2, 8), waves), [[0.5, 0.5], [1.3, 1.5]])
    with pytest.raises(ValueError, match="rectangle in the window"):
        oversampled(Window(square(2, 8), waves), [[0.5, 0.5], [1.5, 2.5]])
    with pytest.raises(ValueError, match="the same at opposite sides"):
        periodic(Window(skfem.MeshTri().refined(1).refined([0]), waves))
    with pytest.raises(ValueError, match="`degree` must be 1 or 2: got 3"):
        Window(square(1, 4), waves, degree=3)


def test_windows_of_a_random_medium_bracket_its_conductivity() -> None:
    # C. Huet (1990): <K> of Dirichlet windows is above, <1/K>^-1 of Neumann windows below the effective conductivity,
    # which for phases that can be interchanged is (k1 k2)^1/2; a picture and its negative together scatter least
    upper, resistance = [], []
    for seed in range(8):
        pixels = random_checkerboard(8, seed).pixels
        windows = [Window.of_image(Image(phases), (1.0, 10.0), refinement=2) for phases in (pixels, ~pixels)]
        upper.append(np.mean([dirichlet(window).tensor.trace() / 2 for window in windows]))
        resistance.append(np.mean([np.linalg.inv(neumann(window).tensor).trace() / 2 for window in windows]))
    four_errors = [4 * np.std(sample, ddof=1) / np.sqrt(len(sample)) for sample in (upper, resistance)]
    assert np.mean(upper) - four_errors[0] > np.sqrt(10.0) > 1 / (np.mean(resistance) - four_errors[1])
