"""The steady profile of ions that exclude each other, between electrodes that block them, in a uniform field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

__all__ = ["slowest_rate", "steady_profile"]


def steady_profile(columns: int, filling: float, tilt: float) -> NDArray[np.float64]:
    """Occupied shares c of the columns with c/(1 - c) = A exp(tilt × column), A so that their mean is ``filling``.

    No ion flows: what hops forward over a barrier, c_i (1 - c_j) exp(tilt/2), is what hops back. That a box holds a
    whole, fixed number of ions changes it by no more than one over twice the sites.

    Parameters
    ----------
    columns
        How many.
    filling
        Their mean share.
    tilt
        Charge times field times distance of columns over kT.

    Raises
    ------
    ValueError
        If the filling is not between 0 and 1.

    Examples
    --------
    >>> profile = steady_profile(3, 0.5, np.log(4.0))
    >>> [round(float(one), 9) for one in profile]
    [0.2, 0.5, 0.8]
    """
    if not 0 < filling < 1:
        raise ValueError(f"`filling` must lie between 0 and 1: got {filling}.")
    downhill = tilt * np.arange(columns)
    furthest = float(np.abs(downhill).max()) + 60.0

    def shares(level: float) -> NDArray[np.float64]:
        return np.asarray(1 / (1 + np.exp(-downhill - level)))

    return shares(brentq(lambda level: float(shares(level).mean()) - filling, -furthest, furthest, xtol=1e-14))


def slowest_rate(columns: int) -> float:
    """At which the slowest mode dies without field, in hops over a barrier: 2 - 2 cos(pi / columns).

    A field makes it faster.

    >>> round(slowest_rate(2), 9)
    2.0
    """
    return float(2 - 2 * np.cos(np.pi / columns))
