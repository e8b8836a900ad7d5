"""Random walkers that go from exit to exit, through flat and round interfaces, compiled.

No time steps: around a walker a region is drawn in which the law of where it leaves is known in closed form, and the
walker is put there. Where it leaves is exact, so that harmonic coordinates stay martingales; how long it took is
replaced by something known whose mean is that time, which is all that the growth of a mean square knows (Wald). There
is no step to be refined; what is left of a bias is what a window forgets too slowly, see `WalkerConductor`.

Inside a phase: a circle, M. E. Muller, Ann. Math. Statist. 27 (1956) 569, doi:10.1214/aoms/1177728169. At an interface:
a circle centred on it, in which the two phases are mirrored; its law follows from the method of images, with the skew
probability k_i / (k_0 + k_1) where it starts on the interface itself; for random walks there: A. Lejay & S. Maire,
J. Comput. Appl. Math. 245 (2013) 97. A round interface is flat in w = R log(z / R), and Brownian motion is
the same there but for its clock (P. Lévy), so that this is as exact.
"""

from __future__ import annotations

from math import cos, exp, floor, hypot, log, pi, sin, sqrt
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["leave_circle", "walk_disks", "walk_layers"]

Array = NDArray[np.float64]


@njit(cache=True, nogil=True)
def leave_circle(start: float, here: float, other: float, rng: Any) -> tuple[float, float]:
    """Where a walker leaves the unit circle whose diameter is the interface: (distance from the interface, along it).

    It starts at the distance ``start``, from 0 to below 1, in the phase ``here``; negative is in the ``other`` one.
    With κ = (here - other) / (here + other) and Poisson's kernel P of a uniform circle the density is P(start) +
    κ P(-start) on its own half, and (1 - κ) P(start) on the other one.
    """
    angle = 2.0 * pi * rng.random()
    # Poisson's law is that of a uniform angle under the Möbius map that takes 0 to the start.
    real, imaginary = cos(angle), sin(angle)
    scale = 1.0 / (1.0 + 2.0 * start * real + start * start)
    away = ((1.0 + start * start) * real + 2.0 * start) * scale
    along = (1.0 - start * start) * imaginary * scale
    mirrored = (here - other) / (here + other)
    if away < 0.0:
        if rng.random() < mirrored:
            away = -away
    elif mirrored < 0.0:
        beside = along * along
        share = ((away - start) ** 2 + beside) / ((away + start) ** 2 + beside)
        if rng.random() < -mirrored * share:
            away = -away
    return away, along


@njit(cache=True, nogil=True)
def walk_layers(
    place: Array,
    share: float,
    matrix: float,
    inclusion: float,
    window: float,
    pace: float,
    late: Array,
    moved: Array,
    rng: Any,
) -> int:
    """Walk through layers of period 1; the inclusion is where the first coordinate is below ``share``.

    ``place`` (walker, 2) and ``moved`` (walker, window, 2) are along the normal and along the layers; the first is
    moved on, the second is what each window added. No exit takes much longer than a ``pace`` in the mean. A window ends
    when hardly anything is left of it, or somewhat less; what is left to each walker is kept in ``late`` (walker,), and
    the next window takes it over. Returns the number of exits.
    """
    count = 0
    total = matrix + inclusion
    for i in range(place.shape[0]):
        u = place[i, 0]
        left = late[i]
        for w in range(moved.shape[1]):
            left += window
            normal = 0.0
            along = 0.0
            while left > 0.01 * pace:
                count += 1
                most = min(left, pace)
                inside = u < share
                here = inclusion if inside else matrix
                low = u - (0.0 if inside else share)
                high = (share if inside else 1.0) - u
                near = min(low, high)
                # Of random size: hops between a few places would never forget where they began.
                size = min(share, 1.0 - share, sqrt(total * most)) * (0.5 + 0.5 * rng.random())
                if near < 0.5 * size:  # leave (-size, size) about the interface: s / k is a martingale, and s² / 2k - t
                    own = (near * (total - here) + size * here) / (size * total)
                    other = total - here
                    way = size - near if rng.random() < own else -size - near
                    if high < low:
                        way = -way
                    left -= 0.5 * (own * size * size / here + (1.0 - own) * size * size / other - near * near / here)
                    area = size * size - near * near  # twice the mean of k dt: s² / 2 grows by k
                else:
                    size = min(near, sqrt(2.0 * here * most))
                    way = size if rng.random() < 0.5 else -size
                    left -= size * size / (2.0 * here)
                    area = size * size
                along += sqrt(area) * rng.standard_normal()
                normal += way
                u += way
                u -= floor(u)
            moved[i, w, 0] = normal
            moved[i, w, 1] = along
        place[i, 0] = u
        late[i] = left
    return count


@njit(cache=True, nogil=True)
def walk_disks(
    place: Array,
    disks: Array,
    matrix: float,
    inclusion: float,
    window: float,
    pace: float,
    late: Array,
    moved: Array,
    rng: Any,
) -> int:
    """Walk among ``disks`` (disk, 3), their x, y and radius, in the periodic unit cell; otherwise as `walk_layers`."""
    count = 0
    total = matrix + inclusion
    for i in range(place.shape[0]):
        x = place[i, 0]
        y = place[i, 1]
        left = late[i]
        for w in range(moved.shape[1]):
            left += window
            way_x = 0.0
            way_y = 0.0
            while left > 0.01 * pace:
                count += 1
                most = min(left, pace)
                gap = 2.0
                second = 2.0
                radius = 0.0
                from_x = 0.0
                from_y = 0.0
                for j in range(disks.shape[0]):
                    dx = x - disks[j, 0]
                    dy = y - disks[j, 1]
                    dx -= floor(dx)
                    dy -= floor(dy)
                    for image in range(4):
                        ex = dx - (image & 1)
                        ey = dy - (image >> 1)
                        far = hypot(ex, ey) - disks[j, 2]
                        if far < gap:
                            second = gap
                            gap = far
                            radius = disks[j, 2]
                            from_x = ex
                            from_y = ey
                        elif far < second:
                            second = far
                here = inclusion if gap < 0.0 else matrix
                near = abs(gap)
                # In w a circle of this size about the interface stays clear of all other disks.
                size = min(radius * log(1.0 + max(second - near, 0.0) / radius), radius, sqrt(2.0 * total * most))
                r = gap + radius
                depth = radius * log(r / radius) if r > 0.1 * radius else -radius
                if abs(depth) < 0.5 * size:
                    side = -1.0 if gap < 0.0 else 1.0
                    away, along = leave_circle(abs(depth) / size, here, total - here, rng)
                    there = here if away > 0.0 else total - here
                    deep = side * size * away
                    along *= size
                    grown = exp(deep / radius) * radius
                    # Its generator is that of time, (r / R)² in w, and it has no kink in k d/ds.
                    left -= (grown * grown - radius * radius - 2.0 * radius * deep) / (4.0 * there)
                    left += (r * r - radius * radius - 2.0 * radius * depth) / (4.0 * here)
                    # This one's is zero; it takes away most of the noise.
                    left -= (along * along - deep * deep + depth * depth) / (2.0 * total)
                    turn = along / radius
                    grown /= r
                    dx = grown * (cos(turn) * from_x - sin(turn) * from_y) - from_x
                    dy = grown * (sin(turn) * from_x + cos(turn) * from_y) - from_y
                else:
                    size = min(near, 2.0 * sqrt(here * most))
                    angle = 2.0 * pi * rng.random()
                    dx = size * cos(angle)
                    dy = size * sin(angle)
                    left -= size * size / (4.0 * here)
                way_x += dx
                way_y += dy
                x += dx
                y += dy
                x -= floor(x)
                y -= floor(y)
            moved[i, w, 0] = way_x
            moved[i, w, 1] = way_y
        place[i, 0] = x
        place[i, 1] = y
        late[i] = left
    return count
