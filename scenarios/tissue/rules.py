"""What a cell of the tissue does, as the settings of the scenario say."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from agents.cells import CellType, Sampler, by_column, independent
from eqfree.settings import ScenarioSettings

__all__ = ["CellRules", "SamplerName", "sampler_of"]

SamplerName = Literal["by_column", "independent"]

_SAMPLERS: dict[str, Sampler] = {"by_column": by_column, "independent": independent}


class CellRules(ScenarioSettings):
    """Rates of a cell on a lattice, per day."""

    motility: float = Field(30.0, gt=0, le=1e4, description="attempts of a cell to hop to a site beside it (1/day)")
    proliferation: float = Field(0.1, ge=0, le=100, description="attempts of a cell to divide (1/day)")
    death: float = Field(0.0, ge=0, le=100, description="rate at which a cell dies (1/day)")
    adhesion: float = Field(
        0.0, ge=0, lt=1, description="share of its motility that each cell beside it takes from a cell (1)"
    )
    sampler: SamplerName = Field(
        "by_column", description="how cells are placed: systematic along the columns, or each site independently"
    )

    @model_validator(mode="after")
    def _cells_survive(self) -> Self:
        if self.death and self.death >= self.proliferation:
            raise ValueError(
                f"`death` must be below `proliferation`, or the tissue dies out: got death={self.death:g} with "
                f"proliferation={self.proliferation:g}."
            )
        return self

    @property
    def cell(self) -> CellType:
        """The type of the cells."""
        return CellType(self.motility, self.proliferation, self.death, self.adhesion)

    @property
    def capacity(self) -> float:
        """The density at which as many cells die as are born, if they are independent of each other."""
        return 1 - self.death / self.proliferation if self.death else 1.0


def sampler_of(name: SamplerName) -> Sampler:
    """The sampler of a name.

    >>> sampler_of("independent").__name__
    'independent'
    """
    return _SAMPLERS[name]
