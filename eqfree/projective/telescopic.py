"""Telescopic projection: a projective step is the inner step of the next level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.projective.bursts import Bursts
from eqfree.projective.estimators import Estimate
from eqfree.projective.state import ProjectiveState, Step

__all__ = ["Telescopic"]

Array: TypeAlias = NDArray[np.float64]

_ROUND_OFF = 1e-9  # of an inner step


@dataclass(frozen=True)
class Telescopic:
    """Telescopic projective forward Euler, of first order: for fast motion of many rates without a gap between them.

    A level makes ``damping`` inner steps, one more for the chord, and leaps along it over ``leap`` inner steps. The
    inner step of the first level is simulated; that of every other is a step of the level below. With s the factor by
    which an inner step multiplies a mode, the step multiplies it by ``[(leap + 1) s - leap] s**damping``.

    *How to choose.* ``burst``: about the time of the fastest motion. Damping steps and leap: one and up to 2, two and
    up to 3, three and up to 6.6, or four and up to 8.3, the same at every level, keep motion of all rates stable
    however many levels there are; a single level may leap farther, 4.83, 8.44, 12.04 and 15.64. With every level a step
    grows by a factor ``damping + 1 + leap``, and the cost by ``damping + 1``.

    Parameters
    ----------
    burst
        The simulated inner step.
    levels
        ``(damping, leap)`` of each level, from the simulation up.

    Raises
    ------
    ValueError
        For levels without a leap, or a burst that is no positive time.

    References
    ----------
    C. W. Gear and I. G. Kevrekidis, J. Comput. Phys. 187 (2003) 95, doi:10.1016/S0021-9991(03)00082-2.

    Examples
    --------
    >>> Telescopic(burst=0.01, levels=[(1, 2), (2, 3)]).step
    0.24
    """

    burst: float
    levels: Sequence[tuple[int, float]]

    order = 1

    def __post_init__(self) -> None:
        if not (np.isfinite(self.burst) and self.burst > 0):
            raise ValueError(f"`burst` must be a positive time: got {self.burst}.")
        levels = tuple((damping, leap) for damping, leap in self.levels)
        for damping, leap in levels:
            if not (damping == int(damping) and damping >= 0 and np.isfinite(leap) and leap > 0):
                raise ValueError(
                    "A level must be (damping, leap), a whole number of inner steps and a positive one to leap over: "
                    f"got ({damping}, {leap})."
                )
        if not levels:
            raise ValueError(
                "`levels` must be one (damping, leap) or more: got none. Simulate with `stepper.simulate`."
            )
        object.__setattr__(self, "levels", levels)

    @property
    def step(self) -> float:
        """The length of a step of the last level."""
        return self._inner(len(self.levels))

    def look(self, bursts: Bursts, state: ProjectiveState) -> Estimate:
        """The slope at a state: the chord of the last level."""
        level = len(self.levels)
        damping, inner = self.levels[-1][0], self._inner(level - 1)
        before, after = self._chord(bursts, level, state.groups, state.time)
        return Estimate(after, (after - before) / inner, (damping + 1) * inner, (damping + 0.5) * inner)

    def advance(self, bursts: Bursts, state: ProjectiveState, duration: float) -> Step:
        """One step; by steps of lower levels where those of its chord would cover it."""
        if bursts.healing > self.levels[0][0] * self.burst * (1 + _ROUND_OFF):
            raise ValueError(
                "The damping steps of the first level are what heals: got "
                f"{self.levels[0][0]} of {self.burst:g} with healing={bursts.healing:g}. Damp longer, or set healing=0."
            )
        level = len(self.levels)
        if self._covers(level, duration):
            groups = self._march(bursts, level - 1, state.groups, state.time, duration)
            return Step(duration, groups, simulated=level == 1)
        first = self.look(bursts, state)
        return Step(duration, first.end + (duration - first.duration) * first.slope, first)

    def _inner(self, level: int) -> float:
        """The length of a step of a level; of the simulation, level 0, the burst."""
        return float(self.burst * np.prod([damping + 1 + leap for damping, leap in self.levels[:level]]))

    def _covers(self, level: int, duration: float) -> bool:
        return 0 < duration <= (self.levels[level - 1][0] + 1) * self._inner(level - 1)

    def _go(self, bursts: Bursts, level: int, macro: Array, time: float, duration: float) -> Array:
        """By one step of a level."""
        if level == 0:
            return bursts.simulate(macro, time, duration).groups
        if self._covers(level, duration):
            return self._march(bursts, level - 1, macro, time, duration)
        damping, inner = self.levels[level - 1][0], self._inner(level - 1)
        before, after = self._chord(bursts, level, macro, time)
        return after + (duration / inner - damping - 1) * (after - before)

    def _march(self, bursts: Bursts, level: int, macro: Array, time: float, duration: float) -> Array:
        """By as many steps of a level as it takes."""
        step, end = self._inner(level) if level else duration, time + duration
        while end - time > _ROUND_OFF * step:
            length = min(step, end - time)
            macro = self._go(bursts, level, macro, time, length)
            time += length
        return macro

    def _chord(self, bursts: Bursts, level: int, macro: Array, time: float) -> tuple[Array, Array]:
        """The macro states before and after the last inner step of a level."""
        damping, inner = self.levels[level - 1][0], self._inner(level - 1)
        if level == 1:
            times = inner * np.array([damping, damping + 1])
            paths = np.array([burst.mean for burst in bursts.read(macro, time, times)])
            return paths[:, 0], paths[:, 1]
        for number in range(damping):
            macro = self._go(bursts, level - 1, macro, time + number * inner, inner)
        return macro, self._go(bursts, level - 1, macro, time + damping * inner, inner)
