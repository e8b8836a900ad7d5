"""What the polarisation can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "PolarisationSettings"]

QUICK: Mapping[str, Any] = {"columns": 10, "lifted": 60}


class PolarisationSettings(SettingsGroup):
    """A simple cubic lattice between two electrodes that let no ion pass."""

    columns: int = Field(16, ge=4, le=200, description="planes of sites from one electrode to the other (1)")
    width: int = Field(8, ge=3, le=200, description="sites along each edge of a plane (1)")
    filling: float = Field(0.4, gt=0, lt=1, description="share of the sites that is occupied (1)")
    drop: float = Field(
        3.0, gt=0, le=20, description="voltage between first and last plane, in units of kT over the charge (1)"
    )
    temperature: float = Field(300.0, gt=0, le=5000, description="of the ions (K)")
    relaxations: float = Field(6.0, ge=1, le=100, description="times of the slowest mode that are followed (1)")
    stages: int = Field(8, ge=2, le=40, description="of a step of the projection, one burst each (1)")
    burst: float = Field(
        0.02, gt=0, le=1, description="length of a burst, in times between two hops over a barrier (1)"
    )
    replicas: int = Field(32, ge=16, le=10_000, description="boxes that are projected, and as many that are not (1)")
    lifted: int = Field(200, ge=30, le=10_000, description="boxes by which healing is looked for (1)")
