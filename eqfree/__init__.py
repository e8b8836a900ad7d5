"""Equation-free computation and heterogeneous multiscale methods for agent-based models.

The public names, each imported when it is first used, so that ``import eqfree`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eqfree import adapters, continuation, fixed_points, hmm, periodic, projective
    from eqfree.calibration import Calibration, calibrate
    from eqfree.coarse_map import Rotation
    from eqfree.continuation import (
        continue_branch,
        continue_event,
        find_hopf_point,
        iter_branch,
        sweep,
        switch_branch,
    )
    from eqfree.diagnosis import Diagnosis, diagnose
    from eqfree.ensemble import Pool
    from eqfree.fields import Field
    from eqfree.fixed_points import HealingSweep, find_fixed_point, sweep_healing
    from eqfree.journal import checkpoints
    from eqfree.micro import MicroModel, micro_model
    from eqfree.periodic import Section, continue_cycles, find_periodic_orbit, find_travelling_wave, switch_to_cycles
    from eqfree.projective import solve_projective
    from eqfree.results import (
        Branch,
        BranchEvent,
        BranchPoint,
        Check,
        Cost,
        Crossing,
        EventCurve,
        FixedPoint,
        PeriodicOrbit,
        Relation,
        Spectrum,
        Stability,
        Status,
        Study,
        Trajectory,
        TravellingWave,
        Value,
    )
    from eqfree.scenario import Context, Scenario, ScenarioSettings, run
    from eqfree.stability import coarse_multipliers, ring_multipliers
    from eqfree.stepper import CoarseTimeStepper

_HOME = {
    "Branch": "results",
    "BranchEvent": "results",
    "BranchPoint": "results",
    "Calibration": "calibration",
    "Check": "results",
    "CoarseTimeStepper": "stepper",
    "Context": "scenario",
    "Cost": "results",
    "Crossing": "results",
    "Diagnosis": "diagnosis",
    "EventCurve": "results",
    "Field": "fields",
    "FixedPoint": "results",
    "HealingSweep": "fixed_points",
    "MicroModel": "micro",
    "PeriodicOrbit": "results",
    "Pool": "ensemble",
    "Relation": "results",
    "Rotation": "coarse_map",
    "Scenario": "scenario",
    "ScenarioSettings": "scenario",
    "Section": "periodic",
    "Spectrum": "results",
    "Stability": "results",
    "Status": "results",
    "Study": "results",
    "Trajectory": "results",
    "TravellingWave": "results",
    "Value": "results",
    "calibrate": "calibration",
    "checkpoints": "journal",
    "coarse_multipliers": "stability",
    "continue_branch": "continuation",
    "continue_cycles": "periodic",
    "continue_event": "continuation",
    "diagnose": "diagnosis",
    "find_fixed_point": "fixed_points",
    "find_hopf_point": "continuation",
    "find_periodic_orbit": "periodic",
    "find_travelling_wave": "periodic",
    "iter_branch": "continuation",
    "micro_model": "micro",
    "ring_multipliers": "stability",
    "run": "scenario",
    "solve_projective": "projective",
    "sweep": "continuation",
    "sweep_healing": "fixed_points",
    "switch_branch": "continuation",
    "switch_to_cycles": "periodic",
}
_PACKAGES = ("adapters", "continuation", "fixed_points", "hmm", "periodic", "projective")

__all__ = [
    "Branch",
    "BranchEvent",
    "BranchPoint",
    "Calibration",
    "Check",
    "CoarseTimeStepper",
    "Context",
    "Cost",
    "Crossing",
    "Diagnosis",
    "EventCurve",
    "Field",
    "FixedPoint",
    "HealingSweep",
    "MicroModel",
    "PeriodicOrbit",
    "Pool",
    "Relation",
    "Rotation",
    "Scenario",
    "ScenarioSettings",
    "Section",
    "Spectrum",
    "Stability",
    "Status",
    "Study",
    "Trajectory",
    "TravellingWave",
    "Value",
    "adapters",
    "calibrate",
    "checkpoints",
    "coarse_multipliers",
    "continuation",
    "continue_branch",
    "continue_cycles",
    "continue_event",
    "diagnose",
    "find_fixed_point",
    "find_hopf_point",
    "find_periodic_orbit",
    "find_travelling_wave",
    "fixed_points",
    "hmm",
    "iter_branch",
    "micro_model",
    "periodic",
    "projective",
    "ring_multipliers",
    "run",
    "solve_projective",
    "sweep",
    "sweep_healing",
    "switch_branch",
    "switch_to_cycles",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"eqfree.{name}")
    if name in _HOME:
        return getattr(import_module(f"eqfree.{_HOME[name]}"), name)
    raise AttributeError(f"module 'eqfree' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
