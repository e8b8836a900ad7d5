"""What the reaction scenario can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eqfree.settings import ScenarioSettings, SettingsGroup

__all__ = ["BURST", "EnzymeSettings", "FrontSettings", "ProjectionSettings", "Settings"]

PartName = Literal["network", "enzyme", "front"]
Separation = Annotated[float, Field(ge=1e-5, le=0.02)]
Steps = Annotated[int, Field(ge=3, le=50)]

BURST = 2.0  #: how long a burst of the enzyme is, in times of binding
_BURSTS = 4  # of a step of the enzyme
_ROOM = 4.0  # that a front needs on either side of its place, in lengths sqrt(D / rate)
_SPEED = 0.36  # of the front, a little above the exact one


class ProjectionSettings(SettingsGroup):
    """How the network is projected; what is not given comes from the rates of its rate equations."""

    duration: float | None = Field(
        None, gt=0, description="time over which the network is followed; without it, what suits it (its unit of time)"
    )
    step: float | None = Field(
        None, gt=0, description="time from one projected state to the next (the network's unit of time)"
    )
    burst: float | None = Field(None, gt=0, description="how long each burst is (the network's unit of time)")
    healing: float | None = Field(
        None, ge=0, description="part of a burst that is thrown away (the network's unit of time)"
    )


class EnzymeSettings(SettingsGroup):
    """An enzyme that binds and lets go 1/ε times faster than it works."""

    separations: Annotated[tuple[Separation, ...], Field(min_length=1)] = Field(
        (1e-2, 1e-3, 1e-4), description="ε, time of binding over time of turnover (1)"
    )
    volume: float = Field(1000.0, ge=50, le=1e5, description="molecules of enzyme, half as many as of substrate (1)")
    duration: float = Field(4.0, ge=1, le=20, description="turnover times over which it is followed (1)")
    steps: Annotated[tuple[Steps, ...], Field(min_length=1)] = Field(
        (4, 8, 16), description="how many projected steps; the picture shows error against cost for each (1)"
    )
    replicas: int = Field(8, ge=2, le=1000, description="populations, each by itself (1)")
    checked_steps: int = Field(8, ge=3, le=50, description="of the numbers of steps, the one that is checked (1)")

    @model_validator(mode="after")
    def _bursts_fit(self) -> Self:
        bursts = _BURSTS * BURST * max(self.separations)
        most = max(self.steps)
        if self.checked_steps not in self.steps:
            raise ValueError(
                f"`checked_steps` must be one of the numbers of steps {', '.join(map(str, self.steps))}: got "
                f"{self.checked_steps}. Add it to `steps`, or check one of them."
            )
        if not self.duration / most > bursts:
            raise ValueError(
                f"A step must be longer than its {_BURSTS} bursts of {BURST:g} times of binding, {bursts:g}: got "
                f"{most} steps in {self.duration:g}. Take fewer `steps`, smaller `separations` or a longer `duration`."
            )
        return self


class FrontSettings(SettingsGroup):
    """A front of molecules that invade an empty line of voxels."""

    voxels: int = Field(60, ge=20, le=1000, description="voxels of the line (1)")
    spacing: float = Field(0.5, ge=0.1, le=1.0, description="width of a voxel, in lengths sqrt(D / rate) (1)")
    volume: float = Field(250.0, ge=50, le=1e5, description="molecules in a voxel behind the front (1)")
    duration: float = Field(20.0, ge=5, le=500, description="time over which it is followed, in 1 / rate (1)")
    replicas: int = Field(12, ge=2, le=1000, description="populations (1)")

    @model_validator(mode="after")
    def _front_stays_on_the_line(self) -> Self:
        length = self.voxels * self.spacing
        needed = max(4 * _ROOM, (_SPEED * self.duration + _ROOM) * 4 / 3)
        if length < needed:
            raise ValueError(
                f"The front must stay on its line, which begins a quarter from its end: got {self.voxels} voxels of "
                f"{self.spacing:g}, {length:g} long, where {needed:.3g} are needed in {self.duration:g}. Take more "
                "`voxels`, or a shorter `duration`."
            )
        return self


class Settings(ScenarioSettings):
    """Reacting molecules, projected beside exact simulation."""

    quick: ClassVar[Mapping[str, Any]] = {
        "replicas": 8,
        "enzyme.separations": [1e-2],
        "enzyme.steps": [8],
        "front.voxels": 50,
        "front.duration": 10.0,
        "front.volume": 100.0,
        "front.replicas": 12,
        "cycles": 100,
        "populations": 200,
    }

    parts: Annotated[tuple[PartName, ...], Field(min_length=1)] = Field(
        ("network", "enzyme", "front"), description="what to compute, in this order"
    )
    network: str = Field(
        "brusselator",
        min_length=1,
        description="which network is projected: brusselator, michaelis_menten, schlogl, co_oxidation, or a file",
    )
    volume: float | None = Field(
        None,
        ge=1e-30,
        le=1e30,
        description="molecules of the network per unit of concentration; without it, 1000 for the brusselator, 10 for "
        "schlogl, and else so many that there are 1000 of the most abundant species",
    )
    replicas: int = Field(32, ge=2, le=10_000, description="populations of the network (1)")
    cycles: int = Field(600, ge=100, le=20_000, description="cycles of the brusselator whose period is read (1)")
    populations: int = Field(
        1000, ge=100, le=100_000, description="populations of schlogl whose law is compared with the exact one (1)"
    )
    projection: ProjectionSettings = Field(ProjectionSettings(), description="how the network is projected")
    enzyme: EnzymeSettings = Field(EnzymeSettings(), description="the stiff enzyme")
    front: FrontSettings = Field(FrontSettings(), description="the front in voxels")
