"""What a part of the traffic study computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

import eqfree as ef

__all__ = ["Part"]


@dataclass(frozen=True, eq=False)
class Part:
    """Tables, headline numbers, checks, notes, failures and cost of one part, under names that no other part uses."""

    tables: Mapping[str, pd.DataFrame]
    values: Mapping[str, ef.Value]
    checks: Sequence[ef.Check]
    notes: Sequence[str] = ()
    failures: Sequence[str] = ()
    cost: ef.Cost = field(default_factory=ef.Cost)
