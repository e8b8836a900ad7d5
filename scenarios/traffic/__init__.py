"""Traffic: the macroscopic laws of a road, derived from how drivers drive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eqfree.scenario import Scenario
from scenarios.traffic.settings import Settings

if TYPE_CHECKING:
    from eqfree.results import Study
    from eqfree.scenario import Context
    from eqfree.store import Figure

__all__ = ["scenario"]


def _run(settings: Settings, context: Context) -> Study:
    from scenarios.traffic.study import run

    return run(settings, context)


def _draw(study: Study) -> Mapping[str, Figure]:
    from scenarios.traffic.draw import draw

    return draw(study)


scenario = Scenario(
    name="traffic",
    summary="The fundamental diagram of a road, derived from its drivers, beside measured flow and speed.",
    settings=Settings,
    run=_run,
    draw=_draw,
)
