"""The study of a tissue, part by part: every number, table and check; no pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import eqfree as ef
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.tissue.settings import Settings

__all__ = ["run"]


def run(settings: Settings, context: Context) -> ef.Study:
    """Compute the parts that the settings ask for, one after the other."""
    whole = join(_PARTS[name](settings, context) for name in settings.parts)
    return ef.Study(
        scenario="tissue",
        settings=settings.model_dump(mode="json"),
        values=whole.values,
        checks=whole.checks,
        tables=whole.tables,
        notes=whole.notes,
        failures=whole.failures,
        cost=whole.cost,
    )


def _wound(settings: Settings, context: Context) -> Part:
    from scenarios.tissue.wound.study import run_wound

    return run_wound(settings, settings.wound, settings.days, settings.replicas, context, settings.cells)


def _growth(settings: Settings, context: Context) -> Part:
    from scenarios.tissue.growth.study import run_growth

    return run_growth(settings.growth, settings.coarse, context, settings.seed)


def _assay(settings: Settings, context: Context) -> Part:
    from scenarios.tissue.assay.study import run_assay

    return run_assay(settings.assay, context, settings.seed, settings.data)


def _spheroid(settings: Settings, context: Context) -> Part:
    from scenarios.tissue.spheroid.study import run_spheroid

    return run_spheroid(settings.spheroid, context, settings.seed, settings.data)


def _morphogen(settings: Settings, context: Context) -> Part:
    from scenarios.tissue.morphogen.study import run_morphogen

    return run_morphogen(settings.signal, context, settings.seed)


_PARTS: Mapping[str, Callable[[Settings, Context], Part]] = {
    "wound": _wound,
    "growth": _growth,
    "assay": _assay,
    "spheroid": _spheroid,
    "morphogen": _morphogen,
}
