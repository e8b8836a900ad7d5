"""What the growth of an even population can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "CoarseName", "GrowthSettings"]

CoarseName = Literal["density", "density_and_pairs"]
Ratio = Annotated[float, Field(ge=0.1, le=1e3)]

QUICK: Mapping[str, Any] = {"ratios": [1.0], "side": 60, "replicas": 16, "diagnosed": 16, "fronts": []}

_FEWEST = 50  # cells at the start, so that no population has none


class GrowthSettings(SettingsGroup):
    """A square of tissue without ends, with so few cells that daughters beside their mothers matter."""

    side: int = Field(100, ge=20, le=2000, description="width of the square (cells)")
    density: float = Field(0.05, gt=0, lt=0.5, description="at the start, each site independently (cells per site)")
    ratios: Annotated[tuple[Ratio, ...], Field(min_length=1)] = Field(
        (1.0, 10.0, 100.0), description="of motility to proliferation (1)"
    )
    time: float = Field(4.0, gt=0, le=20, description="over which it grows, in mean times between divisions (1)")
    replicas: int = Field(24, ge=4, le=10_000, description="populations (1)")
    diagnosed: int = Field(96, ge=8, le=10_000, description="populations with which it is diagnosed (1)")
    tolerance: float = Field(
        0.02, gt=0, lt=0.5, description="relative error of a slope from which on a macro state does not close (1)"
    )
    fronts: tuple[Ratio, ...] = Field(
        (1.0, 10.0), description="of motility to proliferation, for which a front into an empty strip is followed (1)"
    )
    front_replicas: int = Field(4, ge=2, le=1000, description="strips with such a front (1)")
    pairs_at: float = Field(
        0.21, gt=0, lt=1, description="density at which the growth rate is read with and without pairs (cells per site)"
    )

    @model_validator(mode="after")
    def _there_are_cells(self) -> Self:
        if self.density * self.side**2 < _FEWEST:
            raise ValueError(
                f"There must be about {_FEWEST} cells at the start: got density={self.density:g} on side={self.side}, "
                f"{self.density * self.side**2:.2g}. Take a larger side, or a higher density."
            )
        if len(set(self.ratios)) < len(self.ratios):
            raise ValueError(f"`ratios` must name each ratio once: got {', '.join(f'{one:g}' for one in self.ratios)}.")
        return self
