"""Coarse time-steppers over a parameter whose branches, folds and crossings are known exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef
from eqfree.continuation import PseudoArclength, Steps
from tests.eqfree.steady_models import Shaken

Array: TypeAlias = NDArray[np.float64]
StepperOf: TypeAlias = Callable[[float], ef.CoarseTimeStepper]


def euler(
    slope: Callable[[Array, float], Any],
    noise: float = 0.0,
    *,
    fields: tuple[Any, ...] = (),
    replicas: int = 16,
    seed: int = 0,
) -> StepperOf:
    """u becomes u + duration slope(u, p), shaken: steady states are the zeros of the slope, whatever the duration.

    The multipliers are 1 + duration times the eigenvalues of the slope's derivative.
    """

    def stepper_of(parameter: float) -> ef.CoarseTimeStepper:
        model = Shaken(lambda state, duration: state + duration * slope(state, parameter), noise, fields)
        return ef.CoarseTimeStepper(model, replicas=replicas, seed=seed)

    return stepper_of


def fold(noise: float = 0.0, **options: Any) -> StepperOf:
    """u' = p + u²: u = ±√(-p), stable below, a fold at p = 0."""
    return euler(lambda u, p: p + u**2, noise, **options)


def cusp(noise: float = 0.0, **options: Any) -> StepperOf:
    """u' = p + u - u³: folds at p = ±2/(3√3), u = ±1/√3."""
    return euler(lambda u, p: p + u - u**3, noise, **options)


def line(**options: Any) -> StepperOf:
    """u' = p - u."""
    return euler(lambda u, p: p - u, **options)


@dataclass(frozen=True, eq=False)
class MajorityVote:
    """Agents who take the majority of five others, drawn anew, or with probability ``error`` its opposite; all at once.

    One random number an agent: paths under one key stay together. With noise that is frozen, the pitchfork comes apart:
    its trunk runs into one of the arms. Not so for a ``mirrored`` population, half of which starts from the opposite
    opinion with the same random numbers: what is read is half the difference, an odd function of the opinion.
    """

    error: float
    agents: int = 10_000
    mirrored: bool = True

    fields = (ef.Field("opinion", bounds=(-1.0, 1.0), scale=1.0),)
    time_step = 1.0

    def lift(self, macro: Array, rng: Generator) -> Array:
        """How many agents are for it, and in the mirror; rounded at random, so that the mean is right."""
        signs = np.array([1.0, -1.0] if self.mirrored else [1.0])
        return np.asarray(np.floor(self.agents * (1 + signs * macro[0]) / 2 + rng.random()))

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        for _ in range(round(duration)):
            share = mean_field(2 * micro / self.agents - 1, self.error) / 2 + 0.5
            numbers = rng.random(self.agents)
            micro = np.array([np.count_nonzero(numbers < one) for one in share], dtype=np.float64)
        return micro

    def restrict(self, micro: Array) -> Array:
        opinion = 2 * micro / self.agents - 1
        return np.array([opinion[0] if len(opinion) == 1 else (opinion[0] - opinion[1]) / 2])


def mean_field(opinion: Any, error: Any) -> Any:
    """The next mean opinion of `MajorityVote`."""
    return (1 - 2 * error) * (15 * opinion - 10 * opinion**3 + 3 * opinion**5) / 8


@dataclass(frozen=True, eq=False)
class SlowHidden:
    """u' = p + h - u, h' = -slow (h - gain p): of which the macro state is u, and lifting knows nothing of h.

    Steady at u = (1 + gain) p. Lifted anew with h = 0, it is read after a healing as if steady at another place;
    carried along, h is what it became.
    """

    parameter: float
    gain: float = 1.0
    slow: float = 0.25

    deterministic = True

    def lift(self, macro: Array, rng: Generator) -> Array:
        return np.array([macro[0], 0.0])

    def relift(self, macro: Array, previous: Array, rng: Generator) -> Array:
        return np.array([macro[0], previous[1]])

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        end = self.gain * self.parameter
        hidden, rest = micro[1] - end, self.parameter + end
        later, died = np.exp(-self.slow * duration), np.exp(-duration)
        driven = hidden * (later - died) / (1 - self.slow)
        return np.array([rest + (micro[0] - rest) * died + driven, end + hidden * later])

    def restrict(self, micro: Array) -> Array:
        return micro[:1]

    def pack(self, micro: Array) -> dict[str, NDArray[Any]]:
        return {"micro": micro}

    def unpack(self, packed: Any) -> Array:
        return np.array(packed["micro"])


def method(span: tuple[float, float] = (-1.0, 0.5), duration: float = 0.1, **options: Any) -> PseudoArclength:
    """How to follow a branch, with options of the steps among those of the method."""
    options = {"first": 0.1, **options}
    steps = {name: options.pop(name) for name in tuple(options) if name in Steps.__dataclass_fields__}
    return PseudoArclength(duration=duration, span=span, steps=Steps(**steps), **options)


def labels(branch: ef.results.Branch) -> str:
    """A letter a point: s, u or ?."""
    return "".join("?" if point.stability.value == "undecided" else point.stability.value[0] for point in branch.points)


def runs(branch: ef.results.Branch) -> str:
    """The same, a letter for each run of equal labels."""
    return "".join(letter for letter, _ in groupby(labels(branch)))
