"""Microstructures of two phases, each of which meshes its own period."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios.composite.microstructures.checkerboard import Checkerboard
    from scenarios.composite.microstructures.cylinders import Cylinders
    from scenarios.composite.microstructures.ellipses import Ellipses
    from scenarios.composite.microstructures.image import Image
    from scenarios.composite.microstructures.laminate import Laminate
    from scenarios.composite.microstructures.protocol import Microstructure
    from scenarios.composite.microstructures.random_disks import RandomDisks

__all__ = ["Checkerboard", "Cylinders", "Ellipses", "Image", "Laminate", "Microstructure", "RandomDisks"]

_FILES = {
    "Checkerboard": "checkerboard",
    "Cylinders": "cylinders",
    "Ellipses": "ellipses",
    "Image": "image",
    "Laminate": "laminate",
    "Microstructure": "protocol",
    "RandomDisks": "random_disks",
}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
