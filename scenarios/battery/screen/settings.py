"""What the screening of materials can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "ScreenSettings"]

Kelvin = Annotated[float, Field(ge=50, le=3000)]

QUICK: Mapping[str, Any] = {"precision": 0.1, "temperatures": [250.0, 400.0]}


class ScreenSettings(SettingsGroup):
    """Which materials, and how well each is known."""

    files: tuple[str, ...] = Field(
        (), description="materials: files in TOML, folders of them, or names; without any, all that come with eqfree"
    )
    temperatures: Annotated[tuple[Kelvin, ...], Field(min_length=2)] = Field(
        (250.0, 275.0, 325.0, 400.0), description="besides 300 K, from which the activation energy is had (K)"
    )
    precision: float = Field(
        0.035, ge=1e-4, le=0.3, description="wanted relative standard error of a conductivity, disorder apart (1)"
    )
    replicas: int = Field(32, ge=30, le=10_000, description="boxes with ions, from whose spread errors are had (1)")
