"""Molecules that react: networks, exact and approximate simulation, lifting and readings."""

from agents.molecules.grid import Grid
from agents.molecules.lifting import place
from agents.molecules.models import WellMixed
from agents.molecules.network import CARRIED, Network, read_network
from agents.molecules.population import Molecules
from agents.molecules.rate_equations import RateEquations
from agents.molecules.readings import mean_concentrations, mean_rates
from agents.molecules.ssa import Direct, Method, RandomTimeChange, passage_time, path, trace
from agents.molecules.tables import Tables
from agents.molecules.tau_leaping import TauLeaping
from agents.molecules.units import Units
from agents.molecules.voxels import Voxels
from agents.systematic import systematic

__all__ = [
    "CARRIED",
    "Direct",
    "Grid",
    "Method",
    "Molecules",
    "Network",
    "RandomTimeChange",
    "RateEquations",
    "Tables",
    "TauLeaping",
    "Units",
    "Voxels",
    "WellMixed",
    "mean_concentrations",
    "mean_rates",
    "passage_time",
    "path",
    "place",
    "read_network",
    "systematic",
    "trace",
]
