"""The pictures of a spheroid, drawn by `analysis` from the tables of its study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

import analysis

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw_spheroid"]

_DAY = 24.0  # h


def draw_spheroid(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """The section at the end, and radius and fractions against days, as far as the tables are there."""
    figures: dict[str, Figure] = {}
    if "spheroid_section" in tables:
        figures["spheroid_section"] = analysis.draw_spheroid_section(
            tables["spheroid_section"], tables["spheroid_nutrient"]
        )
    if "spheroid" in tables:
        figures["spheroid"] = analysis.draw_spheroid_growth(tables["spheroid"], _measured(tables))
    return figures


def _measured(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """The measurements on the clock of the run, where there is one."""
    measured = tables["spheroid_measured"]
    known = measured[measured["hour"].notna()]
    return known.assign(day=known["hour"] / _DAY) if len(known) else None
