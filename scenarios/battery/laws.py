"""Conductivity as a function of temperature: laws in closed form, and one that is asked of a table."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import inf, isfinite
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from agents.ions.constants import BOLTZMANN

__all__ = ["Arrhenius", "Conductivity", "Exponential", "FromTable", "NernstEinstein", "from_logarithm"]

Array: TypeAlias = NDArray[np.float64]


class Conductivity(Protocol):
    """Conductivity and its slope at temperatures. Implement the call; devices do the rest."""

    @property
    def limits(self) -> tuple[float, float]:
        """The lowest and the highest temperature at which it answers (K); by default it does at all."""
        return 0.0, inf

    @abstractmethod
    def __call__(self, temperature: Array) -> tuple[Array, Array]:
        """At temperatures (point,) in K: conductivity (point,) in S/m, and its derivative (point,) in S/(m K)."""
        ...


@dataclass(frozen=True)
class Arrhenius(Conductivity):
    """σ = at · exp(-E / k_B · (1/T - 1/T_ref)).

    Parameters
    ----------
    at
        Conductivity at the reference (S/m).
    reference
        Temperature T_ref (K).
    energy
        Activation energy E (eV).

    Raises
    ------
    ValueError
        For a conductivity or a reference that is not positive, or an energy that is negative.

    Examples
    --------
    >>> conductivity, slope = Arrhenius(at=0.01, reference=300.0, energy=0.35)(np.array([300.0, 330.0]))
    >>> conductivity.round(4), slope.round(6)
    (array([0.01  , 0.0342]), array([0.000451, 0.001277]))
    """

    at: float
    reference: float
    energy: float

    def __post_init__(self) -> None:
        _check_reference(self.at, self.reference)
        _check_slope("energy", self.energy, "eV")

    def __call__(self, temperature: Array) -> tuple[Array, Array]:
        """Conductivity (S/m) and its derivative (S/(m K))."""
        barrier = self.energy / BOLTZMANN
        conductivity = self.at * np.exp(barrier * (1 / self.reference - 1 / temperature))
        return conductivity, conductivity * barrier / temperature**2


@dataclass(frozen=True)
class NernstEinstein(Conductivity):
    """σT = at · T_ref · exp(-E / k_B · (1/T - 1/T_ref)): carriers whose diffusion, not conduction, is Arrhenius'.

    Parameters
    ----------
    at
        Conductivity at the reference (S/m).
    reference
        Temperature T_ref (K).
    energy
        Activation energy E (eV).

    Raises
    ------
    ValueError
        For a conductivity or a reference that is not positive, or an energy that is negative.

    Examples
    --------
    >>> conductivity, _ = NernstEinstein(at=0.01, reference=300.0, energy=0.35)(np.array([300.0, 330.0]))
    >>> conductivity.round(4)
    array([0.01  , 0.0311])
    """

    at: float
    reference: float
    energy: float

    def __post_init__(self) -> None:
        _check_reference(self.at, self.reference)
        _check_slope("energy", self.energy, "eV")

    def __call__(self, temperature: Array) -> tuple[Array, Array]:
        """Conductivity (S/m) and its derivative (S/(m K))."""
        barrier = self.energy / BOLTZMANN
        growth = np.exp(barrier * (1 / self.reference - 1 / temperature))
        conductivity = self.at * self.reference / temperature * growth
        return conductivity, conductivity * (barrier / temperature - 1) / temperature


@dataclass(frozen=True)
class Exponential(Conductivity):
    """σ = at · exp(steepness · (T - T_ref)).

    Parameters
    ----------
    at
        Conductivity at the reference (S/m).
    reference
        Temperature T_ref (K).
    steepness
        Of its logarithm (1/K).

    Raises
    ------
    ValueError
        For a conductivity or a reference that is not positive, or a steepness that is negative.

    Examples
    --------
    >>> conductivity, slope = Exponential(at=0.01, reference=300.0, steepness=0.04)(np.array([300.0, 325.0]))
    >>> conductivity.round(4), slope.round(6)
    (array([0.01  , 0.0272]), array([0.0004  , 0.001087]))
    """

    at: float
    reference: float
    steepness: float

    def __post_init__(self) -> None:
        _check_reference(self.at, self.reference)
        _check_slope("steepness", self.steepness, "1/K")

    def __call__(self, temperature: Array) -> tuple[Array, Array]:
        """Conductivity (S/m) and its derivative (S/(m K))."""
        conductivity = self.at * np.exp(self.steepness * (temperature - self.reference))
        return conductivity, conductivity * self.steepness


@dataclass(frozen=True, eq=False)
class FromTable(Conductivity):
    """What a table says of ln(σT / (S K/m)) over 1/(k_B T) in 1/eV: nearly a straight line, where ions hop.

    All temperatures are asked at once. With y that logarithm and b = 1/(k_B T), dσ/dT = -(1 + b dy/db) σ/T.

    Parameters
    ----------
    table
        A closure of one input that answers one value and its jacobian, such as an `eqfree.hmm.Tabulated`.
    range
        The lowest and the highest temperature that it covers (K).

    Raises
    ------
    ValueError
        For a range that is not positive and increasing, or a closure that tells no jacobian.

    Examples
    --------
    >>> class Line(ef.hmm.Closure):
    ...     def __call__(self, inputs, state=None, key=()):
    ...         value = 15.0 - 0.35 * np.asarray(inputs)
    ...         return ef.hmm.Answer(value, np.zeros_like(value), np.full((len(value), 1, 1), -0.35))
    >>> conductivity, slope = FromTable(Line(), (250.0, 500.0))(np.array([300.0]))
    >>> conductivity.round(4), slope.round(6)
    (array([0.0144]), array([0.000601]))
    """

    table: ef.hmm.Closure
    range: tuple[float, float]

    def __post_init__(self) -> None:
        low, high = self.range
        if not 0 < low < high < inf:
            raise ValueError(
                f"`range` must be two temperatures, positive and increasing: got {tuple(self.range)} K. "
                "Give the range that the table covers."
            )

    @property
    def limits(self) -> tuple[float, float]:
        """The range that the table covers (K)."""
        return self.range

    def __call__(self, temperature: Array) -> tuple[Array, Array]:
        """Conductivity (S/m) and its derivative (S/(m K))."""
        inverse = 1 / (BOLTZMANN * temperature)
        answer = self.table(inverse[:, np.newaxis])
        if answer.jacobian is None:
            raise ValueError("A table of conductivity must answer its jacobian: got None. Use `eqfree.hmm.Tabulated`.")
        return from_logarithm(temperature, answer.value[:, 0], answer.jacobian[:, 0, 0])


def from_logarithm(temperature: Array, value: Array, slope: Array) -> tuple[Array, Array]:
    """Conductivity and its derivative by temperature, from y = ln(σT / (S K/m)) and dy/db, b = 1/(k_B T) in 1/eV.

    >>> conductivity, slope = from_logarithm(np.array([300.0]), np.log(np.array([3.0])), np.array([-0.35]))
    >>> conductivity, slope.round(6)
    (array([0.01]), array([0.000418]))
    """
    conductivity = np.exp(value) / temperature
    return conductivity, -(1 + slope / (BOLTZMANN * temperature)) * conductivity / temperature


def _check_reference(at: float, reference: float) -> None:
    if not (0 < at < inf and 0 < reference < inf):
        raise ValueError(
            f"`at` and `reference` must be finite and positive: got at={at:g} S/m, reference={reference:g} K."
        )


def _check_slope(name: str, value: float, unit: str) -> None:
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"`{name}` must be finite and not negative: got {value:g} {unit}.")
