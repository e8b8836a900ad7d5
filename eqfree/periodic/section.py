"""Poincaré sections of noisy oscillations: a population is followed from one crossing to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, inf, isfinite
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from eqfree.fields import OutOfBoundsError, short
from eqfree.micro import MicroModel, check_duration, count_updates, is_deterministic
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Orbiting", "Returning", "Section"]

Array: TypeAlias = NDArray[np.float64]

_SAMPLES = 10_000  # within which a population comes back
_PARTS = 8  # of a period that a model traces at once
_CUBIC = np.array([-1.0, 0.0, 1.0, 2.0])  # places of the readings that a crossing between the middle two is read from


@dataclass(frozen=True)
class Section:
    """A Poincaré section with hysteresis: a cycle begins where a reading of the macro state first passes a level.

    It must have been beyond ``rearm``, on the other side, since the last crossing: noise that crosses the level to and
    fro makes no cycles. The population is looked at every ``sampling``; where it crosses is interpolated, by a line
    where there is noise and by a cubic where there is none. Each replica is read at its own crossing, since phases
    diffuse: a mean at a fixed time would shrink the cycle.

    *How to choose.* ``level``: where the reading is steep, between its extremes over a cycle. ``rearm``: so far below
    (or above, for crossings downwards) that noise does not reach from there to the level. ``sampling``: short beside
    the time in which the reading passes the level; the period is off by about sampling²/8 times curvature over slope.

    Parameters
    ----------
    reading
        ``reading(macro) -> float``.
    level
        That is crossed: upwards if ``rearm`` is below it, else downwards.
    rearm
        That must be passed the other way in between.
    sampling
        Time between two looks at the population, in the model's unit; a multiple of its ``time_step``.
    longest
        Time within which a population must come back; by default 10 000 samplings. A state that does not is told to a
        solver as one that no population has.

    Raises
    ------
    ValueError
        If the levels are equal or not finite, or a time is not positive.

    Examples
    --------
    >>> import eqfree as ef
    >>> turn = ef.micro_model(
    ...     lambda u, rng: u[0] + 1j * u[1], lambda z, t, rng: z * np.exp(1j * t),
    ...     lambda z: np.array([z.real, z.imag]), deterministic=True,
    ... )
    >>> section = Section(lambda macro: macro[0], level=0.5, rearm=-0.5, sampling=0.1)
    >>> section.of(ef.CoarseTimeStepper(turn))([0.6, -0.8], duration=1.0).round(4)
    array([ 0.5  , -0.866])
    """

    reading: Callable[[Array], float]
    level: float
    rearm: float
    sampling: float
    longest: float | None = None

    def __post_init__(self) -> None:
        if not callable(self.reading):
            raise ValueError(f"`reading` must be a function of the macro state: got {short(self.reading)}.")
        if not (isfinite(self.level) and isfinite(self.rearm) and self.level != self.rearm):
            raise ValueError(
                f"`rearm` must lie below `level` for crossings upwards, above it for crossings downwards: got level="
                f"{self.level}, rearm={self.rearm}."
            )
        for name in ("sampling", "longest"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, Real) and 0 < float(value) < inf):
                raise ValueError(f"`{name}` must be a positive time: got {value!r}.")
        if self.longest is not None and self.longest <= self.sampling:
            raise ValueError(
                f"`longest` must exceed `sampling`: got longest={self.longest:g} with sampling={self.sampling:g}."
            )

    def of(self, stepper: CoarseTimeStepper, period: float = 1.0, healing: int = 0) -> CoarseTimeStepper:
        """The return map as a coarse time-stepper: its durations count returns, its macro states lie on the section.

        A fixed point of it is a cycle, its multipliers are those of Floquet, and a branch of fixed points is one of
        cycles: give `PseudoArclength(duration=1.0, cycles=True)`. Of the multipliers one is zero, of the way across the
        section; the trivial one, of the way along the cycle, is not there.

        Parameters
        ----------
        stepper
            Of the oscillating model.
        period
            About how long a return takes, for the costs.
        healing
            Returns that are thrown away of every burst.

        Raises
        ------
        ValueError
            If the sampling is no multiple of the model's ``time_step``.
        """
        check_duration(stepper.model, self.sampling)
        return replace(stepper, model=Returning(stepper.model, self, period), healing=float(healing))

    @property
    def patience(self) -> float:
        """Time within which a population must come back."""
        return _SAMPLES * self.sampling if self.longest is None else self.longest

    def above(self, macro: Array) -> float:
        """By how much a state is beyond the section, in the direction of crossings."""
        return (float(self.reading(macro)) - self.level) * (1.0 if self.level > self.rearm else -1.0)

    @property
    def depth(self) -> float:
        """How far on the other side it must have been."""
        return abs(self.level - self.rearm)


@dataclass(frozen=True, eq=False)
class Orbiting:
    """A population on its way round a cycle.

    Attributes
    ----------
    micro
        The population, beyond the section.
    time
        Since it was lifted.
    ahead : (reading, ...)
        Macro states that were read since the crossing, a sampling apart, the last one now.
    crossing
        When it crossed the section last; when it was lifted, before that.
    macro : (...)
        How it crossed.
    """

    micro: Any
    time: float
    ahead: list[Array]
    crossing: float
    macro: Array


class Returning:
    """A micro-model that evolves from crossing to crossing of a section: its durations count returns.

    Parameters
    ----------
    model
        The oscillating one.
    section
        Where it is read.
    period
        About how long a return takes, for the costs.
    """

    burst_batch = pack = unpack = relift = at = None
    time_step = 1.0

    def __init__(self, model: MicroModel, section: Section, period: float) -> None:
        self.model, self.section, self.period = model, section, period
        self.deterministic = is_deterministic(model)

    def __getattr__(self, name: str) -> Any:
        if name in ("model", "section", "period"):  # not there yet: while it is unpickled
            raise AttributeError(name)
        return getattr(self.model, name)

    def lift(self, macro: Array, rng: Generator) -> Orbiting:
        """A population that begins a cycle."""
        micro = self.model.lift(macro, rng)
        begun = self._read(micro)
        return Orbiting(micro, 0.0, [begun], 0.0, begun)

    def evolve(self, micro: Orbiting, duration: float, rng: Generator) -> Orbiting:
        """The population after so many returns.

        Raises
        ------
        OutOfBoundsError
            If it does not come back.
        """
        for _ in range(round(duration)):
            micro = self._return(micro, rng)
        return micro

    def restrict(self, micro: Orbiting) -> Array:
        """The macro state at the last crossing."""
        return micro.macro

    def agent_updates(self, macro: Array, duration: float) -> float:
        """Those of the model over the time that the returns take."""
        return count_updates(self.model, macro, duration * self.period)

    def _return(self, begun: Orbiting, rng: Generator) -> Orbiting:
        section, micro, time, armed = self.section, begun.micro, begun.time, False
        readings = list(begun.ahead)
        first = time - (len(readings) - 1) * section.sampling
        heights = [section.above(one) for one in readings]
        late = int(self.deterministic)  # a cubic needs one more reading
        number = 1
        while number * section.sampling < section.patience:
            if number + late >= len(readings):
                micro, more = self._go_on(micro, rng)
                time += len(more) * section.sampling
                readings += more
                heights += [section.above(one) for one in more]
                continue
            if armed and heights[number - 1] < 0 <= heights[number]:
                share, macro = self._crossing(readings, heights, number)
                crossing = first + (number - 1 + share) * section.sampling
                return Orbiting(micro, time, readings[number:], crossing, macro)
            armed = armed or heights[number] <= -section.depth
            number += 1
        raise OutOfBoundsError(
            f"The population must come back to the section: got none within {section.patience:g}, of which it was "
            f"{'' if armed else 'never '}beyond `rearm`. Start nearer to the cycle, move `level`, or raise `longest`."
        )

    def _go_on(self, micro: Any, rng: Generator) -> tuple[Any, list[Array]]:
        """The population a sampling later, or as many as the model can trace at once, and what was read."""
        trace = getattr(self.model, "trace", None)
        if trace is None:
            micro = self.model.evolve(micro, self.section.sampling, rng)
            return micro, [self._read(micro)]
        many = max(1, ceil(self.period / self.section.sampling / _PARTS))
        micro, readings = trace(micro, self.section.sampling * np.arange(1, many + 1), rng)
        return micro, list(readings)

    def _read(self, micro: Any) -> Array:
        return np.array(self.model.restrict(micro), dtype=np.float64)

    def _crossing(self, readings: list[Array], heights: list[float], number: int) -> tuple[float, Array]:
        """At which share of the way to a reading it crossed, and how."""
        if not self.deterministic:
            share = -heights[number - 1] / (heights[number] - heights[number - 1])
            return share, (1 - share) * readings[number - 1] + share * readings[number]
        near = slice(number - 2, number + 2)
        share = _root(np.array(heights[near]))
        return share, np.asarray(np.tensordot(_weights(share), np.array(readings[near]), axes=1))


def _weights(share: float) -> Array:
    """Lagrange's, of four readings, at a share of the way between the middle two."""
    apart = _CUBIC[:, None] - _CUBIC[None, :] + np.eye(4)
    way = share - _CUBIC[None, :] + np.zeros((4, 1))
    np.fill_diagonal(way, 1.0)
    return np.asarray((way / apart).prod(axis=1))


def _root(heights: Array) -> float:
    """Where the cubic through four heights is zero, between the middle two, of which it crosses."""
    from scipy.optimize import brentq

    if heights[2] == 0:
        return 1.0
    return float(brentq(lambda share: float(_weights(share) @ heights), 0.0, 1.0, xtol=1e-15))
