"""Steady states of rate equations over one of their rates, in closed form: what branches must come to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.molecules import Network, read_network

__all__ = ["CO_OXIDATION", "SCHLOGL", "Fold", "Steady"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fold:
    """Where the steady states turn back: parameter, and concentrations by species."""

    parameter: float
    macro: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Steady:
    """A network whose steady states are known over the rate of one of its reactions.

    Attributes
    ----------
    name
        Of the network that comes with `agents.molecules`.
    reaction
        Whose rate is the parameter.
    measured
        The species by whose concentration a steady state is known.
    rate
        ``rate(concentration)``: the parameter at which it is steady, and how that changes with it; arrays.
    folds
        The low one, then the high one.
    source, unit
        Of the folds.
    parameter_label, measure_label
        What the axes of its picture say.
    """

    name: str
    reaction: str
    measured: str
    rate: Callable[[Array], tuple[Array, Array]]
    folds: tuple[Fold, Fold]
    source: str
    unit: str
    parameter_label: str
    measure_label: str

    def network(self, parameter: float) -> Network:
        """The network at a parameter."""
        return read_network(self.name).with_rates({self.reaction: parameter})


def _beta(carbon_monoxide: Array) -> tuple[Array, Array]:
    """β at which A is steady: B from A' = 0, then β from B' = 0, with 1 - A - B free sites.

    >>> [abs(round(float(number), 3)) for number in _beta(np.array(0.361174925472))]
    [2.522, 0.0]
    """
    a = np.asarray(carbon_monoxide, dtype=np.float64)
    oxygen, slope = _oxygen(a)
    free = 1 - a - oxygen
    beta = 2 * a * oxygen / free**2
    return beta, beta * (1 / a + slope / oxygen + 2 * (1 + slope) / free)


def _oxygen(a: Array) -> tuple[Array, Array]:
    """B at which 1.6 (1 - A - B) - 0.04 A - 4 A B = 0, and its derivative."""
    adsorb, desorb, react = 1.6, 0.04, 4.0
    above, below = adsorb - (adsorb + desorb) * a, adsorb + react * a
    return above / below, -((adsorb + desorb) + react * above / below) / below


def _feed(x: Array) -> tuple[Array, Array]:
    """The feed at which X is steady.

    >>> [round(float(number), 3) for number in _feed(np.array(85.48973088))]
    [200.0, 1.301]
    """
    birth, death, decay = 0.015, 1e-4 / 6, 3.5
    n = np.asarray(x, dtype=np.float64)
    return death * n**3 - birth * n**2 + decay * n, 3 * death * n**2 - 2 * birth * n + decay


CO_OXIDATION = Steady(
    name="co_oxidation",
    reaction="dissociate",
    measured="A",
    rate=_beta,
    folds=(
        Fold(2.522326542553, {"A": 0.361174925472, "B": 0.330959773011}),
        Fold(8.495331874716, {"A": 0.940443362874, "B": 0.010756307668}),
    ),
    source="rate equations: double root of their steady states, 12 digits",
    unit="1/s",
    parameter_label="rate β of dissociation (1/s)",
    measure_label="sites covered by CO (1)",
)

SCHLOGL = Steady(
    name="schlogl",
    reaction="feed",
    measured="X",
    rate=_feed,
    folds=(
        Fold(150 - 200 * np.sqrt(2) / 3, {"X": 300 + 100 * np.sqrt(2)}),
        Fold(150 + 200 * np.sqrt(2) / 3, {"X": 300 - 100 * np.sqrt(2)}),
    ),
    source="rate equations: 150 ± 200 √2 / 3 at X = 300 ∓ 100 √2",
    unit="1",
    parameter_label="feed (1)",
    measure_label="concentration of X (1)",
)
