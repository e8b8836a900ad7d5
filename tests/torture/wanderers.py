"""A scenario whose bursts do nothing but take their time: to be interrupted on purpose."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

import eqfree as ef
from eqfree.results import Study, Value
from eqfree.scenario import Context, Scenario, ScenarioSettings


class WandererSettings(ScenarioSettings):
    """How long they wander."""

    steps: int = Field(default=12, ge=1, le=1000, description="bursts [1]")
    pause: float = Field(default=0.02, ge=0, le=1, description="that each of two replicas of a burst takes [s]")


def run(settings: WandererSettings, context: Context) -> Study:
    """Burst after burst, each from where the last one led."""

    def evolve(micro: Any, duration: float, rng: np.random.Generator) -> Any:
        time.sleep(settings.pause)
        return micro * np.exp(-duration) + rng.normal(size=3)

    model = ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro)
    stepper = ef.CoarseTimeStepper(model, replicas=2, executor=context.executor, seed=settings.seed)
    place, places = np.ones(3), []
    for step in range(settings.steps):
        place = stepper(place, 0.1, key=(step,))
        places.append(place)
    return Study(
        scenario="wander",
        settings=settings.model_dump(mode="json"),
        values={"place": Value(float(place[0]))},
        tables={"places": pd.DataFrame(np.array(places), columns=list("xyz"))},
    )


scenario = Scenario("wander", "They wander.", WandererSettings, run, lambda study: {})


def register(place: Path) -> Path:
    """Make ``place`` one that, on the path, registers the scenario."""
    information = place / "wanderers-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: wanderers\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[eqfree.scenarios]\nwander = tests.torture.wanderers:scenario\n")
    return place
