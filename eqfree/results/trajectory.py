"""What an integration answers: a macro state over time, and the events on the way."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eqfree.fields import Field, split
from eqfree.results.status import Cost, Status
from eqfree.results.steady import half_width

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Crossing", "Trajectory"]


@dataclass(frozen=True, eq=False)
class Crossing:
    """An event on the way: when and in which state a function of the macro state became zero.

    Attributes
    ----------
    event
        Which of the functions, counted from 0.
    time, stderr
        When, and its standard error.
    macro
        The macro state then.
    """

    event: int
    time: float
    stderr: float
    macro: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A macro state over time, with its standard error.

    Attributes
    ----------
    times : (time,)
    macro, stderr : (time, ...)
        Mean over replicas and its standard error.
    status
        How it ended; `success` and `message` say it as SciPy does.
    cost
        Bursts, micro time, agent updates and wall seconds spent.
    fields
        Names, units and coordinates of the macro state, where the model has them.
    degrees
        Of freedom behind the standard errors; infinite where there is no doubt about them.
    truncation : (time, ...)
        What a method that controls its truncation error estimates it to be, added up over the steps; else None. What
        the flow makes of it on the way is not in it.
    crossings
        The events on the way, in order.
    records
        What the caller's function recorded, a row a time; else None.
    restored, moved
        How many projected states no population has and were moved to the nearest that one has, and the longest of
        these ways: the largest change of a number, as a share of the largest number of its field.
    simulated
        Steps that were simulated plainly, because their bursts would have covered them.
    """

    times: NDArray[np.float64]
    macro: NDArray[np.float64]
    stderr: NDArray[np.float64]
    cost: Cost
    status: Status = Status.SUCCESS
    detail: str = ""
    fields: tuple[Field, ...] = ()
    degrees: float = inf
    truncation: NDArray[np.float64] | None = None
    crossings: tuple[Crossing, ...] = ()
    records: NDArray[Any] | None = None
    restored: int = 0
    moved: float = 0.0
    simulated: int = 0

    @property
    def success(self) -> bool:
        """Whether the end of the time span was reached, or a terminal event."""
        return self.status.success

    def interval(self, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper ends, (time, ...) each, of intervals that hold the mean with probability ``level``.

        Student's t with the degrees of freedom of the standard errors. What a scheme errs without noise is not in it.

        Raises
        ------
        ValueError
            Unless ``level`` lies between 0 and 1.

        Examples
        --------
        >>> row = np.array([[1.0]])
        >>> low, high = Trajectory(np.array([0.0]), row, 0.1 * row, Cost(), degrees=7).interval()
        >>> low.round(3), high.round(3)
        (array([[0.764]]), array([[1.236]]))
        """
        half = half_width(self.degrees, level) * self.stderr
        return self.macro - half, self.macro + half

    @property
    def message(self) -> str:
        """How it ended, in words."""
        return f"{self.status.value} {self.detail}".strip()

    def to_xarray(self) -> xr.Dataset:
        """Labelled arrays: one variable a field, and its standard error as ``NAME_stderr``.

        >>> Trajectory(np.array([0.0]), np.ones((1, 2)), np.zeros((1, 2)), Cost()).to_xarray()["macro"].dims
        ('time', 'macro_0')
        """
        import xarray as xr

        fields = self.fields or (
            Field("macro", coordinates={f"macro_{i}": np.arange(n) for i, n in enumerate(self.macro.shape[1:])}),
        )
        dataset = xr.Dataset(coords={"time": self.times})
        for item in fields:
            dims = ("time", *item.coordinates)
            for array, suffix in ((self.macro, ""), (self.stderr, "_stderr")):
                rows = np.array([split(fields, row)[item.name] for row in array])
                dataset[item.name + suffix] = (dims, rows, {"units": item.unit})
            for name, values in item.coordinates.items():
                units = {"units": item.coordinate_units[name]} if name in item.coordinate_units else {}
                dataset = dataset.assign_coords({name: (name, np.asarray(values), units)})
        return dataset
