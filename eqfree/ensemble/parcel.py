"""What travels between processes, pickled before it goes so that what cannot be pickled is told of in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cloudpickle

__all__ = ["Parcel", "obstacle"]


@dataclass(frozen=True)
class Parcel:
    """Anything in bytes; classes of a script or a notebook included.

    >>> Parcel.of({"x": 1}).open()
    {'x': 1}
    """

    blob: bytes

    @classmethod
    def of(cls, thing: Any) -> Parcel:
        """Close it; raises whatever pickle raises."""
        return cls(cloudpickle.dumps(thing))

    def open(self) -> Any:
        """What is in it."""
        return cloudpickle.loads(self.blob)


def obstacle(thing: Any) -> str | None:
    """Why it cannot be pickled, with the part of it that is to blame; None where it can be.

    >>> from threading import Lock
    >>> obstacle({"lock": Lock()})
    "cannot pickle '_thread.lock' object (its `lock`)"
    """
    reason = _refusal(thing)
    if reason is None:
        return None
    parts = thing if isinstance(thing, Mapping) else getattr(thing, "__dict__", {})
    guilty = next((name for name, part in parts.items() if _refusal(part) is not None), None)
    return reason if guilty is None else f"{reason} (its `{guilty}`)"


def _refusal(thing: Any) -> str | None:
    try:
        cloudpickle.dumps(thing)
    except Exception as error:
        return str(error) or type(error).__name__
    return None
