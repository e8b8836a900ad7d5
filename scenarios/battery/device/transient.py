"""A device over time, step by step, with what its power became."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from scenarios.battery.device.state import Balance, State

__all__ = ["Transient"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Transient:
    """What happened at a voltage.

    Attributes
    ----------
    start : (node,)
        Temperature at the beginning (K).
    times : (time,)
        When steps began and ended, from 0 (s).
    states : (time - 1,)
        At the end of each step.
    message
        Why it ended early; empty if it did not.
    """

    start: Array
    times: Array
    states: tuple[State, ...]
    message: str = ""

    @property
    def success(self) -> bool:
        """Whether all steps were made."""
        return not self.message

    @property
    def temperature(self) -> Array:
        """At the end, (node,) in K."""
        return self.states[-1].temperature if self.states else self.start

    @property
    def balance(self) -> Balance:
        """Of the whole time, in means over it (W)."""
        return Balance(*(self._mean(name) for name in Balance.__dataclass_fields__))

    @property
    def charge_error(self) -> float:
        """The largest of all steps."""
        return max((state.charge_error for state in self.states), default=0.0)

    @property
    def energy_error(self) -> float:
        """The largest of all steps."""
        return max((state.balance.error for state in self.states), default=0.0)

    def table(self) -> pd.DataFrame:
        """A row a step: time (s), hottest (K), current (A), power, heat_out, stored (W), energy_error, charge_error."""
        rows = [
            {
                "time": time,
                "hottest": state.hottest,
                "current": state.current,
                "power": state.balance.power,
                "heat_out": state.balance.heat_out,
                "stored": state.balance.stored,
                "energy_error": state.balance.error,
                "charge_error": state.charge_error,
            }
            for time, state in zip(self.times[1:].tolist(), self.states, strict=True)
        ]
        columns = ["time", "hottest", "current", "power", "heat_out", "stored", "energy_error", "charge_error"]
        return pd.DataFrame(rows, columns=columns)

    def _mean(self, name: str) -> float:
        return float(np.mean([getattr(state.balance, name) for state in self.states])) if self.states else 0.0
