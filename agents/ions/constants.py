"""Constants of nature, in the units in which ions are told (2019 SI; exact)."""

__all__ = ["BOLTZMANN", "ELEMENTARY_CHARGE", "PLANCK"]

BOLTZMANN = 1.380649e-23 / 1.602176634e-19
"""Boltzmann's constant (eV/K)."""

ELEMENTARY_CHARGE = 1.602176634e-19
"""The charge of a proton (C)."""

PLANCK = 6.62607015e-34 / 1.602176634e-19
"""Planck's constant (eV s)."""
