"""Ions along a chain by the Gibbs law of their pairs, from any profile: local equilibrium, fluctuations included."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from agents.ions.lifting import Places

__all__ = ["both_occupied", "pair_law"]


def both_occupied(here: NDArray[np.float64], there: NDArray[np.float64], repulsion: float) -> NDArray[np.float64]:
    """How often two neighbours are both occupied, given how often each is: P11 P00 / (P10 P01) = exp(-V/kT).

    Exact along a chain (the transfer matrix of the Ising chain), the quasi-chemical approximation elsewhere.

    Parameters
    ----------
    here, there
        Shares, between 0 and 1.
    repulsion
        V/kT.

    References
    ----------
    R. Fowler, E. A. Guggenheim, Statistical Thermodynamics (1939).

    Examples
    --------
    >>> both_occupied(np.array([0.5]), np.array([0.5]), 0.0)
    array([0.25])
    """
    ratio = np.exp(-repulsion)
    product = here * there
    if abs(1 - ratio) < 1e-12:
        return np.asarray(product)
    middle = 1 - (1 - ratio) * (here + there)
    # of the two ways to write the root, the one in which nothing cancels at either sign of 1 - ratio
    return np.asarray(2 * ratio * product / (middle + np.sqrt(middle**2 + 4 * (1 - ratio) * ratio * product)))


def pair_law(shares: NDArray[np.float64], places: Places, rng: Generator) -> NDArray[np.int8]:
    """Site after site along a chain, each given the one before it: the sampler of `LatticeGas` for chains.

    The profile is met on average; numbers of ions in columns fluctuate as they do at equilibrium. `gibbs` keeps them
    to the profile instead: fluctuations that are longer than a column are then missing, and come back only by
    diffusion, which biases how fast a wave decays by an amount that falls with its length.

    Parameters
    ----------
    shares : (1, column)
        Of the sites, between 0 and 1.
    places
        Sites in a row, each next to those before and after it; of one energy.
    rng
        Where random numbers come from.

    Raises
    ------
    ValueError
        For several species, sites of several energies or that are no chain, or a column that is full or empty.

    Examples
    --------
    >>> ring = np.array([[7, 1], [0, 2], [1, 3], [2, 4], [3, 5], [4, 6], [5, 7], [6, 0]], np.int32)
    >>> repelling = Places(ring, 8, np.zeros((1, 8)), np.full((1, 1), 20.0))
    >>> pair_law(np.array([[0.5]]), repelling, np.random.default_rng(0))[:6]
    array([0, 1, 0, 1, 0, 1], dtype=int8)
    """
    sites = len(places.neighbours)
    beside = np.sort(places.neighbours[1:-1], axis=1)
    number = np.arange(1, sites - 1)
    if places.neighbours.shape[1] != 2 or not np.array_equal(beside, np.stack([number - 1, number + 1], axis=1)):
        raise ValueError("The law of pairs is for a chain, site after site. Take `gibbs` for other crystals.")
    if len(shares) != 1 or np.ptp(places.energies) > 0:
        raise ValueError(
            f"The law of pairs is for one species on sites of one energy: got {len(shares)} species and energies "
            f"over {np.ptp(places.energies):.3g} kT. Take `gibbs`."
        )
    if not ((shares > 0) & (shares < 1)).all():
        raise ValueError(
            f"Shares must lie between 0 and 1, since ions spread: got {shares.min():g} to {shares.max():g}. Take "
            "`by_column` for full and empty columns."
        )
    share = np.repeat(shares[0], places.width)
    before, here = share[:-1], share[1:]
    pairs = both_occupied(before, here, float(places.coupling[0, 0]))
    after_ion, after_vacancy = pairs / before, (here - pairs) / (1 - before)
    drawn = rng.random(sites)
    sure = drawn[1:] < np.minimum(after_ion, after_vacancy)
    never = drawn[1:] >= np.maximum(after_ion, after_vacancy)
    told = np.concatenate(([True], sure | never))  # by itself, whoever is before it
    known = np.concatenate(([drawn[0] < share[0]], sure))
    turned = np.cumsum(np.concatenate(([False], after_vacancy > after_ion)) & ~told)
    last = np.maximum.accumulate(np.where(told, np.arange(sites), 0))
    return np.asarray(known[last] ^ ((turned - turned[last]) % 2 == 1)).astype(np.int8)
