"""The study of reactions, part by part: every number, table and check; no pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import eqfree as ef
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.reaction.branch import run_branch
from scenarios.reaction.enzyme import run_enzyme
from scenarios.reaction.front import run_front
from scenarios.reaction.network import run_network
from scenarios.reaction.oscillation import run_oscillation
from scenarios.reaction.plan import model_of, plan_projection
from scenarios.reaction.settings import Settings

__all__ = ["run"]

PARTS: Mapping[str, Callable[[Settings, Context], Part]] = {
    "network": run_network,
    "enzyme": run_enzyme,
    "front": run_front,
    "branch": run_branch,
    "oscillation": run_oscillation,
}


def run(settings: Settings, context: Context) -> ef.Study:
    """Compute the parts that the settings ask for, one after the other."""
    if "network" in settings.parts:
        plan_projection(model_of(settings), settings)  # refuses what does not fit, before anything is computed
    whole = join(PARTS[name](settings, context) for name in settings.parts)
    return ef.Study(
        scenario="reaction",
        settings=settings.model_dump(mode="json"),
        values=whole.values,
        checks=whole.checks,
        tables=whole.tables,
        notes=whole.notes,
        failures=whole.failures,
        cost=whole.cost,
    )
