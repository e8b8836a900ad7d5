"""What the spheroid can be told."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Any, Self

from pydantic import Field, model_validator

from agents.cells.mechanics import Mechanics
from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "SpheroidSettings"]

QUICK: Mapping[str, Any] = {"radius_end": 200.0, "leap": 12.0}

_WHOLE = 1e-9


class SpheroidSettings(SettingsGroup):
    """A tumour of cells in three dimensions, on a nutrient that is held at 1 around it."""

    radius_start: float = Field(150.0, gt=0, le=1000, description="radius from which it grows (µm)")
    radius_end: float = Field(350.0, gt=0, le=1000, description="radius at which the run ends (µm)")
    days: float = Field(12.0, gt=0, le=100, description="after which the run ends in any case (days)")
    line: str = Field("983b", description="cell line of the measurements beside it (a name in the data)")
    seeding: int = Field(2500, ge=1, description="how many cells the measured spheroids were seeded with (cells)")

    diameter: float = Field(22.0, ge=5, le=60, description="of a newborn cell (µm)")
    cycle: float = Field(24.0, gt=0, le=1000, description="from division to division of a cell that is fed (h)")
    dissolution: float = Field(0.0, ge=0, le=10, description="rate at which the volume of dead cells is lost (1/h)")
    repulsion: float = Field(4.0, gt=0, le=100, description="at which cells push each other out of the way (1/h)")
    adhesion: float = Field(1.2, ge=0, le=100, description="at which cells that are near pull each other (1/h)")
    time_step: float = Field(0.05, gt=0, le=10, description="of the cells (h)")

    diffusion: float = Field(4e5, gt=0, le=1e8, description="of the nutrient; 3600 is 1 µm²/s (µm²/h)")
    penetration: float = Field(
        60.0, gt=0, le=1000, description="over which living cells take up all of the nutrient but 1/e (µm)"
    )
    growth_threshold: float = Field(
        0.45, ge=0, lt=1, description="nutrient below which a cell does not grow, over that in the medium (1)"
    )
    death_threshold: float = Field(
        0.25, ge=0, lt=1, description="nutrient below which a cell dies, over that in the medium (1)"
    )
    box: float = Field(30.0, ge=5, le=500, description="edge of the boxes in which the nutrient diffuses (µm)")
    turn: float = Field(2.0, gt=0, le=48, description="after which cells and nutrient look at each other again (h)")

    shells: int = Field(15, ge=4, le=60, description="of the radial profiles that are the macro state (1)")
    healing: float = Field(2.0, ge=0, le=96, description="beginning of a burst that its slope leaves out (h)")
    burst: float = Field(4.0, gt=0, le=96, description="of the cells, before a leap (h)")
    leap: float = Field(16.0, gt=0, le=240, description="from the beginning of a burst to that of the next (h)")
    replicas: int = Field(1, ge=1, le=100, description="populations of which a burst is the mean (1)")

    @property
    def growth_rate(self) -> float:
        """Of the cells that are fed (1/h)."""
        return log(2) / self.cycle

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.radius_start < 2 * self.diameter:
            raise ValueError(
                f"`radius_start` must be two cells or more, {2 * self.diameter:g} µm: got {self.radius_start:g}. "
                "A spheroid, and the domain around it, is larger than a cell."
            )
        if self.radius_end <= self.radius_start:
            raise ValueError(
                f"`radius_end` must exceed `radius_start`: got {self.radius_end:g} and {self.radius_start:g} µm."
            )
        if self.death_threshold > self.growth_threshold:
            raise ValueError(
                f"`death_threshold` must not exceed `growth_threshold`: got {self.death_threshold:g} and "
                f"{self.growth_threshold:g}. A cell rests before it starves."
            )
        if self.box > self.penetration:
            raise ValueError(
                f"`box` must not exceed `penetration`, over which the nutrient falls: got {self.box:g} and "
                f"{self.penetration:g} µm. Take boxes of half of it."
            )
        largest = Mechanics(self.repulsion, self.adhesion).largest_step(3)
        if self.time_step > largest:
            raise ValueError(
                f"`time_step` must be at most {largest:.4g} h, else the springs between cells are unstable: got "
                f"{self.time_step:g}. Take that or less, or lower `repulsion`."
            )
        if not self.healing < self.burst < self.leap:
            raise ValueError(
                f"`healing`, `burst` and `leap` must be in that order: got {self.healing:g}, {self.burst:g} and "
                f"{self.leap:g} h."
            )
        self._check_turns()
        return self

    def _check_turns(self) -> None:
        for name, unit, of in (
            ("turn", self.time_step, "`time_step`"),
            ("healing", self.turn, "`turn`"),
            ("burst", self.turn, "`turn`"),
            ("leap", self.turn, "`turn`"),
        ):
            times = getattr(self, name) / unit
            if abs(times - round(times)) > _WHOLE * max(times, 1.0):
                near = max(round(times), 1) * unit
                raise ValueError(
                    f"`{name}` must be a multiple of {of}, {unit:g} h: got {getattr(self, name):g}. Take {near:g}."
                )
