"""A network of reactions, projected beside exact simulation and rate equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import ceil, hypot

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.molecules import Network, RateEquations, WellMixed
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.reaction.equations import follow
from scenarios.reaction.law import run_law
from scenarios.reaction.periods import run_periods
from scenarios.reaction.plan import Plan, is_comparable, model_of, plan_projection
from scenarios.reaction.propensities import Propensities
from scenarios.reaction.settings import Settings

__all__ = ["run_network", "scheme_of"]

Array = NDArray[np.float64]
Way = tuple[Array, Array, Array]

_TIMES, _FINE = 41, 121
_ERRORS, _SHARE = 4.0, 0.01
_BESIDES = {"brusselator": run_periods, "schlogl": run_law}


def run_network(settings: Settings, context: Context) -> Part:
    """The concentrations of a network over time: projected, by exact simulation, and by its rate equations.

    The slope is that of propensities at the numbers averaged over a burst, without what has died in it. Table:
    ``network`` (way, species, time, concentration, its standard error, and their units). Of the brusselator the period
    is read besides, of schlogl the law.

    Raises
    ------
    ValueError
        If the network cannot be read, or volume, steps and bursts do not fit it.
    """
    model = model_of(settings)
    network, plan = model.network, plan_projection(model, settings)
    stepper = ef.CoarseTimeStepper(
        model, replicas=settings.replicas, healing=plan.healing, executor=context.executor, seed=settings.seed
    )
    stops = np.linspace(0.0, plan.duration, min(ceil(plan.duration / plan.step) + 1, _TIMES))
    fine = np.linspace(0.0, plan.duration, _FINE)
    projected = ef.solve_projective(
        stepper, (0.0, plan.duration), network.initial, scheme_of(model, plan), key=(1,), t_eval=stops
    )
    exact = stepper.simulate(network.initial, fine, key=(0,))
    solved = follow(RateEquations(network), network.initial, fine, model.volume)
    ways = {
        "projection": (projected.times, projected.macro, projected.stderr),
        "exact simulation": (exact.times, exact.macro, exact.stderr),
        "rate equations": (fine, solved, np.zeros_like(solved)),
    }
    comparable = is_comparable(model, settings, plan)
    own = replace(
        _tell(f"Network {settings.network}: {plan.words}", network, projected, exact, comparable=comparable),
        tables={"network": _table(network, ways)},
    )
    besides = _BESIDES.get(settings.network)
    return join([own, besides(settings, context)]) if besides else own


def scheme_of(model: WellMixed, plan: Plan) -> ef.projective.Method:
    """The midpoint rule over bursts of observed propensities.

    >>> settings = Settings()
    >>> model = model_of(settings)
    >>> scheme_of(model, plan_projection(model, settings)).order
    2
    """
    observed = ef.projective.Observed(Propensities(model, plan.cut))
    return ef.projective.Midpoint(plan.step, plan.burst, slopes=ef.projective.Early(), estimator=observed)


def _tell(words: str, network: Network, projected: ef.Trajectory, exact: ef.Trajectory, *, comparable: bool) -> Part:
    """What came of it; of a projection that did not reach the end, that alone."""
    cost = exact.cost + projected.cost
    if not projected.success:
        return Part({}, {}, [], [], [f"The projection ended at {projected.times[-1]:g}. {projected.message}"], cost)
    gain = exact.cost.micro_time / projected.cost.micro_time
    sentences = [
        words,
        f"{gain:.3g} times less time was simulated than by exact simulation.",
        projected.detail,
        "" if comparable else "The two are compared in the picture alone.",
    ]
    return Part(
        tables={},
        values={"network_gain": ef.Value(gain)} | _ends(network, projected),
        checks=list(_compare(network, projected, exact)) if comparable else [],
        notes=[" ".join(filter(None, sentences))],
        cost=cost,
    )


def _ends(network: Network, projected: ef.Trajectory) -> dict[str, ef.Value]:
    unit = network.units.concentration or "1"
    return {
        f"network_{name.lower()}_end": ef.Value(float(mean), float(stderr), unit)
        for name, mean, stderr in zip(network.species, projected.macro[-1], projected.stderr[-1], strict=True)
    }


def _compare(network: Network, projected: ef.Trajectory, exact: ef.Trajectory) -> Iterator[ef.Check]:
    """The two at the end, species by species: their noise, and what a mean of molecules out of step differs by."""
    for place, species in enumerate(network.species):
        noise = hypot(projected.stderr[-1, place], exact.stderr[-1, place])
        yield ef.Check(
            f"{species} at the end, projected",
            float(projected.macro[-1, place]),
            float(exact.macro[-1, place]),
            _ERRORS * noise + _SHARE * float(exact.macro[:, place].max()),
            f"exact simulation; {_ERRORS:g} standard errors and {_SHARE:.0%} of the largest concentration",
            unit=network.units.concentration or "1",
            stderr=noise,
        )


def _table(network: Network, ways: Mapping[str, Way]) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "way": way,
                    "species": name,
                    "time": times,
                    "concentration": mean[:, place],
                    "stderr": stderr[:, place],
                    "unit": network.units.concentration or "1",
                    "unit_of_time": network.units.time or "1",
                }
            )
            for way, (times, mean, stderr) in ways.items()
            for place, name in enumerate(network.species)
        ],
        ignore_index=True,
    )
