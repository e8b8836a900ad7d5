"""The picture of a polarisation, drawn by `analysis` from the tables of its study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.ions import draw_polarisation as draw_profiles

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw_polarisation"]


def draw_polarisation(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Both profiles beside the exact one, if there are any."""
    if "polarisation" not in tables:
        return {}
    return {"polarisation": draw_profiles(tables["polarisation"], tables["polarisation_exact"])}
