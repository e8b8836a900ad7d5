"""Tissue: cells that divide, move and signal, and what grows of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eqfree.scenario import Scenario
from scenarios.tissue.settings import Settings

if TYPE_CHECKING:
    from eqfree.results import Study
    from eqfree.scenario import Context
    from eqfree.store import Figure

__all__ = ["scenario"]


def _run(settings: Settings, context: Context) -> Study:
    from scenarios.tissue.study import run

    return run(settings, context)


def _draw(study: Study) -> Mapping[str, Figure]:
    from scenarios.tissue.draw import draw

    return draw(study)


def _film(study: Study) -> Mapping[str, Figure]:
    from scenarios.tissue.draw import film

    return film(study)


scenario = Scenario(
    name="tissue",
    summary="Cells that divide, move and signal: a wound, a scratch assay, a tumour spheroid, a morphogen gradient.",
    settings=Settings,
    run=_run,
    draw=_draw,
    film=_film,
)
