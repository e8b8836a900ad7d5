"""The rate equations of a reaction network: what its molecules do when there are very many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agents.molecules.grid import Grid
from agents.molecules.network import Network

__all__ = ["RateEquations", "hop_rates"]


@dataclass(frozen=True, eq=False)
class RateEquations:
    """dc/dt = Σ_r ν_r k_r Π c_i^m_ri, and D_i ∇²c_i on a grid: a right-hand side for `scipy.integrate.solve_ivp`.

    On a grid the Laplacian is that of the voxels, second order in their spacing: its modes are those of the mean
    numbers in `Voxels`, exactly.

    Parameters
    ----------
    network
        What reacts.
    grid
        Where; well mixed without one.
    diffusion
        Diffusion coefficients by the names of the species, length² / time; 0 for those not named.

    Raises
    ------
    ValueError
        If something diffuses without a grid, is unknown, or a coefficient is negative.

    Examples
    --------
    >>> from agents.molecules import read_network
    >>> equations = RateEquations(read_network("brusselator"))
    >>> equations(0.0, [1.0, 3.0]), equations.jacobian([1.0, 3.0])
    (array([0., 0.]), array([[ 2.,  1.],
           [-3., -1.]]))
    """

    network: Network
    grid: Grid | None = None
    diffusion: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.diffusion and self.grid is None:
            raise ValueError(f"Diffusion needs a grid: got {dict(self.diffusion)} without one.")
        if self.grid is not None:
            hop_rates(self.network, self.grid, self.diffusion)

    def __call__(self, _time: float, concentrations: ArrayLike) -> NDArray[np.float64]:
        """The rate of change, flat as `solve_ivp` wants it: (species,) or (species * voxel,)."""
        c = self._shaped(concentrations)
        change = self._made @ self.rates(c)
        if self.grid is not None:
            hops = hop_rates(self.network, self.grid, self.diffusion)[:, None]
            change = change + hops * self.grid.spacing**2 * self.grid.laplacian(c)
        return np.asarray(change.ravel())

    def rates(self, concentrations: ArrayLike) -> NDArray[np.float64]:
        """How often each reaction happens per volume and time, (species, ...) -> (reaction, ...)."""
        c = np.asarray(concentrations, dtype=np.float64)
        taken, rates = self._taken, self.network.rates
        if c.ndim > 1:
            taken, rates = _beside(taken, c.ndim - 1), _beside(rates, c.ndim - 1)
        return np.asarray(rates * (c[None] ** taken).prod(axis=1))

    def jacobian(self, concentrations: ArrayLike) -> NDArray[np.float64]:
        """Derivative of the right-hand side of the reactions alone, (species, ...) -> (species, species, ...)."""
        c = np.asarray(concentrations, dtype=np.float64)
        count = len(self.network.species)
        slopes = []
        for s in range(count):
            taken = self.network.reactants[:, s]
            lowered = self.network.reactants - (np.arange(count) == s) * (taken > 0)[:, None]
            powers = (c[None] ** _beside(lowered, c.ndim - 1)).prod(axis=1)
            slopes.append(_beside(self.network.rates * taken, c.ndim - 1) * powers)
        by_species = np.tensordot(self.network.change, np.array(slopes), axes=(0, 1))
        return np.asarray(by_species)

    def noise(self, concentrations: ArrayLike) -> NDArray[np.float64]:
        """Σ_r ν_r ν_rᵀ rate_r, (species,) -> (species, species): what fluctuations gain per time, times the volume.

        In the linear noise approximation J C + C Jᵀ + noise = 0 gives the covariance C / Ω of the concentrations
        about a stable state (van Kampen 2007, *Stochastic Processes in Physics and Chemistry*, chapter X).

        >>> RateEquations(Network.parse("0 <-> X, k=2, k_back=1")).noise([2.0])
        array([[4.]])
        """
        change = self.network.change.astype(np.float64)
        return np.asarray((change.T * self.rates(concentrations)) @ change)

    @cached_property
    def _made(self) -> NDArray[np.float64]:
        """Molecules of each species that a reaction makes, (species, reaction): kept, as solvers ask many times."""
        return self.network.change.T.astype(np.float64)

    @cached_property
    def _taken(self) -> NDArray[np.float64]:
        """Molecules of each species that go into a reaction, (reaction, species)."""
        return self.network.reactants.astype(np.float64)

    def _shaped(self, concentrations: ArrayLike) -> NDArray[np.float64]:
        shape = (len(self.network.species), *(() if self.grid is None else (len(self.grid),)))
        return np.asarray(concentrations, dtype=np.float64).reshape(shape)


def hop_rates(network: Network, grid: Grid, diffusion: Mapping[str, float]) -> NDArray[np.float64]:
    """How often a molecule of each species hops to each neighbour, per time, (species,): D / spacing².

    Raises
    ------
    ValueError
        If a species is unknown, or a coefficient negative or not finite.

    Examples
    --------
    >>> hop_rates(Network.parse("X -> Y, k=1"), Grid((4,), spacing=0.5), {"X": 1.0})
    array([4., 0.])
    """
    rates = np.zeros(len(network.species))
    for name, coefficient in diffusion.items():
        if not 0 <= coefficient < np.inf:
            raise ValueError(f"The diffusion coefficient of {name} must be finite, not negative: got {coefficient}.")
        rates[network.index(name)] = coefficient / grid.spacing**2
    return rates


def _beside(table: NDArray[np.int64] | NDArray[np.float64], axes: int) -> NDArray[np.float64]:
    """A table with that many more axes, for the places."""
    return table.astype(np.float64).reshape(*table.shape, *(1,) * axes)
