"""The pictures of a reaction study, drawn by `analysis` from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

import analysis
from eqfree.results import Study
from scenarios.reaction.steady import CO_OXIDATION, SCHLOGL, Steady

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw"]


def draw(study: Study) -> Mapping[str, Figure]:
    """What the parts computed, as far as they were asked for."""
    tables = study.tables
    figures: dict[str, Figure] = {}
    if "network" in tables:
        figures["network"] = analysis.draw_concentrations(tables["network"])
    if "enzyme" in tables:
        costs = tables["enzyme"].rename(columns={"events": "cost"})
        costs = costs.assign(problem=[f"ε = {separation:g}" for separation in costs["separation"]])
        figures["cost"] = analysis.draw_cost(costs, "reactions (1)", "error of one population (1)", noisy=True)
    if "front" in tables:
        figures["front"] = analysis.draw_front(tables["front"], tables["front_places"])
    if "branch" in tables:
        figures |= {f"branch_{name}": _draw_branch(study, steady) for name, steady in _of_branches(study).items()}
    return figures


def _of_branches(study: Study) -> Mapping[str, Steady]:
    names = set(study.tables["branch"]["branch"])
    return {steady.name: steady for steady in (CO_OXIDATION, SCHLOGL) if steady.name in names}


def _draw_branch(study: Study, steady: Steady) -> Figure:
    """Points, events and sweep of one network, and the exact folds."""
    own = {
        name: table[table["branch"] == steady.name]
        for name, table in study.tables.items()
        if name in ("branch", "branch_events", "branch_sweep")
    }
    exact = [{"parameter": fold.parameter, "measure": fold.macro[steady.measured]} for fold in steady.folds]
    return analysis.draw_branch(
        own["branch"],
        own["branch_events"],
        own.get("branch_sweep"),
        pd.DataFrame(exact).assign(name="folds of the rate equations"),
        parameter_label=steady.parameter_label,
        measure_label=steady.measure_label,
    )
