"""What is known exactly of a bar between cold ends: the relation of Kohlrausch, for any conductivity."""

from __future__ import annotations

from math import log1p, sqrt

import numpy as np
from scipy.integrate import quad

from scenarios.battery.laws import Conductivity, Exponential

__all__ = ["SOURCE", "critical_voltage", "rise_at", "voltage_at"]

SOURCE = "F. Kohlrausch, Ann. Phys. 306 (1900) 132"


def critical_voltage(law: Exponential, thermal_conductivity: float) -> float:
    """V_c = sqrt(8 k / (β σ_0)): what the voltage (V) rises to as the middle gets ever hotter.

    >>> round(critical_voltage(Exponential(at=0.01, reference=300.0, steepness=0.04), 1.0), 7)
    141.4213562
    """
    return sqrt(8 * thermal_conductivity / (law.steepness * law.at))


def rise_at(law: Exponential, share: float) -> float:
    """How much warmer the middle is than the ends, at the reference, at a share of the critical voltage (K).

    >>> round(rise_at(Exponential(at=0.01, reference=300.0, steepness=0.04), 0.9), 8)
    41.51828017
    """
    return -log1p(-(share**2)) / law.steepness


def voltage_at(law: Conductivity, thermal_conductivity: float, ends: float, hottest: float) -> float:
    """V² / 8 = ∫ k / σ dT from the ends to the middle (K), whatever the length, in V.

    >>> from scenarios.battery.laws import Arrhenius
    >>> round(voltage_at(Arrhenius(at=0.01, reference=300.0, energy=0.35), 1.0, 300.0, 350.0), 6)
    129.906697
    """
    integral, _ = quad(lambda kelvin: 1 / float(law(np.array([kelvin]))[0][0]), ends, hottest, epsabs=0, epsrel=1e-12)
    return sqrt(8 * thermal_conductivity * integral)
