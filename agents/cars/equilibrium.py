"""The steady flow of a mixed fleet on a ring, solved for instead of waited for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from agents.cars.fleet import Drivers
from agents.cars.law import Law

__all__ = ["equilibrium_gaps", "equilibrium_speed"]


def equilibrium_speed(law: Law, drivers: Drivers, length: float) -> float:
    """The speed in m/s at which all drivers go round a ring together, each at its own steady gap.

    Solves Σ (steady_gap_i(v) + l_i) = length by Brent's method; where the ring is so long that
    this has no solution, all drive at the speed of the slowest, who has the free space ahead, and where it is
    so short that there is none, all stand.

    Parameters
    ----------
    law
        How they drive.
    drivers
        Who drives, in any order.
    length
        Length of the ring in m.

    Raises
    ------
    ValueError
        If the vehicles are longer than the ring.

    Examples
    --------
    >>> from agents.cars.fleet import CAR
    >>> from agents.cars.idm import IDM
    >>> round(equilibrium_speed(IDM(), Drivers.of([CAR], [0] * 4), 4 * 50.0), 6)
    23.293536
    """
    free = length - drivers.length.sum()
    if free < 0:
        raise ValueError(
            f"The vehicles must fit on the ring: {len(drivers)} vehicles are {drivers.length.sum():g} m long, "
            f"the ring has {length:g} m. Take fewer vehicles or a longer ring."
        )
    low, high = 0.0, float(law.steady_speed(np.full(1, np.inf), drivers).min())
    if law.steady_gap(high, drivers).sum() <= free:
        return high
    if law.steady_gap(low, drivers).sum() >= free:
        return low
    # a share of the road rather than a length, since the steady gap may be infinite at the upper end
    return float(
        brentq(lambda speed: 0.5 - free / (free + law.steady_gap(speed, drivers).sum()), low, high, xtol=1e-16)
    )


def equilibrium_gaps(law: Law, drivers: Drivers, length: float, speed: float) -> NDArray[np.float64]:
    """The gaps (n,) in m at the `equilibrium_speed`; they and the vehicles add up to the ring.

    What the steady gaps leave over goes ahead of the slowest, in equal parts if there are several. Where
    not even the gaps of standing drivers fit, all are shortened alike.

    >>> from agents.cars.fleet import CAR, TRUCK
    >>> from agents.cars.safe_distance import SafeDistance
    >>> drivers = Drivers.of([CAR, TRUCK], [0, 0, 1])
    >>> speed = equilibrium_speed(SafeDistance(), drivers, 500.0)
    >>> equilibrium_gaps(SafeDistance(), drivers, 500.0, speed).round(2)
    array([ 37.56,  37.56, 402.89])
    """
    steady: NDArray[np.float64] = law.steady_gap(speed, drivers)
    free = length - drivers.length.sum()
    if steady.sum() > free:
        steady *= free / steady.sum()
        return steady
    slowest = drivers.desired_speed == drivers.desired_speed.min()
    steady[slowest] += (free - steady.sum()) / slowest.sum()
    return steady
