"""Networks beside rate equations, the noisy period, and the law of Schlögl's molecules.

Period of the Brusselator: 7.15692 + (5.5 ± 0.5)/Ω, an independent program. Schlögl's law: the figures with fourteen
digits are of an independent program in 40-digit arithmetic.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.stats import chisquare, poisson

import eqfree as ef
from agents.molecules import CARRIED, Network, RateEquations, WellMixed, read_network
from eqfree.projective.estimators import Estimate
from eqfree.scenario import Context
from scenarios.reaction import network as network_part
from scenarios.reaction.equations import count_reactions, find_rates, follow
from scenarios.reaction.law import chi_square_probability, run_law, stationary_law
from scenarios.reaction.network import run_network
from scenarios.reaction.periods import run_periods, upcrossings
from scenarios.reaction.plan import is_comparable, model_of, plan_projection
from scenarios.reaction.propensities import Propensities, without_fast
from scenarios.reaction.settings import ProjectionSettings, Settings

CONTEXT = Context()
STIFF = "E = 1\nS = 2\nE + S <-> C, k=1000, k_back=1000\nC -> E + P, k=1\n"


_ENOUGH = {"co_oxidation_inert": 2e5}
"""Molecules per concentration where those of the scarcest species would drown 2 %: 0.04 of F is then known to 0.2 %."""


@pytest.mark.slow
@pytest.mark.parametrize("name", CARRIED)
def test_a_carried_network_is_projected_to_where_its_molecules_go(name: str) -> None:
    volume = _ENOUGH.get(name)
    part = run_network(Settings(network=name, volume=volume, replicas=8, cycles=100, populations=100), CONTEXT)
    assert not part.failures
    assert [check.quantity for check in part.checks if not check.ok] == []
    table = part.tables["network"]
    assert (table["concentration"] >= 0).all()
    ends = table[table["time"] == table["time"].max()].pivot(index="species", columns="way", values="concentration")
    largest = table.groupby("species")["concentration"].max()
    assert ((ends["projection"] - ends["rate equations"]).abs() < 0.02 * largest).all()


def test_the_brusselator_is_followed_from_its_cycle_for_less_than_a_period() -> None:
    """The rate equations return to X = 1, Y = 4.468893056209 after 7.15691992118, an independent program."""
    model = model_of(Settings())
    assert plan_projection(model, Settings()).duration < 7.15691992118
    equations = RateEquations(model.network)
    end = solve_ivp(equations, (0.0, 7.15691992118), model.network.initial, rtol=1e-10, atol=1e-12).y[:, -1]
    assert end == pytest.approx([1.0, 4.468893056209], abs=1e-5)


@pytest.mark.slow
def test_the_users_file_is_projected_with_its_fast_motion_left_out(tmp_path: Path) -> None:
    """An enzyme with a gap of a thousand; the product by the rate equations."""
    file = tmp_path / "enzyme.txt"
    file.write_text(STIFF)
    settings = Settings(
        network=str(file), volume=500.0, replicas=8, projection=ProjectionSettings(duration=4.0, step=0.5)
    )
    part = run_network(settings, CONTEXT)
    network = Network.parse(STIFF)
    expected = follow(RateEquations(network), network.initial, [0.0, 4.0], 500.0)[-1, network.index("P")]
    assert part.values["network_p_end"].value == pytest.approx(expected, rel=0.01)
    assert part.values["network_gain"].value > 50
    assert not part.checks


def test_slopes_with_fast_motion_in_them_are_nearly_all_noise() -> None:
    """To and fro at 1000 each, events of 500 molecules leave noise of about sqrt(2 · 420 · 500 / 0.0015) / 500 = 33."""
    model = WellMixed(Network.parse(STIFF), 500.0)
    whole, slow = Propensities(model), Propensities(model, dying=50.0)
    slopes = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        before = model.evolve(model.lift(np.array([0.6, 0.7, 0.4, 0.9]), rng), 5e-3, rng)
        after = model.evolve(before, 1.5e-3, rng)
        slopes.append([law(before, after, 1.5e-3)[model.network.index("S")] for law in (whole, slow)])
    noisy, quiet = np.std(slopes, axis=0)
    assert noisy > 10 * quiet
    assert quiet < 0.05


def test_what_is_left_of_a_slope_is_the_slow_eigenvectors() -> None:
    jacobian = np.array([[-500.0, 300.0, 1.0], [500.0, -301.0, 0.0], [0.0, 1.0, -1.0]])
    projector = without_fast(jacobian, dying=50.0)
    assert projector @ projector == pytest.approx(projector, abs=1e-12)
    assert projector @ jacobian == pytest.approx(jacobian @ projector, abs=1e-9)
    assert np.trace(projector) == pytest.approx(2.0)
    assert np.abs(np.linalg.eigvals(projector @ jacobian)).max() < 50


def test_a_small_gap_between_rates_is_no_stiffness() -> None:
    """co_oxidation: rates 14 apart, whose bursts would cover the steps if the fast one had to heal."""
    settings = Settings(network="co_oxidation")
    plan = plan_projection(model_of(settings), settings)
    assert plan.healing == 0.0
    assert plan.dying == plan.cut == np.inf


def test_the_gap_of_a_stiff_network_is_found() -> None:
    """A <-> B at 1000 each way, B -> C at 2: eigenvalues -(2002 ± sqrt(2002² - 8000)) / 2."""
    network = Network.parse("A = 1\nA <-> B, k=1000, k_back=1000\nB -> C, k=2\n")
    root = np.sqrt(2002.0**2 - 8000)
    rates = find_rates(network, 1.0, 1000.0)
    assert rates.followed == pytest.approx((2002 - root) / 2, rel=1e-6)
    assert rates.dying == pytest.approx((2002 + root) / 2, rel=1e-6)


def test_fast_growth_is_no_motion_that_dies() -> None:
    assert find_rates(Network.parse("A = 1\nB = 1\nA -> 2A, k=60\nB -> 0, k=1\n"), 0.1, 10.0).dying == np.inf


def test_reactions_are_counted_before_they_are_simulated() -> None:
    """Decay: Ω (1 - exp(-t)); x' = x² makes Ω reactions until t = 1/2, and more than any number until t = 1."""
    decay = Network.parse("X = 1\nX -> 0, k=1\n")
    assert count_reactions(decay, 2.0, 1000.0, most=1e9) == pytest.approx(1000 * (1 - np.exp(-2)), rel=1e-4)
    assert count_reactions(Network.parse("X = 1\n2X -> 3X, k=1\n"), 0.5, 1000.0, most=1e9) == pytest.approx(
        1000, rel=1e-4
    )
    assert count_reactions(Network.parse("X = 1\n2X -> 3X, k=1\n"), 2.0, 1000.0, most=1e9) == np.inf


def test_the_users_steps_are_taken() -> None:
    given = ProjectionSettings(duration=5.0, step=0.2, burst=0.05, healing=0.02)
    settings = Settings(projection=given)
    plan = plan_projection(model_of(settings), settings)
    assert (plan.duration, plan.step, plan.burst, plan.healing) == (5.0, 0.2, 0.05, 0.02)


@pytest.mark.parametrize(
    ("changed", "comparable"),
    [
        ({}, True),
        ({"projection": ProjectionSettings(duration=20.0)}, False),  # populations are out of step by then
        ({"volume": 50.0}, False),  # a mean of few molecules is not where rates at the mean go
    ],
)
def test_means_are_compared_where_they_are_comparable(changed: dict[str, Any], comparable: bool) -> None:
    settings = Settings(**changed)
    model = model_of(settings)
    assert is_comparable(model, settings, plan_projection(model, settings)) == comparable


def test_nothing_happens_in_a_network_at_rest(tmp_path: Path) -> None:
    file = tmp_path / "rest.txt"
    file.write_text("X = 1\nX -> 0, k=0\n")
    part = run_network(Settings(network=str(file), replicas=2), CONTEXT)
    assert (part.tables["network"]["concentration"] == 1).all()


class Broken:
    """A scheme whose first step is not a number."""

    order = 0
    step = 1.0

    def look(self, *_: object) -> Estimate:
        raise NotImplementedError

    def advance(self, *_: object) -> ef.projective.Step:
        return ef.projective.Step(1.0, np.full((1, 2), np.nan))


@pytest.mark.slow
def test_a_projection_that_ends_early_is_kept_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_part, "scheme_of", lambda *_: Broken())
    part = run_network(Settings(network="brusselator", replicas=2, cycles=100), CONTEXT)
    assert [failure.split(".")[0] for failure in part.failures] == ["The projection ended at 0"]
    assert {"projection", "exact simulation"} <= set(part.tables["network"]["way"])
    assert "network_gain" not in part.values


def test_an_upcrossing_counts_once_per_swing() -> None:
    x = [0.5, 1.0, 3.0, 1.9, 2.1, 0.7, 1.5, 2.5, 3.0]
    assert upcrossings(np.arange(9.0), x, low=0.8, high=2.0).tolist() == [1.5, 6.5]
    assert upcrossings([0.0, 1.0, 2.0], [1.0, 2.5, 3.0], low=0.8, high=2.0).tolist() == []


@pytest.mark.slow
def test_noise_lengthens_the_period_of_the_brusselator_by_five_and_a_half_over_the_volume() -> None:
    """As far as 600 cycles tell; `tests/agents/molecules/test_brusselator.py` has 16 000 at Ω = 100."""
    part = run_periods(Settings(cycles=600), CONTEXT)
    for volume, expected, known in ((100, 7.15692 + 0.055, 0.045), (1000, 7.15692 + 0.0055, 0.019)):
        period = part.values[f"brusselator_period_{volume}"]
        assert abs(period.value - expected) < 4 * np.hypot(period.stderr, 0.5 / volume)
        assert period.stderr < known
    assert len(part.checks) == 2
    assert all(check.ok for check in part.checks)


def test_the_stationary_law_is_that_of_the_reference() -> None:
    law = stationary_law(read_network("schlogl"), volume=1.0, largest=1500)
    assert law[:256].sum() == pytest.approx(0.22026028205755, rel=1e-11)
    assert law @ np.arange(1501) == pytest.approx(454.8613478979, rel=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_stationary_law_of_schlogl_stays_what_it_is(seed: int) -> None:
    """`tests/agents/molecules/test_schlogl.py` has 1500 populations."""
    part = run_law(Settings(seed=seed, populations=250), CONTEXT)
    assert [check.quantity for check in part.checks if not check.ok] == []
    table = part.tables["law"]
    assert table["found"].sum() == pytest.approx(1.0)
    assert (250 * table["expected"]).min() >= 5.0
    assert (table["from"].to_numpy()[1:] == table["to"].to_numpy()[:-1] + 1).all()


def test_chi_square_is_scipys_and_refuses_another_law() -> None:
    law = poisson.pmf(np.arange(60), 30.0)
    law /= law.sum()
    rng = np.random.default_rng(0)
    right, wrong = (np.bincount(rng.poisson(mean, 2000), minlength=60)[:60] for mean in (30.0, 31.0))
    assert chi_square_probability(right, law) > 1e-3
    assert chi_square_probability(wrong, law) < 1e-6
    even = np.full(10, 0.1)
    counts = np.array([12, 8, 9, 11, 14, 6, 10, 10, 13, 7])
    assert chi_square_probability(counts, even) == pytest.approx(float(chisquare(counts).pvalue), rel=1e-12)
