"""The composite: a heat equation whose conductivity is asked of a patch of its microstructure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eqfree.scenario import Scenario
from scenarios.composite.settings import Settings

if TYPE_CHECKING:
    from eqfree.results import Study
    from eqfree.scenario import Context
    from eqfree.store import Figure

__all__ = ["scenario"]


def _run(settings: Settings, context: Context) -> Study:
    from scenarios.composite.study import run

    return run(settings, context)


def _draw(study: Study) -> Mapping[str, Figure]:
    from scenarios.composite.draw import draw

    return draw(study)


scenario = Scenario(
    name="composite",
    summary="Heat in a composite: its conductivity from a patch of the microstructure, a heat sink, resolved beside.",
    settings=Settings,
    run=_run,
    draw=_draw,
)
