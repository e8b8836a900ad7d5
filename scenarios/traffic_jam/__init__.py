"""A traffic jam that nobody caused: where it exists beside uniform flow, and where it dies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eqfree.scenario import Scenario
from scenarios.traffic_jam.settings import Settings

if TYPE_CHECKING:
    from eqfree.results import Study
    from eqfree.scenario import Context
    from eqfree.store import Figure

__all__ = ["scenario"]


def _run(settings: Settings, context: Context) -> Study:
    from scenarios.traffic_jam.study import run

    return run(settings, context)


def _draw(study: Study) -> Mapping[str, Figure]:
    from scenarios.traffic_jam.draw import draw

    return draw(study)


scenario = Scenario(
    name="traffic_jam",
    summary="A jam of cars on a ring, followed through its fold down to uniform flow, stable or not.",
    settings=Settings,
    run=_run,
    draw=_draw,
)
