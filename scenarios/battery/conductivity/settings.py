"""What the conductivity over temperature can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from eqfree.settings import SettingsGroup

__all__ = ["QUICK", "ConductivitySettings", "LatticeName"]

LatticeName = Literal[
    "simple_cubic", "body_centred_cubic", "face_centred_cubic", "diamond", "square", "triangular", "honeycomb"
]
Share = Annotated[float, Field(gt=0, lt=1)]

QUICK: Mapping[str, Any] = {
    "duration": 150.0,
    "tracer_hops": 2e5,
    "vacancy_hops": 4e6,
    "windows": 20_000,
    "concentrations": [0.2, 0.8],
}


class ConductivitySettings(SettingsGroup):
    """How long ions are watched: of the material, and of the ideal lattice beside it."""

    replicas: int = Field(32, ge=30, le=10_000, description="boxes with ions, from whose spread errors are had (1)")
    duration: float = Field(
        600.0, ge=20, le=1e6, description="for which each is watched, in mean times between two hops of an ion (1)"
    )
    cells: int | None = Field(
        None,
        ge=1,
        le=64,
        description="unit cells of the material along each axis; without it, enough for 27 sites, or more (1)",
    )
    vacancy_hops: float = Field(
        4e7, ge=1e5, le=1e11, description="hops of ions by which the correlation factor of one vacancy is read (1)"
    )
    fillings: tuple[Share, ...] = Field(
        (0.25, 0.5, 0.75), description="of the ideal lattice, at which its conductivity is known exactly (1)"
    )
    windows: int = Field(
        440_000,
        ge=1000,
        le=10**9,
        description="in which charge is read at each filling, in all boxes; half as many again in a plane (1)",
    )
    concentrations: tuple[Share, ...] = Field(
        (0.1, 0.3, 0.5, 0.7, 0.9), description="of the ideal lattice, at which the correlation factor is read (1)"
    )
    tracer_hops: float = Field(4e6, ge=1e4, le=1e10, description="hops of ions at each of these concentrations (1)")
