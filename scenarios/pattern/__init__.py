"""Fronts of an activator and an inhibitor on a lattice: where they stand still, where they end, where they breathe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eqfree.scenario import Scenario
from scenarios.pattern.settings import Settings

if TYPE_CHECKING:
    from eqfree.results import Study
    from eqfree.scenario import Context
    from eqfree.store import Figure

__all__ = ["scenario"]


def _run(settings: Settings, context: Context) -> Study:
    from scenarios.pattern.study import run

    return run(settings, context)


def _draw(study: Study) -> Mapping[str, Figure]:
    from scenarios.pattern.draw import draw

    return draw(study)


scenario = Scenario(
    name="pattern",
    summary="A front of activator and inhibitor on a lattice: it stands still, ends at a fold, or breathes.",
    settings=Settings,
    run=_run,
    draw=_draw,
)
