"""The heterogeneous multiscale method: closures asked on demand and remembered."""

from eqfree.hmm.closure import Answer, Closure
from eqfree.hmm.tabulated import Tabulated, monotone, smooth

__all__ = ["Answer", "Closure", "Tabulated", "monotone", "smooth"]
