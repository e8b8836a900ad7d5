"""Effective conductivities and a bar in closed form, or from a rapidly converging series."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import comb, gamma, pi
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["bar", "checkerboard", "cylinders", "laminate"]

Array: TypeAlias = NDArray[np.float64]

_MULTIPOLES = 24  # of the cylinders: round-off up to a fraction of one half, 1e-9 at 0.7
_SMOOTH = 60  # degree of the polynomial of a conductivity over temperature
_LATTICE = 60  # points of the lattice along half an axis: what is left out of a sum of eighth powers is below 1e-11


def laminate(conductivities: tuple[float, float], volume_fraction: float, angle: float = 0.0) -> Array:
    """The tensor of layers (2, 2), whose normal is turned by ``angle`` (rad): arithmetic along, harmonic across.

    O. Wiener, Abh. Math.-Phys. Kl. Königl. Sächs. Ges. Wiss. 32 (1912) 509.

    >>> laminate((0.2, 401.0), 0.5).round(6)
    array([[  0.399801,   0.      ],
           [  0.      , 200.6     ]])
    """
    matrix, inclusion = conductivities
    along = (1 - volume_fraction) * matrix + volume_fraction * inclusion
    across = 1 / ((1 - volume_fraction) / matrix + volume_fraction / inclusion)
    normal = np.array([np.cos(angle), np.sin(angle)])
    return np.asarray(along * np.eye(2) + (across - along) * np.outer(normal, normal))


def checkerboard(conductivities: tuple[float, float]) -> float:
    """The conductivity of a checkerboard, the geometric mean: J. B. Keller, J. Math. Phys. 5 (1964) 548.

    >>> checkerboard((1.0, 4.0))
    2.0
    """
    return float(np.sqrt(conductivities[0] * conductivities[1]))


def cylinders(conductivities: tuple[float, float], volume_fraction: float) -> float:
    """The conductivity across cylinders in a square array, by multipoles after Lord Rayleigh.

    W. T. Perrins, D. R. McKenzie and R. C. McPhedran, Proc. R. Soc. A 369 (1979) 207, doi:10.1098/rspa.1979.0160:
    the coefficients B of the odd multipoles solve B_m T/a^(4m-2) + Σ_n C(2n+2m-3, 2m-1) S_(2n+2m-2) B_n = δ_m1 with
    T = (k_m + k_i)/(k_m - k_i), the lattice sums S, and S_2 = π; then K = k_m (1 - 2 π B_1).

    >>> round(cylinders((1.0, 10.0), 0.3), 9)
    1.652036011
    """
    matrix, inclusion = conductivities
    if matrix == inclusion:
        return matrix
    contrast = (matrix + inclusion) / (matrix - inclusion)
    radius = np.sqrt(volume_fraction / pi)
    numbers = range(1, _MULTIPOLES + 1)
    system = np.array(
        [[comb(2 * n + 2 * m - 3, 2 * m - 1) * _lattice_sum(2 * n + 2 * m - 2) for n in numbers] for m in numbers]
    )
    # unknowns B_m / a^(2m-1), so that all are of one size
    scale = radius ** (2.0 * np.arange(1, _MULTIPOLES + 1) - 1)
    system = system * np.outer(scale, scale) + contrast * np.eye(_MULTIPOLES)
    load = np.zeros(_MULTIPOLES)
    load[0] = radius
    return float(matrix * (1 - 2 * pi * radius * np.linalg.solve(system, load)[0]))


def bar(conductivity: Callable[[float], float], cold: float, hot: float, points: int = 3) -> tuple[float, Array]:
    """Flux times length (W/m) of a bar between two temperatures, and the temperatures (K) at even places along it.

    By Kirchhoff's transform: the integral of the conductivity over temperature grows evenly along the bar. The
    conductivity is one that a polynomial of degree 60 holds to round-off.

    >>> flow, temperatures = bar(lambda temperature: 2.0, 300.0, 400.0)
    >>> round(flow, 9), temperatures.round(9)
    (200.0, array([300., 350., 400.]))
    """
    from numpy.polynomial import Chebyshev
    from scipy.optimize import brentq

    law = Chebyshev.interpolate(np.vectorize(conductivity, otypes=[float]), _SMOOTH, domain=[cold, hot])
    grown = law.integ(lbnd=cold)
    whole = float(grown(hot))
    inside = [
        brentq(lambda u, part=part: grown(u) - part * whole, cold, hot, xtol=1e-11)
        for part in np.linspace(0, 1, points)[1:-1]
    ]
    return whole, np.array([cold, *inside, hot])


@cache
def _lattice_sum(power: int) -> float:
    """Σ (x + i y)^-power over the points of the square lattice but the origin; only multiples of four do not vanish."""
    if power == 2:
        return pi
    if power == 4:
        return gamma(1 / 4) ** 8 / (960 * pi**2)  # A. Hurwitz, Math. Ann. 51 (1898) 196
    if power % 4:
        return 0.0
    across = np.arange(-_LATTICE, _LATTICE + 1)
    points = across[:, np.newaxis] + 1j * across
    points = points[points != 0]
    return float((points ** -float(power)).real.sum())
