"""The pictures of a traffic study, drawn by `analysis` from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import TYPE_CHECKING

import analysis
from eqfree.results import Study
from scenarios.traffic.fit import ENOUGH_DRAWS

if TYPE_CHECKING:
    import pandas as pd

    from eqfree.store import Figure

__all__ = ["draw"]


def draw(study: Study) -> Mapping[str, Figure]:
    """What the parts computed, as far as they were asked for."""
    figures = _draw_diagram(study.tables) if "diagram" in study.tables else {}
    if "krauss" in study.tables:
        figures["krauss"] = analysis.draw_fundamental_diagram(study.tables["krauss"], title="SUMO's Krauss drivers")
    if "motorway_road" in study.tables:
        ways = {"density": "conservation law", "density_directly": "every car"}
        figures["motorway"] = analysis.draw_roads(study.tables["motorway_road"], ways)
    if "bottleneck" in study.tables:
        figures["bottleneck"] = analysis.draw_queue(study.tables["bottleneck"])
    if "mixed_road" in study.tables:
        figures["mixed"] = analysis.draw_shuffles(study.tables["mixed_road"])
    if "projection_road" in study.tables:
        ways = {"density": "projected", "density_directly": "every car"}
        figures["projection"] = analysis.draw_roads(study.tables["projection_road"], ways)
    if "jam" in study.tables:
        figures["jam"] = analysis.draw_paths(study.tables["jam"])
    return figures


def _draw_diagram(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """The fundamental diagram, the growth of waves and the bootstrap of the fit."""
    unstable = [tuple(row) for row in tables["unstable"].to_numpy()] if "unstable" in tables else []
    figures: dict[str, Figure] = {
        "fundamental_diagram": analysis.draw_fundamental_diagram(
            tables["diagram"],
            stop_and_go=tables.get("stop_and_go"),
            detectors=tables["detectors"],
            fitted=tables.get("fitted_diagram"),
            unstable=unstable,
            road=tables["road"],
        )
    }
    if "growth" in tables:
        figures["growth"] = analysis.draw_growth(
            tables["growth"], [end for interval in unstable for end in interval if 0 < end < inf]
        )
    if "bootstrap" in tables and len(tables["bootstrap"]) >= ENOUGH_DRAWS:
        fit = tables["fit"]
        columns = [f"{row.parameter} ({row.unit})" for row in fit.itertuples()]
        identified = dict(zip(columns, fit["identified"].tolist(), strict=True))
        figures["calibration"] = analysis.draw_calibration(tables["bootstrap"], identified)
    return figures
