"""Random walkers in media of two phases, whose mean square displacement is the effective conductivity."""

from agents.walkers.conductor import WalkerConductor, Walkers
from agents.walkers.media import Disks, Layers, Medium

__all__ = ["Disks", "Layers", "Medium", "WalkerConductor", "Walkers"]
