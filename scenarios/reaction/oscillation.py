"""Where networks of molecules begin to oscillate, and with which period: the Brusselator, and a catalyst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

import eqfree as ef
from agents.molecules import RandomTimeChange, RateEquations, WellMixed, path, read_network
from eqfree.continuation import EventOptions, PseudoArclength, Steps
from eqfree.fields import OutOfBoundsError
from eqfree.results.steady import half_width
from eqfree.scenario import Context
from scenarios.part import Part, join
from scenarios.progress import counting
from scenarios.reaction.reduced import Reduced
from scenarios.reaction.settings import OscillationSettings, Settings

__all__ = ["CATALYST", "HOPF_POINTS", "run_oscillation"]

Array = NDArray[np.float64]

CATALYST = "co_oxidation_inert"
HOPF_POINTS = (20.239484770619, 21.277912935482)
"""β of its Hopf points by the rate equations: eigenvalues ±iω of their Jacobian."""

_LEVEL = 0.95
_BRUSSELATOR, _CATALYST, _PATHS = 50, 51, 52  # first number of the keys
_SPAN = 1.5, 2.6  # of B
_STEP = 0.15  # of B
_SECTION = ef.Section(lambda macro: float(macro[0]), level=2.0, rearm=0.8, sampling=0.02)  # X: a cycle begins at 2
_PERIOD, _SHIFT, _SHIFT_STDERR, _FLOQUET = 7.15692, 5.5, 0.5, 2.516e-4  # at B = 3
_EXACT_PERIOD, _EXACT = 7.15691992118, 1e-8  # of the rate equations there
_AT = 3.0
_KNOWN = 0.05  # standard error of the Floquet multiplier, at most
_ERRORS, _FEWER = 4.0, 3.0
_NEAR = np.array([1.0, 4.4])  # X, Y on the cycle at B = 3
_TOP = 3.2  # of B: how far cycles of the rate equations are followed
_SCALES = {"A": 0.1, "B": 0.02, "C": 0.1}
_START = {"A": 0.381, "B": 0.0167, "C": 0.576}  # of the catalyst, to settle at the low end of β
_BETAS = (18.5, 19.8, 20.1, 20.4, 20.8, 21.1, 21.4, 23.0)
_CATALYST_SPAN, _CATALYST_STEP = (19.0, 22.0), 0.25
_CATALYST_BEGIN, _CATALYST_WINDOW = 19.6, 0.25  # β of the first point; half width in β around its Hopf points
_SAMPLED, _SETTLED, _FOLLOWED = 2.0, 600.0, 2000.0  # of the paths of the catalyst (s)
_QUIET = 3.0  # times as large as far from the Hopf points is what counts as an oscillation


def run_oscillation(settings: Settings, context: Context) -> Part:
    """Hopf points from molecules alone, the cycles beyond, and how noise changes their period.

    The macro states are X and Y of the Brusselator, and A, B and C of the catalyst; all molecules are in them.

    Tables: ``oscillation_branch`` and ``oscillation_events`` of steady states; ``oscillation_cycles`` of the rate
    equations, by `Branch.cycles_to_pandas`; ``oscillation_periods`` over the volume; ``oscillation_paths`` of cycles
    in X and Y; ``catalyst_paths`` and ``catalyst_extremes`` over β.
    """
    parts: list[Part] = []
    if "brusselator" in settings.oscillation.networks:
        parts.append(_brusselator(settings, context))
    if "catalyst" in settings.oscillation.networks:
        parts.append(_catalyst(settings, context))
    names = dict.fromkeys(name for part in parts for name in part.tables)
    whole = join(parts)
    tables = {
        name: pd.concat([part.tables[name] for part in parts if name in part.tables], ignore_index=True)
        for name in names
    }
    return Part(tables, whole.values, whole.checks, whole.notes, whole.failures, whole.cost)


@dataclass(frozen=True)
class _Brusselator:
    """The Brusselator over B, from molecules in a volume or by its rate equations."""

    settings: Settings
    context: Context

    def molecules(self, b: float, volume: float, replicas: int) -> ef.CoarseTimeStepper:
        """From molecules; a solver that is led to a rate below zero is told that there is none."""
        network = read_network("brusselator").with_rates({"convert": _rate(b)})
        model = Reduced(WellMixed(network, volume, method=RandomTimeChange()), {"X": 1.0, "Y": 1.0})
        return ef.CoarseTimeStepper(model, replicas=replicas, executor=self.context.executor, seed=self.settings.seed)

    def equations(self, b: float) -> ef.CoarseTimeStepper:
        """The rate equations, to round-off."""
        slope = RateEquations(read_network("brusselator").with_rates({"convert": _rate(b)}))

        def flow(state: Array, duration: float, _: Generator) -> Array:
            from scipy.integrate import solve_ivp

            if duration == 0:
                return state
            solved = solve_ivp(slope, (0.0, duration), state, method="DOP853", rtol=1e-12, atol=1e-13)
            return np.asarray(solved.y[:, -1], dtype=np.float64)

        scales = [{"name": name, "scale": 1.0} for name in ("X", "Y")]
        return ef.CoarseTimeStepper(
            ef.micro_model(lambda macro, _: macro, flow, lambda micro: micro, deterministic=True, fields=scales)
        )


def _rate(value: float) -> float:
    if value < 0:
        raise OutOfBoundsError(f"A rate cannot be negative: got {value:g}.")
    return value


def _brusselator(settings: Settings, context: Context) -> Part:
    made, options = _Brusselator(settings, context), settings.oscillation
    parts = [_brusselator_branch(made, options, context)]
    exact = ef.find_periodic_orbit(made.equations(_AT), _NEAR, period0=7.0)
    rows, checks, cost = [], list(_check_exact(exact)), exact.cost
    paths = [_path(exact, "rate equations")]
    values = {}
    failures = [] if exact.success else [f"Cycle of the rate equations: {exact.message}"]
    for number, volume in enumerate(context.track(list(options.volumes), "cycles of the brusselator")):
        orbit = ef.find_periodic_orbit(
            made.molecules(_AT, volume, options.cycle_replicas),
            _NEAR,
            period0=7.0,
            key=(_BRUSSELATOR, 1, number),
            section=_SECTION,
            key_sets=2,
            multipliers=2,
            returns=options.returns,
            difference=options.cycle_difference,
        )
        cost = cost + orbit.cost
        if not orbit.success or orbit.spectrum is None:
            failures.append(f"Cycle in the volume {volume:g}: {orbit.message}")
            continue
        expected = _PERIOD + _SHIFT / volume
        values[f"cycle_period_{volume:g}"] = ef.Value(orbit.period, orbit.period_stderr)
        rows.append({"volume": volume, "period": orbit.period, "stderr": orbit.period_stderr, "expected": expected})
        checks.append(
            ef.Check(
                f"mean return time of the brusselator at B = 3 in the volume {volume:g}",
                orbit.period,
                expected,
                _ERRORS,
                "7.15692 + (5.5 ± 0.5) / volume, an independent exact simulation",
                relation=ef.Relation.COVERS,
                stderr=float(np.hypot(orbit.period_stderr, _SHIFT_STDERR / volume)),
            )
        )
        paths.append(_path(orbit, f"molecules, volume {volume:g}"))
        if volume == max(options.volumes):
            checks += _check_floquet(orbit.spectrum, volume)
            leading = orbit.spectrum.multipliers[0].real
            values["cycle_floquet"] = ef.Value(float(leading), float(orbit.spectrum.stderr[0]))
    tables = {"oscillation_periods": pd.DataFrame(rows), "oscillation_paths": pd.concat(paths, ignore_index=True)}
    return join([*parts, Part(tables, values, checks, failures=failures, cost=cost)])


def _brusselator_branch(made: _Brusselator, options: OscillationSettings, context: Context) -> Part:
    """Steady states from molecules with their Hopf point, and cycles of the rate equations from theirs."""
    method = PseudoArclength(
        duration=options.duration,
        span=_SPAN,
        steps=Steps(first=_STEP, points=20),
        measure=lambda macro: macro[1],
        difference=options.difference,
    )
    with counting(context, 8, "steady states of the brusselator") as count:
        branch = ef.continue_branch(
            lambda b: made.molecules(b, max(options.volumes), options.replicas),
            [1.0, _SPAN[0]],
            _SPAN[0],
            method,
            (_BRUSSELATOR, 0),
            directions=(1,),
            events=EventOptions(key_sets=options.key_sets, replicas=options.hopf_replicas),
            progress=count,
        )
    hopf = ef.find_hopf_point(made.equations, lambda b: np.array([1.0, b]), (1.8, 2.2), duration=1.0)
    cycles = ef.switch_to_cycles(
        made.equations,
        hopf,
        PseudoArclength(
            duration=6.0,
            span=(1.5, _TOP),
            steps=Steps(first=0.1, largest=0.4, points=40),
            measure=lambda macro: macro[1],
        ),
    )
    found = [event for event in branch.hopf_points() if np.isfinite(event.stderr)]
    failures = [] if branch.success else [f"Branch of the brusselator: {branch.message}"]
    failures += [f"Hopf point: {event.detail}" for event in branch.hopf_points() if not np.isfinite(event.stderr)]
    if not branch.hopf_points():
        failures.append("Branch of the brusselator: without a Hopf point.")
    values = {}
    if found:
        values["hopf_b"] = ef.Value(found[0].parameter, found[0].stderr)
        values["hopf_frequency"] = ef.Value(found[0].frequency, found[0].frequency_stderr)
    return Part(
        tables={
            "oscillation_branch": branch.to_pandas("brusselator"),
            "oscillation_events": branch.events_to_pandas("brusselator"),
            "oscillation_cycles": cycles.cycles_to_pandas("cycles of the rate equations"),
        },
        values=values,
        checks=[check for event in found[:1] for check in _check_hopf(event)],
        notes=[f"Brusselator: {branch.message}", f"Cycles of the rate equations: {cycles.message}"],
        failures=failures,
        cost=branch.cost + hopf.cost + cycles.cost,
    )


def _path(orbit: ef.PeriodicOrbit, name: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": name,
            "kind": "cycle",
            "time": orbit.times,
            "x": orbit.path[:, 0],
            "y": orbit.path[:, 1],
            "x_stderr": orbit.path_stderr[:, 0],
            "y_stderr": orbit.path_stderr[:, 1],
        }
    )


def _check_hopf(event: ef.BranchEvent) -> Iterator[ef.Check]:
    errors = half_width(event.degrees, _LEVEL)
    for quantity, value, stderr, exact in (
        ("Hopf point of the brusselator, B", event.parameter, event.stderr, 2.0),
        ("its angular frequency", event.frequency, event.frequency_stderr, 1.0),
    ):
        yield ef.Check(
            quantity,
            value,
            exact,
            errors,
            "rate equations: B = 1 + A², ω = A",
            relation=ef.Relation.COVERS,
            stderr=stderr,
        )


def _check_exact(orbit: ef.PeriodicOrbit) -> Iterator[ef.Check]:
    if orbit.success:
        yield ef.Check(
            "period of the cycle of the rate equations at B = 3, by shooting",
            orbit.period,
            _EXACT_PERIOD,
            _EXACT,
            "an independent solution, 11 digits",
        )


def _check_floquet(spectrum: ef.Spectrum, volume: float) -> Iterator[ef.Check]:
    yield ef.Check(
        f"Floquet multiplier at B = 3 in the volume {volume:g}",
        float(spectrum.multipliers[0].real),
        _FLOQUET,
        _FEWER,
        "rate equations, an independent solution",
        relation=ef.Relation.COVERS,
        stderr=float(spectrum.stderr[0]),
    )
    yield ef.Check(
        "its standard error",
        float(spectrum.stderr[0]),
        _KNOWN,
        0.0,
        "asked for",
        relation=ef.Relation.AT_MOST,
    )


def _catalyst(settings: Settings, context: Context) -> Part:
    """Where it oscillates by molecules: long paths over β, and the Hopf points from short bursts if they are wanted."""
    options = settings.oscillation
    rows, paths = [], []
    for number, beta in enumerate(context.track(list(_BETAS), "catalyst over β")):
        model = WellMixed(read_network(CATALYST).with_rates({"dissociate": beta}), options.path_sites)
        rng = Generator(PCG64(SeedSequence(settings.seed, spawn_key=(_PATHS, number))))
        start = np.rint(model.network.initial * options.path_sites).astype(np.int64)
        times = np.arange(0.0, _SETTLED + _FOLLOWED, _SAMPLED)
        a = path(model.tables, start, times, rng)[:, model.network.index("A")] / options.path_sites
        later = a[times >= _SETTLED]
        low, high = np.quantile(later, [0.01, 0.99])
        rows.append({"beta": beta, "low": float(low), "high": float(high), "mean": float(later.mean())})
        kept = times >= _SETTLED
        paths.append(pd.DataFrame({"beta": beta, "time": times[kept] - _SETTLED, "A": later}))
    extremes = pd.DataFrame(rows)
    part = Part(
        tables={"catalyst_extremes": extremes, "catalyst_paths": pd.concat(paths, ignore_index=True)},
        values={},
        checks=list(_check_extremes(extremes)),
    )
    return join([part, _catalyst_branch(settings, context)]) if options.locate else part


def _check_extremes(extremes: pd.DataFrame) -> Iterator[ef.Check]:
    """It swings between the Hopf points, and is nearly still far from them."""
    swing = (extremes["high"] - extremes["low"]).to_numpy()
    between = extremes["beta"].between(*HOPF_POINTS).to_numpy()
    far = extremes["beta"].isin([min(_BETAS), max(_BETAS)]).to_numpy()
    yield ef.Check(
        "catalyst: smallest swing of A between the Hopf points, over the largest far from them",
        float(swing[between].min() / swing[far].max()),
        _QUIET,
        0.0,
        "rate equations: a cycle between, a steady state beyond",
        relation=ef.Relation.AT_LEAST,
    )


def _catalyst_branch(settings: Settings, context: Context) -> Part:
    options, name = settings.oscillation, "catalyst"

    def stepper_of(beta: float) -> ef.CoarseTimeStepper:
        network = read_network(CATALYST).with_rates({"dissociate": _rate(beta)})
        return ef.CoarseTimeStepper(
            Reduced(WellMixed(network, options.sites, method=RandomTimeChange()), _SCALES, "F"),
            replicas=options.catalyst_replicas,
            executor=context.executor,
            seed=settings.seed,
        )

    method = PseudoArclength(
        duration=options.catalyst_duration,
        span=_CATALYST_SPAN,
        steps=Steps(first=_CATALYST_STEP, points=40, unit=1.0),
        measure=lambda macro: macro[0],
        difference=options.catalyst_difference,
    )
    with counting(context, 12, "steady states of the catalyst") as count:
        branch = ef.continue_branch(
            stepper_of,
            list(_START.values()),
            _CATALYST_BEGIN,
            method,
            (_CATALYST,),
            directions=(1,),
            events=EventOptions(key_sets=options.catalyst_sets, window=_CATALYST_WINDOW),
            progress=count,
        )
    found = [event for event in branch.hopf_points() if np.isfinite(event.stderr)]
    checks = [check for event in found for check in _check_catalyst(event)]
    lost = [event.detail for event in branch.hopf_points() if not np.isfinite(event.stderr)]
    failures = [f"Hopf point of the catalyst: {detail}" for detail in lost]
    failures += [] if branch.success else [f"Branch of the catalyst: {branch.message}"]
    if len(found) + len(lost) < len(HOPF_POINTS):
        failures.append(f"Branch of the catalyst: {len(found)} of its {len(HOPF_POINTS)} Hopf points were found.")
    return Part(
        tables={
            "oscillation_branch": branch.to_pandas(name),
            "oscillation_events": branch.events_to_pandas(name),
        },
        values={f"catalyst_hopf_{n}": ef.Value(e.parameter, e.stderr, "1/s") for n, e in enumerate(found)},
        checks=checks,
        notes=[f"Catalyst: {branch.message}"],
        failures=failures,
        cost=branch.cost,
    )


def _check_catalyst(event: ef.BranchEvent) -> Iterator[ef.Check]:
    """A Hopf point beside the nearest of the rate equations."""
    exact = min(HOPF_POINTS, key=lambda one: abs(event.parameter - one))
    yield ef.Check(
        f"Hopf point of the catalyst near β = {exact:.4g}",
        event.parameter,
        exact,
        half_width(event.degrees, _LEVEL),
        "rate equations: eigenvalues of their Jacobian",
        relation=ef.Relation.COVERS,
        stderr=event.stderr,
        unit="1/s",
    )
