"""Molecules that react: networks, exact and approximate simulation, lifting and readings."""

from agents.molecules.lifting import place, systematic
from agents.molecules.models import WellMixed, mean_concentrations, mean_rates
from agents.molecules.network import CARRIED, Network, read_network
from agents.molecules.ssa import Direct, Method, Molecules, RandomTimeChange, Tables, passage_time, path
from agents.molecules.units import Units

__all__ = [
    "CARRIED",
    "Direct",
    "Method",
    "Molecules",
    "Network",
    "RandomTimeChange",
    "Tables",
    "Units",
    "WellMixed",
    "mean_concentrations",
    "mean_rates",
    "passage_time",
    "path",
    "place",
    "read_network",
    "systematic",
]
