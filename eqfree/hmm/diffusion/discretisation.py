"""Finite elements of a diffusion law: what is assembled once, and what is asked of the closure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import skfem
from numpy.typing import NDArray
from scipy import sparse
from skfem.element import DiscreteField

from eqfree.ensemble import Key
from eqfree.hmm.closure import Answer, Closure, as_answer
from eqfree.hmm.diffusion.boundaries import Amount, Boundary, Exchange, Fixed, values_at

__all__ = ["Discretisation", "Linearised"]

Array: TypeAlias = NDArray[np.float64]

_ELEMENTS = {1: skfem.ElementTriP1, 2: skfem.ElementTriP2}
_RULES = {  # points and weights on the triangle (0, 0), (1, 0), (0, 1): exact for constants, for quadratic polynomials
    1: (np.full((2, 1), 1 / 3), np.full(1, 1 / 2)),
    2: (np.array([[1 / 6, 2 / 3, 1 / 6], [1 / 6, 1 / 6, 2 / 3]]), np.full(3, 1 / 6)),
}


@dataclass(frozen=True, eq=False)
class Linearised:
    """What flows at given values, and how that changes with them.

    Attributes
    ----------
    divergence : (dof,)
        The integral of -q · grad v for each test function v.
    matrix
        Its derivative, sparse (dof, dof).
    answer
        What the closure said at the points of the rule.
    """

    divergence: Array
    matrix: sparse.csr_array
    answer: Answer


class Discretisation:
    """The finite elements of a law.

    Parameters
    ----------
    mesh, degree, boundaries, capacity, source
        As in `eqfree.hmm.DiffusionLaw`.
    """

    def __init__(
        self, mesh: Any, degree: int, boundaries: Mapping[str, Boundary], capacity: Amount, source: Amount
    ) -> None:
        self.degree = degree
        self.element = _ELEMENTS[degree]()
        self.basis = skfem.Basis(mesh, self.element, quadrature=_RULES[degree])  #: where the closure is asked
        self.fine = skfem.Basis(mesh, self.element, intorder=2 * degree)  #: exact for products of two functions
        self.count = int(self.basis.N)
        self._mesh, self._boundaries, self._capacity, self._source = mesh, boundaries, capacity, source

    @property
    def places(self) -> Array:
        """Of the degrees of freedom, (dof, 2)."""
        return np.ascontiguousarray(self.basis.doflocs.T)

    @cached_property
    def positions(self) -> Array:
        """Where the closure is asked, (point, 2)."""
        return _as_points(self.basis.global_coordinates())

    @cached_property
    def weights(self) -> Array:
        """Of the points where the closure is asked, (point,)."""
        return np.asarray(self.basis.dx).ravel()

    @cached_property
    def mass(self) -> sparse.csr_array:
        """Capacity times the products of functions, (dof, dof)."""
        positions = _as_points(self.fine.global_coordinates())
        capacity = values_at("capacity", self._capacity, positions)
        if not (capacity > 0).all():
            raise ValueError(f"`capacity` must be positive: got {capacity.min():g}.")
        form = skfem.BilinearForm(lambda u, v, w: w.capacity * u * v)
        return sparse.csr_array(form.assemble(self.fine, capacity=_as_field(self.fine, capacity)))

    @cached_property
    def made(self) -> Array:
        """The integral of the source times each function, (dof,)."""
        source = values_at("source", self._source, _as_points(self.fine.global_coordinates()))
        form = skfem.LinearForm(lambda v, w: w.source * v)
        return np.asarray(form.assemble(self.fine, source=_as_field(self.fine, source)))

    @cached_property
    def exchanged(self) -> Mapping[str, tuple[sparse.csr_array | None, Array]]:
        """What enters through each boundary that is not fixed: load - matrix @ values, (dof,) of each function."""
        return {
            name: self._exchange(name, condition)
            for name, condition in self._boundaries.items()
            if not isinstance(condition, Fixed)
        }

    @cached_property
    def fixed(self) -> Mapping[str, NDArray[np.intp]]:
        """The degrees of freedom on each boundary that is fixed; one that is on two belongs to the first."""
        taken = np.zeros(self.count, dtype=bool)
        owned = dict[str, NDArray[np.intp]]()
        for name, condition in self._boundaries.items():
            if isinstance(condition, Fixed):
                dofs = np.asarray(self.basis.get_dofs(name).flatten(), dtype=np.intp)
                owned[name] = dofs[~taken[dofs]]
                taken[dofs] = True
        return owned

    @cached_property
    def free(self) -> NDArray[np.intp]:
        """The degrees of freedom that are not fixed."""
        taken = np.zeros(self.count, dtype=bool)
        for dofs in self.fixed.values():
            taken[dofs] = True
        return np.flatnonzero(~taken)

    def fix(self, values: Array) -> Array:
        """Values (dof,) with those that are fixed in their place."""
        values = values.copy()
        for name, dofs in self.fixed.items():
            condition = self._boundaries[name]
            assert isinstance(condition, Fixed)
            values[dofs] = values_at("value", condition.value, self.places[dofs])
        return values

    def linearise(self, closure: Closure, values: Array, key: Key = ()) -> Linearised:
        """Ask the closure at all points at once.

        Raises
        ------
        ValueError
            For an answer of another shape, one that is not finite, or one that lacks its derivative.
        """
        here = self.basis.interpolate(values)
        inputs = np.column_stack([self.positions, np.asarray(here).ravel(), _as_points(here.grad)])
        answer = as_answer(closure(inputs, key=key), len(inputs))
        if answer.value.shape[1] != 2:
            raise ValueError(f"A flux must have two components: got answers of shape {answer.value.shape}.")
        jacobian = answer.jacobian
        if jacobian is None:
            raise ValueError("A flux must answer its jacobian: got None. Use `FourierFlux`, or answer one.")
        if np.shape(jacobian) != (len(inputs), 2, 5):
            raise ValueError(f"A flux must answer a jacobian of shape ({len(inputs)}, 2, 5): got {np.shape(jacobian)}.")
        if not (np.isfinite(answer.value).all() and np.isfinite(jacobian[:, :, 2:]).all()):
            wrong = np.flatnonzero(~np.isfinite(answer.value).all(1) | ~np.isfinite(jacobian[:, :, 2:]).all((1, 2)))[0]
            raise ValueError(
                f"A flux must answer finite values and derivatives: got {answer.value[wrong].tolist()} at "
                f"x, y, u, du/dx, du/dy = {inputs[wrong].tolist()}."
            )
        if not (answer.stderr >= 0).all():
            raise ValueError(f"A flux must answer errors that are numbers, not negative: got {answer.stderr.min():g}.")
        divergence = _DIVERGENCE.assemble(self.basis, flux=_as_vector(self.basis, answer.value))
        columns = {name: _as_vector(self.basis, jacobian[:, :, place]) for name, place in _COLUMNS.items()}
        matrix = sparse.csr_array(_DERIVATIVE.assemble(self.basis, **columns))
        return Linearised(np.asarray(divergence), matrix, answer)

    def _exchange(self, name: str, condition: Boundary) -> tuple[sparse.csr_array | None, Array]:
        edge = skfem.FacetBasis(self._mesh, self.element, facets=self._mesh.boundaries[name], intorder=2 * self.degree)
        positions = _as_points(edge.global_coordinates())
        load = skfem.LinearForm(lambda v, w: w.load * v)
        if isinstance(condition, Exchange):
            coefficient = values_at("coefficient", condition.coefficient, positions, low=0.0)
            ambient = values_at("ambient", condition.ambient, positions)
            form = skfem.BilinearForm(lambda u, v, w: w.coefficient * u * v)
            return (
                sparse.csr_array(form.assemble(edge, coefficient=_as_field(edge, coefficient))),
                np.asarray(load.assemble(edge, load=_as_field(edge, coefficient * ambient))),
            )
        assert not isinstance(condition, Fixed)
        flux = values_at("flux", condition.flux, positions)
        return None, np.asarray(load.assemble(edge, load=_as_field(edge, flux)))


_COLUMNS = {"by_value": 2, "by_x": 3, "by_y": 4}
_DIVERGENCE = skfem.LinearForm(lambda v, w: -(w.flux[0] * v.grad[0] + w.flux[1] * v.grad[1]))
_DERIVATIVE = skfem.BilinearForm(
    lambda u, v, w: (
        -sum(
            (w.by_value[axis] * u + w.by_x[axis] * u.grad[0] + w.by_y[axis] * u.grad[1]) * v.grad[axis]
            for axis in (0, 1)
        )
    )
)


def _as_points(field: Array) -> Array:
    """(2, element, point) -> (element and point, 2)."""
    return np.ascontiguousarray(np.asarray(field).reshape(2, -1).T)


def _as_field(basis: Any, values: Array) -> Any:
    return DiscreteField(values.reshape(basis.dx.shape))


def _as_vector(basis: Any, values: Array) -> Any:
    """(element and point, 2) -> (2, element, point)."""
    return DiscreteField(np.ascontiguousarray(values.T).reshape(2, *basis.dx.shape))
