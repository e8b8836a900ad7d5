"""Where cells on a lattice can be: sites one cell wide, along a line, in a plane or in space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

__all__ = ["Sites"]


@dataclass(frozen=True)
class Sites:
    """Equal sites in one, two or three dimensions, numbered in C order; a column is all sites of one x.

    Parameters
    ----------
    shape
        Sites along x, along y and along z, as many as there are dimensions.
    spacing
        Width of a site, the diameter of a cell (µm, or whatever lengths are in).
    periodic
        Along which axes what leaves at one end comes back at the other; one answer is for all. Else no cell leaves.

    Raises
    ------
    ValueError
        If there are no sites, more than three dimensions, an axis has no answer, or the spacing is not positive.

    Examples
    --------
    >>> Sites((3,), periodic=False).neighbours
    array([[-1,  1],
           [ 0,  2],
           [ 1, -1]], dtype=int32)
    """

    shape: tuple[int, ...]
    spacing: float = 1.0
    periodic: bool | tuple[bool, ...] = True

    def __post_init__(self) -> None:
        shape = tuple(int(count) for count in self.shape)
        if len(shape) not in (1, 2, 3) or min(shape) < 1 or shape != tuple(self.shape):
            raise ValueError(f"`shape` must be one, two or three whole numbers of sites: got {self.shape}.")
        if not 0 < self.spacing < np.inf:
            raise ValueError(f"`spacing`, the diameter of a cell, must be positive: got {self.spacing}.")
        periodic = (self.periodic,) * len(shape) if isinstance(self.periodic, bool) else tuple(self.periodic)
        if len(periodic) != len(shape):
            raise ValueError(f"`periodic` must be an answer for each of {len(shape)} axes: got {self.periodic}.")
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "periodic", periodic)

    def __len__(self) -> int:
        return prod(self.shape)

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self.shape[0]

    @property
    def width(self) -> int:
        """Sites of a column."""
        return prod(self.shape[1:])

    @property
    def x(self) -> NDArray[np.float64]:
        """The middles of the columns."""
        return np.asarray((np.arange(self.columns) + 0.5) * self.spacing)

    @cached_property
    def neighbours(self) -> NDArray[np.int32]:
        """The sites next to each, (site, 2 per dimension); -1 where there is none."""
        number = np.arange(len(self), dtype=np.int32).reshape(self.shape)
        columns = []
        for axis, (count, periodic) in enumerate(zip(self.shape, np.atleast_1d(self.periodic), strict=True)):
            for shift, end in ((1, 0), (-1, count - 1)):
                column = np.roll(number, shift, axis=axis)
                if not periodic or count == 1:
                    np.moveaxis(column, axis, 0)[end] = -1
                columns.append(column.ravel())
        return np.ascontiguousarray(np.stack(columns, axis=1))

    def positions(self, sites: NDArray[np.int64]) -> NDArray[np.float64]:
        """The middles of sites, (cell, dimension).

        >>> Sites((2, 3), spacing=20.0).positions(np.array([4]))
        array([[30., 30.]])
        """
        return np.asarray((np.stack(np.unravel_index(sites, self.shape), axis=1) + 0.5) * self.spacing)
