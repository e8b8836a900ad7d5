"""Schemes on cells: what stands at the two sides of a cell, and how a step is made of Euler steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Cells",
    "FirstOrder",
    "Muscl",
    "Road",
    "Scheme",
    "minmod",
    "monotonized_central",
    "ssp_rk2",
    "ssp_rk3",
    "van_leer",
]

Array: TypeAlias = NDArray[np.float64]
Limiter: TypeAlias = Callable[[Array, Array], Array]
EulerStep: TypeAlias = Callable[[Array, float], Array]
RungeKutta: TypeAlias = Callable[[EulerStep, Array, float, float], Array]


def minmod(backward: Array, forward: Array) -> Array:
    """The smaller of two slopes, zero where their signs differ: the most cautious limiter.

    >>> minmod(np.array([1.0, 1.0]), np.array([3.0, -1.0]))
    array([1., 0.])
    """
    return np.where(backward * forward > 0, np.copysign(np.minimum(np.abs(backward), np.abs(forward)), forward), 0.0)


def van_leer(backward: Array, forward: Array) -> Array:
    """The harmonic mean of two slopes, zero where their signs differ.

    B. van Leer, J. Comput. Phys. 14 (1974) 361, doi:10.1016/0021-9991(74)90019-9.

    >>> van_leer(np.array([1.0, 1.0]), np.array([3.0, -1.0]))
    array([1.5, 0. ])
    """
    product = backward * forward
    return np.divide(2 * product, backward + forward, out=np.zeros_like(product), where=product > 0)


def monotonized_central(backward: Array, forward: Array) -> Array:
    """The mean of two slopes, at most twice the smaller: the least diffusive of the three.

    B. van Leer, J. Comput. Phys. 23 (1977) 276, doi:10.1016/0021-9991(77)90095-X.

    >>> monotonized_central(np.array([1.0, 1.0]), np.array([4.0, 2.0]))
    array([2. , 1.5])
    """
    return minmod((backward + forward) / 2, 2 * minmod(backward, forward))


def ssp_rk2(euler: EulerStep, values: Array, time: float, step: float) -> Array:
    """Heun's method as a mean of Euler steps, of which it keeps every convex bound; order 2.

    C.-W. Shu and S. Osher, J. Comput. Phys. 77 (1988) 439, eq. (2.18), doi:10.1016/0021-9991(88)90177-5.

    >>> ssp_rk2(lambda u, t: u + 0.1 * u, np.ones(1), 0.0, 0.1)
    array([1.105])
    """
    return values / 2 + euler(euler(values, time), time + step) / 2


def ssp_rk3(euler: EulerStep, values: Array, time: float, step: float) -> Array:
    """The third-order method of Shu and Osher (1988), eq. (2.19): means of Euler steps.

    >>> ssp_rk3(lambda u, t: u + 0.1 * u, np.ones(1), 0.0, 0.1).round(6)
    array([1.105167])
    """
    first = euler(values, time)
    second = 3 / 4 * values + euler(first, time + step) / 4
    return values / 3 + 2 / 3 * euler(second, time + step / 2)


@dataclass(frozen=True)
class Cells:
    """What a scheme sees of a road.

    Attributes
    ----------
    widths : (cell,)
    spacing : (cell + 1,)
        Between the centres on both sides of a face.
    left_of, right_of : (cell + 1,)
        Which cells lie there.
    smooth : (cell + 1,)
        Whether nothing but the density changes across the face.
    """

    widths: Array
    spacing: Array
    left_of: NDArray[np.intp]
    right_of: NDArray[np.intp]
    smooth: NDArray[np.bool_]

    def jumps(self, values: Array) -> Array:
        """Differences across the faces, (..., cell + 1); zero where more than the density changes."""
        return np.asarray((values[..., self.right_of] - values[..., self.left_of]) * self.smooth)


class Road(Protocol):
    """What a scheme asks of the flow. `ConservationLaw` keeps it."""

    @abstractmethod
    def jam(self, shares: Array) -> Array:
        """The largest density in each cell, (cell,)."""

    @abstractmethod
    def inflected(self, density: Array, shares: Array) -> NDArray[np.bool_]:
        """In which cells the flow bends both ways between the densities of a cell and of two on each side, (cell,)."""


class Scheme(Protocol):
    """A finite-volume scheme: what the road looks like inside a cell, and how a step is made of Euler steps."""

    order: int
    #: Largest Courant number at which densities and shares keep their bounds.
    courant_limit: float

    @abstractmethod
    def traces(self, cells: Cells, density: Array, shares: Array, road: Road) -> tuple[Array, Array]:
        """Density and shares, (1 + share, cell), at the left and at the right side of each cell."""

    @abstractmethod
    def advance(self, euler: EulerStep, values: Array, time: float, step: float) -> Array:
        """One step, made of Euler steps (values, time) -> values."""


@dataclass(frozen=True)
class FirstOrder(Scheme):
    """Godunov's scheme: constant in each cell, one Euler step; total variation never grows, for any flow.

    S. K. Godunov, Mat. Sb. 47 (1959) 271.

    >>> FirstOrder().order
    1
    """

    order = 1
    courant_limit = 1.0

    def traces(self, cells: Cells, density: Array, shares: Array, road: Road) -> tuple[Array, Array]:
        """The means of the cells themselves."""
        values = np.vstack([density, shares])
        return values, values

    def advance(self, euler: EulerStep, values: Array, time: float, step: float) -> Array:
        """One Euler step."""
        return euler(values, time)


@dataclass(frozen=True)
class Muscl(Scheme):
    """Linear in each cell, slopes limited, a strong-stability-preserving Runge-Kutta step; order 2 where it is smooth.

    Each half of a cell is a cell of the first-order scheme, so densities and shares keep their bounds up to
    Courant number 1/2. Shares are weighted so that the halves hold the share of the whole (Berthon, J. Comput.
    Phys. 218 (2006) 495, doi:10.1016/j.jcp.2006.02.017). Where the flow bends both ways between a cell and two
    on each side, steep slopes can hold a wave that is not the entropy solution: there density has that of `minmod`
    (A. Kurganov, G. Petrova & B. Popov, SIAM J. Sci. Comput. 29 (2007) 2381, doi:10.1137/040614189).

    Parameters
    ----------
    limiter
        `van_leer`, `minmod`, `monotonized_central`, or another function of the slopes on both sides.
    runge_kutta
        `ssp_rk2` or `ssp_rk3`.

    Examples
    --------
    >>> Muscl(minmod).order
    2
    """

    limiter: Limiter = van_leer
    runge_kutta: RungeKutta = ssp_rk2

    order = 2
    courant_limit = 0.5

    def traces(self, cells: Cells, density: Array, shares: Array, road: Road) -> tuple[Array, Array]:
        """Means plus and minus half a limited slope; flat where a side would be fuller than full."""
        cautious = self._rise(cells, density, minmod)
        rise = np.where(road.inflected(density, shares), cautious, self._rise(cells, density, self.limiter))
        values, rises = np.vstack([density, shares]), np.vstack([rise, self._rise(cells, shares, self.limiter)])
        left, right = density - rise, density + rise
        heavier = np.where(density > 0, np.maximum(left, right), 1.0)
        before, after = values - rises, values + rises
        before[1:] = shares - rises[1:] * right / heavier
        after[1:] = shares + rises[1:] * left / heavier
        fuller = (before[0] > road.jam(before[1:])) | (after[0] > road.jam(after[1:]))
        return np.where(fuller, values, before), np.where(fuller, values, after)

    def advance(self, euler: EulerStep, values: Array, time: float, step: float) -> Array:
        """One Runge-Kutta step."""
        return self.runge_kutta(euler, values, time, step)

    @staticmethod
    def _rise(cells: Cells, values: Array, limiter: Limiter) -> Array:
        """From the centre of a cell to its right side, never beyond the mean of a neighbour."""
        jumps = cells.jumps(values)
        slopes = jumps / cells.spacing
        rise = limiter(slopes[..., :-1], slopes[..., 1:]) * cells.widths / 2
        nearest = np.minimum(np.abs(jumps[..., :-1]), np.abs(jumps[..., 1:]))
        return np.asarray(np.maximum(np.minimum(rise, nearest), -nearest))
