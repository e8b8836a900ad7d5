"""The pictures of a jam, drawn by `analysis` from the tables of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import analysis
from eqfree.results import Study
from scenarios.traffic_jam import reference
from scenarios.traffic_jam.settings import Settings

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw"]

_V0 = "optimal velocity parameter $v_0$ (lengths / time)"
_SIGMA = "spread of headways σ (lengths)"


def draw(study: Study) -> Mapping[str, Figure]:
    """The bifurcation diagram, and what healing does where ways to lift were compared."""
    figures: dict[str, Figure] = {}
    tables = study.tables
    if "branch" in tables:
        figures["bifurcation"] = analysis.draw_branch(
            tables["branch"],
            events=_events(tables),
            sweep=tables.get("sweep"),
            reference=_reference(Settings.model_validate(study.settings)),
            parameter_label=_V0,
            measure_label=_SIGMA,
        )
    if "healing" in tables:
        figures["healing"] = analysis.draw_healing(
            tables["healing"], healing_label="healing (time)", measure_label=_SIGMA
        )
    return figures | _draw_onset(study)


def _draw_onset(study: Study) -> dict[str, Figure]:
    """The multipliers at the onset, the waves that leave it, and the map."""
    figures: dict[str, Figure] = {}
    tables, settings = study.tables, Settings.model_validate(study.settings)
    if "onset_multipliers" in tables:
        figures["onset_multipliers"] = analysis.draw_multipliers(tables["onset_multipliers"])
    if "waves" in tables:
        onset = {"name": "onset of uniform flow", "parameter": [settings.onset_v0], "measure": [0.0]}
        figures["waves"] = analysis.draw_branch(
            tables["waves"],
            events=_finite(tables["waves_events"]),
            reference=pd.DataFrame(onset),
            parameter_label=_V0,
            measure_label=_SIGMA,
        )
    if "map" in tables:
        exact = pd.DataFrame({"y": np.linspace(*settings.onset.headways, 15)})
        exact["x"] = [settings.onset_at(headway) for headway in exact["y"]]
        figures["map"] = analysis.draw_parameter_plane(
            tables["map"],
            reference=exact.assign(name="onset, closed form"),
            regions={"a jam beside stable uniform flow": ("fold", "Hopf")},
            x_label=_V0,
            y_label="length per car (lengths)",
        )
    return figures


def _finite(events: pd.DataFrame) -> pd.DataFrame:
    return events[events["parameter"].notna() & events["measure"].notna()]


def _events(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    events = tables.get("events")
    return None if events is None else _finite(events)


def _reference(settings: Settings) -> pd.DataFrame | None:
    if not reference.applies(settings.model_copy(update={"noise": 0.0})):
        return None
    sigma, v0 = reference.CURVE.T
    return pd.DataFrame({"name": "boundary-value problem", "parameter": v0, "measure": sigma})
