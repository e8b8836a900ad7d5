"""What the runaway can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "RunawaySettings"]

QUICK: Mapping[str, Any] = {"elements": 6, "points": 18, "farthest": 45.0, "precision": 0.1}


class RunawaySettings(SettingsGroup):
    """How the branch of steady states of the bar is followed, and of the reference devices beside it."""

    elements: int = Field(10, ge=4, le=100, description="along a bar (1)")
    film_elements: int = Field(6, ge=2, le=50, description="across the film (1)")
    points: int = Field(30, ge=5, le=1000, description="most points of a branch (1)")
    precision: float = Field(
        0.02, ge=1e-3, le=0.2, description="of the conductivity of the reference ions, in its logarithm (1)"
    )
    farthest: float = Field(
        60.0, gt=5, le=1000, description="by which a branch goes on above the surroundings, at most (K)"
    )
