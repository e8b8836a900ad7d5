"""Ions between blocking electrodes, beside enumeration and exact polynomials."""

from __future__ import annotations

from math import comb, cosh

import numpy as np
import pytest

from eqfree.scenario import Context
from scenarios.battery.polarisation.chebyshev import chebyshev, stable_reach
from scenarios.battery.polarisation.draw import draw_polarisation
from scenarios.battery.polarisation.exact import slowest_rate, steady_profile
from scenarios.battery.polarisation.settings import QUICK, PolarisationSettings
from scenarios.battery.polarisation.study import Blocked, run_polarisation


def test_the_steady_profile_is_that_of_all_configurations_with_as_many_ions() -> None:
    """Columns of 9 sites: configurations counted by binomials, weighed by exp(tilt × column)."""
    columns, width, ions, tilt = 4, 9, 14, 0.7
    total, means = 0.0, np.zeros(columns)
    for numbers in np.ndindex(*(width + 1,) * columns):
        if sum(numbers) == ions:
            ways = np.prod([comb(width, number) for number in numbers])
            weight = float(ways) * np.exp(tilt * np.dot(numbers, np.arange(columns)))
            total += weight
            means += weight * np.array(numbers) / width
    profile = steady_profile(columns, ions / width / columns, tilt)
    assert profile.mean() == pytest.approx(ions / width / columns, abs=1e-12)
    np.testing.assert_allclose(profile, means / total, atol=1 / (2 * columns * width))
    np.testing.assert_allclose(np.diff(np.log(profile / (1 - profile))), tilt, rtol=1e-9)


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1: got 1"):
        steady_profile(4, 1.0, 0.5)


def test_the_slowest_rate_is_an_eigenvalue_of_the_chain_with_walls() -> None:
    chain = np.diag([1.0, 2.0, 2.0, 2.0, 1.0]) - np.diag(np.ones(4), 1) - np.diag(np.ones(4), -1)
    assert slowest_rate(5) == pytest.approx(np.linalg.eigvalsh(chain)[1], rel=1e-9)


@pytest.mark.parametrize("stages", [2, 3, 8])
def test_a_step_is_the_damped_chebyshev_polynomial_and_stable_to_its_reach(stages: int) -> None:
    tableau, reach = chebyshev(stages), stable_reach(stages)
    rows, weights, ones = tableau.rows, np.asarray(tableau.weights), np.ones(stages)
    polynomial = np.polynomial.Chebyshev.basis(stages)
    centre = 1 + 2 / stages**2
    slope = polynomial(centre) / polynomial.deriv()(centre)
    for product in np.linspace(0.0, reach, 50):
        left = 1 - product * weights @ np.linalg.solve(np.eye(stages) + product * rows, ones)
        assert left == pytest.approx(polynomial(centre - slope * product) / polynomial(centre), abs=1e-10)
        assert abs(left) <= 1 + 1e-10
    assert reach == pytest.approx((centre + 1) / slope)
    with pytest.raises(ValueError, match="two `stages` or more"):
        chebyshev(1)


def test_slopes_are_the_rates_of_all_hops_between_planes() -> None:
    options = PolarisationSettings(columns=4, width=3, filling=0.5, drop=1.5)
    blocked = Blocked.of(options)
    ions = blocked.gas.lift(blocked.even, np.random.default_rng(0))
    held = (ions.who >= 0).reshape(4, 9)
    downhill, uphill = np.exp(0.25), np.exp(-0.25)  # half a tilt of 1.5/3
    through = [downhill * (held[i] & ~held[i + 1]).sum() - uphill * (held[i + 1] & ~held[i]).sum() for i in range(3)]
    change = np.diff([0.0, *through, 0.0]) * -blocked.rate / 9
    np.testing.assert_allclose(blocked.drift(ions, ions, 1.0)[0], change, rtol=1e-9)
    assert blocked.gas.rates.base.max() == pytest.approx(blocked.rate * downhill)
    assert 4 * cosh(blocked.tilt / 2) == pytest.approx(2 * (downhill + uphill))


@pytest.mark.slow
def test_the_projection_ends_in_the_exact_profile_and_keeps_the_ions() -> None:
    options = PolarisationSettings(**{**QUICK, "columns": 8, "replicas": 16, "lifted": 30})
    part = run_polarisation(options, Context(), 1)
    assert [check.quantity for check in part.checks if not check.ok] == []
    assert len(part.checks) == 5
    assert not part.failures
    assert part.values["polarisation_gain_at_equal_error"].value > 1
    assert set(draw_polarisation(part.tables)) == {"polarisation"}


def test_bursts_that_cover_their_step_and_full_boxes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Shorten `polarisation\.burst`"):
        run_polarisation(PolarisationSettings(columns=4, stages=2, burst=1.0), Context(), 0)
    with pytest.raises(ValueError, match="where there are ions and vacancies"):
        Blocked.of(PolarisationSettings(columns=4, width=3, filling=0.999))
