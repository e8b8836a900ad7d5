"""What is read of ions over windows of time: diffusion, conductivity, correlation, each with its error.

All need at least 30 windows of a gas at equilibrium, as `LatticeGas.watch` gives them. Errors come from the spread of
block means; `Estimate.settled` says whether blocks are long enough for that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.correlation import factor_of_cosines
from agents.ions.estimates import Estimate, by_blocks, jackknife
from agents.ions.gas import LatticeGas
from agents.ions.population import Windows

__all__ = [
    "charge_diffusion",
    "conductivity",
    "correlation_by_cosine",
    "correlation_by_distance",
    "haven_ratio",
    "mean_current",
    "tracer_diffusion",
]


def tracer_diffusion(windows: Windows, *, species: int = 0, blocks: int | None = None) -> Estimate:
    """The diffusion tensor of single ions, the mean of d d^T over 2 t (m²/s), (axis, axis).

    *How to choose* the windows: longer than ions remember their hops, some hundred hops of each; a window too short
    says too much, since later hops take back what earlier ones did.

    Parameters
    ----------
    windows
        Of a gas without field at equilibrium.
    species
        Which, by number.
    blocks
        How many; see `by_blocks`.

    Raises
    ------
    ValueError
        If there are fewer than 30 windows or blocks, or no ions of the species.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape, LatticeGas
    >>> from agents.ions.lattices import square
    >>> gas = LatticeGas(Landscape(Box(square(3e-10), (8, 8)), Hopping({"hop": 0.3})), temperature=300.0)
    >>> ions, windows = gas.watch(gas.fill(0.5, np.random.default_rng(0)), 60, 1e-6, np.random.default_rng(1))
    >>> tracer_diffusion(windows).value.shape
    (2, 2)
    """
    count = _count(windows, species)
    spread = by_blocks(windows.tracer[:, species], blocks) / (2 * windows.duration * count)
    return jackknife(lambda mean: mean, spread, "m²/s")


def charge_diffusion(windows: Windows, *, species: int = 0, lags: int = 1, blocks: int | None = None) -> Estimate:
    """The diffusion tensor of the centre of the ions of a species times their number (m²/s), (axis, axis).

    It is what conducts: sigma = n q² D/kT. D = (C0 + C1 + C1^T + ...)/(2 N w), with C0 the mean of P P^T, P the sum of
    the displacements in a window of duration w, and Ck the mean of P times that of k windows later.

    *How to choose* the windows: with lags = 1, longer than the collective displacement remembers, some ten hops of
    an ion where hops are much alike. More lags allow shorter windows; each adds noise. Where all rates are equal there
    is no memory, and lags = 0 gives the least noise.

    Parameters
    ----------
    windows
        Of a gas without field at equilibrium.
    species
        Which, by number.
    lags
        How many windows of memory are added.
    blocks
        How many; see `by_blocks`.

    Raises
    ------
    ValueError
        If there are fewer than 30 windows or blocks, or no ions of the species, or lags are negative.

    References
    ----------
    D. Frenkel, B. Smit, Understanding Molecular Simulation (2002), section 4.4 (Einstein and Green-Kubo relations).

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape, LatticeGas
    >>> from agents.ions.lattices import square
    >>> gas = LatticeGas(Landscape(Box(square(3e-10), (8, 8)), Hopping({"hop": 0.3})), temperature=300.0)
    >>> ions, windows = gas.watch(gas.fill(0.5, np.random.default_rng(0)), 60, 1e-6, np.random.default_rng(1))
    >>> charge_diffusion(windows).freedom
    49
    """
    scale = 2 * windows.duration * _count(windows, species)
    spread = _products(windows.collective[:, species], lags) / scale
    return jackknife(lambda mean: mean, by_blocks(spread, blocks), "m²/s")


def conductivity(gas: LatticeGas, windows: Windows, *, lags: int = 1, blocks: int | None = None) -> Estimate:
    """The conductivity tensor of all ions together, (axis, axis): S/m in three dimensions, S m^(2 - d) in d.

    sigma = (C0 + C1 + C1^T + ...)/(2 V kT w), as `charge_diffusion`, with P the sum of charge times displacement.

    Parameters
    ----------
    gas
        Whose windows they are: its temperature, volume and charges are taken.
    windows
        Without field, at equilibrium.
    lags
        How many windows of memory are added; see `charge_diffusion`.
    blocks
        How many; see `by_blocks`.

    Raises
    ------
    ValueError
        If there are fewer than 30 windows or blocks, lags are negative, or there is a field.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape, LatticeGas
    >>> from agents.ions.lattices import simple_cubic
    >>> gas = LatticeGas(Landscape(Box(simple_cubic(3e-10), (4, 4, 4)), Hopping({"hop": 0.3})), temperature=300.0)
    >>> ions, windows = gas.watch(gas.fill(0.5, np.random.default_rng(0)), 60, 1e-6, np.random.default_rng(1))
    >>> conductivity(gas, windows).unit
    'S/m'
    """
    if any(gas.field):
        raise ValueError(
            f"The conductivity is read from fluctuations without field: got {gas.field} V/m. With one, take "
            "`mean_current`."
        )
    charges = np.array([one.charge for one in gas.species])
    moved = np.einsum("wsa,s->wa", windows.collective, charges)
    box = gas.landscape.box
    scale = ELEMENTARY_CHARGE / (2 * box.volume * BOLTZMANN * gas.temperature * windows.duration)
    unit = {3: "S/m", 2: "S"}.get(box.axes, "S m")
    return jackknife(lambda mean: mean, by_blocks(scale * _products(moved, lags), blocks), unit)


def mean_current(gas: LatticeGas, windows: Windows, *, blocks: int | None = None) -> Estimate:
    """The mean current density, (axis,): A/m² in three dimensions, A m^(1 - d) in d.

    Parameters
    ----------
    gas
        Whose windows they are.
    windows
        In a steady state, with field or without.
    blocks
        How many; see `by_blocks`.

    Raises
    ------
    ValueError
        If there are fewer than 30 windows or blocks.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape, LatticeGas
    >>> from agents.ions.lattices import chain
    >>> land = Landscape(Box(chain(3e-10), (20,)), Hopping({"hop": 0.3}))
    >>> gas = LatticeGas(land, temperature=300.0, field=(1e8,))
    >>> ions, windows = gas.watch(gas.fill(0.5, np.random.default_rng(0)), 60, 1e-6, np.random.default_rng(1))
    >>> bool(mean_current(gas, windows).value[0] > 0)
    True
    """
    charges = np.array([one.charge for one in gas.species]) * ELEMENTARY_CHARGE
    moved = np.einsum("wsa,s->wa", windows.collective, charges)
    box = gas.landscape.box
    unit = {3: "A/m²", 2: "A/m"}.get(box.axes, "A")
    return jackknife(lambda mean: mean, by_blocks(moved / (box.volume * windows.duration), blocks), unit)


def correlation_by_cosine(windows: Windows, *, species: int = 0, blocks: int | None = None) -> Estimate:
    """The tracer correlation factor by the mean cosine c of consecutive hops of an ion, (1 + c)/(1 - c).

    It assumes that a hop remembers only the one before it, and that the axis of a hop is one of symmetry: exact for
    one vacancy in a cubic, square, triangular, honeycomb or diamond lattice with equal rates, and some 80 times less
    noisy there than by distance. With many vacancies or disorder hops remember more: `correlation_by_distance`.

    Parameters
    ----------
    windows
        At equilibrium.
    species
        Which, by number.
    blocks
        How many; see `by_blocks`.

    Raises
    ------
    ValueError
        If there are fewer than 30 windows or blocks, or no ion hopped twice.

    References
    ----------
    J. Bardeen, C. Herring, in Atom Movements (American Society for Metals, 1951), p. 87; K. Compaan, Y. Haven, Trans.
    Faraday Soc. 52 (1956) 786, doi:10.1039/TF9565200786.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape, LatticeGas
    >>> from agents.ions.lattices import square
    >>> gas = LatticeGas(Landscape(Box(square(3e-10), (8, 8)), Hopping({"hop": 0.3})), temperature=300.0)
    >>> ions, windows = gas.watch(gas.fill(63 / 64, np.random.default_rng(0)), 60, 1e-4, np.random.default_rng(1))
    >>> bool(0.4 < correlation_by_cosine(windows).value < 0.6)
    True
    """
    turned = windows.turns[:, species]
    if not turned.any():
        raise ValueError("Some ion must hop twice, or there is no cosine: got no such pair. Watch longer.")
    sums = by_blocks(np.stack([windows.cosines[:, species], turned], axis=1), blocks)
    return jackknife(factor_of_cosines, sums, "1")


def correlation_by_distance(
    gas: LatticeGas, windows: Windows, *, species: int = 0, blocks: int | None = None
) -> Estimate:
    """The tracer correlation factor by its definition: mean-square displacement over that of as many random hops.

    It assumes nothing but windows that are longer than the memory of an ion, and hops of one length.

    Parameters
    ----------
    gas
        Whose windows they are.
    windows
        Without field, at equilibrium.
    species
        Which, by number.
    blocks
        How many; see `by_blocks`.

    Raises
    ------
    ValueError
        If there are fewer than 30 windows or blocks, no ion hopped, or hops differ in length.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape, LatticeGas
    >>> from agents.ions.lattices import square
    >>> gas = LatticeGas(Landscape(Box(square(3e-10), (8, 8)), Hopping({"hop": 0.3})), temperature=300.0)
    >>> ions, windows = gas.watch(gas.fill(0.5, np.random.default_rng(0)), 60, 1e-5, np.random.default_rng(1))
    >>> bool(0.5 < correlation_by_distance(gas, windows).value < 1)
    True
    """
    lengths = np.linalg.norm(gas.landscape.box.crystal.displacements, axis=1)
    if np.ptp(lengths) > 1e-6 * lengths.max():
        raise ValueError(
            f"Hops must all be of one length: got {lengths.min():g} to {lengths.max():g} m. Compare diffusion "
            "coefficients instead."
        )
    if not windows.hops[:, species].any():
        raise ValueError("Some ion must hop: got no hop. Watch longer.")
    squares = np.trace(windows.tracer[:, species], axis1=1, axis2=2) / lengths[0] ** 2
    sums = by_blocks(np.stack([squares, windows.hops[:, species]], axis=1), blocks)
    return jackknife(lambda mean: mean[0] / mean[1], sums, "1")


def haven_ratio(windows: Windows, *, species: int = 0, lags: int = 1, blocks: int | None = None) -> Estimate:
    """The diffusion coefficient of tracers over that of charge, averaged over the axes.

    Both come from the same windows; the jackknife over blocks respects that they are correlated.

    Parameters
    ----------
    windows
        Without field, at equilibrium; as long as `tracer_diffusion` needs.
    species
        Which, by number.
    lags
        Of the charge; see `charge_diffusion`.
    blocks
        How many; see `by_blocks`.

    Raises
    ------
    ValueError
        If there are fewer than 30 windows or blocks, or no ions of the species, or lags are negative.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape, LatticeGas
    >>> from agents.ions.lattices import square
    >>> gas = LatticeGas(Landscape(Box(square(3e-10), (8, 8)), Hopping({"hop": 0.3})), temperature=300.0)
    >>> ions, windows = gas.watch(gas.fill(0.5, np.random.default_rng(0)), 60, 1e-5, np.random.default_rng(1))
    >>> haven_ratio(windows, lags=0).unit
    '1'
    """
    _count(windows, species)
    charge = np.trace(_products(windows.collective[:, species], lags), axis1=1, axis2=2)
    tracer = np.trace(windows.tracer[: len(charge), species], axis1=1, axis2=2)
    sums = by_blocks(np.stack([tracer, charge], axis=1), blocks)
    return jackknife(lambda mean: mean[0] / mean[1], sums, "1")


def _products(moved: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """Of each window P P^T and, both ways round, its products with the following ones, (window, axis, axis)."""
    if not 0 <= lags < len(moved):
        raise ValueError(f"`lags` must be 0 or more, and fewer than the {len(moved)} windows: got {lags}.")
    kept = len(moved) - lags
    products: NDArray[np.float64] = np.einsum("wa,wb->wab", moved[:kept], moved[:kept])
    for lag in range(1, lags + 1):
        later = np.einsum("wa,wb->wab", moved[:kept], moved[lag : lag + kept])
        products += later + later.transpose(0, 2, 1)
    return products


def _count(windows: Windows, species: int) -> int:
    if not 0 <= species < len(windows.counts):
        raise ValueError(f"`species` must be a number from 0 to {len(windows.counts) - 1}: got {species}.")
    count = int(windows.counts[species])
    if not count:
        raise ValueError("There must be ions of the species: got none.")
    return count
