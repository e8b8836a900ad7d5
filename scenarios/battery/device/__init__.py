"""Heat and charge in a solid conductor between two electrodes."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.battery.device.bodies import Bar, Plate
    from scenarios.battery.device.device import Device
    from scenarios.battery.device.state import Balance, BeyondFold, Fold, NotConverged, State
    from scenarios.battery.device.transient import Transient

_HOME = {
    "Balance": "state",
    "Bar": "bodies",
    "BeyondFold": "state",
    "Device": "device",
    "Fold": "state",
    "NotConverged": "state",
    "Plate": "bodies",
    "State": "state",
    "Transient": "transient",
}

__all__ = ["Balance", "Bar", "BeyondFold", "Device", "Fold", "NotConverged", "Plate", "State", "Transient"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"scenarios.battery.device.{_HOME[name]}"), name)
    raise AttributeError(f"module 'scenarios.battery.device' has no attribute {name!r}")
