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
    return figures | _draw_oscillation(tables)


def _draw_oscillation(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Steady states and cycles over a rate, the cycles themselves, and the catalyst over time."""
    figures: dict[str, Figure] = {}
    if "oscillation_branch" in tables:
        for name, cycles, label, measure in (
            ("brusselator", tables.get("oscillation_cycles"), "rate B (1/time)", "Y (concentration)"),
            ("catalyst", _swings(tables), "rate β of dissociation (1/s)", "sites covered by CO (1)"),
        ):
            own = tables["oscillation_branch"].query("branch == @name")
            events = tables["oscillation_events"].query("branch == @name and measure == measure")
            if len(own):
                figures[f"oscillation_{name}"] = analysis.draw_branch(
                    own, events=events, cycles=cycles, parameter_label=label, measure_label=measure
                )
    if "oscillation_paths" in tables:
        figures["cycles"] = analysis.draw_phase_portrait(
            tables["oscillation_paths"], x_label="X (concentration)", y_label="Y (concentration)"
        )
    return figures


def _swings(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """The extremes of long paths of the catalyst, as those of cycles."""
    if "catalyst_extremes" not in tables:
        return None
    table = tables["catalyst_extremes"].rename(columns={"beta": "parameter"})
    return table.assign(branch="98 % of long paths", stability="stable")


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
