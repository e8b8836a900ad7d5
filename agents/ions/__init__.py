"""Ions that hop through crystals: kinetic Monte Carlo of a lattice gas."""

from agents.ions.box import Box
from agents.ions.crystal import Crystal, Hop
from agents.ions.gas import LatticeGas
from agents.ions.landscape import Hopping, Landscape, Rule, Species, exponential, normal, uniform
from agents.ions.lifting import by_column, gibbs, independent
from agents.ions.population import Ions, Windows
from agents.ions.selection import NullEvent, RejectionFree

__all__ = [
    "Box",
    "Crystal",
    "Hop",
    "Hopping",
    "Ions",
    "Landscape",
    "LatticeGas",
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
    "uniform",
]
