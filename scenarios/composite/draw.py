"""The pictures of a composite, drawn by `analysis` from the tables of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from analysis.balance import draw_balance
from analysis.conductivity_tensor import draw_graded_bar, draw_tensor
from analysis.heat_sink import draw_sink, draw_sink_heating
from analysis.microstructure import draw_microstructure
from analysis.windows import draw_windows
from eqfree.results import Study

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw"]


def draw(study: Study) -> Mapping[str, Figure]:
    """What the parts computed, as far as they were asked for.

    Parameters
    ----------
    study
        With tables ``composite_...``; a picture is drawn where those it needs are there.

    Raises
    ------
    ValueError
        If a table lacks a column, or has a value that cannot be drawn.
    """
    tables = {
        name.removeprefix("composite_"): table
        for name, table in study.tables.items()
        if name.startswith("composite_") and len(table)
    }
    figures: dict[str, Figure] = {}
    if "tensor" in tables:
        figures["tensor"] = draw_tensor(tables["tensor"], tables.get("realisations"))
    if "outline" in tables or "pixels" in tables:
        corrector = tables.get("corrector")
        figures["microstructure"] = draw_microstructure(tables.get("outline"), tables.get("pixels"), corrector)
    if "balance" in tables:
        figures["balance"] = draw_balance(tables["balance"], tables.get("orders"))
    if "bar" in tables and "conductivity" in tables:
        figures["bar"] = draw_graded_bar(tables["bar"], tables["conductivity"])
    if "windows" in tables:
        figures["windows"] = draw_windows(tables["windows"])
    if "sink_field" in tables:
        figures["sink"] = draw_sink(tables["sink_field"], tables.get("insets"), tables.get("sink"))
    if "heating" in tables:
        figures["heating"] = draw_sink_heating(tables["heating"])
    return figures
