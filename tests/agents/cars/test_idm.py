"""Values: the parameters of Treiber, Hennecke & Helbing 2000, by an independent program.

In the references: idm_highway_Treiber2000.
"""

import numpy as np
import pytest

from agents.cars import CAR, IDM, Drivers, Fleet, RingAtDensity, equilibrium_speed, flow
from benchmarks.cars import disagreement

FLOW_AT_DENSITY = {  # cars per km -> cars per hour
    10: 1102.2709733965874,
    20: 1677.134620709965,
    30: 1726.256336327676,
    50: 1459.5429613980625,
    80: 989.9236800689004,
}
SPEED_AT_GAP = {
    10.0: 4.9984197680125275,
    20.0: 11.170914656976821,
    30.0: 16.873916984886446,
    50.0: 24.787431196634607,
    100.0: 30.872715184501875,
}


def test_steady_speeds_are_those_of_the_reference() -> None:
    gap = np.array(list(SPEED_AT_GAP))
    expected = np.array(list(SPEED_AT_GAP.values()))
    assert IDM().steady_speed(gap, Drivers.of([CAR], [0] * 5)) == pytest.approx(expected, rel=1e-12)


def test_a_driver_closer_than_the_minimum_gap_stands() -> None:
    assert IDM().steady_speed(np.array([0.0, 1.0, 2.0]), Drivers.of([CAR], [0] * 3)).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("density", "expected"), FLOW_AT_DENSITY.items())
def test_the_equilibrium_branch_is_that_of_the_reference(density: float, expected: float) -> None:
    speed = equilibrium_speed(IDM(), Drivers.of([CAR], [0] * 8), 8 / density * 1000)
    assert 3.6 * density * speed == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(("density", "expected"), FLOW_AT_DENSITY.items())
def test_a_short_ring_heals_to_the_equilibrium_branch(density: float, expected: float) -> None:
    ring = RingAtDensity(IDM(), Fleet.of(CAR), cars=6, displacement=0.3)
    rng = np.random.default_rng(1)
    before = ring.evolve(ring.lift(np.array([density / 1000]), rng), 1500.0, rng)
    after = ring.evolve(before, 60.0, rng)
    assert 3600 * flow(before, after, 60.0) == pytest.approx(expected, rel=1e-5)


def test_the_kernel_is_the_mesa_model_to_1e_9_after_1000_steps() -> None:
    assert disagreement(count=30, steps=1000) < 1e-9


@pytest.mark.parametrize("options", [{"exponent": 0.0}, {"exponent": np.inf}, {"step": 0.0}, {"step": np.nan}])
def test_options_that_are_none_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        IDM(**options)
