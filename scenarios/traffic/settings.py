"""What the traffic scenario can be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from agents.cars import Vehicle
from eqfree.settings import ScenarioSettings, SettingsGroup

__all__ = ["BottleneckSettings", "FleetSettings", "RoadSettings", "Settings", "SumoSettings"]

Model = Literal["idm", "safe_distance", "newell", "optimal_velocity", "nagel_schreckenberg", "sumo"]

PartName = Literal["diagram", "motorway", "bottleneck", "projection", "jam"]


def _is_share(share: float) -> float:
    if 0 < share < 0.005:
        raise ValueError(f"A truck share must be 0, or at least 0.005, a truck in two hundred vehicles: got {share:g}.")
    return share


def _are_different(parts: tuple[PartName, ...]) -> tuple[PartName, ...]:
    if len(set(parts)) < len(parts):
        raise ValueError(f"Every part is computed once: got {', '.join(parts)}. Name each once.")
    return parts


Share = Annotated[float, Field(ge=0, le=0.9), AfterValidator(_is_share)]


Densities = Annotated[tuple[Annotated[float, Field(ge=0.01)], ...], Field(min_length=1)]


class FleetSettings(SettingsGroup):
    """The cars, and how many of the vehicles are trucks."""

    truck_share: Share = Field(
        0.0, description="share of trucks (12 m long, 80 km/h, 2 s of headway) among the vehicles (1)"
    )
    desired_speed: float = Field(120.0, ge=10, le=300, description="speed of a car on an empty road (km/h)")
    time_headway: float = Field(1.6, ge=0.3, le=10, description="time that a car keeps to the vehicle ahead (s)")
    minimum_gap: float = Field(2.0, ge=0.1, le=50, description="room that a car leaves when standing (m)")
    acceleration: float = Field(0.73, ge=0.1, le=10, description="largest acceleration of a car; idm (m/s²)")
    deceleration: float = Field(1.67, ge=0.1, le=10, description="comfortable braking of a car; idm (m/s²)")
    length: float = Field(5.0, ge=1, le=50, description="length of a car (m)")
    sensitivity: float = Field(0.8, ge=0.1, le=10, description="relaxation rate of speeds; optimal_velocity (1/s)")
    slowdown: float = Field(0.25, ge=0, le=0.95, description="chance to dawdle in a second; nagel_schreckenberg (1)")

    @property
    def car(self) -> Vehicle:
        """A car in SI units."""
        return Vehicle(
            name="car",
            length=self.length,
            time_headway=self.time_headway,
            desired_speed=self.desired_speed / 3.6,
            minimum_gap=self.minimum_gap,
            acceleration=self.acceleration,
            deceleration=self.deceleration,
        )


class RoadSettings(SettingsGroup):
    """The long ring, on which uniform flow may break into stop-and-go."""

    length: float | None = Field(
        None, gt=0, le=100_000, description="length of the long ring (m); without it, what each density asks for"
    )
    cars: int | None = Field(
        None, ge=2, le=5_000, description="vehicles on the long ring; with a length too, that road is measured besides"
    )
    healing: float = Field(2000.0, ge=0, le=50_000, description="time given to waves to form before reading (s)")
    window: float = Field(1000.0, ge=10, le=50_000, description="time over which flow is read (s)")


class MotorwaySettings(SettingsGroup):
    """The ring road that is followed by a conservation law and by projection, beside every car."""

    length: float = Field(20_000.0, ge=2_000, le=200_000, description="length of the motorway ring (m)")
    duration: float = Field(1200.0, ge=60, le=7_200, description="time over which it is followed (s)")
    cell: float = Field(200.0, ge=100, le=2_000, description="width of a cell; must divide the length (m)")
    rings: int = Field(70, ge=20, le=1_000, description="rings of equal drivers that are asked for their flow (1)")

    def edges(self) -> NDArray[np.float64]:
        """The faces of the cells in m.

        Raises
        ------
        ValueError
            If the cells do not divide the ring.
        """
        cells = round(self.length / self.cell)
        if not (cells > 1 and abs(cells * self.cell - self.length) < 1e-9 * self.length):
            raise ValueError(
                f"Cells must divide the motorway: got motorway.cell={self.cell:g} m for motorway.length="
                f"{self.length:g} m. Take motorway.cell={self.length / max(cells, 2):g}."
            )
        return np.linspace(0.0, self.length, cells + 1)


class BottleneckSettings(SettingsGroup):
    """The open road on a part of which drivers keep more distance, and the rush hour that it has to pass."""

    length: float = Field(10_000.0, ge=1_000, le=50_000, description="length of the road with the bottleneck (m)")
    begin: float = Field(8_000.0, ge=0, le=100_000, description="where the bottleneck begins (m)")
    end: float = Field(9_000.0, ge=0, le=100_000, description="where it ends (m)")
    time_headway: float = Field(
        2.2,
        ge=1.6,
        le=10,
        description="time that a car keeps to the one ahead in the bottleneck; 1.6 elsewhere (s)",
    )
    capacity_drop: float = Field(
        0.1, ge=0, lt=1, description="share of the bottleneck's capacity that is lost while a queue stands (1)"
    )
    demand: float = Field(1_000.0, ge=0, le=10_000, description="arrivals before and after the rush (veh/h)")
    peak: float = Field(1_800.0, ge=0, le=10_000, description="arrivals at the peak of the rush (veh/h)")
    rush_begin: float = Field(600.0, ge=0, le=86_400, description="when the rush begins (s)")
    rush_end: float = Field(4_200.0, ge=0, le=86_400, description="when it is over; its peak is halfway (s)")
    duration: float = Field(7_200.0, ge=60, le=28_800, description="time over which the road is followed (s)")
    cell: float = Field(
        100.0,
        ge=25,
        le=2_000,
        description="width of a cell; must divide length, begin and end (m)",
    )

    def edges(self) -> NDArray[np.float64]:
        """The faces of the cells in m.

        Raises
        ------
        ValueError
            If the bottleneck does not lie on the road, arrivals before it, or the cells do not fit.
        """
        if not self.begin < self.end:
            raise ValueError(
                f"The bottleneck must begin before it ends: got bottleneck.begin={self.begin:g} m and bottleneck.end="
                f"{self.end:g} m. Exchange the two, or lengthen it."
            )
        if not 0 < self.begin < self.end <= self.length:
            raise ValueError(
                "The bottleneck must lie on its road, and some of the road before it: got bottleneck.begin="
                f"{self.begin:g} m and bottleneck.end={self.end:g} m for bottleneck.length="
                f"{self.length:g} m. Move it there."
            )
        places = np.array([self.begin, self.end, self.length])
        if (np.abs(places / self.cell - np.round(places / self.cell)) > 1e-9 * places / self.cell).any():
            raise ValueError(
                f"Cells must divide the road and the bottleneck: got bottleneck.cell={self.cell:g} m for "
                f"bottleneck.begin={self.begin:g} m, bottleneck.end={self.end:g} m and bottleneck.length="
                f"{self.length:g} m. Take a cell of which all three are multiples."
            )
        return np.linspace(0.0, self.length, round(self.length / self.cell) + 1)


class SumoSettings(SettingsGroup):
    """How SUMO drives, with model=sumo."""

    step: float = Field(0.5, ge=0.05, le=2, description="SUMO's step length (s)")
    imperfection: float = Field(0.5, ge=0, le=1, description="how much Krauss's drivers dawdle, SUMO's sigma (1)")


class Settings(ScenarioSettings):
    """The fundamental diagram of traffic, derived from drivers."""

    quick: ClassVar[Mapping[str, Any]] = {
        "densities": 5,
        "truck_shares": [],
        "replicas": 2,
        "bootstrap": 2,
        "bottleneck.cell": 500.0,
        "motorway.length": 4000.0,
        "motorway.duration": 60.0,
        "motorway.cell": 500.0,
        "motorway.rings": 24,
        "road.cars": 60,
        "road.healing": 300.0,
        "road.window": 200.0,
        "sumo.step": 1.0,
    }

    parts: Annotated[tuple[PartName, ...], Field(min_length=1), AfterValidator(_are_different)] = Field(
        ("diagram", "motorway", "bottleneck", "projection", "jam"), description="what to compute, in this order"
    )
    model: Model = Field(
        "idm",
        description="how drivers drive in the part diagram: idm (accelerate and brake), "
        "safe_distance (speed = gap / time headway), "
        "newell (the path of the car ahead, later), optimal_velocity (relax to a speed for the gap), "
        "nagel_schreckenberg (in cells), sumo (the IDM and the Krauss drivers of SUMO, an extra, who drive on the "
        "motorway too)",
    )
    densities: Annotated[int, Field(ge=5, le=200)] | Densities = Field(
        25, description="how many densities up to the jam, or the densities themselves (veh/km)"
    )
    fleet: FleetSettings = Field(
        FleetSettings(), description="who drives in the part diagram; the other parts have drivers of their own"
    )
    truck_shares: tuple[Share, ...] = Field(
        (0.0, 0.1, 0.3), description="truck shares whose diagrams are drawn beside the fleet's own (1)"
    )
    road: RoadSettings = Field(RoadSettings(), description="the long ring")
    motorway: MotorwaySettings = Field(
        MotorwaySettings(), description="the road of the parts motorway and projection, on which the default cars drive"
    )
    bottleneck: BottleneckSettings = Field(
        BottleneckSettings(), description="the open road of the part bottleneck, on which safe-distance drivers drive"
    )
    sumo: SumoSettings = Field(SumoSettings(), description="SUMO's drivers, with model=sumo")
    detectors: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="CSV file with columns flow (of one lane) and speed; without it, the carried summary of I-880"
    )
    detectors_units: str | None = Field(None, description="units of these columns, such as veh/h,mph")
    model_error: float = Field(
        0.05,
        ge=0,
        le=1,
        description="share of a measured flow by which equal drivers may miss it; sets the weights (1)",
    )
    replicas: int = Field(8, ge=2, le=1_000, description="random starts of each ring (1)")
    bootstrap: int = Field(100, ge=2, le=10_000, description="bootstrap draws for the intervals of the fit (1)")
