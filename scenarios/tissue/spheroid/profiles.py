"""What is read of a spheroid: its radius, where its rim and its core begin, and what fills its shells."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from agents.cells.spheres import ARRESTED, PROLIFERATING, Spheres

__all__ = ["GROUPS", "Profile", "Regions", "read_regions", "shell_edges"]

Array = NDArray[np.float64]

GROUPS = ("growing", "inhibited", "necrotic")
_BALL = 4 * pi / 3
_BAND = 1.5, 3.5  # how deep below the surface it is measured how densely cells are packed, in diameters
_ROUNDS = 12  # until the radius no longer changes: it then does by less than 1e-6
_CORE = 0.25  # the innermost shell ends, over the radius


@dataclass(frozen=True)
class Regions:
    """Radii of a spheroid (µm): of its outline, of what does not grow in it, and of its necrotic core.

    Examples
    --------
    >>> Regions(200.0, 150.0, 50.0).rim
    50.0
    """

    outline: float
    inhibited: float
    necrotic: float

    @property
    def rim(self) -> float:
        """How thick the growing rim is (µm)."""
        return self.outline - self.inhibited

    @property
    def inhibited_fraction(self) -> float:
        """Radius of what does not grow over that of the outline, as the confocal study has it."""
        return self.inhibited / self.outline

    @property
    def necrotic_fraction(self) -> float:
        """Radius of the necrotic core over that of the outline."""
        return self.necrotic / self.outline


@dataclass(frozen=True, eq=False)
class Profile:
    """Where the cells of a spheroid are: their distances from its centre, in order, with volumes and groups.

    Parameters
    ----------
    distance : (cell,)
        From the centre of volume (µm), ascending.
    volume : (cell,)
        µm³.
    group : (cell,)
        0 growing, 1 inhibited, 2 necrotic, as in `GROUPS`.

    Examples
    --------
    >>> two = Spheres.at([[0.0, 0.0, 0.0], [16.0, 0.0, 0.0]], diameter=16.0)
    >>> Profile.of(two).distance
    array([8., 8.])
    """

    distance: Array
    volume: Array
    group: NDArray[np.int64]

    @classmethod
    def of(cls, cells: Spheres) -> Profile:
        """Of these cells.

        Raises
        ------
        ValueError
            If there is none.
        """
        if not len(cells):
            raise ValueError("A spheroid must have a cell: got none. Did all of them starve?")
        centre = np.average(cells.position, axis=0, weights=cells.volume)
        distance = np.linalg.norm(cells.position - centre, axis=1)
        group = np.where(cells.state == PROLIFERATING, 0, np.where(cells.state == ARRESTED, 1, 2))
        order = np.argsort(distance, kind="stable")
        return cls(distance[order], cells.volume[order], group[order])

    @property
    def radius(self) -> float:
        """Of the outline (µm): where a sphere would end, packed as the cells below the surface are, with all volume.

        The dividing surface of Gibbs: with V(a) the volume of cells beyond a depth a below it, and φ the share that
        cells fill just below a, R³ = a³ + 3 V(a) / (4π φ). It is solved for by iteration, since a is measured from R.
        """
        return _dividing_surface(self.distance, self.volume)

    def regions(self) -> Regions:
        """Radii of the outline, of what does not grow, and of the core.

        An inner region ends where as much of it is beyond its radius as of the others is within it.
        """
        outline = self.radius
        inner = [_balance(self.distance, self.volume, self.group >= least) for least in (1, 2)]
        return Regions(outline, min(inner[0], outline), min(inner[1], inner[0], outline))

    def filled(self, edges: Array, packed: float) -> tuple[float, Array]:
        """A ball as full of cells: its radius (µm), and which share of its shells the groups fill, (group, shell).

        The cells, in their order from the centre, are thought to fill a ball to the share ``packed``; what is told
        does not depend on how densely they happen to be packed here and there.

        Parameters
        ----------
        edges : (shell + 1,)
            Ends of the shells over the radius, from 0 to 1.
        packed
            Which share of the ball all of them fill.
        """
        ends = np.cumsum(self.volume)
        total = float(ends[-1])
        middles = np.cbrt((ends - self.volume / 2) / total)
        filled = [np.histogram(middles, edges, weights=self.volume * (self.group == one))[0] for one in range(3)]
        every = np.sum(filled, axis=0)
        shares = np.divide(filled, every, out=np.zeros((3, len(every))), where=every > 0)
        return float(np.cbrt(total / (packed * _BALL))), packed * shares


def read_regions(cells: Spheres) -> Regions:
    """The regions of a spheroid of these cells.

    >>> read_regions(Spheres.at([[0.0, 0.0, 0.0]], diameter=16.0)).inhibited
    0.0
    """
    return Profile.of(cells).regions()


def shell_edges(count: int) -> Array:
    """Ends of shells over the radius, (count + 1,): the innermost is a ball, the others are equally thick.

    >>> shell_edges(4)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    return np.concatenate(([0.0], np.linspace(_CORE, 1.0, count)))


def _dividing_surface(distance: Array, volume: Array) -> float:
    total = float(volume.sum())
    width = 2 * np.cbrt(total / len(volume) / _BALL)
    radius = float(np.sqrt(5 / 3 * np.average(distance**2, weights=volume)))
    within = np.concatenate(([0.0], np.cumsum(volume)))
    for _ in range(_ROUNDS):
        begin, end = max(radius - _BAND[1] * width, 0.0), radius - _BAND[0] * width
        if end <= width:
            return float(np.cbrt(total / _BALL))  # so few cells that there is no inside
        inside, below = (float(within[np.searchsorted(distance, place)]) for place in (begin, end))
        packed = (below - inside) / (_BALL * (end**3 - begin**3))
        radius = float(np.cbrt(end**3 + (total - below) / (_BALL * packed)))
    return radius


def _balance(distance: Array, volume: Array, member: NDArray[np.bool_]) -> float:
    """The radius within which there is as much of the others as there is of the members beyond it."""
    if not member.any():
        return 0.0
    beyond = volume[member].sum() - np.cumsum(np.where(member, volume, 0.0))
    within = np.cumsum(np.where(member, 0.0, volume))
    place = int(np.argmax(within >= beyond))
    return float(distance[place])
