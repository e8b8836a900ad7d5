"""Where cells off the lattice can be: a box with closed or periodic sides, or no box at all."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isfinite

__all__ = ["Region"]


@dataclass(frozen=True)
class Region:
    """A plane or a space, bounded or not, axis by axis.

    Parameters
    ----------
    lengths
        Of the box along each axis from 0 on, µm; ``inf`` along an axis without ends.
    periodic
        Along which axes what leaves at one end comes back at the other; one answer is for all. Along the others the
        centre of a cell that would leave is reflected, and its heading with it.

    Raises
    ------
    ValueError
        If there are not two or three axes, a length is not positive, an endless axis is periodic, or an axis has no
        answer.

    Examples
    --------
    >>> Region((100.0, 50.0), periodic=(True, False)).dimensions
    2
    >>> Region.unbounded(3).lengths
    (inf, inf, inf)
    """

    lengths: tuple[float, ...]
    periodic: bool | tuple[bool, ...] = False

    def __post_init__(self) -> None:
        lengths = tuple(float(length) for length in self.lengths)
        if len(lengths) not in (2, 3) or not all(length > 0 for length in lengths):
            raise ValueError(f"`lengths` must be two or three positive lengths in µm: got {self.lengths}.")
        periodic = (self.periodic,) * len(lengths) if isinstance(self.periodic, bool) else tuple(self.periodic)
        if len(periodic) != len(lengths):
            raise ValueError(f"`periodic` must be an answer for each of {len(lengths)} axes: got {self.periodic}.")
        if any(answer and not isfinite(length) for answer, length in zip(periodic, lengths, strict=True)):
            raise ValueError(f"A periodic axis must be finite: got the lengths {lengths} with periodic={periodic}.")
        object.__setattr__(self, "lengths", lengths)
        object.__setattr__(self, "periodic", periodic)

    @classmethod
    def unbounded(cls, dimensions: int) -> Region:
        """A plane or a space without ends."""
        return cls((inf,) * dimensions)

    @property
    def wraps(self) -> tuple[bool, ...]:
        """Of each axis, whether it is periodic."""
        return (self.periodic,) * self.dimensions if isinstance(self.periodic, bool) else self.periodic

    @property
    def dimensions(self) -> int:
        """Two or three."""
        return len(self.lengths)
