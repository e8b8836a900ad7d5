"""The mean profiles of cells as a smooth function of their parameters: an equation and a fitted correction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import eqfree as ef
from eqfree.ensemble import ExecutorLike
from scenarios.tissue.assay.data import Profiles
from scenarios.tissue.assay.equation import Law, solve_profiles
from scenarios.tissue.assay.population import ScratchCells

__all__ = ["Surrogate", "build_surrogate", "simulate_cells"]

Array = NDArray[np.float64]
Workers = ExecutorLike

_REACH = {"diffusivity": 1.7, "proliferation": 1.6, "capacity": 1.35}  # a factor up or down
_LATER = 3.0  # h, of the delay, sooner or later
_PROBES = 8  # parameters at which the surrogate is compared with cells it was not made from


@dataclass(frozen=True, eq=False)
class Surrogate:
    """Profiles of cells at any parameters: what they do on average by `solve_profiles`, and a correction for what that
    leaves out, linear in the logarithms of the parameters and in the delay, by least squares on simulations.

    Beyond the box of the simulations the correction stays what it is at the nearest face.

    Attributes
    ----------
    law, profiles
        Of the cells; the profiles they begin from, and their times.
    centre, reach
        Parameter -> middle of the box and half its width, of logarithms, of the delay in h.
    correction : (term, time, position)
        In cells/µm².
    error
        Root mean square of surrogate - cells at parameters it was not made from, the noise of those cells taken out
        (cells/µm²).
    """

    law: Law
    profiles: Profiles
    centre: Mapping[str, float]
    reach: Mapping[str, float]
    correction: Array
    error: float = 0.0

    def __call__(self, parameters: Mapping[str, float], count: int | None = None) -> Array:
        """Densities (cells/µm²) at the times after the scratch, (time, position): at all, or those of the first
        ``count`` profiles."""
        mean = _equation(self.law, self.profiles, parameters, count)
        return mean + np.tensordot(self._terms(parameters), self.correction[:, : len(mean)], axes=1)

    def _terms(self, parameters: Mapping[str, float]) -> Array:
        return _terms(np.clip([self._scaled(name, parameters[name]) for name in self.centre], -1.0, 1.0))

    def _scaled(self, name: str, value: float) -> float:
        middle, reach = self.centre[name], self.reach[name]
        return float((value - middle) / reach if name == "delay" else np.log(value / middle) / reach)


def simulate_cells(
    law: Law,
    parameters: Mapping[str, float],
    profiles: Profiles,
    height: float,
    replicas: int,
    *,
    seed: int,
    key: tuple[int, ...],
    executor: Workers = None,
) -> ef.Trajectory:
    """Cells from the profile of the scratch on, at the times after it."""
    model = ScratchCells(law, dict(parameters), len(profiles.positions), profiles.strip, height)
    stepper = ef.CoarseTimeStepper(model, replicas=replicas, seed=seed, executor=executor)
    return stepper.simulate(profiles.densities[0], profiles.times[1:] - profiles.times[0], key)


def build_surrogate(
    law: Law,
    centre: Mapping[str, float],
    bounds: Mapping[str, tuple[float, float]],
    profiles: Profiles,
    height: float,
    *,
    design: int,
    replicas: int,
    seed: int,
    executor: Workers = None,
    track: Callable[[Array], Iterable[Array]] = iter,
) -> tuple[Surrogate, ef.Cost]:
    """A surrogate about parameters, from cells at ``design`` others about them (a Latin hypercube), and what it cost.

    Each has random numbers of its own, so that their noise averages out over the design.
    """
    reach = {name: _LATER if name == "delay" else float(np.log(_REACH[name])) for name in centre}
    blank = Surrogate(law, profiles, centre, reach, np.zeros((1 + len(centre), 1, 1)))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    ranks = rng.permuted(np.tile(np.arange(design), (len(centre), 1)), axis=1).T
    spread_out = (ranks + rng.random(ranks.shape)) / design
    points = np.vstack([spread_out, rng.random((_PROBES, len(centre)))])
    rows, noise, scaled, cost = [], [], [], ef.Cost()
    for number, point in enumerate(track(2 * points - 1)):
        parameters = {
            name: float(np.clip(_unscaled(name, middle, reach[name] * z), *bounds[name]))
            for (name, middle), z in zip(centre.items(), point, strict=True)
        }
        simulated = simulate_cells(
            law, parameters, profiles, height, replicas, seed=seed, key=(1, number), executor=executor
        )
        rows.append(simulated.macro - _equation(law, profiles, parameters))
        noise.append(simulated.stderr)
        scaled.append(blank._terms(parameters))
        cost += simulated.cost
    found, terms = np.array(rows), np.array(scaled)
    fitted, *_ = np.linalg.lstsq(terms[:design], found[:design].reshape(design, -1), rcond=None)
    correction = np.asarray(fitted, dtype=np.float64).reshape(-1, *found.shape[1:])
    missed = found[design:] - np.tensordot(terms[design:], correction, axes=1)
    excess = (missed**2).mean() - (np.array(noise[design:]) ** 2).mean()
    return Surrogate(law, profiles, centre, reach, correction, float(np.sqrt(max(excess, 0.0)))), cost


def _equation(law: Law, profiles: Profiles, parameters: Mapping[str, float], count: int | None = None) -> Array:
    durations = profiles.times[1:count] - profiles.times[0]
    return solve_profiles(law, parameters, profiles.densities[0], profiles.strip, durations)


def _terms(scaled: Array) -> Array:
    return np.concatenate(([1.0], scaled))


def _unscaled(name: str, middle: float, step: float) -> float:
    return middle + step if name == "delay" else middle * float(np.exp(step))
