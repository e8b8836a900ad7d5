"""Which of the two meshes errs: orders of macro and micro elements, and that refining one alone stops helping."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

import eqfree as ef
from eqfree.hmm import Closure, DiffusionLaw, DiffusionSolution, Fixed, FourierFlux, rectangle, solve_steady
from eqfree.scenario import Context
from scenarios.composite import exact
from scenarios.composite.conductivity import CellConductivity, CellModel
from scenarios.composite.microstructures import Cylinders
from scenarios.composite.settings import Settings
from scenarios.part import Part

__all__ = ["run_balance"]

Array: TypeAlias = NDArray[np.float64]

_SHARE, _PHASES = 0.3, (1.0, 10.0)  # cylinders whose conductivity is known to round-off
_SIDES = ("left", "right", "bottom", "top")
_COARSEST_MESH, _COARSEST_CELL = 4, 4  # elements along a side
_FITTED = (1, 2, 3)  # levels of the mesh
_FITTED_CELLS = (16, 24, 32)  # elements along a period
_NAMES = ("mesh P1", "mesh P2", "micro P1", "micro P2")
_EXPECTED = (2.0, 3.0, 2.0, 4.0)  # their orders
_ORDER = 0.15  # that a fitted order may be off
_SOURCE = "order of the elements, Abdulle 2005"
_INDICATED = 0.25  # that an indicator may be off
_WANTED = 0.02  # of the flux, where mesh and micro-solver are refined together


def run_balance(settings: Settings, context: Context) -> Part:
    """The error of the flux of a part whose solution is known, over levels of mesh and micro-solver.

    Cylinders of ten times the matrix' conductivity fill 0.3 of a unit square whose sides are held at
    u = exp(x) cos(y), which is harmonic, so that q = -K grad u with the K of multipoles. Tables
    ``composite_balance``, with the true error beside both indicators, and ``composite_orders``.
    """
    conductivity = exact.cylinders(_PHASES, _SHARE)
    grid = [(mesh, micro) for mesh in range(settings.levels) for micro in range(settings.levels)]
    conductivity_of = cache(lambda refinement, degree: _asked(refinement, degree, context))
    asked = [conductivity_of(_COARSEST_CELL * 2**micro, 1) for micro in range(settings.levels)]
    rows = []
    for mesh, micro in context.track(grid, "mesh and micro-solver"):
        solution = solve_steady(_law(mesh, asked[micro], degree=1))
        told = solution.indicators
        rows.append(
            {
                "mesh_level": mesh,
                "micro_level": micro,
                "unknowns": solution.law.unknowns,
                "error": _flux_error(solution, conductivity),
                "macro_indicator": told.macro,
                "micro_indicator": told.micro,
                "limits": told.limits,
            }
        )
    balance = pd.DataFrame(rows)
    orders = _orders(conductivity_of, conductivity)
    together = ef.hmm.refine_together(
        lambda mesh, micro: _law(mesh, conductivity_of(_COARSEST_CELL * 2**micro, 1), degree=1), _WANTED
    )
    ratios: Array = (balance["error"] / np.hypot(balance["macro_indicator"], balance["micro_indicator"])).to_numpy()
    last = settings.levels - 1
    alone = _row(balance, last, 0)["error"] / _row(balance, last - 1, 0)["error"]
    both = _row(balance, last, last)["error"] / _row(balance, last - 1, last - 1)["error"]
    return Part(
        tables={"composite_balance": balance, "composite_orders": orders},
        values={
            "error_left_by_a_finer_mesh_alone": ef.Value(float(alone)),
            "error_left_by_both_finer": ef.Value(float(both)),
        },
        checks=[
            *(
                ef.Check(f"order, {what}", order, expected, _ORDER, _SOURCE)
                for what, order, expected in zip(_NAMES, _fitted(orders), _EXPECTED, strict=True)
            ),
            *(
                ef.Check(
                    f"true error over what the indicators say, {name}",
                    float(ratio),
                    1.0,
                    _INDICATED,
                    "Zienkiewicz & Zhu 1992, asymptotically exact; half the distance between bounds",
                )
                for name, ratio in (("largest", ratios.max()), ("smallest", ratios.min()))
            ),
        ],
        notes=[
            f"With the coarsest micro-solver, the finest mesh leaves {alone:.0%} of the error of the one before; with "
            f"both refined, {both:.0%} is left.",
            f"Refined together to {_WANTED:.0%} of the flux: {together}.",
            "The part balance is about cylinders of ten times the matrix' conductivity, whatever else is computed.",
        ],
        failures=[] if together.solution.success else [f"balance: {together.solution.message}"],
        cost=sum((closure.cost for closure in asked), ef.Cost()),
    )


def _law(level: int, conductivity: Closure, degree: int) -> DiffusionLaw:
    count = _COARSEST_MESH * 2**level
    return DiffusionLaw(
        mesh=rectangle(1.0, 1.0, (count, count)),
        flux=FourierFlux(conductivity, lambda position: np.full((len(position), 1), _SHARE)),
        boundaries={side: Fixed(_harmonic) for side in _SIDES},
        degree=degree,
    )


def _asked(refinement: int, degree: int, context: Context) -> CellConductivity:
    model = CellModel(lambda share: Cylinders(float(share[0])), lambda _: _PHASES, refinement, degree)
    return CellConductivity(model, context.executor)


def _harmonic(places: Array) -> Array:
    return np.asarray(np.exp(places[..., 0]) * np.cos(places[..., 1]))


def _flux_error(solution: DiffusionSolution, conductivity: float) -> float:
    """Of the flux in L², relative: that of the solution's gradient with the tensor that was answered."""
    discretisation = solution.law.discretisation
    fine = discretisation.fine
    x, y = np.asarray(fine.global_coordinates())
    exact_flux = conductivity * np.exp(x) * np.array([-np.cos(y), np.sin(y)])
    tensor = -np.asarray(solution.solved.answer.jacobian)[0, :, 3:]
    flux = -np.einsum("ij,jeq->ieq", tensor, np.asarray(fine.interpolate(solution.values).grad))
    return float(np.sqrt(((flux - exact_flux) ** 2 * fine.dx).sum() / (exact_flux**2 * fine.dx).sum()))


def _orders(conductivity_of: Callable[[int, int], CellConductivity], conductivity: float) -> pd.DataFrame:
    """Errors of u over mesh sizes with the exact conductivity, and of the conductivity over those of the cell."""
    rows = []
    for degree in (1, 2):
        for level in _FITTED:
            solution = solve_steady(_law(level, _Known(conductivity), degree))
            fine = solution.law.discretisation.fine
            here = _harmonic(np.moveaxis(np.asarray(fine.global_coordinates()), 0, -1))
            missed = np.sqrt(((np.asarray(fine.interpolate(solution.values)) - here) ** 2 * fine.dx).sum())
            rows.append((f"mesh P{degree}", 1 / (_COARSEST_MESH * 2**level), float(missed)))
    for degree in (1, 2):
        for refinement in _FITTED_CELLS:
            told = conductivity_of(refinement, degree)([[_SHARE]]).value[0, 0]
            rows.append((f"micro P{degree}", 1 / refinement, abs(told / conductivity - 1)))
    table = pd.DataFrame(rows, columns=["what", "size", "error"])
    return table.assign(order=table["what"].map(dict(zip(_NAMES, _fitted(table), strict=True))))


def _fitted(table: pd.DataFrame) -> list[float]:
    """Slopes of each."""
    told = []
    for what in _NAMES:
        those = table[table["what"] == what]
        told.append(float(np.polyfit(np.log(those["size"]), np.log(those["error"]), 1)[0]))
    return told


def _row(table: pd.DataFrame, mesh: int, micro: int) -> pd.Series:
    return table[(table["mesh_level"] == mesh) & (table["micro_level"] == micro)].iloc[0]


class _Known(Closure):
    """The same conductivity everywhere."""

    def __init__(self, conductivity: float) -> None:
        self._conductivity = conductivity

    def __call__(self, inputs: ArrayLike, state: object = None, key: tuple[int, ...] = ()) -> ef.hmm.Answer:
        value = np.tile([self._conductivity, 0.0, self._conductivity], (len(np.asarray(inputs)), 1))
        return ef.hmm.Answer(value, np.zeros_like(value))
