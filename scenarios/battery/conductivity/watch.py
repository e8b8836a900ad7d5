"""What ions of a material conduct at some temperatures, and the Arrhenius law through that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.ions.arrhenius import ArrheniusFit, fit_arrhenius
from agents.ions.conductor import Conducting, Conductor
from agents.ions.constants import BOLTZMANN, ELEMENTARY_CHARGE
from agents.ions.estimates import Estimate, jackknife
from eqfree.ensemble import ExecutorLike, Key
from scenarios.battery.conductor import HEALING

__all__ = ["ROOM", "Watched", "watch"]

Array = NDArray[np.float64]

ROOM = 300.0
"""At which materials are compared (K)."""


@dataclass(frozen=True, eq=False)
class Watched:
    """Ions of a material at some temperatures.

    Attributes
    ----------
    model
        The ions.
    share
        Of the sites that they occupy.
    temperatures : (point,)
        K.
    samples : (point, replica, 3, axis, axis)
        Conductivity times temperature, the same as if ions moved independently of each other, and the first by windows
        twice as long (S K/m).
    fit
        Arrhenius' law of the mean conductivity.
    cost
        What it took.
    """

    model: Conductor
    share: float
    temperatures: Array
    samples: Array
    fit: ArrheniusFit
    cost: ef.Cost

    def conductivity(self, point: int) -> Estimate:
        """The mean over the axes (S/m)."""
        return self._read(point, lambda mean: _level(mean[0]) / self.temperatures[point], "S/m")

    def components(self, point: int) -> Estimate:
        """Along each axis (S/m)."""
        return self._read(point, lambda mean: np.diag(mean[0]) / self.temperatures[point], "S/m")

    def haven(self, point: int) -> Estimate:
        """What it would be without correlation of hops of different ions is that of the conductivity, by trace."""
        return self._read(point, lambda mean: _level(mean[1]) / _level(mean[0]), "1")

    def tracer(self, point: int) -> Estimate:
        """The tracer diffusion coefficient, mean over the axes and, by charge squared, over the species (m²/s)."""
        crystal = self.model.landscape.box.crystal
        density = self.share * len(crystal.kinds) / crystal.volume
        charges = np.array([one.charge**2 for one in self.model.species]) @ np.array(self.model.shares)
        scale = BOLTZMANN / (ELEMENTARY_CHARGE * density * float(charges))
        return self._read(point, lambda mean: scale * _level(mean[1]), "m²/s")

    def doubling(self) -> Estimate:
        """By how much windows twice as long change the conductivity, as a share of it, at each temperature, (point,).

        Disorder makes memory longer in the cold, so that a mean over temperatures would hide it.
        """
        levels = np.trace(self.samples, axis1=3, axis2=4) / self.samples.shape[-1]
        return jackknife(lambda mean: mean[:, 2] / mean[:, 0] - 1, np.swapaxes(levels, 0, 1), "1")

    def at_room(self) -> Estimate:
        """The conductivity at 300 K: read where that is among the temperatures, else on the fitted line (S/m)."""
        (there,) = np.nonzero(self.temperatures == ROOM)
        if len(there):
            return self.conductivity(int(there[0]))
        value, (low, high) = self.fit.conductivity(ROOM), self.fit.band(ROOM, 0.6827)
        return Estimate(value, (high - low) / 2, "S/m", self.fit.energy.freedom)

    def table(self) -> pd.DataFrame:
        """A row a temperature."""
        rows = []
        for point, kelvin in enumerate(self.temperatures):
            sigma, axes, haven, tracer = (
                read(point) for read in (self.conductivity, self.components, self.haven, self.tracer)
            )
            along = {
                name: value
                for axis, (one, error) in enumerate(zip(axes.value, axes.stderr, strict=True))
                for name, value in ((f"along_{'xyz'[axis]}", one), (f"along_{'xyz'[axis]}_stderr", error))
            }
            rows.append(
                {
                    "temperature": float(kelvin),
                    "conductivity": float(sigma),
                    "stderr": float(sigma.stderr),
                    **along,
                    "anisotropy": float(axes.value.max() / axes.value.min()),
                    "tracer_diffusion": float(tracer),
                    "tracer_diffusion_stderr": float(tracer.stderr),
                    "haven_ratio": float(haven),
                    "haven_ratio_stderr": float(haven.stderr),
                }
            )
        return pd.DataFrame(rows)

    def _read(self, point: int, statistic: Callable[[Array], Array | float], unit: str) -> Estimate:
        return jackknife(statistic, self.samples[point], unit)


def watch(
    model: Conductor,
    share: float,
    temperatures: Sequence[float],
    duration: float,
    replicas: int,
    executor: ExecutorLike = None,
    seed: int = 0,
    key: Key = (),
) -> Watched:
    """Ions at some temperatures (K), three or more, each for so many mean times between two hops of an ion.

    Raises
    ------
    ValueError
        If the box would be full or empty, or there are fewer than three temperatures.

    Examples
    --------
    >>> from agents.ions.material import read_material
    >>> seen = watch(Conductor.of(read_material("lgps_like")), 5 / 7, [250.0, 300.0, 400.0], 30.0, 30)
    >>> bool(0.15 < float(seen.fit.energy) < 0.2)
    True
    """
    model.check(share)
    kelvin = np.unique(np.asarray(temperatures, dtype=np.float64))
    if len(kelvin) < 3:
        raise ValueError(
            f"Arrhenius' law needs three different temperatures for an interval: got {kelvin.tolist()} K. Add some."
        )

    def observe(before: Conducting, after: Conducting, _: float) -> Array:
        read = (model.conductivity, model.tracer_conductivity, model.doubled_conductivity)
        return np.array([one(before, after) for one in read])

    bursts = ef.CoarseTimeStepper(model, replicas, executor=executor, seed=seed).bursts(
        [[1 / (BOLTZMANN * one), share] for one in kelvin],
        (HEALING, HEALING + duration),
        [(*key, number) for number in range(len(kelvin))],
        observe,
        samples=True,
    )
    read = [one.observed.samples for one in bursts if one.observed is not None and one.observed.samples is not None]
    samples = np.array(read)[:, :, 0]
    sigmas = [jackknife(_level, one[:, 0] / at, "S/m") for one, at in zip(samples, kelvin, strict=True)]
    values, errors = ([float(one) for one in sigmas], [float(one.stderr) for one in sigmas])
    fit = fit_arrhenius(kelvin, values, errors)
    return Watched(model, share, kelvin, samples, fit, sum((one.cost for one in bursts), ef.Cost()))


def _level(tensor: Array) -> float:
    return float(np.trace(tensor)) / len(tensor)
