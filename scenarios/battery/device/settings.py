"""What the device can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "DeviceSettings"]

QUICK: Mapping[str, Any] = {"elements": 64, "plate_elements": [16, 8], "plate_steps": 10}

Elements = Annotated[int, Field(ge=4, le=200)]


class DeviceSettings(SettingsGroup):
    """A piece of the material between two electrodes: a bar, and a plate whose electrodes are shorter than its ends."""

    length: float = Field(0.01, gt=0, le=10, description="between the electrodes (m)")
    width: float = Field(0.01, gt=0, le=10, description="of the electrodes of the bar, and of the plate (m)")
    thickness: float = Field(0.001, gt=0, le=10, description="out of the plane of the plate (m)")
    thermal_conductivity: float | None = Field(
        None, gt=0, le=1e4, description="of the material; by default what its file says (W/(m K))"
    )
    heat_capacity: float = Field(2.5e6, gt=0, le=1e9, description="of the material (J/(m³ K))")
    contact_resistance: float = Field(1e-3, ge=0, le=1e3, description="electrical, of each electrode (Ω m²)")
    surroundings: float = Field(300.0, ge=50, le=2000, description="temperature around (K)")
    side_cooling: float = Field(
        5.0, ge=0, le=1e6, description="heat transfer by convection of all that bears no electrode (W/(m² K))"
    )
    rise: float = Field(
        15.0, gt=0, le=1000, description="by which the hottest place is warmed, where no voltage is given (K)"
    )
    hottest: float = Field(500.0, gt=0, le=5000, description="highest temperature that is allowed (K)")
    covered: float = Field(0.4, gt=0, le=1, description="share of the plate's ends that an electrode covers (1)")
    elements: int = Field(128, ge=4, le=2000, description="along the bar (1)")
    plate_elements: tuple[Elements, Elements] = Field((24, 12), description="along and across the plate (1)")
    duration: float = Field(1200.0, gt=0, le=1e9, description="over which the device is followed from cold (s)")
    steps: int = Field(200, ge=1, le=100_000, description="in which the bar is followed (1)")
    plate_steps: int = Field(40, ge=1, le=100_000, description="in which the plate is followed (1)")
