"""What the composite can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eqfree.settings import ScenarioSettings, SettingsGroup

__all__ = ["BarSettings", "Settings", "SinkSettings", "WalkerSettings"]

PartName = Literal["tensor", "balance", "bar", "windows", "sink"]
MicrostructureName = Literal["laminate", "cylinders", "ellipses", "checkerboard", "random_disks", "image"]
Conductivity = Annotated[float, Field(gt=0, le=1e6)]
Capacity = Annotated[float, Field(gt=0, le=1e9)]
Share = Annotated[float, Field(gt=0, lt=1)]
Periods = Annotated[float, Field(ge=1, le=20)]
Ratio = Annotated[int, Field(ge=2, le=256)]

_USED_BY = {
    "volume_fraction": ("laminate", "cylinders", "ellipses", "random_disks"),
    "aspect": ("ellipses",),
    "grading": ("checkerboard",),
    "disks": ("random_disks",),
}
_PER_PERIOD = 12  # elements of a window's mesh
_WALKED = ("laminate", "cylinders", "random_disks")


class WalkerSettings(SettingsGroup):
    """Random walkers as the micro-solver."""

    walkers: int = Field(750, ge=10, le=10_000_000, description="in each replica (1)")
    replicas: int = Field(16, ge=8, le=10_000, description="from whose spread the standard error is (1)")


class BarSettings(SettingsGroup):
    """A bar whose phases conduct differently at different temperatures, between two ends."""

    cold: float = Field(300.0, gt=0, le=5000, description="temperature of one end (K)")
    hot: float = Field(400.0, gt=0, le=5000, description="of the other (K)")
    slopes: tuple[float, float] = Field(
        (5e-3, -2e-4), description="relative change of both conductivities per kelvin above the cold end (1/K)"
    )
    elements: int = Field(16, ge=2, le=1000, description="along the bar (1)")


class SinkSettings(SettingsGroup):
    """A heat sink whose layers turn and thin across it, heated by a chip on its left side and cooled on the others."""

    ratios: Annotated[tuple[Ratio, ...], Field(min_length=1)] = Field(
        (16, 32, 64), description="widths of the part in periods of its layers (1)"
    )
    conductivities: tuple[Conductivity, Conductivity] = Field(
        (401.0, 50.0), description="of matrix and inclusion: copper and steel (W/(m K))"
    )
    capacities: tuple[Capacity, Capacity] = Field(
        (3.45e6, 3.85e6), description="of matrix and inclusion, by volume (J/(m³ K))"
    )
    fractions: tuple[Share, Share] = Field(
        (0.3, 0.7), description="of the inclusion at the lower left and the upper right (1)"
    )
    turning: float = Field(60.0, ge=0, lt=85, description="of the layers from the foot to the top (degree)")
    width: float = Field(0.1, gt=0, le=100, description="of the part (m)")
    height: float = Field(0.1, gt=0, le=100, description="of the part (m)")
    inflow: float = Field(5e4, gt=0, le=1e9, description="of heat from the chip (W/m²)")
    exchange: float = Field(300.0, gt=0, le=1e7, description="coefficient of the cooling (W/(m² K))")
    ambient: float = Field(300.0, gt=0, le=5000, description="temperature around (K)")
    elements: int = Field(6, ge=2, le=200, description="of the coarse mesh along a side (1)")
    rows: int = Field(24, ge=4, le=400, description="of the resolved mesh from foot to top (1)")
    duration: float = Field(1200.0, gt=0, le=1e9, description="over which it is followed, if transient (s)")
    steps: int = Field(12, ge=1, le=10_000, description="in which it is followed, if transient (1)")


class Settings(ScenarioSettings):
    """A composite of two phases: its microstructure, and what is made of it."""

    quick: ClassVar[Mapping[str, Any]] = {
        "refinement": 8,
        "realisations": 4,
        "levels": 3,
        "windows": [1.0, 1.25, 2.0, 2.25],
        "bar.elements": 8,
        "sink.ratios": [8, 16],
        "sink.rows": 12,
        "walkers.replicas": 8,
    }

    parts: Annotated[tuple[PartName, ...], Field(min_length=1)] = Field(
        ("tensor", "balance", "bar", "windows", "sink"), description="what to compute, in this order"
    )
    microstructure: MicrostructureName = Field(
        "laminate", description="of the composite, for the parts tensor, bar and, if it is an image, windows"
    )
    image: str | None = Field(
        None, description="PNG file of two grey values, bright is the inclusion; by default one that is drawn by chance"
    )
    conductivities: tuple[Conductivity, Conductivity] = Field(
        (0.2, 401.0), description="of matrix and inclusion, for the same parts: plastic and copper (W/(m K))"
    )
    volume_fraction: float = Field(0.5, gt=0, lt=1, description="of the inclusion, where the picture does not tell (1)")
    angle: float = Field(
        0.0, ge=-360, le=360, description="of the layers' normal, or the ellipses' long axis, to the x axis (degree)"
    )
    aspect: float = Field(2.0, ge=1, le=20, description="of the ellipses: long over short axis (1)")
    grading: float | None = Field(
        None,
        ge=1,
        le=12,
        description="of the checkerboard's mesh to its corners, 1 is even; by default what they ask for (1)",
    )
    disks: int = Field(12, ge=1, le=1000, description="random ones in a period (1)")
    realisations: int = Field(8, ge=2, le=10_000, description="of random disks (1)")
    refinement: int | None = Field(
        None, ge=4, le=400, description="elements along a period, by default 16; a pixel of an image is always one (1)"
    )
    degree: Literal[1, 2] = Field(2, description="of the finite elements, in cells and parts (1)")
    levels: int = Field(4, ge=2, le=8, description="of refinement, of mesh and micro-solver, in the part balance (1)")
    micro: Literal["cell", "walkers"] = Field(
        "cell", description="what answers: the cell problem by finite elements, or random walkers"
    )
    windows: Annotated[tuple[Periods, ...], Field(min_length=1)] = Field(
        (1.0, 1.25, 2.0, 2.25, 4.0, 4.25), description="sides of the windows, multiples of 1/12 (period)"
    )
    transient: bool = Field(False, description="whether the heat sink is also followed while it warms up")
    walkers: WalkerSettings = Field(WalkerSettings(), description="how walkers are watched")
    bar: BarSettings = Field(BarSettings(), description="the bar between two temperatures")
    sink: SinkSettings = Field(SinkSettings(), description="the heat sink")

    def _told(self, name: str) -> bool:
        return bool(getattr(self, name) != type(self).model_fields[name].default)

    @model_validator(mode="after")
    def _parts_are_named_once(self) -> Self:
        if len(set(self.parts)) < len(self.parts):
            raise ValueError(f"`parts` must name each part once: got {','.join(self.parts)}.")
        return self

    @model_validator(mode="after")
    def _windows_fit_their_mesh(self) -> Self:
        if odd := [size for size in self.windows if abs(size * _PER_PERIOD - round(size * _PER_PERIOD)) > 1e-9]:
            raise ValueError(f"`windows` must be multiples of 1/{_PER_PERIOD} period: got {odd[0]:g}.")
        return self

    @model_validator(mode="after")
    def _walkers_know_the_medium(self) -> Self:
        if self.micro == "walkers" and self.microstructure not in _WALKED:
            raise ValueError(
                f"`micro=walkers` knows {', '.join(_WALKED)}: got microstructure={self.microstructure}. "
                "Ask the cell problem, micro=cell."
            )
        return self

    @model_validator(mode="after")
    def _the_bar_has_a_hot_end(self) -> Self:
        if not self.bar.cold < self.bar.hot:
            raise ValueError(
                f"`bar.hot` must be above `bar.cold`: got {self.bar.hot:g} and {self.bar.cold:g} K. Exchange them."
            )
        return self

    @model_validator(mode="after")
    def _what_is_told_is_used(self) -> Self:
        idle = [name for name, users in _USED_BY.items() if self.microstructure not in users and self._told(name)]
        if idle:
            raise ValueError(
                f"`{idle[0]}` means nothing to microstructure={self.microstructure}, only to "
                f"{', '.join(_USED_BY[idle[0]])}. Leave it out."
            )
        if self.image is not None and self.microstructure != "image":
            raise ValueError(
                f"`image` is read by microstructure=image only: got microstructure={self.microstructure}. "
                "Set it, or leave `image` out."
            )
        return self
