"""How fast a wave grows on a ring of equal cars in uniform flow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf

import numpy as np
from numpy.typing import NDArray

from agents.cars.fleet import Drivers, Vehicle
from agents.cars.law import FirstOrder, Law, SecondOrder

__all__ = ["largest_stable_ring", "ring_growth"]


def ring_growth(law: Law, vehicle: Vehicle, headway: float, cars: int) -> float:
    """The largest growth rate in 1/s of a wave on a ring of equal cars in uniform flow.

    A wave of mode k, α = 2πk/cars, k = 1 ... cars - 1, grows at the rate Re λ with
    λ² - λ (f_v + f_l e^{iα}) - f_s (e^{iα} - 1) = 0 for dv/dt = f(gap s, speed v, leader's speed l), and
    λ = V'(s) (e^{iα} - 1) for dx/dt = V(s). Negative means stable; a ring whose cars stand has none (-inf).

    Parameters
    ----------
    law
        A smooth law of first or second order.
    vehicle
        The vehicle that all are.
    headway
        From front bumper to front bumper, in m.
    cars
        How many are on the ring, at least 2.

    Raises
    ------
    ValueError
        If the law is neither of first nor of second order, or there is no room for a gap.

    References
    ----------
    Wilson & Ward, Transp. Plan. Technol. 34 (2011) 3, doi:10.1080/03081060.2011.530826.

    Examples
    --------
    >>> from agents.cars import CAR, IDM
    >>> [round(ring_growth(IDM(), CAR, 40.0, cars), 4) for cars in (8, 200)]
    [-0.0747, 0.0035]
    """
    if cars < 2:
        raise ValueError(f"A wave needs at least 2 cars on the ring: got {cars}.")
    gap = headway - vehicle.length
    if not gap > 0:
        raise ValueError(f"`headway` must exceed the vehicle's length of {vehicle.length:g} m: got {headway:g} m.")
    driver = Drivers.of([vehicle], [0])
    speed = float(law.steady_speed(np.full(1, gap), driver)[0])
    if speed == 0:
        return -inf
    phase = np.exp(2j * np.pi * np.arange(1, cars) / cars)
    if isinstance(law, SecondOrder):
        at = np.array([gap, speed, speed])

        def acceleration(s: NDArray[np.float64]) -> float:
            return float(law.acceleration(s[:1], s[1:2], s[2:], driver)[0])

        f_s, f_v, f_l = (_derivative(acceleration, at, i) for i in range(3))
        half = (f_v + f_l * phase) / 2
        root = np.sqrt(half**2 + f_s * (phase - 1))
        return float(np.maximum((half + root).real, (half - root).real).max())
    if isinstance(law, FirstOrder):
        slope = _derivative(lambda s: float(law.instant_speed(s, driver)[0]), np.array([gap]), 0)
        return float((slope * (phase - 1)).real.max())
    raise ValueError(f"Growth rates need a law of first or second order without delay: got {law}.")


def largest_stable_ring(
    law: Law, vehicle: Vehicle, densities: Iterable[float], at_most: int, *, margin: float = 0.0
) -> int:
    """The largest number of cars whose ring is stable at every density, and every smaller ring too.

    Parameters
    ----------
    law, vehicle
        As in `ring_growth`.
    densities
        In 1/m.
    at_most
        Where to stop looking.
    margin
        How fast every wave has to decay, in 1/s: what a wait for steady flow needs.

    Examples
    --------
    >>> from agents.cars import CAR, IDM
    >>> largest_stable_ring(IDM(), CAR, np.arange(0.005, 0.14, 0.005), at_most=50)
    8
    """
    headways = [1 / density for density in densities]
    for cars in range(2, at_most + 1):
        if any(ring_growth(law, vehicle, headway, cars) > -margin for headway in headways):
            return cars - 1
    return at_most


def _derivative(function: Callable[[NDArray[np.float64]], float], at: NDArray[np.float64], i: int) -> float:
    """By the fourth-order central difference, to about 1e-12 of the function's scale."""
    step = np.zeros_like(at)
    step[i] = 1e-3 * max(1e-3, abs(at[i]))
    near = function(at + step) - function(at - step)
    far = function(at + 2 * step) - function(at - 2 * step)
    return (8 * near - far) / (12 * float(step[i]))
