"""Chemical diffusion, by its definition: how fast a wave of the concentration that was lifted decays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from agents.ions.box import Box
from agents.ions.estimates import LEAST_BLOCKS, Estimate, jackknife
from agents.ions.gas import LatticeGas

__all__ = ["Decay", "chemical_diffusion", "wave_decay", "wave_number"]


@dataclass(frozen=True, eq=False)
class Decay:
    """A wave that decays.

    Parameters
    ----------
    times : (time,)
        Since it was lifted (s).
    amplitudes : (replica, time)
        Of the wave, as a share of what was lifted.
    wave_number
        2 pi over its length (1/m), as the lattice has it.
    """

    times: NDArray[np.float64]
    amplitudes: NDArray[np.float64]
    wave_number: float

    @property
    def mean(self) -> NDArray[np.float64]:
        """Over the replicas, (time,)."""
        return np.asarray(self.amplitudes.mean(axis=0))

    @property
    def stderr(self) -> NDArray[np.float64]:
        """Of the mean, (time,)."""
        return np.asarray(self.amplitudes.std(axis=0, ddof=1) / np.sqrt(len(self.amplitudes)))

    @property
    def diffusion(self) -> Estimate:
        """The diffusion coefficient, from the slope of the logarithm of the mean amplitude (m²/s).

        Points weigh as the squares of their amplitudes, since the noise of the amplitude is nearly the same at all
        times. Amplitudes are averaged before the logarithm, which else is biased; errors by the jackknife.

        Raises
        ------
        ValueError
            If a mean amplitude is not positive: the wave is gone in noise.
        """
        if not (self.mean > 0).all():
            raise ValueError(
                f"The wave must outlast the noise: got mean amplitudes down to {self.mean.min():.3g}. Take shorter "
                "times, more replicas or a larger amplitude."
            )

        def coefficient(mean: NDArray[np.float64]) -> float:
            weight = mean**2 / (mean**2).sum()
            late = self.times - weight @ self.times
            logarithm = np.log(np.maximum(mean, 1e-300))
            return float(-(weight * late) @ logarithm / ((weight * late) @ late) / self.wave_number**2)

        return jackknife(coefficient, self.amplitudes, "m²/s")


def wave_number(box: Box, waves: int = 1) -> float:
    """2 pi over the length of a wave along the first axis (1/m), as a lattice has it.

    On a lattice k² is the mean of 2 (1 - cos k.d) over that of (k.d)², times k²: with it diffusion by hops of equal
    rates is exact for waves of any length. With the first vector not at right angles to the others, waves run across
    the planes that these span.

    >>> from agents.ions.lattices import chain
    >>> round(wave_number(Box(chain(1.0), (4,))) ** 2, 9)
    2.0
    """
    across = np.linalg.inv(box.crystal.vectors)[:, 0] * 2 * np.pi * waves / box.cells[0]
    phases = box.crystal.displacements @ across
    share = 2 * (1 - np.cos(phases)).sum() / (phases**2).sum()
    return float(np.linalg.norm(across) * np.sqrt(share))


def wave_decay(
    gas: LatticeGas,
    filling: float,
    amplitude: float,
    times: ArrayLike,
    replicas: int,
    rng: Generator,
    *,
    waves: int = 1,
) -> Decay:
    """How the amplitude of a wave of the concentration along x decays, lifted anew in each replica.

    *How to choose*: the amplitude so small that the coefficient changes little over the wave: its relative bias is
    about D'' amplitude² / 8 D. The wave long beside the distance over which ions are correlated; many waves in a long
    box are as good as many boxes, and their number best has no factor in common with that of the columns, or whole
    numbers of ions round the same way in every wave. Times: the first after local order has healed, some hops of an
    ion; the last where a quarter to a half of the wave has gone.

    *How to lift* ions that interact: by their Gibbs law, `pair_law` along a chain, `gibbs` elsewhere. `independent`
    has too large fluctuations, which do not heal before the wave is gone: D is 10 % too small in a half-filled chain
    with exp(-V/kT) = 0.053 and waves of 60 sites. `gibbs` and `by_column` leave out those that are longer than a
    column: 2 to 5 % too large there; this falls as waves become longer.

    Parameters
    ----------
    gas
        Of one species, periodic along x, without field along it.
    filling
        Mean share of sites that are occupied.
    amplitude
        Of the wave, in such shares.
    times
        When it is looked at, two or more, rising (s).
    replicas
        30 at least.
    rng
        Where random numbers come from.
    waves
        How many there are in the box.

    Raises
    ------
    ValueError
        For several species, a box with walls across x, shares outside 0 to 1, fewer than two times or 30 replicas, or
        waves shorter than four columns.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape
    >>> from agents.ions.lattices import square
    >>> gas = LatticeGas(Landscape(Box(square(1.0), (16, 16)), Hopping({"hop": 0.0}, 1.0)), temperature=300.0)
    >>> decay = wave_decay(gas, 0.5, 0.3, [0.0, 4.0], 30, np.random.default_rng(0))
    >>> bool(abs(decay.diffusion.value - 1.0) < 4 * decay.diffusion.stderr)
    True
    """
    moments = np.asarray(times, dtype=np.float64)
    columns = len(gas.fields[0]["coordinates"]["x"])
    _check(gas, filling, amplitude, moments, replicas, columns, waves)
    box = gas.landscape.box
    middles = np.cos(2 * np.pi * waves * (np.arange(columns) + 0.5) / columns)
    macro = filling + amplitude * middles[np.newaxis]
    along = box.positions @ np.linalg.inv(box.crystal.vectors)[:, 0] / box.cells[0]
    wave = np.cos(2 * np.pi * waves * (along - along.mean() + 0.5))  # at each site: columns would see shorter waves too
    wave /= amplitude * np.repeat(middles, len(box) // columns) @ wave
    amplitudes = np.empty((replicas, len(moments)))
    for replica in range(replicas):
        ions, reached = gas.lift(macro, rng), 0.0
        for index, moment in enumerate(moments):
            ions, reached = gas.evolve(ions, float(moment) - reached, rng), float(moment)
            amplitudes[replica, index] = wave[ions.site].sum()
    return Decay(moments, amplitudes, wave_number(gas.landscape.box, waves))


def chemical_diffusion(
    gas: LatticeGas,
    filling: float,
    amplitude: float,
    times: ArrayLike,
    replicas: int,
    rng: Generator,
    *,
    waves: int = 1,
) -> Estimate:
    """The coefficient with which concentrations even out (m²/s), at this filling: see `wave_decay`.

    Parameters and what is raised are those of `wave_decay`.

    Examples
    --------
    >>> from agents.ions import Box, Hopping, Landscape
    >>> from agents.ions.lattices import square
    >>> gas = LatticeGas(Landscape(Box(square(1.0), (16, 16)), Hopping({"hop": 0.0}, 1.0)), temperature=300.0)
    >>> chemical_diffusion(gas, 0.5, 0.3, [0.0, 4.0], 30, np.random.default_rng(0)).freedom
    29
    """
    return wave_decay(gas, filling, amplitude, times, replicas, rng, waves=waves).diffusion


def _check(
    gas: LatticeGas,
    filling: float,
    amplitude: float,
    times: NDArray[np.float64],
    replicas: int,
    columns: int,
    waves: int,
) -> None:
    periodic = gas.landscape.box.periodic
    if len(gas.species) != 1:
        raise ValueError(f"Chemical diffusion is read of one species: got {len(gas.species)}. Take one of them.")
    if not np.atleast_1d(periodic)[0] or any(gas.field):
        raise ValueError("The gas must be periodic along x and without field, or a wave does not only decay.")
    if not 0 < amplitude <= min(filling, 1 - filling):
        raise ValueError(
            f"Filling and amplitude must leave shares between 0 and 1: got {filling} and {amplitude}. Take an "
            f"amplitude up to {min(filling, 1 - filling):.3g}."
        )
    if times.ndim != 1 or len(times) < 2 or not (np.diff(times) > 0).all() or times[0] < 0:
        raise ValueError(f"`times` must be two or more that rise (s): got {times.tolist()}.")
    if replicas < LEAST_BLOCKS:
        raise ValueError(f"`replicas` must be {LEAST_BLOCKS} at least, or errors mislead: got {replicas}.")
    if not 1 <= waves <= columns / 4:
        raise ValueError(f"A wave must be four columns long at least: got {waves} in {columns} columns.")
