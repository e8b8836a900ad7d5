"""The activation energy: how steeply the conductivity grows with temperature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from agents.ions.constants import BOLTZMANN
from agents.ions.estimates import Estimate

__all__ = ["ArrheniusFit", "fit_arrhenius"]


@dataclass(frozen=True, eq=False)
class ArrheniusFit:
    """sigma T = A exp(-E/kT), fitted: ln(sigma T) is a straight line in 1/kT.

    Parameters
    ----------
    energy
        E (eV).
    intercept
        ln(A), A in S K/m.
    covariance
        Of intercept and energy, (2, 2).
    scatter
        Chi² over the degrees of freedom: well above 1 where the points are no straight line within their errors.
    """

    energy: Estimate
    intercept: Estimate
    covariance: NDArray[np.float64]
    scatter: float

    def conductivity(self, temperature: ArrayLike) -> NDArray[np.float64]:
        """On the fitted line (S/m), of the shape of the temperatures (K)."""
        kelvin = np.asarray(temperature, dtype=np.float64)
        return np.asarray(np.exp(self.intercept.value - self.energy.value / (BOLTZMANN * kelvin)) / kelvin)

    def band(self, temperature: ArrayLike, confidence: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Between what the line passes at each temperature (S/m), each by itself: Student's interval."""
        kelvin = np.asarray(temperature, dtype=np.float64)
        slope = np.stack([np.ones_like(kelvin), -1 / (BOLTZMANN * kelvin)], axis=-1)
        error = np.sqrt(np.einsum("...i,ij,...j->...", slope, self.covariance, slope))
        reach = np.exp(float(stdtrit(self.energy.freedom, (1 + confidence) / 2)) * error)
        middle = self.conductivity(kelvin)
        return middle / reach, middle * reach


def fit_arrhenius(temperatures: ArrayLike, conductivities: ArrayLike, stderrs: ArrayLike | None = None) -> ArrheniusFit:
    """The line through ln(sigma T) over 1/kT, by least squares weighted with the errors.

    Errors of the line come from those of the points, and are widened where points scatter by more than these (Birge's
    ratio); without errors of points, from their scatter alone. Intervals are Student's with two degrees of freedom
    fewer than points.

    *How to choose* the temperatures: the error of the energy falls with the range of 1/kT; three are the least, five
    show whether the line is straight.

    Parameters
    ----------
    temperatures
        In K.
    conductivities
        In S/m.
    stderrs
        Of the conductivities.

    Raises
    ------
    ValueError
        If there are fewer than three different temperatures, or a number is not positive.

    References
    ----------
    R. T. Birge, Phys. Rev. 40 (1932) 207, doi:10.1103/PhysRev.40.207.

    Examples
    --------
    >>> kelvin = np.array([280.0, 320.0, 360.0])
    >>> fit = fit_arrhenius(kelvin, 1e6 / kelvin * np.exp(-0.3 / (BOLTZMANN * kelvin)), 1e-3 * np.ones(3))
    >>> round(float(fit.energy), 9)
    0.3
    """
    kelvin, sigma = (np.asarray(one, dtype=np.float64) for one in (temperatures, conductivities))
    errors = np.ones_like(sigma) if stderrs is None else np.asarray(stderrs, dtype=np.float64)
    if kelvin.ndim != 1 or kelvin.shape != sigma.shape or sigma.shape != errors.shape:
        raise ValueError(
            "There must be a conductivity and, if any, an error for each temperature: got shapes "
            f"{kelvin.shape}, {sigma.shape} and {errors.shape}."
        )
    if len(np.unique(kelvin)) < 3:
        raise ValueError(f"At least three different temperatures are needed for an interval: got {kelvin.tolist()} K.")
    for what, numbers in (("Temperatures", kelvin), ("Conductivities", sigma), ("Errors", errors)):
        if not ((numbers > 0) & np.isfinite(numbers)).all():
            raise ValueError(f"{what} must be positive and finite: got {numbers.tolist()}.")
    relative = errors / sigma if stderrs is not None else errors
    design = np.stack([np.ones_like(kelvin), -1 / (BOLTZMANN * kelvin)], axis=1) / relative[:, None]
    aim = np.log(sigma * kelvin) / relative
    line, *_ = np.linalg.lstsq(design, aim, rcond=None)
    freedom = len(kelvin) - 2
    scatter = float(((aim - design @ line) ** 2).sum() / freedom)
    widened = scatter if stderrs is None else max(scatter, 1.0)
    covariance = np.asarray(np.linalg.inv(design.T @ design) * widened, dtype=np.float64)
    stderr = np.sqrt(covariance.diagonal())
    intercept, energy = (
        Estimate(np.asarray(line[i]), np.asarray(stderr[i]), unit, freedom) for i, unit in enumerate(("1", "eV"))
    )
    return ArrheniusFit(energy, intercept, covariance, scatter)
