"""What is solved: capacity du/dt + div q = source, with q asked of a closure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any, TypeAlias

import numpy as np
import skfem
from numpy.typing import NDArray

from eqfree.hmm.closure import Closure
from eqfree.hmm.diffusion.boundaries import Amount, Boundary, Exchange, Fixed, Inflow, values_at
from eqfree.hmm.diffusion.discretisation import Discretisation
from eqfree.hmm.diffusion.relaxation import slowest_rates, undisturbed

__all__ = ["DiffusionLaw"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DiffusionLaw:
    """Diffusion in the plane, capacity du/dt + div q = source, whose flux q is asked of a closure.

    Quadratic or linear finite elements, Q(u, v) = Σ weight · q(x, y, u, grad u) · grad v over the points of a rule
    that is exact for polynomials of degree 2 · degree - 2, the fewest that keep the order (one point of a linear
    triangle, three of a quadratic one). All points are asked at once. Heat is what the words are of: u is then a
    temperature (K), q in W/m², capacity in J/(m³ K); but groundwater and charge obey the same law.

    The error of the flux has the order ``degree``, that of u in L² one more, where coefficients are smooth on the
    scale of the mesh; what the micro-solver lacks comes on top and does not fall with the mesh.

    *How to choose.* ``degree=2`` unless a corner or an interface spoils smoothness anyway.

    Parameters
    ----------
    mesh
        ``skfem.MeshTri`` or a curved one, with named boundaries; `eqfree.hmm.rectangle` makes the simplest (m).
        Materials that are named as its subdomains are kept apart by the mesh's error indicator.
    flux
        Inputs (point, 5) are x, y, u, du/dx, du/dy; values (point, 2) the flux, ``stderr`` its error, and
        ``jacobian`` (point, 2, 5) its derivative, of which the columns of x and y are not read.
    boundaries
        What happens at the named stretches: `Fixed`, `Inflow` or `Exchange`. Nothing passes the others. Where two
        that are `Fixed` meet, the first one counts.
    capacity
        What a volume takes up per unit of u, positive: a number, or a function of positions (point, 2).
    source
        What appears per volume and time, likewise.
    degree
        Of the polynomials, 1 or 2.

    Raises
    ------
    ValueError
        For boundaries that the mesh has not or that are no conditions, another degree, and once it is used, for
        functions whose values are not finite, a capacity that is not positive, or flux without its derivative.

    References
    ----------
    A. Abdulle, Multiscale Model. Simul. 4 (2005) 447, doi:10.1137/040607137.

    Examples
    --------
    >>> from eqfree.hmm import Fixed, ResolvedFlux, rectangle, solve_steady
    >>> law = DiffusionLaw(
    ...     mesh=rectangle(1.0, 1.0, (4, 4)),
    ...     flux=ResolvedFlux(lambda position, u: (2.0 + 0 * u, None)),
    ...     boundaries={"left": Fixed(1.0), "right": Fixed(0.0)},
    ... )
    >>> solution = solve_steady(law)
    >>> solution.at([[0.25, 0.5]]).round(12), round(solution.inflows["left"], 12)
    (array([0.75]), 2.0)
    """

    mesh: Any
    flux: Closure
    boundaries: Mapping[str, Boundary]
    capacity: Amount = 1.0
    source: Amount = 0.0
    degree: int = 2

    def __post_init__(self) -> None:
        if self.degree not in (1, 2):
            raise ValueError(f"`degree` must be 1 or 2: got {self.degree!r}.")
        if not isinstance(self.mesh, skfem.MeshTri1):
            raise ValueError(
                f"`mesh` must be an skfem.MeshTri or MeshTri2: got {type(self.mesh).__name__}. `rectangle` makes one."
            )
        if self.degree == 1 and isinstance(self.mesh, skfem.MeshTri2):
            raise ValueError("A curved mesh needs degree=2: linear elements on it miss even a uniform gradient.")
        if not callable(self.capacity) and not (isinstance(self.capacity, int | float) and 0 < self.capacity < inf):
            raise ValueError(f"`capacity` must be finite and positive: got {self.capacity!r}.")
        known = tuple(sorted(self.mesh.boundaries or {}))
        for name, condition in self.boundaries.items():
            if name not in known:
                raise ValueError(
                    f"The mesh has the boundaries {', '.join(known) or 'none'}: got {name!r}. Name it there."
                )
            if not isinstance(condition, Fixed | Inflow | Exchange):
                raise ValueError(f"Boundary {name!r} must be Fixed, Inflow or Exchange: got {condition!r}.")

    @cached_property
    def discretisation(self) -> Discretisation:
        """Its finite elements."""
        return Discretisation(self.mesh, self.degree, self.boundaries, self.capacity, self.source)

    @property
    def unknowns(self) -> int:
        """Degrees of freedom, those that are fixed included."""
        return self.discretisation.count

    def __repr__(self) -> str:
        return (
            f"Diffusion on {self.mesh.nelements} elements of degree {self.degree}, {type(self.flux).__name__}, with "
            f"{', '.join(f'{name} {condition!r}' for name, condition in self.boundaries.items()) or 'no boundaries'}"
        )

    @property
    def steady(self) -> bool:
        """Whether a steady state is determined: somewhere u is fixed, or exchanged with the outside."""
        return any(isinstance(condition, Fixed | Exchange) for condition in self.boundaries.values())

    def nodal(self, amount: Amount) -> Array:
        """An amount, a number or a function of positions (point, 2), at the degrees of freedom (dof,).

        Raises
        ------
        ValueError
            If it is not finite there.
        """
        return values_at("initial", amount, self.discretisation.places)

    def undisturbed(self) -> Array:
        """What u would be if all conducted alike, between what is fixed and what is outside: (dof,), a start."""
        return undisturbed(self.discretisation)

    def decay_rates(self, count: int = 1, around: Array | None = None) -> Array:
        """The slowest rates at which disturbances decay, exp(-rate · t), increasing (count,), in 1/s.

        Parameters
        ----------
        count
            How many.
        around : (dof,)
            What is disturbed, such as the values of a steady state; by default zero everywhere, which does for a flux
            that is linear.

        Raises
        ------
        ValueError
            For a count that is not positive or too large.
        """
        values = np.zeros(self.unknowns) if around is None else around
        return slowest_rates(self.discretisation, self.flux, values, count)
