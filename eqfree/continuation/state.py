"""All that a continuation carries from point to point, as named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.results import BranchPoint, Cost, Spectrum

__all__ = ["BranchState"]

Array: TypeAlias = NDArray[np.float64]

_CARRIED, _POINT, _SPECTRUM = "carried.", "point.", "spectrum."


@dataclass(frozen=True, eq=False)
class BranchState:
    """A point of a branch, and all that the next one is made from.

    Attributes
    ----------
    point
        The steady state.
    number
        Of the point, from 0.
    unknowns : (history, unknown)
        The last points, this one at the end, in natural units; see `eqfree.fixed_points.equations.Equations`.
    noise : (history,)
        How far single points may be off, in the same units.
    tangent : (unknown,)
    step
        That is tried next.
    matrix : (row, unknown)
        The derivative of the equations here, empty where none was made.
    origin, template : (...)
        Of the chart, and the macro state that a wave is held at.
    duration, parameter
        Units and origin of period and parameter.
    carried
        The packed population that lifting starts from, empty if there is none.
    since
        Points since it was healed anew.
    counts : (3,)
        How many real multipliers are above 1 and below -1, and how many pairs outside the unit circle, as last known
        for sure; -1 where never.
    candidate
        What seems to lie between the last point and this one: an event's kind, or nothing.
    heading
        1 where the parameter grows, -1 where it falls, as last known for sure.
    folded
        Whether a fold was seen whose multiplier was not seen to pass 1 yet.
    replicas
        0 for those of the stepper.
    spent
        Simulated time up to here, that of failed steps included.
    last
        Whether it lies on the border of the parameter's span, on the way out.
    """

    point: BranchPoint
    number: int
    unknowns: Array
    noise: Array
    tangent: Array
    step: float
    matrix: Array
    origin: Array
    template: Array
    duration: float
    parameter: float
    carried: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    since: int = 0
    counts: NDArray[np.int64] = field(default_factory=lambda: np.full(3, -1))
    candidate: str = ""
    heading: float = 0.0
    folded: bool = False
    replicas: int = 0
    spent: float = 0.0
    last: bool = False

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Named arrays, from which `from_arrays` makes the same state again."""
        arrays = {name: np.asarray(value) for name, value in vars(self).items() if name not in ("point", "carried")}
        arrays |= {_CARRIED + name: array for name, array in self.carried.items()}
        told = vars(self.point).items()
        flat = {name: value for name, value in told if name not in ("spectrum", "cost") and value is not None}
        arrays |= {_POINT + name: np.asarray(value) for name, value in (flat | vars(self.point.cost)).items()}
        if (spectrum := self.point.spectrum) is not None:
            kept = {name: value for name, value in vars(spectrum).items() if name != "cost"}
            arrays |= {_SPECTRUM + name: np.asarray(value) for name, value in kept.items()}
            arrays |= {f"{_SPECTRUM}cost.{name}": np.asarray(value) for name, value in vars(spectrum.cost).items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> BranchState:
        """The state that `to_arrays` was asked of."""
        spectrum = None
        if told := _under(arrays, _SPECTRUM):
            cost = Cost(**{name: told.pop(f"cost.{name}").item() for name in vars(Cost())})
            labels = tuple(str(label) for label in told.pop("labels"))
            spectrum = Spectrum(labels=labels, duration=told.pop("duration").item(), cost=cost, **told)
        point = _numbers(_under(arrays, _POINT))
        cost = Cost(**{name: point.pop(name) for name in vars(Cost())})
        prefixes = (_CARRIED, _POINT, _SPECTRUM)
        own = _numbers({name: array for name, array in arrays.items() if not name.startswith(prefixes)})
        return cls(point=BranchPoint(spectrum=spectrum, cost=cost, **point), carried=_under(arrays, _CARRIED), **own)


_SCALAR_STATES = ("macro", "stderr", "lifted", "origin", "template")  # arrays even where they have no axes


def _numbers(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    return {
        name: array.item() if np.ndim(array) == 0 and name not in _SCALAR_STATES else np.array(array)
        for name, array in arrays.items()
    }


def _under(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): np.array(array) for name, array in arrays.items() if name.startswith(prefix)}
