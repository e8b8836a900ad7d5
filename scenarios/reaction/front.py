"""A front of molecules in voxels: projected over hops that nobody simulates, beside exact simulation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import eqfree as ef
from agents.molecules import Grid, Molecules, Network, RateEquations, Voxels, mean_concentrations
from eqfree.ensemble import Key
from eqfree.scenario import Context
from scenarios.part import Part
from scenarios.reaction.equations import follow
from scenarios.reaction.settings import FrontSettings, Settings

__all__ = ["MassAction", "front_network", "front_speed", "run_front", "speed_of"]

Array = NDArray[np.float64]

_THRESHOLD = 0.25  # below that density the molecules die out
_STEP, _BURST = 2.0, 0.06  # over the fastest mode's rate 4 D / spacing²: RK4 is stable up to 2.78
_TIMES = 21
_FORMED = 1 / 3  # of the time: until then the front forms
_EXACT, _EQUATIONS, _PROJECTED = "exact simulation", "rate equations", "projection"
_CLOSE = 0.02  # of the speed, to the rate equations on the same voxels
_MANY = 100.0  # molecules in a voxel, whose front noise does not change


def front_network() -> Network:
    """2X -> 3X, 3X -> 2X and X -> 0, so that dx/dt = x (1 - x) (x - 1/4).

    >>> front_network().rates
    array([1.25, 1.  , 0.25])
    """
    return Network.parse(f"2X -> 3X, k={1 + _THRESHOLD}\n3X -> 2X, k=1\nX -> 0, k={_THRESHOLD}\n")


def front_speed() -> float:
    """sqrt(D/2) (1 - 2a) for D = 1: the exact speed of the front of x (1 - x) (x - a) in a continuum.

    J. D. Murray, Mathematical Biology I, 3rd ed. (2002), section 13.3, eq. 13.39.

    >>> round(front_speed(), 4)
    0.3536
    """
    return (1 - 2 * _THRESHOLD) / sqrt(2)


def run_front(settings: Settings, context: Context) -> Part:
    """Molecules invade an empty line; their front is projected beside exact simulation and the rate equations.

    Diffusion makes it stiff: molecules hop many times while the front moves a voxel. The slope is `MassAction` at the
    concentrations averaged over a burst, since the increment of a burst is nearly all noise. Every population is
    projected by itself. Tables: ``front`` (concentration at the end, each way) and ``front_places``
    (where the front is).
    """
    options = settings.front
    line = _Line.of(options)
    times = np.linspace(0.0, options.duration, _TIMES)
    stepper = ef.CoarseTimeStepper(line.voxels, replicas=1, executor=context.executor, seed=settings.seed)
    ways: dict[str, Array] = {}
    costs: dict[str, ef.Cost] = {}
    for way, follow_one in ((_PROJECTED, _project), (_EXACT, _simulate)):
        runs = [
            follow_one(stepper, line, times, (number,))
            for number in context.track(list(range(options.replicas)), f"fronts by {way}")
        ]
        ways[way] = np.array([concentrations for concentrations, _ in runs])
        costs[way] = sum((cost for _, cost in runs), ef.Cost())
    ways[_EQUATIONS] = follow(MassAction(line.voxels).equations, line.begun[0], times, options.volume)[np.newaxis]
    return _tell(line, times, ways, costs)


@dataclass(frozen=True, eq=False)
class MassAction:
    """The slope of concentrations in voxels, (species, voxel): reactions and hops at their means over a burst.

    Two of n molecules react at n (n - 1), the mean of which is the square of the mean where n has the law of Poisson.
    Hops make it so, but not within a burst, and molecules are lifted more evenly than that: propensities at their own
    numbers are off by about 1/n, and the front would be too fast by several times as much (7 % for 100 molecules).

    Parameters
    ----------
    voxels
        Of which all species are the macro state.

    Examples
    --------
    >>> voxels = Voxels(Network.parse("2X -> 0, k=1"), 100.0, Grid((2,), spacing=1.0), {"X": 1.0})
    >>> before = voxels.lift(np.array([[1.0, 0.0]]), np.random.default_rng(0))
    >>> after = voxels.evolve(before, 1e-6, np.random.default_rng(1))
    >>> MassAction(voxels)(before, after, 1e-6).round(6)
    array([[-3.,  1.]])
    """

    voxels: Voxels

    @property
    def equations(self) -> RateEquations:
        """Reactions and hops of the means."""
        return RateEquations(self.voxels.network, self.voxels.grid, self.voxels.diffusion)

    def __call__(self, before: Molecules, after: Molecules, duration: float) -> Array:
        """The slope."""
        concentrations = mean_concentrations(before, after, duration, self.voxels.volume)
        return self.equations(0.0, concentrations).reshape(concentrations.shape)


@dataclass(frozen=True, eq=False)
class _Line:
    """The voxels, and the concentrations at the start: the exact front's own shape, (1, voxel)."""

    voxels: Voxels
    begun: Array

    @classmethod
    def of(cls, options: FrontSettings) -> _Line:
        grid = Grid((options.voxels,), options.spacing)
        x = grid.coordinates["x"]
        shape = 1 / (1 + np.exp((x - x[-1] / 4) / sqrt(2)))
        return cls(Voxels(front_network(), options.volume, grid, {"X": 1.0}), shape[np.newaxis])


def _simulate(stepper: ef.CoarseTimeStepper, line: _Line, times: Array, key: Key) -> tuple[Array, ef.Cost]:
    """Concentrations (time, voxel) of one population, and what it cost."""
    packed, cost = stepper.lift(line.begun, (*key, 0)), ef.Cost()
    rows = [line.voxels.restrict(line.voxels.unpack(packed[0]))[0]]
    for number, duration in enumerate(np.diff(times), start=1):
        packed, reading = stepper.advance(packed, duration, (*key, number))
        rows.append(reading.mean[0])
        cost += reading.cost
    return np.array(rows), cost


def _project(stepper: ef.CoarseTimeStepper, line: _Line, times: Array, key: Key) -> tuple[Array, ef.Cost]:
    """The same of one population, projected."""
    fastest = 4 / line.voxels.grid.spacing**2
    method = ef.projective.RungeKutta4(
        _STEP / fastest,
        _BURST / fastest,
        slopes=ef.projective.Early(),
        estimator=ef.projective.Observed(MassAction(line.voxels)),
    )
    result = ef.solve_projective(stepper, (0.0, float(times[-1])), line.begun, method, key, t_eval=times)
    return result.macro[:, 0], result.cost


def speed_of(times: Array, places: Array) -> Array:
    """How fast fronts go once they have formed, (population, time) -> (population,): least squares.

    >>> speed_of(np.array([0.0, 1.0, 2.0, 3.0]), np.array([[0.0, 2.0, 4.0, 6.0]])).round(9)
    array([2.])
    """
    formed = times >= _FORMED * times[-1]
    return np.asarray(np.polyfit(times[formed], places[:, formed].T, 1)[0])


def _tell(line: _Line, times: Array, ways: Mapping[str, Array], costs: Mapping[str, ef.Cost]) -> Part:
    """Where the fronts are, how fast they go, what they cost."""
    x, spacing = line.voxels.grid.coordinates["x"], line.voxels.grid.spacing
    speeds, places, profiles = {}, [], []
    for way, concentrations in ways.items():
        place = spacing * concentrations.sum(axis=2)  # of a front of height one
        speed, doubt = _mean(speed_of(times, place))
        speeds[way] = ef.Value(float(speed), float(doubt))
        mean, stderr = _mean(place)
        places.append(pd.DataFrame({"way": way, "time": times, "place": mean, "stderr": stderr}))
        mean, stderr = _mean(concentrations[:, -1])
        profiles.append(pd.DataFrame({"way": way, "x": x, "concentration": mean, "stderr": stderr}))
    fewer = costs[_EXACT].agent_updates / costs[_PROJECTED].agent_updates
    values = {
        "front_speed": speeds[_PROJECTED],
        "front_speed_exact_simulation": speeds[_EXACT],
        "front_speed_rate_equations": speeds[_EQUATIONS],
        "front_fewer_events": ef.Value(fewer),
    }
    notes = [
        f"Front in {len(x)} voxels: speed {_words(speeds[_PROJECTED])} projected, {_words(speeds[_EXACT])} by exact "
        f"simulation, {speeds[_EQUATIONS].value:.4f} by the rate equations on these voxels, {front_speed():.4f} in a "
        f"continuum; {fewer:.3g} times fewer reactions and hops were simulated."
    ]
    tables = {"front": pd.concat(profiles, ignore_index=True), "front_places": pd.concat(places, ignore_index=True)}
    return Part(tables, values, list(_checks(speeds, line.voxels.volume)), notes, cost=sum(costs.values(), ef.Cost()))


def _checks(speeds: Mapping[str, ef.Value], volume: float) -> Iterator[ef.Check]:
    projected, exact, equations = speeds[_PROJECTED], speeds[_EXACT], speeds[_EQUATIONS]
    yield ef.Check(
        "speed of the projected front",
        projected.value,
        exact.value,
        4.0,
        "exact simulation",
        relation=ef.Relation.COVERS,
        stderr=hypot(projected.stderr, exact.stderr),
    )
    if volume >= _MANY:
        yield ef.Check(
            "speed of the projected front of many molecules",
            projected.value,
            equations.value,
            4 * projected.stderr + _CLOSE * equations.value,
            f"rate equations on the same voxels; four standard errors and {_CLOSE:.0%}",
            stderr=projected.stderr,
        )


def _words(value: ef.Value) -> str:
    return f"{value.value:.4f} ± {value.stderr:.4f}"


def _mean(values: Array) -> tuple[Array, Array]:
    """Over populations, and its standard error; none of a single one, which is that of the rate equations."""
    count = len(values)
    stderr = values.std(axis=0, ddof=1) / sqrt(count) if count > 1 else np.zeros(values.shape[1:])
    return values.mean(axis=0), stderr
