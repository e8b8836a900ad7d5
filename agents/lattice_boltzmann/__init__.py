"""Particles that hop between cells, collide and react: reaction and diffusion by a lattice Boltzmann method."""

from agents.lattice_boltzmann.fitzhugh_nagumo import FitzHughNagumo
from agents.lattice_boltzmann.lattice import Lattice
from agents.lattice_boltzmann.particles import Lifting, Particles, in_equilibrium, with_gradient

__all__ = ["FitzHughNagumo", "Lattice", "Lifting", "Particles", "in_equilibrium", "with_gradient"]
