"""Cells: on a lattice, off it, and the signals and nutrients that they share."""

from agents.cells.centre_based import CentreBased
from agents.cells.cycle import Cycle, Death, Motility, steady_phases
from agents.cells.fields import Medium
from agents.cells.lattice import LatticeCells
from agents.cells.lifting import Sampler, by_column, independent, place_points
from agents.cells.mechanics import Contacts, Mechanics
from agents.cells.pairs import with_pairs
from agents.cells.population import Cells
from agents.cells.readings import pair_factor, pair_probability
from agents.cells.region import Region
from agents.cells.rules import CellType, Events, Sweeps
from agents.cells.run_and_tumble import RunAndTumble, Walkers
from agents.cells.signalling import SignallingCells
from agents.cells.sites import Sites
from agents.cells.solute import Solute
from agents.cells.spheres import ARRESTED, DEAD, NECROTIC, PROLIFERATING, Spheres

__all__ = [
    "ARRESTED",
    "DEAD",
    "NECROTIC",
    "PROLIFERATING",
    "CellType",
    "Cells",
    "CentreBased",
    "Contacts",
    "Cycle",
    "Death",
    "Events",
    "LatticeCells",
    "Mechanics",
    "Medium",
    "Motility",
    "Region",
    "RunAndTumble",
    "Sampler",
    "SignallingCells",
    "Sites",
    "Solute",
    "Spheres",
    "Sweeps",
    "Walkers",
    "by_column",
    "independent",
    "pair_factor",
    "pair_probability",
    "place_points",
    "steady_phases",
    "with_pairs",
]
