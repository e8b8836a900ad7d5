"""Reactions: molecules that react and diffuse, projected over times that nobody simulates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eqfree.scenario import Scenario
from scenarios.reaction.settings import Settings

if TYPE_CHECKING:
    from eqfree.results import Study
    from eqfree.scenario import Context
    from eqfree.store import Figure

__all__ = ["scenario"]


def _run(settings: Settings, context: Context) -> Study:
    from scenarios.reaction.study import run

    return run(settings, context)


def _draw(study: Study) -> Mapping[str, Figure]:
    from scenarios.reaction.draw import draw

    return draw(study)


scenario = Scenario(
    name="reaction",
    summary="Reacting molecules, stiff enzymes and a front of molecules, projected beside exact simulation.",
    settings=Settings,
    run=_run,
    draw=_draw,
)
