"""Equal disks, none touching, placed at random in a period."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scenarios.composite.cell import Cell

__all__ = ["RandomDisks"]

_GAP = 0.1  # least distance of two circles, in radii: what a mesh between them can resolve
_TRIES = 2000  # to place a disk by chance, before all are moved
_SWEEPS = 5_000  # of moving disks apart
_FEWEST_POINTS = 12  # on a circle
_RING = 0.85  # distance of the rings beside a circle, in its spacing
_GROWTH = 0.5  # of the mesh size with the distance from a circle
_APART = 0.6  # least distance of two points, in mesh sizes
_MARGIN = 0.5  # of the copies around the period, which the triangles at its edges need
_JITTER = 1e-3  # in mesh sizes: no four points on one circle, so that every copy is triangulated alike


@dataclass(frozen=True)
class RandomDisks:
    """Equal disks at random in the unit torus, a tenth of a radius apart at least.

    Disks are placed one after the other, where there is room (random sequential adsorption). Where that ends, a little
    below a half, the missing ones are put anywhere and all that overlap are moved apart, step by step.
    The gap keeps disks from touching, so that a medium of great contrast conducts less than one without it.

    *How to choose.* ``count``: the scatter of K over realisations falls like 1/sqrt(count), and its systematic
    error faster; 16 to 64 disks and an ensemble (`scenarios.composite.ensemble`) cost less than one huge period.

    Attributes
    ----------
    volume_fraction
        Of the disks (1).
    count
        Disks in a period; one is the square array of cylinders.
    seed
        Of their places.

    Raises
    ------
    ValueError
        If the fraction is not between 0 and what the gap leaves (pi/4.41 = 0.712 for one disk), if the disks did not
        find room, or if count or seed are no integers of at least 1 and 0.

    References
    ----------
    S. Torquato, Random Heterogeneous Materials, Springer 2002, section 3.4 (sequential adsorption: 0.547 at most).

    Examples
    --------
    >>> medium = RandomDisks(volume_fraction=0.3, count=8, seed=1)
    >>> medium.centres.shape, round(medium.radius, 4)
    ((8, 2), 0.1093)
    """

    volume_fraction: float
    count: int
    seed: int

    def __post_init__(self) -> None:
        if self.count != int(self.count) or self.count < 1 or self.seed != int(self.seed) or self.seed < 0:
            raise ValueError(
                f"`count` must be a positive and `seed` a non-negative integer: got {self.count} and {self.seed}."
            )
        most = np.pi / (2 + _GAP) ** 2
        if not 0 < self.volume_fraction < (most if self.count == 1 else 1):
            raise ValueError(
                f"`volume_fraction` must be between 0 and {most if self.count == 1 else 1:.3g}, where {self.count} "
                f"disk(s) and their gaps fill the period: got {self.volume_fraction:g}."
            )

    @property
    def radius(self) -> float:
        """Of a disk, in periods."""
        return float(np.sqrt(self.volume_fraction / (np.pi * self.count)))

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Places of the disks in the unit torus, (disk, 2)."""
        rng = np.random.default_rng(self.seed)
        distance = (2 + _GAP) * self.radius
        placed = _adsorb(self.count, distance, rng)
        centres = _move_apart(np.vstack([placed, rng.random((self.count - len(placed), 2))]), distance, rng)
        if centres is None:
            raise ValueError(
                f"`volume_fraction` must leave room: {self.count} disks of fraction {self.volume_fraction:g}, "
                f"{_GAP:g} radii apart, were not disentangled. Take a lower fraction (0.6 is reached) or another seed."
            )
        centres.setflags(write=False)
        return centres

    def cell(self, refinement: int) -> Cell:
        """A triangulation of the torus that fits the circles, mesh size about 1/refinement and finer in gaps.

        Circles are polygons of the same area as the disks; points beside them are staggered on rings.

        Raises
        ------
        ValueError
            If the refinement is no positive integer, or the disks found no room.
        """
        import skfem

        from scenarios.composite.cell import Cell

        if refinement != int(refinement) or refinement < 1:
            raise ValueError(f"`refinement` must be a positive number of elements a period: got {refinement}.")
        points = _points(self.centres, self.radius, 1.0 / refinement, np.random.default_rng(self.seed))
        places, triangles = _triangulate(points)
        phase = _from_circle(places[triangles].mean(axis=1), self.centres, self.radius)[1] < 0
        _check(places[triangles], phase, len(points), self.volume_fraction)
        return Cell(skfem.MeshTri(places.T.copy(), triangles.T.copy()), phase.astype(np.int64))

    def outline(self) -> list[NDArray[np.float64]]:
        """The parts of the disks and their copies inside the unit square, one polygon (corner, 2) each."""
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        circle = self.radius * np.column_stack([np.cos(angles), np.sin(angles)])
        copies = (self.centres + _copies()).reshape(-1, 2)
        seen = copies[(np.abs(copies - 0.5) < 0.5 + self.radius).all(axis=1)]
        return [np.clip(centre + circle, 0, 1) for centre in seen]


def _copies() -> NDArray[np.int64]:
    """Shifts by a period to all sides, (9, 1, 2)."""
    return np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1], indexing="ij"), axis=-1).reshape(-1, 1, 2)


def _apart(one: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shortest vectors on the torus from others to one."""
    difference = one - others
    return np.asarray(difference - np.round(difference))


def _adsorb(count: int, distance: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Places one after the other, as many as chance finds room for, (at most count, 2)."""
    centres = rng.random((1, 2))
    while len(centres) < count:
        for _ in range(_TRIES):
            place = rng.random(2)
            if (np.linalg.norm(_apart(place, centres), axis=1) >= distance).all():
                centres = np.vstack([centres, place])
                break
        else:
            break
    return centres


def _move_apart(centres: NDArray[np.float64], distance: float, rng: np.random.Generator) -> NDArray[np.float64] | None:
    """Move what overlaps along the line between the centres until nothing does; None if that takes too long."""
    for _ in range(_SWEEPS):
        apart = _apart(centres[:, None], centres[None])
        far = np.linalg.norm(apart, axis=2) + np.eye(len(centres))
        overlap = np.where(far < distance, 0.5 * (distance - far) + 1e-4 * distance, 0.0)
        if not overlap.any():
            return centres
        moved = centres + ((overlap / far)[:, :, None] * apart).sum(axis=1)
        centres = np.mod(moved + 1e-4 * distance * rng.normal(size=centres.shape), 1.0)  # out of deadlocks
    return None


def _points(centres: NDArray[np.float64], radius: float, size: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Points of the mesh on the torus, (point, 2): on the circles, on rings beside them, and in between."""
    spacings = _spacings(centres, radius, size)
    fitted, loose = [], []
    for centre, spacing in zip(centres, spacings, strict=True):
        count = round(2 * np.pi * radius / spacing)
        sector = 2 * np.pi / count
        angles = sector * (np.arange(count) + rng.random())
        polygon = radius * np.sqrt(sector / np.sin(sector))  # of the area of the disk
        fitted.append(_ring(centre, polygon, angles))
        loose += [_ring(centre, polygon + side * _RING * spacing, angles + sector / 2) for side in (-1, 1)]
    loose.append(_background(centres, radius, spacings, size))
    corners, others = np.vstack(fitted), np.vstack(loose)
    others = others + _JITTER * spacings.min() * rng.uniform(-1, 1, others.shape)
    kept = _thinned(corners, others, _size_at(others, centres, radius, spacings, size))
    return np.asarray(np.mod(np.vstack([corners, others[kept]]), 1.0))


def _spacings(centres: NDArray[np.float64], radius: float, size: float) -> NDArray[np.float64]:
    """Distance of neighbouring points on each circle, (disk,): the mesh size, or the narrowest gap where it is less.

    An edge of the polygon belongs to the Delaunay triangulation because the circle on it as diameter holds no point;
    half a gap is as far as such a circle may reach.
    """
    apart = np.linalg.norm(_apart(centres[:, None], centres[None]), axis=2) + 2 * np.eye(len(centres))
    gap = np.minimum(apart.min(axis=1), 1.0) - 2 * radius  # a disk also meets its own copy
    counts = np.maximum(np.ceil(2 * np.pi * radius / np.minimum(size, gap)), _FEWEST_POINTS)
    return np.asarray(2 * np.pi * radius / counts)


def _ring(centre: NDArray[np.float64], radius: float, angles: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(centre + radius * np.column_stack([np.cos(angles), np.sin(angles)]))


def _from_circle(
    places: NDArray[np.float64], centres: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The disk whose circle is nearest, and the distance from it, negative inside."""
    from scipy.spatial import cKDTree

    distance, nearest = cKDTree(centres, boxsize=np.ones(2)).query(np.mod(places, 1.0))
    return np.asarray(nearest), np.asarray(distance) - radius


def _size_at(
    places: NDArray[np.float64], centres: NDArray[np.float64], radius: float, spacings: NDArray[np.float64], size: float
) -> NDArray[np.float64]:
    """Mesh size wanted at places, growing away from the circles."""
    nearest, distance = _from_circle(places, centres, radius)
    return np.minimum(size, spacings[nearest] + _GROWTH * np.abs(distance))


def _background(
    centres: NDArray[np.float64], radius: float, spacings: NDArray[np.float64], size: float
) -> NDArray[np.float64]:
    """Points of triangular lattices that contain each other, finer where the mesh is to be, (point, 2)."""
    columns, rows = max(round(1 / size), 2), 2 * max(round(1 / (np.sqrt(3) * size)), 1)
    kept: list[NDArray[np.float64]] = []
    for level in range(1 + int(np.ceil(np.log2(size / spacings.min())))):
        across, up = 2**level * columns, 2**level * rows
        row, column = (part.ravel() for part in np.meshgrid(np.arange(up), np.arange(across), indexing="ij"))
        places = np.column_stack([(column + 0.5 * (row % 2)) / across, row / up])
        if level:  # points of the coarser lattice are there already
            old = (row % 2 == 0) & ((column + (row // 2) % 2) % 2 == 0)
            places = places[~old]
            places = places[_size_at(places, centres, radius, spacings, size) < 0.75 * size / 2 ** (level - 1)]
        kept.append(places)
    return np.vstack(kept)


def _thinned(fitted: NDArray[np.float64], loose: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers of the loose points that are far enough from fitted ones and from loose ones before them."""
    from scipy.spatial import cKDTree

    places = np.mod(np.vstack([fitted, loose]), 1.0)
    tree = cKDTree(places, boxsize=np.ones(2))
    kept = np.ones(len(places), dtype=bool)
    for number, near in enumerate(tree.query_ball_point(np.mod(loose, 1.0), _APART * sizes), start=len(fitted)):
        kept[number] = not any(kept[other] and other < number for other in near)
    return np.flatnonzero(kept[len(fitted) :])


def _triangulate(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Delaunay triangles of the periodic points, each once: places (vertex, 2) and triangles (element, 3)."""
    from scipy.spatial import Delaunay

    places = (points + _copies()).reshape(-1, 2)
    places = places[(np.abs(places - 0.5) < 0.5 + _MARGIN).all(axis=1)]
    triangles = Delaunay(places).simplices
    middle = places[triangles].mean(axis=1)
    triangles = triangles[((middle >= 0) & (middle < 1)).all(axis=1)]
    used, numbers = np.unique(triangles, return_inverse=True)
    return places[used], numbers.reshape(triangles.shape)


def _check(corners: NDArray[np.float64], phase: NDArray[np.bool_], points: int, volume_fraction: float) -> None:
    """Refuse a triangulation that does not cover the torus once, or has a triangle across a circle."""
    sides = corners[:, 1:] - corners[:, :1]
    areas = 0.5 * np.abs(np.linalg.det(sides))
    covered, inside = float(areas.sum()), float(areas[phase].sum())
    if len(areas) != 2 * points or abs(covered - 1) > 1e-9 or abs(inside - volume_fraction) > 1e-9:
        raise ValueError(
            f"The mesh must cover the period once and fit the circles: got area {covered:.6g}, {inside:.6g} of it in "
            f"disks of fraction {volume_fraction:.6g}. Raise `refinement`, or take another seed."
        )
