"""What happens at the ends of a road."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from numbers import Real
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Open", "Ring"]

Given: TypeAlias = float | Callable[[float], float]


@dataclass(frozen=True)
class Ring:
    """The end is the beginning.

    >>> Ring()
    Ring()
    """


@dataclass(frozen=True)
class Open:
    """Arrivals at the beginning, where those who find no room wait in a queue outside; a way out at the end.

    *How to choose.* A function of time is read where steps begin, and where the stages of Runge-Kutta do: arrivals are
    counted by that quadrature, in which a pulse shorter than a step counts too much or not at all. Solve with a
    ``step`` of a tenth of the shortest pulse, or give an inflow that is averaged over the steps.

    Parameters
    ----------
    inflow
        Arrivals per time, a number or a function of time.
    outflow
        The most that can leave per time, a number or a function of time; infinite where the way is free.
    shares
        Of those who arrive, a number or a function of time for each advected share.

    Raises
    ------
    ValueError
        For an inflow that is negative or not finite, a negative outflow, a share outside [0, 1], or what is no number
        and no function.

    Examples
    --------
    >>> Open(inflow=lambda time: 0.5 if time < 600 else 0.0).arriving(700.0)
    0.0
    """

    inflow: Given = 0.0
    outflow: Given = inf
    shares: Sequence[Given] = ()

    def __post_init__(self) -> None:
        for name, value in (("inflow", self.inflow), ("outflow", self.outflow)):
            if not callable(value):
                _check_flow(name, value)
        if not isinstance(self.shares, Sequence | np.ndarray) or isinstance(self.shares, str):
            raise ValueError(f"`shares` must be a list, of a number or a function each: got {self.shares!r}.")
        for share in self.shares:
            if not callable(share):
                _check_share(share)

    def arriving(self, time: float) -> float:
        """The inflow at a time."""
        return _check_flow("inflow", self.inflow(time), f" at time {time:g}") if callable(self.inflow) else self.inflow

    def leaving(self, time: float) -> float:
        """The largest outflow at a time."""
        if callable(self.outflow):
            return _check_flow("outflow", self.outflow(time), f" at time {time:g}")
        return self.outflow

    def arriving_shares(self, time: float) -> NDArray[np.float64]:
        """The shares of those who arrive at a time, (share,)."""
        return np.array(
            [_check_share(share(time), f" at time {time:g}") if callable(share) else share for share in self.shares]
        )


def _check_flow(name: str, value: float, when: str = "") -> float:
    if not isinstance(value, Real):
        raise ValueError(f"`{name}` must be a number or a function of time: got {value!r}{when}.")
    if not (value >= 0 and (isfinite(value) or name == "outflow")):
        wanted = "not be negative" if name == "outflow" else "be finite and not negative"
        raise ValueError(f"`{name}` must {wanted}: got {value:g}{when}.")
    return float(value)


def _check_share(value: float, when: str = "") -> float:
    if not isinstance(value, Real):
        raise ValueError(f"`shares` must be a list, of a number or a function each: got {value!r}{when}.")
    if not 0 <= value <= 1:
        raise ValueError(f"The `shares` of those who arrive must lie in [0, 1]: got {value:g}{when}.")
    return float(value)
