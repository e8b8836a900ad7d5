"""The linear systems of Newton's method: dense with Broyden's updates, or by products."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble import Key
from eqfree.fixed_points.equations import Equations, Residual, Slopes
from eqfree.results import Cost

__all__ = ["Border", "Dense", "Krylov", "Linear", "Problem"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Border:
    """The row that closes the system: row · (z - target) = 0. The parameter is held by a row that sees nothing else.

    Attributes
    ----------
    row, target : (unknown,)
    """

    row: Array
    target: Array

    @classmethod
    def holding_parameter(cls, unknowns: Array) -> Border:
        """A border that keeps the parameter of some unknowns."""
        row = np.zeros(len(unknowns))
        row[-1] = 1.0
        return cls(row, unknowns)

    @property
    def holds_parameter(self) -> bool:
        """Whether nothing but the parameter is held."""
        return not self.row[:-1].any()

    def value(self, unknowns: Array) -> float:
        """How far from it some unknowns are."""
        return float(self.row @ (unknowns - self.target))


@dataclass(frozen=True, eq=False)
class Problem:
    """Equations with a border, under one key."""

    equations: Equations
    border: Border
    key: Key

    def residual(self, unknowns: Array) -> Residual:
        """The equations, without the border."""
        return self.equations.residual(unknowns, self.key)

    def full(self, unknowns: Array, residual: Residual) -> Array:
        """Means of the equations, and the border."""
        return np.append(residual.mean, self.border.value(unknowns))


class Linear(ABC):
    """The bordered derivative, as far as it is known, and its inverse."""

    fresh: bool  #: whether it was made at the unknowns of now
    cost: Cost

    @abstractmethod
    def at(self, problem: Problem, unknowns: Array, residual: Residual) -> Linear:
        """Made anew at some unknowns."""

    @abstractmethod
    def solve(self, values: Array) -> Array:
        """The inverse of rows (..., row) with the border's last, (..., unknown)."""

    @abstractmethod
    def learn(self, step: Array, change: Array) -> Linear:
        """What a step and what it changed tell of the derivative."""

    @property
    @abstractmethod
    def doubt(self) -> float:
        """Standard error of the inverse times the derivative, along the worst direction."""


@dataclass(frozen=True, eq=False)
class Dense(Linear):
    """A matrix by differences along all unknowns, kept up by Broyden's updates.

    C. G. Broyden, Math. Comput. 19 (1965) 577, doi:10.1090/S0025-5718-1965-0198670-6.
    """

    matrix: Array
    stderr: Array
    slopes: Slopes | None = None
    fresh: bool = False
    cost: Cost = field(default_factory=Cost)

    @classmethod
    def unknown(cls) -> Dense:
        """Before anything was differentiated."""
        return cls(np.zeros((0, 0)), np.zeros((0, 0)))

    def at(self, problem: Problem, unknowns: Array, residual: Residual) -> Dense:
        """By differences; that in the parameter is left out where the parameter is held."""
        wanted = not problem.border.holds_parameter
        slopes = problem.equations.slopes(unknowns, residual, problem.key, parameter=wanted)
        return Dense.of(slopes, problem.border)

    @classmethod
    def of(cls, slopes: Slopes, border: Border) -> Dense:
        """Of slopes that are known, closed by a border."""
        matrix = np.vstack((slopes.matrix, border.row))
        stderr = np.vstack((slopes.stderr, np.zeros(len(border.row))))
        return cls(matrix, stderr, slopes, fresh=True, cost=slopes.cost)

    def closed_by(self, border: Border) -> Dense:
        """The same derivative under another border."""
        return replace(self, matrix=np.vstack((self.matrix[:-1], border.row)), fresh=False)

    def solve(self, values: Array) -> Array:
        """By LU."""
        return np.asarray(np.linalg.solve(self.matrix, values.T).T if values.ndim > 1 else self._solve(values))

    def learn(self, step: Array, change: Array) -> Dense:
        """Broyden's update: the derivative along the step is the change, along all else it stays."""
        update = np.outer(change - self.matrix @ step, step) / (step @ step)
        return replace(self, matrix=self.matrix + update, fresh=False)

    @property
    def doubt(self) -> float:
        """From the standard errors of the differences, as if they were independent."""
        if not self.stderr.any():
            return 0.0
        columns = (np.linalg.inv(self.matrix) ** 2).sum(axis=0)
        return float(np.sqrt((columns @ self.stderr**2).max()))

    def _solve(self, values: Array) -> Array:
        return np.asarray(np.linalg.solve(self.matrix, values))


@dataclass(frozen=True, eq=False)
class Krylov(Linear):
    """Products with the derivative along a Krylov basis of the residual: GMRES, whose basis is kept.

    Y. Saad and M. H. Schultz, SIAM J. Sci. Stat. Comput. 7 (1986) 856, doi:10.1137/0907058. The tolerance is no tighter
    than products of noisy maps are. Of what lies outside the basis it is taken that it dies within the duration, as all
    but the slow directions do: the derivative is there minus one.

    Parameters
    ----------
    tolerance
        Of the residual of the linear system, in parts of its right-hand side.
    most
        Products.
    """

    tolerance: float
    most: int
    coordinates: int = 0
    basis: Array = field(default_factory=lambda: np.zeros((0, 0)))
    products: Array = field(default_factory=lambda: np.zeros((0, 0)))
    stderr: Array = field(default_factory=lambda: np.zeros((0, 0)))
    fresh: bool = False
    cost: Cost = field(default_factory=Cost)

    def at(self, problem: Problem, unknowns: Array, residual: Residual, *, wanted: Array | None = None) -> Krylov:
        """Products until the system with these residuals, or with a right-hand side that is wanted, is solved."""
        equations, border = problem.equations, problem.border
        columns, cost = equations.columns(unknowns, residual, problem.key, parameter=not border.holds_parameter)
        target = problem.full(unknowns, residual) if wanted is None else wanted
        direction, size = target, float(np.linalg.norm(target)) or 1.0
        basis, products, stderr = np.empty((3, 0, len(target)))
        while len(basis) < min(self.most, len(target)):
            for _ in range(2):
                direction = direction - basis.T @ (basis @ direction)
            length = float(np.linalg.norm(direction))
            if length < 1e-12 * size:
                break
            basis = np.vstack((basis, direction / length))
            row, noise, spent = equations.product(unknowns, residual, basis[-1], problem.key, columns)
            cost = cost + spent
            products = np.vstack((products, np.append(row, border.row @ basis[-1])))
            stderr = np.vstack((stderr, np.append(noise, 0.0)))
            direction = products[-1]
            weights = np.linalg.lstsq(products.T, target, rcond=None)[0]
            if np.linalg.norm(target - weights @ products) <= self.tolerance * size:
                break
        size = equations.chart.size
        return replace(self, coordinates=size, basis=basis, products=products, stderr=stderr, fresh=True, cost=cost)

    def solve(self, values: Array) -> Array:
        """Least squares over the basis, and minus what is left in the coordinates."""
        weights = np.linalg.lstsq(self.products.T, values.T, rcond=None)[0].T
        answer, left = weights @ self.basis, values - weights @ self.products
        answer[..., : self.coordinates] -= left[..., : self.coordinates]
        return np.asarray(answer)

    def learn(self, step: Array, change: Array) -> Krylov:
        """Nothing: another right-hand side wants another basis."""
        nothing = np.zeros((0, 0))
        return replace(self, basis=nothing, products=nothing, stderr=nothing, fresh=False)

    @property
    def doubt(self) -> float:
        """Within the basis, from the standard errors of the products, as if they were independent."""
        if not self.stderr.any():
            return 0.0
        rows = (np.linalg.pinv(self.products.T) ** 2).sum(axis=0)
        return float(np.sqrt((self.stderr**2 @ rows).max()))
