"""What happens at the ends of a road."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
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
        For an inflow that is negative or not finite, a negative outflow, or a share outside [0, 1].

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
    if not (value >= 0 and (isfinite(value) or name == "outflow")):
        wanted = "not be negative" if name == "outflow" else "be finite and not negative"
        raise ValueError(f"`{name}` must {wanted}: got {value:g}{when}.")
    return float(value)


def _check_share(value: float, when: str = "") -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"The `shares` of those who arrive must lie in [0, 1]: got {value:g}{when}.")
    return float(value)
