"""What a part of a study computes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

import eqfree as ef

__all__ = ["Part", "join"]


@dataclass(frozen=True, eq=False)
class Part:
    """Tables, headline numbers, checks, notes, failures and cost of one part, under names that no other part uses."""

    tables: Mapping[str, pd.DataFrame]
    values: Mapping[str, ef.Value]
    checks: Sequence[ef.Check]
    notes: Sequence[str] = ()
    failures: Sequence[str] = ()
    cost: ef.Cost = field(default_factory=ef.Cost)


def join(parts: Iterable[Part]) -> Part:
    """One part of several, in their order.

    >>> join([Part({}, {"a": ef.Value(1.0)}, []), Part({}, {"b": ef.Value(2.0)}, [], notes=["done"])]).notes
    ['done']
    """
    those = list(parts)
    return Part(
        tables={name: table for part in those for name, table in part.tables.items()},
        values={name: value for part in those for name, value in part.values.items()},
        checks=[check for part in those for check in part.checks],
        notes=[note for part in those for note in part.notes],
        failures=[failure for part in those for failure in part.failures],
        cost=sum((part.cost for part in those), ef.Cost()),
    )
