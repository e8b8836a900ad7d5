"""The law of a sphere of which only a rim grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import solve_ivp

__all__ = ["grow_rim", "rim_speed"]

Array = NDArray[np.float64]

_RTOL = 1e-10


def rim_speed(radius: float, rim: float, rate: float) -> float:
    """How fast a sphere's radius grows whose rim alone makes volume (µm/h): rate (R³ - (R - rim)³) / (3 R²).

    Parameters
    ----------
    radius, rim
        Of the sphere, and thickness of its rim (µm); all of a sphere grows that is thinner than its rim.
    rate
        At which volume grows in the rim, ln 2 over the time of a division (1/h).

    References
    ----------
    H. P. Greenspan, Stud. Appl. Math. 51 (1972) 317, doi:10.1002/sapm1972514317: growth of a spheroid without loss.

    Examples
    --------
    >>> rim_speed(100.0, 100.0, 0.03)
    1.0
    """
    inner = max(radius - rim, 0.0)
    return rate * (radius**3 - inner**3) / (3 * radius**2)


def grow_rim(times: ArrayLike, radius: float, rims: ArrayLike, rate: float) -> Array:
    """The radius (µm) at each of the times (h), from one at the first, where the rim is as thick as it was measured.

    Parameters
    ----------
    times
        Increasing, (time,).
    radius
        At the first of them (µm).
    rims
        Thickness of the rim (µm) at these times, (time,), between which it is linear; or one for all.
    rate
        As in `rim_speed`.

    Raises
    ------
    ValueError
        If the times do not increase, or radius, rims or rate are not positive.

    Examples
    --------
    >>> grow_rim([0.0, 100.0], 100.0, 50.0, np.log(2) / 24).round(3)
    array([100.   , 199.744])
    """
    when = np.asarray(times, dtype=np.float64)
    thick = np.broadcast_to(np.asarray(rims, dtype=np.float64), when.shape)
    if when.ndim != 1 or not len(when) or not (np.diff(when) > 0).all():
        raise ValueError(f"Times must be a list that increases: got {when}.")
    if not (radius > 0 and rate > 0 and (thick > 0).all()):
        raise ValueError(f"Radius, rims and rate must be positive: got {radius}, {thick.min()} and {rate}.")
    path = [float(radius)]
    for begin, end, first, last in zip(when, when[1:], thick, thick[1:], strict=False):
        path.append(_grow_on(path[-1], end - begin, first, (last - first) / (end - begin), rate))
    return np.array(path)


def _grow_on(radius: float, duration: float, rim: float, bend: float, rate: float) -> float:
    """The radius after a time in which the rim changes at a constant rate."""

    def speed(time: float, now: Array) -> list[float]:
        return [rim_speed(float(now[0]), rim + bend * time, rate)]

    solved = solve_ivp(speed, (0.0, duration), [radius], rtol=_RTOL, atol=_RTOL)
    return float(solved.y[0, -1])
