"""The compiled springs between cells: boxes, lists of pairs, steps."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["move_by_springs"]

Array = NDArray[Any]


@njit(cache=True, nogil=True)
def _lay_boxes(
    place: Array, length: Array, wraps: Array, widest: float, most: int, low: Array, side: Array, shape: Array
) -> None:
    """Boxes no narrower than the reach around all cells, at most so many."""
    span = np.zeros(3)
    for a in range(3):
        if wraps[a]:
            low[a], span[a] = 0.0, length[a]
        else:
            lowest, highest = place[0, a], place[0, a]
            for i in range(1, place.shape[0]):
                x = place[i, a]
                lowest = x if x < lowest else lowest
                highest = x if x > highest else highest
            low[a], span[a] = lowest, highest - lowest
    narrowest = widest
    while True:
        total = 1.0
        for a in range(3):
            total *= max(1.0, np.floor(span[a] / narrowest))
        if total <= most:
            break
        narrowest *= 1.2
    for a in range(3):
        shape[a] = max(1, int(span[a] / narrowest))
        side[a] = max(span[a] / shape[a], narrowest)


@njit(cache=True, nogil=True)
def _sort(
    place: Array,
    radius: Array,
    low: Array,
    side: Array,
    shape: Array,
    box: Array,
    start: Array,
    order: Array,
    near: Array,
) -> None:
    """Counting sort by boxes: box b has the cells start[b] to start[b + 1]."""
    start[:] = 0
    nx, ny, nz = shape[0], shape[1], shape[2]
    per_x, per_y, per_z = 1 / side[0], 1 / side[1], 1 / side[2]
    for i in range(place.shape[0]):
        x = min(max(int((place[i, 0] - low[0]) * per_x), 0), nx - 1)
        y = min(max(int((place[i, 1] - low[1]) * per_y), 0), ny - 1)
        z = min(max(int((place[i, 2] - low[2]) * per_z), 0), nz - 1)
        b = (z * ny + y) * nx + x
        box[i] = b
        start[b + 1] += 1
    for b in range(start.size - 1):
        start[b + 1] += start[b]
    for i in range(place.shape[0]):
        k = start[box[i]]
        start[box[i]] += 1
        order[k] = i
        near[k, 0], near[k, 1], near[k, 2], near[k, 3] = place[i, 0], place[i, 1], place[i, 2], radius[i]
    for b in range(start.size - 1, 0, -1):
        start[b] = start[b - 1]
    start[0] = 0


@njit(cache=True, nogil=True)
def _list(
    near: Array, length: Array, wraps: Array, reach: float, skin: float, shape: Array, start: Array, pair: Array
) -> int:
    """All pairs in reach or nearly so, once: each cell with those after it in its box and in half of the boxes around.

    A pair is both cells and the number of the shift of the second's image. More than fit are only counted.
    """
    nx, ny, nz = shape[0], shape[1], shape[2]
    room, found = pair.shape[0], 0
    for bz in range(nz):
        for by in range(ny):
            for row in range(5):  # (y, z) of half of the rows around: (0, 0), (1, 0), (-1, 1), (0, 1), (1, 1)
                oy, oz = (row, 0) if row < 2 else (row - 3, 1)
                cy, cz, ix, iy, iz = by + oy, bz + oz, 0, 0, 0
                if cy < 0 or cy >= ny:
                    if not wraps[1]:
                        continue
                    iy = oy
                    cy -= ny * oy
                if cz >= nz:
                    if not wraps[2]:
                        continue
                    iz = 1
                    cz -= nz
                base, there = (bz * ny + by) * nx, (cz * ny + cy) * nx
                left = 0 if row == 0 else 1
                for part in range(
                    nx + 2
                ):  # at last around x: from the first box to the end, from the last to the start
                    bx, from_x, to_x = part, max(part - left, 0), min(part + 1, nx - 1)
                    if part >= nx:
                        if not wraps[0] or (part == nx and left == 0):
                            continue
                        bx = 0 if part == nx else nx - 1
                        from_x = to_x = nx - 1 - bx
                        ix = -1 if part == nx else 1
                    begin, last = start[there + from_x], start[there + to_x + 1]
                    shift = (iz * 3 + iy + 1) * 3 + ix + 1
                    sx = ix * length[0] if ix != 0 else 0.0  # an endless axis times no shift is no number
                    sy = iy * length[1] if iy != 0 else 0.0
                    sz = iz * length[2] if iz != 0 else 0.0
                    for i in range(start[base + bx], start[base + bx + 1]):
                        x, y, z, r = near[i, 0] - sx, near[i, 1] - sy, near[i, 2] - sz, near[i, 3]
                        first = i + 1 if row == 0 and part < nx else begin
                        for j in range(first, last):
                            dx, dy, dz = x - near[j, 0], y - near[j, 1], z - near[j, 2]
                            far = reach * (r + near[j, 3]) + skin
                            if dx * dx + dy * dy + dz * dz < far * far:
                                if found < room:
                                    pair[found, 0], pair[found, 1], pair[found, 2] = i, j, shift
                                found += 1
    return found


@njit(cache=True, nogil=True)
def _push(
    near: Array,
    length: Array,
    repulsion: float,
    adhesion: float,
    reach: float,
    pair: Array,
    found: int,
    felt: Array,
) -> None:
    """The springs of all pairs: felt becomes the velocity, the overlaps and the number of neighbours of each cell."""
    shift = np.zeros((18, 3))
    for image in range(18):
        for a, times in enumerate((image % 3 - 1, image // 3 % 3 - 1, image // 9)):
            shift[image, a] = times * length[a] if times != 0 else 0.0
    felt[:] = 0.0
    for k in range(found):
        i, j, image = pair[k, 0], pair[k, 1], pair[k, 2]
        dx = near[i, 0] - near[j, 0] - shift[image, 0]
        dy = near[i, 1] - near[j, 1] - shift[image, 1]
        dz = near[i, 2] - near[j, 2] - shift[image, 2]
        both = near[i, 3] + near[j, 3]
        square, far = dx * dx + dy * dy + dz * dz, reach * both
        if square < far * far and square > 0.0:
            distance = sqrt(square)
            gap = both - distance
            overlap, touches = (gap, 1.0) if gap > 0.0 else (0.0, 0.0)
            push = (repulsion if gap > 0.0 else adhesion) * gap / distance
            dx, dy, dz = push * dx, push * dy, push * dz
            felt[i, 0] += dx
            felt[i, 1] += dy
            felt[i, 2] += dz
            felt[i, 3] += overlap
            felt[i, 4] += touches
            felt[j, 0] -= dx
            felt[j, 1] -= dy
            felt[j, 2] -= dz
            felt[j, 3] += overlap
            felt[j, 4] += touches


@njit(cache=True, nogil=True)
def _reflect(x: float, length: float) -> float:
    """A place beyond a closed side, seen in the mirrors that the sides are."""
    turned = x - 2 * length * np.floor(x / (2 * length))
    inside: float = turned if turned <= length else 2 * length - turned
    return inside


@njit(cache=True, nogil=True)
def _go(
    near: Array,
    felt: Array,
    order: Array,
    length: Array,
    wraps: Array,
    speed: Array,
    along: Array,
    time_step: float,
    listed: Array,
) -> float:
    """A step of all cells, reflected at closed sides; the largest square of a way since the pairs were listed."""
    furthest = 0.0
    for k in range(near.shape[0]):
        way = 0.0
        for a in range(3):
            x = near[k, a] + time_step * felt[k, a]
            if speed.size > 0:
                i = order[k]
                x += time_step * speed[i] * along[i, a]
            if not wraps[a] and length[a] < np.inf and (x < 0.0 or x > length[a]):
                if speed.size > 0:
                    along[order[k], a] = abs(along[order[k], a]) if x < 0.0 else -abs(along[order[k], a])
                x = _reflect(x, length[a])
            near[k, a] = x
            way += (x - listed[k, a]) ** 2
        furthest = max(furthest, way)
    return furthest


@njit(cache=True, nogil=True)
def _put_back(near: Array, order: Array, length: Array, wraps: Array, place: Array) -> None:
    """The cells in the order in which they came, around the periodic axes."""
    for k in range(near.shape[0]):
        for a in range(3):
            x = near[k, a]
            if wraps[a] and (x < 0.0 or x >= length[a]):
                x -= length[a] * np.floor(x / length[a])
                x = x if x < length[a] else 0.0
            place[order[k], a] = x


@njit(cache=True, nogil=True)
def move_by_springs(
    place: Array,
    radius: Array,
    length: Array,
    wraps: Array,
    repulsion: float,
    adhesion: float,
    reach: float,
    widest: float,
    skin: float,
    speed: Array,
    along: Array,
    time_step: float,
    steps: int,
    boxes: int,
    compression: Array,
    neighbours: Array,
) -> None:
    """Steps of all cells at ``place`` (cell, 3), µm, which is overwritten, as are ``along``, and the last two.

    Pairs are listed by boxes, nearly as far as ``skin`` beyond their reach, and anew when two cells may have come
    nearer by so much (Verlet, Phys. Rev. 159 (1967) 98, doi:10.1103/PhysRev.159.98). The arguments are those of
    `Mechanics.move`, which calls this; ``widest`` is the largest reach, ``boxes`` how many of them are allowed.
    """
    cells, found = place.shape[0], 0
    low, side, shape = np.zeros(3), np.zeros(3), np.zeros(3, dtype=np.int64)
    box, order = np.zeros(cells, dtype=np.int32), np.zeros(cells, dtype=np.int32)
    near, listed, felt = np.zeros((cells, 4)), np.zeros((cells, 4)), np.zeros((cells, 5))
    pair = np.zeros((4 * cells + 16, 3), dtype=np.int32)
    furthest = np.inf
    for _ in range(steps):
        if 4 * furthest >= skin * skin:  # two cells may have come nearer by the skin
            if furthest < np.inf:
                _put_back(near, order, length, wraps, place)
            _lay_boxes(place, length, wraps, widest + skin, boxes, low, side, shape)
            start = np.zeros(shape[0] * shape[1] * shape[2] + 1, dtype=np.int32)
            _sort(place, radius, low, side, shape, box, start, order, near)
            found = _list(near, length, wraps, reach, skin, shape, start, pair)
            if found > pair.shape[0]:
                pair = np.zeros((found + found // 8, 3), dtype=np.int32)
                _list(near, length, wraps, reach, skin, shape, start, pair)
            for k in range(cells):  # not by assigning all, which takes numba many times as long to compile
                for a in range(4):
                    listed[k, a] = near[k, a]
        _push(near, length, repulsion, adhesion, reach, pair, found, felt)
        furthest = _go(near, felt, order, length, wraps, speed, along, time_step, listed)
    _put_back(near, order, length, wraps, place)
    for k in range(cells):
        compression[order[k]] = felt[k, 3] / near[k, 3]
        neighbours[order[k]] = int(felt[k, 4])
