"""Simulators that are there already, as micro-models: Mesa's, SUMO, and any program.

Each is imported when it is first used, so that nobody pays for a simulator that is not theirs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eqfree.adapters.mesa import MesaMicroModel
    from eqfree.adapters.program import SubprocessMicroModel
    from eqfree.adapters.sumo import SumoMicroModel

_HOME = {"MesaMicroModel": "mesa", "SubprocessMicroModel": "program", "SumoMicroModel": "sumo"}

__all__ = ["MesaMicroModel", "SubprocessMicroModel", "SumoMicroModel"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"eqfree.adapters.{_HOME[name]}"), name)
    raise AttributeError(f"module 'eqfree.adapters' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
