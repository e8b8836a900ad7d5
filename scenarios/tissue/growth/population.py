"""An even population told by its density, or by its density and its pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from agents.cells import Cells, LatticeCells, pair_probability, with_pairs

__all__ = ["by_density", "by_density_and_pairs"]

Array = NDArray[np.float64]


def by_density(cells: LatticeCells) -> ef.MicroModel:
    """Cells whose macro state is their mean density, (1,), lifted as many on every column.

    Examples
    --------
    >>> from agents.cells import CellType, Sites
    >>> model = by_density(LatticeCells(Sites((10, 10)), (CellType(1.0, 1.0),)))
    >>> model.restrict(model.lift(np.array([0.2]), np.random.default_rng(0)))
    array([0.2])
    """
    return _model(
        cells,
        lambda macro, rng: cells.lift(_even(cells, macro), rng),
        lambda micro: np.array([(micro.occupied > 0).mean()]),
        ("density",),
    )


def by_density_and_pairs(cells: LatticeCells) -> ef.MicroModel:
    """Cells whose macro state is their mean density and how often neighbouring sites are both occupied, (2,).

    Lifting anneals the cells until there are as many pairs, as nearly as they can be: see `agents.cells.with_pairs`.

    Examples
    --------
    >>> from agents.cells import CellType, Sites
    >>> model = by_density_and_pairs(LatticeCells(Sites((50, 50)), (CellType(1.0, 1.0),)))
    >>> model.restrict(model.lift(np.array([0.2, 0.08]), np.random.default_rng(0))).round(3)
    array([0.2 , 0.08])
    """

    def lift(macro: Array, rng: Generator) -> Cells:
        density, pairs = float(macro[0]), float(macro[1])
        possible = min(max(pairs, 2 * density - 1, 0.0), density)
        return Cells.of(with_pairs(_even(cells, macro), possible, cells.sites, rng))

    def restrict(micro: Cells) -> Array:
        return np.array([(micro.occupied > 0).mean(), pair_probability(micro.occupied, cells.sites)])

    return _model(cells, lift, restrict, ("density", "pairs"))


def _model(
    cells: LatticeCells,
    lift: Callable[[Array, Generator], Cells],
    restrict: Callable[[Cells], Array],
    names: tuple[str, ...],
) -> ef.MicroModel:
    fields: tuple[dict[str, Any], ...] = tuple({"name": name, "unit": "1", "bounds": (0.0, 1.0)} for name in names)
    return ef.micro_model(
        lift,
        cells.evolve,
        restrict,
        fields=fields,
        thread_safe=True,
        agent_updates=lambda macro, duration: cells.agent_updates(_even(cells, macro), duration),
        warm=cells.warm,
    )


def _even(cells: LatticeCells, macro: Array) -> Array:
    """The same density on every column, (1, column)."""
    return np.full((1, cells.sites.columns), macro[0])
