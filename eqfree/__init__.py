"""Equation-free computation and heterogeneous multiscale methods for agent-based models.

The public names, each imported when it is first used, so that ``import eqfree`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eqfree import continuation, fixed_points, hmm, projective
    from eqfree.calibration import Calibration, calibrate
    from eqfree.coarse_map import Rotation
    from eqfree.continuation import (
        continue_branch,
        find_hopf_point,
        iter_branch,
        sweep,
        switch_branch,
    )
    from eqfree.diagnosis import Diagnosis, diagnose
    from eqfree.fields import Field
    from eqfree.fixed_points import HealingSweep, find_fixed_point, sweep_healing
    from eqfree.micro import MicroModel, micro_model
    from eqfree.projective import solve_projective
    from eqfree.results import (
        Branch,
        BranchEvent,
        BranchPoint,
        Check,
        Cost,
        Crossing,
        FixedPoint,
        Relation,
        Spectrum,
        Stability,
        Status,
        Study,
        Trajectory,
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
    "Field": "fields",
    "FixedPoint": "results",
    "HealingSweep": "fixed_points",
    "MicroModel": "micro",
    "Relation": "results",
    "Rotation": "coarse_map",
    "Scenario": "scenario",
    "ScenarioSettings": "scenario",
    "Spectrum": "results",
    "Stability": "results",
    "Status": "results",
    "Study": "results",
    "Trajectory": "results",
    "Value": "results",
    "calibrate": "calibration",
    "coarse_multipliers": "stability",
    "continue_branch": "continuation",
    "diagnose": "diagnosis",
    "find_fixed_point": "fixed_points",
    "find_hopf_point": "continuation",
    "iter_branch": "continuation",
    "micro_model": "micro",
    "ring_multipliers": "stability",
    "run": "scenario",
    "solve_projective": "projective",
    "sweep": "continuation",
    "sweep_healing": "fixed_points",
    "switch_branch": "continuation",
}
_PACKAGES = ("continuation", "fixed_points", "hmm", "projective")

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
    "Field",
    "FixedPoint",
    "HealingSweep",
    "MicroModel",
    "Relation",
    "Rotation",
    "Scenario",
    "ScenarioSettings",
    "Spectrum",
    "Stability",
    "Status",
    "Study",
    "Trajectory",
    "Value",
    "calibrate",
    "coarse_multipliers",
    "continuation",
    "continue_branch",
    "diagnose",
    "find_fixed_point",
    "find_hopf_point",
    "fixed_points",
    "hmm",
    "iter_branch",
    "micro_model",
    "projective",
    "ring_multipliers",
    "run",
    "solve_projective",
    "sweep",
    "sweep_healing",
    "switch_branch",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"eqfree.{name}")
    if name in _HOME:
        return getattr(import_module(f"eqfree.{_HOME[name]}"), name)
    raise AttributeError(f"module 'eqfree' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
