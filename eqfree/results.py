"""What a computation answers: trajectories, studies, checks, costs, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eqfree.fields import Field, split

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Check", "Cost", "Crossing", "Relation", "Status", "Study", "Trajectory", "Value"]


class Status(Enum):
    """How a computation ended; the value is the sentence to show."""

    SUCCESS = "The end of the time span was reached."
    NOT_FINITE = "The micro-model returned a value that is not finite; what was computed before is kept."
    INFEASIBLE = (
        "The projected state is one that no population has; what was computed before is kept. "
        "Shorten `step`, or lengthen `burst`."
    )
    EVENT = "A terminal event ended the run."
    BUDGET = "The budget is spent; what was computed with it is kept. Raise `budget`, or `tolerance`."

    @property
    def success(self) -> bool:
        """Whether the computation reached its end, or the event that was to end it."""
        return self in (Status.SUCCESS, Status.EVENT)


@dataclass(frozen=True)
class Cost:
    """What a result cost; costs add up.

    >>> Cost(bursts=2, micro_time=3.0) + Cost(bursts=1, micro_time=0.5)
    Cost(bursts=3, micro_time=3.5, agent_updates=0.0, wall=0.0)
    """

    bursts: int = 0  #: simulations of one replica
    micro_time: float = 0.0  #: simulated time, in the model's unit, summed over replicas
    agent_updates: float = 0.0  #: where the model counts them, else 0
    wall: float = field(default=0.0, compare=False)  #: seconds on the clock

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.bursts + other.bursts,
            self.micro_time + other.micro_time,
            self.agent_updates + other.agent_updates,
            self.wall + other.wall,
        )


@dataclass(frozen=True)
class Value:
    """A headline number with its standard error and unit."""

    value: float
    stderr: float = 0.0
    unit: str = "1"


class Relation(Enum):
    """How a measured number is compared with the expected one."""

    EQUALS = "equals within"  #: |measured - expected| <= tolerance
    AT_MOST = "at most"  #: measured <= expected + tolerance
    AT_LEAST = "at least"  #: measured >= expected - tolerance
    COVERS = "covers"  #: |measured - expected| <= tolerance * standard error


@dataclass(frozen=True)
class Check:
    """A measured number beside the exact or published one.

    Parameters
    ----------
    quantity
        What is compared, in words.
    measured, stderr
        This run's number and its standard error (0 if it has none).
    expected
        The exact or published number.
    tolerance
        In the unit of the quantity; for `Relation.COVERS`, a number of standard errors.
    source
        The formula, paper or program that ``expected`` comes from.
    relation
        How the two are compared.
    unit
        Unit of ``measured``, ``stderr`` and ``expected``.

    Examples
    --------
    >>> Check("capacity", 1742.79, 1742.784, tolerance=1742.784e-5, source="closed form", unit="veh/h").ok
    True
    """

    quantity: str
    measured: float
    expected: float
    tolerance: float
    source: str
    relation: Relation = Relation.EQUALS
    unit: str = "1"
    stderr: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the relation holds; never where a number is missing."""
        difference = self.measured - self.expected
        if isnan(difference):
            return False
        if self.relation is Relation.AT_MOST:
            return difference <= self.tolerance
        if self.relation is Relation.AT_LEAST:
            return difference >= -self.tolerance
        scale = self.stderr if self.relation is Relation.COVERS else 1.0
        return abs(difference) <= self.tolerance * scale


@dataclass(frozen=True, eq=False)
class Study:
    """What a scenario computed: numbers, tables, fields and checks; no pictures.

    Attributes
    ----------
    scenario, settings
        Which scenario, and the settings that made it (JSON values).
    values
        Headline numbers under stable snake_case names.
    checks
        This run beside the exact or published values.
    tables, fields
        pandas tables by name; an xarray dataset or None.
    notes
        Sentences that a reader of the numbers must know.
    failures
        What could not be computed, in sentences; the rest is there, with NaN in its place.
    cost
        What it took.
    """

    scenario: str
    settings: Mapping[str, Any]
    values: Mapping[str, Value]
    checks: Sequence[Check] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    fields: xr.Dataset | None = None
    notes: Sequence[str] = ()
    failures: Sequence[str] = ()
    cost: Cost = field(default_factory=Cost)

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """The study as JSON values; a number that is not finite becomes null."""
        return {
            "scenario": self.scenario,
            "settings": _plain(self.settings),
            "values": {name: _plain(vars(value)) for name, value in self.values.items()},
            "checks": [_plain({**vars(check), "ok": check.ok}) for check in self.checks],
            "tables": {
                name: {str(column): _plain(table[column].tolist()) for column in table.columns}
                for name, table in self.tables.items()
            },
            "notes": list(self.notes),
            "failures": list(self.failures),
            "cost": _plain(vars(self.cost)),
        }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not isfinite(value):
        return None
    return value


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
        from scipy.special import stdtrit

        if not 0 < level < 1:
            raise ValueError(f"`level` must lie between 0 and 1: got {level}.")
        half = stdtrit(self.degrees, (1 + level) / 2) * self.stderr
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
