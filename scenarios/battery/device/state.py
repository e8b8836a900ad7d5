"""What a device is found in: temperatures, potentials, currents, and where its power goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Balance", "BeyondFold", "Fold", "NotConverged", "State"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Balance:
    """Where the electrical power goes (W).

    Attributes
    ----------
    power
        Potentials of the electrodes times their currents.
    to_electrodes, from_sides, from_faces
        Heat that leaves through the electrodes, through sides that the elements resolve, and through those that they do
        not: the faces of a plate, all sides of a bar.
    stored
        Heat that the body keeps, per time.
    at_contacts
        The part of the power that becomes heat in the contacts' resistance; it is in the terms above, too.

    Examples
    --------
    >>> balance = Balance(power=2.0, to_electrodes=1.0, from_sides=0.25, from_faces=0.0, stored=0.75)
    >>> balance.heat_out, balance.error
    (1.25, 0.0)
    """

    power: float
    to_electrodes: float
    from_sides: float
    from_faces: float
    stored: float
    at_contacts: float = 0.0

    @property
    def heat_out(self) -> float:
        """All heat that leaves (W)."""
        return self.to_electrodes + self.from_sides + self.from_faces

    @property
    def error(self) -> float:
        """What is missing, over the largest of power, heat out and stored heat; 0 where nothing flows."""
        largest = max(abs(self.power), abs(self.heat_out), abs(self.stored))
        return abs(self.power - self.heat_out - self.stored) / largest if largest > 0 else 0.0


@dataclass(frozen=True, eq=False)
class State:
    """A device under a voltage.

    Attributes
    ----------
    temperature : (node,)
        In K.
    potential : (node,)
        In V, measured from halfway between the electrodes, of which the first is positive.
    voltage
        Between the electrodes (V).
    currents : (2,)
        Into the device at the first and at the last electrode (A).
    faces : (face, 2)
        Currents towards the last electrode through the faces between columns of elements, the electrodes included, as
        the elements before and those behind have them (A). For a bar a column is an element.
    balance
        Where the power goes.
    corrections : (iteration,)
        Largest change of temperature in each iteration of Newton's method (K).

    Examples
    --------
    >>> faces = np.array([[1.0, 1.0], [1.0, 1.0 - 1e-12], [1.0, 1.0]])
    >>> state = State(np.array([300.0]), np.array([0.0]), 2.0, np.array([1.0, -1.0]), faces, Balance(2.0, 2.0, 0, 0, 0))
    >>> state.current, state.hottest, round(state.charge_error, 15)
    (1.0, 300.0, 1e-12)
    """

    temperature: Array
    potential: Array
    voltage: float
    currents: Array
    faces: Array
    balance: Balance
    corrections: tuple[float, ...] = field(default=(), repr=False)

    @property
    def hottest(self) -> float:
        """The highest temperature of a node (K)."""
        return float(self.temperature.max())

    @property
    def current(self) -> float:
        """From the first electrode to the last (A)."""
        return float(self.currents[0] - self.currents[1]) / 2

    @property
    def charge_error(self) -> float:
        """By how much electrodes and faces miss a sum of 0, over the largest current; 0 where none flows."""
        largest = float(np.abs(self.currents).max())
        missed = max(abs(float(self.currents.sum())), float(np.abs(np.diff(self.faces, axis=1)).max()))
        return missed / largest if largest > 0 else 0.0


@dataclass(frozen=True, eq=False)
class Fold:
    """The highest voltage that a device bears in a steady state.

    Attributes
    ----------
    voltage
        In V.
    state
        The steady state there.
    """

    voltage: float
    state: State

    @property
    def temperature(self) -> float:
        """The maximal temperature there (K)."""
        return self.state.hottest


class NotConverged(ValueError):
    """Newton's method found no state, or was led out of the temperatures that are allowed."""


class BeyondFold(NotConverged):
    """There is no steady state at a voltage, up to the temperatures that are allowed.

    Parameters
    ----------
    message
        One line for the user.
    fold
        Where it is; None if the voltage rises all the way.
    """

    def __init__(self, message: str, fold: Fold | None) -> None:
        super().__init__(message)
        self.fold = fold
