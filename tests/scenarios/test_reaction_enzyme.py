"""The stiff enzyme: what a projection costs beside exact simulation, counted and not estimated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from agents.molecules import Molecules, RateEquations, WellMixed
from eqfree.scenario import Context
from scenarios.reaction.enzyme import enzyme_network, run_enzyme
from scenarios.reaction.equations import follow
from scenarios.reaction.settings import EnzymeSettings, Settings

CONTEXT = Context()


def test_reactions_of_a_projection_are_not_understated(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are told at the propensities with which bursts begin; here every one is counted."""
    counted = 0
    evolve = WellMixed.evolve

    def count(self: WellMixed, micro: Molecules, duration: float, rng: Generator) -> Molecules:
        nonlocal counted
        after = evolve(self, micro, duration, rng)
        counted += int((after.firings - micro.firings).sum())
        return after

    monkeypatch.setattr(WellMixed, "evolve", count)
    table = run_enzyme(small(separations=(5e-3,), replicas=4), CONTEXT).tables["enzyme"]
    told = 4 * table["events"]
    exactly = told[table["way"] == "exact simulation"].sum()
    (projected,) = told[table["way"] == "projection"]
    assert 0.95 * projected < counted - exactly <= projected


@pytest.mark.slow
def test_the_means_of_many_populations_are_those_of_the_rate_equations() -> None:
    """Four standard errors, and a hundredth for eight steps of RK4 that leave the fast motion out."""
    exact, projected = (
        rows.iloc[-1]
        for _, rows in run_enzyme(small(separations=(5e-3,), replicas=32), CONTEXT).tables["enzyme"].groupby("way")
    )
    assert (exact["way"], projected["way"]) == ("exact simulation", "projection")
    assert abs(exact["bias"]) < 4 * exact["bias_stderr"]
    assert abs(projected["bias"]) < 4 * projected["bias_stderr"] + 0.01


def test_the_expected_product_is_that_of_another_solver() -> None:
    """Radau on equations that are written out here."""

    def equations(_: float, c: NDArray[np.float64]) -> list[float]:
        bound, let_go, made = 1000 * c[0] * c[1], 1000 * c[2], c[2]
        return [let_go + made - bound, let_go - bound, bound - let_go - made, made]

    solved = solve_ivp(equations, (0.0, 4.0), [1.0, 2.0, 0.0, 0.0], method="Radau", rtol=1e-10, atol=1e-12)
    network = enzyme_network(1e-3)
    ours = follow(RateEquations(network), network.initial, [0.0, 4.0], volume=1000.0)
    assert network.species == ("E", "S", "C", "P")
    assert ours[-1] == pytest.approx(solved.y[:, -1], rel=1e-6)


def test_checks_are_left_out_where_the_settings_make_them_meaningless() -> None:
    assert not run_enzyme(small(volume=100.0), CONTEXT).checks
    assert (
        len(run_enzyme(small(separations=(0.02,)), CONTEXT).checks) == 1
    )  # the error, for which nothing else is asked


def small(**options: Any) -> Settings:
    return Settings(enzyme=EnzymeSettings(**({"separations": (1e-2,), "steps": (8,), "replicas": 2} | options)))
