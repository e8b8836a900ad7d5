"""Ions that hop through crystals: kinetic Monte Carlo of a lattice gas."""

from agents.ions.arrhenius import ArrheniusFit, fit_arrhenius
from agents.ions.box import Box
from agents.ions.conductor import Conductor
from agents.ions.correlation import box_correlation, lattice_correlation, nakazato_kitahara
from agents.ions.crystal import Crystal, Hop, HopRule
from agents.ions.diffusion import chemical_diffusion, wave_decay
from agents.ions.estimates import Estimate
from agents.ions.gas import LatticeGas
from agents.ions.landscape import Hopping, Landscape, Rule, Species, exponential, normal, uniform
from agents.ions.lifting import by_column, gibbs, independent
from agents.ions.material import MATERIALS, Material, Measured, read_material
from agents.ions.pair_law import pair_law
from agents.ions.percolation import percolates, percolation_barrier
from agents.ions.population import Ions, Windows
from agents.ions.readings import (
    charge_diffusion,
    conductivity,
    correlation_by_cosine,
    correlation_by_distance,
    haven_ratio,
    mean_current,
    tracer_diffusion,
)
from agents.ions.selection import NullEvent, RejectionFree

__all__ = [
    "MATERIALS",
    "ArrheniusFit",
    "Box",
    "Conductor",
    "Crystal",
    "Estimate",
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
    "box_correlation",
    "by_column",
    "charge_diffusion",
    "chemical_diffusion",
    "conductivity",
    "correlation_by_cosine",
    "correlation_by_distance",
    "exponential",
    "fit_arrhenius",
    "gibbs",
    "haven_ratio",
    "independent",
    "lattice_correlation",
    "mean_current",
    "nakazato_kitahara",
    "normal",
    "pair_law",
    "percolates",
    "percolation_barrier",
    "read_material",
    "tracer_diffusion",
    "uniform",
    "wave_decay",
]
