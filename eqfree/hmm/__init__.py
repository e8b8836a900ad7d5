"""The heterogeneous multiscale method: closures asked on demand and remembered, and solvers of macroscopic laws."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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
from eqfree.hmm.fourier import FourierFlux, ResolvedFlux
from eqfree.hmm.gridded import Gridded
from eqfree.hmm.smoothing import smoothed
from eqfree.hmm.tabulated import Tabulated, monotone, smooth

if TYPE_CHECKING:  # finite elements take a second to import: only who uses them waits
    from eqfree.hmm.diffusion.balanced import Balanced, refine_together
    from eqfree.hmm.diffusion.boundaries import Exchange, Fixed, Inflow
    from eqfree.hmm.diffusion.indicators import ErrorIndicators
    from eqfree.hmm.diffusion.law import DiffusionLaw
    from eqfree.hmm.diffusion.meshes import rectangle
    from eqfree.hmm.diffusion.schemes import ImplicitEuler, ImplicitScheme, Sdirk2
    from eqfree.hmm.diffusion.solution import DiffusionSolution
    from eqfree.hmm.diffusion.steady import solve_steady
    from eqfree.hmm.diffusion.transient import DiffusionRun, DiffusionState, iter_diffusion, solve_diffusion

_FINITE_ELEMENTS = {
    "Balanced": "balanced",
    "DiffusionLaw": "law",
    "DiffusionRun": "transient",
    "DiffusionSolution": "solution",
    "DiffusionState": "transient",
    "ErrorIndicators": "indicators",
    "Exchange": "boundaries",
    "Fixed": "boundaries",
    "ImplicitEuler": "schemes",
    "ImplicitScheme": "schemes",
    "Inflow": "boundaries",
    "Sdirk2": "schemes",
    "iter_diffusion": "transient",
    "rectangle": "meshes",
    "refine_together": "balanced",
    "solve_diffusion": "transient",
    "solve_steady": "steady",
}

__all__ = [
    "Answer",
    "Balanced",
    "Bottleneck",
    "Closure",
    "ConservationLaw",
    "ConservationState",
    "DiffusionLaw",
    "DiffusionRun",
    "DiffusionSolution",
    "DiffusionState",
    "ErrorIndicators",
    "Exchange",
    "FirstOrder",
    "Fixed",
    "Flux",
    "FluxCurve",
    "FluxSurface",
    "FourierFlux",
    "Gridded",
    "ImplicitEuler",
    "ImplicitScheme",
    "Inflow",
    "Muscl",
    "Open",
    "ResolvedFlux",
    "Ring",
    "Scheme",
    "Sdirk2",
    "Tabulated",
    "flow_alone",
    "iter_conservation_law",
    "iter_diffusion",
    "minmod",
    "monotone",
    "monotonized_central",
    "rectangle",
    "refine_together",
    "smooth",
    "smoothed",
    "solve_conservation_law",
    "solve_diffusion",
    "solve_steady",
    "ssp_rk2",
    "ssp_rk3",
    "van_leer",
]


def __getattr__(name: str) -> Any:
    if name in _FINITE_ELEMENTS:
        return getattr(import_module(f"eqfree.hmm.diffusion.{_FINITE_ELEMENTS[name]}"), name)
    raise AttributeError(f"module 'eqfree.hmm' has no attribute {name!r}")
