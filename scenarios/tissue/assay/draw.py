"""The pictures of a scratch assay, drawn by `analysis` from the tables of its study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

import analysis

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw_assay"]

_SCALE = 1e6  # cells/mm² of cells/µm²
_PROFILES, _CAPACITY = "_profiles", "capacity (cells/µm²)"


def draw_assay(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """For each assay its profiles, measured and predicted, and what the fitted ones say about the parameters."""
    figures: dict[str, Figure] = {}
    for key in tables:
        if not (key.startswith("assay") and key.endswith(_PROFILES)):
            continue
        assay = key.removesuffix(_PROFILES)
        columns = ["measured", "spread", "cells", "low", "high", "fisher"]
        profiles = tables[key].assign(**{name: tables[key][name] * _SCALE for name in columns})
        figures[assay] = analysis.draw_prediction(
            profiles,
            {"cells": "cells", "fisher": "fitted Fisher-KPP"},
            band="interval of the cells",
            position_label="position (µm)",
            value_label="cells/mm²",
            time_unit="h",
        )
        fit = tables[f"{assay}_fit"]
        identified = fit[fit["model"] == "cells"].set_index("parameter")["identified"]
        samples = tables[f"{assay}_bootstrap"].rename(columns={_CAPACITY: "capacity (cells/mm²)"})
        samples["capacity (cells/mm²)"] *= _SCALE
        figures[f"{assay}_parameters"] = analysis.draw_calibration(
            samples, {str(name): bool(identified[str(name).split(" (")[0]]) for name in samples}
        )
    return figures
