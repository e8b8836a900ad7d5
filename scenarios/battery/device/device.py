"""A solid conductor that its own current heats: what can be asked of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scenarios.battery.device.elements import Body
from scenarios.battery.device.fold import first_fold
from scenarios.battery.device.joule import Joule, Physics
from scenarios.battery.device.linearised import Past, Unknown
from scenarios.battery.device.newton import Solved, climb, conducting, scaled, slope, solve
from scenarios.battery.device.ranges import check_not_negative, check_positive
from scenarios.battery.device.state import BeyondFold, Fold, NotConverged, State
from scenarios.battery.device.transient import Transient
from scenarios.battery.laws import Conductivity

__all__ = ["Device"]

Array: TypeAlias = NDArray[np.float64]

_ATTEMPT = 20  # iterations from cold, which are many, before the branch is climbed step by step
_EQUAL = 1e-9
_OVER, _UNDER = 1.1, 0.98  # room for iterations: over what is allowed, and under where the conductivity ends
_STRAIGHT = 20.0  # rise up to which Newton's method is started at once, K


@dataclass(frozen=True, eq=False, kw_only=True)
class Device(ABC):
    """A conductor between two electrodes at a voltage, heated by its current; all arguments by name.

    div(σ(T) grad φ) = 0 and c dT/dt = div(k grad T) + σ(T) |grad φ|², by quadratic finite elements (scikit-fem), with
    one Newton iteration for both: the Jacobian has dσ/dT, so that it converges quadratically. The heat is that of the
    discrete currents, so that power, heat out and stored heat balance to rounding. In time implicit Euler, of first
    order and L-stable; charge follows at once. What a `Bar` and a `Plate` share is here.

    *How to choose.* ``elements``: the error falls with the fourth power of their number where all is smooth; compare
    with twice as many. ``steps``: the error falls with their number. ``hottest``: what the material bears; a steady
    state or a fold is sought up to there.

    Attributes
    ----------
    conductivity
        σ (S/m) at a temperature (K).
    thermal_conductivity
        k in W/(m K).
    contact
        Heat transfer of the electrodes in W/(m² K); None if they are as cold as the surroundings.
    contact_resistance
        Of each electrode, in Ω m²; its heat is released there.
    surroundings
        Temperature around in K.
    heat_capacity
        c in J/(m³ K).
    hottest
        The highest temperature that is allowed (K); the range of the conductivity may end earlier.
    """

    conductivity: Conductivity
    thermal_conductivity: float
    contact: float | None
    contact_resistance: float = 0.0
    surroundings: float = 300.0
    heat_capacity: float = 2e6
    hottest: float = 1500.0

    def __post_init__(self) -> None:
        check_positive("thermal_conductivity", self.thermal_conductivity, "W/(m K)")
        check_positive("heat_capacity", self.heat_capacity, "J/(m³ K)")
        check_positive("surroundings", self.surroundings, "K")
        check_not_negative("contact", self.contact or 0.0, "W/(m² K)")
        check_not_negative("contact_resistance", self.contact_resistance, "Ω m²")
        low, high = self.conductivity.limits
        if not low < self.surroundings < min(high, self.hottest):
            raise ValueError(
                f"`surroundings` must lie within the range of the conductivity, {low:g} K to {high:g} K, and below "
                f"`hottest`, {self.hottest:g} K: got {self.surroundings:g} K. Widen the range."
            )

    @property
    @abstractmethod
    def body(self) -> Body:
        """Its finite elements."""
        ...

    @property
    @abstractmethod
    def _cooling(self) -> tuple[float | None, float]:
        """Of resolved sides in W/(m² K), None if cold, and of what is not resolved in W/(m³ K)."""
        ...

    @cached_property
    def _joule(self) -> Joule:
        side, bulk = self._cooling
        physics = Physics(
            law=self.conductivity,
            thermal_conductivity=self.thermal_conductivity,
            heat_capacity=self.heat_capacity,
            contact=self.contact,
            contact_resistance=self.contact_resistance,
            surroundings=self.surroundings,
            side_cooling=side,
            bulk_cooling=bulk,
        )
        return Joule(self.body, physics)

    @cached_property
    def _span(self) -> tuple[float, float]:
        """Between which iterations may go (K above the surroundings): somewhat hotter than what they end with."""
        low, high = self.conductivity.limits
        allowed = _OVER * (self.hottest - self.surroundings)
        return low - self.surroundings, min(high - self.surroundings, allowed)

    @cached_property
    def _top(self) -> float:
        """Up to which states are sought (K above the surroundings)."""
        return min(self.hottest - self.surroundings, _UNDER * (self.conductivity.limits[1] - self.surroundings))

    @property
    def _grading(self) -> int:
        """Cold ends make thin layers; elsewhere rounding is worse in short elements."""
        return 3 if self.contact is None else 2

    @property
    def places(self) -> Array:
        """Of the nodes, (node, axis) in m; along x, and across it where x is the same."""
        return self.body.places

    @cached_property
    def free(self) -> NDArray[np.int64]:
        """The nodes whose temperature is not held at that of the surroundings, (free,)."""
        return np.setdiff1d(np.arange(self.body.count), self._joule.cold)

    @property
    def cold(self) -> Array:
        """The temperature of the surroundings at every node, (node,) in K: where a transient begins."""
        return np.full(self.body.count, self.surroundings)

    def steady(self, voltage: float, guess: State | None = None) -> State:
        """The steady state at a voltage (V): from cold the one on the branch that begins there, else one near a guess.

        Raises
        ------
        BeyondFold
            A ValueError: if there is none, in one line that says where the fold is.
        """
        self._check_voltage(voltage)
        self._check_cooled()
        joule = self._joule
        try:
            if guess is not None:
                return self._state(self._allowed(solve(joule, self._unknown(guess, voltage), self._span)))
            start = conducting(joule, np.zeros(joule.body.count), voltage)
            found = self._allowed(solve(joule, start, self._span, most=_ATTEMPT))
            if voltage == 0 or slope(joule, found) * voltage > 0:
                return self._state(found)
        except NotConverged:
            pass
        return self._state(self._climb_to(voltage))

    def steady_at(self, hottest: float, guess: State | None = None) -> State:
        """The steady state whose hottest node has a temperature (K), with the voltage that it takes; also on a fold.

        Raises
        ------
        NotConverged
            A ValueError: if none was found.
        ValueError
            If the temperature is not above the surroundings, or above what is allowed.
        """
        rise, most = hottest - self.surroundings, self._top * (1 + _EQUAL)
        if not 0 < rise <= most:
            raise ValueError(
                f"`hottest` must lie above the surroundings, {self.surroundings:g} K, and not above "
                f"{self.surroundings + self._top:g} K, where the device or its conductivity ends: got {hottest:g} K."
            )
        self._check_cooled()
        joule = self._joule
        if guess is not None or rise <= _STRAIGHT:
            start = scaled(joule, rise) if guess is None else self._unknown(guess, guess.voltage)
            try:
                return self._state(solve(joule, start, self._span, rise))
            except NotConverged:
                pass
        *_, found = climb(joule, self._span, rise)
        return self._state(found)

    def find_fold(self) -> Fold | None:
        """Where the voltage of steady states turns back, coming from cold; None if it rises as far as is allowed."""
        self._check_cooled()
        found = first_fold(self._joule, self._span, self._top)
        return None if found.fold is None else self._fold(found.fold)

    def advance(self, temperature: ArrayLike, voltage: float, duration: float, steps: int = 1) -> Array:
        """Temperatures (node,) in K after a duration (s) at a voltage (V), by implicit Euler steps.

        A pure function, the same for the same arguments: a time-stepper of the device.

        Raises
        ------
        NotConverged
            A ValueError: if a step has no solution at allowed temperatures, as when the heat runs away.
        """
        now, length = self._begin(temperature, voltage, duration, steps)
        for _ in range(steps):
            now = self._step(now, length).unknown
        return self.surroundings + now.excess

    def transient(self, voltage: float, duration: float, steps: int, temperature: ArrayLike | None = None) -> Transient:
        """What happens over a duration (s) at a voltage (V), by implicit Euler steps, from cold or from a temperature.

        A step that has no solution, as when the heat runs away, ends it: what was computed is kept, and the message
        says so.
        """
        start = self.cold if temperature is None else np.asarray(temperature, dtype=np.float64)
        now, length = self._begin(start, voltage, duration, steps)
        states: list[State] = []
        message = ""
        for number in range(steps):
            try:
                solved = self._step(now, length)
            except NotConverged as error:
                message = f"The temperature ran away after {number * length:g} s: {error}"
                break
            now = solved.unknown
            states.append(self._state(solved))
        return Transient(start, np.asarray(length * np.arange(len(states) + 1.0)), tuple(states), message)

    def _step(self, now: Unknown, length: float) -> Solved:
        return self._allowed(solve(self._joule, now, self._span, past=Past(now, length)))

    def _allowed(self, solved: Solved) -> Solved:
        if solved.rise > self._top * (1 + _EQUAL):
            raise NotConverged(f"The device would get hotter than {self.surroundings + self._top:g} K.")
        return solved

    def _begin(self, temperature: ArrayLike, voltage: float, duration: float, steps: int) -> tuple[Unknown, float]:
        self._check_voltage(voltage)
        check_positive("duration", duration, "s")
        if steps < 1:
            raise ValueError(f"`steps` must be one or more: got {steps}.")
        given = np.asarray(temperature, dtype=np.float64)
        if given.shape != (self.body.count,) or not np.isfinite(given).all():
            raise ValueError(
                f"`temperature` must be finite and have a value for each of the {self.body.count} nodes: "
                f"got shape {given.shape}."
            )
        return conducting(self._joule, given - self.surroundings, voltage), duration / steps

    def _climb_to(self, voltage: float) -> Solved:
        """The steady state at a voltage, on the branch that begins cold."""
        size, sign = abs(voltage), 1.0 if voltage > 0 else -1.0
        found = first_fold(self._joule, self._span, self._top, size)
        if found.above is not None:
            low, high = found.below, found.above.unknown
            share = (size - low.voltage) / (high.voltage - low.voltage)
            start = low.plus(high.minus(low), share)
            start = Unknown(start.variation, sign * start.deviation, voltage, start.level)
            return self._allowed(solve(self._joule, start, self._span))
        if found.fold is None:
            raise BeyondFold(
                f"There is no steady state at {size:g} V: the voltage rises to {found.below.voltage:.6g} V at "
                f"{self.surroundings + self._top:g} K, the highest temperature allowed, without a fold. Lower "
                "`voltage`.",
                None,
            )
        fold = self._fold(found.fold)
        raise BeyondFold(
            f"There is no steady state at {size:g} V: the fold is at {fold.voltage:.6g} V, with a maximal temperature "
            f"of {fold.temperature:.6g} K. Lower `voltage`, or cool better.",
            fold,
        )

    def _fold(self, solved: Solved) -> Fold:
        return Fold(solved.unknown.voltage, self._state(solved))

    def _state(self, solved: Solved) -> State:
        return solved.state(self._joule)

    def _unknown(self, guess: State, voltage: float) -> Unknown:
        if guess.temperature.shape != (self.body.count,):
            raise ValueError(f"`guess` must be a state of this device: got {len(guess.temperature)} nodes.")
        deviation = guess.potential - guess.voltage * self._joule.fall
        factor = voltage / guess.voltage if guess.voltage else 0.0
        return Unknown(guess.temperature - self.surroundings, factor * deviation, voltage)

    def _check_voltage(self, voltage: float) -> None:
        if not isfinite(voltage):
            raise ValueError(f"`voltage` must be finite: got {voltage:g} V.")

    def _check_cooled(self) -> None:
        joule = self._joule
        if not len(joule.cold) and not any((self.contact, *self._cooling)):
            raise ValueError("A steady state needs something that cools: got a contact and sides of 0 W/(m² K).")
