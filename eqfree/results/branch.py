"""What a continuation answers: a branch of steady states, their stability, and the events on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, nan
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eqfree.fields import Field, split
from eqfree.results.status import Cost, Status
from eqfree.results.steady import Spectrum, Stability, half_width

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Branch", "BranchEvent", "BranchPoint"]

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BranchPoint:
    """A steady state on a branch.

    Standard errors are those across the branch, at a fixed arclength: they stay finite at a fold.

    Attributes
    ----------
    parameter, parameter_stderr
    macro, stderr : (...)
        The steady state after healing.
    lifted : (...)
        The macro state that was lifted to have it.
    duration, duration_stderr
        Between the readings; of a wave or a cycle, its period, and the standard error of that if it was measured.
    measure, measure_stderr : (measure,)
        What the caller's function reads of the steady state.
    covariance : (measure,)
        Of the measures with the parameter.
    spectrum
        The leading multipliers; None where they were not asked for.
    cost
        What the point took.
    low, high : (measure,)
        Of a cycle: the extremes of the measure over it.
    """

    parameter: float
    parameter_stderr: float
    macro: Array
    stderr: Array
    lifted: Array
    duration: float
    measure: Array
    measure_stderr: Array
    covariance: Array
    spectrum: Spectrum | None
    cost: Cost
    duration_stderr: float = 0.0
    low: Array | None = None
    high: Array | None = None

    @property
    def stability(self) -> Stability:
        """Whether small disturbances die; undecided where no multipliers were asked for."""
        return Stability.UNDECIDED if self.spectrum is None else self.spectrum.stability


@dataclass(frozen=True, eq=False)
class BranchEvent:
    """Where a branch changes its nature.

    Attributes
    ----------
    kind
        ``"fold"``, where the parameter turns back; ``"branch point"``, where another branch crosses; ``"Hopf"``, where
        a pair of multipliers leaves the unit circle and cycles begin, on a branch of cycles ``"torus"``;
        ``"period doubling"``, where a multiplier passes -1.
    parameter, stderr
        Its place, and its standard error from the sets of random numbers; NaN where it could not be confirmed, which
        ``detail`` says.
    degrees
        Of freedom behind the standard error; infinite for a deterministic model.
    estimates : (key set,)
        What each set of random numbers said.
    predicted
        The standard error that the replicas of one set predict; NaN where there is no such prediction.
    macro : (...)
        The steady state there, after healing.
    measure : (measure,)
    after
        Number of the point before it.
    lifted : (...)
        The macro state that was lifted to have it.
    duration
        Between the readings; of a wave, its period.
    direction : (...)
        By how much the macro state changes on the way into the branch that crosses there; complex at a Hopf point,
        where U + Re(direction exp(i ω t)) is the small cycle; zero where no branch crosses.
    detail
        What else there is to say.
    cost
        What it took to locate it.
    origin : (...)
        A macro state of the scales that the branch was measured in; None for those of ``lifted``.
    frequency, frequency_stderr
        Angular, of a Hopf point or torus, and its standard error; NaN elsewhere.
    tangent : (...)
        By how much the macro state changes along the branch itself, over a unit of arclength; None where it was not
        located.
    rise
        By how much the parameter does.
    window
        Half width of the arclength that it was solved for in.
    larger
        How many pairs of multipliers are larger than the one that leaves the unit circle.
    """

    kind: str
    parameter: float
    stderr: float
    degrees: float
    estimates: Array
    predicted: float
    macro: Array
    measure: Array
    after: int
    lifted: Array
    duration: float
    direction: NDArray[Any]
    detail: str = ""
    cost: Cost = field(default_factory=Cost)
    origin: Array | None = None
    frequency: float = nan
    frequency_stderr: float = nan
    tangent: Array | None = None
    rise: float = 0.0
    window: float = nan
    larger: int = 0

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Lower and upper end of an interval that holds the parameter with probability ``level``, by Student's t.

        Raises
        ------
        ValueError
            Unless ``level`` lies between 0 and 1.

        Examples
        --------
        >>> none = np.zeros(0)
        >>> BranchEvent("fold", 2.0, 0.1, 4, none, 0.2, none, none, 7, none, 1.0, none).interval()[0].__round__(3)
        1.722
        """
        half = half_width(self.degrees, level) * self.stderr
        return self.parameter - half, self.parameter + half


@dataclass(frozen=True, eq=False)
class Branch:
    """Steady states over a parameter, in order along the branch.

    Attributes
    ----------
    points
        The steady states.
    events
        Folds and other events, in the same order.
    status
        How it ended; `success` and `message` say it as SciPy does. Of both directions, the worse.
    cost
        Of points, events and all that failed.
    fields
        Names, units and coordinates of the macro state, where the model has them.
    """

    points: Sequence[BranchPoint]
    events: Sequence[BranchEvent]
    status: Status
    cost: Cost
    detail: str = ""
    fields: tuple[Field, ...] = ()

    @property
    def success(self) -> bool:
        """Whether the branch was followed as far as was asked, or to the border of its domain."""
        return self.status.success

    @property
    def message(self) -> str:
        """How it ended, in words."""
        return f"{self.status.value} {self.detail}".strip()

    @property
    def parameter(self) -> Array:
        """Of the points, (point,)."""
        return np.array([point.parameter for point in self.points])

    @property
    def macro(self) -> Array:
        """The steady states, (point, ...)."""
        return np.array([point.macro for point in self.points])

    @property
    def measure(self) -> Array:
        """Of the points, (point, measure)."""
        return np.array([point.measure for point in self.points])

    def folds(self) -> list[BranchEvent]:
        """The folds on the branch."""
        return [event for event in self.events if event.kind == "fold"]

    def hopf_points(self) -> list[BranchEvent]:
        """The Hopf points on the branch."""
        return [event for event in self.events if event.kind == "Hopf"]

    def to_pandas(self, name: str = "branch", measure: int = 0) -> pd.DataFrame:
        """A row a point: what `analysis.draw_branch` draws.

        Columns branch, parameter, parameter_stderr, measure, measure_stderr, covariance, stability; and growing (how
        many disturbances grow), largest (the size of the largest own multiplier), duration.
        """
        import pandas as pd

        spectra = [point.spectrum for point in self.points]
        return pd.DataFrame(
            {
                "branch": name,
                "parameter": self.parameter,
                "parameter_stderr": [point.parameter_stderr for point in self.points],
                "measure": [point.measure[measure] for point in self.points],
                "measure_stderr": [point.measure_stderr[measure] for point in self.points],
                "covariance": [point.covariance[measure] for point in self.points],
                "stability": [point.stability.value for point in self.points],
                "growing": [-1 if one is None else one.growing for one in spectra],
                "largest": [np.nan if one is None else _largest(one) for one in spectra],
                "duration": [point.duration for point in self.points],
            }
        )

    def events_to_pandas(self, name: str = "branch", measure: int = 0, level: float = 0.95) -> pd.DataFrame:
        """A row an event: columns branch, kind, parameter, stderr, low, high, measure, frequency, frequency_stderr."""
        import pandas as pd

        return pd.DataFrame(
            {
                "branch": [name for _ in self.events],
                "kind": [event.kind for event in self.events],
                "parameter": [event.parameter for event in self.events],
                "stderr": [event.stderr for event in self.events],
                "low": [event.interval(level)[0] for event in self.events],
                "high": [event.interval(level)[1] for event in self.events],
                "measure": [event.measure[measure] for event in self.events],
                "frequency": [event.frequency for event in self.events],
                "frequency_stderr": [event.frequency_stderr for event in self.events],
            }
        )

    def cycles_to_pandas(self, name: str = "cycles", measure: int = 0) -> pd.DataFrame:
        """A row a cycle of a branch of cycles: what `analysis.draw_branch` draws of them.

        Columns branch, parameter, low, high (of the measure over the cycle), stability, period, period_stderr.
        """
        import pandas as pd

        told = [point for point in self.points if point.low is not None and point.high is not None]
        return pd.DataFrame(
            {
                "branch": [name for _ in told],
                "parameter": [point.parameter for point in told],
                "low": [point.low[measure] for point in told if point.low is not None],
                "high": [point.high[measure] for point in told if point.high is not None],
                "stability": [point.stability.value for point in told],
                "period": [point.duration for point in told],
                "period_stderr": [point.duration_stderr for point in told],
            }
        )

    def to_xarray(self) -> xr.Dataset:
        """Labelled arrays over the points: the parameter, one variable a field and its ``NAME_stderr``, stability."""
        import xarray as xr

        if not self.points:
            return xr.Dataset({"parameter": ("point", self.parameter)})
        shape = self.points[0].macro.shape
        fields = self.fields or (Field("macro", coordinates={f"macro_{i}": np.arange(n) for i, n in enumerate(shape)}),)
        dataset = xr.Dataset(
            {
                "parameter": ("point", self.parameter),
                "parameter_stderr": ("point", [point.parameter_stderr for point in self.points]),
                "measure": (("point", "measure_0"), self.measure),
                "stability": ("point", [point.stability.value for point in self.points]),
            }
        )
        for item in fields:
            dims = ("point", *item.coordinates)
            for name, suffix in (("macro", ""), ("stderr", "_stderr")):
                rows = np.array([split(fields, getattr(point, name))[item.name] for point in self.points])
                dataset[item.name + suffix] = (dims, rows, {"units": item.unit})
            for name, values in item.coordinates.items():
                units = {"units": item.coordinate_units[name]} if name in item.coordinate_units else {}
                dataset = dataset.assign_coords({name: (name, np.asarray(values), units)})
        return dataset.set_coords("parameter")


def _largest(spectrum: Spectrum) -> float:
    return float(np.abs(spectrum.multipliers[spectrum.own]).max(initial=-inf))
