"""Numbers along a branch whose fit tells where an event is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import log, nan, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.continuation.fit import Fit, nearest_root
from eqfree.results import BranchPoint, Spectrum

__all__ = ["Crossing", "Fold", "PairCrossing", "RealCrossing", "Signal", "nearest_real", "pair_of", "signal_of"]

Array: TypeAlias = NDArray[np.float64]

_REAL = 1e-9  # imaginary part of a multiplier that has none


class Signal(ABC):
    """A number along the branch whose fit tells where the event is."""

    spectrum: bool  #: whether multipliers are needed
    degrees: tuple[int, int]  #: of the fit, without and with noise
    lost: str  #: what is said where the fit tells nothing
    certain = False  #: whether it must be on two sides of zero at the ends of the window, beyond its errors

    @abstractmethod
    def read(self, point: BranchPoint) -> tuple[float, float]:
        """The number at a point, and its standard error; NaN where there is none."""

    @abstractmethod
    def special(self, fit: Fit) -> float | None:
        """Where the event is, in windows from the middle; None if nowhere."""


class Fold(Signal):
    """The top or bottom of the parameter."""

    spectrum = False
    degrees = 4, 2
    lost = "The parameter does not turn back around it, as far as can be told."

    def read(self, point: BranchPoint) -> tuple[float, float]:
        """The parameter."""
        return point.parameter, 0.0

    def special(self, fit: Fit) -> float | None:
        """Where the derivative vanishes."""
        return nearest_root(np.asarray(np.polynomial.polynomial.polyder(fit.curve), dtype=np.float64))


class Crossing(Signal):
    """The zero of log|μ|, for one of the multipliers."""

    spectrum = True
    degrees = 3, 2
    lost = "No multiplier crosses the unit circle around it, as far as can be told."

    @abstractmethod
    def place(self, spectrum: Spectrum | None) -> int | None:
        """Which multiplier; None if there is none."""

    def read(self, point: BranchPoint) -> tuple[float, float]:
        """log|μ|."""
        return self.growth(point.spectrum)

    def growth(self, spectrum: Spectrum | None) -> tuple[float, float]:
        """log|μ| of a spectrum and its standard error; NaN where it has no such multiplier."""
        place = self.place(spectrum)
        if place is None or spectrum is None:
            return nan, nan
        size = float(np.abs(spectrum.multipliers[place]))
        return log(size), float(spectrum.stderr[place]) / size

    def special(self, fit: Fit) -> float | None:
        """Where it vanishes."""
        return nearest_root(fit.curve)


@dataclass(frozen=True)
class RealCrossing(Crossing):
    """Of the real multiplier nearest to 1 or to -1."""

    through: float

    @property
    def certain(self) -> bool:  # type: ignore[override]
        """Whether a period doubles: that is declared only where it is sure on both sides."""
        return self.through < 0

    def place(self, spectrum: Spectrum | None) -> int | None:
        """Which it is."""
        return nearest_real(spectrum, self.through)


@dataclass(frozen=True)
class PairCrossing(Crossing):
    """Of a pair of multipliers, told by how many larger pairs there are: a number that changes only as pairs cross."""

    larger: int

    certain = True
    lost = "No pair of multipliers crosses the unit circle around it, as far as can be told."

    def place(self, spectrum: Spectrum | None) -> int | None:
        """Which it is: that of the two with the positive imaginary part."""
        return pair_of(spectrum, self.larger)

    def frequency(self, spectrum: Spectrum | None) -> tuple[float, float]:
        """The angle over the duration, and its standard error; NaN where there is no such pair."""
        place = self.place(spectrum)
        if place is None or spectrum is None:
            return nan, nan
        value, covariance = spectrum.multipliers[place], spectrum.covariance[place]
        across = np.array([-value.imag, value.real]) / abs(value) ** 2
        doubt = sqrt(max(0.0, float(across @ covariance @ across)))
        return float(np.angle(value)) / spectrum.duration, doubt / spectrum.duration


def signal_of(kind: str, pairs: tuple[int, int]) -> Signal:
    """What is fitted for an event of a kind, between numbers of pairs outside the unit circle.

    >>> signal_of("period doubling", (0, 0))
    RealCrossing(through=-1.0)
    """
    if kind in ("Hopf", "torus"):
        return PairCrossing(min(pairs))
    return {"fold": Fold(), "branch point": RealCrossing(1.0), "period doubling": RealCrossing(-1.0)}[kind]


def nearest_real(spectrum: Spectrum | None, value: float) -> int | None:
    """Which own real multiplier is nearest to a value; None if there is none.

    >>> nearest_real(None, 1.0) is None
    True
    """
    if spectrum is None:
        return None
    real = spectrum.own & (np.abs(spectrum.multipliers.imag) < _REAL) & (spectrum.multipliers.real * value > 0)
    places = np.flatnonzero(real)
    return int(places[np.argmin(np.abs(spectrum.multipliers.real[places] - value))]) if len(places) else None


def pair_of(spectrum: Spectrum | None, larger: int) -> int | None:
    """Which own multiplier with a positive imaginary part has so many larger ones; None if there is none.

    >>> pair_of(None, 0) is None
    True
    """
    if spectrum is None:
        return None
    places = np.flatnonzero(spectrum.own & (spectrum.multipliers.imag > _REAL))
    order = places[np.argsort(-np.abs(spectrum.multipliers[places]), kind="stable")]
    return int(order[larger]) if len(order) > larger else None
