"""Devices whose steady states and folds are integrals: bars by the relation of Kohlrausch, and films."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

from scenarios.battery.laws import Conductivity

__all__ = ["SOURCE", "bar_fold", "bar_voltage", "film_field", "film_fold"]

Array: TypeAlias = NDArray[np.float64]

SOURCE = "Kohlrausch 1900; Greenwood & Williamson 1958, doi:10.1098/rspa.1958.0103: quadrature"

_OUTER = np.polynomial.legendre.leggauss(60)
_INNER = np.polynomial.legendre.leggauss(40)


def bar_voltage(
    law: Conductivity, thermal_conductivity: float, contact: float, length: float, surroundings: float, hottest: float
) -> float:
    """The voltage (V) at which the middle of a bar has a temperature (K), its isothermal ends cooled by a contact.

    With phi the potential from the middle on, phi² / 2 = ∫ k/σ dT from T to the middle; J L / 2 = ∫ k/phi dT from end
    to middle; and each end gives half of the power away, J V / 2 = h (T_end - T_0). Ends may have any temperature
    between, of which this finds the one.

    Parameters
    ----------
    law
        Conductivity.
    thermal_conductivity
        k in W/(m K).
    contact
        h of each end in W/(m² K).
    length
        In m.
    surroundings, hottest
        T_0 and that of the middle (K).

    Examples
    --------
    >>> from scenarios.battery.laws import Arrhenius
    >>> round(bar_voltage(Arrhenius(0.01, 300.0, 0.35), 1.0, 50.0, 0.01, 300.0, 327.24775318799533), 7)
    28.578714
    """

    def half(end: float) -> tuple[float, float]:
        """Half of the voltage, and the current density."""
        u, weight = (_OUTER[0] + 1) / 2, _OUTER[1] / 2
        drop = hottest - end
        drops = drop * u**2  # what is like a root at the middle becomes smooth
        potential = np.sqrt(2 * _from_middle(lambda t: thermal_conductivity / law(t)[0], drops, hottest))
        current = 2 / length * float((weight * thermal_conductivity * 2 * drop * u / potential).sum())
        whole = _from_middle(lambda t: thermal_conductivity / law(t)[0], np.array([drop]), hottest)
        return sqrt(2 * float(whole[0])), current

    def surplus(end: float) -> float:
        voltage, current = half(end)
        return current * voltage - contact * (end - surroundings)

    rise = hottest - surroundings
    end = brentq(surplus, surroundings, hottest - 1e-7 * rise, xtol=1e-13 * hottest, rtol=1e-15)
    return 2 * half(float(end))[0]


def bar_fold(
    law: Conductivity, thermal_conductivity: float, contact: float, length: float, surroundings: float, highest: float
) -> tuple[float, float]:
    """The largest voltage (V) of steady states of such a bar, and the temperature of its middle there (K).

    Examples
    --------
    >>> from scenarios.battery.laws import Arrhenius
    >>> voltage, hottest = bar_fold(Arrhenius(0.01, 300.0, 0.35), 1.0, 50.0, 0.01, 300.0, 380.0)
    >>> round(voltage, 8), round(hottest, 3)
    (28.57871397, 327.248)
    """
    return _largest(
        lambda hottest: bar_voltage(law, thermal_conductivity, contact, length, surroundings, hottest),
        surroundings,
        highest,
    )


def film_field(
    law: Conductivity, thermal_conductivity: float, half_thickness: float, surroundings: float, hottest: float
) -> float:
    """The field along a film (V/m) at which its middle has a temperature (K), both faces as cold as the surroundings.

    k T'' + σ E² = 0 across the film: (k/2) T'² = E² ∫ σ dT from T to the middle.

    Examples
    --------
    >>> from scenarios.battery.laws import Arrhenius
    >>> round(film_field(Arrhenius(0.01, 300.0, 0.35), 1.0, 1e-3, 300.0, 331.32976988311117), 3)
    46013.622
    """
    u, weight = (_OUTER[0] + 1) / 2, _OUTER[1] / 2
    drop = hottest - surroundings
    heat = _from_middle(lambda t: law(t)[0], drop * u**2, hottest)
    return sqrt(thermal_conductivity / 2) / half_thickness * float((weight * 2 * drop * u / np.sqrt(heat)).sum())


def film_fold(
    law: Conductivity, thermal_conductivity: float, half_thickness: float, surroundings: float, highest: float
) -> tuple[float, float]:
    """The largest field (V/m) of steady states of such a film, and the temperature of its middle there (K).

    Examples
    --------
    >>> from scenarios.battery.laws import Arrhenius
    >>> field, hottest = film_fold(Arrhenius(0.01, 300.0, 0.35), 1.0, 1e-3, 300.0, 400.0)
    >>> round(field, 4), round(hottest, 3)
    (46013.6222, 331.33)
    """
    return _largest(
        lambda hottest: film_field(law, thermal_conductivity, half_thickness, surroundings, hottest),
        surroundings,
        highest,
    )


def _from_middle(integrand: Callable[[Array], Array], drops: Array, hottest: float) -> Array:
    """The integral from so far below the hottest temperature up to it, (drop,)."""
    places = hottest - drops[:, np.newaxis] * (1 - _INNER[0]) / 2
    values = integrand(places.ravel()).reshape(places.shape)
    return np.asarray(drops / 2 * (values @ _INNER[1]))


def _largest(value: Callable[[float], float], surroundings: float, highest: float) -> tuple[float, float]:
    rise = highest - surroundings
    bounds = (surroundings + 0.01 * rise, highest)
    best = minimize_scalar(lambda hottest: -value(hottest), bounds=bounds, method="bounded", options={"xatol": 1e-7})
    return -float(best.fun), float(best.x)
