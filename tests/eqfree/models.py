"""Micro-models whose means and variances are known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence
from numpy.typing import NDArray

import eqfree as ef

Array = NDArray[np.float64]


@dataclass(frozen=True)
class OrnsteinUhlenbeck:
    """dx = -x dt + noise dW, one particle, sampled by its exact transition (Uhlenbeck and Ornstein 1930)."""

    noise: float = 1.0

    def lift(self, macro: Array, rng: Generator) -> Array:
        return macro

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        spread = self.noise * np.sqrt((1 - np.exp(-2 * duration)) / 2)
        return np.asarray(micro * np.exp(-duration) + spread * rng.standard_normal(micro.shape))

    def restrict(self, micro: Array) -> Array:
        return micro

    def mean(self, macro: float, time: float) -> float:
        return float(macro * np.exp(-time))

    def variance(self, time: float) -> float:
        return float(self.noise**2 * (1 - np.exp(-2 * time)) / 2)


@dataclass(frozen=True)
class BatchedOrnsteinUhlenbeck(OrnsteinUhlenbeck):
    """The same, with all replicas in one call."""

    def burst_batch(self, macros: Array, times: Array, streams: Sequence[tuple[SeedSequence, SeedSequence]]) -> Array:
        paths = np.empty((len(macros), len(times), *macros.shape[1:]))
        for replica, (macro, (_, stream)) in enumerate(zip(macros, streams, strict=True)):
            rng, micro = Generator(PCG64(stream)), macro
            for index, duration in enumerate(np.diff(times, prepend=0.0)):
                micro = self.evolve(micro, float(duration), rng) if duration > 0 else micro
                paths[replica, index] = micro
        return paths


@dataclass(frozen=True)
class Brownian:
    """x(t) = x(0) + drift t + noise W(t)."""

    drift: float = 0.0
    noise: float = 1.0

    def lift(self, macro: Array, rng: Generator) -> Array:
        return macro

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        step = self.noise * np.sqrt(duration) * rng.standard_normal(micro.shape)
        return np.asarray(micro + self.drift * duration + step)

    def restrict(self, micro: Array) -> Array:
        return micro


class Draws:
    """A population of three numbers: what lift drew, what evolve drew, what an event stream of evolve drew."""

    def __init__(self, lift_draws: int = 1) -> None:
        self.lift_draws = lift_draws

    def lift(self, macro: Array, rng: Generator) -> Array:
        return np.array([rng.random(self.lift_draws)[0], 0.0, 0.0])

    def evolve(self, micro: Array, duration: float, rng: Generator) -> Array:
        (_, second) = rng.spawn(2)
        return np.array([micro[0], rng.random(), second.random()])

    def restrict(self, micro: Array) -> Array:
        return micro


def decay(rate: float = 1.0, **options: Any) -> ef.MicroModel:
    """u' = -rate u, exactly; deterministic."""

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        return np.asarray(micro * np.exp(-rate * duration))

    return ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro, **{"deterministic": True} | options)


def drift(**options: Any) -> ef.MicroModel:
    """u' = 2, exactly; deterministic."""
    return ef.micro_model(
        lambda macro, rng: macro,
        lambda micro, duration, rng: micro + 2 * duration,
        lambda micro: micro,
        **{"deterministic": True} | options,
    )
