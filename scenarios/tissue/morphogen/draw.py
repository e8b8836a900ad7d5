"""The pictures of the tissue beside a source, drawn by `analysis` from the tables of the part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import analysis

if TYPE_CHECKING:
    import pandas as pd

    from eqfree.store import Figure

__all__ = ["draw_morphogen"]

_QUANTITIES = {"density": "density (cells per site)", "signal": "morphogen (nM)"}


def draw_morphogen(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Profiles of the steady state, its multipliers, and the branch in the source strength; what is there of them."""
    figures: dict[str, Figure] = {}
    if "morphogen" in tables:
        profiles = tables["morphogen"].replace({"quantity": _QUANTITIES})
        figures["morphogen"] = analysis.draw_profiles(profiles, place_label="distance from the source $x$ (µm)")
    if "morphogen_multipliers" in tables:
        figures["morphogen_multipliers"] = analysis.draw_multipliers(tables["morphogen_multipliers"])
    if "morphogen_branch" in tables:
        figures["morphogen_branch"] = analysis.draw_branch(
            tables["morphogen_branch"],
            events=_located(tables["morphogen_branch_events"]),
            reference=tables["morphogen_reference"],
            parameter_label="source strength (nM µm/h)",
            measure_label="mean density (cells per site)",
        )
    return figures


def _located(events: pd.DataFrame) -> pd.DataFrame:
    return events[events["parameter"].notna() & events["measure"].notna()]
