"""The pictures of a device, drawn by `analysis` from the tables of its study."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis.device import draw_energy, draw_hot_plate, draw_warm_bar

if TYPE_CHECKING:
    from eqfree.store import Figure

__all__ = ["draw_device"]


def draw_device(tables: Mapping[str, pd.DataFrame]) -> dict[str, Figure]:
    """Temperature and potential in the bar and in the plate, and where the power goes, as far as there are tables."""
    figures: dict[str, Figure] = {}
    if "device_profile" in tables:
        figures["device"] = draw_warm_bar(tables["device_profile"], tables.get("device_heating"))
    if "device_energy" in tables and len(tables["device_energy"]):
        figures["device_energy"] = draw_energy(tables["device_energy"])
    if "plate_field" in tables:
        figures["device_plate"] = draw_hot_plate(tables["plate_field"])
    return figures
