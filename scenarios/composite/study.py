"""The study of a composite, part by part: every number, table and check; no pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import eqfree as ef
from eqfree.scenario import Context
from scenarios.composite.parts.balance import run_balance
from scenarios.composite.parts.bar import run_bar
from scenarios.composite.parts.sink import run_sink
from scenarios.composite.parts.tensor import run_tensor
from scenarios.composite.parts.windows import run_windows
from scenarios.composite.settings import Settings
from scenarios.part import Part, join

__all__ = ["run"]

_PARTS: Mapping[str, Callable[[Settings, Context], Part]] = {
    "tensor": run_tensor,
    "balance": run_balance,
    "bar": run_bar,
    "windows": run_windows,
    "sink": run_sink,
}


def run(settings: Settings, context: Context) -> ef.Study:
    """Compute the parts that the settings ask for, one after the other."""
    whole = join(_PARTS[name](settings, context) for name in settings.parts)
    return ef.Study(
        scenario="composite",
        settings=settings.model_dump(mode="json"),
        values=whole.values,
        checks=whole.checks,
        tables=whole.tables,
        notes=whole.notes,
        failures=whole.failures,
        cost=whole.cost,
    )
