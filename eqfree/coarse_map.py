"""The coarse map as a solver reads it: after healing and a while later, its derivative, and the noise of both.

With M(t) = restrict ∘ evolve_t ∘ lift a steady state of the unknown equation is a macro state U with
M(healing + duration) U = M(healing) U, and its multipliers solve DM(healing + duration) v = μ DM(healing) v: implicit
lifting, Marschler, Sieber, Berkemer, Kawamoto & Starke, SIAM J. Appl. Dyn. Syst. 13 (2014) 1202. What lifting got wrong
is forgotten on both sides, with an error that falls exponentially with the healing. Both readings come from one path,
and so share its noise. Without healing the first reading is what lift made: explicit lifting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, pi, sqrt
from numbers import Integral, Real
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.conserved import Totals
from eqfree.ensemble import Key
from eqfree.fields import Field, OutOfBoundsError, check_bounds, short, split
from eqfree.micro import conserved_of
from eqfree.results import Cost
from eqfree.stepper import CoarseTimeStepper

__all__ = ["Chart", "CoarseMap", "Look", "Products", "Rotation", "Symmetry", "TimeShift", "check_map"]

Array: TypeAlias = NDArray[np.float64]

_ONE_SIDED = 1e-7  # difference step of a deterministic model
_NOISY = (1e-3, 0.1)  # smallest and largest of a noisy one
_RANK = 1e-10  # of the largest singular value


class Symmetry(Protocol):
    """A motion that turns macro states of the model into others with the same future, turned.

    A wave is a state that a while later is itself, turned: `find_fixed_point` then has the time that it takes as an
    unknown. For a cycle the motion is that of time itself.
    """

    def turn(self, macro: Array) -> Array:
        """The state turned by the motion that the wave makes in its period, of the same shape."""
        ...

    def generator(self, macro: Array, stepper: CoarseTimeStepper) -> Array:
        """In which direction a state of the model changes as it is turned, of the same shape."""
        ...

    def drift(self, lifted: Array, healed: Array, stepper: CoarseTimeStepper) -> Array:
        """In which direction the healed reading of a lifted state changes as it is turned, of the same shape."""
        ...


@dataclass(frozen=True)
class Rotation:
    """A ring of equal places along the first axis: a wave that moves on by so many places in its period.

    Parameters
    ----------
    places
        By how many the wave moves, towards smaller indices if positive.

    Raises
    ------
    ValueError
        If that is no whole number, or zero.

    Examples
    --------
    >>> Rotation(places=1).turn(np.array([0.0, 1.0, 0.0, 0.0]))
    array([0., 0., 1., 0.])
    """

    places: int

    def __post_init__(self) -> None:
        if isinstance(self.places, bool) or not isinstance(self.places, Integral) or self.places == 0:
            raise ValueError(f"`places` must be a whole number that is not zero: got {self.places!r}.")

    def turn(self, macro: Array) -> Array:
        """The state as it was before the wave moved."""
        return np.roll(macro, self.places, axis=0)

    def generator(self, macro: Array, stepper: CoarseTimeStepper | None = None) -> Array:
        """The derivative along the ring, of the trigonometric polynomial through the places."""
        places = len(macro)
        waves = 2j * pi * np.fft.rfftfreq(places)
        if places % 2 == 0:
            waves[-1] = 0.0  # the highest is a cosine that is zero between the places
        spectrum = np.fft.rfft(macro, axis=0)
        return np.fft.irfft(waves.reshape(-1, *(1,) * (macro.ndim - 1)) * spectrum, places, axis=0)

    def drift(self, lifted: Array, healed: Array, stepper: CoarseTimeStepper) -> Array:
        """The derivative of the healed state along the ring."""
        return self.generator(healed)


@dataclass(frozen=True)
class TimeShift:
    """The motion of time: a cycle is a state that a period later is itself, and that period is an unknown.

    Parameters
    ----------
    delay
        How much later the model is read for how it moves, in its unit of time: a small part of the period, such as
        1e-4 of it. The error is of second order in it.

    Raises
    ------
    ValueError
        If the delay is not positive.

    Examples
    --------
    >>> import eqfree as ef
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> TimeShift(delay=1e-3).generator(np.array([2.0]), ef.CoarseTimeStepper(decay)).round(4)
    array([-2.])
    """

    delay: float

    def __post_init__(self) -> None:
        if not (isinstance(self.delay, Real) and 0 < self.delay < inf):
            raise ValueError(f"`delay` must be positive: got {self.delay!r}. Take 1e-4 of a period.")

    def turn(self, macro: Array) -> Array:
        """The state itself: it is to be the same again."""
        return macro

    def generator(self, macro: Array, stepper: CoarseTimeStepper) -> Array:
        """How the state changes in time, after healing: a parabola through three readings of a burst."""
        begin, middle, end = stepper.burst(macro, stepper.healing + self.delay * np.arange(3)).mean
        return np.asarray((4 * middle - end - 3 * begin) / (2 * self.delay))

    def drift(self, lifted: Array, healed: Array, stepper: CoarseTimeStepper) -> Array:
        """How the state changes in time when it has healed."""
        return self.generator(lifted, stepper)


@dataclass(frozen=True, eq=False)
class Chart:
    """Coordinates in which a solver works: macro states of the same totals, in units of their scales.

    U = origin + scale (y basis). The length of y is the root mean square of the change, each number in units of its
    scale; nothing that is solved for in y leaves what the model conserves. It is the bordered system
    [[A, Cᵀ], [C, 0]] for the weights C of the totals, solved in the null space of C.

    Parameters
    ----------
    origin : (...)
        The macro state at y = 0.
    scale : (number,)
        Of the numbers of the flattened macro state, times the square root of how many there are.
    basis : (coordinate, number)
        Orthonormal rows.
    """

    origin: Array
    scale: Array
    basis: Array

    @classmethod
    def of(cls, stepper: CoarseTimeStepper, macro: Array) -> Chart:
        """The chart around a macro state, with the totals that the model conserves and the scales of its fields.

        Examples
        --------
        >>> import eqfree as ef
        >>> model = ef.micro_model(
        ...     lambda u, rng: u, lambda u, t, rng: u, lambda u: u, conserved=lambda u: u.sum(keepdims=True)
        ... )
        >>> chart = Chart.of(ef.CoarseTimeStepper(model), np.array([1.0, 3.0]))
        >>> chart.size, float(chart.macro(np.array([0.5])).sum())
        (1, 4.0)
        """
        scale = _scales(stepper.fields, macro) * sqrt(macro.size)
        weights = Totals(macro.shape, conserved_of(stepper.model), macro).weights
        return cls(macro, scale, _null_space(weights * scale))

    @property
    def size(self) -> int:
        """How many coordinates there are."""
        return len(self.basis)

    @property
    def conserved(self) -> int:
        """How many totals keep the macro state from moving freely."""
        return self.origin.size - self.size

    def macro(self, place: Array) -> Array:
        """The macro state at coordinates (coordinate,)."""
        return np.asarray(self.origin + self.change(place).reshape(self.origin.shape))

    def change(self, place: Array) -> Array:
        """Changes (..., number) of flattened macro states that coordinates (..., coordinate) stand for."""
        return np.asarray((place @ self.basis) * self.scale)

    def project(self, change: Array) -> Array:
        """Coordinates (..., coordinate) of changes (..., number) of flattened macro states."""
        return np.asarray((change / self.scale) @ self.basis.T)


@dataclass(frozen=True, eq=False)
class Look:
    """The coarse map at one macro state, replica by replica.

    Attributes
    ----------
    healed, later : (replica, number)
        Flattened macro states after healing, and a duration after that.
    cost
        What they took.
    """

    healed: Array
    later: Array
    cost: Cost


@dataclass(frozen=True, eq=False)
class Products:
    """The derivative of the coarse map along directions, replica by replica.

    Attributes
    ----------
    healed, later : (replica, number, direction)
        Of the reading after healing, and of that a duration later.
    cost
        What they took.
    """

    healed: Array
    later: Array
    cost: Cost


@dataclass(frozen=True, eq=False)
class CoarseMap:
    """A coarse time-stepper read twice: after its healing, and a duration later.

    Parameters
    ----------
    stepper
        With its healing.
    duration
        Between the two readings.
    difference
        Step of differences, in units of the chart: of the scales of the macro state. By default 1e-7 for a
        deterministic model, and for a noisy one the best step for independent noise if third derivatives are of the
        order of one, (9 s²/n)^(1/6) within 0.001 and 0.1.

    Examples
    --------
    >>> import eqfree as ef
    >>> decay = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u * np.exp(-t), lambda u: u, deterministic=True)
    >>> coarse = CoarseMap(ef.CoarseTimeStepper(decay), duration=1.0)
    >>> float(coarse.looks([np.array([1.0])], [()])[0].later[0, 0].round(4))
    0.3679
    """

    stepper: CoarseTimeStepper
    duration: float
    difference: float | None = None

    def __post_init__(self) -> None:
        if self.difference is not None and not (isinstance(self.difference, Real) and 0 < self.difference < inf):
            raise ValueError(f"`difference` must be a positive number: got {self.difference!r}.")

    @property
    def times(self) -> Array:
        """Of the two readings, from lifting on."""
        return np.array([self.stepper.healing, self.stepper.healing + self.duration])

    def looks(self, macros: Sequence[Array], keys: Sequence[Key]) -> list[Look]:
        """The map at several macro states at once."""
        bursts = self.stepper.bursts(macros, self.times, keys, samples=True)
        made = []
        for burst in bursts:
            assert burst.samples is not None  # asked for
            paths = burst.samples.reshape(len(burst.samples), 2, -1)
            made.append(Look(paths[:, 0], paths[:, 1], burst.cost))
        return made

    def differentiate(self, chart: Chart, place: Array, directions: Array, look: Look, key: Key = ()) -> Products:
        """The derivative along directions (direction, coordinate) of the chart, at a place whose look is known.

        Central differences under one key: both sides have the noise of ``look``, and what they differ by has little
        of it as long as paths stay together. A deterministic model takes the forward difference at half the cost, as
        does a direction in which one of the sides is no state that a population has.

        Raises
        ------
        OutOfBoundsError
            If neither side is.
        """
        step = self.step(chart, look)
        ahead, behind = [], []
        for direction in directions:
            plus, minus = (chart.macro(place + sign * step * direction) for sign in (1.0, -1.0))
            both = not self.stepper.deterministic
            ahead.append(plus if self._allows(plus) else None)
            behind.append(minus if (both or ahead[-1] is None) and self._allows(minus) else None)
            if ahead[-1] is None and behind[-1] is None:
                check_bounds(self.stepper.fields, plus)
        macros = [macro for macro in (*ahead, *behind) if macro is not None]
        made = iter(self.looks(macros, [key] * len(macros)))
        right = [look if macro is None else next(made) for macro in ahead]
        left = [look if macro is None else next(made) for macro in behind]
        sides = np.array([(one is not None) + (other is not None) for one, other in zip(ahead, behind, strict=True)])
        return Products(
            healed=_quotient([one.healed for one in right], [one.healed for one in left], step * sides),
            later=_quotient([one.later for one in right], [one.later for one in left], step * sides),
            cost=sum((one.cost for one in (*right, *left) if one is not look), Cost()),
        )

    def _allows(self, macro: Array) -> bool:
        try:
            check_bounds(self.stepper.fields, macro)
        except OutOfBoundsError:
            return False
        return True

    def step(self, chart: Chart, look: Look) -> float:
        """Of differences, in units of the chart: `difference`, or what suits the noise of a look."""
        if self.difference is not None:
            return self.difference
        if self.stepper.deterministic:
            return _ONE_SIDED
        places = chart.project(look.later)
        variance = float(places.var(axis=0, ddof=1).mean()) if len(places) > 1 else 1.0
        return float(np.clip((9 * variance / len(places)) ** (1 / 6), *_NOISY))


def check_map(stepper: CoarseTimeStepper, duration: float, symmetry: Symmetry | None = None) -> None:
    """Refuse what cannot be solved: no duration, too few replicas for their noise, a period in multiples of a step.

    Raises
    ------
    ValueError
        Says which.

    Examples
    --------
    >>> import eqfree as ef
    >>> noise = ef.micro_model(lambda u, rng: u, lambda u, t, rng: u + rng.normal(), lambda u: u)
    >>> check_map(ef.CoarseTimeStepper(noise, replicas=2), duration=1.0)
    Traceback (most recent call last):
    ValueError: A noisy model needs at least 8 `replicas`, so that its noise is known: got 2. ...
    """
    if not isinstance(stepper, CoarseTimeStepper):
        raise ValueError(f"A coarse time-stepper is needed, `CoarseTimeStepper(model, ...)`: got {short(stepper)}.")
    if not (isinstance(duration, Real) and 0 < duration < inf):
        raise ValueError(f"`duration`, between the two readings of a burst, must be positive: got {duration!r}.")
    step = getattr(stepper.model, "time_step", None)
    if symmetry is not None and step is not None:
        raise ValueError(
            "The period of a wave is an unknown, which a model with a `time_step` cannot be simulated for: got "
            f"time_step={step}. Let `evolve` take any duration."
        )
    if not stepper.deterministic and stepper.replicas < _REPLICAS:
        raise ValueError(
            f"A noisy model needs at least {_REPLICAS} `replicas`, so that its noise is known: got "
            f"{stepper.replicas}. Raise `replicas`, or let the model say that it is deterministic."
        )


_REPLICAS = 8


def _scales(fields: Sequence[Field], macro: Array) -> Array:
    """Of every number: its field's, or the largest size of the field's values, 1 where all are zero."""
    parts = split(fields, macro).values() if fields else [macro]
    given = [item.scale for item in fields] if fields else [None]
    scales = [
        np.full(part.size, scale or np.abs(part).max(initial=0.0) or 1.0)
        for part, scale in zip(parts, given, strict=True)
    ]
    return np.concatenate(scales)


def _null_space(weights: Array) -> Array:
    """Orthonormal rows that the weights (total, number) do not see; the numbers themselves where there are none."""
    used = weights[np.abs(weights).max(axis=1, initial=0.0) > 0]
    if not len(used):
        return np.eye(weights.shape[1])
    _, sizes, rows = np.linalg.svd(used / np.abs(used).max(axis=1, keepdims=True))
    return np.asarray(rows[int((sizes > _RANK * sizes[0]).sum()) :])


def _quotient(right: Sequence[Array], left: Sequence[Array], width: Array) -> Array:
    return np.asarray((np.stack(right, axis=-1) - np.stack(left, axis=-1)) / width)
