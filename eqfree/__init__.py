"""Equation-free computation and heterogeneous multiscale methods for agent-based models.

The public names, each imported when it is first used, so that ``import eqfree`` stays light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eqfree import hmm, projective
    from eqfree.calibration import Calibration, calibrate
    from eqfree.fields import Field
    from eqfree.micro import MicroModel, micro_model
    from eqfree.projective import solve_projective
    from eqfree.results import Check, Cost, Crossing, Relation, Status, Study, Trajectory, Value
    from eqfree.scenario import Context, Scenario, ScenarioSettings, run
    from eqfree.stepper import CoarseTimeStepper

_HOME = {
    "Calibration": "calibration",
    "Check": "results",
    "CoarseTimeStepper": "stepper",
    "Context": "scenario",
    "Cost": "results",
    "Crossing": "results",
    "Field": "fields",
    "MicroModel": "micro",
    "Relation": "results",
    "Scenario": "scenario",
    "ScenarioSettings": "scenario",
    "Status": "results",
    "Study": "results",
    "Trajectory": "results",
    "Value": "results",
    "calibrate": "calibration",
    "micro_model": "micro",
    "run": "scenario",
    "solve_projective": "projective",
}
_PACKAGES = ("hmm", "projective")

__all__ = [
    "Calibration",
    "Check",
    "CoarseTimeStepper",
    "Context",
    "Cost",
    "Crossing",
    "Field",
    "MicroModel",
    "Relation",
    "Scenario",
    "ScenarioSettings",
    "Status",
    "Study",
    "Trajectory",
    "Value",
    "calibrate",
    "hmm",
    "micro_model",
    "projective",
    "run",
    "solve_projective",
]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"eqfree.{name}")
    if name in _HOME:
        return getattr(import_module(f"eqfree.{_HOME[name]}"), name)
    raise AttributeError(f"module 'eqfree' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
