"""Models written with Mesa as micro-models."""

from eqfree.adapters.mesa.model import MesaMicroModel
from eqfree.adapters.mesa.population import MesaPopulation

__all__ = ["MesaMicroModel", "MesaPopulation"]
