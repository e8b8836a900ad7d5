"""Ions whose sites are occupied independently of each other, but for their number: what is known of them beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from agents.ions.constants import BOLTZMANN
from agents.ions.gas import LatticeGas

__all__ = ["Independent"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Independent:
    """How often ions hop that exclude each other and nothing else, at the energies of their sites.

    With f the Fermi shares of the sites, X = f (1 - f) and S the sum of X, a fixed number of ions has the mean shares
    f_i - (X_i (1 - 2 f_i) - X_i sum(X (1 - 2 f)) / S) / 2 S and the covariances -X_i X_j / S, to first order in one
    over the number of sites.

    Attributes
    ----------
    period
        Mean time between two hops of an ion (s).
    excess
        Hops in the box, where the number of ions is fixed and whole, over those in an infinite crystal with the share
        of sites that was asked for, to first order in one over the number of sites: 1 + 1/L where all sites are alike
        and the share gives a whole number.

    References
    ----------
    J. L. Lebowitz, J. K. Percus, Phys. Rev. 122 (1961) 1675, doi:10.1103/PhysRev.122.1675.
    """

    period: float
    excess: float

    @classmethod
    def of(cls, gas: LatticeGas, ions: int, asked: float | None = None) -> Independent:
        """So many ions in the box of the gas, where ``asked`` of the sites were to be occupied: without it, as many.

        Examples
        --------
        >>> from agents.ions import Box, Hopping, Landscape
        >>> from agents.ions.lattices import simple_cubic
        >>> gas = LatticeGas(Landscape(Box(simple_cubic(1e-10), (4, 4, 4)), Hopping({"hop": 0.0}, 1.0)), 300.0)
        >>> known = Independent.of(gas, 32)
        >>> round(known.period, 6), round(known.excess, 6)
        (0.333333, 1.015625)
        """
        box = gas.landscape.box
        energies = (gas.landscape.energies - gas.landscape.energies.mean()) / (BOLTZMANN * gas.temperature)
        furthest = float(np.abs(energies).max()) + 50.0

        def held(level: float) -> Array:
            return np.asarray(1 / (1 + np.exp(np.clip(energies - level, -500.0, 500.0))))

        def filled(number: float) -> Array:
            return held(brentq(lambda level: float(held(level).sum()) - number, -furthest, furthest))

        def pairs(share: Array) -> Array:
            return share[:, np.newaxis] * (1 - share[beside])

        beside, there = box.neighbours, box.neighbours >= 0
        rates = np.where(there, gas.rates.base.mean(axis=0), 0.0)
        share = filled(ions)
        spread = share * (1 - share)
        bent, total = spread * (1 - 2 * share), float(spread.sum())
        shift = -(bent - spread * bent.sum() / total) / (2 * total)
        change = shift[:, np.newaxis] * (1 - share[beside]) - share[:, np.newaxis] * shift[beside]
        change += spread[:, np.newaxis] * spread[beside] / total
        hops = float((rates * pairs(share)).sum())
        if not hops > 0:
            raise ValueError(
                f"Ions must hop now and then: at {gas.temperature:g} K the rates over barriers from "
                f"{gas.landscape.barriers.min():.3g} eV on are below what numbers hold. Raise the temperature."
            )
        endless = hops if asked is None else float((rates * pairs(filled(asked * len(box)))).sum())
        return cls(ions / hops, (hops + float((rates * change).sum())) / endless)
