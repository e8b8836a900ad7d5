"""A network of reactions, projected beside exact simulation and rate equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, hypot

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.molecules import CARRIED, Network, RateEquations
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.reaction.equations import follow
from scenarios.reaction.law import run_law
from scenarios.reaction.oscillation import run_oscillation
from scenarios.reaction.plan import model_of, plan_projection
from scenarios.reaction.propensities import Propensities
from scenarios.reaction.settings import Settings

__all__ = ["run_network"]

Array = NDArray[np.float64]
Way = tuple[Array, Array, Array]

_TIMES, _FINE = 41, 121
_ERRORS, _SHARE = 4.0, 0.01
_BESIDES = {"brusselator": run_oscillation, "schlogl": run_law}


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
    method = ef.projective.Midpoint(
        plan.step,
        plan.burst,
        slopes=ef.projective.Early(),
        estimator=ef.projective.Observed(Propensities(model, plan.cut)),
    )
    told = np.linspace(0.0, plan.duration, min(ceil(plan.duration / plan.step) + 1, _TIMES))
    fine = np.linspace(0.0, plan.duration, _FINE)
    projected = ef.solve_projective(stepper, (0.0, plan.duration), network.initial, method, key=(1,), t_eval=told)
    exact = stepper.simulate(network.initial, fine, key=(0,))
    solved = follow(RateEquations(network), network.initial, fine, model.volume)
    ways = {
        "projection": (projected.times, projected.macro, projected.stderr),
        "exact simulation": (exact.times, exact.macro, exact.stderr),
        "rate equations": (fine, solved, np.zeros_like(solved)),
    }
    own = Part(
        tables={"network": _table(network, ways)},
        values=_values(network, projected, exact),
        checks=list(_compare(network, projected, exact)) if projected.success and settings.network in CARRIED else [],
        notes=[f"Network {settings.network}: {plan.words} {_words(projected, exact)}"],
        failures=[] if projected.success else [f"The projection ended at {projected.times[-1]:g}. {projected.message}"],
        cost=exact.cost + projected.cost,
    )
    besides = _BESIDES.get(settings.network)
    return join([own, besides(settings, context)]) if besides else own


def _words(projected: ef.Trajectory, exact: ef.Trajectory) -> str:
    gain = exact.cost.micro_time / projected.cost.micro_time
    words = f"{gain:.3g} times less time was simulated than by exact simulation."
    plainly = f" {projected.simulated} steps were simulated plainly: their bursts cover them."
    return words + plainly if projected.simulated else words


def _values(network: Network, projected: ef.Trajectory, exact: ef.Trajectory) -> dict[str, ef.Value]:
    unit = network.units.concentration or "1"
    ends = {
        f"network_{name.lower()}_end": ef.Value(float(mean), float(stderr), unit)
        for name, mean, stderr in zip(network.species, projected.macro[-1], projected.stderr[-1], strict=True)
    }
    gain = {"network_gain": ef.Value(exact.cost.micro_time / projected.cost.micro_time)}
    return gain | ends if projected.success else gain


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
