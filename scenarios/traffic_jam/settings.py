"""What the scenario of a traffic jam can be told."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, cosh, pi, sin
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eqfree.settings import ScenarioSettings, SettingsGroup

__all__ = ["OnsetSettings", "Settings"]

PartName = Literal["jam", "onset"]
Headway = Annotated[float, Field(gt=0)]

_REPLICAS = 8  # from which on noise is known
_FLATTEST = 350.0  # from the steepest place: cosh² beyond it is no number
_FLAT = 0.1  # of the largest slope of the optimal velocity: a smaller one is no place for uniform flow


class OnsetSettings(SettingsGroup):
    """Where uniform flow begins to jam, and the map of where jams exist."""

    healing: float = Field(15.0, ge=0, le=100, description="thrown away of every burst of uniform flow (time)")
    horizon: float = Field(20.0, gt=0, description="between its two readings, below π over the frequency (time)")
    points: int = Field(16, ge=6, le=100, description="points of the waves that leave the onset, up to their fold (1)")
    headways: tuple[Headway, Headway] = Field(
        (0.8, 1.5), description="smallest and largest length per car of the map (lengths)"
    )
    curve_points: int = Field(12, ge=4, le=100, description="most points of each curve of the map, each way (1)")
    resolved: int = Field(
        3, ge=0, le=10, description="folds of the map that are solved for anew from simulated jams (1)"
    )


class Settings(ScenarioSettings):
    """Cars on a ring, each relaxing towards the optimal velocity v0 (tanh(headway - offset) + tanh(offset))."""

    quick: ClassVar[Mapping[str, Any]] = {
        "points": 20,
        "hysteresis": False,
        "onset.curve_points": 4,
        "onset.headways": [0.95, 1.05],
        "onset.resolved": 1,
    }

    parts: Annotated[tuple[PartName, ...], Field(min_length=1)] = Field(
        ("jam",), description="what to compute, in this order: jam, its branch; onset, where uniform flow begins to jam"
    )
    cars: int = Field(60, ge=10, le=400, description="cars on the ring (1)")
    length: float = Field(60.0, gt=0, description="of the ring (lengths in which the optimal velocity rises)")
    headway_offset: float = Field(1.2, gt=0, le=5, description="headway at which it rises most (the same lengths)")
    inverse_tau: float = Field(1.7, gt=0, le=50, description="rate at which drivers adapt their speed (1/time)")
    coarse: Literal["profile", "sigma"] = Field(
        "profile",
        description="what the macro state is: profile, all headways in the frame of the wave, or sigma, their standard "
        "deviation alone",
    )
    noise: float = Field(
        0.0, ge=0, le=0.05, description="of the accelerations, with coarse = sigma (speed per square root of time)"
    )
    replicas: int = Field(32, ge=_REPLICAS, le=10_000, description="populations, where there is noise (1)")
    key_sets: int = Field(4, ge=1, le=100, description="sets of random numbers that the fold is solved for with (1)")
    healing: float | None = Field(
        None, ge=0, description="thrown away of every burst; without it 10 for the profile, 400 for sigma (time)"
    )
    horizon: float | None = Field(
        None, gt=0, description="between the two readings; without it 7 for the profile, 400 for sigma (time)"
    )
    points: int = Field(50, ge=10, le=500, description="about how many points the branch is to have (1)")
    hysteresis: bool = Field(True, description="whether v0 is turned up and down slowly, besides")
    onset: OnsetSettings = Field(OnsetSettings(), description="the onset, if that part is asked for")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.noise > 0 and self.coarse != "sigma":
            raise ValueError(
                f"`noise` goes with coarse = sigma, whose one number {self.replicas} replicas can resolve: got "
                f"noise = {self.noise:g} with coarse = {self.coarse}. Set coarse=sigma, or noise=0."
            )
        steepest = self.slope(self.length / self.cars)
        if steepest < _FLAT:
            raise ValueError(
                f"Uniform flow must be where the optimal velocity rises: got a headway of {self.length / self.cars:g} "
                f"with headway_offset = {self.headway_offset:g}, where its slope is {steepest:.2g} of the largest. "
                "Bring `length` / `cars` nearer to `headway_offset`."
            )
        return self

    @model_validator(mode="after")
    def _onset_is_seen(self) -> Self:
        if "onset" not in self.parts:
            return self
        longest, headway = pi / self.onset_frequency, self.length / self.cars
        if not self.onset.horizon < longest:
            raise ValueError(
                f"`onset.horizon` must be below π/ω = {longest:.5g}, beyond which the oscillation at the onset is "
                f"taken for a slower one: got {self.onset.horizon:g}. Shorten it."
            )
        low, high = self.onset.headways
        if not low < headway < high:
            raise ValueError(
                f"`onset.headways` must be a smaller and a larger length per car than that of the ring, {headway:g}: "
                f"got {low:g} and {high:g}."
            )
        for one in (low, high):
            if self.slope(one) < _FLAT:
                raise ValueError(
                    f"`onset.headways` must be where the optimal velocity rises: got {one:g} with headway_offset = "
                    f"{self.headway_offset:g}, where its slope is {self.slope(one):.2g} of the largest."
                )
        return self

    def slope(self, headway: float) -> float:
        """Of the optimal velocity at a headway, in parts of the largest: sech²(headway - offset)."""
        return 1 / cosh(min(abs(headway - self.headway_offset), _FLATTEST)) ** 2

    def onset_at(self, headway: float) -> float:
        """v0 from which on uniform flow of a headway is unstable: a/((1 + cos θ) sech²(L/N - h)), θ = 2π/N.

        >>> round(Settings().onset_at(1.0), 10)
        0.8868849824
        """
        return self.inverse_tau / ((1 + cos(2 * pi / self.cars)) * self.slope(headway))

    @property
    def onset_v0(self) -> float:
        """v0 from which on uniform flow is unstable."""
        return self.onset_at(self.length / self.cars)

    @property
    def onset_frequency(self) -> float:
        """Angular frequency there, in the lab frame: v0 sech²(L/N - h) sin θ, the same at every headway."""
        angle = 2 * pi / self.cars
        return self.inverse_tau * sin(angle) / (1 + cos(angle))

    @property
    def heals(self) -> float:
        """Healing, the given or the usual one."""
        return self.healing if self.healing is not None else (10.0 if self.coarse == "profile" else 400.0)

    @property
    def lasts(self) -> float:
        """Horizon, the given or the usual one."""
        return self.horizon if self.horizon is not None else (7.0 if self.coarse == "profile" else 400.0)
