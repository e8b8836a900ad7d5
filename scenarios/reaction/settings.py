"""What the reaction scenario can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eqfree.settings import ScenarioSettings, SettingsGroup

__all__ = [
    "BURST",
    "BranchSettings",
    "EnzymeSettings",
    "FrontSettings",
    "OscillationSettings",
    "ProjectionSettings",
    "Settings",
]

PartName = Literal["network", "enzyme", "front", "branch", "oscillation"]
BranchName = Literal["co_oxidation", "schlogl"]
OscillatorName = Literal["brusselator", "catalyst"]
Volume = Annotated[float, Field(ge=50, le=1e5)]
Separation = Annotated[float, Field(ge=1e-5, le=0.02)]
Steps = Annotated[int, Field(ge=3, le=50)]

BURST = 2.0  #: how long a burst of the enzyme is, in times of binding
_BURSTS = 4  # of a step of the enzyme
_ROOM = 4.0  # that a front needs on either side of its place, in lengths sqrt(D / rate)
_SPEED = 0.36  # of the front, a little above the exact one
_REACTIONS = 2e10  # of all bursts of a branch
_EVALUATIONS = 800, 40  # about so many of the coarse map, along a branch and for each set of random numbers
_RATES = 2.0, 6e3  # reactions per time and molecule per concentration of 1, of co_oxidation and schlogl


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


class BranchSettings(SettingsGroup):
    """Branches of steady states: co_oxidation over the rate β of dissociate, schlogl over that of its feed."""

    networks: Annotated[tuple[BranchName, ...], Field(min_length=1)] = Field(
        ("co_oxidation", "schlogl"), description="which networks"
    )
    sites: float = Field(1e5, ge=1e3, le=1e8, description="sites of the surface of co_oxidation (1)")
    start: float = Field(
        9.5, ge=2.7, le=9.5, description="β where the branch of co_oxidation begins, on the side of oxygen (1/s)"
    )
    duration: float = Field(1.0, ge=0.1, le=10, description="of a burst of co_oxidation, after healing (s)")
    healing: float = Field(
        0.0,
        ge=0,
        le=2,
        description="of co_oxidation; all its molecules are in the macro state, so that none is needed (s)",
    )
    volume: float = Field(
        60.0, ge=10, le=1e6, description="molecules of schlogl per unit of concentration; noise is as one over it (1)"
    )
    schlogl_duration: float = Field(0.25, ge=0.02, le=2, description="of a burst of schlogl (its unit of time)")
    replicas: int = Field(8, ge=8, le=10_000, description="populations along a branch (1)")
    fold_replicas: int = Field(
        24, ge=8, le=10_000, description="populations of each set of random numbers at a fold (1)"
    )
    key_sets: int = Field(
        8, ge=2, le=100, description="sets of random numbers at a fold: its interval is that of their spread (1)"
    )
    difference: float = Field(
        0.05,
        gt=0,
        le=0.5,
        description="of differences, in units of 0.05 of all sites and 200 of the concentration X (1)",
    )
    sweep_places: int = Field(16, ge=3, le=1000, description="values of β on the way up, and down again (1)")
    sweep_duration: float = Field(20.0, gt=0, le=1e4, description="of the sweep at each of them (s)")
    sweep_replicas: int = Field(2, ge=1, le=1000, description="populations that are swept, each by itself (1)")

    @model_validator(mode="after")
    def _ends(self) -> Self:
        evaluations = _EVALUATIONS[0] * self.replicas + _EVALUATIONS[1] * self.key_sets * self.fold_replicas
        surface = _RATES[0] * self.sites * (self.duration + self.healing) * evaluations
        schlogl = _RATES[1] * self.volume * self.schlogl_duration * evaluations
        swept = _RATES[0] * self.sites * 2 * self.sweep_places * self.sweep_replicas * self.sweep_duration
        for name, reactions, what in (
            ("co_oxidation", surface + swept, "`branch.sites`"),
            ("schlogl", schlogl, "`branch.volume`"),
        ):
            if name in self.networks and reactions > _REACTIONS:
                raise ValueError(
                    f"A branch must take less than about {_REACTIONS:g} reactions: got {reactions:.2g} for {name}. "
                    f"Take smaller {what}, fewer replicas or sets of random numbers, or shorter bursts."
                )
        return self

    @model_validator(mode="after")
    def _folds_are_seen_better(self) -> Self:
        if self.fold_replicas < self.replicas:
            raise ValueError(
                f"There must be as many populations at a fold as along the branch: got branch.fold_replicas="
                f"{self.fold_replicas} with branch.replicas={self.replicas}. Raise the former, or lower the latter."
            )
        return self


class OscillationSettings(SettingsGroup):
    """Hopf points and cycles: the brusselator over B, and a catalyst with an inert adsorbate over its rate β."""

    networks: Annotated[tuple[OscillatorName, ...], Field(min_length=1)] = Field(
        ("brusselator", "catalyst"), description="which networks"
    )
    volumes: Annotated[tuple[Volume, ...], Field(min_length=1)] = Field(
        (100.0, 300.0, 1000.0),
        description="molecules of the brusselator per unit of concentration whose period is read; the Hopf point is "
        "that of the largest (1)",
    )
    duration: float = Field(
        0.3, ge=0.05, le=3, description="of a burst of the brusselator; noise shifts its Hopf point with it (time)"
    )
    difference: float = Field(0.1, gt=0, le=0.5, description="of differences of the brusselator (concentration)")
    replicas: int = Field(64, ge=8, le=10_000, description="populations along the branch (1)")
    hopf_replicas: int = Field(
        128, ge=8, le=10_000, description="populations of each set of random numbers at the Hopf point (1)"
    )
    key_sets: int = Field(4, ge=2, le=100, description="sets of random numbers at the Hopf point (1)")
    cycle_replicas: int = Field(48, ge=8, le=10_000, description="populations that go round cycles (1)")
    cycle_difference: float = Field(
        0.3, gt=0, le=1, description="of differences between cycles, where they cross the section (concentration)"
    )
    returns: int = Field(8, ge=1, le=1000, description="cycles of each population whose period is read (1)")
    path_sites: float = Field(2e4, ge=1e3, le=1e7, description="sites of the catalyst whose paths are drawn (1)")
    locate: bool = Field(
        False,
        description="whether the Hopf points of the catalyst are located by short bursts, in ten minutes or more",
    )
    sites: float = Field(1e5, ge=1e4, le=1e7, description="sites of the catalyst in these bursts (1)")
    catalyst_duration: float = Field(15.0, ge=2, le=60, description="of such a burst (s)")
    catalyst_replicas: int = Field(24, ge=8, le=10_000, description="populations of the catalyst (1)")
    catalyst_sets: int = Field(3, ge=1, le=100, description="sets of random numbers at its Hopf points (1)")
    catalyst_difference: float = Field(
        0.025, gt=0, le=0.5, description="of differences, in units of 0.1, 0.02 and 0.1 of all sites for A, B and C (1)"
    )


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
        "branch.networks": ["co_oxidation"],
        "branch.sites": 3e4,
        "branch.start": 3.0,
        "branch.volume": 20.0,
        "branch.key_sets": 4,
        "branch.fold_replicas": 12,
        "branch.sweep_places": 4,
        "branch.sweep_replicas": 1,
        "oscillation.volumes": [1000.0],
        "oscillation.replicas": 32,
        "oscillation.hopf_replicas": 64,
        "oscillation.cycle_replicas": 24,
        "oscillation.returns": 4,
        "oscillation.path_sites": 1e4,
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
    branch: BranchSettings = Field(BranchSettings(), description="branches of steady states, if that part is asked for")
    oscillation: OscillationSettings = Field(
        OscillationSettings(), description="Hopf points and cycles, if that part is asked for"
    )
