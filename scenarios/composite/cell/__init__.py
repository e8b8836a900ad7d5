"""The periodic cell problem: the conductivity of a composite from one period of its microstructure."""

from __future__ import annotations

from scenarios.composite.cell.cell import Cell
from scenarios.composite.cell.local_field import LocalField, local_field
from scenarios.composite.cell.problem import CellProblem, EffectiveTensor

__all__ = ["Cell", "CellProblem", "EffectiveTensor", "LocalField", "local_field"]
