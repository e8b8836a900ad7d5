"""Oscillations and waves: cycles by return maps and by shooting, branches of them, travelling waves."""

from eqfree.periodic.continuation import continue_cycles, switch_to_cycles
from eqfree.periodic.orbit import find_periodic_orbit
from eqfree.periodic.section import Section
from eqfree.periodic.wave import find_travelling_wave

__all__ = ["Section", "continue_cycles", "find_periodic_orbit", "find_travelling_wave", "switch_to_cycles"]
