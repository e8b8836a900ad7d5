"""Slow-fast micro-models by their exact flows, and where their slow motion is known to go."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

import eqfree as ef

Array = NDArray[np.float64]


def linear(epsilon: float) -> ef.MicroModel:
    """x' = -x, y' = (x - y)/epsilon: y relaxes to the slow manifold y = x/(1 - epsilon)."""

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        x, y = micro
        later = x * np.exp(-duration)
        return np.array([later, later / (1 - epsilon) + (y - x / (1 - epsilon)) * np.exp(-duration / epsilon)])

    return ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro, deterministic=True)


def rotation(epsilon: float) -> ef.MicroModel:
    """z' = i z in the plane, y' = (Re z - y)/epsilon: y relaxes to Re[z/(1 + i epsilon)]."""

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        z = complex(*micro[:2])
        later = z * np.exp(1j * duration)
        slow, slow_later = ((point / (1 + 1j * epsilon)).real for point in (z, later))
        return np.array([later.real, later.imag, slow_later + (micro[2] - slow) * np.exp(-duration / epsilon)])

    return ef.micro_model(lambda macro, rng: macro, evolve, lambda micro: micro, deterministic=True)


def logistic(epsilon: float) -> ef.MicroModel:
    """x' = x (1 - x), z' = -z/epsilon, seen as x + z and x² - z: a curved slow manifold."""

    def lift(macro: Array, rng: Generator) -> Array:
        x = (np.sqrt(1 + 4 * macro.sum()) - 1) / 2
        return np.array([x, macro[0] - x])

    def evolve(micro: Array, duration: float, rng: Generator) -> Array:
        x, z = micro
        return np.array([x / (x + (1 - x) * np.exp(-duration)), z * np.exp(-duration / epsilon)])

    def restrict(micro: Array) -> Array:
        x, z = micro
        return np.array([x + z, x**2 - z])

    return ef.micro_model(lift, evolve, restrict, deterministic=True)
