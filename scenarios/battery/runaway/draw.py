"""The pictures of the runaway, drawn by `analysis` from its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis import draw_branch

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw_runaway"]

_OWN = "the material"
_BARS = ("Arrhenius, contacts", "Arrhenius, cold ends", "Arrhenius, ions")


def draw_runaway(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Maximal temperature over voltage, of the material's bar and of those whose folds are known, if there are any.

    >>> draw_runaway({})
    {}
    """
    if "runaway" not in tables:
        return {}
    points, folds = tables["runaway"], tables["runaway_folds"]
    figures: dict[str, Figure] = {}
    for name, branches in (("runaway", (_OWN,)), ("runaway_exact", _BARS)):
        shown = points[points["branch"].isin(branches)]
        if len(shown):
            figures[name] = draw_branch(
                shown,
                folds[folds["branch"].isin(branches)],
                parameter_label="voltage (V)",
                measure_label="maximal temperature (K)",
            )
    return figures
