"""The bounds of two-phase composites: closed forms of Wiener (1912) and Hashin & Shtrikman (1962)."""

import pytest

from scenarios.composite.bounds import hashin_shtrikman, wiener


def test_wiener_bounds_are_the_layers_across_and_along() -> None:
    assert wiener((0.2, 401.0), 0.5) == pytest.approx((0.39980059820538383, 200.6), rel=1e-14)


@pytest.mark.parametrize(
    ("conductivities", "fraction", "lower", "upper"),
    [
        ((1.0, 10.0), 0.5, 2.3846153846153846, 4.193548387096774),
        ((1.0, 10.0), 0.3, 1.6506024096385543, 2.7167630057803467),
        ((0.2, 401.0), 0.5, 0.599203187250996, 133.84441489361703),
        ((0.2, 401.0), 0.1, 0.24439521488701815, 21.304703905921883),
    ],
)
def test_hashin_and_shtrikmans_bounds_are_the_published_ones(
    conductivities: tuple[float, float], fraction: float, lower: float, upper: float
) -> None:
    assert hashin_shtrikman(conductivities, fraction) == pytest.approx((lower, upper), rel=1e-13)


def test_bounds_do_not_depend_on_which_phase_is_called_inclusion() -> None:
    assert hashin_shtrikman((10.0, 1.0), 0.7) == pytest.approx(hashin_shtrikman((1.0, 10.0), 0.3), rel=1e-14)
    assert wiener((10.0, 1.0), 0.7) == pytest.approx(wiener((1.0, 10.0), 0.3), rel=1e-14)


def test_isotropic_bounds_are_narrower_and_meet_where_there_is_one_phase_only() -> None:
    outer, inner = wiener((1.0, 10.0), 0.4), hashin_shtrikman((1.0, 10.0), 0.4)
    assert outer.lower < inner.lower < inner.upper < outer.upper
    for fraction, value in ((0.0, 1.0), (1.0, 10.0)):
        assert hashin_shtrikman((1.0, 10.0), fraction) == pytest.approx((value, value), rel=1e-14)
    assert hashin_shtrikman((3.0, 3.0), 0.4) == pytest.approx((3.0, 3.0), rel=1e-14)


def test_what_is_no_composite_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`volume_fraction` must lie between 0 and 1: got 1\.5"):
        wiener((1.0, 2.0), 1.5)
    with pytest.raises(ValueError, match="`conductivities` must be two positive numbers"):
        hashin_shtrikman((1.0, 0.0), 0.5)
