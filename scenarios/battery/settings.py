"""What the battery can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eqfree.settings import ScenarioSettings
from scenarios.battery.conductivity.settings import QUICK as QUICK_CONDUCTIVITY
from scenarios.battery.conductivity.settings import ConductivitySettings, LatticeName
from scenarios.battery.device.settings import QUICK as QUICK_DEVICE
from scenarios.battery.device.settings import DeviceSettings
from scenarios.battery.polarisation.settings import QUICK as QUICK_POLARISATION
from scenarios.battery.polarisation.settings import PolarisationSettings
from scenarios.battery.runaway.settings import QUICK as QUICK_RUNAWAY
from scenarios.battery.runaway.settings import RunawaySettings
from scenarios.battery.screen.settings import QUICK as QUICK_SCREEN
from scenarios.battery.screen.settings import ScreenSettings

__all__ = ["Settings"]

PartName = Literal["conductivity", "device", "runaway", "polarisation", "screen"]
Kelvin = Annotated[float, Field(ge=50, le=3000)]

_REACHED = 0.98  # of the way to the hottest temperature: what iterations leave room for
_ROOM = 10.0  # in which steady states can be followed, K


class Settings(ScenarioSettings):
    """Ions that hop over barriers, and the device that they make."""

    quick: ClassVar[Mapping[str, Any]] = {
        "temperatures": [250.0, 350.0],
        "precision": 0.1,
        **{
            f"{name}.{setting}": value
            for name, small in (
                ("conductivity", QUICK_CONDUCTIVITY),
                ("device", QUICK_DEVICE),
                ("runaway", QUICK_RUNAWAY),
                ("polarisation", QUICK_POLARISATION),
                ("screen", QUICK_SCREEN),
            )
            for setting, value in small.items()
        },
    }

    parts: Annotated[tuple[PartName, ...], Field(min_length=1)] = Field(
        ("conductivity", "device", "runaway", "polarisation", "screen"), description="what to compute, in this order"
    )
    material: str = Field(
        "llzo_like",
        description="one that comes with the clone, such as llzo_like or lgps_like, or a TOML file",
    )
    temperatures: Annotated[tuple[Kelvin, ...], Field(min_length=2)] = Field(
        (250.0, 275.0, 325.0, 350.0, 400.0), description="at which the conductivity is read, besides 300 K (K)"
    )
    concentration: float | None = Field(
        None, description="share of the material's sites that ions hold; by default what its file says (1)"
    )
    lattice: LatticeName = Field(
        "simple_cubic", description="ideal lattice of the correlation factors, whose values are known exactly"
    )
    precision: float = Field(
        0.02,
        ge=1e-3,
        le=0.2,
        description="of the conductivity that the device asks, in its logarithm: interpolation and two errors (1)",
    )
    voltage: float | None = Field(
        None, ge=0, le=1e6, description="across the device; by default what warms it by device.rise (V)"
    )
    contact: Annotated[float, Field(gt=0, le=1e9)] | Literal["none"] = Field(
        50.0,
        description="heat transfer from electrodes to surroundings; where there is none, they are as cold (W/(m² K))",
    )
    conductivity: ConductivitySettings = Field(ConductivitySettings(), description="how long ions are watched")
    device: DeviceSettings = Field(DeviceSettings(), description="what the material is made into")
    runaway: RunawaySettings = Field(RunawaySettings(), description="how steady states are followed")
    polarisation: PolarisationSettings = Field(
        PolarisationSettings(), description="ions between electrodes that block them"
    )
    screen: ScreenSettings = Field(ScreenSettings(), description="which materials are compared")

    @model_validator(mode="after")
    def _parts_are_named_once(self) -> Self:
        if len(set(self.parts)) < len(self.parts):
            raise ValueError(f"`parts` must name each part once: got {','.join(self.parts)}.")
        return self

    @model_validator(mode="after")
    def _the_device_may_get_warmer(self) -> Self:
        cold, hottest = self.device.surroundings, self.device.hottest
        if not cold + _ROOM <= hottest:
            raise ValueError(
                f"`device.hottest` must be {_ROOM:g} K or more above `device.surroundings`: got {hottest:g} K and "
                f"{cold:g} K. Raise the former or lower the latter."
            )
        rise, most = self.device.rise, _REACHED * (hottest - cold)
        if self.voltage is None and rise > most:
            raise ValueError(
                f"`device.rise` must be at most {most:g} K, so that it stays below `device.hottest`: got {rise:g} K. "
                "Lower the former or raise the latter."
            )
        return self

    @property
    def cooling(self) -> float | None:
        """Heat transfer of the contacts in W/(m² K); None where electrodes are as cold as the surroundings."""
        return None if self.contact == "none" else self.contact
