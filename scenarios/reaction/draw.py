"""The pictures of a reaction study, drawn by `analysis` from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import analysis
from eqfree.results import Study

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
    return figures
