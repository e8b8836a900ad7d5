"""Lattice gases whose transport is known exactly: what simulations are held against."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agents.ions.box import Box
from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE

__all__ = [
    "KatzLebowitzSpohn",
    "exclusion_conductivity",
    "nernst_einstein",
    "ring_current",
    "series_diffusion",
    "square_order",
]


def nernst_einstein(density: float, diffusion: float, temperature: float, charge: float = 1.0) -> float:
    """The conductivity of charges that diffuse, n q² D/kT (S/m).

    Parameters
    ----------
    density
        Of the ions (1/m³).
    diffusion
        Of their charge (m²/s); with that of tracers the result is too small by the Haven ratio.
    temperature
        In K.
    charge
        In elementary charges.

    Raises
    ------
    ValueError
        If the temperature is not positive.

    Examples
    --------
    Garnet LLZO, by the inputs of M. M. Ahmad, RSC Adv. (2015), doi:10.1039/c4ra15972a:

    >>> round(nernst_einstein(3.17e27, 1.33e-12, 298.15), 5)
    0.02629
    """
    _positive("`temperature` (K)", temperature)
    return density * charge**2 * ELEMENTARY_CHARGE * diffusion / (BOLTZMANN * temperature)


def exclusion_conductivity(
    box: Box, ions: int, rate: float, temperature: float, charge: float = 1.0
) -> NDArray[np.float64]:
    """The conductivity tensor of a lattice gas in which ions do nothing but exclude each other (S/m in 3-D).

    sigma = n q² Gamma a²/kT (L - N)/(L - 1) on a simple cubic lattice of L sites with N ions; in general Gamma a² is
    the sum of displacement times displacement over the bonds, per site. It holds the bare rate and no correlation
    factor: where all rates are equal, the mean drift of every configuration is zero, so that the collective
    displacement has no memory. The last factor is the share of pairs ion-vacancy in a box that keeps its number.

    Parameters
    ----------
    box
        Periodic, or it conducts nothing in the end.
    ions
        How many.
    rate
        Of a hop to a vacant site (Hz), the same for all.
    temperature
        In K.
    charge
        In elementary charges.

    Raises
    ------
    ValueError
        If the box has walls, is full or empty, or the hops from some site do not balance: then there is memory.

    References
    ----------
    H. Spohn, Large Scale Dynamics of Interacting Particles (1991), part II, section 2.2 (gradient condition).

    Examples
    --------
    >>> from agents.ions.lattices import simple_cubic
    >>> exclusion_conductivity(Box(simple_cubic(3e-10), (6, 6, 6)), 108, 1e9, 300.0).diagonal().round(3)
    array([5.189, 5.189, 5.189])
    """
    _positive("`temperature` (K)", temperature)
    sites = len(box)
    if not np.all(box.periodic):
        raise ValueError(f"The box must be periodic along every axis: got {box.periodic}.")
    if not 0 < ions < sites:
        raise ValueError(f"Of {sites} sites some must be occupied and some vacant: got {ions} ions.")
    steps = box.displacements
    drift = np.abs(steps.sum(axis=1)).max()
    if drift > 1e-9 * np.abs(steps).max():
        raise ValueError(
            "The hops from each site must balance, or there is memory and no such formula: got a sum of "
            f"{drift:g} m. Simulate it."
        )
    spread = np.einsum("bwi,bwj->ij", steps, steps) / (2 * box.basis)  # every bond is seen from both its ends
    pairs = ions * (sites - ions) / (sites - 1)
    mobility = charge**2 * ELEMENTARY_CHARGE * rate / (BOLTZMANN * temperature)
    return np.asarray(mobility * pairs / box.volume * spread)


def series_diffusion(rates: ArrayLike, spacing: float = 1.0) -> float:
    """The diffusion coefficient along a chain whose bonds have these rates, a² N / sum(1/k): resistors in series.

    Parameters
    ----------
    rates : (bond,)
        Of hops, the same in both directions (Hz).
    spacing
        Of the sites (m).

    Raises
    ------
    ValueError
        If there are none or one is not positive.

    Examples
    --------
    >>> round(series_diffusion([1.0, 0.5]), 6)
    0.666667
    """
    given = np.asarray(rates, dtype=np.float64)
    if given.ndim != 1 or not given.size or not (given > 0).all():
        raise ValueError(f"`rates` must be positive, one for each bond of a chain (Hz): got {rates!r}.")
    return float(spacing**2 / (1 / given).mean())


def ring_current(sites: int, ions: int, forward: float, backward: float) -> float:
    """Ions that pass a bond per time on a ring with exclusion, driven: (p - q) N (L - N) / (L (L - 1)) (Hz).

    All configurations are as likely, with and without drive (F. Spitzer, Adv. Math. 5 (1970) 246).

    Raises
    ------
    ValueError
        If there are more ions than sites.

    Examples
    --------
    >>> round(ring_current(20, 8, 1.0, 0.25), 10)
    0.1894736842
    """
    if not 0 <= ions <= sites or sites < 2:
        raise ValueError(f"At most as many ions as sites can be on a ring of 2 or more: got {ions} on {sites}.")
    return (forward - backward) * ions * (sites - ions) / (sites * (sites - 1))


def square_order() -> float:
    """The repulsion V/kT from which on a half-filled square lattice gas is ordered, 2 ln(1 + sqrt 2).

    L. Onsager, Phys. Rev. 65 (1944) 117, doi:10.1103/PhysRev.65.117: an Ising antiferromagnet with J = V/4.

    >>> round(square_order(), 7)
    1.7627472
    """
    return 2 * log(1 + sqrt(2))


@dataclass(frozen=True)
class KatzLebowitzSpohn:
    """The lattice gas of Katz, Lebowitz and Spohn in one dimension, without drive: interacting, and solved.

    An ion hops to a vacant neighbour at the rate 1 + delta if no ion touches it before nor after, 1 + eps if it leaves
    a neighbour, 1 - eps if it gains one, 1 - delta if it leaves one and gains one. Hops by the heat bath with the
    interaction V are such a gas with delta = 0 and eps = tanh(V/2kT).

    Parameters
    ----------
    repulsion
        eps, between -1 and 1: exp(-V/kT) = (1 - eps)/(1 + eps).
    asymmetry
        delta, between -1 and 1.

    Raises
    ------
    ValueError
        If a rate would be negative or zero.

    References
    ----------
    S. Katz, J. L. Lebowitz, H. Spohn, J. Stat. Phys. 34 (1984) 497, doi:10.1007/BF01018556; the closed form of the
    mobility: J. S. Hager, J. Krug, V. Popkov, G. M. Schütz, Phys. Rev. E 63 (2001) 056110,
    doi:10.1103/PhysRevE.63.056110.

    Examples
    --------
    >>> gas = KatzLebowitzSpohn(0.9)
    >>> round(float(gas.diffusion(0.5)), 7), round(float(gas.diffusion(0.2)), 7)
    (3.0908991, 1.5550864)
    """

    repulsion: float
    asymmetry: float = 0.0

    def __post_init__(self) -> None:
        if not (abs(self.repulsion) < 1 and abs(self.asymmetry) < 1):
            raise ValueError(
                "`repulsion` and `asymmetry` must lie between -1 and 1, so that rates are positive: got "
                f"{self.repulsion} and {self.asymmetry}."
            )

    @property
    def interaction(self) -> float:
        """The energy of two neighbours over kT."""
        return log((1 + self.repulsion) / (1 - self.repulsion))

    def mobility(self, filling: ArrayLike) -> NDArray[np.float64]:
        """The mean rate at which bonds are passed in one direction at equilibrium, in units of the bare rate."""
        c = self._check(filling)
        pairs = 4 * c * (1 - c)
        ratio = (1 - self.repulsion) / (1 + self.repulsion)
        width = 1 / np.sqrt(pairs) + np.sqrt(1 / pairs - 1 + ratio)  # lambda of Hager et al.
        alone = width * (1 + self.asymmetry * (1 - 2 * c))
        return np.asarray((alone - self.repulsion * np.sqrt(pairs)) / width**3)

    def susceptibility(self, filling: ArrayLike) -> NDArray[np.float64]:
        """Change of the filling with the chemical potential over kT: the variance of the number of ions per site."""
        c = self._check(filling)
        ratio = (1 - self.repulsion) / (1 + self.repulsion)
        return np.asarray(c * (1 - c) * np.sqrt(1 - 4 * c * (1 - c) * (1 - ratio)))

    def diffusion(self, filling: ArrayLike) -> NDArray[np.float64]:
        """The chemical diffusion coefficient, mobility over susceptibility, in units of the bare rate times a²."""
        return np.asarray(self.mobility(filling) / self.susceptibility(filling))

    @staticmethod
    def _check(filling: ArrayLike) -> NDArray[np.float64]:
        given = np.asarray(filling, dtype=np.float64)
        if not ((given > 0) & (given < 1)).all():
            raise ValueError(f"The filling must lie between 0 and 1: got {filling!r}.")
        return given


def _positive(what: str, value: float) -> None:
    if not 0 < value < np.inf:
        raise ValueError(f"{what} must be positive and finite: got {value}.")
