"""A strip of the tissue, projected or followed cell by cell."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, pi, sqrt

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from agents.cells import LatticeCells, Sites
from eqfree.ensemble import ExecutorLike, Key
from scenarios.tissue.modes import CosineModes
from scenarios.tissue.rules import CellRules, sampler_of
from scenarios.tissue.wound.settings import WoundSettings

__all__ = ["Followed", "Strip"]

Array = NDArray[np.float64]

_STABLE = 2.785  # times the rate of the fastest mode: the reach of Runge and Kutta's scheme on the negative axis
_SAFETY = 0.95
_PER_WIDTH = 1.27  # modes of a field as long as sqrt(D / λ), the width of a front
_PER_EDGE = 0.29  # an edge of the gap counts as a front 1 / 0.29 times as wide as itself


@dataclass(frozen=True, eq=False)
class Followed:
    """Densities of the columns at the times of a strip, mean and standard error (time, column).

    Attributes
    ----------
    densities, stderr : (time, column)
        NaN from where it ended early.
    mean, mean_stderr : (time,)
        Density of the whole strip, and its standard error over replicas.
    cost
        Of all replicas.
    failure
        What ended it early, if anything.
    """

    densities: Array
    stderr: Array
    mean: Array
    mean_stderr: Array
    cost: ef.Cost
    failure: str = ""


@dataclass(frozen=True, eq=False)
class Strip:
    """What the settings say of a strip.

    Attributes
    ----------
    model
        Its cells, told by modes of their density.
    days : (time,)
        When it is read, from 0 on; as far apart as a stable step of projection.
    burst, healing
        Of projection (days).
    """

    model: CosineModes
    days: Array
    burst: float
    healing: float

    @classmethod
    def of(
        cls, rules: CellRules, options: WoundSettings, days: float, motility: float | None = None, width: int = 0
    ) -> Strip:
        """The strip; another motility than the rules' and another width than the options' may be given.

        Raises
        ------
        ValueError
            If more modes are asked for than there are columns, or a step is not longer than its bursts.
        """
        hops = rules.motility if motility is None else motility
        cell = rules.model_copy(update={"motility": hops}).cell
        sites = Sites((options.columns, width or options.width), options.diameter, (False, True))
        diffusion = hops * options.diameter**2 / 4
        front = max(sqrt(rules.proliferation / diffusion), _PER_EDGE / options.edge)
        modes = options.modes or min(ceil(_PER_WIDTH * options.length * front), options.columns)
        model = CosineModes(LatticeCells(sites, (cell,), sampler_of(rules.sampler)), modes)
        fastest = diffusion * (pi * (modes - 1) / options.length) ** 2 + rules.proliferation + rules.death
        steps = ceil(days * fastest / (_SAFETY * _STABLE))
        strip = cls(model, np.linspace(0.0, days, steps + 1), options.burst / hops, options.healing / hops)
        if not strip.step > 4 * strip.burst:
            raise ValueError(
                f"A step must be longer than its four bursts of {strip.burst:.3g} days: got {strip.step:.3g} days, the "
                f"longest that is stable with {modes} modes and divides the {days:g} days. Take more `days`, fewer "
                "`wound.modes`, or a shorter `wound.burst`."
            )
        return strip

    @property
    def step(self) -> float:
        """From one reading to the next (days)."""
        return float(self.days[1])

    @property
    def diffusion(self) -> float:
        """Of single cells in an empty field, motility × diameter² / 4 (µm²/day)."""
        cells = self.model.cells
        return cells.types[0].motility * cells.sites.spacing**2 / 4

    @property
    def fisher_speed(self) -> float:
        """2 sqrt(D λ), the speed of the Fisher-KPP front with these rates (µm/day)."""
        cell = self.model.cells.types[0]
        return 2 * sqrt(self.diffusion * max(cell.proliferation - cell.death, 0.0))

    def begin(self, densities: Array) -> Array:
        """Densities with the modes of some, between 0 and 1: where all begin."""
        return self.model.densities(self.model.modes(densities))

    def filtered(self, followed: Followed) -> tuple[Array, Array]:
        """Densities with the waves that are no modes left out, and their standard errors, columns being independent."""
        model = self.model
        kept = model.profile(model.modes(np.eye(model.cells.sites.columns)))
        return followed.densities @ kept, np.sqrt(followed.stderr**2 @ kept**2)

    def project(self, begin: Array, replicas: int, seed: int, executor: ExecutorLike = None, key: Key = ()) -> Followed:
        """Projected by Runge and Kutta's scheme over slopes that are observed along bursts.

        The standard error is that of the modes' amplitudes, as if these were independent.
        """
        stepper = ef.CoarseTimeStepper(self.model, replicas, self.healing, executor, seed)
        method = ef.projective.RungeKutta4(
            self.step,
            self.burst,
            slopes=ef.projective.Early(),
            estimator=ef.projective.Observed(self.model.drift),
        )
        span = (0.0, float(self.days[-1]))
        result = ef.solve_projective(stepper, span, self.model.modes(begin), method, key, t_eval=self.days)
        late = len(self.days) - len(result.times)  # readings that it did not reach

        def until_the_end(values: Array) -> Array:
            return np.concatenate((values, np.full((late, *values.shape[1:]), np.nan)))

        return Followed(
            densities=until_the_end(np.array([self.model.densities(modes) for modes in result.macro])),
            stderr=until_the_end(np.sqrt(result.stderr**2 @ self.model.waves**2)),
            mean=until_the_end(result.macro[:, 0]),
            mean_stderr=until_the_end(result.stderr[:, 0]),
            cost=result.cost,
            failure="" if result.success else f"Projection of the wound: {result.message}",
        )

    def simulate(
        self, begin: Array, replicas: int, seed: int, executor: ExecutorLike = None, key: Key = ()
    ) -> Followed:
        """Followed cell by cell, all the time."""
        stepper = ef.CoarseTimeStepper(self.model.cells, replicas, executor=executor, seed=seed)
        burst = stepper.burst(begin[np.newaxis], self.days, key, samples=True)
        assert burst.samples is not None
        means = burst.samples.mean(axis=(2, 3))
        mean_stderr = means.std(axis=0, ddof=1) / sqrt(replicas)
        return Followed(burst.mean[:, 0], burst.stderr[:, 0], means.mean(axis=0), mean_stderr, burst.cost)
