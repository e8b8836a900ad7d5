"""Flow and gradient coefficient of cars among trucks, against closed forms and the dispersion of mixed rings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import root

from agents.cars import CAR, IDM, TRUCK, Drivers, NagelSchreckenberg, SafeDistance, Vehicle
from scenarios.traffic.exact import STEADY_GAP, equilibrium_flow
from scenarios.traffic.mixture import MixedFlow, MixedFlowAndGradient, ask_mixture

BRISK = replace(CAR, acceleration=1.5)
BRISK_TRUCK = replace(TRUCK, acceleration=1.5)
DENSITIES = np.array([0.005, 0.015, 0.025, 0.035, 0.05, 0.065])


def dispersion(speed: float, density: float, counts: tuple[int, int]) -> float:
    """D from the decay of the longest waves of IDM drivers on a ring: Π G_i(λ) = exp(-iα n), α = 2πk/n.

    dv/dt = f(s, v, l) linearised passes speeds on by G = (λ f_l + f_s) / (λ² - λ f_v + f_s). -Re λ/α² of two waves,
    extrapolated to α = 0, in cars; λ by Newton's method; nothing of it depends on the order of the vehicles.
    """
    vehicles = sum(counts)
    transfers = [transfer(speed, vehicle) for vehicle in (BRISK, BRISK_TRUCK)]

    def rate(alpha: float) -> float:
        def miss(at: NDArray[np.float64]) -> list[float]:
            growth = complex(*at)
            logarithm = sum(
                count * np.log((growth * by_leader + by_gap) / (growth**2 - growth * by_speed + by_gap))
                for count, (by_gap, by_speed, by_leader) in zip(counts, transfers, strict=True)
            )
            error = logarithm / vehicles + 1j * alpha
            return [error.real, error.imag]

        delays = [(-by_speed - by_leader) / by_gap for by_gap, by_speed, by_leader in transfers]
        guess = alpha * vehicles / np.dot(counts, delays)
        found = root(miss, [0.0, guess], tol=1e-14)
        return -float(found.x[0]) / alpha**2

    long, short = rate(1e-2), rate(2e-2)
    return (4 * long - short) / 3 / density**2


def transfer(speed: float, vehicle: Vehicle) -> tuple[float, float, float]:
    """f_s, f_v, f_l of an IDM driver in steady flow, by differences."""
    law, driver = IDM(), Drivers.of([vehicle], [0])
    gap = float(law.steady_gap(np.array([speed]), driver)[0])
    at, steps = np.array([[gap], [speed], [speed]]), 1e-5 * np.eye(3)[:, :, np.newaxis]

    def acceleration(state: NDArray[np.float64]) -> float:
        return float(law.acceleration(state[0], state[1], state[2], driver)[0])

    by_gap, by_speed, by_leader = ((acceleration(at + step) - acceleration(at - step)) / 2e-5 for step in steps)
    return by_gap, by_speed, by_leader


@pytest.mark.parametrize("share", [0.1, 0.15, 0.5])
def test_flow_is_that_of_the_common_speed(share: float) -> None:
    """Independent solution for the common speed."""
    for law, model in ((SafeDistance(), "safe_distance"), (IDM(), "idm")):
        answer = MixedFlow(law, CAR, TRUCK, share)(DENSITIES[:, None])
        expected = [
            equilibrium_flow(STEADY_GAP[model], [CAR, TRUCK], [1 - share, share], density) for density in DENSITIES
        ]
        assert answer.value[:, 0] == pytest.approx(expected, rel=1e-9)
        assert answer.stderr.max() < 1e-12  # whatever the order


def test_trucks_slow_the_road_down_however_few_they_are() -> None:
    few, none = (MixedFlow(SafeDistance(), CAR, TRUCK, share)([[0.01]]).value[0, 0] for share in (1 / 60, 0.0))
    assert few == pytest.approx(none, rel=1e-9) == pytest.approx(0.01 * TRUCK.desired_speed, rel=1e-9)


@pytest.mark.parametrize("share", [0.1, 0.15, 0.5, 1.0])
def test_safe_distance_gradient_is_that_of_added_delays_and_blurs(share: float) -> None:
    """D = mean τ² / (2 (mean τ)³ ρ²) where traffic is dense, nothing in free flow."""
    answer = MixedFlowAndGradient(MixedFlow(SafeDistance(), CAR, TRUCK, share))(DENSITIES[:, None])
    delay = (1 - share) * CAR.time_headway + share * TRUCK.time_headway
    blur = (1 - share) * CAR.time_headway**2 + share * TRUCK.time_headway**2
    critical = 1 / ((1 - share) * 7 + share * 14 + delay * TRUCK.desired_speed)
    expected = np.where(critical > DENSITIES, 0.0, blur / (2 * delay**3 * DENSITIES**2))
    assert answer.value[:, 1] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("counts", [(51, 9), (30, 30)])
def test_idm_gradient_is_that_of_the_dispersion_of_the_mixed_ring(counts: tuple[int, int]) -> None:
    share, dense = counts[1] / 60, DENSITIES[2:]
    answer = MixedFlowAndGradient(MixedFlow(IDM(), BRISK, BRISK_TRUCK, share))(dense[:, None])
    expected = [
        dispersion(flow / density, density, counts) for flow, density in zip(answer.value[:, 0], dense, strict=True)
    ]
    assert answer.value[:, 1] == pytest.approx(expected, rel=0.015)


def test_slowly_accelerating_trucks_make_the_mixture_unstable() -> None:
    gradients = [
        MixedFlowAndGradient(MixedFlow(IDM(), BRISK, truck, 0.15))([[0.04]]).value[0, 1]
        for truck in (BRISK_TRUCK, TRUCK)
    ]
    assert gradients[0] > 0 > gradients[1]


@pytest.mark.slow
def test_capacity_is_that_of_newell_at_the_shares_of_the_tables() -> None:
    """v / (l + τ v) with the means over the types of effective length and reaction time, safe distance."""
    flux = ask_mixture(SafeDistance(), CAR, TRUCK, [0.0, 0.1, 0.15, 0.2, 1.0])
    shares = np.array([0.1, 0.15, 0.2])
    rooms = [v.length + v.minimum_gap + v.time_headway * TRUCK.desired_speed for v in (CAR, TRUCK)]
    exact = TRUCK.desired_speed / ((1 - shares) * rooms[0] + shares * rooms[1])
    assert flux.curves(shares).capacity == pytest.approx(exact, rel=2e-3)


@pytest.mark.slow
def test_nobody_flows_on_the_empty_road_and_in_the_jam() -> None:
    flux = ask_mixture(SafeDistance(), CAR, TRUCK, [0.0, 0.5, 1.0])
    assert flux([0.0, 1 / 10.5], 0.5) == pytest.approx([0.0, 0.0], abs=1e-12)
    assert flux.largest_density == pytest.approx(1 / 7)


def test_mixtures_that_cannot_be_asked_are_refused() -> None:
    with pytest.raises(ValueError, match="no faster than cars"):
        MixedFlow(IDM(), TRUCK, CAR, 0.5)
    with pytest.raises(ValueError, match=r"Take 0\.116667"):
        MixedFlow(IDM(), CAR, TRUCK, 0.11)
    with pytest.raises(ValueError, match="whole number of trucks"):
        MixedFlow(IDM(), CAR, TRUCK, 1.5)
    with pytest.raises(ValueError, match="first or second order"):
        MixedFlowAndGradient(MixedFlow(NagelSchreckenberg(), CAR, TRUCK, 0.5))([[0.04]])
