"""How cells off the lattice push and pull each other: overdamped springs between centres, found by cell lists."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from agents.cells.region import Region
from agents.cells.springs import move_by_springs

__all__ = ["Contacts", "Mechanics"]

_SKIN = 0.06  # how much further than their reach cells are listed, of the largest reach: fewer lists, longer ones
_BOXES = 2  # boxes of the cell lists per cell, at most: where cells are sparse the boxes are larger than the reach
_KISSING = {2: 6, 3: 12}  # most equal discs or spheres that touch one


@dataclass(frozen=True)
class Contacts:
    """What each cell feels of its neighbours.

    Parameters
    ----------
    compression
        Overlaps with all its neighbours together, in units of its own radius, (cell,).
    neighbours
        Cells that overlap with it, (cell,).
    """

    compression: NDArray[np.float64]
    neighbours: NDArray[np.int64]


@dataclass(frozen=True)
class Mechanics:
    """Linear springs between the centres of cells, without inertia.

    Cells of radii r and r' at the distance ρ move each other apart by ``repulsion`` × (r + r' - ρ) per time while they
    overlap, and together by ``adhesion`` × (ρ - r - r') per time from there up to ρ = ``reach`` × (r + r'): the
    stiffness of the spring over the friction of a cell. Two cells alone so lose their overlap at the rate
    2 × ``repulsion``. Cells on one point have no direction to part in, and stay; a division never makes such.

    The explicit step is stable up to d / (z ``repulsion``), with the z = 6 discs in d = 2 or 12 spheres in d = 3
    that can touch one: the stiffest oscillation of a close packing of equal cells then has the factor -1.

    *How to choose*: a step of half the largest one; repulsion well above the growth rate over the strain one wants
    to allow. A tumour of some hundred µm with cycles of a day is soft at 1/h and stiff at 10/h.

    Parameters
    ----------
    repulsion
        Stiffness over friction while cells overlap, 1/h.
    adhesion
        The same while they are apart, 1/h.
    reach
        Up to which distance they adhere, in sums of their radii, 1 to 1.4.

    Raises
    ------
    ValueError
        If a rate is negative or not finite, or the reach lies outside 1 to 1.4.

    References
    ----------
    Centre-based models with linear springs and a cut-off: P. Pathmanathan et al., Phys. Biol. 6 (2009) 036001,
    doi:10.1088/1478-3975/6/3/036001.

    Examples
    --------
    >>> Mechanics(repulsion=2.0).largest_step(3)
    0.125
    """

    repulsion: float
    adhesion: float = 0.0
    reach: float = 1.25

    def __post_init__(self) -> None:
        for name in ("repulsion", "adhesion"):
            if not 0 <= getattr(self, name) < inf:
                raise ValueError(f"`{name}` must be finite and not negative, in 1/h: got {getattr(self, name)}.")
        if not 1 <= self.reach <= 1.4:
            raise ValueError(
                f"`reach` must be 1 to 1.4 sums of radii: got {self.reach}. More is beyond the neighbours."
            )

    def largest_step(self, dimensions: int) -> float:
        """The largest time step that is stable, h."""
        fastest = max(self.repulsion, self.adhesion)
        return inf if fastest == 0 else dimensions / (_KISSING[dimensions] * fastest)

    def move(
        self,
        position: NDArray[np.float64],
        radius: NDArray[np.float64],
        region: Region,
        time_step: float,
        steps: int = 1,
        *,
        speed: NDArray[np.float64] | None = None,
        heading: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None, Contacts]:
        """Positions (cell, axis), and headings, after some steps; and the contacts at the start of the last one.

        Parameters
        ----------
        position : (cell, axis)
            In the region, µm.
        radius : (cell,)
            µm.
        region
            Where they are.
        time_step
            h.
        steps
            How many.
        speed, heading : (cell,), (cell, axis)
            At which, and in which direction, each moves by itself, µm/h; None: it does not.

        Raises
        ------
        ValueError
            If the step is unstable, or a periodic axis is so short that a cell would meet itself.

        Examples
        --------
        >>> pair = np.array([[0.0, 0.0], [8.0, 0.0]])
        >>> Mechanics(repulsion=1.0).move(pair, np.array([5.0, 5.0]), Region.unbounded(2), 0.25)[0]
        array([[-0.5,  0. ],
               [ 8.5,  0. ]])
        """
        self.check_step(time_step, region.dimensions)
        count, dimensions = position.shape
        place = np.zeros((count, 3))
        place[:, :dimensions] = position
        own = np.zeros(count if speed is not None else 0)
        along = np.zeros((len(own), 3))
        if speed is not None and heading is not None:
            own[:] = speed
            along[:, :dimensions] = heading
        reach = self.reach if self.adhesion > 0 else 1.0
        widest = 2 * float(radius.max(initial=0.0)) * reach
        length, wraps = self._sides(region, widest)
        felt = (np.zeros(count), np.zeros(count, dtype=np.int64))
        if count and steps:
            boxes = _BOXES * count + 64
            skin = _SKIN * widest if steps > 1 else 0.0
            rates = (self.repulsion, self.adhesion, reach, widest, skin)
            move_by_springs(
                place, np.ascontiguousarray(radius), length, wraps, *rates, own, along, time_step, steps, boxes, *felt
            )
        after = None if heading is None else (along[:, :dimensions] if speed is not None else heading)
        return place[:, :dimensions].copy(), after, Contacts(*felt)

    def check_step(self, time_step: float, dimensions: int) -> None:
        """Refuse an unstable step.

        Raises
        ------
        ValueError
            Names the largest stable one.
        """
        largest = self.largest_step(dimensions)
        if not 0 < time_step <= largest:
            raise ValueError(
                f"`time_step` must be positive and at most {largest:.6g} h, else the springs are unstable: got "
                f"{time_step:g} h. Take that or less, in so many more steps, or a smaller `repulsion`."
            )

    def _sides(self, region: Region, widest: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Lengths and periodicity of three axes; a plane is endless in z."""
        length, wraps = np.full(3, inf), np.zeros(3, dtype=np.bool_)
        length[: region.dimensions] = region.lengths
        wraps[: region.dimensions] = region.wraps
        if wraps.any() and length[wraps].min() < widest:
            raise ValueError(
                f"A periodic region must be longer than the reach of its largest cell, {widest:.4g} µm: got "
                f"{length[wraps].min():.4g} µm. Lengthen it."
            )
        return length, wraps
