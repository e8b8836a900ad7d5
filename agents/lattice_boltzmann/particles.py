"""The particles of a lattice, their lifting from densities, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agents.lattice_boltzmann.lattice import Lattice

__all__ = ["Lifting", "Particles", "in_equilibrium", "with_gradient"]

Array: TypeAlias = NDArray[np.float64]

Lifting: TypeAlias = Callable[[Array, Lattice, float], Array]
"""(density of a species in the cells, lattice, diffusivity) -> particles (3, cells): resting, to the right, to the
left."""


@dataclass(frozen=True, eq=False)
class Particles:
    """How many particles of every species rest, move to the right and move to the left in every cell.

    They are densities, which need be neither whole nor positive.

    Attributes
    ----------
    numbers : (species, 3, cells)
        Resting, to the right, to the left.
    """

    numbers: Array

    @property
    def density(self) -> Array:
        """Of every species in every cell, (species, cells)."""
        return np.asarray(self.numbers.sum(axis=1))

    def pack(self) -> dict[str, NDArray[Any]]:
        """As named arrays of their own."""
        return {"numbers": self.numbers.copy()}

    @classmethod
    def unpack(cls, packed: Mapping[str, NDArray[Any]]) -> Particles:
        """The particles that were packed.

        >>> Particles.unpack({"numbers": np.ones((1, 3, 2))}).density
        array([[3., 3.]])
        """
        return cls(np.array(packed["numbers"], dtype=np.float64))


def in_equilibrium(density: Array, lattice: Lattice, diffusivity: float) -> Array:
    """Particles that go nowhere on the whole, (3, cells): as many to the right as to the left.

    Where the density is not uniform they heal for some collisions, and the density moves as they do.

    >>> in_equilibrium(np.array([3.0, 6.0]), Lattice(cells=2, weight=1 / 3), 1.0).round(9)
    array([[1., 2.],
           [1., 2.],
           [1., 2.]])
    """
    weight = lattice.weight
    return np.array([(1 - 2 * weight) * density, weight * density, weight * density])


def with_gradient(density: Array, lattice: Lattice, diffusivity: float) -> Array:
    """Particles that flow down the gradient of the density as diffusion has it, (3, cells).

    f± = w ρ ∓ (w/ω) dρ/dx in lattice units: the first order of the expansion of Chapman and Enskog, by central
    differences, with a wall mirroring the cell beside it. The density is that of `in_equilibrium`.

    References
    ----------
    P. Van Leemput, C. Vandekerckhove, W. Vanroose and D. Roose, Multiscale Model. Simul. 6 (2007) 838.

    Examples
    --------
    >>> with_gradient(np.array([3.0, 6.0]), Lattice(cells=2, weight=1 / 3), 0.0).sum(axis=0)
    array([3., 6.])
    """
    mirrored = np.pad(density, 1, mode="edge")
    flow = lattice.weight / lattice.collision_rate(diffusivity) * (mirrored[2:] - mirrored[:-2]) / 2
    rest, right, left = in_equilibrium(density, lattice, diffusivity)
    return np.array([rest, right - flow, left + flow])
