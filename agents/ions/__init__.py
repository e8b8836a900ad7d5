"""Ions that hop through crystals: kinetic Monte Carlo of a lattice gas."""

from agents.ions.box import Box
from agents.ions.crystal import Crystal, Hop, HopRule
from agents.ions.gas import LatticeGas
from agents.ions.landscape import Hopping, Landscape, Rule, Species, exponential, normal, uniform
from agents.ions.lifting import by_column, gibbs, independent
from agents.ions.material import MATERIALS, Material, Measured, read_material
from agents.ions.percolation import percolates, percolation_barrier
from agents.ions.population import Ions, Windows
from agents.ions.selection import NullEvent, RejectionFree

__all__ = [
    "MATERIALS",
    "Box",
    "Crystal",
    "Hop",
    "HopRule",
    "Hopping",
    "Ions",
    "Landscape",
    "LatticeGas",
    "Material",
    "Measured",
    "NullEvent",
    "RejectionFree",
    "Rule",
    "Species",
    "Windows",
    "by_column",
    "exponential",
    "gibbs",
    "independent",
    "normal",
    "percolates",
    "percolation_barrier",
    "read_material",
    "uniform",
]
