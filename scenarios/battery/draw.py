"""The pictures of a battery, drawn by `analysis` from the tables of a study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eqfree.results import Study
from scenarios.battery.conductivity.draw import draw_conductivity
from scenarios.battery.device.draw import draw_device
from scenarios.battery.polarisation.draw import draw_polarisation
from scenarios.battery.runaway.draw import draw_runaway
from scenarios.battery.screen.draw import draw_screen

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw"]


def draw(study: Study) -> Mapping[str, Figure]:
    """What the parts computed, as far as they were asked for."""
    drawn = (draw_conductivity, draw_device, draw_runaway, draw_polarisation, draw_screen)
    return {name: figure for one in drawn for name, figure in one(study.tables).items()}
