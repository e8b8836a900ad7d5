"""A heat sink whose layers turn and thin across it, by two scales and with every layer resolved."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # finite elements take a second to import: only who solves waits
    from scenarios.composite.sink.comparison import Comparison, compare
    from scenarios.composite.sink.geometry import Sink
    from scenarios.composite.sink.heating import Heating, heat_up
    from scenarios.composite.sink.steady import Micro, Steady, homogenised, resolved

_HOME = {
    "Comparison": "comparison",
    "Heating": "heating",
    "Micro": "steady",
    "Sink": "geometry",
    "Steady": "steady",
    "compare": "comparison",
    "heat_up": "heating",
    "homogenised": "steady",
    "resolved": "steady",
}

__all__ = ["Comparison", "Heating", "Micro", "Sink", "Steady", "compare", "heat_up", "homogenised", "resolved"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"scenarios.composite.sink.{_HOME[name]}"), name)
    raise AttributeError(f"module 'scenarios.composite.sink' has no attribute {name!r}")
