"""Ions between electrodes that block them, projected to their steady profile; beside them all ions, all the time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import ceil, cosh, inf, sqrt

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from agents.ions import Box, Hopping, Ions, Landscape, LatticeGas
from agents.ions.constants import BOLTZMANN
from agents.ions.lattices import simple_cubic
from eqfree.scenario import Context
from scenarios.battery.polarisation.chebyshev import chebyshev, stable_reach
from scenarios.battery.polarisation.exact import slowest_rate, steady_profile
from scenarios.battery.polarisation.settings import PolarisationSettings
from scenarios.part import Part

__all__ = ["Blocked", "run_polarisation"]

Array = NDArray[np.float64]

_SPACING, _BARRIER = 3e-10, 0.35  # m and eV; they are units, no more
_PROJECTED, _DIRECT = "projection", "all ions"
_SAFETY = 0.9
_CARRIED = 5.0  # times between two hops over a barrier, after which ions are lifted anew and compared
_WITHIN = 4.0  # standard errors
_GROUPS = 16  # of replicas that are projected side by side: enough for errors, and so large that none runs empty
_SETTLED = 6.0  # times of the slowest mode from which on a profile counts as steady
_PROJECTED_KEY, _DIRECT_KEY, _LIFTED_KEY = (1,), (2,), (3,)


@dataclass(frozen=True, eq=False)
class Blocked:
    """Ions on a simple cubic lattice in a field along x, with walls at both ends.

    Attributes
    ----------
    gas
        The ions.
    filling
        Their share of the sites, a whole number of them.
    tilt
        Charge times field times distance of planes over kT.
    rate
        Of a hop over a barrier that the field does not tilt (Hz).
    """

    gas: LatticeGas
    filling: float
    tilt: float
    rate: float

    @classmethod
    def of(cls, options: PolarisationSettings) -> Blocked:
        """As the settings say.

        Raises
        ------
        ValueError
            If the box would be full or empty.
        """
        columns, width = options.columns, options.width
        box = Box(simple_cubic(_SPACING), (columns, width, width), (False, True, True))
        ions = round(options.filling * len(box))
        if not 0 < ions < len(box):
            raise ValueError(
                f"Ions can hop where there are ions and vacancies: got filling={options.filling:g} of {len(box)} "
                f"sites. Take one from {1 / len(box):.3g} to {1 - 1 / len(box):.6g}."
            )
        thermal = BOLTZMANN * options.temperature
        tilt = options.drop / (columns - 1)
        hopping = Hopping({"hop": _BARRIER})
        gas = LatticeGas(Landscape(box, hopping), options.temperature, (tilt * thermal / _SPACING, 0.0, 0.0))
        rate = hopping.frequency(options.temperature) * float(np.exp(-_BARRIER / thermal))
        return cls(gas, ions / len(box), tilt, rate)

    @property
    def columns(self) -> int:
        """Planes across the field."""
        return self.gas.landscape.box.columns

    @property
    def even(self) -> Array:
        """Where all begin, (1, column)."""
        return np.full((1, self.columns), self.filling)

    @property
    def steady(self) -> Array:
        """The exact profile at the end, (column,)."""
        return steady_profile(self.columns, self.filling, self.tilt)

    def drift(self, before: Ions, after: Ions, duration: float) -> Array:
        """How fast the shares of the columns change on average between the two (1/s): all rates, each at its place."""
        return (self._drift(before) + self._drift(after)) / 2

    def _drift(self, ions: Ions) -> Array:
        start, end, forward, backward = self._across
        held = ions.who >= 0
        flow = forward * (held[start] & ~held[end]) - backward * (held[end] & ~held[start])
        width = self.gas.landscape.box.width
        through = np.bincount(start // width, flow, self.columns)
        return np.asarray((np.append(0.0, through[:-1]) - through) / width)[np.newaxis]

    @cached_property
    def _across(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Array, Array]:
        """The ways to the next plane: sites where they begin and end, and rates forward and backward (1/s)."""
        box, rates = self.gas.landscape.box, self.gas.rates.base[0]
        start, way = np.nonzero(box.neighbours // box.width == np.arange(len(box))[:, np.newaxis] // box.width + 1)
        end = box.neighbours[start, way].astype(np.intp)
        back = np.nonzero(box.neighbours[end] == start[:, np.newaxis])[1]
        return start, end, rates[start, way], rates[end, back]


@dataclass(frozen=True, eq=False)
class _Followed:
    """A profile at the end, (column,), its standard error, the sum over columns at all times, and what it took."""

    way: str
    profile: Array
    stderr: Array
    totals: Array
    cost: ef.Cost

    def deviations(self, exact: Array) -> Array:
        """From the exact profile, in standard errors."""
        return np.abs(self.profile - exact) / np.maximum(self.stderr, 1e-300)


def run_polarisation(options: PolarisationSettings, context: Context, seed: int) -> Part:
    """From an even profile to the steady one, by projection and by all ions all the time.

    The macro state is the occupied share of each plane. What an ion does next depends on its neighbours alone, and ions
    at random within their planes are in equilibrium there: slopes are the rates of all hops, observed over short
    bursts, and steps are those of a Chebyshev scheme, which diffusion lets be long. Tables: ``polarisation`` (both
    profiles), ``polarisation_exact``.

    Raises
    ------
    ValueError
        If the box would be full or empty, or steps were shorter than their bursts.
    """
    blocked = Blocked.of(options)
    period = 1 / blocked.rate
    time = options.relaxations / slowest_rate(options.columns) * period
    fastest = 4 * cosh(blocked.tilt / 2) * blocked.rate
    longest = _SAFETY * stable_reach(options.stages) / fastest
    step = time / ceil(time / longest)
    burst = options.burst * period
    if not step > options.stages * burst:
        raise ValueError(
            f"A step must be longer than its {options.stages} bursts: got {step / period:.3g} and "
            f"{options.stages} × {options.burst:g} times between two hops. Shorten `polarisation.burst`."
        )
    ways: list[_Followed] = []
    failures: list[str] = []
    for way in context.track([_PROJECTED, _DIRECT], "polarisation"):
        if way == _PROJECTED:
            followed, failure = _project(blocked, options, (time, step, burst), seed)
            failures += [failure] if failure else []
        else:
            followed = _simulate(blocked, options, time, context, seed)
        ways.append(followed)
    lifted = _lift_anew(blocked, options, context, seed)
    x = 1e9 * (np.arange(options.columns) * _SPACING)
    frames = [pd.DataFrame({"way": one.way, "x": x, "share": one.profile, "stderr": one.stderr}) for one in ways]
    projected, direct = ways
    gain = time / projected.cost.micro_time
    equal = gain * float((direct.stderr**2).mean() / (projected.stderr**2).mean()) * options.replicas
    return Part(
        tables={
            "polarisation": pd.concat(frames, ignore_index=True),
            "polarisation_exact": pd.DataFrame({"x": x, "share": blocked.steady}),
        },
        values={
            "polarisation_gain": ef.Value(gain),
            "polarisation_gain_at_equal_error": ef.Value(equal),
        },
        checks=[*_checks(blocked, ways, options), lifted.check],
        notes=[
            f"Polarisation over {options.drop:g} kT: {projected.cost.micro_time / period:.3g} times between two hops "
            f"are simulated by projection, all {options.replicas} replicas counted, where one box takes "
            f"{time / period:.3g} all the time: {gain:.3g} times less; at equal standard errors {equal:.3g} times. On "
            f"this machine {options.replicas} boxes took {projected.cost.wall:.2g} s by projection, which lifts at "
            f"every burst, and {direct.cost.wall:.2g} s all the time.",
            f"Slopes of ions that went on for {_CARRIED:g} times between two hops, and of ions lifted anew from the "
            f"shares that these had, differ by {lifted.share:.1%} ± {lifted.error:.1%} of a slope: there is nothing to "
            f"heal. (`eqfree.diagnose` reads chords, which drown in the fluctuations of so small planes.)",
        ],
        failures=failures,
        cost=projected.cost + direct.cost + lifted.cost,
    )


@dataclass(frozen=True)
class _Lifted:
    """How far slopes of ions carried on and lifted anew differ, root mean square: share of the slope, and what noise
    alone makes of it; the largest difference of a plane in standard errors."""

    share: float
    error: float
    largest: float
    cost: ef.Cost

    @property
    def check(self) -> ef.Check:
        """That there is nothing to heal."""
        return ef.Check(
            "polarisation: largest difference of slopes of ions carried on and lifted anew, in standard errors",
            self.largest,
            _WITHIN,
            0.0,
            "exact: exclusion alone leaves ions of a plane at random",
            relation=ef.Relation.AT_MOST,
        )


def _lift_anew(blocked: Blocked, options: PolarisationSettings, context: Context, seed: int) -> _Lifted:
    """Ions go on from the even profile; what they are worth as a start is that of ions lifted where they are."""
    gas = blocked.gas

    def evolve(micro: tuple[Ions, Ions], duration: float, rng: Generator) -> tuple[Ions, Ions]:
        carried = gas.evolve(micro[0], duration, rng)
        return carried, gas.lift(gas.restrict(carried), rng)

    def observe(_: tuple[Ions, Ions], after: tuple[Ions, Ions], duration: float) -> Array:
        carried, anew = (blocked.drift(ions, ions, duration) for ions in after)
        return np.array([carried[0], anew[0]])

    model = ef.micro_model(
        lambda macro, rng: (gas.lift(macro, rng),) * 2, evolve, lambda micro: gas.restrict(micro[0]), warm=gas.warm
    )
    stepper = ef.CoarseTimeStepper(model, options.lifted, executor=context.executor, seed=seed)
    burst = stepper.burst(blocked.even, (0.0, _CARRIED / blocked.rate), _LIFTED_KEY, observe, samples=True)
    assert burst.observed is not None
    assert burst.observed.samples is not None
    slopes = burst.observed.samples[:, 0]
    apart = slopes[:, 0] - slopes[:, 1]
    mean, error = apart.mean(axis=0), apart.std(axis=0, ddof=1) / sqrt(len(apart))
    size = float(np.sqrt((slopes.mean(axis=(0, 1)) ** 2).mean()))
    return _Lifted(
        share=float(np.sqrt((mean**2).mean())) / size,
        error=float(np.sqrt((error**2).mean())) / size,
        largest=float((np.abs(mean) / np.maximum(error, 1e-300)).max()),
        cost=burst.cost,
    )


def _project(
    blocked: Blocked,
    options: PolarisationSettings,
    times: tuple[float, float, float],
    seed: int,
) -> tuple[_Followed, str]:
    time, step, burst = times
    stepper = ef.CoarseTimeStepper(blocked.gas, options.replicas, seed=seed)  # bursts too short to be worth a thread
    method = ef.projective.RungeKutta(
        step,
        burst,
        slopes=ef.projective.Plain(),
        estimator=ef.projective.Observed(blocked.drift),
        tableau=chebyshev(options.stages),
    )
    result = ef.solve_projective(stepper, (0.0, time), blocked.even, method, _PROJECTED_KEY, groups=_GROUPS)
    failure = "" if result.success else f"Polarisation by projection: {result.message}"
    totals = result.macro.sum(axis=(1, 2))
    return _Followed(_PROJECTED, result.macro[-1, 0], result.stderr[-1, 0], totals, result.cost), failure


def _simulate(blocked: Blocked, options: PolarisationSettings, time: float, context: Context, seed: int) -> _Followed:
    stepper = ef.CoarseTimeStepper(blocked.gas, options.replicas, executor=context.executor, seed=seed)
    burst = stepper.burst(blocked.even, (time / 2, time), _DIRECT_KEY, samples=True)
    assert burst.samples is not None
    return _Followed(
        _DIRECT, burst.mean[-1, 0], burst.stderr[-1, 0], burst.samples.sum(axis=(2, 3)).ravel(), burst.cost
    )


def _checks(blocked: Blocked, ways: list[_Followed], options: PolarisationSettings) -> Iterator[ef.Check]:
    for one in ways:
        if options.relaxations >= _SETTLED:
            yield ef.Check(
                f"polarisation, {one.way}: largest deviation of a plane from the steady profile, in standard errors",
                float(one.deviations(blocked.steady).max(initial=0.0)) if np.isfinite(one.profile).all() else inf,
                _WITHIN,
                0.0,
                "exact: c/(1 - c) = A exp(q E x/kT), the number of ions kept",
                relation=ef.Relation.AT_MOST,
            )
        yield ef.Check(
            f"polarisation, {one.way}: ions that came or went",
            float(np.abs(one.totals - blocked.even.sum()).max() * blocked.gas.landscape.box.width),
            0.0,
            1e-8,
            "exact: electrodes block; rounding of sums",
        )
