"""Pictures of results, each drawn from tables into a figure of its own; imported when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.balance import draw_balance
    from analysis.bifurcation import draw_branch
    from analysis.calibration import draw_calibration
    from analysis.concentrations import draw_concentrations, draw_front
    from analysis.conductivity_tensor import draw_graded_bar, draw_tensor
    from analysis.cost import draw_cost
    from analysis.device import draw_energy, draw_hot_plate, draw_warm_bar
    from analysis.diagnosis import draw_diagnosis
    from analysis.fundamental_diagram import draw_fundamental_diagram
    from analysis.growth import draw_growth
    from analysis.healing import draw_healing
    from analysis.heat_sink import draw_sink, draw_sink_heating
    from analysis.ions import draw_arrhenius, draw_correlation, draw_ions, draw_polarisation, draw_screening
    from analysis.microstructure import draw_microstructure
    from analysis.multipliers import draw_multipliers
    from analysis.parameter_plane import draw_parameter_plane
    from analysis.phase_portrait import draw_phase_portrait
    from analysis.prediction import draw_prediction
    from analysis.profiles import draw_profiles
    from analysis.queue import draw_queue
    from analysis.scaling import draw_scaling
    from analysis.shuffles import draw_shuffles
    from analysis.space_time import draw_paths, draw_roads, draw_space_time
    from analysis.spheroid import draw_spheroid_growth, draw_spheroid_section
    from analysis.tissue import draw_closing, draw_filling, film_closing
    from analysis.windows import draw_windows

_HOME = {
    "draw_arrhenius": "ions",
    "draw_balance": "balance",
    "draw_branch": "bifurcation",
    "draw_calibration": "calibration",
    "draw_closing": "tissue",
    "draw_concentrations": "concentrations",
    "draw_correlation": "ions",
    "draw_cost": "cost",
    "draw_diagnosis": "diagnosis",
    "draw_energy": "device",
    "draw_filling": "tissue",
    "draw_front": "concentrations",
    "draw_fundamental_diagram": "fundamental_diagram",
    "draw_graded_bar": "conductivity_tensor",
    "draw_growth": "growth",
    "draw_healing": "healing",
    "draw_hot_plate": "device",
    "draw_ions": "ions",
    "draw_microstructure": "microstructure",
    "draw_multipliers": "multipliers",
    "draw_parameter_plane": "parameter_plane",
    "draw_paths": "space_time",
    "draw_phase_portrait": "phase_portrait",
    "draw_polarisation": "ions",
    "draw_prediction": "prediction",
    "draw_profiles": "profiles",
    "draw_queue": "queue",
    "draw_roads": "space_time",
    "draw_scaling": "scaling",
    "draw_screening": "ions",
    "draw_shuffles": "shuffles",
    "draw_sink": "heat_sink",
    "draw_sink_heating": "heat_sink",
    "draw_space_time": "space_time",
    "draw_spheroid_growth": "spheroid",
    "draw_spheroid_section": "spheroid",
    "draw_tensor": "conductivity_tensor",
    "draw_warm_bar": "device",
    "draw_windows": "windows",
    "film_closing": "tissue",
}

__all__ = [
    "draw_arrhenius",
    "draw_balance",
    "draw_branch",
    "draw_calibration",
    "draw_closing",
    "draw_concentrations",
    "draw_correlation",
    "draw_cost",
    "draw_diagnosis",
    "draw_energy",
    "draw_filling",
    "draw_front",
    "draw_fundamental_diagram",
    "draw_graded_bar",
    "draw_growth",
    "draw_healing",
    "draw_hot_plate",
    "draw_ions",
    "draw_microstructure",
    "draw_multipliers",
    "draw_parameter_plane",
    "draw_paths",
    "draw_phase_portrait",
    "draw_polarisation",
    "draw_prediction",
    "draw_profiles",
    "draw_queue",
    "draw_roads",
    "draw_scaling",
    "draw_screening",
    "draw_shuffles",
    "draw_sink",
    "draw_sink_heating",
    "draw_space_time",
    "draw_spheroid_growth",
    "draw_spheroid_section",
    "draw_tensor",
    "draw_warm_bar",
    "draw_windows",
    "film_closing",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"analysis.{_HOME[name]}"), name)
    raise AttributeError(f"module 'analysis' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
