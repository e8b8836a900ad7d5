"""Where voxels lie: lines and rectangles of equal cubes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

__all__ = ["Grid"]


@dataclass(frozen=True)
class Grid:
    """Equal voxels in one or two dimensions, numbered in C order.

    Parameters
    ----------
    shape
        Voxels along x, or along x and y.
    spacing
        Width of a voxel.
    periodic
        Whether what leaves at one end comes back at the other; otherwise nothing leaves.

    Raises
    ------
    ValueError
        If there is no voxel, there are more than two dimensions or the spacing is not positive.

    Examples
    --------
    >>> Grid((3,), spacing=0.5).neighbours
    array([[-1,  1],
           [ 0,  2],
           [ 1, -1]])
    """

    shape: tuple[int, ...]
    spacing: float
    periodic: bool = False

    def __post_init__(self) -> None:
        shape = tuple(int(count) for count in self.shape)
        if len(shape) not in (1, 2) or min(shape) < 1 or shape != tuple(self.shape):
            raise ValueError(f"`shape` must be one or two whole numbers of voxels: got {self.shape}.")
        if not 0 < self.spacing < np.inf:
            raise ValueError(f"`spacing` must be positive: got {self.spacing}.")
        object.__setattr__(self, "shape", shape)

    def __len__(self) -> int:
        return prod(self.shape)

    @property
    def coordinates(self) -> dict[str, NDArray[np.float64]]:
        """The middles of the voxels along each dimension."""
        return {
            name: (np.arange(count, dtype=np.float64) + 0.5) * self.spacing
            for name, count in zip("xy", self.shape, strict=False)
        }

    @cached_property
    def neighbours(self) -> NDArray[np.int64]:
        """The voxels next to each, (voxel, 2 per dimension); -1 where there is none."""
        number = np.arange(len(self)).reshape(self.shape)
        columns = []
        for axis, count in enumerate(self.shape):
            for shift, end in ((1, 0), (-1, count - 1)):
                column = np.roll(number, shift, axis=axis)
                if not self.periodic or count == 1:
                    np.moveaxis(column, axis, 0)[end] = -1
                columns.append(column.ravel())
        return np.stack(columns, axis=1)

    def laplacian(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Σ (value of a neighbour - own value) / spacing², (..., voxel) -> (..., voxel).

        >>> Grid((3,), spacing=0.5).laplacian(np.array([0.0, 1.0, 0.0]))
        array([ 4., -8.,  4.])
        """
        beyond = self.neighbours < 0
        there = values[..., np.where(beyond, 0, self.neighbours)]
        difference = np.where(beyond, 0.0, there - values[..., None])
        return np.asarray(difference.sum(axis=-1) / self.spacing**2)
