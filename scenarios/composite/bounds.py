"""What the conductivity of a two-phase composite cannot leave, whatever its microstructure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from scenarios.composite.cell.problem import as_conductivities

__all__ = ["Bounds", "hashin_shtrikman", "wiener"]


class Bounds(NamedTuple):
    """Lower and upper bound of a conductivity in W/(m K)."""

    lower: float
    upper: float


def wiener(conductivities: ArrayLike, volume_fraction: float) -> Bounds:
    """Harmonic and arithmetic mean: every eigenvalue of every effective tensor lies between them.

    Parameters
    ----------
    conductivities
        (matrix, inclusion) in W/(m K).
    volume_fraction
        Of the inclusion.

    Raises
    ------
    ValueError
        For conductivities that are not positive or a volume fraction outside [0, 1].

    References
    ----------
    O. Wiener, Abh. Sächs. Ges. Wiss. 32 (1912) 509.

    Examples
    --------
    >>> [round(bound, 9) for bound in wiener((0.2, 401.0), 0.5)]
    [0.399800598, 200.6]
    """
    shares = _shares(volume_fraction)
    phases = as_conductivities(conductivities)
    return Bounds(float(1 / (shares / phases).sum()), float((shares * phases).sum()))


def hashin_shtrikman(conductivities: ArrayLike, volume_fraction: float) -> Bounds:
    """Bounds of the isotropic conductivity in two dimensions (across parallel cylinders of any section).

    Parameters
    ----------
    conductivities
        (matrix, inclusion) in W/(m K).
    volume_fraction
        Of the inclusion.

    Raises
    ------
    ValueError
        As ``wiener``.

    References
    ----------
    Z. Hashin and S. Shtrikman, J. Appl. Phys. 33 (1962) 3125, doi:10.1063/1.1728579, eqs. (3.21), (3.23) with three
    dimensions made two.

    Examples
    --------
    >>> [round(bound, 9) for bound in hashin_shtrikman((1.0, 10.0), 0.5)]
    [2.384615385, 4.193548387]
    """
    shares = _shares(volume_fraction)
    phases = as_conductivities(conductivities)
    # each phase in turn surrounds the other one in coated disks
    around = phases + shares[::-1] * (phases[::-1] - phases) / (1 + shares * (phases[::-1] - phases) / (2 * phases))
    return Bounds(float(around.min()), float(around.max()))


def _shares(volume_fraction: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if not 0 <= volume_fraction <= 1:
        raise ValueError(f"`volume_fraction` must lie between 0 and 1: got {volume_fraction}.")
    return np.array([1 - volume_fraction, volume_fraction])
