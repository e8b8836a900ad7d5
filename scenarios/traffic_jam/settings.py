"""What the scenario of a traffic jam can be told."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, cosh, pi
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from eqfree.settings import ScenarioSettings

__all__ = ["Settings"]

_REPLICAS = 8  # from which on noise is known


class Settings(ScenarioSettings):
    """Cars on a ring, each relaxing towards the optimal velocity v0 (tanh(headway - offset) + tanh(offset))."""

    quick: ClassVar[Mapping[str, Any]] = {"points": 20, "hysteresis": False}

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

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.noise > 0 and self.coarse != "sigma":
            raise ValueError(
                f"`noise` goes with coarse = sigma, whose one number {self.replicas} replicas can resolve: got "
                f"noise = {self.noise:g} with coarse = {self.coarse}. Set coarse=sigma, or noise=0."
            )
        steepest = 1 / cosh(self.length / self.cars - self.headway_offset) ** 2
        if steepest < 0.1:
            raise ValueError(
                f"Uniform flow must be where the optimal velocity rises: got a headway of {self.length / self.cars:g} "
                f"with headway_offset = {self.headway_offset:g}, where its slope is {steepest:.2g} of the largest. "
                "Bring `length` / `cars` nearer to `headway_offset`."
            )
        return self

    @property
    def onset(self) -> float:
        """v0 from which on uniform flow is unstable: a/((1 + cos θ) sech²(L/N - h)), θ = 2π/N."""
        slope = 1 / cosh(self.length / self.cars - self.headway_offset) ** 2
        return self.inverse_tau / ((1 + cos(2 * pi / self.cars)) * slope)

    @property
    def heals(self) -> float:
        """Healing, the given or the usual one."""
        return self.healing if self.healing is not None else (10.0 if self.coarse == "profile" else 400.0)

    @property
    def lasts(self) -> float:
        """Horizon, the given or the usual one."""
        return self.horizon if self.horizon is not None else (7.0 if self.coarse == "profile" else 400.0)
