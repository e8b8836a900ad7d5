"""Stiff enzyme kinetics: what fast binding costs an exact simulation, and what it costs a projection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import eqfree as ef
from agents.molecules import Molecules, Network, RateEquations, WellMixed, mean_concentrations
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.reaction.settings import EnzymeSettings, Settings

__all__ = ["enzyme_network", "run_enzyme"]

Array = NDArray[np.float64]

_HEALING, _BURST = 1.0, 2.0  # in times of binding
_WANTED = 0.01  # relative error
_FEWER = {1e-2: 5.0, 1e-3: 50.0, 1e-4: 500.0}  # events, at least


def enzyme_network(separation: float) -> Network:
    """E + S <-> C at rates 1/ε, C -> E + P at rate 1, with one of enzyme and two of substrate.

    >>> enzyme_network(0.01).species
    ('E', 'S', 'C', 'P')
    """
    fast = 1 / separation
    return Network.parse(f"E = 1\nS = 2\nE + S <-> C, k={fast!r}, k_back={fast!r}\nC -> E + P, k=1\n")


def run_enzyme(settings: Settings, context: Context) -> Part:
    """Product after a while, projected and by exact simulation, for ever faster binding.

    Bursts last two times of binding, of which the first heals. The slope is what was observed: the complex, averaged
    over the second, turns over at rate 1, so that the product gains what the substrate loses; complex and free enzyme
    are left as the burst leaves them, and carried from burst to burst. Slopes from increments would drown: the complex
    fluctuates by more, in a burst, than the product gains.

    Every replica is projected by itself, so that the errors are those of one population, beside one population
    simulated exactly; both beside the rate equations, from which the mean of so many molecules differs by less than a
    thousandth. Reactions of a projection are counted at the propensities with which its bursts begin, a few more than
    happen. Table: ``enzyme`` (a row per ε and way: reactions of one population, bias of the product and its standard
    error, root mean square error of one population; all relative).
    """
    rows: list[dict[str, Any]] = []
    notes, cost = [], ef.Cost()
    checks: list[ef.Check] = []
    values: dict[str, ef.Value] = {}
    for separation in context.track(list(settings.enzyme.separations), "enzymes"):
        race, spent = _race(separation, settings, context)
        cost += spent
        rows += race
        exact = race[0]
        ours = next(row for row in race if row["steps"] == settings.enzyme.checked_steps)
        fewer = exact["events"] / ours["events"]
        values[f"enzyme_fewer_events_{separation:.0e}"] = ef.Value(fewer)
        notes.append(_words(separation, exact, ours, settings.enzyme.volume))
        checks += _checks(separation, ours, fewer, settings.enzyme)
    return Part({"enzyme": pd.DataFrame(rows)}, values, checks, notes, cost=cost)


@dataclass(frozen=True)
class _Turnover:
    """The slope of an enzyme's concentrations: what the complex turns over, averaged; all else is carried."""

    network: Network
    volume: float

    def __call__(self, before: Molecules, after: Molecules, duration: float) -> Array:
        complexes = mean_concentrations(before, after, duration, self.volume)[self.network.index("C")]
        slope = np.zeros(len(self.network.species))
        slope[self.network.index("S")], slope[self.network.index("P")] = -complexes, complexes
        return slope


def _race(separation: float, settings: Settings, context: Context) -> tuple[list[dict[str, Any]], ef.Cost]:
    """A row for the exact simulation, then one for each number of projected steps."""
    network, options = enzyme_network(separation), settings.enzyme
    product = network.index("P")
    expected = _expected(network, options.duration)
    stepper = ef.CoarseTimeStepper(
        WellMixed(network, options.volume),
        replicas=options.replicas,
        healing=_HEALING * separation,
        executor=context.executor,
        seed=settings.seed,
    )
    rows = []

    def add(way: str, steps: int, events: float, mean: float, spread: float) -> None:
        rows.append(
            {
                "separation": separation,
                "way": way,
                "steps": steps,
                "events": events,
                "bias": mean / expected - 1,
                "bias_stderr": spread / expected / sqrt(options.replicas),
                "error": hypot(mean - expected, spread) / expected,
            }
        )

    packed, reading = stepper.advance(stepper.lift(network.initial), options.duration)
    products = [one["counts"][product] / options.volume for one in packed]
    events = float(np.mean([one["firings"].sum() for one in packed]))
    add("exact simulation", 0, events, float(np.mean(products)), float(np.std(products, ddof=1)))
    cost = reading.cost
    for steps in sorted({*options.steps, options.checked_steps}):
        method = ef.projective.RungeKutta4(
            options.duration / steps,
            _BURST * separation,
            slopes=ef.projective.Early(),
            estimator=ef.projective.Observed(_Turnover(network, options.volume)),
        )
        result = ef.solve_projective(
            stepper, (0.0, options.duration), network.initial, method, key=(steps,), groups=options.replicas
        )
        cost += result.cost
        spread = float(result.stderr[-1, product]) * sqrt(options.replicas)
        per_run = result.cost.agent_updates / options.replicas
        add("projection", steps, per_run, float(result.macro[-1, product]), spread)
    return rows, cost


def _expected(network: Network, duration: float) -> float:
    """The product by the rate equations."""
    equations = RateEquations(network)
    solved = solve_ivp(equations, (0.0, duration), network.initial, method="LSODA", rtol=1e-9, atol=1e-12)
    return float(solved.y[network.index("P"), -1])


def _words(separation: float, exact: Mapping[str, Any], ours: Mapping[str, Any], volume: float) -> str:
    enough = volume * (exact["error"] / _WANTED) ** 2
    return (
        f"Enzyme, ε = {separation:g}: one population of {volume:g} enzymes takes {exact['events']:.3g} reactions exactly, "
        f"with an error of {exact['error']:.2%}, and {ours['events']:.3g} in {ours['steps']} projected steps, with one of "
        f"{ours['error']:.2%}: {exact['events'] / ours['events']:.3g} times fewer. For the mean alone, to "
        f"{_WANTED:.0%}, {enough:.2g} enzymes would do the exact simulation."
    )


def _checks(separation: float, ours: Mapping[str, Any], fewer: float, options: EnzymeSettings) -> list[ef.Check]:
    checks = [
        ef.Check(
            f"error of the projected product of one population, ε = {separation:g}",
            ours["error"],
            0.0,
            _WANTED,
            "rate equations, LSODA",
            relation=ef.Relation.AT_MOST,
        )
    ]
    if separation in _FEWER and options == EnzymeSettings(separations=options.separations, steps=options.steps):
        checks.append(
            ef.Check(
                f"times fewer reactions than by exact simulation, ε = {separation:g}",
                fewer,
                _FEWER[separation],
                0.0,
                "exact simulation of the same population",
                relation=ef.Relation.AT_LEAST,
            )
        )
    return checks
