"""Stiff enzyme kinetics: what fast binding costs an exact simulation, and what it costs a projection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import hypot, inf, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.molecules import Molecules, Network, RateEquations, WellMixed, mean_concentrations
from eqfree.ensemble import ExecutorLike
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.reaction.equations import follow
from scenarios.reaction.settings import BURST, EnzymeSettings, Settings

__all__ = ["Turnover", "enzyme_network", "run_enzyme"]

Array = NDArray[np.float64]

_HEALING = 1.0  # in times of binding
_WANTED = 0.01  # relative error
_FEWER = {1e-2: 5.0, 1e-3: 50.0, 1e-4: 500.0}  # reactions, at least
_LEAST = 1000.0  # enzymes, for which that was asked
_SMALLER = (16, 4, 1)  # times smaller volumes, simulated exactly


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
    thousandth. Fewer molecules cost less and err more: the exact simulation is made of sixteen and of four times
    fewer, too. Its reactions are counted one by one; those of a projection at the propensities with which its bursts
    begin. Table: ``enzyme`` (a row per ε, way, volume and number of steps: reactions of one population, bias of the
    product and its standard error, root mean square error of one population and its standard error, all relative; and
    how many enzymes are wanted for an error of a hundredth).
    """
    options = settings.enzyme
    rows: list[dict[str, float | str]] = []
    values: dict[str, ef.Value] = {}
    checks: list[ef.Check] = []
    notes, cost = [], ef.Cost()
    for separation in context.track(list(options.separations), "enzymes"):
        enzyme = _Enzyme(separation, options, context.executor, settings.seed)
        simulated = [enzyme.simulate(float(max(round(options.volume / smaller), 1))) for smaller in _SMALLER]
        projected = [enzyme.project(steps) for steps in sorted(set(options.steps))]
        exact, ours = simulated[-1], next(one for one in projected if one.steps == options.checked_steps)
        rows += [{"separation": separation, **one.row} for one in (*simulated, *projected)]
        values[f"enzyme_fewer_events_{separation:.0e}"] = ef.Value(exact.events / ours.events)
        notes.append(_words(separation, exact, ours))
        checks += _checks(separation, exact, ours, options)
        cost += sum((one.cost for one in (*simulated, *projected)), ef.Cost())
    return Part({"enzyme": pd.DataFrame(rows)}, values, checks, notes, cost=cost)


@dataclass(frozen=True)
class Turnover:
    """The slope of an enzyme's concentrations: what the complex turns over, averaged; all else is carried.

    Parameters
    ----------
    network
        That of `enzyme_network`.
    volume
        Molecules per concentration of 1.

    Examples
    --------
    >>> model = WellMixed(enzyme_network(0.01), volume=1000.0)
    >>> before = model.lift(np.array([0.5, 1.0, 0.5, 0.0]), np.random.default_rng(0))
    >>> Turnover(model.network, 1000.0)(before, model.evolve(before, 1e-9, np.random.default_rng(1)), 1e-9).round(6)
    array([ 0. , -0.5,  0. ,  0.5])
    """

    network: Network
    volume: float

    def __call__(self, before: Molecules, after: Molecules, duration: float) -> Array:
        """The slope."""
        complexes = mean_concentrations(before, after, duration, self.volume)[self.network.index("C")]
        slope = np.zeros(len(self.network.species))
        slope[self.network.index("S")], slope[self.network.index("P")] = -complexes, complexes
        return slope


@dataclass(frozen=True)
class _Outcome:
    """What populations came to, each by itself: mean and spread of their product, as shares of the expected one."""

    way: str
    volume: float
    steps: int
    replicas: int
    events: float
    mean: float
    spread: float
    cost: ef.Cost

    @property
    def error(self) -> float:
        """Root mean square of one population."""
        return hypot(self.mean - 1, self.spread * sqrt(1 - 1 / self.replicas))

    @property
    def error_stderr(self) -> float:
        """Its standard error, for a product that is normally distributed."""
        n, bias = self.replicas, self.mean - 1
        of_square = sqrt(2 * self.spread**4 * (n - 1) / n**2 + 4 * bias**2 * self.spread**2 / n)
        return of_square / (2 * self.error) if self.error > 0 else 0.0

    @property
    def wanted(self) -> float:
        """Molecules for the wanted error of the mean, whose variance is as one over them; what is left is the scheme's.

        An exact simulation has no error but noise; infinite where the scheme alone errs by more.
        """
        room = _WANTED**2 - (self.mean - 1) ** 2 * bool(self.steps)
        return self.volume * self.spread**2 / room if room > 0 else inf

    @property
    def row(self) -> dict[str, float | str]:
        """Of the table."""
        return {
            "way": self.way,
            "volume": self.volume,
            "steps": self.steps,
            "events": self.events,
            "bias": self.mean - 1,
            "bias_stderr": self.spread / sqrt(self.replicas),
            "error": self.error,
            "error_stderr": self.error_stderr,
            "wanted": self.wanted,
        }


@dataclass(frozen=True)
class _Enzyme:
    """An enzyme, followed in either way."""

    separation: float
    options: EnzymeSettings
    executor: ExecutorLike
    seed: int

    @cached_property
    def network(self) -> Network:
        """Its reactions."""
        return enzyme_network(self.separation)

    @cached_property
    def expected(self) -> float:
        """The product at the end, by the rate equations."""
        times = [0.0, self.options.duration]
        ends = follow(RateEquations(self.network), self.network.initial, times, self.options.volume)
        return float(ends[-1, self._product])

    def simulate(self, volume: float) -> _Outcome:
        """By exact simulation of so many enzymes."""
        stepper = self._stepper(volume)
        key = (0, round(volume))
        packed, reading = stepper.advance(stepper.lift(self.network.initial, key), self.options.duration, key)
        products = np.array([one["counts"][self._product] for one in packed]) / volume
        return _Outcome(
            way="exact simulation",
            volume=volume,
            steps=0,
            replicas=self.options.replicas,
            events=float(np.mean([one["firings"].sum() for one in packed])),
            mean=float(products.mean()) / self.expected,
            spread=float(products.std(ddof=1)) / self.expected,
            cost=reading.cost,
        )

    def project(self, steps: int) -> _Outcome:
        """By so many steps of projection."""
        options = self.options
        method = ef.projective.RungeKutta4(
            options.duration / steps,
            BURST * self.separation,
            slopes=ef.projective.Early(),
            estimator=ef.projective.Observed(Turnover(self.network, options.volume)),
        )
        result = ef.solve_projective(
            self._stepper(options.volume),
            (0.0, options.duration),
            self.network.initial,
            method,
            key=(steps,),
            groups=options.replicas,
        )
        return _Outcome(
            way="projection",
            volume=options.volume,
            steps=steps,
            replicas=options.replicas,
            events=result.cost.agent_updates / options.replicas,
            mean=float(result.macro[-1, self._product]) / self.expected,
            spread=float(result.stderr[-1, self._product]) * sqrt(options.replicas) / self.expected,
            cost=result.cost,
        )

    @property
    def _product(self) -> int:
        return self.network.index("P")

    def _stepper(self, volume: float) -> ef.CoarseTimeStepper:
        return ef.CoarseTimeStepper(
            WellMixed(self.network, volume),
            replicas=self.options.replicas,
            healing=_HEALING * self.separation,
            executor=self.executor,
            seed=self.seed,
        )


def _words(separation: float, exact: _Outcome, ours: _Outcome) -> str:
    errors = [f"{100 * one.error:.2f} ± {100 * one.error_stderr:.2f} %" for one in (exact, ours)]
    return (
        f"Enzyme, ε = {separation:g}: one population of {exact.volume:g} enzymes takes {exact.events:.3g} reactions "
        f"exactly, with an error of {errors[0]}, and {ours.events:.3g} in {ours.steps} projected steps, with one of "
        f"{errors[1]}: {exact.events / ours.events:.3g} times fewer. For the mean alone, to {_WANTED:.0%}, another "
        f"volume would do: {exact.wanted:.2g} enzymes and {exact.wanted / exact.volume * exact.events:.2g} reactions "
        f"exactly, {ours.wanted:.2g} enzymes and {ours.wanted / ours.volume * ours.events:.2g} reactions projected."
    )


def _checks(separation: float, exact: _Outcome, ours: _Outcome, options: EnzymeSettings) -> Iterator[ef.Check]:
    usual = EnzymeSettings()
    if (options.duration, options.checked_steps) != (usual.duration, usual.checked_steps) or options.volume < _LEAST:
        return
    yield ef.Check(
        f"error of the projected product of one population, ε = {separation:g}",
        ours.error,
        0.0,
        _WANTED,
        "rate equations, LSODA",
        relation=ef.Relation.AT_MOST,
    )
    if separation in _FEWER:
        yield ef.Check(
            f"times fewer reactions than by exact simulation, ε = {separation:g}",
            exact.events / ours.events,
            _FEWER[separation],
            0.0,
            "exact simulation of the same population",
            relation=ef.Relation.AT_LEAST,
        )
