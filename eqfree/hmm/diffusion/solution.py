"""What was solved: values, flows and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import skfem
from numpy.typing import ArrayLike, NDArray

from eqfree.fields import short
from eqfree.hmm.diffusion.indicators import ErrorIndicators, indicate
from eqfree.hmm.diffusion.law import DiffusionLaw
from eqfree.hmm.diffusion.newton import Solved
from eqfree.results import Cost, Status

__all__ = ["DiffusionSolution", "interpolated"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class DiffusionSolution:
    """A steady state of a diffusion law.

    Attributes
    ----------
    law
        What was solved.
    values : (dof,)
        Of u at the degrees of freedom; the vertices of the mesh come first.
    inflows
        What enters through each boundary that was named, per time (of heat W per metre of depth); negative where it
        leaves.
    made
        What the source makes, per time.
    status, success, message
        How it ended.
    iterations
        Of Newton's method.
    cost
        Of the closure's answers, and the wall seconds of all.
    """

    law: DiffusionLaw
    solved: Solved
    cost: Cost

    @property
    def values(self) -> Array:
        """Of u at the degrees of freedom (dof,)."""
        return self.solved.values

    @property
    def inflows(self) -> Mapping[str, float]:
        """What enters through each boundary, per time."""
        return self.solved.inflows

    @property
    def made(self) -> float:
        """What the source makes, per time."""
        return self.solved.made

    @property
    def status(self) -> Status:
        """How it ended."""
        return Status.STEADY if self.solved.converged else Status.NO_BALANCE

    @property
    def success(self) -> bool:
        """Whether it is the steady state."""
        return self.status.success

    @property
    def message(self) -> str:
        """How it ended, as a sentence."""
        return self.status.value

    @property
    def iterations(self) -> int:
        """Of Newton's method."""
        return self.solved.iterations

    @property
    def imbalance(self) -> float:
        """In less out over all that passes: round-off, whatever mesh and closure."""
        return imbalance(self.inflows, self.made, 0.0)

    @cached_property
    def indicators(self) -> ErrorIndicators:
        """The errors of the flux that mesh and micro-solver make."""
        return indicate(self.law.discretisation, self.solved.answer, self.solved.values)

    def at(self, points: ArrayLike) -> Array:
        """Values of u at points (point, 2) -> (point,).

        Raises
        ------
        ValueError
            For points outside the mesh.
        """
        return interpolated(self.law, self.values, points)

    def __repr__(self) -> str:
        return f"{self.message} {self.law.unknowns} unknowns, {self.iterations} iterations; {self.indicators}"


def imbalance(inflows: Mapping[str, float], made: float, stored: float) -> float:
    """What enters and is made, less what is stored, over the sum of what passes.

    >>> imbalance({"left": 3.0, "right": -1.0}, 0.0, 2.0)
    0.0
    """
    passed = [*inflows.values(), made, -stored]
    size = float(np.abs(passed).sum())
    return float(np.sum(passed)) / size if size > 0 else 0.0


def interpolated(law: DiffusionLaw, values: Array, points: ArrayLike) -> Array:
    """Values (dof,) of a law at points (point, 2) -> (point,).

    Raises
    ------
    ValueError
        For points outside the mesh.
    """
    places = np.asarray(points, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2:
        raise ValueError(f"`points` must have shape (point, 2): got {places.shape}.")
    if isinstance(law.mesh, skfem.MeshTri2):
        raise ValueError(
            "Points of a curved mesh cannot be looked up. Read `values` at the degrees of freedom, whose places are "
            "`law.discretisation.places`."
        )
    try:
        return np.asarray(law.discretisation.basis.probes(places.T) @ values)
    except ValueError as error:
        low, high = law.mesh.p.min(axis=1), law.mesh.p.max(axis=1)
        raise ValueError(
            f"`points` must lie within the mesh, between ({low[0]:g}, {low[1]:g}) and ({high[0]:g}, {high[1]:g}): "
            f"got {short(places)}."
        ) from error
