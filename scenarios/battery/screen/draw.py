"""The picture of a screening, drawn by `analysis` from its table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.ions import draw_screening

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw_screen"]


def draw_screen(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Materials as bars, if they were screened."""
    return {"screen": draw_screening(tables["screen"])} if "screen" in tables else {}
