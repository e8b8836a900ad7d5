"""Whether disturbances of a steady state grow, and how fast."""

from eqfree.stability.leading import coarse_multipliers
from eqfree.stability.pencil import Pencil, turn
from eqfree.stability.ring import ring_multipliers

__all__ = ["Pencil", "coarse_multipliers", "ring_multipliers", "turn"]
