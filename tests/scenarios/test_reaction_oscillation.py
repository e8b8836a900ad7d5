"""Oscillating networks: Hopf points and cycles from molecules, beside rate equations solved independently."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import eqfree as ef
from agents.molecules import RateEquations, read_network
from eqfree.scenario import Context
from scenarios.reaction import scenario
from scenarios.reaction.oscillation import CATALYST, HOPF_POINTS
from scenarios.reaction.settings import Settings

ALPHA, GAMMA, REACT, BLOCK, CLEAR = 1.6, 0.04, 4.0, 0.36, 0.016


def catalyst(free: float) -> tuple[float, np.ndarray]:
    """β and the state (A, B, C) that is steady with so many free sites, on the side of few CO.

    C = 0.36 F/0.016; A + B = 1 - C - F and 4 A B = 1.6 F - 0.04 A make a quadratic; 2 β F² = 4 A B.
    """
    c = BLOCK * free / CLEAR
    middle = GAMMA + REACT * (1 - free - c)
    a = (middle + np.sqrt(middle**2 - 4 * REACT * ALPHA * free)) / (2 * REACT)
    b = 1 - free - c - a
    return REACT * a * b / (2 * free**2), np.array([a, b, c])


def growth(free: float) -> float:
    """Largest real part of the eigenvalues of the Jacobian of A', B', C' at that state, written out."""
    beta, (a, b, c) = catalyst(free)
    f = 1 - a - b - c
    jacobian = [
        [-ALPHA - GAMMA - REACT * b, -ALPHA - REACT * a, -ALPHA],
        [-4 * beta * f - REACT * b, -4 * beta * f - REACT * a, -4 * beta * f],
        [-BLOCK, -BLOCK, -BLOCK - CLEAR],
    ]
    return float(np.linalg.eigvals(np.array(jacobian)).real.max())


def test_the_hopf_points_of_the_catalyst_are_those_of_the_eigenvalues() -> None:
    found = [catalyst(brentq(growth, *span, xtol=1e-15))[0] for span in ((0.0269, 0.0275), (0.0317, 0.0326))]
    assert found == pytest.approx(HOPF_POINTS, abs=1e-9)


def test_the_network_of_the_catalyst_has_the_rate_equations_that_it_says() -> None:
    network = read_network(CATALYST).with_rates({"dissociate": 20.8})
    a, b, c = 0.27, 0.03, 0.66
    f = 1 - a - b - c
    state = np.zeros(4)
    for name, value in (("A", a), ("B", b), ("C", c), ("F", f)):
        state[network.index(name)] = value
    slope = RateEquations(network)(0.0, state)
    told = [slope[network.index(name)] for name in "ABC"]
    exact = [1.6 * f - 0.04 * a - 4 * a * b, 2 * 20.8 * f**2 - 4 * a * b, 0.36 * f - 0.016 * c]
    assert told == pytest.approx(exact, rel=1e-12)


@pytest.fixture(scope="module")
def study() -> ef.Study:
    quick = {name.removeprefix("oscillation."): value for name, value in Settings.quick.items() if "oscill" in name}
    quick |= {"replicas": 16, "hopf_replicas": 32, "cycle_replicas": 12}
    return scenario.run(Settings(parts=("oscillation",), oscillation=quick), Context())


@pytest.mark.slow
def test_hopf_point_period_and_floquet_multiplier_are_covered(study: ef.Study) -> None:
    """B = 2 and ω = 1; 7.15692 + 5.5/Ω; 2.516e-4; 7.15691992118 by shooting."""
    assert [check.quantity for check in study.checks if not check.ok] == []
    assert len(study.checks) == 7
    assert not study.failures
    assert study.values["hopf_b"].stderr < 0.05
    assert study.values["cycle_floquet"].stderr < 0.05


@pytest.mark.slow
def test_cycles_of_the_rate_equations_begin_at_the_hopf_point_and_pass_the_known_one(study: ef.Study) -> None:
    """Extremes of Y at B = 3: 0.8523255 and 4.7221247, an independent solution; the period grows from 2π."""
    cycles = study.tables["oscillation_cycles"]
    assert cycles["parameter"].min() == pytest.approx(2.0, abs=0.02)
    assert cycles["period"].iloc[0] == pytest.approx(2 * np.pi, abs=0.02)
    low, high, period = (np.interp(3.0, cycles["parameter"], cycles[name]) for name in ("low", "high", "period"))
    assert (low, high) == pytest.approx((0.8523255, 4.7221247), abs=0.02)
    assert period == pytest.approx(7.15691992, abs=0.01)
    assert (cycles["stability"] == "stable").all()


@pytest.mark.slow
def test_the_study_is_drawn(study: ef.Study) -> None:
    assert list(scenario.draw(study)) == ["oscillation_brusselator", "cycles"]
