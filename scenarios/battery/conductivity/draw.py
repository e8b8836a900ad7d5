"""The pictures of a conductivity, drawn by `analysis` from the tables of its study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.ions import draw_arrhenius, draw_correlation, draw_ions

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw_conductivity"]


def draw_conductivity(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Arrhenius plot, correlation factor over concentration, and ions in their lattice, as far as there are tables."""
    figures: dict[str, Figure] = {}
    if "conductivity" in tables:
        figures["conductivity"] = draw_arrhenius(
            tables["conductivity"], tables["conductivity_fit"], tables["conductivity_published"]
        )
    if "correlation" in tables and len(tables["correlation"]):
        figures["correlation"] = draw_correlation(tables["correlation"], tables["correlation_curves"])
    if "ions" in tables and {"x", "y"} <= set(tables["ions"].columns):
        figures["ions"] = draw_ions(tables["ions"], tables["ion_hops"])
    return figures
