"""What a scenario answers: headline numbers, checks beside exact or published values, tables and fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from eqfree.results.status import Cost

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

__all__ = ["Check", "Relation", "Study", "Value"]


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
