"""A tiny scenario that the tests of the command line run: walkers drift."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import Field, model_validator

from eqfree.micro import micro_model
from eqfree.results import Check, Cost, Study, Value
from eqfree.scenario import Context, Scenario
from eqfree.settings import ScenarioSettings, SettingsGroup
from eqfree.stepper import CoarseTimeStepper


class Walkers(SettingsGroup):
    count: int = Field(default=100, ge=1, le=10_000, description="how many walk [1]")
    speed: float = Field(default=1.5, gt=0, description="mean speed [m/s]")
    legs: tuple[Literal["left", "right"], ...] = Field(default=("left",), description="legs they use [1]")


class DriftSettings(ScenarioSettings):
    quick: ClassVar[Mapping[str, Any]] = {"walkers.count": 10}

    walkers: Walkers = Field(default=Walkers(), description="who walks")
    times: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(1.0, 2.0), min_length=1, description="when they are looked at [s]"
    )
    scatter: float | Literal["none"] = Field(default="none", description="spread of the speeds [m/s]")
    title: str = Field(default="drift", description="what the note says [1]")
    track_file: Path | None = Field(default=None, description="positions measured elsewhere [m]")
    tolerance: float = Field(default=1e-9, ge=0, description="of the check [m/s]")
    pause: float = Field(default=0, ge=0, le=60, description="time to fall asleep on the way [s]")
    apart: bool = Field(default=False, description="whether they sleep in processes of their own [1]")
    stumble: Literal["over", "equations", "once"] | None = Field(default=None, description="what the walk fails at [1]")

    @model_validator(mode="after")
    def _legs_differ(self) -> Self:
        if len(set(self.walkers.legs)) < len(self.walkers.legs):
            raise ValueError(f"`walkers.legs` must differ: got {list(self.walkers.legs)}. Name each leg once.")
        return self


def run(settings: DriftSettings, context: Context) -> Study:
    if settings.track_file is not None and not settings.track_file.is_file():
        raise ValueError(f"`track_file` must be a file: got '{settings.track_file}'. Give one that exists.")
    if settings.stumble == "equations":
        raise np.linalg.LinAlgError("Singular matrix")
    if settings.stumble == "over":
        error = FloatingPointError("walker 3 fell over\nat time 2")
        error.add_note("Replay it with seed 0.")
        raise error
    scatter = 0.0 if settings.scatter == "none" else settings.scatter
    rng = np.random.Generator(np.random.PCG64(settings.seed))
    speeds = settings.walkers.speed + scatter * rng.standard_normal(settings.walkers.count)
    means = []
    for when in context.track(settings.times, "times walked"):
        if settings.pause:
            sleep(settings, context)
        means.append(float(speeds.mean() * when))
    speed = means[-1] / settings.times[-1]
    return Study(
        scenario="drift",
        settings=settings.model_dump(mode="json"),
        values={"speed": Value(speed, 0.25, "m/s"), "walkers": Value(settings.walkers.count)},
        checks=[
            Check("mean speed", speed, settings.walkers.speed, settings.tolerance, "what was asked for", unit="m/s")
        ],
        tables={"drift": pd.DataFrame({"time_s": settings.times, "position_m": means})},
        fields=xr.Dataset({"position": ("time", means, {"units": "m"})}, {"time": list(settings.times)}),
        failures=["walker 3 fell over once"] if settings.stumble == "once" else [],
        notes=[settings.title, *([f"{context.executor} threads"] if context.executor else [])],
        cost=Cost(bursts=2, micro_time=3.0, agent_updates=200.0, wall=0.125),
    )


def sleep(settings: DriftSettings, context: Context) -> None:
    """Wherever walkers walk: in this thread, on threads or in processes."""

    def evolve(micro: Any, duration: float, rng: np.random.Generator) -> Any:
        os.write(1, b"asleep\n")
        time.sleep(duration)
        return micro

    model = micro_model(lambda macro, rng: macro, evolve, lambda micro: micro, thread_safe=not settings.apart)
    CoarseTimeStepper(model, replicas=1, executor=context.executor)(0.0, settings.pause)


class Dot:
    """A picture as far as the store can tell."""

    def savefig(self, path: Path, /) -> None:
        path.write_bytes(b"\x89PNG")


def draw(study: Study) -> Mapping[str, Dot]:
    return dict.fromkeys(study.tables, Dot())


scenario = Scenario("drift", "Walkers drift [as asked].", DriftSettings, run, draw)


def register(place: Path) -> Path:
    """Make ``place`` one that, on ``sys.path``, registers the scenario and others that cannot be used."""
    information = place / "demonstration-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: demonstration\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[eqfree.scenarios]\n"
        "drift = tests.demonstration:scenario\n"
        "lost = nowhere_to_be_found:scenario\n"
        "broken = math:nothing\n"
        "other = builtins:list\n"
    )
    return place
