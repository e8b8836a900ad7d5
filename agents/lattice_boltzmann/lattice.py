"""The line of cells that particles live on, and how fast they collide to diffuse as they should."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, isfinite
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lattice"]

_STEP = 0.1  # of the spacing squared
_ROUND_OFF = 1e-9


@dataclass(frozen=True)
class Lattice:
    """A line of equal cells between two walls, on which particles rest, or move one cell a time step either way.

    Cell i has its middle at (i + 1/2) ``spacing``. A particle that would leave is turned back and stays in its cell:
    half-way bounce-back, by which nothing flows through the walls, which lie at the ends of the line.

    *How to choose.* ``step``: in proportion to the square of the spacing, and errors are of second order in the
    spacing. The diffusivity does not depend on it, since collisions are made as frequent as it asks for.

    Parameters
    ----------
    cells
        How many.
    length
        Of the line.
    weight
        The share w of particles in equilibrium that move to the right, and as many to the left; 1 - 2 w rest.
    step
        Time step, by default a tenth of the spacing squared.

    Raises
    ------
    ValueError
        If there are less than two cells, the length or the time step is not positive, or nobody moves or rests.

    Examples
    --------
    >>> lattice = Lattice(cells=50)
    >>> lattice.spacing, lattice.places[:2], round(lattice.collision_rate(1.0), 3)
    (0.4, array([0.2, 0.6]), 1.25)
    """

    cells: int = 100
    length: float = 20.0
    weight: float = 1 / 6
    step: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.cells, bool) or not isinstance(self.cells, Integral) or self.cells < 2:
            raise ValueError(f"`cells` must be at least 2, a whole number: got {self.cells!r}.")
        if not (isfinite(self.length) and self.length > 0):
            raise ValueError(f"`length` must be positive: got {self.length}.")
        if not 0 < self.weight < 0.5:
            raise ValueError(
                f"`weight`, the share that moves to one side, must lie between 0 and 1/2: got {self.weight}. Take 1/6."
            )
        if self.step is not None and not (isfinite(self.step) and self.step > 0):
            raise ValueError(f"`step`, a time, must be positive: got {self.step}. Leave it out for a tenth of dx².")

    @property
    def spacing(self) -> float:
        """Width of a cell."""
        return self.length / self.cells

    @property
    def time_step(self) -> float:
        """A duration must be a multiple of it."""
        return _STEP * self.spacing**2 if self.step is None else self.step

    @property
    def places(self) -> NDArray[np.float64]:
        """Middles of the cells, (cells,)."""
        return np.asarray((np.arange(self.cells) + 0.5) * self.spacing)

    def collision_rate(self, diffusivity: float) -> float:
        """The share ω of its distance to equilibrium that a cell loses in a time step, between 0 and 2.

        ω = 1/(1/2 + D dt/(2 w dx²)): the diffusivity of the lattice is then D = (1/ω - 1/2) 2 w dx²/dt.

        References
        ----------
        S. Ponce Dawson, S. Chen and G. D. Doolen, J. Chem. Phys. 98 (1993) 1514, doi:10.1063/1.464316.
        """
        return 1 / (0.5 + diffusivity * self.time_step / (2 * self.weight * self.spacing**2))

    def steps(self, duration: float) -> int:
        """How many time steps make up a duration.

        Raises
        ------
        ValueError
            If it is no whole number of them.
        """
        count = round(duration / self.time_step)
        if abs(count * self.time_step - duration) > _ROUND_OFF * max(duration, self.time_step):
            below = floor(duration / self.time_step)
            raise ValueError(
                f"A duration must be a multiple of the time step {self.time_step:.10g}: got {duration:.10g}. Take "
                f"{below * self.time_step:.10g} or {(below + 1) * self.time_step:.10g}."
            )
        return count
