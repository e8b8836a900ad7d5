"""What the assay can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "AssaySettings"]

Inhibition = Annotated[float, Field(ge=0, le=4)]

QUICK: Mapping[str, Any] = {"bootstrap": 40, "design": 20, "replicas": 4}
"""Setting -> its value in a quick run."""


class AssaySettings(SettingsGroup):
    """A scratch assay whose later profiles are predicted from its earlier ones."""

    fitted_until: float = Field(
        36.0, gt=0, le=1000, description="last time of the data that cells are fitted to; later ones are predicted (h)"
    )
    field_height: float = Field(
        1430.0, ge=200, le=20_000, description="of the field of view, across the direction of the profile (µm)"
    )
    inhibitions: Annotated[tuple[Inhibition, ...], Field(min_length=1)] = Field(
        (0.0, 1.0, 2.0),
        description="strengths of contact inhibition to choose from, each with and without a delay of division (1)",
    )
    design: int = Field(48, ge=12, le=1000, description="parameters at which cells are simulated for the fit (1)")
    replicas: int = Field(
        8, ge=2, le=1000, description="populations that make the prediction; half as many at each of `design` (1)"
    )
    bootstrap: int = Field(200, ge=20, le=10_000, description="draws behind the intervals of the fit (1)")
    confidence: float = Field(0.9, ge=0.5, le=0.99, description="of the intervals, of parameters and profiles (1)")
