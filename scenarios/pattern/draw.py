"""The pictures of a front, drawn by `analysis` from the tables of a study."""

from __future__ import annotations

from collections.abc import Mapping
from math import log10
from typing import TYPE_CHECKING

import pandas as pd

import analysis
from eqfree.results import Study
from scenarios.pattern import reference

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw"]

_ACTIVATOR, _INHIBITOR = "mean activator $u$ (1)", "mean inhibitor $v$ (1)"


def draw(study: Study) -> Mapping[str, Figure]:
    """The bifurcation diagram; of the cycle its multipliers, its phase portrait and the breathing front."""
    figures: dict[str, Figure] = {}
    tables = study.tables
    if len(tables["branch"]):
        figures["bifurcation"] = analysis.draw_branch(
            tables["branch"],
            events=_events(tables),
            reference=_reference(tables),
            cycles=tables.get("cycles"),
            parameter_label="$\\log_{10}$ ε, rate of the inhibitor (1)",
            measure_label=_ACTIVATOR,
        )
    if "multipliers" in tables:
        figures["multipliers"] = analysis.draw_multipliers(tables["multipliers"])
    if "phases" in tables:
        figures["phases"] = analysis.draw_phase_portrait(
            tables["phases"], tables["phase_points"], x_label=_ACTIVATOR, y_label=_INHIBITOR
        )
    if "cycle" in tables:
        figures["cycle"] = analysis.draw_space_time(
            tables["cycle"], value_label="(1)", space_label="place $x$ (1)", time_label="time $t$ (1)"
        )
    return figures


def _events(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    events = tables["events"]
    return events[events["parameter"].notna() & events["measure"].notna()]


def _reference(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """The exact parameters, at the measures of this run's own events."""
    events = _events(tables)
    known = events[events["kind"].isin(list(reference.EVENTS)) & events["stderr"].notna()]
    if not len(known):
        return None
    exact = [log10(reference.EVENTS[kind]) for kind in known["kind"]]
    return pd.DataFrame({"name": "differential equation", "parameter": exact, "measure": known["measure"].to_numpy()})
