"""What travels to a worker once, and what it refuses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cloudpickle
import numpy as np
from numpy.typing import NDArray

from eqfree.ensemble.parcel import Parcel, obstacle
from eqfree.fields import short
from eqfree.micro import is_packed

__all__ = ["NotFiniteError", "Program", "check_reading"]

Array = NDArray[np.float64]


class NotFiniteError(FloatingPointError):
    """A NaN or an infinity came out of ``restrict`` or ``observe``."""


@dataclass(frozen=True, eq=False)
class Program:
    """What travels to a worker once: the micro-model, and what a burst observes of it."""

    model: Any
    observe: Callable[[Any, Any, float], Any] | None = None

    @cached_property
    def packed(self) -> tuple[str, bytes]:
        """Content hash and pickle; lambdas and closures included. A ValueError says what cannot be pickled."""
        try:
            blob: bytes = cloudpickle.dumps((self.model, self.observe))
        except Exception as error:
            kind, reason = f"a model {type(self.model).__name__}", obstacle(self.model)
            if reason is None:
                kind, reason = "`observe`", obstacle(self.observe) or str(error)
            raise ValueError(
                f"What runs in other processes must be something that can be pickled: got {kind}, and {reason}. "
                "Make that in `lift`, or run the bursts in this process (executor=None, or threads)."
            ) from error
        return hashlib.sha256(blob).hexdigest(), blob

    def parcel(self, packed: Any) -> Parcel:
        """What goes to another process or comes from it. A ValueError says what cannot be pickled."""
        try:
            return Parcel.of(packed)
        except Exception as error:
            micro = getattr(packed, "packed", packed)
            raise ValueError(
                "A population must be something that can be pickled to travel between processes: got a "
                f"{type(micro).__name__} from the model {type(self.model).__name__}, and {obstacle(micro) or error}. "
                "Give the model `pack` and `unpack`, or run it in this process (executor=None, or threads)."
            ) from error

    def warm(self) -> None:
        """Compile the model's kernels, if it says how."""
        if warm := getattr(self.model, "warm", None):
            warm()

    def restrict(self, micro: Any, shape: tuple[int, ...] | None = None) -> Array:
        """The macro state of a population, checked: of the shape given, and finite."""
        reading = np.array(self.model.restrict(micro), dtype=np.float64, order="C")
        check_reading(reading, shape)
        return reading

    def look(self, before: Any, after: Any, duration: float) -> Array:
        """What the burst observes between two micro states, checked: finite."""
        observed = np.array(self.observe(before, after, duration) if self.observe else [], dtype=np.float64)
        if not np.isfinite(observed).all():
            raise NotFiniteError(f"`observe` must return finite numbers: got {short(observed)}.")
        return observed

    def pack(self, micro: Any) -> Any:
        """The population as named arrays, or as it is if the model does not pack."""
        return self.model.pack(micro) if is_packed(self.model) else micro

    def unpack(self, packed: Any) -> Any:
        """A population of its own that may be evolved in place."""
        if not is_packed(self.model):
            return deepcopy(packed)
        return self.model.unpack({name: np.array(array, order="C") for name, array in packed.items()})


def check_reading(reading: Array, shape: tuple[int, ...] | None) -> None:
    """Refuse what ``restrict`` must not return.

    Raises
    ------
    ValueError
        If the shape is another than the macro state's.
    NotFiniteError
        If a NaN or an infinity is in it.

    Examples
    --------
    >>> check_reading(np.zeros(3), (3,))
    """
    if shape is not None and reading.shape != shape:
        raise ValueError(
            f"`restrict` must return an array of the macro state's shape {shape}: got shape {reading.shape}."
        )
    if not np.isfinite(reading).all():
        raise NotFiniteError(f"`restrict` must return finite numbers: got {short(reading)}.")
