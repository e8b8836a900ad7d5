"""What the wound can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "WoundSettings"]

Ratio = Annotated[float, Field(ge=3, le=1e4)]
Width = Annotated[int, Field(ge=20, le=100_000)]

QUICK: Mapping[str, Any] = {"width": 60, "ratios": [100.0], "widths": [60], "sampled": 240}

_MOST = 2000  # cells along the field


class WoundSettings(SettingsGroup):
    """A strip of tissue with a gap, one cell diameter to a site."""

    length: float = Field(1900.0, gt=0, le=1e6, description="length of the field, across the gap (µm)")
    gap: float = Field(900.0, gt=0, le=1e6, description="width of the gap at half the density of its sides (µm)")
    edge: float = Field(50.0, gt=0, le=1e5, description="length over which the edges of the gap fall off (µm)")
    bulk: float = Field(0.8, gt=0, le=1, description="density beside the gap at the start (cells per site)")
    diameter: float = Field(20.0, gt=0, le=1e4, description="diameter of a cell, the width of a site (µm)")
    width: Width = Field(250, description="width of the strip (cells)")
    replicas: int = Field(
        4, ge=2, le=10_000, description="populations that are projected; how far they spread is the error (1)"
    )
    modes: int | None = Field(
        None, ge=2, le=1000, description="cosine modes of density; without it, as many as the front's width needs (1)"
    )
    burst: float = Field(0.2, gt=0, le=10, description="of a projection, in times between two hops of a cell (1)")
    healing: float = Field(0.1, ge=0, le=10, description="the part of it that is left out, in the same times (1)")
    ratios: Annotated[tuple[Ratio, ...], Field(min_length=1)] = Field(
        (30.0, 100.0, 300.0), description="of motility to proliferation, for which the gain is told (1)"
    )
    widths: Annotated[tuple[Width, ...], Field(min_length=1)] = Field(
        (125, 250, 500), description="of strips, for which the gain is told (cells)"
    )
    sampled: int = Field(
        1000, ge=40, le=10_000_000, description="cells across all projected strips together, for the gain (1)"
    )
    table: bool = Field(False, description="whether a table of single cells is kept at the start, half closure and end")

    @model_validator(mode="after")
    def _cells_fit(self) -> Self:
        if self.diameter * 8 > self.length:
            raise ValueError(
                f"The field must be at least eight cells long: got length={self.length:g} µm with cells of "
                f"{self.diameter:g} µm. Lengths are in µm."
            )
        if self.columns > _MOST:
            raise ValueError(
                f"The field must be at most {_MOST} cells long: got length={self.length:g} µm with cells of "
                f"{self.diameter:g} µm. Take a shorter field, or larger cells."
            )
        if self.gap + 4 * self.edge > self.length:
            raise ValueError(
                f"The gap and its edges must fit into the field: got gap={self.gap:g} and edge={self.edge:g} in "
                f"{self.length:g} µm. Take a longer field or a smaller gap."
            )
        if not self.healing < self.burst:
            raise ValueError(
                f"`burst` must be longer than the `healing` in it: got {self.burst:g} and {self.healing:g}."
            )
        return self

    @property
    def columns(self) -> int:
        """Sites along the field."""
        return round(self.length / self.diameter)
