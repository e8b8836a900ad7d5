"""What the tissue around a source of morphogen can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "MorphogenSettings"]

QUICK: Mapping[str, Any] = {"width": 80, "points": 3, "hours": 240.0, "key_sets": 2}


class MorphogenSettings(SettingsGroup):
    """A strip of tissue beside a source of morphogen; all rates of cells are per cell."""

    length: float = Field(300.0, gt=0, le=1e5, description="length of the tissue, away from the source (µm)")
    diameter: float = Field(20.0, gt=0, le=1e3, description="diameter of a cell, the width of a site (µm)")
    width: int = Field(160, ge=20, le=100_000, description="width of the tissue (cells)")
    diffusion: float = Field(3600.0, gt=0, le=1e7, description="of the morphogen; 1 µm²/s is 3600 (µm²/h)")
    decay: float = Field(0.5, gt=0, le=1e3, description="of the morphogen, by itself (1/h)")
    uptake: float = Field(2.0, ge=0, le=1e4, description="rate at which a cell clears the site it fills (1/h)")
    source: float = Field(
        400.0, gt=0, le=1e7, description="source strength: morphogen that comes in through the side (nM µm/h)"
    )
    half_signal: float = Field(
        1.0, gt=0, le=1e6, description="concentration at which a cell divides half as often as it could (nM)"
    )
    chemotaxis: float = Field(
        0.5, ge=0, le=100, description="how strongly hops lean up a difference between two sites (1/nM)"
    )
    motility: float = Field(3.0, gt=0, le=1e3, description="attempts of a cell to hop to a site beside it (1/h)")
    proliferation: float = Field(0.12, gt=0, le=10, description="attempts of a cell to divide, if it had all (1/h)")
    death: float = Field(0.04, gt=0, le=10, description="rate at which a cell dies (1/h)")
    modes: int = Field(3, ge=1, le=20, description="cosine modes of density in the macro state (1)")
    replicas: int = Field(8, ge=8, le=10_000, description="populations in a burst (1)")
    key_sets: int = Field(3, ge=2, le=50, description="sets of random numbers for the steady state (1)")
    healing: float = Field(12.0, ge=0, le=1e4, description="part of a burst that is left out (h)")
    duration: float = Field(20.0, gt=0, le=1e4, description="of a burst after that (h)")
    step: float = Field(4.0, gt=0, le=100, description="from one look of cells and field at each other to the next (h)")
    weakest: float = Field(200.0, gt=0, le=1e7, description="source strength at which the branch ends (nM µm/h)")
    points: int = Field(6, ge=2, le=200, description="about how many points the branch is to have (1)")
    hours: float = Field(400.0, gt=0, le=1e6, description="of the direct simulation of all cells; a third settles (h)")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.diameter * max(self.modes, 4) > self.length:
            raise ValueError(
                f"The tissue must be at least {max(self.modes, 4)} cells long, one for each mode: got "
                f"length={self.length:g} µm with cells of {self.diameter:g} µm. Lengths are in µm."
            )
        if not self.death < self.proliferation:
            raise ValueError(
                f"`death` must be below `proliferation`, or the tissue dies out: got {self.death:g} and "
                f"{self.proliferation:g}."
            )
        if not self.weakest < self.source:
            raise ValueError(
                f"The branch goes down from `source`, so `weakest` must be below: got weakest={self.weakest:g} and "
                f"source={self.source:g}."
            )
        for name in ("healing", "duration", "hours"):
            whole = round(getattr(self, name) / self.step) * self.step
            if abs(whole - getattr(self, name)) > 1e-9 * getattr(self, name):
                raise ValueError(
                    f"`{name}` must be a multiple of the step {self.step:g} h: got {getattr(self, name):g}. Take "
                    f"{max(whole, self.step):g}."
                )
        if self.step > (longest := self.longest_step):
            raise ValueError(
                f"`step` must be at most {longest:.3g} h, in which a cell hops as far as the signal reaches: got "
                f"{self.step:g}."
            )
        return self

    @property
    def longest_step(self) -> float:
        """In which a cell that hops freely goes as far as a signal reaches among cells (h)."""
        span = self.diffusion / (self.decay + self.uptake)
        return 4 * span / (self.motility * self.diameter**2)

    @property
    def columns(self) -> int:
        """Sites along the tissue."""
        return round(self.length / self.diameter)
