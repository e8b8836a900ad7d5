"""Cells: on a lattice, off it, and the signals and nutrients that they share."""

from agents.cells.lattice import LatticeCells
from agents.cells.lifting import Sampler, by_column, independent, place_points
from agents.cells.pairs import with_pairs
from agents.cells.population import Cells
from agents.cells.readings import pair_factor, pair_probability
from agents.cells.rules import CellType, Events, Sweeps
from agents.cells.sites import Sites

__all__ = [
    "CellType",
    "Cells",
    "Events",
    "LatticeCells",
    "Sampler",
    "Sites",
    "Sweeps",
    "by_column",
    "independent",
    "pair_factor",
    "pair_probability",
    "place_points",
    "with_pairs",
]
