"""What the scenario of a front can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eqfree.settings import ScenarioSettings

__all__ = ["Settings"]

_MOST = 800  # cells


class Settings(ScenarioSettings):
    """A front between rest and excitation on a line of lattice Boltzmann cells, over ε, the rate of its inhibitor."""

    quick: ClassVar[Mapping[str, Any]] = {"cells": 60, "points": 20}

    cells: int = Field(100, ge=40, le=_MOST, description="cells of the line, an even number (1)")
    grids: int = Field(
        1, ge=1, le=3, description="grids on which Hopf point and fold are found, each of twice as many cells (1)"
    )
    weight: float = Field(
        1 / 3, ge=0.05, le=0.45, description="share of the particles in equilibrium that move to either side (1)"
    )
    lifting: Literal["gradient", "equilibrium"] = Field(
        "gradient",
        description="particles that are lifted: gradient, flowing as diffusion has it, or equilibrium, at rest",
    )
    horizon: float = Field(20.0, ge=5, le=60, description="of a burst, below half a period of the front (time)")
    healing: float = Field(
        0.0,
        ge=0,
        le=20,
        description="thrown away of every burst of a steady front; needs a dense derivative, since short waves die "
        "meanwhile (relaxation times of the particles)",
    )
    points: int = Field(30, ge=15, le=400, description="about how many points the branch of fronts is to have (1)")
    cycles: bool = Field(True, description="whether the oscillations beyond the Hopf point are followed, too")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.cells % 2:
            raise ValueError(
                f"`cells` must be even, so that times are whole numbers of time steps: got {self.cells}. Take "
                f"{self.cells + 1}."
            )
        finest = self.cells * 2 ** (self.grids - 1)
        if finest > _MOST:
            raise ValueError(
                f"The finest of the grids may have {_MOST} cells: got {self.cells} cells on the first of {self.grids} "
                f"grids, which makes {finest}. Lower `cells` or `grids`."
            )
        return self
