"""A network of reactions, projected beside exact simulation and rate equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import hypot

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import eqfree as ef
from agents.molecules import CARRIED, Network, RateEquations, WellMixed, read_network
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.reaction.oscillation import brusselator_period, check_period
from scenarios.reaction.propensities import Propensities
from scenarios.reaction.settings import ProjectionSettings, Settings

__all__ = ["Plan", "model_of", "plan_projection", "run_network"]

Array = NDArray[np.float64]

_MOLECULES = 1000.0  # of the most abundant species
_VOLUMES = {"schlogl": 1.0}  # for which the law is known
_DURATIONS = {"michaelis_menten": 50.0}
_TIMES = 41
_STEP = 0.5  # in times of the fastest motion that is followed
_BURST = 1 / 8  # of a step, where nothing has to heal
_HEALING = 3.0  # times of the slowest motion that is to die
_GAP = 10.0  # between rates that are followed and rates that are to die
_BISTABLE = ("schlogl",)


@dataclass(frozen=True)
class Plan:
    """How a network is projected, in its unit of time.

    Attributes
    ----------
    duration, step, burst, healing
        Over which time, and by which steps and bursts.
    words
        Why.
    """

    duration: float
    step: float
    burst: float
    healing: float
    words: str


def model_of(settings: Settings) -> WellMixed:
    """The network's molecules.

    Raises
    ------
    ValueError
        If the network cannot be read, or starts from nothing and no volume is given.
    """
    network = read_network(settings.network)
    if settings.volume is not None:
        return WellMixed(network, settings.volume)
    if settings.network in _VOLUMES:
        return WellMixed(network, _VOLUMES[settings.network])
    if not (most := float(network.initial.max(initial=0.0))) > 0:
        raise ValueError(f"The network {settings.network} starts from nothing: give concentrations in it, or `volume`.")
    return WellMixed(network, _MOLECULES / most)


def plan_projection(network: Network, name: str, given: ProjectionSettings) -> Plan:
    """Steps and bursts from the eigenvalues of the rate equations along their solution, where they are not given.

    Rates beyond a gap of ten or more are to heal, the fastest below it is to be followed.
    """
    duration = given.duration or _DURATIONS.get(name, 10.0)
    slow, fast = _rates(network, duration)
    step = given.step or min(_STEP / slow if slow > 0 else np.inf, duration / 10)
    healing = given.healing if given.healing is not None else (_HEALING / fast if np.isfinite(fast) else 0.0)
    burst = given.burst or (2 * healing if healing > 0 else _BURST * step)
    return Plan(
        duration,
        step,
        burst,
        healing,
        f"steps of {step:.3g} with two bursts of {burst:.3g}, of which {healing:.3g} heal; the fastest rate that is "
        f"followed is {slow:.3g}" + (f", rates from {fast:.3g} on die." if np.isfinite(fast) else "."),
    )


def _rates(network: Network, duration: float) -> tuple[float, float]:
    """The fastest rate below, and the slowest above, the widest gap in the spectrum; infinite where there is none."""
    equations = RateEquations(network)
    times = np.linspace(0.0, duration, 200)
    solved = solve_ivp(equations, (0.0, duration), network.initial, method="LSODA", t_eval=times, rtol=1e-6)
    slow, fast = 0.0, np.inf
    for concentrations in solved.y.T:
        sizes = np.sort(np.abs(np.linalg.eigvals(equations.jacobian(concentrations))))
        sizes = sizes[sizes > 1e-9 * max(float(sizes[-1]), 1e-300)]
        if not len(sizes):
            continue
        ratios = sizes[1:] / sizes[:-1]
        if len(ratios) and ratios.max() > _GAP and sizes[int(ratios.argmax()) + 1] > _GAP / duration:
            below = int(ratios.argmax())
            slow, fast = max(slow, float(sizes[below])), min(fast, float(sizes[below + 1]))
        else:
            slow = max(slow, float(sizes[-1]))
    return (slow, fast) if fast > _GAP * slow else (max(slow, 0.0 if np.isinf(fast) else fast), np.inf)


def run_network(settings: Settings, context: Context) -> Part:
    """The concentrations of a network over time: projected, by exact simulation, and by its rate equations.

    Tables: ``network`` (time, species, way, concentration, its standard error) and ``network_costs`` (populations'
    time and reactions, both ways).

    Raises
    ------
    ValueError
        If the network cannot be read.
    """
    model = model_of(settings)
    network = model.network
    plan = plan_projection(network, settings.network, settings.projection)
    times = np.linspace(0.0, plan.duration, _TIMES)
    stepper = ef.CoarseTimeStepper(
        model, replicas=settings.replicas, healing=plan.healing, executor=context.executor, seed=settings.seed
    )
    exact = stepper.simulate(network.initial, times, key=(0,))
    method = ef.projective.Midpoint(plan.step, plan.burst, estimator=ef.projective.Observed(Propensities(model)))
    projected = ef.solve_projective(stepper, (0.0, plan.duration), network.initial, method, key=(1,), t_eval=times)
    solved = solve_ivp(
        RateEquations(network), (0.0, plan.duration), network.initial, method="LSODA", t_eval=times, rtol=1e-8
    )
    ways = {
        "projection": (projected.times, projected.macro, projected.stderr),
        "exact simulation": (exact.times, exact.macro, exact.stderr),
        "rate equations": (solved.t, solved.y.T, np.zeros_like(solved.y.T)),
    }
    failures = [] if projected.success else [f"The projection ended at {projected.times[-1]:g}. {projected.message}"]
    gain = exact.cost.micro_time / projected.cost.micro_time
    values = {"network_gain": ef.Value(gain)}
    notes = [f"Network {settings.network}: {plan.words} {gain:.3g} times less time was simulated."]
    if projected.simulated:
        notes.append(f"{projected.simulated} steps of the network were simulated plainly: their bursts cover them.")
    checks: list[ef.Check] = []
    if projected.success:
        values |= _ends(network, projected)
        checks += [] if settings.network in _BISTABLE else _compare(network, projected, exact, settings.network)
    if settings.network in _BISTABLE:
        notes.append(
            "Molecules that settle in either of two states have a mean that is no state of theirs: the projection "
            "follows one of the two, the mean of the exact simulation lies in between."
        )
    if settings.network == "brusselator":
        period = brusselator_period(model, settings.cycles, settings.seed)
        values["brusselator_period"] = period
        checks.append(check_period(period, model.volume))
    return Part({"network": _table(network, ways)}, values, checks, notes, failures, exact.cost + projected.cost)


def _ends(network: Network, projected: ef.Trajectory) -> dict[str, ef.Value]:
    unit = network.units.concentration or "1"
    return {
        f"network_{name.lower()}_end": ef.Value(float(mean), float(stderr), unit)
        for name, mean, stderr in zip(network.species, projected.macro[-1], projected.stderr[-1], strict=True)
    }


def _compare(network: Network, projected: ef.Trajectory, exact: ef.Trajectory, name: str) -> Iterator[ef.Check]:
    """The two at the end, species by species; files may hold anything, and are compared in the picture alone."""
    if name not in CARRIED:
        return
    for place, species in enumerate(network.species):
        stderr = hypot(projected.stderr[-1, place], exact.stderr[-1, place])
        yield ef.Check(
            f"{species} at the end, projected",
            float(projected.macro[-1, place]),
            float(exact.macro[-1, place]),
            4.0,
            "exact simulation",
            relation=ef.Relation.COVERS,
            unit=network.units.concentration or "1",
            stderr=stderr,
        )


def _table(network: Network, ways: Mapping[str, tuple[Array, Array, Array]]) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "way": way,
                    "species": name,
                    "time": times,
                    "concentration": mean[:, place],
                    "stderr": stderr[:, place],
                }
            )
            for way, (times, mean, stderr) in ways.items()
            for place, name in enumerate(network.species)
        ],
        ignore_index=True,
    )
