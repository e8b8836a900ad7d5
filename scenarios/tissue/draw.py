"""The pictures and the movie of a tissue, drawn by `analysis` from the tables of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

import analysis
from eqfree.results import Study
from scenarios.tissue.assay.draw import draw_assay
from scenarios.tissue.morphogen.draw import draw_morphogen
from scenarios.tissue.spheroid.draw import draw_spheroid

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw", "film"]


def draw(study: Study) -> Mapping[str, Figure]:
    """What the parts computed, as far as they were asked for."""
    tables = study.tables
    figures: dict[str, Figure] = {}
    if "wound" in tables:
        figures["wound"] = analysis.draw_closing(tables["wound"], tables["wound_front"])
        figures["wound_space_time"] = analysis.draw_space_time(
            _space_time(tables["wound"]),
            value_label="density (cells per site)",
            space_label="place (µm)",
            time_label="time (days)",
        )
    if "growth" in tables:
        figures["growth"] = analysis.draw_filling(tables["growth"], tables["growth_projected"])
    return figures | draw_assay(tables) | draw_spheroid(tables) | draw_morphogen(tables)


def film(study: Study) -> Mapping[str, Figure]:
    """The wound as it closes, if it was asked for."""
    return {"wound": analysis.film_closing(study.tables["wound"])} if "wound" in study.tables else {}


def _space_time(wound: pd.DataFrame) -> pd.DataFrame:
    """Both ways as fields over time and place."""
    frames = [
        pd.DataFrame({"time": wound["day"], "place": wound["x"], "field": name, "value": wound[column]})
        for column, name in (("density", "all cells:"), ("projected", "projection:"))
    ]
    return pd.concat(frames, ignore_index=True)
