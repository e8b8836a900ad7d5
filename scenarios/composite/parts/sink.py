"""The heat sink: by two scales, and with every layer resolved beside it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

import eqfree as ef
from eqfree.results import Relation
from eqfree.scenario import Context
from scenarios.composite.settings import Settings, SinkSettings
from scenarios.composite.sink import Comparison, Heating, Micro, Sink, compare, heat_up
from scenarios.part import Part
from scenarios.progress import counting

__all__ = ["run_sink"]

_ORDER = 0.15
_CLOSE = 0.01  # of the rise above ambient, at the finest layers
_CHEAPER = 20.0  # in unknowns, where a part has 64 periods or more
_MANY = 64  # periods
_BALANCED = 1e-10  # of what passes
_RTOL_OF_WALKERS = 0.02  # of the table that walkers fill
_CONVERGING = 16  # periods from which an order is fitted

_BY_LAYERS = "the same part with every layer resolved"


def run_sink(settings: Settings, context: Context) -> Part:
    """Temperatures, errors and costs of both over the ratios of scales, and on request while the part warms up.

    Tables ``composite_sink``, ``composite_sink_field``, ``composite_insets`` and ``composite_heating``. Costs are
    counted in unknowns of all linear systems, those of micro-problems included; seconds are told beside them.
    """
    options = settings.sink
    sink = Sink(**options.model_dump(include={field.name for field in fields(Sink)}))
    ratios = sorted(options.ratios)
    micro = _walkers(settings, context) if settings.micro == "walkers" else None
    with counting(context, 1 + len(ratios), "heat sink") as count:
        told = compare(sink, ratios, elements=options.elements, rows=options.rows, micro=micro, told=count)
    tables = {
        "composite_sink": told.costs,
        "composite_sink_field": told.field(),
        "composite_insets": told.insets(),
    }
    checks = [*_balance(told)]
    if _as_measured(options):  # what is known of this part, and of no other
        checks += _errors(told, _CLOSE + (_RTOL_OF_WALKERS if settings.micro == "walkers" else 0.0))
        checks += [*_order(told), *_costs(told)] if settings.micro == "cell" else []
    if settings.transient:
        with counting(context, 2 * options.steps, "heat sink warms up") as count:
            heating = heat_up(
                sink,
                ratios[0],
                duration=options.duration,
                steps=options.steps,
                elements=options.elements,
                rows=options.rows,
                micro=micro,
                told=count,
            )
        tables["composite_heating"] = heating.table
        checks += _heating(heating)
    finest = told.costs.iloc[-1]
    return Part(
        tables=tables,
        values={
            "sink_error": ef.Value(float(finest["error_l2"])),
            "sink_error_max": ef.Value(float(finest["error_max"])),
            "sink_hottest": ef.Value(float(told.hmm.solution.values.max()), unit="K"),
            **({"sink_order": ef.Value(told.order())} if len(ratios) > 1 else {}),
            **({"sink_unknowns_ratio": ef.Value(float(finest["cost_ratio"]))} if settings.micro == "cell" else {}),
        },
        checks=checks,
        notes=_notes(told),
        failures=_failures(told),
        cost=told.hmm.solution.cost,
    )


def _walkers(settings: Settings, context: Context) -> Micro:
    from agents.walkers import Layers
    from scenarios.composite.parts.walkers import walkers_of

    closure = walkers_of(settings, context, settings.sink.conductivities, Layers.of)
    # what walkers say of K_xy, which is zero, is noise
    return Micro(closure, _RTOL_OF_WALKERS, _RTOL_OF_WALKERS * float(np.sqrt(np.prod(settings.sink.conductivities))))


def _as_measured(options: SinkSettings) -> bool:
    """Whether the part is the one of which errors and costs were measured, whatever heats it."""
    free = {"ratios", "inflow", "ambient", "duration", "steps", "rows"}
    return options.model_dump(exclude=free) == SinkSettings().model_dump(exclude=free)


def _errors(told: Comparison, most: float) -> list[ef.Check]:
    finest = told.costs.iloc[-1]
    if finest["periods"] < _CONVERGING:
        return []
    return [
        ef.Check(
            f"heat sink: {words} error of the temperature at {finest['periods']:.0f} periods",
            float(finest[name]),
            most,
            0.0,
            _BY_LAYERS,
            Relation.AT_MOST,
        )
        for name, words in (("error_l2", "mean square"), ("error_max", "largest"))
    ]


def _order(told: Comparison) -> list[ef.Check]:
    if (told.costs["periods"] >= _CONVERGING).sum() < 3:
        return []
    return [ef.Check("heat sink: order of the error in the ratio", told.order(), 1.0, _ORDER, _BY_LAYERS)]


def _costs(told: Comparison) -> list[ef.Check]:
    many = told.costs[told.costs["periods"] >= _MANY]
    return [
        ef.Check(
            f"heat sink: unknowns of the resolved part over those of two scales at {row['periods']:.0f} periods",
            float(row["cost_ratio"]),
            _CHEAPER,
            0.0,
            "counted, micro-problems included",
            Relation.AT_LEAST,
        )
        for _, row in many.iterrows()
    ]


def _balance(told: Comparison) -> list[ef.Check]:
    return [
        ef.Check(f"heat sink: in less out, {name}", abs(solved.solution.imbalance), 0.0, _BALANCED, "conservation")
        for name, solved in (("two scales", told.hmm), ("resolved", told.direct))
    ]


def _heating(heating: Heating) -> list[ef.Check]:
    last = heating.table.iloc[-1]
    return [
        ef.Check("heat sink: in less out and stored, every step", heating.imbalance, 0.0, _BALANCED, "conservation"),
        ef.Check(
            "heat sink: stored heat, two scales over resolved",
            float(last["stored"] / last["stored_direct"]),
            1.0,
            _CLOSE,
            _BY_LAYERS,
        ),
    ]


def _notes(told: Comparison) -> list[str]:
    hmm = told.hmm
    notes = [f"Heat sink, two scales: {hmm.problem.told()}.", f"Heat sink, two scales: {hmm.solution.indicators}."]
    for _, row in told.costs.iterrows():
        notes.append(
            f"Heat sink of {row['periods']:.0f} periods: "
            f"two scales {row['unknowns_hmm']:.0f} unknowns, {row['wall_hmm']:.2g} s; "
            f"resolved {row['unknowns_direct']:.0f} unknowns, {row['wall_direct']:.2g} s."
        )
    return notes


def _failures(told: Comparison) -> list[str]:
    both = (("two scales", told.hmm), ("resolved", told.direct))
    return [f"heat sink, {name}: {solved.solution.message}" for name, solved in both if not solved.solution.success]
