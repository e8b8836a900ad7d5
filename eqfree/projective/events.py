"""Events on the way: when a function of the macro state becomes zero, and how sure that is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.projective.estimators import Estimate
from eqfree.projective.groups import mean, stderr
from eqfree.projective.state import ProjectiveState
from eqfree.results import Crossing

__all__ = ["Cubic", "Event", "changes", "cross"]

Array: TypeAlias = NDArray[np.float64]
Event: TypeAlias = Callable[[float, Array], Any]

_NEAR = 1e-5  # of a step: how far on either side of a crossing the speed of the event is read


@dataclass(frozen=True, eq=False)
class Cubic:
    """The path of the groups over a step: Hermite's cubic through both ends, with the slopes of bursts from there.

    A burst's slope is that of the path a little later, at its middle m: at the end of the step by m of what the
    slope changes over the step, and so it is taken back. The error of the path is O(step**4 + m step**2).
    """

    begin: float
    duration: float
    values: tuple[Array, Array]
    slopes: tuple[Array, Array]

    @classmethod
    def through(
        cls, before: ProjectiveState, first: Estimate | None, after: ProjectiveState, last: Estimate | None
    ) -> Cubic:
        """The path between two states, with what bursts from them said.

        Without a burst from its end it is the parabola that the other one begins, and without that a line.
        """
        duration = after.time - before.time
        straight = (after.groups - before.groups) / duration
        if first is None:
            slopes = straight, straight
        elif last is None:
            begin = first.slope - first.middle * 2 * (straight - first.slope) / duration
            slopes = begin, 2 * straight - begin
        else:
            change = (last.slope - first.slope) / duration
            slopes = first.slope - first.middle * change, last.slope - last.middle * change
        return cls(before.time, duration, (before.groups, after.groups), slopes)

    def __call__(self, time: float) -> Array:
        """The macro states of the groups, (group, ...)."""
        s = (time - self.begin) / self.duration
        left, right = self.values
        begin, end = (self.duration * slope for slope in self.slopes)
        straight = right - left
        bend = (1 - s) * (begin - straight) + s * (straight - end)
        return np.asarray(left + s * straight + s * (1 - s) * bend)


def changes(events: Sequence[Event], before: ProjectiveState, after: ProjectiveState) -> list[int]:
    """Which events change sign over a step, in the direction that they ask for, if they do.

    As in `scipy.integrate.solve_ivp`, ``event.direction`` above zero asks for a change from below to above, and an
    event that is zero at the very beginning and leaves zero is one of the first step.

    Raises
    ------
    ValueError
        If an event returns anything but a number.
    """
    found = []
    for number, event in enumerate(events):
        left, right = (_value(number, event, state) for state in (before, after))
        wanted = getattr(event, "direction", 0.0)
        if left == 0 and before.number == 0:
            left = -right
        if (left < 0 <= right and wanted >= 0) or (left > 0 >= right and wanted <= 0):
            found.append(number)
    return found


def _value(number: int, event: Event, state: ProjectiveState) -> float:
    value = np.asarray(event(state.time, state.macro))
    if value.shape:
        raise ValueError(
            f"`events` must return one number for a time and a macro state: got shape {value.shape} of event {number}. "
            "Return one of them, or make more events."
        )
    return float(value)


def cross(number: int, event: Event, path: Cubic, state: ProjectiveState) -> Crossing:
    """When an event is zero on a path whose ends have it on two sides.

    The standard error is that of the event's value over its speed (delta method).
    """
    from scipy.optimize import brentq

    def value(time: float) -> float:
        return float(event(time, mean(path(time), state.sizes)))

    end = path.begin + path.duration
    time = float(brentq(value, path.begin, end, xtol=1e-12 * abs(path.duration) + 4 * np.spacing(abs(end))))
    near = _NEAR * path.duration
    speed = (value(time + near) - value(time - near)) / (2 * near)
    doubt = 0.0
    if not state.exact:
        values = np.array([float(event(time, one)) for one in path(time)])
        doubt = float(stderr(values, state.sizes) / abs(speed)) if speed else np.inf
    return Crossing(number, time, doubt, mean(path(time), state.sizes))
