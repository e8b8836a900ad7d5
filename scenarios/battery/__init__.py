"""The battery: ions that hop over barriers, what they conduct, and the device that heats up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eqfree.scenario import Scenario
from scenarios.battery.settings import Settings

if TYPE_CHECKING:
    from eqfree.results import Study
    from eqfree.scenario import Context
    from eqfree.store import Figure

__all__ = ["scenario"]


def _run(settings: Settings, context: Context) -> Study:
    from scenarios.battery.study import run

    return run(settings, context)


def _draw(study: Study) -> Mapping[str, Figure]:
    from scenarios.battery.draw import draw

    return draw(study)


scenario = Scenario(
    name="battery",
    summary="Ions that hop over barriers: conductivity over temperature, a device that heats up, thermal runaway.",
    settings=Settings,
    run=_run,
    draw=_draw,
)
