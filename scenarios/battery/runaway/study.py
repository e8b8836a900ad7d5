"""Thermal runaway: the branch of steady states of a bar through its fold, and the voltage there with its error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from eqfree.results import Branch, BranchEvent, Relation
from eqfree.scenario import Context
from scenarios.battery.device import Bar, Plate
from scenarios.battery.device.exact import voltage_at
from scenarios.battery.laws import Conductivity
from scenarios.battery.runaway import reference
from scenarios.battery.runaway.heated import currents, follow
from scenarios.battery.runaway.interval import Error, Interpolated, propagate
from scenarios.battery.runaway.kohlrausch import SOURCE, bar_fold, film_fold
from scenarios.battery.runaway.settings import RunawaySettings
from scenarios.battery.tabulated import REPLICAS, ask_ions
from scenarios.part import Part
from scenarios.progress import counting

__all__ = ["run_runaway"]

_NEAR = 1e-4  # of a fold of an exact conductivity
_HIGHEST = 400.0  # up to which folds are looked for by quadrature, K
_COVERING = 3.0  # standard errors
_COLD_ELEMENTS = 3  # times as many for cold ends: the middle gets hot in thin layers
_MOVES = 1e-9  # relative change of a voltage that is none
_ASKED = 50  # temperatures at which a table is asked before a branch is followed
_OF_REFERENCE = 11  # the key of the noise of the reference ions


def run_runaway(
    options: RunawaySettings,
    bar: Callable[[Conductivity], Bar],
    law: Conductivity,
    table: ef.hmm.Tabulated,
    context: Context,
    seed: int,
    replicas: int = REPLICAS,
) -> Part:
    """The branch of a bar of the material; of an Arrhenius bar and a film whose folds are known; and one without fold.

    What ions conduct is asked for all temperatures of a branch before it is followed. Tables: ``runaway``, the points
    of the branches: columns of `eqfree.Branch.to_pandas` with voltage (V) and maximal temperature (K), and the current
    (A); ``runaway_folds``, with intervals of 95 % by the noise of the ions.

    Parameters
    ----------
    options
        How branches are followed.
    bar
        The device, of a conductivity.
    law, table
        What the ions conduct, and the table through which it is asked.
    context, seed
        Of the run, and of the reference ions.
    replicas
        Boxes that answered for each node of the table, from whose spread its errors are.
    """
    followed: dict[str, Branch] = {}
    points: list[pd.DataFrame] = []

    def go(name: str, device: Bar | Plate) -> Branch:
        with counting(context, options.points, f"runaway: {name}") as count:
            branch = follow(device, _highest(options, device), options.points, count)
        followed[name] = branch
        points.append(branch.to_pandas(name).assign(current=currents(device, branch)))
        return branch

    through, noise = _through(law, table, bar(law).surroundings, _highest(options, bar(law)))
    own = go("the material", bar(through))
    fold = _first_fold(own)
    error = Error() if fold is None else _error(bar, through, noise, fold, replicas)
    values, notes = _tell(own, fold, error, len(noise), cold=bar(law).contact is None)
    exact, cold_ends = (
        go("Arrhenius, contacts", reference.bar(reference.LAW, reference.CONTACT, options.elements)),
        go("Arrhenius, cold ends", reference.bar(reference.LAW, None, _COLD_ELEMENTS * options.elements)),
    )
    film = go("film", reference.film(options.film_elements))
    monte_carlo, error_of_ions, cost = _follow_ions(options, context, seed, go)
    errors = {"the material": error, "Arrhenius, ions": error_of_ions}
    return Part(
        tables={
            "runaway": pd.concat(points, ignore_index=True),
            "runaway_folds": pd.concat(
                [_folds(name, branch, errors.get(name, Error())) for name, branch in followed.items()],
                ignore_index=True,
            ),
        },
        values=values,
        checks=[*_exact_checks(exact, film, cold_ends), monte_carlo],
        notes=[*notes, *_monotone(cold_ends)],
        failures=[f"{name}: {branch.message}" for name, branch in followed.items() if not branch.points],
        cost=sum((branch.cost for branch in followed.values()), cost),
    )


def _highest(options: RunawaySettings, device: Bar | Plate) -> float:
    return min(device.surroundings + options.farthest, device.hottest - 1.0)


def _through(
    law: Conductivity, table: ef.hmm.Tabulated, coldest: float, hottest: float
) -> tuple[Interpolated, NDArray[np.float64]]:
    """The conductivity through the nodes of the table, once it has been asked everywhere, and their errors."""
    law(np.linspace(coldest, hottest, _ASKED))
    nodes, values, stderr = table.nodes()
    return Interpolated(nodes, values[:, 0]), stderr[:, 0]


def _error(
    bar: Callable[[Conductivity], Bar],
    through: Interpolated,
    noise: NDArray[np.float64],
    fold: BranchEvent,
    replicas: int,
) -> Error:
    """Of the voltage at a fold, by the noise of the conductivity.

    At a fold the voltage does not change with the maximal temperature, so that to first order its change is that at
    the maximal temperature that it has.
    """
    hottest = float(fold.measure[0])
    state = bar(through).steady_at(hottest)
    return propagate(lambda moved: bar(moved).steady_at(hottest, state).voltage, through, noise, replicas - 1)


def _tell(
    own: Branch, fold: BranchEvent | None, error: Error, nodes: int, *, cold: bool
) -> tuple[dict[str, ef.Value], list[str]]:
    """The critical voltage with the error that the ions' noise makes of it."""
    if fold is None:
        why = "; between cold ends there need not be one" if cold else ". Raise runaway.farthest to look further"
        top, most = (max(numbers, default=np.nan) for numbers in (own.measure.ravel(), own.parameter))
        return {}, [f"The bar of the material: no fold was met up to {top:.4g} K and {most:.4g} V{why}."]
    voltage, hottest = fold.parameter, float(fold.measure[0])
    low, high = voltage - error.half_width(), voltage + error.half_width()
    values = {
        "critical_voltage": ef.Value(voltage, error.stderr, "V"),
        "critical_temperature": ef.Value(hottest, unit="K"),
    }
    return values, [
        f"The bar of the material runs away above {voltage:.5g} V (95 %: {low:.5g} to {high:.5g} V, by the noise of "
        f"ions at the {nodes} nodes of their table), at {hottest:.5g} K."
    ]


def _exact_checks(exact: Branch, film: Branch, cold_ends: Branch) -> list[ef.Check]:
    law, surroundings = reference.LAW, reference.SURROUNDINGS
    voltage, hottest = bar_fold(law, reference.CONDUCTS, reference.CONTACT, reference.LENGTH, surroundings, _HIGHEST)
    field, _ = film_fold(law, reference.CONDUCTS, reference.HALF_THICKNESS, surroundings, _HIGHEST)
    found, across = _first_fold(exact), _first_fold(film)
    at = np.nan if found is None else found.parameter
    rise = np.nan if found is None else float(found.measure[0]) - surroundings
    along = np.nan if across is None else across.parameter / reference.HALF_THICKNESS
    top = hottest - surroundings
    end = float(cold_ends.measure[-1, 0]) if cold_ends.points else surroundings
    cold = voltage_at(law, reference.CONDUCTS, surroundings, end)
    last = float(cold_ends.parameter[-1]) if cold_ends.points else np.nan
    return [
        ef.Check("Arrhenius bar with contacts: voltage at the fold", at, voltage, _NEAR * voltage, SOURCE, unit="V"),
        ef.Check("the same: warming at the fold", rise, top, 10 * _NEAR * top, SOURCE, unit="K"),
        ef.Check("film: field at the fold", along, field, _NEAR * field, SOURCE, unit="V/m"),
        ef.Check(
            "Arrhenius bar between cold ends: folds",
            float(sum(event.kind == "fold" for event in cold_ends.events)),
            0.0,
            0.0,
            "the integral of k/σ grows without a turn (Kohlrausch 1900)",
        ),
        ef.Check(f"the same: voltage at {end:.5g} K, its last", last, cold, _NEAR * cold, SOURCE, unit="V"),
    ]


def _follow_ions(
    options: RunawaySettings, context: Context, seed: int, go: Callable[[str, Bar], Branch]
) -> tuple[ef.Check, Error, ef.Cost]:
    """The Arrhenius bar with the conductivity asked of ions that have it exactly: does the interval hold the fold?"""
    model, share = reference.ions()
    law, table = ask_ions(model, share, reference.RANGE, options.precision, (_OF_REFERENCE,), context.executor, seed)

    def bar(law: Conductivity) -> Bar:
        return reference.bar(law, reference.CONTACT, options.elements)

    through, noise = _through(law, table, reference.SURROUNDINGS, _highest(options, bar(law)))
    found = _first_fold(go("Arrhenius, ions", bar(through)))
    exact, _ = bar_fold(
        reference.LAW, reference.CONDUCTS, reference.CONTACT, reference.LENGTH, reference.SURROUNDINGS, _HIGHEST
    )
    error = Error() if found is None else _error(bar, through, noise, found, REPLICAS)
    check = ef.Check(
        "Arrhenius bar, conductivity asked of ions: voltage at the fold",
        np.nan if found is None else found.parameter,
        exact,
        _COVERING,
        SOURCE,
        relation=Relation.COVERS,
        stderr=error.stderr,
        unit="V",
    )
    return check, error, table.cost


def _first_fold(branch: Branch) -> BranchEvent | None:
    return next((event for event in branch.events if event.kind == "fold"), None)


def _folds(name: str, branch: Branch, error: Error) -> pd.DataFrame:
    """The events of a branch, with the error of their voltages."""
    table, half = branch.events_to_pandas(name), error.half_width()
    return table.assign(stderr=error.stderr, low=table["parameter"] - half, high=table["parameter"] + half)


def _monotone(cold_ends: Branch) -> list[str]:
    if len(cold_ends.points) < 2:
        return []
    steps = np.diff(cold_ends.parameter)
    turns = "rises all along" if (steps > -_MOVES * cold_ends.parameter[1:]).all() else "does not rise all along"
    top = float(cold_ends.points[-1].macro.max())
    return [
        f"Between cold ends an Arrhenius bar has no critical voltage: over {len(steps) + 1} points, up to {top:.4g} K, "
        f"the voltage {turns}, to {cold_ends.parameter[-1]:.5g} V, ever more slowly."
    ]
