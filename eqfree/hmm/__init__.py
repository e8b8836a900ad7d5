"""The heterogeneous multiscale method: closures asked on demand and remembered, and solvers of macroscopic laws."""

from eqfree.hmm.bottleneck import Bottleneck
from eqfree.hmm.boundary import Open, Ring
from eqfree.hmm.closure import Answer, Closure
from eqfree.hmm.conservation_law import ConservationLaw
from eqfree.hmm.driver import ConservationState, iter_conservation_law, solve_conservation_law
from eqfree.hmm.finite_volume import (
    FirstOrder,
    Muscl,
    Scheme,
    minmod,
    monotonized_central,
    ssp_rk2,
    ssp_rk3,
    van_leer,
)
from eqfree.hmm.flux import Flux, FluxCurve, flow_alone
from eqfree.hmm.flux_surface import FluxSurface
from eqfree.hmm.smoothing import smoothed
from eqfree.hmm.tabulated import Tabulated, monotone, smooth

__all__ = [
    "Answer",
    "Bottleneck",
    "Closure",
    "ConservationLaw",
    "ConservationState",
    "FirstOrder",
    "Flux",
    "FluxCurve",
    "FluxSurface",
    "Muscl",
    "Open",
    "Ring",
    "Scheme",
    "Tabulated",
    "flow_alone",
    "iter_conservation_law",
    "minmod",
    "monotone",
    "monotonized_central",
    "smooth",
    "smoothed",
    "solve_conservation_law",
    "ssp_rk2",
    "ssp_rk3",
    "van_leer",
]
