"""What oscillations and waves are told in: periodic orbits, travelling waves."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, nan
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.fields import Field
from eqfree.results.status import Cost, Status
from eqfree.results.steady import Spectrum, Stability, half_width

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PeriodicOrbit", "TravellingWave"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PeriodicOrbit:
    """A cycle of the unknown equation, or how far the search for one came.

    Attributes
    ----------
    macro, stderr : (...)
        A state on the cycle, where it crosses the section if there is one, and its standard error.
    lifted : (...)
        The macro state that was lifted to have it.
    period, period_stderr
        Mean time of a return, and its standard error.
    spectrum
        The leading Floquet multipliers; None if none were asked for, or nothing was found. With a section one of them
        is zero, of the way across it; without one the trivial multiplier, of the way along the cycle, is labelled.
    times : (time,)
        Over one period.
    path, path_stderr : (time, ...)
        The macro state over one period: the mean over replicas at equal phases, each by its own period.
    status
        How it ended; `success` and `message` say it as SciPy does.
    replicas
        Behind the standard errors.
    degrees
        Of freedom behind that of the state.
    period_degrees
        Of freedom behind that of the period.
    """

    macro: Array
    stderr: Array
    lifted: Array
    period: float
    period_stderr: float
    spectrum: Spectrum | None
    times: Array
    path: Array
    path_stderr: Array
    status: Status
    replicas: int
    cost: Cost
    degrees: float = inf
    period_degrees: float = inf
    detail: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def success(self) -> bool:
        """Whether a cycle was found."""
        return self.status.success

    @property
    def message(self) -> str:
        """How it ended, in words."""
        return f"{self.status.value} {self.detail}".strip()

    @property
    def frequency(self) -> float:
        """Angular: 2π over the period."""
        return 2 * np.pi / self.period if self.period else nan

    @property
    def stability(self) -> Stability:
        """Whether disturbances of the cycle die; undecided where no multipliers were asked for."""
        return Stability.UNDECIDED if self.spectrum is None else self.spectrum.stability

    def period_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Lower and upper end of an interval that holds the period with probability ``level``, by Student's t.

        Raises
        ------
        ValueError
            Unless ``level`` lies between 0 and 1.

        Examples
        --------
        >>> one = np.array([1.0])
        >>> told = one, one, one, 2.0, 0.1, None, one, one, one, Status.CYCLE, 8, Cost()
        >>> PeriodicOrbit(*told, period_degrees=4).period_interval()[0].__round__(3)
        1.722
        """
        half = half_width(self.period_degrees, level) * self.period_stderr
        return self.period - half, self.period + half

    def to_pandas(self, name: str = "cycle") -> pd.DataFrame:
        """A row a time: columns name, time, and a column and its ``_stderr`` for every number of the macro state.

        Fields of one number have their own name; of others the number is added.
        """
        import pandas as pd

        names = _column_names(self.fields, self.macro)
        table = pd.DataFrame({"name": name, "time": self.times})
        path, stderr = self.path.reshape(len(self.times), -1), self.path_stderr.reshape(len(self.times), -1)
        for number, column in enumerate(names):
            table[column], table[f"{column}_stderr"] = path[:, number], stderr[:, number]
        return table


@dataclass(frozen=True, eq=False)
class TravellingWave:
    """A profile that moves along a ring without changing, or how far the search for one came.

    Attributes
    ----------
    macro, stderr : (place, ...)
        The profile, held where its template is, and its standard error.
    speed, speed_stderr
        Towards larger places, per the model's unit of time, in units of the ring's length.
    status
        How it ended; `success` and `message` say it as SciPy does.
    duration
        Between the readings.
    replicas
        Behind the standard errors.
    degrees
        Of freedom behind them.
    """

    macro: Array
    stderr: Array
    speed: float
    speed_stderr: float
    status: Status
    duration: float
    replicas: int
    cost: Cost
    spectrum: Spectrum | None = None
    degrees: float = inf
    detail: str = ""
    fields: tuple[Field, ...] = field(default_factory=tuple)

    @property
    def success(self) -> bool:
        """Whether a wave was found."""
        return self.status.success

    @property
    def message(self) -> str:
        """How it ended, in words."""
        return f"{self.status.value} {self.detail}".strip()

    @property
    def stability(self) -> Stability:
        """Whether disturbances of the wave die; undecided where no multipliers were asked for."""
        return Stability.UNDECIDED if self.spectrum is None else self.spectrum.stability


def _column_names(fields: tuple[Field, ...], macro: Array) -> list[str]:
    """Of every number of a macro state."""
    names = [item.name for item in fields]
    if len(names) == macro.size:
        return names
    return [f"u{number}" for number in range(macro.size)]
