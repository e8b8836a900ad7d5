"""Temperatures at rest: asked of the layers point by point, or with every layer resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.hmm import (
    Closure,
    DiffusionLaw,
    DiffusionSolution,
    Exchange,
    FourierFlux,
    Gridded,
    Inflow,
    ResolvedFlux,
    solve_steady,
)
from eqfree.journal import clock
from scenarios.composite.conductivity import CellConductivity, CellModel
from scenarios.composite.microstructures import Laminate
from scenarios.composite.sink.geometry import Sink
from scenarios.composite.sink.meshes import FittedMesh, coarse_mesh, layered_mesh

__all__ = ["Micro", "Problem", "Steady", "errors", "homogenised", "homogenised_problem", "resolved", "resolved_problem"]

Array: TypeAlias = NDArray[np.float64]

_CELL = 2  # elements along a period of a laminate, which are exact
_RTOL = 1e-3  # of the table, whose bound is cautious: what it makes of temperatures is below 1e-8


@dataclass(frozen=True, eq=False)
class Micro:
    """Another micro-solver than the cell problem.

    Attributes
    ----------
    conductivity
        Fraction of the inclusion (point, 1) -> K_xx, K_xy, K_yy of layers whose normal is the x axis, in W/(m K).
    rtol, atol
        To which a table of it is filled, as in `eqfree.hmm.Gridded`; ``atol`` in W/(m K).
    """

    conductivity: Closure
    rtol: float
    atol: float


@dataclass(frozen=True, eq=False)
class Problem:
    """What is solved for, and on what mesh.

    Attributes
    ----------
    fitted
        The mesh.
    law
        On it.
    micro_unknowns
        Of the linear systems that were solved so far to know what the layers conduct, all together.
    told
        In words, what the layers were asked.
    """

    fitted: FittedMesh
    law: DiffusionLaw
    micro_unknowns: Callable[[], int]
    told: Callable[[], str]

    def at(self, values: Array, coordinates: ArrayLike) -> Array:
        """Temperatures of values (dof,) at coordinates of the part (point, 2) -> (point,)."""
        return self.fitted.interpolate(self.law.discretisation.basis, values, coordinates)


@dataclass(frozen=True, eq=False)
class Steady:
    """Temperatures at rest, and what they took.

    Attributes
    ----------
    problem, solution
        What was solved, and how.
    unknowns
        Of all linear systems, those of the micro-problems included.
    seconds
        From the settings to the temperatures, meshes included.
    """

    problem: Problem
    solution: DiffusionSolution
    unknowns: int
    seconds: float

    def at(self, coordinates: ArrayLike) -> Array:
        """Temperatures at coordinates of the part (point, 2) -> (point,), in K."""
        return self.problem.at(self.solution.values, coordinates)


def homogenised_problem(sink: Sink, elements: int, micro: Micro | None = None) -> Problem:
    """Two scales: a coarse mesh, at whose points the layers there are asked what they conduct.

    What they conduct is a table over their fraction, filled from cell problems of layers, or from another
    micro-solver; these are turned into place. The capacity is the mean of both.
    """
    cells = CellConductivity(
        CellModel(lambda fraction: Laminate(float(fraction[0])), lambda _: sink.conductivities, refinement=_CELL)
    )
    asked, rtol, atol = (cells, _RTOL, 0.0) if micro is None else (micro.conductivity, micro.rtol, micro.atol)
    low, high = sink.fractions
    fitted = coarse_mesh(sink, elements)
    if low < high:
        table = Gridded(asked, [(low, high)], rtol, atol=atol)
        flux = FourierFlux(
            table, lambda places: np.clip(sink.fraction(places), low, high)[:, np.newaxis], angle=sink.angle
        )
    else:
        flux = FourierFlux(asked, lambda places: np.full((len(places), 1), low), angle=sink.angle)
    law = DiffusionLaw(
        mesh=fitted.mesh,
        flux=flux,
        boundaries=_boundaries(sink),
        capacity=lambda places: sink.mixed(sink.capacities, places),
        degree=2,
    )
    return Problem(fitted, law, lambda: cells.unknowns, lambda: str(flux))


def resolved_problem(sink: Sink, periods: int, *, refinement: int = 1, rows: int = 24) -> Problem:
    """One scale: a mesh that is fitted to every layer, as `layered_mesh` makes it."""
    fitted = layered_mesh(sink, periods, refinement=refinement, rows=rows)
    law = DiffusionLaw(
        mesh=fitted.mesh,
        flux=ResolvedFlux(lambda places, _: (sink.layered(sink.conductivities, places, periods), None)),
        boundaries=_boundaries(sink),
        capacity=lambda places: sink.layered(sink.capacities, places, periods),
        degree=2,
    )
    return Problem(fitted, law, lambda: 0, lambda: "nothing asked: every layer is meshed")


def homogenised(sink: Sink, *, elements: int = 6, micro: Micro | None = None) -> Steady:
    """The temperatures at rest by two scales.

    Parameters
    ----------
    sink
        The part.
    elements
        Rows and columns of the coarse mesh, two quadratic triangles each.
    micro
        What is asked instead of the cell problem; it solves no linear systems.

    Examples
    --------
    >>> homogenised(Sink(), elements=4).at([[0.0, 0.5]]).round(1)  # the middle of the chip
    array([390.5])
    """
    began = clock()
    return _solved(homogenised_problem(sink, elements, micro), began)


def resolved(sink: Sink, periods: int, *, refinement: int = 1, rows: int = 24) -> Steady:
    """The temperatures at rest with every layer meshed.

    Parameters
    ----------
    sink, periods, refinement, rows
        As of `scenarios.composite.sink.meshes.layered_mesh`.
    """
    began = clock()
    return _solved(resolved_problem(sink, periods, refinement=refinement, rows=rows), began)


def errors(coarse: Problem, coarse_values: Array, fine: Problem, fine_values: Array) -> tuple[float, float]:
    """In the mean square and at most, over the part: what coarse misses of fine, over fine's rise above ambient."""
    sink, discretisation = fine.fitted.sink, fine.law.discretisation
    rise = fine_values.max() - sink.ambient
    missed = coarse.at(coarse_values, sink.coordinates(discretisation.places)) - fine_values
    squares = np.asarray(discretisation.fine.interpolate(missed)) ** 2
    mean = np.sum(squares * discretisation.fine.dx) / np.sum(discretisation.fine.dx)
    return float(np.sqrt(mean) / rise), float(np.abs(missed).max() / rise)


def _solved(problem: Problem, began: float) -> Steady:
    solution = solve_steady(problem.law, problem.fitted.sink.ambient)
    return Steady(problem, solution, problem.law.unknowns + problem.micro_unknowns(), clock() - began)


def _boundaries(sink: Sink) -> Mapping[str, Inflow | Exchange]:
    cooled = Exchange(sink.exchange, sink.ambient)
    return {"left": Inflow(sink.inflow), "right": cooled, "bottom": cooled, "top": cooled}
